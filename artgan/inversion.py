"""Inversion: the latent whose picture is nearest to a given one. Writes nothing.

Hundreds of seeds are looked at first; from the best of them gradient descent goes on, and from the
best of those Newton's method. A picture of the network's own is found again; of another comes what
the network has that is like it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from artgan.api import CheckpointError, PluginError, ShapeError
from artgan.images import from_bytes, laid_on, to_linear, to_unit
from artgan.keys import Key
from artgan.latents import derive, draw
from artgan.models import Model, find_weights
from artgan.neighbours import shrink
from artgan.pictures import PictureSpec, fit_picture, load_picture
from artgan.rendering import RENDER_BATCH, codes_of, mean_code, render

__all__ = ["REFINED", "STARTS", "STEPS", "Found", "invert", "invert_picture", "key_of_photo"]

STARTS = 512
REFINED = 4
STEPS = 300
"""How many seeds are looked at, how many of them are refined, and in how many steps."""

RATES = (0.1, 0.6)
"""Learning rates that each of them is refined with: small networks like the first, deep ones the
second."""

_BETAS = (0.9, 0.99)
_WARM = 0.05
"""The share of steps over which rates rise; they fall after that, as a cosine."""

_COARSEST_SCORED, _COARSEST = 8, 4  # pixels on the short side
_SHELL = 3 / math.sqrt(2)  # standard deviations of a Gaussian's length, which is about 1 / sqrt(2)
_NEAR_MEAN = 0.01  # weight of the squared distance of w from its mean, a coordinate
_PROGRESS = 10

_ROUNDS, _ROUND_PICTURES = 16, 2048  # of Newton's method at most, and pictures drawn for all
_NUDGE = 0.05  # by which a coordinate is moved to see what it does, in their spread
_DAMPINGS = (0.01, 0.1, 1.0, 10.0, 100.0)  # tried at each round, in parts of the last that was best
_SIDE = 64  # pixels of the short side that it looks at

# sRGB to cone responses and from their cube roots to OKLab
_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        code: in `space`, (d,) or (layers, d), float32, on the CPU.
        space: the highest space that the network has.
        image: as the network draws it, unit range, (C, H, W).
        distance: mean absolute difference from the picture, in unit levels.
        start: the same of the best seed.
    """

    code: Tensor
    space: Literal["z", "w"]
    image: Tensor
    distance: float
    start: float


def invert_picture(
    path: Path,
    model: Model,
    *,
    fitting: PictureSpec,
    seed: int = 0,
    starts: int = STARTS,
    steps: int = STEPS,
    told: Told = lambda done, total: None,
) -> tuple[Found, Tensor]:
    """Return what was found for the picture in a file, and the picture as the network would see it.

    Args:
        path: any picture that is read.
        model: see `invert`.
        fitting: what the pictures it learned from were brought to.
        seed, starts, steps, told: see `invert`.

    Raises:
        UnreadablePicture: it cannot be used; the reason is plain.
    """
    picture = from_bytes(
        torch.from_numpy(fit_picture(load_picture(path, near=fitting.size), fitting))
    )
    return invert(model, picture, seed=seed, starts=starts, steps=steps, told=told), picture


def key_of_photo(
    path: Path, model: Model, *, run: str, runs: Path, told: Told = lambda done, total: None
) -> tuple[Key, Found]:
    """Return the key of a photo, called after its file, and what was found for it.

    Args:
        path: the photo.
        model: what it is looked for with.
        run: RUN of a command line, which the model is of.
        runs: the folder that runs are in.
        told: see `invert`.

    Raises:
        UnreadablePicture: it cannot be read.
    """
    fitting = PictureSpec.of(find_weights(run, runs).config)
    found, _ = invert_picture(path, model, fitting=fitting, told=told)
    return Key.of_code(path.stem[:200], found.code, found.space), found


def invert(
    model: Model,
    picture: Tensor,
    *,
    seed: int = 0,
    starts: int = STARTS,
    refined: int = REFINED,
    steps: int = STEPS,
    told: Told = lambda done, total: None,
) -> Found:
    """Return the latent whose picture is nearest to a given one, of those that were found.

    Seeds are compared by small pictures in OKLab. The best are refined by Adam on the absolute
    differences of Laplacian pyramids, each at several rates, all in one batch but apart from each
    other; after each step latents get the length that draws have. The nearest of all, the best
    seed among them, is refined further by damped least squares, and wins if that went astray.

    Args:
        model: what draws; its weights stay as they are.
        picture: unit range, (C, H, W), as the model draws them.
        seed: of the seeds that are looked at.
        starts: how many of these, at least 1.
        refined: how many of them are refined, at most.
        steps: how often; 0 leaves it at the best seed.
        told: hears how many steps are done, of how many.

    Raises:
        ShapeError: the picture is not of the model's size.
        CheckpointError: the network cannot be differentiated.

    Source: OKLab: Ottosson 2020; Laplacian pyramids: Burt and Adelson 1983; damped least squares:
        Levenberg 1944, Marquardt 1963.
    """
    expected = (model.channels, *model.size)
    if tuple(picture.shape) != expected:
        raise ShapeError(f"a picture of shape {tuple(picture.shape)}, expected {expected}")
    target = picture[None].clamp(0, 1)
    seeds = [derive(seed, "inversion", number) for number in range(starts)]
    z = draw(seeds, model.z_dim, model.prior)
    best = _scores(model, codes_of(model, z), target).argsort()[:refined]
    space: Literal["z", "w"] = "w" if "w" in model.spaces else "z"
    first = codes_of(model, z[best]) if space == "w" else z[best]
    drawn = _drawn(model, first, space)
    start = float(_difference(drawn[:1], target))
    if steps == 0:
        return Found(first[0], space, drawn[0], start, start)
    codes = torch.cat([first, _refined(model, first, space, target, steps, told)])
    nearest, image, loss = _nearest(model, codes, space, target)
    closer, closer_image, closer_loss = _nearest(
        model, _polished(model, nearest, space, target)[None], space, target
    )
    if closer_loss < loss:
        nearest, image = closer, closer_image
    return Found(nearest, space, image, float(_difference(image[None], target)), start)


def _nearest(
    model: Model, codes: Tensor, space: str, target: Tensor
) -> tuple[Tensor, Tensor, float]:
    """Return the code whose picture is nearest to a target, that picture, and the loss."""
    images = _drawn(model, codes, space)
    losses = _loss(images, target)
    best = int(losses.argmin())
    return codes[best], images[best], float(losses[best])


def _scores(model: Model, codes: Tensor, target: Tensor) -> Tensor:
    """Return how far the picture of each code is from a target at small sizes, (N,)."""
    wanted = _halvings(_oklab(target), _COARSEST_SCORED)
    found = []
    for part in codes.split(RENDER_BATCH):
        images = torch.stack(list(render(model, part)))
        scales = _halvings(_oklab(images), _COARSEST_SCORED)
        pairs = zip(scales, wanted, strict=True)
        found.append(sum((a - b).square().mean((1, 2, 3)) for a, b in pairs))
    return torch.cat(found)  # type: ignore[arg-type]


def _refined(
    model: Model, first: Tensor, space: str, target: Tensor, steps: int, told: Told
) -> Tensor:
    """Return codes after descent, once for each rate, (len(RATES) * N, ...).

    Those that have become something else than numbers are left out.
    """
    groups = [first.clone().to(model.device).requires_grad_(True) for _ in RATES]
    optimizer = torch.optim.Adam(
        [{"params": [g], "lr": rate} for g, rate in zip(groups, RATES, strict=True)], betas=_BETAS
    )
    target = target.to(model.device)
    mean = _mean(model, first) if space == "w" else None
    for step in range(steps):
        share = step / steps
        factor = min(1.0, share / _WARM + 1 / (_WARM * steps)) * (1 + math.cos(math.pi * share)) / 2
        for group, rate in zip(optimizer.param_groups, RATES, strict=True):
            group["lr"] = rate * factor
        codes = torch.cat(groups)
        loss = _loss(to_unit(_rendered(model, codes, space)), target)
        if mean is not None:
            loss = loss + _NEAR_MEAN * (codes - mean).flatten(1).square().mean(1)
        optimizer.zero_grad()
        if not loss.requires_grad:
            raise CheckpointError(f"{model.label} cannot be differentiated: photos are not found")
        loss.sum().backward()
        optimizer.step()
        if space == "z":
            _to_shell(groups, model)
        if step % _PROGRESS == 0:
            told(step, steps)
    codes = torch.cat(groups).detach().float().cpu()
    return codes[codes.flatten(1).isfinite().all(1)]


def _polished(model: Model, code: Tensor, space: str, target: Tensor) -> Tensor:
    """Return a code after damped least squares on Laplacian pyramids of at most `_SIDE` pixels.

    It is no further from the target there. A round draws one picture for each coordinate, so codes
    of many get few rounds or none.
    """
    rounds = min(_ROUNDS, _ROUND_PICTURES // code.numel())
    if rounds == 0:  # what follows would hold the square of so many numbers
        return code
    wanted = _features(target)
    nudges = torch.eye(code.numel()) * (_NUDGE * max(float(code.square().mean().sqrt()), 1e-6))

    def off(codes: Tensor) -> Tensor:
        return _features(_drawn(model, codes.unflatten(1, code.shape), space)) - wanted

    best = code.flatten()
    here = off(best[None])
    damping = _DAMPINGS[0]
    for _ in range(rounds):
        slopes = ((off(best + nudges) - here) / nudges.diagonal()[:, None]).double()  # (d, F)
        square = slopes @ slopes.T
        scale = square.diagonal().mean().clamp_min(1e-30) * torch.eye(len(square)).double()
        tried = [damping * factor for factor in _DAMPINGS]
        steps = [torch.linalg.solve(square + d * scale, slopes @ here[0].double()) for d in tried]
        codes = best - torch.stack(steps).float().nan_to_num(0.0)
        if space == "z":
            _to_shell([codes], model)
        there = off(codes)
        lengths, length = there.square().sum(1), float(here.square().sum())
        index = int(lengths.argmin())
        if not float(lengths[index]) < length:
            break
        best, here = codes[index], there[index : index + 1]
        damping = min(max(tried[index], 1e-5), 1e3)
        if float(lengths[index]) > 0.999 * length:
            break
    found: Tensor = best.reshape(code.shape)
    return found


def _features(images: Tensor) -> Tensor:
    """Return Laplacian pyramids of small pictures as rows, each level counting alike, (N, F)."""
    levels = _laplacian(shrink(_visible(images), _SIDE))
    return torch.cat([level.flatten(1) / level[0].numel() ** 0.5 for level in levels], 1)


def _to_shell(groups: list[Tensor], model: Model) -> None:
    """Give latents a length that draws have: of a sphere its radius, else nearly that."""
    with torch.no_grad():
        for z in groups:
            length = z.norm(dim=-1, keepdim=True).clamp_min(1e-12)
            radius = math.sqrt(z.shape[-1])
            reach = 0.0 if model.prior == "sphere" else min(_SHELL, radius / 2)
            z.mul_(length.clamp(radius - reach, radius + reach) / length)


def _rendered(model: Model, codes: Tensor, space: str) -> Tensor:
    """Return pictures of latents or codes with a graph, signed range, (N, C, H, W)."""
    generator = model.generator
    if space == "z":
        codes = generator.codes(codes)  # type: ignore[operator]
    pictures: Tensor = generator.render(codes)[-1]  # type: ignore[operator]
    return pictures.float()


def _drawn(model: Model, codes: Tensor, space: str) -> Tensor:
    """Return pictures as walks draw them, unit range, (N, C, H, W)."""
    return torch.stack(list(render(model, codes_of(model, codes) if space == "z" else codes)))


def _mean(model: Model, like: Tensor) -> Tensor:
    mean = mean_code(model).to(model.device)
    if mean.shape != like.shape[1:]:
        raise PluginError("a generator gave codes of different shapes, expected the same for all z")
    return mean


# Differences ------------------------------------------------------------------------------------


def _loss(images: Tensor, target: Tensor) -> Tensor:
    """Return the absolute differences of Laplacian pyramids, summed over their levels, (N,)."""
    pairs = zip(_laplacian(_visible(images)), _laplacian(_visible(target)), strict=True)
    levels = [(a - b).abs().mean((1, 2, 3)) for a, b in pairs]
    return torch.stack(levels).sum(0)


def _difference(images: Tensor, target: Tensor) -> Tensor:
    difference: Tensor = (_visible(images.clamp(0, 1)) - _visible(target)).abs().mean((1, 2, 3))
    return difference


def _visible(images: Tensor) -> Tensor:
    """Return pictures with colours weighted by alpha: what cannot be seen does not count."""
    if images.shape[1] != 4:
        return images
    return torch.cat([images[:, :3] * images[:, 3:], images[:, 3:]], 1)


def _halvings(images: Tensor, least: int) -> list[Tensor]:
    """Return pictures at their size, a half, a quarter ..., down to a short side of `least`."""
    found = [images]
    while min(found[-1].shape[-2:]) // 2 >= least:
        found.append(functional.avg_pool2d(found[-1], 2))
    return found


def _laplacian(images: Tensor) -> list[Tensor]:
    """Return what each halving loses, and the last."""
    scales = _halvings(images, _COARSEST)
    lost = []
    for fine, coarse in zip(scales, scales[1:], strict=False):
        lost.append(fine - functional.interpolate(coarse, fine.shape[-2:], mode="nearest"))
    return [*lost, scales[-1]]


def _oklab(images: Tensor) -> Tensor:
    """Return pictures in OKLab, (N, 3, H, W); those with alpha laid on mid grey."""
    linear = to_linear(laid_on(images, 0.5).expand(-1, 3, -1, -1).clamp(0, 1))
    cones = torch.einsum("ij,njhw->nihw", torch.tensor(_CONES), linear).clamp_min(0) ** (1 / 3)
    return torch.einsum("ij,njhw->nihw", torch.tensor(_LAB), cones)

"""What is checked of an architecture: the shapes, the two ways to render, gradients, the batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, get_args

import torch
from torch import Tensor, nn

from artgan.api import Architecture, Networks, Prior, Size
from artgan.config import check_size, nearest_sizes
from artgan.images import check_images
from artgan.testing.chance import reseeded, untouched
from artgan.testing.codes import check_codes, check_mean
from artgan.testing.expect import (
    ContractError,
    expect,
    expect_close,
    expect_finite,
    expect_kept,
    expect_movable,
    expect_shape,
)
from artgan.testing.growing import check_growth, grown
from artgan.testing.phases import (
    COUNT,
    check_bfloat16,
    check_phases,
    check_terms,
    heads_of,
    latents,
    made_up,
    total,
)

__all__ = ["check"]

Build = Callable[..., Any]
MANY = 16
"""How many pictures are enough to tell signed range from unit range."""

GREY, CUT = 0.25, 0.05
"""A mean, and a share of values of exactly 0, that only unit range has where nothing is below."""


FAR = 100.0
"""How far biases are moved to see whether logits can leave the range of a sigmoid."""


def check(record: Architecture, build: Build, where: str) -> None:
    """Check an architecture at its smallest sizes, square and not, and each channel count."""
    _check_record(record, where)
    for size in _small_sizes(record):
        for channels in record.channels:
            at = f"{where}, size {size} (height, width), {channels} channels"
            _check_shapes(record, _built(record, build, size, channels, at), size, channels, at)
    size, channels = _small_sizes(record)[-1], record.channels[-1]
    networks = _built(record, build, size, channels, where)
    check_terms(record, networks, where)
    _check_seeded(networks, _built(record, build, size, channels, where), where)
    kept = _states(networks)
    with untouched(f"{where}: in evaluation mode it", "nothing left to chance there"):
        _check_rendered(record, networks, where)
        _check_kept(networks, kept, where)
        check_codes(record, networks, where)
    _check_range(record, networks, where)
    _check_alone(record, networks, where)
    check_phases(record, networks, where)
    _check_second_gradients(record, networks, where)
    _check_state(record, networks, _built(record, build, size, channels, where, seed=1), where)
    check_bfloat16(record, networks, where)
    check_growth(
        record, lambda: _built(record, build, size, channels, where), size, channels, where
    )
    _check_raw(record, _built(record, build, size, channels, where), where)
    check_mean(record, _built(record, build, size, channels, where), where)
    _check_moved(record, _built(record, build, size, channels, where), where)


def _check_record(record: Architecture, where: str) -> None:
    expect(
        bool(record.channels) and set(record.channels) <= {1, 3, 4},
        f"{where}: its channels are {record.channels}, expected some of 1, 3 and 4",
    )
    expect(
        1 <= record.min_side <= record.max_side,
        f"{where}: its sides are from {record.min_side} to {record.max_side} px",
    )
    expect(
        record.spaces in {("z",), ("z", "w")},
        f"{where}: its spaces are {record.spaces}, expected ('z',) or ('z', 'w')",
    )
    expect(
        record.latent_prior in get_args(Prior),
        f"{where}: its latent_prior is {record.latent_prior!r}, expected of {get_args(Prior)}",
    )
    for name, rate in (("default_lr", record.default_lr), ("gpu_lr", record.gpu_lr)):
        expect(
            rate is None or (math.isfinite(rate) and rate > 0),
            f"{where}: its {name} is {rate}, expected a number above 0",
        )


def _small_sizes(record: Architecture) -> list[Size]:
    """Return the smallest legal square, one that is no power of two, and one twice as wide.

    There are fewer where these are not legal.
    """
    (square, *_) = nearest_sizes((record.min_side,) * 2, record.min_side, record.max_side)
    check_size(square, record)
    (odd, *_) = nearest_sizes((square[0] * 3 // 2,) * 2, record.min_side, record.max_side)
    wide = (square[0], 2 * square[1])
    sizes = dict.fromkeys((square, odd, wide))
    return [size for size in sizes if max(size) <= record.max_side]


def _built(
    record: Architecture, build: Build, size: Size, channels: int, where: str, *, seed: int = 0
) -> Networks:
    """Return networks with weights of a seed, at the end of their growth, once they are what they
    have to be.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = build(size=size, channels=channels)
        expect(
            torch.initial_seed() == seed,
            f"{where}: it seeds torch's global generator while it is built, which is the host's: "
            "leave out torch.manual_seed",
        )
    if not isinstance(networks, Networks):
        raise ContractError(
            f"{where}: its target returned a {type(networks).__name__}, expected "
            "artgan.api.Networks"
        )
    has = "no discriminator" if networks.discriminator is None else "a discriminator"
    expect(
        record.adversarial == (networks.discriminator is not None),
        f"{where}: it has {has}, but its record says adversarial={record.adversarial}",
    )
    for name, module in networks.named().items():
        expect(isinstance(module, nn.Module), f"{where}: {name} is no torch.nn.Module")
    z_dim = getattr(networks.generator, "z_dim", None)
    expect(
        isinstance(z_dim, int) and z_dim > 0,
        f"{where}: the generator's z_dim is {z_dim!r}, expected how many numbers a latent has",
    )
    return grown(networks, where)


def _check_shapes(
    record: Architecture, networks: Networks, size: Size, channels: int, where: str
) -> None:
    generator = networks.generator.eval()
    for count in (1, 2, 3):  # training may use any batch from 2, rendering 1
        with torch.no_grad():
            z = latents(record, networks, count)
            kept = z.clone()
            pyramid = generator(z)
            expect_kept([z], [kept], f"{where}: the generator changed the latents it was given")
            if not isinstance(pyramid, tuple):
                raise ContractError(
                    f"{where}: the generator returned a {type(pyramid).__name__}, expected a tuple "
                    "of pictures, coarse to fine"
                )
            kind = "several scales" if record.multi_scale else "one scale"
            expect(
                (len(pyramid) > 1) == record.multi_scale,
                f"{where}: the generator returned {len(pyramid)} scales, but its record promises "
                f"{kind} (multi_scale={record.multi_scale})",
            )
            finest = expect_shape(
                pyramid[-1], (count, channels, *size), f"{where}: the generator's finest pictures"
            )
            for coarse, fine in zip(pyramid, pyramid[1:], strict=False):
                expect(
                    coarse.shape[-1] <= fine.shape[-1] and coarse.shape[-2] <= fine.shape[-2],
                    f"{where}: its scales run {[tuple(p.shape[-2:]) for p in pyramid]}, expected "
                    "coarse to fine",
                )
            for pictures in pyramid:
                check_images(pictures, "signed", f"{where}: the generator")
            expect_finite(finest, f"{where}: the generator's pictures")
            if networks.discriminator is None:
                continue
            pictures_kept = [scale.clone() for scale in pyramid]
            for head in heads_of(networks.discriminator.eval()(pyramid), count, where):
                expect_finite(head, f"{where}: logits")
            expect_kept(
                pyramid,
                pictures_kept,
                f"{where}: the discriminator changed the pictures it was given",
            )


def _states(networks: Networks) -> dict[str, Tensor]:
    """Return a copy of the state of all networks."""
    return {
        f"{name}'s {key}": values.clone()
        for name, module in networks.named().items()
        for key, values in module.state_dict().items()
    }


def _check_kept(networks: Networks, before: dict[str, Tensor], where: str) -> None:
    """Check that nothing in networks moved while they were in evaluation mode."""
    for name, values in _states(networks).items():
        expect(
            torch.equal(values, before[name]),
            f"{where}: {name} changed in evaluation mode, expected it to move in training alone",
        )


def _check_moved(record: Architecture, networks: Networks, where: str) -> None:
    """Check that networks take all of themselves along to another device."""
    z = latents(record, networks)
    fakes = networks.generator.eval()(z)
    expect_movable(networks.generator, lambda: networks.generator(z.to("meta")), where)
    if (judge := networks.discriminator) is not None:
        pictures = tuple(scale.detach().to("meta") for scale in fakes)
        expect_movable(judge.eval(), lambda: judge(pictures), where)


def _check_rendered(record: Architecture, networks: Networks, where: str) -> None:
    """Check that forward is render of codes, the same every time, and that 1 is all of psi."""
    generator: Any = networks.generator.eval()
    z = latents(record, networks)
    with torch.no_grad():
        pyramid, codes = generator(z), generator.codes(z)
        kept = codes.clone()
        for one, other in zip(generator(z), pyramid, strict=True):
            expect_close(
                one,
                other,
                f"{where}: pictures of the same latents twice in evaluation mode, where nothing is "
                "left to chance (noise is frozen, dropout is off)",
                atol=0,
            )
        for one, other in zip(generator.render(codes), pyramid, strict=True):
            expect_close(one, other, f"{where}: render(codes(z)) against forward(z)", atol=1e-5)
        expect_kept([codes], [kept], f"{where}: render changed the codes it was given")
        expect_close(generator.codes(z, 1.0), codes, f"{where}: codes(z, 1) against codes(z)")
    if networks.discriminator is not None:
        networks.discriminator.eval()
        for one, other in zip(_logits(networks, pyramid), _logits(networks, pyramid), strict=True):
            expect_close(
                one,
                other,
                f"{where}: logits of the same pictures twice in evaluation mode, where nothing is "
                "left to chance",
                atol=0,
            )


def _check_range(record: Architecture, networks: Networks, where: str) -> None:
    """Check that pictures use both halves of signed range: a sigmoid fills one of them alone.

    New networks may draw hardly anything but grey, which is 0: that a little above it is all there
    is says nothing.
    """
    with torch.no_grad():
        pictures = networks.generator.eval()(latents(record, networks, MANY))[-1]
    low, high = float(pictures.min()), float(pictures.max())
    cut = float((pictures == 0).float().mean())
    expect(
        low < 0 or (float(pictures.mean()) < GREY and cut < CUT),
        f"{where}: values of {MANY} pictures run from {low:.3g} to {high:.3g}, none below 0: "
        "expected signed range [-1, 1], not unit range [0, 1]",
    )


def _check_raw(record: Architecture, networks: Networks, where: str) -> None:
    """Check that logits are raw: with other biases they can be below 0 and above 1."""
    discriminator = networks.discriminator
    if discriminator is None:
        return
    biases = [p for name, p in discriminator.named_parameters() if name.endswith("bias")]
    with torch.no_grad():
        fakes = networks.generator.eval()(latents(record, networks))
        seen = list(_logits(networks, fakes))
        for shift in (FAR, -2 * FAR):
            for bias in biases:
                bias.add_(shift)
            seen += _logits(networks, fakes)
    logits = torch.cat(seen)
    expect(
        not biases or bool(((logits < 0) | (logits > 1)).any()),
        f"{where}: its logits run from {float(logits.min()):.3g} to {float(logits.max()):.3g}, "
        f"even where all biases of the discriminator are moved by {FAR:g}: expected raw logits, "
        "no sigmoid",
    )


def _check_seeded(networks: Networks, other: Networks, where: str) -> None:
    """Check that torch's global generator is the only source of a network's first weights."""
    for name, module in networks.named().items():
        same = other.named()[name].state_dict()
        for key, values in module.state_dict().items():
            expect(
                torch.equal(values, same[key]),
                f"{where}: {name}'s {key} is not the same where it was built twice after "
                "torch.manual_seed(0), expected that to be the only source of chance",
            )


def _check_alone(record: Architecture, networks: Networks, where: str) -> None:
    """Check that a batch is as good as its pictures one by one, or in another order."""
    generator = networks.generator.eval()
    z = latents(record, networks)
    with torch.no_grad():
        fakes = generator(z)
        alone = generator(z[1:2])
    for one, other in zip(alone, fakes, strict=True):
        expect_close(
            one[0], other[1], f"{where}: in evaluation mode a picture alone and among {COUNT}"
        )

    if networks.discriminator is None:
        return
    networks.discriminator.train()
    if _judge(networks, fakes, 1) != _judge(networks, fakes, 2):  # dropout: look where it rests
        networks.discriminator.eval()
    heads = _logits(networks, fakes)
    if record.batch_coupled:
        order = torch.tensor([2, 0, 3, 1])
        shuffled = _logits(networks, tuple(p[order] for p in fakes))
        for one, other in zip(shuffled, heads, strict=True):
            expect_close(one, other[order], f"{where}: logits of a batch in another order")
        return
    for one, other in zip(_logits(networks, tuple(p[1:2] for p in fakes)), heads, strict=True):
        expect_close(
            one[0],
            other[1],
            f"{where}: logits of a picture alone and among {COUNT} (say batch_coupled=True in its "
            "record if that is meant)",
        )


def _logits(networks: Networks, pictures: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if networks.discriminator is None:
        return ()
    with torch.no_grad():
        logits = networks.discriminator(pictures)
    return logits if isinstance(logits, tuple) else (logits,)


def _judge(networks: Networks, pictures: tuple[Tensor, ...], seed: int) -> list[float]:
    with reseeded(seed):
        return [round(float(head.sum()), 4) for head in _logits(networks, pictures)]


def _check_second_gradients(record: Architecture, networks: Networks, where: str) -> None:
    """Check that gradient penalties work: the gradient at pictures can be differentiated again."""
    if networks.discriminator is None:
        return
    discriminator = networks.discriminator.train()
    discriminator.zero_grad(set_to_none=True)
    with torch.no_grad():
        pictures = made_up(networks.generator(latents(record, networks)))
    inputs = [p.requires_grad_() for p in pictures]
    slopes = torch.autograd.grad(total(discriminator(pictures), -1.0), inputs, create_graph=True)
    penalty = torch.stack([slope.square().sum() for slope in slopes]).sum()
    expect_finite(penalty.detach(), f"{where}: squared gradient of D at pictures")
    penalty.backward()
    for name, parameter in discriminator.named_parameters():
        if parameter.grad is not None:
            expect_finite(parameter.grad, f"{where}: second gradient of {name}")


def _check_state(record: Architecture, networks: Networks, other: Networks, where: str) -> None:
    """Check that state_dict holds all that a network is."""
    z = latents(record, networks)
    for name, module in networks.named().items():
        other.named()[name].load_state_dict(module.state_dict())
    with torch.no_grad():
        ours, theirs = networks.generator.eval()(z), other.generator.eval()(z)
        for one, same in zip(ours, theirs, strict=True):
            expect_close(one, same, f"{where}: pictures after state_dict was loaded", atol=1e-6)
        for module in (*networks.named().values(), *other.named().values()):
            module.eval()
        for one, same in zip(_logits(networks, ours), _logits(other, ours), strict=True):
            expect_close(one, same, f"{where}: logits after state_dict was loaded", atol=1e-6)

"""What is checked of a loss of pictures: relative, means over places, finite."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, get_args

import torch
from torch import Tensor

from artgan.api import Loss, PictureLoss, Size, Target
from artgan.latents import generator
from artgan.testing.chance import untouched
from artgan.testing.expect import ContractError, expect, expect_close, expect_finite, expect_shape

__all__ = ["check"]

Features = dict[str, Tensor]

PIXELS = "pixels"
COUNT = 2
SIZE: Size = (64, 128)
CHANNELS = (6, 10)
"""Of the made-up layers; each is half as large as the one before."""

LEAST, MOST = 0.05, 20.0
"""Between what a relative loss of two that have nothing to do with each other is."""

NEAR = 0.05
"""How far values may be apart, in parts of the larger, that are the same but for rims and seams."""


def check(record: Loss, build: Callable[..., Any], where: str) -> None:
    """Check a loss on made-up features, or on pictures where it looks at pixels.

    What is in the parts of a picture that it is averaged over is alike for a loss of pixels. For
    one of features it is not: only statistics that are means over places pass.
    """
    targets = get_args(Target)
    expect(
        record.target_from in targets,
        f"{where}: it compares with {record.target_from!r}, expected one of {targets}",
    )
    places = ("style", "content", PIXELS)
    expect(
        record.looks_at in places,
        f"{where}: it looks at {record.looks_at!r}, expected one of {places}",
    )
    expect(
        math.isfinite(record.weight) and record.weight >= 0,
        f"{where}: its weight is {record.weight}, expected a number of at least 0",
    )
    expected = "a pure function; draw once, from a generator with a seed of its own"
    with untouched(f"{where}: it", expected):  # first, for chance looks like many other faults
        _ = _Case(record, build(), where).usual
    with untouched(f"{where}: it", expected):
        case = _Case(record, build(), where)
        for check_one in (_check_arguments, _check_values, _check_batch, _check_gradients):
            check_one(case)
        _check_flat(case)
        _check_sizes(case)
        if record.local:
            _check_places(case)
        else:
            _check_parts(case)
            _check_mask(case)
        again = _Case(record, build(), where)
        expect_close(again.usual, case.usual, f"{where}: the values of two that were built")


# What it is shown ---------------------------------------------------------------------------


def _texture(seed: int, count: int, size: Size) -> Tensor:
    """Return unit pictures of waves that join at all rims and at the middle, (count, 3, H, W)."""
    random = generator(seed)
    y, x = (torch.arange(side) * (2 * math.pi / side) for side in size)
    odd = bool(seed % 2)  # unrelated pictures differ in colours, directions, sizes and contrast
    cast, strength = (0.06, 0.2) if odd else (-0.06, 0.12)
    level = torch.tensor([cast, 0.0, -cast]).view(1, 3, 1, 1) + 0.4 + 0.05 * (seed % 3)
    drawn = level.repeat(count, 1, *size)
    for _ in range(4):
        many = torch.randint(2, 6, (count, 1, 1), generator=random)
        few = torch.randint(0, 2, (count, 1, 1), generator=random)
        across, down = (few, many) if odd else (many, few)
        phase = 6 * torch.rand(count, 1, 1, generator=random)
        wave = torch.sin(2 * across * x + down * y[:, None] + phase)
        colour = torch.rand(count, 3, generator=random) - 0.5
        drawn += strength * colour[..., None, None] * wave[:, None]
    drawn += 0.05 * torch.randn(drawn.shape, generator=random)
    return drawn.clamp(0, 1)


def _layer(seed: int, count: int, channels: int, size: Size, *, uneven: bool) -> Tensor:
    """Return what a layer after a ReLU might be, in the right half brighter, (count, C, h, w)."""
    random = generator(seed)
    mix = torch.randn(channels, channels, generator=random) / channels**0.5
    noise = torch.randn(count, channels, *size, generator=random)
    if uneven:
        noise[..., size[1] // 2 :] += 2 * torch.randn(channels, 1, 1, generator=random)
    return torch.einsum("dc,nchw->ndhw", mix, noise).relu()


class _Case:
    """A loss and what it is shown: `features` of some pictures, a `target` of another one."""

    def __init__(self, record: Loss, loss: PictureLoss, where: str) -> None:
        kinds = (getattr(loss, name, None) for name in ("statistics", "compare"))
        expect(
            all(callable(kind) for kind in kinds),
            f"{where}: its target returned a {type(loss).__name__}, expected a loss with "
            "'statistics' and 'compare' (artgan.api.PictureLoss)",
        )
        layers = getattr(loss, "layers", None)
        expect(
            isinstance(layers, tuple) and all(isinstance(name, str) for name in layers),
            f"{where}: its layers are {layers!r}, expected the names that its options ask for, ()"
            " where they ask for none",
        )
        self.record, self.loss, self.where = record, loss, where
        self.layers = (PIXELS,) if record.looks_at == PIXELS else loss.layers or ("fine", "coarse")
        self.features = self.shown(1)
        self.target = self.shown(2, count=1)

    def shown(self, seed: int, *, count: int = COUNT, size: Size = SIZE) -> Features:
        """Return features of made-up pictures, by layer."""
        found: Features = {}
        for number, layer in enumerate(self.layers):
            if layer == PIXELS:
                found[layer] = _texture(seed, count, size)
                continue
            channels = CHANNELS[min(number, len(CHANNELS) - 1)]
            half = 2 ** min(number, 3)
            small = (max(1, size[0] // half), max(1, size[1] // half))
            uneven = not self.record.local
            found[layer] = _layer(10 * seed + number, count, channels, small, uneven=uneven)
        return found

    def statistics(
        self, features: Features, mask: Features | None = None, what: str = ""
    ) -> Features:
        """Return the statistics of features, once they are what a loss may return."""
        at = f"{self.where}{what}"
        found = self.loss.statistics(features, mask)
        if not isinstance(found, Mapping):
            raise ContractError(
                f"{at}: its statistics are a {type(found).__name__}, expected tensors by name"
            )
        expect(bool(found), f"{at}: its statistics are empty, expected what it compares")
        count = len(next(iter(features.values())))
        for name, values in found.items():
            shape = tuple(values.shape) if isinstance(values, Tensor) else ()
            expect_shape(values, (count, *shape[1:]), f"{at}: statistics '{name}'")
            expect_finite(values.detach(), f"{at}: statistics '{name}'")
        return dict(found)

    def wanted(self, features: Features) -> Features:
        """Return what is compared with: the statistics of features, or nothing."""
        if self.record.target_from == "none":
            return {}
        with torch.no_grad():
            return self.statistics(features, what=", of the target")

    def compare(self, statistics: Features, target: Features, what: str = "") -> Tensor:
        """Return a value a picture, once they are numbers of at least 0."""
        at = f"{self.where}{what}: its values"
        count = len(next(iter(statistics.values())))
        values = expect_shape(self.loss.compare(statistics, target), (count,), at)
        expect_finite(values.detach(), at)
        least = float(values.detach().min())
        expect(least >= 0, f"{at}: the least is {least:.3g}, expected at least 0")
        return values

    @cached_property
    def usual(self) -> Tensor:
        """Return the values of its features against its target, (N,)."""
        return self.value()

    def value(
        self,
        features: Features | None = None,
        target: Features | None = None,
        what: str = "",
        mask: Features | None = None,
    ) -> Tensor:
        """Return the values of features against features of one picture, (N,)."""
        statistics = self.statistics(features or self.features, mask, what)
        return self.compare(statistics, self.wanted(target or self.target), what)


def _near(given: Tensor, expected: Tensor, message: str) -> None:
    """Check that values agree, but for what rims and seams make of them."""
    off = float(((given - expected).abs() / expected.abs().clamp_min(1e-6)).detach().max())
    expect(off <= NEAR, f"{message}: they differ by up to {off:.0%}, expected at most {NEAR:.0%}")


def _each(features: Features, change: Callable[[Tensor], Tensor]) -> Features:
    return {name: change(values) for name, values in features.items()}


# What is checked ----------------------------------------------------------------------------


def _check_values(case: _Case) -> None:
    """Check that a loss is 0 at its target, about 1 far from it, and the same for louder layers."""
    far = case.usual
    if case.record.target_from == "none":
        expect(
            float(far.max()) <= MOST,
            f"{case.where}: its values of pictures are up to {float(far.max()):.3g}, expected "
            f"means over pixels, at most {MOST:g}",
        )
        return
    own = case.value(case.target, what=", at its own target")
    expect(
        float(own) <= 1e-4,
        f"{case.where}: its value at its own target is {float(own):.3g}, expected 0",
    )
    expect(
        bool(((far >= LEAST) & (far <= MOST)).all()),
        f"{case.where}: its values between unrelated pictures (of other colours, directions, sizes "
        f"and contrasts) are {float(far.min()):.3g} to {float(far.max()):.3g}, expected about 1 "
        f"({LEAST:g} to {MOST:g}): divide by the target's own energy",
    )
    if case.layers == (PIXELS,):
        return  # always in unit range: a darker picture is another one
    factor = 4.0
    features, target = (
        _each(each, lambda values: factor * values) for each in (case.features, case.target)
    )
    _near(
        case.value(features, target),
        far,
        f"{case.where}: its values where all features are {factor:g} times as large (divide by "
        "the target's own energy)",
    )


def _check_batch(case: _Case) -> None:
    """Check that pictures do not see their neighbours, and that the layout makes no difference."""
    together = case.usual
    for number in range(COUNT):
        one = {name: values[number : number + 1] for name, values in case.features.items()}
        alone = case.value(one)
        expect_close(alone[0], together[number], f"{case.where}: a picture alone and among {COUNT}")
    last = _each(case.features, lambda v: v.contiguous(memory_format=torch.channels_last))
    expect_close(case.value(last), together, f"{case.where}: features with channels last and first")


def _check_arguments(case: _Case) -> None:
    """Check that nothing it is given is changed."""
    given = {"features": _each(case.features, Tensor.clone)}
    if not case.record.local:
        given["mask"] = _each(case.features, lambda values: torch.ones_like(values[:, :1]))
    kept = {name: _each(each, Tensor.clone) for name, each in given.items()}
    given["statistics"] = case.statistics(given["features"], given.get("mask"))
    given["target"] = case.wanted(_each(case.target, Tensor.clone))
    for name in ("statistics", "target"):
        kept[name] = _each(given[name], Tensor.clone)
    case.compare(given["statistics"], given["target"])
    for name, each in given.items():
        same = list(each) == list(kept[name]) and all(
            torch.equal(values, kept[name][key]) for key, values in each.items()
        )
        expect(same, f"{case.where}: it changed the {name} that it was given, expected it not to")


def _slopes(case: _Case, features: Features, target: Features, what: str) -> Features:
    """Return the gradient at features, once it is finite."""
    leaves = _each(features, lambda values: values.clone().requires_grad_())
    values = case.value(leaves, target, what)
    expect(values.requires_grad, f"{case.where}{what}: no gradient flows through it")
    slopes = torch.autograd.grad(values.sum(), list(leaves.values()), materialize_grads=True)
    for name, slope in zip(leaves, slopes, strict=True):
        expect_finite(slope, f"{case.where}{what}: gradient at layer '{name}'")
    return dict(zip(leaves, slopes, strict=True))


def _check_gradients(case: _Case) -> None:
    """Check that every layer gets a gradient, and that it is finite at the target too."""
    for name, slope in _slopes(case, case.features, case.target, "").items():
        expect(
            bool(slope.flatten(1).any(1).all()),
            f"{case.where}: its gradient at layer '{name}' is 0, expected it to look there",
        )
    _slopes(case, case.target, case.target, ", at its own target")


def _check_flat(case: _Case) -> None:
    """Check that pictures of one colour, on either side, and layers of 1x1 break nothing."""
    for level in (0.0, 0.5):
        flat = {name: torch.full_like(values, level) for name, values in case.target.items()}
        _slopes(case, flat, case.target, f", at features that are {level:g} all over")
        _slopes(case, case.features, flat, f", where the target is {level:g} all over")
        _slopes(case, flat, flat, f", where both are {level:g} all over")
    small, target = (case.shown(seed, count=1, size=(1, 1)) for seed in (1, 2))
    _slopes(case, small, target, ", at layers of 1x1")
    if not case.record.local:
        _slopes(case, small, case.target, ", at layers of 1x1, the target larger")


def _check_sizes(case: _Case) -> None:
    """Check that four times the same, side by side, is the same to a loss that knows no places."""
    if case.record.local and case.record.target_from != "none":
        return
    fourfold = _each(case.features, lambda values: values.repeat(1, 1, 2, 2))
    _near(
        case.value(fourfold),
        case.usual,
        f"{case.where}: its values of a picture and of the same one laid out 2x2 (take means over "
        "places, not sums)",
    )


def _halves(features: Features) -> tuple[Features, Features]:
    left = _each(features, lambda values: values[..., : values.shape[3] // 2])
    return left, _each(features, lambda values: values[..., values.shape[3] // 2 :])


def _check_places(case: _Case) -> None:
    """Check that a local loss is a mean over parts, as it is where a picture is cut to tiles."""
    parts = [case.statistics(half, what=", half a picture") for half in _halves(case.features)]
    targets = [case.wanted(half) for half in _halves(case.target)]
    for name in targets[0]:
        if targets[0][name].ndim != 4:  # not a map: what is known of the parts is averaged
            targets[0][name] = targets[1][name] = (targets[0][name] + targets[1][name]) / 2
    values = [case.compare(*pair, ", half") for pair in zip(parts, targets, strict=True)]
    _near(
        (values[0] + values[1]) / 2,
        case.usual,
        f"{case.where}: the mean of its values of both halves and that of the whole (its record "
        "says local=True)",
    )


def _check_parts(case: _Case) -> None:
    """Check that statistics of a whole are the mean of those of its parts."""
    left, right = (case.statistics(half, what=", half") for half in _halves(case.features))
    whole = case.statistics(case.features)
    expect(
        set(left) == set(right) == set(whole),
        f"{case.where}: statistics of a whole are {sorted(whole)}, of its halves {sorted(left)} "
        f"and {sorted(right)}: expected the same names at any size",
    )
    target = case.wanted(case.target)
    _near(
        case.compare({name: (left[name] + right[name]) / 2 for name in whole}, target),
        case.compare(whole, target),
        f"{case.where}: its values by the statistics of a whole and by the mean of those of its "
        "halves (statistics have to be means over places: raw moments, not centred ones or roots)",
    )


def _check_mask(case: _Case) -> None:
    """Check that what is masked out has no say, and that the rest is a mean all the same."""
    ones = _each(case.features, lambda values: torch.ones_like(values[:, :1]))
    expect_close(
        case.value(mask=ones),
        case.usual,
        f"{case.where}: its values with a mask of ones and with none",
    )
    left = _each(
        ones, lambda values: values * (torch.arange(values.shape[3]) < values.shape[3] / 2)
    )
    masked = case.value(mask=left)
    other = _each(case.features, Tensor.clone)
    for values in other.values():
        values[..., values.shape[3] // 2 :] = 1 - values[..., values.shape[3] // 2 :]
    expect_close(
        case.value(other, mask=left),
        masked,
        f"{case.where}: its values before and after a change of what is masked out",
    )
    _near(
        masked,
        case.value(_halves(case.features)[0]),
        f"{case.where}: its values of a half by a mask and of that half alone (take means over "
        "what the mask lets through)",
    )
    leaves = _each(case.features, lambda values: values.clone().requires_grad_())
    nothing = case.statistics(leaves, _each(ones, torch.zeros_like), ", a mask of zeros")
    total = torch.stack([values.sum() for values in nothing.values()]).sum()
    if total.requires_grad:
        for slope in torch.autograd.grad(total, list(leaves.values()), materialize_grads=True):
            expect_finite(slope, f"{case.where}: gradient through a mask of zeros")

"""What is checked of an augmentation: shapes, chance, gradients, and that pictures are apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from artgan.api import Augmentation, Size
from artgan.images import pyramid_like
from artgan.testing.chance import untouched
from artgan.testing.expect import ContractError, expect, expect_close, expect_finite, expect_shape

if TYPE_CHECKING:
    from artgan.api import Augment, Pyramid

__all__ = ["check"]

COUNT = 4
SIZES: tuple[tuple[Size, ...], ...] = (((8, 8),), ((8, 12),), ((4, 6), (8, 12), (16, 24)))
LATE = 10**12  # pictures: any schedule is at its end
LARGE: tuple[Size, ...] = ((32, 48), (64, 96))
LEVEL, SLACK = 0.6, 0.1
"""A colour of large pictures, and how far its mean may be from scale to scale: rims are of whole
pixels, and noise is a little off on average."""


def check(record: Augmentation, build: Callable[..., Any], where: str) -> None:
    """Check an augmentation on one scale and on several, with each channel count."""
    augment = build()
    if not callable(augment):
        raise ContractError(
            f"{where}: its target returned a {type(augment).__name__}, expected a function "
            "(artgan.api.Augment)"
        )
    for sizes in SIZES:
        for channels in (1, 3, 4):
            at = f"{where}, {len(sizes)} scales up to {sizes[-1]}, {channels} channels"
            pictures = _pyramid(sizes, channels)
            _check_results(augment, pictures, at)
            _check_chance(augment, pictures, at)
            _check_strength(augment, pictures, record, at)
            _check_apart(augment, pictures, at)
            _check_layout(augment, pictures, at)
            _check_gradients(augment, pictures, at)
    _check_scales(augment, where)


def _pyramid(sizes: tuple[Size, ...], channels: int, *, seed: int = 0) -> Pyramid:
    random = torch.Generator().manual_seed(seed)
    finest = torch.rand(COUNT, channels, *sizes[-1], generator=random) * 2 - 1
    return pyramid_like(finest, [torch.empty(size) for size in sizes])


def _apply(
    augment: Augment,
    pictures: Pyramid,
    where: str,
    *,
    strength: float = 1.0,
    cur_nimg: int = 0,
    seed: int = 0,
) -> Pyramid:
    """Return what it makes of pictures, once that is a pyramid of the same shapes."""
    random = torch.Generator().manual_seed(seed)
    changed = augment(pictures, strength=strength, cur_nimg=cur_nimg, random=random)
    if not isinstance(changed, tuple):
        raise ContractError(
            f"{where}: it returned a {type(changed).__name__}, expected a tuple of pictures, "
            "coarse to fine"
        )
    expect(
        len(changed) == len(pictures),
        f"{where}: it returned {len(changed)} scales of {len(pictures)}",
    )
    for given, one in zip(pictures, changed, strict=True):
        at = f"{where}: what it made of {tuple(given.shape[-2:])} pictures"
        expect_finite(expect_shape(one, tuple(given.shape), at), at)
    return changed


def _same(one: Pyramid, other: Pyramid) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def _check_results(augment: Augment, pictures: Pyramid, where: str) -> None:
    """Check shapes early and late, weak and strong, and that the arguments stay as they are."""
    kept = tuple(scale.clone() for scale in pictures)
    for strength in (0.0, 0.5, 1.0):
        for cur_nimg in (0, LATE):
            at = f"{where}, strength {strength}, {cur_nimg} pictures"
            _apply(augment, pictures, at, strength=strength, cur_nimg=cur_nimg)
            expect(_same(pictures, kept), f"{at}: it changed the pictures it was given in place")


def _check_chance(augment: Augment, pictures: Pyramid, where: str) -> None:
    """Check that chance comes from the generator it is given and from nowhere else."""
    first = _apply(augment, pictures, where)
    with untouched(f"{where}: it", "the one it is given only"):
        again = _apply(augment, pictures, where)
    for one, other in zip(again, first, strict=True):
        expect_close(one, other, f"{where}: the same seed twice", atol=0)
    others = [_apply(augment, pictures, where, seed=seed) for seed in (1, 2, 3)]
    expect(
        not all(_same(first, other) for other in others),
        f"{where}: four seeds at full strength give the same pictures, expected chance",
    )


def _check_strength(augment: Augment, pictures: Pyramid, record: Augmentation, where: str) -> None:
    """Check what strength does: nothing, unless the record says that it is adaptive."""
    resting = _apply(augment, pictures, where, strength=0.0)
    if record.adaptive:
        expected, meaning = pictures, "pictures at strength 0 and as they were (adaptive)"
    else:
        expected = _apply(augment, pictures, where, strength=1.0)
        meaning = "pictures at strengths 0 and 1 (its record says adaptive=False)"
    for one, other in zip(resting, expected, strict=True):
        expect_close(one, other, f"{where}: {meaning}", atol=0)


def _check_apart(augment: Augment, pictures: Pyramid, where: str) -> None:
    """Check that what a picture becomes does not depend on what its neighbours show."""
    sizes = tuple((scale.shape[2], scale.shape[3]) for scale in pictures)
    strangers = _pyramid(sizes, pictures[0].shape[1], seed=1)
    mixed = tuple(
        torch.cat([scale[:1], other[1:]]) for scale, other in zip(pictures, strangers, strict=True)
    )
    for one, other in zip(
        _apply(augment, mixed, where), _apply(augment, pictures, where), strict=True
    ):
        expect_close(one[0], other[0], f"{where}: a picture among others and among strangers")


def _check_scales(augment: Augment, where: str) -> None:
    """Check that what happens to a picture happens to it at every scale."""
    plain = tuple(torch.full((COUNT, 3, *size), LEVEL) for size in LARGE)
    for seed in range(8):
        means = [scale.mean((2, 3)) for scale in _apply(augment, plain, where, seed=seed)]
        off = max(float((mean - means[-1]).abs().max()) for mean in means)
        expect(
            off <= SLACK,
            f"{where}: a picture of {LEVEL:g} all over has means that are up to {off:.2g} apart at "
            "its scales, expected one change for all of them",
        )


def _check_layout(augment: Augment, pictures: Pyramid, where: str) -> None:
    """Check that the layout in memory makes no difference: networks return channels last."""
    last = tuple(scale.contiguous(memory_format=torch.channels_last) for scale in pictures)
    for one, other in zip(
        _apply(augment, last, where), _apply(augment, pictures, where), strict=True
    ):
        expect_close(one, other, f"{where}: pictures with channels last and first")


def _check_gradients(augment: Augment, pictures: Pyramid, where: str) -> None:
    """Check that G learns through it, and that penalties on gradients can look through it."""
    inputs = [scale.clone().requires_grad_() for scale in pictures]
    changed = _apply(augment, tuple(inputs), where)
    total = torch.stack([scale.pow(3).sum() for scale in changed]).sum()
    _check_gradient(total, inputs, where)


def _check_gradient(total: Tensor, inputs: list[Tensor], where: str) -> None:
    expect(total.requires_grad, f"{where}: no gradient flows through it")
    slopes = torch.autograd.grad(total, inputs, create_graph=True, materialize_grads=True)
    for slope in slopes:
        expect_finite(slope.detach(), f"{where}: gradient through it")
        expect(bool(slope.any()), f"{where}: no gradient flows through one of its scales")
    penalty = torch.stack([slope.square().sum() for slope in slopes]).sum()
    try:
        penalty.backward()  # the whole graph: `grad` would leave out what leads nowhere
    except RuntimeError as error:
        raise ContractError(f"{where}: it cannot be differentiated twice: {error}") from error
    for given in inputs:
        second = torch.zeros(()) if given.grad is None else given.grad
        expect_finite(second, f"{where}: second gradient through it")
        expect(bool(second.any()), f"{where}: its second gradient is 0, expected r1 to see it")

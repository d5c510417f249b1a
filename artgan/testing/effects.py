"""What is checked of an effect: a pure change to pictures of any size, each on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from artgan.api import Alter, Effect, Size
from artgan.latents import generator
from artgan.testing.chance import untouched
from artgan.testing.expect import (
    ContractError,
    expect,
    expect_close,
    expect_finite,
    expect_shape,
)

__all__ = ["check"]

COUNT = 3
SIZES: tuple[Size, ...] = ((8, 8), (7, 12), (13, 9), (4, 4))
SLACK = 1e-5
"""How far values may lie outside unit range, for rounding."""


def check(record: Effect, build: Callable[..., Any], where: str) -> None:
    """Check an effect with each channel count, at square, wide, high and odd sizes."""
    alter = build()
    if not callable(alter):
        raise ContractError(
            f"{where}: its target returned a {type(alter).__name__}, expected a function "
            "(artgan.api.Alter)"
        )
    for size in SIZES:
        for channels in (1, 3, 4):
            at = f"{where}, {channels} channels of {size}"
            images = torch.rand(COUNT, channels, *size, generator=generator(channels))
            _check_results(alter, images, at)
            _check_repeats(alter, images, at)
            _check_apart(alter, images, at)
            _check_layout(alter, images, at)
            _check_constant(alter, images, at)


def _apply(alter: Alter, images: Tensor, where: str) -> Tensor:
    """Return what it makes of pictures, once that has their shape and unit range."""
    made = expect_shape(alter(images), tuple(images.shape), where)
    expect_finite(made, where)
    low, high = float(made.min()), float(made.max())
    expect(
        -SLACK <= low and high <= 1 + SLACK,
        f"{where}: values from {low:.3g} to {high:.3g}, expected unit range [0, 1] (signed "
        "range is for what networks draw)",
    )
    return made


def _check_results(alter: Alter, images: Tensor, where: str) -> None:
    """Check chance, black and white pictures, and that the arguments stay as they are."""
    for name, given in (
        ("pictures of noise", images),
        ("black and white pixels", images.round()),
        ("black pictures", torch.zeros_like(images)),
        ("white pictures", torch.ones_like(images)),
    ):
        kept = given.clone()
        _apply(alter, given, f"{where}, {name}")
        expect(torch.equal(given, kept), f"{where}: it changed the pictures it was given in place")


def _check_repeats(alter: Alter, images: Tensor, where: str) -> None:
    """Check that the same pictures give the same, and that nothing is left to chance."""
    first = _apply(alter, images, where)
    with untouched(f"{where}: it", "nothing left to chance: a number of its options, if any"):
        again = _apply(alter, images, where)
    expect_close(again, first, f"{where}: the same pictures twice", atol=0)


def _check_apart(alter: Alter, images: Tensor, where: str) -> None:
    """Check that what a picture becomes does not depend on the others."""
    together = _apply(alter, images, where)
    for i in range(COUNT):
        alone = _apply(alter, images[i : i + 1], where)
        expect_close(alone[0], together[i], f"{where}: a picture alone and among others", atol=1e-6)


def _check_layout(alter: Alter, images: Tensor, where: str) -> None:
    """Check that the layout in memory makes no difference: networks return channels last."""
    last = images.contiguous(memory_format=torch.channels_last)
    expect_close(
        _apply(alter, last, where),
        _apply(alter, images, where),
        f"{where}: pictures with channels last and first",
        atol=1e-6,
    )


def _check_constant(alter: Alter, images: Tensor, where: str) -> None:
    """Check that each picture of one colour stays of one colour: nothing comes in at the rim."""
    plain = images[:, :, :1, :1].expand_as(images).contiguous()
    made = _apply(alter, plain, where)
    expect_close(
        made,
        made[:, :, :1, :1].expand_as(made),
        f"{where}: a picture of one colour and the colour of its corner",
        atol=SLACK,
    )

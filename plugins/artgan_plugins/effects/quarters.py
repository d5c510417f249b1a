"""Quarters: one quarter of a picture mirrored both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from artgan_plugins.effects.mirror import folded

if TYPE_CHECKING:
    from artgan.api import Alter
    from artgan_plugins.effects.options import Corner, QuartersOptions

__all__ = ["build", "quarters"]


def quarters(images: Tensor, *, corner: Corner = "top-left") -> Tensor:
    """Return pictures whose quarters mirror each other across and down, to the bit.

    Args:
        images: unit range, (N, C, H, W), C of 1, 3 or 4.
        corner: the quarter that is kept.
    """
    upright, _, sideways = corner.partition("-")
    return folded(folded(images, -2, first=upright == "top"), -1, first=sideways == "left")


def build(options: QuartersOptions) -> Alter:
    """Return the effect."""

    def effect(images: Tensor) -> Tensor:
        return quarters(images, corner=options.corner)

    return effect

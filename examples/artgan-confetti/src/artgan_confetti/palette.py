"""Palette: a picture's colours come as often as they do in the style, wherever they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from artgan_confetti.options import PaletteOptions

__all__ = ["Palette", "build", "colour_counts"]

PIXELS = "pixels"


def colour_counts(pictures: Tensor, mask: Tensor | None, *, steps: int) -> Tensor:
    """Return how often each colour of a cube occurs, (N, steps ** 3); they sum to 1 a picture.

    A pixel counts for the eight colours around its own, by how near it is to each, so that the
    counts change smoothly.

    Args:
        pictures: unit range, (N, 3, H, W).
        mask: how much each pixel counts, (N, 1, H, W); None counts all.
        steps: levels of each channel, at least 2.
    """
    levels = torch.linspace(0, 1, steps, device=pictures.device, dtype=pictures.dtype)
    away = (pictures.unsqueeze(2) - levels.view(1, 1, -1, 1, 1)).abs() * (steps - 1)
    red, green, blue = (1 - away).clamp_min(0).flatten(3).unbind(1)  # each (N, steps, H*W)
    if mask is not None:
        red = red * mask.flatten(2)
    counts = torch.einsum("nrp,ngp,nbp->nrgb", red, green, blue).flatten(1)
    return counts / counts.sum(1, keepdim=True).clamp_min(1e-9)


class Palette:
    """The loss; its statistics are the counts."""

    layers: tuple[str, ...] = ()

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def statistics(
        self, features: Mapping[str, Tensor], mask: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Return `colour_counts` of unit pictures."""
        shown = None if mask is None else mask[PIXELS]
        return {"counts": colour_counts(features[PIXELS], shown, steps=self.steps)}

    def compare(self, statistics: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """Return the squared distance of the counts in parts of the target's square, (N,)."""
        wanted = target["counts"]
        away = (statistics["counts"] - wanted).square().sum(1)
        return away / wanted.square().sum(1).clamp_min(1e-9)


def build(options: PaletteOptions) -> Palette:
    """Return the loss."""
    return Palette(options.steps)

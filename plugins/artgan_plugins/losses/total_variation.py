"""Total variation: a penalty on differences between neighbouring pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from artgan_plugins.losses.options import TotalVariationOptions

__all__ = ["TotalVariation", "build", "total_variation"]

PIXELS = "pixels"


def total_variation(image: Tensor, *, exponent: float = 2.0) -> Tensor:
    """Return the mean difference between neighbours of each picture, down plus right, (N,).

    Args:
        image: unit range, (N, C, H, W); a side of 1 px has no neighbours and adds nothing.
        exponent: power of the absolute difference; 2 smooths, 1 keeps edges.

    >>> total_variation(torch.ones(1, 3, 4, 4))
    tensor([0.])

    Source: Mahendran and Vedaldi 2015, arXiv:1412.0035.
    Differs: a mean instead of a sum, so that the weight survives a change of resolution.
    """
    down = image[..., 1:, :] - image[..., :-1, :]
    right = image[..., :, 1:] - image[..., :, :-1]
    parts = [d.abs().pow(exponent).mean((1, 2, 3)) for d in (down, right) if d.numel()]
    return torch.stack(parts).sum(0) if parts else image.sum((1, 2, 3)) * 0


class TotalVariation:
    """The loss; its statistics are the pictures themselves, and it has no target."""

    layers: tuple[str, ...] = ()

    def __init__(self, exponent: float) -> None:
        self.exponent = exponent

    def statistics(
        self, features: Mapping[str, Tensor], mask: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Return the pictures, (N, 3, H, W)."""
        return {PIXELS: features[PIXELS]}

    def compare(self, statistics: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """Return `total_variation`, (N,)."""
        return total_variation(statistics[PIXELS], exponent=self.exponent)


def build(options: TotalVariationOptions) -> TotalVariation:
    """Return the loss."""
    return TotalVariation(options.exponent)

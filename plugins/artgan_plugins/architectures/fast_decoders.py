"""Decoders of `fast`, which make its discriminator know what the reals look like."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Batch, Size, Term
from artgan_plugins.architectures.fast_layers import (
    FEWEST,
    LAST_LEVEL,
    Doubling,
    pool_to,
    small_level,
    small_widths,
)

__all__ = ["Decoder", "FastDecoders", "quarter", "reconstruction"]


class Decoder(nn.Module):
    """Draws a picture of features of the discriminator.

    Args:
        levels: channels of the features, and of every grid beyond, each twice the size.
        channels: of the picture.
        grid: (height, width) of the features.

    Source: Liu et al. 2021, arXiv:2101.04775 §3.2.
    """

    def __init__(self, levels: Sequence[int], channels: int, grid: Size) -> None:
        super().__init__()
        blocks = [
            Doubling(before, after, (grid[0] << i, grid[1] << i), twice=False, noise=False)
            for i, (before, after) in enumerate(itertools.pairwise(levels), 1)
        ]
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Conv2d(levels[-1], channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return pictures, signed range, of features (N, C, h, w)."""
        return torch.tanh(self.last(self.blocks(features)))


class FastDecoders(nn.Module):
    """Draws reals again of what the discriminator makes of them.

    Args:
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a doubling.
        channels: of the pictures.
    """

    def __init__(self, seed: Size, levels: list[int], channels: int) -> None:
        super().__init__()
        small = small_level(len(levels) - 1)
        grid = (seed[0] << LAST_LEVEL, seed[1] << LAST_LEVEL)
        beyond = [max(FEWEST, width // 2) for width in levels[LAST_LEVEL + 1 : small + 1]]

        def decoder(width: int) -> Decoder:
            return Decoder([width, *beyond], channels, grid)

        self.whole = decoder(levels[LAST_LEVEL])
        self.part = decoder(levels[LAST_LEVEL + 1])
        self.small = decoder(small_widths(levels, small)[-1])

    def forward(self, features: tuple[Tensor, ...], part: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the whole picture, one of its quarters and the small picture, all small.

        Args:
            features: see `FastDiscriminator.forward`.
            part: which quarter, see `quarter`.
        """
        whole, finer, small = features
        return self.whole(whole), self.part(quarter(finer, part)), self.small(small)


def quarter(pictures: Tensor, part: int) -> Tensor:
    """Return a quarter of pictures (N, C, H, W): 0 upper left, 1 upper right, then below."""
    height, width = (side // 2 for side in pictures.shape[-2:])
    top, left = height * (part // 2), width * (part % 2)
    return pictures[..., top : top + height, left : left + width]


def reconstruction(decoders: FastDecoders, *, weight: float) -> Term:
    """Return the D-phase term that charges D for reals that its features do not tell.

    It is the sum of the mean squared differences of the whole, of one of its quarters, the same in
    a batch, and of the small picture, all at the small one's size.

    Source: Liu et al. 2021, arXiv:2101.04775 §3.2 (Eq. 2).
    Differs: the part is a quarter and not an eighth of each side, and the small picture is drawn
        again too, both as in the authors' implementation; squared differences, for the perceptual
        distance of that needs a trained network.
    """

    def compute(batch: Batch) -> dict[str, Tensor]:
        assert batch.shown_reals is not None
        small, full = (scale.detach().clamp(-1, 1) for scale in batch.shown_reals)
        part = int(torch.randint(4, ()))
        size = (small.shape[-2], small.shape[-1])
        targets = (small, pool_to(quarter(full, part), size), small)
        drawn = decoders(batch.real_features, part)
        errors = [
            functional.mse_loss(one, other, reduction="none").mean((1, 2, 3))
            for one, other in zip(drawn, targets, strict=True)
        ]
        return {"reconstruction": torch.stack(errors).sum(0) * weight}

    return Term("D", compute, frozenset({"reals", "features"}))

"""Patches: the colours and shapes of small squares of pixels, without any network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad

from artgan.latents import generator

if TYPE_CHECKING:
    from artgan_plugins.losses.options import PatchSwdOptions

__all__ = ["PatchSwd", "build", "quantile_means", "unit_directions"]

PIXELS = "pixels"

FLOOR = 1e-5
"""Added to the variance of patches, unit range squared: about that of rounding to bytes."""

TINY = 1e-8


def unit_directions(count: int, side: int) -> Tensor:
    """Return directions of unit length in the space of patches, (count, 3, side, side).

    They are the same every time.
    """
    drawn = torch.randn(count, 3, side, side, generator=generator(0))
    return drawn / drawn.square().sum((1, 2, 3), keepdim=True).sqrt()


def quantile_means(values: Tensor, count: int, weights: Tensor | None = None) -> Tensor:
    """Return the means of sorted values in parts of equal weight, (N, D, count).

    They stand for the quantile function whatever the number of values, and each value has a say.

    Args:
        values: (N, D, n).
        count: how many parts.
        weights: what values count, at least 0, (N, 1, n); where all are 0, so is the result.

    >>> quantile_means(torch.tensor([[[4.0, 1.0, 2.0, 3.0]]]), 2)
    tensor([[[1.5000, 3.5000]]])
    """
    ordered, order = values.sort(-1)
    if weights is None:
        share = values.new_full((1, 1, values.shape[-1]), 1 / values.shape[-1])
    else:
        total = weights.sum(-1, keepdim=True).clamp_min(TINY)
        share = (weights / total).expand_as(values).gather(-1, order)
    level = pad(share.cumsum(-1), (1, 0))  # (N, D, n+1), from 0 to 1
    area = pad((ordered * share).cumsum(-1), (1, 0))  # the quantile function's integral up to there

    cuts = torch.linspace(0, 1, count + 1).to(level) * level[..., -1:]
    above = torch.searchsorted(level, cuts).clamp_min(1)
    below = above - 1
    low, high = level.gather(-1, below), level.gather(-1, above)
    part = (cuts - low) / (high - low).clamp_min(TINY * TINY)
    above, below = (at.expand(*values.shape[:2], -1) for at in (above, below))
    return torch.lerp(area.gather(-1, below), area.gather(-1, above), part).diff(dim=-1) * count


class PatchSwd:
    """The loss; its statistics are quantiles of projected patches, a set for each octave.

    An octave in which no whole patch lies (within the mask) has nothing there, and does not count.

    Args:
        directions: what patches are projected on, (D, 3, side, side).
        octaves: sizes of the picture, each half the one before.
        quantiles: of each projection.
    """

    def __init__(self, directions: Tensor, *, octaves: int, quantiles: int) -> None:
        self.layers: tuple[str, ...] = ()
        self.directions = directions
        self.octaves = octaves
        self.quantiles = quantiles

    def statistics(
        self, features: Mapping[str, Tensor], mask: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Return quantiles (N, D, quantiles) and whether they are there (N,), by octave."""
        image = features[PIXELS]
        amount = None if mask is None else mask[PIXELS]
        found: dict[str, Tensor] = {}
        for octave in range(self.octaves):
            if octave:
                image, amount = _halved(image, amount)
            name = f"octave{octave + 1}"
            found[name], found[f"{name}/there"] = self._octave(image, amount)
        return found

    def _octave(self, image: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        side = self.directions.shape[-1]
        count = len(image)
        if min(image.shape[-2:]) < side:
            nothing = (image * 0).sum((1, 2, 3))  # with a graph, so that there is a gradient of 0
            empty = nothing[:, None, None].expand(-1, len(self.directions), self.quantiles)
            return empty, image.new_zeros(count)
        projected = conv2d(image, self.directions.to(image)).flatten(2)  # (N, D, n)
        if mask is None:
            return quantile_means(projected, self.quantiles), image.new_ones(count)
        weights = -max_pool2d(-mask, side, stride=1).flatten(2)  # that of its least pixel
        there = (weights.amax((1, 2)) > 0).to(image)
        return quantile_means(projected, self.quantiles, weights), there

    def compare(self, statistics: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """Return the mean squared difference of quantiles in parts of the target's variance, (N,).

        Both are means over the octaves that the two have.
        """
        distances, variances = [], []
        for name in (f"octave{octave + 1}" for octave in range(self.octaves)):
            here, wanted = statistics[f"{name}/there"], target[f"{name}/there"]
            both = ((here > 0) & (wanted > 0)).to(here)
            ours = statistics[name] / here.detach().clamp_min(TINY)[:, None, None]
            theirs = target[name] / wanted.clamp_min(TINY)[:, None, None]
            distances.append(both * (ours - theirs).square().mean((1, 2)))
            variances.append(both * (theirs.var(-1, unbiased=False).mean(1) + FLOOR))
        return torch.stack(distances).sum(0) / torch.stack(variances).sum(0).clamp_min(FLOOR)


def _halved(image: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Return means of 2x2 pixels, each counted as the mask says, and the means of the mask."""
    if min(image.shape[-2:]) < 2:
        return image, mask
    if mask is None:
        return avg_pool2d(image, 2), None
    half = avg_pool2d(mask, 2)
    return avg_pool2d(image * mask, 2) / half.clamp_min(TINY), half


def build(options: PatchSwdOptions) -> PatchSwd:
    """Return the loss.

    It takes about 20 bytes for each pixel and direction.

    Source: Rabin et al. 2011, Wasserstein barycenter and its application to texture mixing;
        Elnekave and Weiss 2022, arXiv:2203.11862 (of raw patches).
    Differs: directions are the same each time, so that L-BFGS has one function to descend;
        distances are squared and in parts of the target's variance; all sizes at once, not one
        after the other. Of a picture in tiles the quantiles are the mean of the tiles' quantiles,
        which are those of the whole only where tiles are alike.
    """
    directions = unit_directions(options.directions, options.side)
    return PatchSwd(directions, octaves=options.octaves, quantiles=options.quantiles)

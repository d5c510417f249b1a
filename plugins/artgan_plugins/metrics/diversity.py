"""Diversity: how unlike each other pictures are, by structural similarity and by distance."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from artgan.api import Measure, View
from artgan.latents import derive, generator
from artgan.neighbours import HALF_STEP
from artgan_plugins.metrics.coverage import pixel_features
from artgan_plugins.metrics.options import DiversityOptions

__all__ = ["LEVELS", "build", "mean_distance", "ms_ssim", "pair_similarity"]

LEVELS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, the finest first."""

WINDOW, SIGMA = 11, 1.5
"""The Gaussian window, in pixels."""

C1, C2 = 0.01**2, 0.03**2

_ROWS = 1024  # pictures whose distances are held at once
_BLOCK = 32  # rows blurred by one matrix
_CHUNK = 1 << 17  # numbers of one side of the pairs compared at once


def _window(side: int) -> Tensor:
    """Return the Gaussian window as a matrix (side - window + 1, side), wherever it fits.

    A side that is shorter than the window gets a smaller one, as much narrower.
    """
    length = min(WINDOW, side)
    steps = torch.arange(length) - (length - 1) / 2
    weights = torch.exp(-(steps**2) / (2 * (SIGMA * length / WINDOW) ** 2))
    matrix = torch.zeros(side - length + 1, side)
    for row in range(len(matrix)):
        matrix[row, row : row + length] = weights / weights.sum()
    return matrix


def _blurred(maps: Tensor) -> Tensor:
    """Return maps (..., H, W) weighted by the window wherever it fits, (..., H - 10, W - 10).

    The matrix has a band of 11 and zeros else, so along a long side it is taken in blocks.
    """
    for _ in range(2):  # down, then across
        side = maps.shape[-2]
        matrix = _window(min(side, _BLOCK + WINDOW - 1)).to(maps.device)
        reach = matrix.shape[1] - matrix.shape[0]
        rows = [
            matrix[:count, : count + reach] @ maps.narrow(-2, start, count + reach)
            for start in range(0, side - reach, _BLOCK)
            for count in [min(_BLOCK, side - reach - start)]
        ]
        maps = torch.cat(rows, -2).transpose(-1, -2)
    return maps


def _similarity(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of the whole index and of its contrast and structure, both (N,)."""
    mean_a, mean_b, square_a, square_b, product = _blurred(torch.stack([a, b, a * a, b * b, a * b]))
    both = mean_a * mean_b
    squares = mean_a.square() + mean_b.square()
    contrast = (2 * (product - both) + C2) / (square_a + square_b - squares + C2)
    whole = (2 * both + C1) / (squares + C1) * contrast
    return whole.mean((1, 2, 3)), contrast.mean((1, 2, 3))


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Return the multi-scale structural similarity of pairs of pictures, (N,), in [0, 1].

    Args:
        a, b: unit range, (N, C, H, W). Each scale is half the one before, by averaging 2x2. There
            are five, or as many as the window fits into, with their weights brought to a sum of 1.

    >>> ms_ssim(torch.ones(1, 3, 32, 32), torch.ones(1, 3, 32, 32))
    tensor([1.])

    Source: Wang, Simoncelli and Bovik 2003, Multi-scale structural similarity (Eq. 7).
    Differs: the means of a scale are cut at 0, as in arXiv:1710.10196.
    """
    short = min(a.shape[-2:])
    scales = 1
    while scales < len(LEVELS) and short >> scales >= WINDOW:
        scales += 1
    weights = [weight / sum(LEVELS[:scales]) for weight in LEVELS[:scales]]
    product = torch.ones(len(a), device=a.device)
    for scale, weight in enumerate(weights):
        whole, contrast = _similarity(a, b)
        last = scale == scales - 1
        product = product * (whole if last else contrast).clamp(0, 1).pow(weight)
        if not last:
            a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
    return product


def pair_similarity(pictures: Tensor, *, pairs: int = 500, seed: int = 0) -> float:
    """Return the mean similarity of random pairs of pictures; 1 for a single picture.

    Args:
        pictures: unit range, (N, C, H, W).
        pairs: how many; the two of a pair are never the same one.
        seed: which.
    """
    count = len(pictures)
    if count < 2:
        return 1.0
    random = generator(derive(seed, "pairs"))
    first = torch.randint(0, count, (pairs,), generator=random)
    second = (first + torch.randint(1, count, (pairs,), generator=random)) % count
    chunk = max(1, _CHUNK // pictures[0].numel())
    total = 0.0
    for a, b in zip(first.split(chunk), second.split(chunk), strict=True):
        total += float(ms_ssim(pictures[a], pictures[b]).sum())
    return total / pairs


def mean_distance(pictures: Tensor) -> float:
    """Return the mean RMS distance between pictures at 16x16 px, in unit range; 0 for one."""
    count = len(pictures)
    if count < 2:
        return 0.0
    features = pixel_features(pictures)
    features = features - features.mean(0)  # as in `coverage`, against rounding
    total = sum(float(torch.cdist(part, features).sum()) for part in features.split(_ROWS))
    return total / (count * (count - 1) * math.sqrt(features.shape[1]))


def build(options: DiversityOptions) -> Measure:
    """Return the metric.

    `ms-ssim` is the mean similarity of pairs of fakes, `ms-ssim-reals` that of pairs of reals: the
    pictures are less varied than they should be where the first is clearly above the second.
    `distance` is the mean distance of fakes over that of reals, 1 where neither set has any.

    Source: Odena, Olah and Shlens 2017, arXiv:1610.09585 §4.2.
    """

    def measure(view: View) -> dict[str, float]:
        fakes, reals = mean_distance(view.fakes), mean_distance(view.reals)
        alike = max(fakes, reals) < HALF_STEP
        return {
            "ms-ssim": pair_similarity(view.fakes, pairs=options.pairs, seed=view.seed),
            "ms-ssim-reals": pair_similarity(view.reals, pairs=options.pairs, seed=view.seed),
            "distance": 1.0 if alike else fakes / max(reals, HALF_STEP),
        }

    return measure

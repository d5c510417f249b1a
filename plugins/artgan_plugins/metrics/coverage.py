"""Density and coverage: how many reals have a fake nearby, and how dense the fakes lie there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from artgan.api import Measure, View
from artgan.images import to_bytes
from artgan_plugins.metrics.network import network_features
from artgan_plugins.metrics.options import CoverageOptions

__all__ = ["build", "density_and_coverage", "distinct", "pixel_features"]

_CHUNK = 1024  # reals whose distances are held at once


def pixel_features(pictures: Tensor) -> Tensor:
    """Return pictures (N, C, H, W) averaged over areas to 16x16 pixels, (N, C * 256)."""
    return functional.adaptive_avg_pool2d(pictures, 16).flatten(1)


def distinct(pictures: Tensor) -> Tensor:
    """Return the numbers of the pictures that differ from all before them, (n,)."""
    seen: dict[bytes, int] = {}
    for number, picture in enumerate(to_bytes(pictures).cpu()):
        seen.setdefault(picture.numpy().tobytes(), number)
    return torch.tensor(list(seen.values()), device=pictures.device)


def density_and_coverage(reals: Tensor, fakes: Tensor, *, k: int = 5) -> tuple[float, float]:
    """Return density and coverage of two sets of features.

    A real's ball reaches to its k-th nearest other real. Coverage is the share of reals with a fake
    in their ball, density the number of balls that a fake lies in, on average, over k: it can
    exceed 1. Neither way is better for it. Well below its floor fakes lie beside the reals; well
    above it they are too near the average picture, where the balls of the odd reals overlap: a
    blur and the mean picture with a little noise have far more than the reals have.

    Args:
        reals: all different, (n, d).
        fakes: (m, d).
        k: n - 1 at most; larger ones are taken for that. A single real has a ball of radius 0.

    Source: Naeem et al. 2020, arXiv:2002.09797 §3 (Eqs. 4 and 5).
    """
    k = max(1, min(k, len(reals) - 1))
    centre = reals.mean(0)  # small distances far from the origin would drown in rounding
    reals, fakes = reals - centre, fakes - centre
    covered, inside = 0, 0
    for part in reals.split(_CHUNK):
        own = torch.cdist(part, reals)
        radius = own.kthvalue(min(k + 1, len(reals)), dim=1, keepdim=True)[0]  # the first is itself
        within = torch.cdist(part, fakes) <= radius
        covered += int(within.any(1).sum())
        inside += int(within.sum())
    return inside / (k * len(fakes)), covered / len(reals)


def build(options: CoverageOptions) -> Measure:
    """Return the metric: density and coverage of 16x16 pixels and of network features.

    Blur raises `pixel-density` (a 5x5 one to 2.2, the mean picture with noise to 16) and hardly
    lowers `pixel-coverage` (to 0.98), since 16x16 pixels are averages themselves;
    `network-coverage` sees it. So coverage is what counts, and density says what is amiss.

    Differs: reals that are the same count once, since balls between them would have no size.
    """

    def measure(view: View) -> dict[str, float]:
        reals = view.reals[distinct(view.reals)]
        figures: dict[str, float] = {}
        for name, features in (("pixel", pixel_features), ("network", network_features)):
            density, coverage = density_and_coverage(
                features(reals), features(view.fakes), k=options.k
            )
            figures |= {f"{name}-density": density, f"{name}-coverage": coverage}
        return figures

    return measure

"""Drift: how far the pictures of the same latents have moved since an earlier checkpoint."""

from __future__ import annotations

from torch import Tensor

from artgan.api import Measure, View

__all__ = ["build", "drift"]


def drift(earlier: Tensor, pictures: Tensor) -> float:
    """Return the RMS difference of pictures, unit range, both (N, C, H, W)."""
    return float((earlier - pictures).square().mean().sqrt())


def build(options: None) -> Measure:
    """Return the metric: `drift` x 10^3; near 0 once a run has settled.

    Source: Karnewar and Wang 2019, arXiv:1903.06048 §4.
    Differs: the root of the mean square, so that it is in units of pixels.
    """

    def measure(view: View) -> dict[str, float]:
        assert view.earlier is not None
        count = min(len(view.earlier), len(view.fakes))
        return {"drift": 1e3 * drift(view.earlier[:count], view.fakes[:count])}

    return measure

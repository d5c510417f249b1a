"""Copying: whether pictures are closer to a real one than the reals are to each other."""

from __future__ import annotations

import torch
from torch import Tensor

from artgan.api import Measure, View
from artgan.neighbours import HALF_STEP, nearest, shifted, shrink
from artgan_plugins.metrics.options import CopyingOptions

__all__ = ["build", "copy_figures"]

SHIFT = 1
"""Pixels, at 32 px, that a copy may be moved by in the figures that allow for it."""

SHORTLIST = 16
"""The nearest reals that are compared again with shifts."""

Nearest = tuple[Tensor, Tensor]


def _closest(pictures: Tensor, training: Tensor, apart: float, shifts: bool) -> tuple[Nearest, ...]:
    """Return the distance to the nearest real and which it is, as they are and with shifts."""
    distances, numbers = nearest(pictures, training, SHORTLIST if shifts else 1, apart=apart)
    if not shifts:
        return ((distances[:, 0], numbers[:, 0].contiguous()),)
    moved = shifted(pictures, training, numbers, SHIFT)
    moved, place = torch.where(distances.isfinite(), moved, torch.inf).min(1, keepdim=True)
    numbers_moved = numbers.gather(1, place).flatten()
    return (distances[:, 0], numbers[:, 0].contiguous()), (moved.flatten(), numbers_moved)


def copy_figures(
    pictures: Tensor, training: Tensor, *, sample: int = 1024, shifts: bool = True
) -> dict[str, float]:
    """Return `ratio` and `copies` of pictures, and both once more where shifts are allowed.

    With d(f) the distance of a picture f to the nearest real or mirrored real r*, and b(r) that of
    a real to the nearest different one: the ratio is median d(f) / median b(r), and a copy is an f
    with d(f) < b(r*), closer to r* than any real is.

    Args:
        pictures: unit range, (n, C, H, W), at most 32 px on the short side.
        training: all the reals there are to copy, (N, C, H, W).
        sample: so many of them, evenly picked, make median b(r).
        shifts: whether both are found with shifts too.

    Source: Alaa et al. 2022, arXiv:2102.08921 §3 (authenticity).
    Differs: pixels instead of learned features; mirror images count.
    """
    size = min(sample, len(training))
    usual = torch.arange(size, device=training.device) * len(training) // size
    found = _closest(pictures, training, 0.0, shifts)
    wanted = torch.unique(torch.cat([usual, *(numbers for _, numbers in found)]))
    gaps = _closest(training[wanted], training, HALF_STEP, shifts)
    figures = {}
    prefixes = ("", "shifted-")[: len(found)]
    for prefix, (closest, numbers), (gap, _) in zip(prefixes, found, gaps, strict=True):
        gap = torch.where(gap.isfinite(), gap, HALF_STEP).clamp_min(HALF_STEP)
        own = gap[torch.searchsorted(wanted, numbers)]
        median = gap[torch.searchsorted(wanted, usual)].median()
        figures[f"{prefix}ratio"] = float(closest.median() / median)
        figures[f"{prefix}copies"] = float((closest < own).float().mean())
    return figures


def build(options: CopyingOptions) -> Measure:
    """Return the metric: `ratio` and `copies` of pictures averaged to 32 px, as they are compared.

    `shifted-ratio` and `shifted-copies` let a copy be moved by a pixel along either axis;
    `midpoint-ratio` and `midpoint-copies` are those of pictures half-way between latents, where a
    network that only stores pictures shows them again or fades from one to the other.

    Reals that are the same, plain or mirrored, are one here: b(r) is the distance to the nearest
    different real, and half an 8-bit step where there is none. Among near duplicates b(r) is small,
    so only a picture that is as near a duplicate is a copy of one of them: a folder full of them
    hides copies. Two sets of reals have copies as well, about as many as `floor` says.

    A picture near the average of all is closer to many reals, the hubs, than any real is, and
    counts as a copy without being one: the mean picture with noise has `copies` of 1.0. The sheet
    of neighbours and coverage tell the two apart.
    """

    def measure(view: View) -> dict[str, float]:
        assert view.training is not None
        training = shrink(view.training)
        small = shrink(view.fakes, like=view.training)
        figures = copy_figures(small, training, sample=options.sample, shifts=options.shifts)
        if view.midpoints is not None and len(view.midpoints):
            between = shrink(view.midpoints, like=view.training)
            more = copy_figures(between, training, sample=options.sample, shifts=options.shifts)
            figures |= {f"midpoint-{name}": more[name] for name in ("ratio", "copies")}
        return figures

    return measure

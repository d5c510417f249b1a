"""How frames differ to the eye: features of pictures, and how evenly a film moves and closes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from artgan.images import Frame, Frames, laid_on
from artgan.toning import size_within

__all__ = ["Meter", "distance", "features"]

EDGE = 64
"""The long side in pixels that pictures are looked at with."""

BLURS = (1.0, 4.0)
"""Deviations in pixels of that small picture: where edges are, and where masses of colour are."""

_REACH = 3
"""Deviations that a blur reaches to."""


def features(images: Tensor) -> Tensor:
    """Return what pictures look like as numbers, (N, F) float32, for `distance`.

    They are the pictures, made small, blurred a little and blurred much; both count the same.

    Args:
        images: unit range, (N, C, H, W), C of 1, 3 or 4 (straight alpha, laid on mid grey).

    Returns:
        F is 2 * h * w values for each colour of a picture of h x w, at most 64 px a side.
    """
    images = laid_on(images.float(), 0.5)
    size = size_within((images.shape[-2], images.shape[-1]), EDGE)
    small = functional.interpolate(images, size, mode="area")
    return torch.cat([_blurred(small, deviation).flatten(1) for deviation in BLURS], 1)


def distance(one: Tensor, other: Tensor) -> float:
    """Return how much two pictures differ, in unit levels: the root of the mean squared difference.

    Args:
        one, other: `features` of a picture, (F,).

    >>> black, white = features(torch.tensor([0.0, 1.0]).view(2, 1, 1, 1))
    >>> round(distance(black, white), 3)
    1.0
    """
    return float((one - other).double().norm()) / math.sqrt(len(one))


def _blurred(images: Tensor, deviation: float) -> Tensor:
    """Return pictures under a Gaussian; beyond the rim the rim goes on.

    Each side is a product with a matrix: whatever is beside a picture, its sums are the same.
    """
    height, width = images.shape[-2:]
    down, across = _kernel(height, deviation), _kernel(width, deviation)
    return down.to(images) @ images @ across.to(images).T


def _kernel(side: int, deviation: float) -> Tensor:
    """Return what each pixel of a line takes from each, (side, side); rows sum to 1."""
    reach = math.ceil(_REACH * deviation)
    offsets = torch.arange(-reach, reach + 1)
    weights = torch.exp(-0.5 * (offsets.double() / deviation) ** 2)
    places = (torch.arange(side)[:, None] + offsets).clamp(0, side - 1)
    kernel = torch.zeros(side, side, dtype=torch.float64)
    return kernel.scatter_add_(1, places, (weights / weights.sum()).expand(side, -1).contiguous())


class Meter:
    """Measures the frames of a film while they pass; it keeps two of them and the steps between."""

    def __init__(self) -> None:
        self.frames = 0
        self.steps: list[float] = []
        self._first: Tensor | None = None
        self._last: Tensor | None = None

    def watch(self, frames: Frames) -> Frames:
        """Return the same frames, each measured when it is read.

        Args:
            frames: of one size; probes are not measured.
        """

        def passing() -> Iterator[Frame]:
            for frame in frames:
                self._see(frame.image)
                yield frame

        return Frames(passing(), frames.size, frames.fps, frames.length, frames.probe)

    def _see(self, image: Tensor) -> None:
        seen = features(image[None].clamp(0, 1))[0]
        if self._last is None:
            self._first = seen
        else:
            self.steps.append(distance(self._last, seen))
        self._last = seen
        self.frames += 1

    @property
    def seam(self) -> float | None:
        """Return the distance from the last frame to the first in unit levels; None without any."""
        if self._first is None or self._last is None:
            return None
        return distance(self._last, self._first)

    @property
    def seam_ratio(self) -> float | None:
        """Return the step from the last frame to the first over the median of the others.

        Rests, which are steps of exactly 0, are left out of the median. None is for fewer than
        three frames, and where nothing moves.
        """
        moves = [step for step in self.steps if step > 0]
        seam = self.seam
        if self.frames < 3 or not moves or seam is None:
            return None
        return seam / statistics.median(moves)

    def pace_variation(self, *, closed: bool, holds: bool = False) -> float | None:
        """Return how unevenly a film moves: the deviation of its steps over their mean.

        0 is even to the eye. None is for fewer than two steps, and where nothing moves.

        Args:
            closed: whether the step from the last frame to the first is one of them.
            holds: whether it rests on purpose, so that steps of exactly 0 are left out.
        """
        steps: Sequence[float] = self.steps
        if closed and self.seam is not None and self.frames > 1:
            steps = [*steps, self.seam]
        if holds:
            steps = [step for step in steps if step > 0]
        if len(steps) < 2 or not any(steps):
            return None
        return statistics.pstdev(steps) / statistics.fmean(steps)

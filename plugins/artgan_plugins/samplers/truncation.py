"""Truncation: codes breathe to their mean and back while they go through the keys."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from artgan.api import Path2Codes
from artgan_plugins.samplers import spline
from artgan_plugins.samplers.options import TruncationOptions

__all__ = ["breath", "build"]


def breath(u: Tensor, *, low: float, high: float, beats: int) -> Tensor:
    """Return psi at positions u (T,): high where a beat begins, low half-way through it.

    psi(u) = low + (high - low) (1 + cos(2π beats u)) / 2.

    >>> breath(torch.tensor([0.0, 0.5, 1.0]), low=0.5, high=1.0, beats=1)
    tensor([1.0000, 0.5000, 1.0000])
    """
    turn = u * beats
    return low + (high - low) * (1 + torch.cos(2 * math.pi * (turn - turn.floor()))) / 2


def build(
    options: TruncationOptions, *, mean: Tensor, closed: bool = True, space: str = "z"
) -> Path2Codes:
    """Return the path of `spline` with mean + psi (code - mean) for each code; one key stays put.

    It begins at the first key where `high` is 1. In z, where the mean is 0, it leaves the shell:
    pictures get paler or plainer, as they do with any truncation there.

    Args:
        options: how it breathes.
        mean: the code pulled to, shaped like one key.
        closed: see `spline`.
        space: see `spline`.
    """
    through = spline.build(closed=closed, space=space)
    low, high, beats = options.low, options.high, options.beats

    def path(keys: Tensor, u: Tensor) -> Tensor:
        psi = breath(u.to(torch.float64), low=low, high=high, beats=beats)
        centre = mean.detach().to("cpu", torch.float64)
        away = through(keys, u).to(torch.float64) - centre
        pulled: Tensor = centre + psi.reshape(-1, *[1] * (keys.ndim - 1)) * away
        return pulled.to(torch.float32)

    return path

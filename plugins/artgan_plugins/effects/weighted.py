"""Pixels mixed as alpha says: no colour of what is not to be seen bleeds in."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["mixed"]

_LEAST = 1 / 255
"""The alpha below which nothing is to be seen, so that a colour may be anything."""


def mixed(images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Return pictures changed by something that makes new pixels as means of others.

    Args:
        images: unit range, (N, C, H, W), C of 1, 3 or 4 (straight alpha): of 4, each colour counts
            as much as it is to be seen.
        change: (N, C, H, W) -> (N, C, h, w), each channel on its own, linear.

    Returns:
        Unit range, (N, C, h, w).
    """
    if images.shape[1] != 4:
        return change(images).clamp(0, 1)
    colour, alpha = images[:, :3], images[:, 3:]
    changed = change(torch.cat([colour * alpha, alpha], 1))
    alpha = changed[:, 3:]
    return torch.cat([changed[:, :3] / alpha.clamp_min(_LEAST), alpha], 1).clamp(0, 1)

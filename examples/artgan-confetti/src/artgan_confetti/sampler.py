"""The sampler `lissajous`: from key to key and back, swinging around the way."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from artgan.api import Path2Codes

from .options import LissajousOptions

__all__ = ["build", "lissajous"]


def lissajous(keys: Tensor, u: Tensor, *, swing: float = 25.0, frequencies: int = 3) -> Tensor:
    """Return codes (T, D) on a closed path through keys (K, D); key k is met at u = k / K.

    The way from key to key is a straight line brought back to the keys' length, so that it stays
    on their shell. Each pair of coordinates is turned to and fro around it, the pairs at different
    speeds, and all of them are upright at the keys.

    Args:
        keys: the codes to meet.
        u: positions in [0, 1], (T,).
        swing: how far a pair is turned at most, degrees.
        frequencies: how many speeds there are; the slowest swings once between two keys.
    """
    count, width = keys.shape
    position = u[:, None] * count  # (T, 1)
    start = position.floor()
    share = position - start
    first = start.long().squeeze(1) % count
    a, b = keys[first], keys[(first + 1) % count]
    code = a * (1 - share) + b * share  # (T, D)
    shell = a.norm(dim=1, keepdim=True) * (1 - share) + b.norm(dim=1, keepdim=True) * share
    code = code * shell / code.norm(dim=1, keepdim=True).clamp_min(1e-6)

    pairs = width // 2
    speed = 1 + torch.arange(pairs, device=keys.device) % frequencies
    angle = math.radians(swing) * torch.sin(2 * math.pi * speed * share)  # (T, D // 2)
    x, y = code[:, 0 : 2 * pairs : 2], code[:, 1 : 2 * pairs : 2]
    turned = torch.stack(
        (x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()), dim=2
    )
    return torch.cat((turned.flatten(1), code[:, 2 * pairs :]), dim=1)


def build(options: LissajousOptions) -> Path2Codes:
    """Return the path with its options filled in."""
    return partial(lissajous, swing=options.swing, frequencies=options.frequencies)

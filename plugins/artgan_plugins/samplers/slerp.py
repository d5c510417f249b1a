"""Slerp: great-circle arcs from key to key, closed by an arc back to the first."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.linalg import vector_norm

from artgan.api import Path2Codes
from artgan_plugins.samplers.options import SlerpOptions

__all__ = ["EASINGS", "build", "quarter_turn", "slerp"]

_OPPOSITE = 1e-6
"""Sine of the angle below which two opposite keys span no plane of their own."""

EASINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda t: t,
    "sine": lambda t: (1 - torch.cos(math.pi * t)) / 2,
    "smooth": lambda t: t * t * t * (t * (6 * t - 15) + 10),
}
"""Name -> the share of an arc that is done at a share t of its time; 0 -> 0 and 1 -> 1."""


def quarter_turn(a: Tensor) -> Tensor:
    """Return a vector at a right angle to each, as long and as likely under the same prior.

    Args:
        a: (N, d). The halves of each are exchanged and one is negated; of an odd d the last
            coordinate becomes 0.
    """
    half = a.shape[-1] // 2
    turned = torch.cat([-a[:, half : 2 * half], a[:, :half], 0 * a[:, 2 * half :]], dim=-1)
    lengths = vector_norm(turned, dim=-1, keepdim=True).clamp_min(torch.finfo(a.dtype).tiny)
    scaled: Tensor = turned * (vector_norm(a, dim=-1, keepdim=True) / lengths)
    return scaled


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return the points at shares t of the great-circle arcs from a to b.

    Directions turn at constant speed, lengths change in log space, so a walk between latents of a
    shell stays on it. With â, b̂ the directions, ω the angle between them and p the unit vector of
    b̂ - (â·b̂) â:  z(t) = |a|^(1-t) |b|^t (cos(tω) â + sin(tω) p).

    Args:
        a, b: (N, d), float64. Equal ones stay put; opposite ones, which many arcs join, take the
            one through `quarter_turn`; from 0 a line leads to b.
        t: (N,) in [0, 1].

    >>> ends = torch.eye(2, dtype=torch.float64)
    >>> slerp(ends[:1], ends[1:], torch.tensor([0.5], dtype=torch.float64))
    tensor([[0.7071, 0.7071]], dtype=torch.float64)

    Source: White 2016, arXiv:1609.04468 §2.1.
    Differs: lengths are interpolated apart from directions; ω by atan2, which is exact near 0.
    """
    t = t[:, None]
    length_a, length_b = vector_norm(a, dim=-1, keepdim=True), vector_norm(b, dim=-1, keepdim=True)
    tiny = torch.finfo(a.dtype).tiny
    unit_a, unit_b = a / length_a.clamp_min(tiny), b / length_b.clamp_min(tiny)
    cosine = (unit_a * unit_b).sum(-1, keepdim=True)
    across = unit_b - cosine * unit_a
    sine = vector_norm(across, dim=-1, keepdim=True)
    opposite = (cosine < 0) & (sine < _OPPOSITE)
    axis = torch.where(opposite, quarter_turn(unit_a), across / sine.clamp_min(tiny))
    omega = torch.atan2(sine, cosine)
    direction = torch.cos(t * omega) * unit_a + torch.sin(t * omega) * axis
    geometric = length_a.pow(1 - t) * length_b.pow(t)
    linear = (1 - t) * length_a + t * length_b
    length = torch.where((length_a > 0) & (length_b > 0), geometric, linear)
    points: Tensor = length * direction
    return points


def build(options: SlerpOptions) -> Path2Codes:
    """Return the closed path of arcs through K keys: key k at u = k / K, the first again at 1.

    One key makes a still, two a way there and back. Codes may have any shape; each is treated as
    one vector.
    """
    ease = EASINGS[options.easing]

    def path(keys: Tensor, u: Tensor) -> Tensor:
        count = keys.shape[0]
        vectors = keys.detach().to(torch.float64).flatten(1)
        position = u.to(vectors) * count
        whole = position.floor()
        start = whole.long() % count
        codes = slerp(vectors[start], vectors[(start + 1) % count], ease(position - whole))
        return codes.to(torch.float32).reshape(-1, *keys.shape[1:])

    return path

"""Slerp: great-circle arcs from key to key."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.linalg import vector_norm

from artgan.api import Path2Codes
from artgan_plugins.samplers.chain import between, pieces, shaped, vectors

__all__ = ["arc", "build", "quarter_turn", "slerp"]

_OPPOSITE = 1e-6
"""Sine of the angle below which two opposite keys span no plane of their own."""


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


def arc(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the great-circle arcs from a to b: the way each sets out, and its angle.

    Args:
        a, b: unit vectors, (N, d), float64. Equal ones have an angle of 0; opposite ones, which
            many arcs join, take the one through `quarter_turn`.

    Returns:
        Unit vectors p at a right angle to a, (N, d), and angles ω in radians, (N, 1): the arc is
        cos(tω) a + sin(tω) p.
    """
    cosine = (a * b).sum(-1, keepdim=True)
    across = b - cosine * a
    sine = vector_norm(across, dim=-1, keepdim=True)
    opposite = (cosine < 0) & (sine < _OPPOSITE)
    tiny = torch.finfo(a.dtype).tiny
    axis = torch.where(opposite, quarter_turn(a), across / sine.clamp_min(tiny))
    return axis, torch.atan2(sine, cosine)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return the points at shares t of the great-circle arcs from a to b.

    Directions turn at constant speed, lengths change in log space, so a walk between latents of a
    shell stays on it:  z(t) = |a|^(1-t) |b|^t (cos(tω) â + sin(tω) p), with ω and p of `arc`.

    Args:
        a, b: (N, d), float64. Equal ones stay put; from 0 a line leads to b.
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
    axis, omega = arc(unit_a, unit_b)
    direction = torch.cos(t * omega) * unit_a + torch.sin(t * omega) * axis
    geometric = length_a.pow(1 - t) * length_b.pow(t)
    linear = (1 - t) * length_a + t * length_b
    length = torch.where((length_a > 0) & (length_b > 0), geometric, linear)
    points: Tensor = length * direction
    return points


def build(options: None = None, *, closed: bool = True) -> Path2Codes:
    """Return the path of arcs through K keys: key k at k / K and the first again, or k / (K - 1).

    One key makes a still, two of a closed path a way there and back. Codes may have any shape;
    each is treated as one vector.
    """

    def path(keys: Tensor, u: Tensor) -> Tensor:
        points = vectors(keys)
        if len(points) == 1:
            return shaped(points.expand(len(u), -1), keys)
        a, b = pieces(points, closed=closed)
        number, share = between(u, len(points), closed=closed)
        return shaped(slerp(a[number], b[number], share), keys)

    return path

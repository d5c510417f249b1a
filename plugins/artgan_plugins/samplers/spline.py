"""Spline: one smooth curve through all keys, on their shell in z. It stops at none of them.

A Catmull-Rom curve is one whose pieces, lines from key to key, are bent until it passes each key at
the mean of the velocities that the pieces on both sides have there. In w that is done to lines. In
z it is done to great-circle arcs, and the result is brought back to the sphere.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.linalg import vector_norm

from artgan.api import Path2Codes
from artgan_plugins.samplers.chain import between, pieces, shaped, vectors
from artgan_plugins.samplers.slerp import arc, quarter_turn

__all__ = ["build", "flat_spline", "pair_circle", "shell_spline", "sphere_spline"]

_FLAT = 1e-6
"""The length below which a vector that a direction is made of counts as none."""


def _bend(leave: Tensor, arrive: Tensor, number: Tensor, share: Tensor, *, closed: bool) -> Tensor:
    """Return what pieces are bent by, (T, d): 0 at keys, where it changes their velocity alone.

    Args:
        leave, arrive: the velocity that each piece begins and ends with, (S, d). Both ends of an
            open path keep theirs.
        number, share: see `between`.
        closed: whether the last piece leads to the first.
    """
    before, after = arrive.roll(1, 0), leave.roll(-1, 0)
    if not closed:
        before[0], after[-1] = leave[0], arrive[-1]
    t = share[:, None]
    early = ((before - leave) / 2)[number] * (t * (1 - t) ** 2)
    return early - ((after - arrive) / 2)[number] * (t**2 * (1 - t))


def flat_spline(points: Tensor, u: Tensor, *, closed: bool) -> Tensor:
    """Return the positions on the Catmull-Rom curve through points, (T, d).

    Args:
        points: (K, d), float64. One makes a still, two a straight way (there and back).
        u: positions in [0, 1], (T,).
        closed: whether it is periodic. An open one leaves and arrives as its lines do.

    Source: Catmull and Rom 1974, A class of local interpolating splines.
    """
    if len(points) == 1:
        return points.expand(len(u), -1)
    a, b = pieces(points, closed=closed)
    number, share = between(u, len(points), closed=closed)
    line = a[number].lerp(b[number], share[:, None])
    return line + _bend(b - a, b - a, number, share, closed=closed)


def sphere_spline(units: Tensor, u: Tensor, *, closed: bool) -> Tensor:
    """Return the positions on a smooth curve of unit vectors through unit vectors, (T, d).

    Args:
        units: (K, d), float64, at least two. Any may be equal or opposite: an arc is bent by at
            most π / 4 < 1, so that what is brought back to the sphere is never near 0.
        u, closed: see `flat_spline`.
    """
    a, b = pieces(units, closed=closed)
    number, share = between(u, len(units), closed=closed)
    axis, omega = arc(a, b)
    leave = omega * axis
    arrive = omega * (torch.cos(omega) * axis - torch.sin(omega) * a)
    turned = share[:, None] * omega[number]
    points = torch.cos(turned) * a[number] + torch.sin(turned) * axis[number]
    return _unit(points + _bend(leave, arrive, number, share, closed=closed))


def pair_circle(a: Tensor, b: Tensor, u: Tensor) -> Tensor:
    """Return the positions on the smallest circle on the sphere through two unit vectors, (T, d).

    It begins at a and meets b at 1/2, at one speed, and comes back by another way.

    Args:
        a, b: (d,), float64. Equal ones make a still, opposite ones a great circle. Where d is 2
            there is no such circle, and the way back is the way there.
        u: positions in [0, 1], (T,).
    """
    wide, apart = vector_norm(a + b), vector_norm(a - b)
    half = torch.atan2(apart, wide)
    zero = torch.zeros_like(a)
    middle = (a + b) / wide if float(wide) > _FLAT else zero
    side = (a - b) / apart if float(apart) > 0 else zero
    theta = (2 * math.pi * (u.to(a) - u.to(a).floor()))[:, None]
    round_ = torch.cos(theta) * side + torch.sin(theta) * _square(middle, side)
    return _unit(torch.cos(half) * middle + torch.sin(half) * round_)


def _square(middle: Tensor, side: Tensor) -> Tensor:
    """Return a unit vector at right angles to two that are so themselves, (d,); 0 where none is."""
    least = (middle**2 + side**2).argmin()
    for start in (quarter_turn(side[None])[0], torch.eye(len(side)).to(side)[least]):
        rest = start - (start @ middle) * middle - (start @ side) * side
        length = vector_norm(rest)
        if float(length) > 0.1:
            found: Tensor = rest / length
            return found
    return torch.zeros_like(side)


def _unit(points: Tensor) -> Tensor:
    lengths = vector_norm(points, dim=-1, keepdim=True)
    units: Tensor = points / lengths.clamp_min(torch.finfo(points.dtype).tiny)
    return units


def shell_spline(points: Tensor, u: Tensor, *, closed: bool) -> Tensor:
    """Return the positions on a smooth curve through latents that stays on their shell, (T, d).

    Directions and lengths are interpolated apart, lengths in log space by `flat_spline`. Two points
    of a closed path are joined by `pair_circle`, all others by `sphere_spline`.

    Args:
        points, u, closed: see `flat_spline`.

    Differs: Catmull-Rom curves are flat; through latents they are up to a quarter too short.
    """
    if len(points) == 1:
        return points.expand(len(u), -1)
    lengths, units = vector_norm(points, dim=-1, keepdim=True), _unit(points)
    if bool((lengths > 0).all()):
        length = flat_spline(lengths.log(), u, closed=closed).exp()
    else:
        length = flat_spline(lengths, u, closed=closed).clamp_min(0)
    if closed and len(points) == 2:
        return length * pair_circle(units[0], units[1], u)
    return length * sphere_spline(units, u, closed=closed)


def build(options: None = None, *, closed: bool = True, space: str = "z") -> Path2Codes:
    """Return the smooth path through K keys: key k at k / K and the first again, or k / (K - 1).

    One key makes a still. Codes may have any shape; each is treated as one vector.
    """
    curve = shell_spline if space == "z" else flat_spline

    def path(keys: Tensor, u: Tensor) -> Tensor:
        return shaped(curve(vectors(keys), u, closed=closed), keys)

    return path

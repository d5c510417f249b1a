"""Circle: one great circle through one or two keys, at an even pace."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.linalg import vector_norm

from artgan.api import ConfigError, Path2Codes
from artgan_plugins.samplers.options import CircleOptions
from artgan_plugins.samplers.slerp import quarter_turn

__all__ = ["build", "circle"]

_PARALLEL = 1e-6
"""Sine of the angle below which two keys lie on one line and span no plane."""


def circle(first: Tensor, second: Tensor | None, turn: Tensor) -> Tensor:
    """Return the points of the great circle through two vectors at shares of a turn.

    With â the direction of the first and p the part of the second at a right angle to it, as a
    unit vector (Gram-Schmidt):  z = r (cos θ â + sin θ p), θ = 2π turn. The second is met at its
    own angle ω. The length r goes from one key's to the other's and back, each half a cosine.

    Args:
        first: (d,), float64: met at 0.
        second: (d,), float64; None, or on one line with the first: the plane is that of
            `quarter_turn`.
        turn: (T,); whole numbers are the same point.

    >>> circle(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0]), torch.tensor([0.25])).round()
    tensor([[-0., 2.]])
    """
    theta = 2 * math.pi * (turn - turn.floor())[:, None]
    length, tiny = vector_norm(first), torch.finfo(first.dtype).tiny
    unit = first / length.clamp_min(tiny)
    axis = quarter_turn(unit[None])[0]
    radius = length.expand(theta.shape)
    if second is not None:
        other = vector_norm(second)
        direction = second / other.clamp_min(tiny)
        cosine = direction @ unit
        across = direction - cosine * unit
        sine = vector_norm(across)
        if float(sine) > _PARALLEL:
            axis = across / sine
            omega = torch.atan2(sine, cosine)
            share = torch.where(
                theta < omega, theta / omega, (2 * math.pi - theta) / (2 * math.pi - omega)
            )
            share = (1 - torch.cos(math.pi * share)) / 2
            radius = length.pow(1 - share) * other.pow(share)
    points: Tensor = radius * (torch.cos(theta) * unit + torch.sin(theta) * axis)
    return points


def build(options: CircleOptions) -> Path2Codes:
    """Return the closed path once or more around the great circle of one or two keys.

    Differs: the second key is met where it lies, at its angle's share of a turn, and not at 1/2:
    the pace is even.
    """

    def path(keys: Tensor, u: Tensor) -> Tensor:
        if keys.shape[0] > 2:
            raise ConfigError(
                f"a circle goes through one or two keys, {keys.shape[0]} were given: "
                "give fewer, or use --sampler slerp"
            )
        vectors = keys.detach().to(torch.float64).flatten(1)
        second = vectors[1] if len(vectors) == 2 else None
        codes = circle(vectors[0], second, options.turns * u.to(vectors))
        return codes.to(torch.float32).reshape(-1, *keys.shape[1:])

    return path

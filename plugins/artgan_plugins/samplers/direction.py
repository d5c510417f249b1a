"""Direction: a swing to and fro along one of the directions that change pictures the most."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.linalg import vector_norm

from artgan.api import ConfigError, Path2Codes
from artgan_plugins.samplers.chain import shaped, vectors
from artgan_plugins.samplers.options import DirectionOptions
from artgan_plugins.samplers.slerp import quarter_turn

__all__ = ["build", "turned"]

_PARALLEL = 1e-6
"""Sine of the angle below which a code lies along the direction and cannot be turned to it."""


def turned(key: Tensor, direction: Tensor, angles: Tensor) -> Tensor:
    """Return a key turned by angles towards a direction, as long as it was, (T, d).

    z' = cos θ z + sin θ |z| p, with p the unit vector of v - (v·ẑ) ẑ.

    Args:
        key: z, (d,), float64.
        direction: v, (d,), float64; where it is along the key, p is that of `quarter_turn`.
        angles: θ in radians, (T,).

    >>> ends = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    >>> turned(*ends, torch.tensor([torch.pi / 2], dtype=torch.float64)).round()
    tensor([[0., 2.]], dtype=torch.float64)
    """
    tiny = torch.finfo(key.dtype).tiny
    length = vector_norm(key)
    unit = key / length.clamp_min(tiny)
    across = direction - (direction @ unit) * unit
    sine = vector_norm(across)
    axis = across / sine if float(sine) > _PARALLEL else quarter_turn(unit[None])[0]
    theta = angles[:, None]
    points: Tensor = torch.cos(theta) * key + torch.sin(theta) * length * axis
    return points


def build(options: DirectionOptions, *, directions: Tensor, space: str = "z") -> Path2Codes:
    """Return the closed path from its first key to both sides along one direction and back.

    It swings by θ = A sin 2πu, A being `angle`. In z that is a turn (see `turned`), which stays on
    the shell; in w a straight way of θ |w|, θ in radians.

    Args:
        options: which direction, and how far.
        directions: (M, ...) unit vectors shaped like one key, strongest first.
        space: of the keys, "z" or "w".

    Raises:
        ConfigError: there is no direction of that number.

    Source: Shen and Zhou 2021, arXiv:2007.06600, whose edits add α v.
    Differs: in z the code is turned, since adding would take it off the shell.
    """
    count, amplitude = len(directions), math.radians(options.angle)
    if options.number >= count:
        known = f"0 to {count - 1}" if count else "none"
        raise ConfigError(
            f"direction {options.number}: this network has {count}, expected {known}: "
            "set samplers.direction.number"
        )
    direction = vectors(directions)[options.number]

    def path(keys: Tensor, u: Tensor) -> Tensor:
        key, turn = vectors(keys)[0], u.to(torch.float64)
        angles = amplitude * torch.sin(2 * math.pi * (turn - turn.floor()))
        if space == "z":
            return shaped(turned(key, direction, angles), keys)
        return shaped(key + torch.outer(angles, vector_norm(key) * direction), keys)

    return path

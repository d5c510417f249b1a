"""Lerp: straight lines from key to key, for spaces that are flat."""

from __future__ import annotations

from torch import Tensor

from artgan.api import Path2Codes
from artgan_plugins.samplers.chain import between, pieces, shaped, vectors

__all__ = ["build", "lerp"]


def lerp(points: Tensor, u: Tensor, *, closed: bool) -> Tensor:
    """Return the positions on straight lines through points, (T, d).

    Args:
        points: (K, d), float64. One makes a still.
        u: positions in [0, 1], (T,).
        closed: whether a last line leads back to the first point.
    """
    if len(points) == 1:
        return points.expand(len(u), -1)
    a, b = pieces(points, closed=closed)
    number, share = between(u, len(points), closed=closed)
    return a[number].lerp(b[number], share[:, None])


def build(options: None = None, *, closed: bool = True) -> Path2Codes:
    """Return the path of lines through K keys: key k at k / K and the first again, or k / (K - 1).

    It is no path for latents z: half-way between two of them a line is 0.7 as long as they are,
    where no latent is drawn from.
    """

    def path(keys: Tensor, u: Tensor) -> Tensor:
        return shaped(lerp(vectors(keys), u, closed=closed), keys)

    return path

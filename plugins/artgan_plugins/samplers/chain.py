"""Keys in a row: which two of them a position is between. Makes no codes."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["between", "pieces", "shaped", "vectors"]


def vectors(keys: Tensor) -> Tensor:
    """Return keys (K, ...) of any shape as one vector each, (K, d), float64."""
    return keys.detach().to(torch.float64).flatten(1)


def shaped(codes: Tensor, keys: Tensor) -> Tensor:
    """Return codes (T, d) as float32 in the shape of the keys (K, ...), (T, ...)."""
    return codes.to(torch.float32).reshape(-1, *keys.shape[1:])


def pieces(points: Tensor, *, closed: bool) -> tuple[Tensor, Tensor]:
    """Return where each piece of a path begins and ends: the points (S, d) and the next ones.

    Args:
        points: (K, d). A closed path has as many pieces and an open one a piece less.
        closed: whether the last point leads to the first.
    """
    return (points, points.roll(-1, 0)) if closed else (points[:-1], points[1:])


def between(u: Tensor, count: int, *, closed: bool) -> tuple[Tensor, Tensor]:
    """Return the piece that each position is on, and the share of it that is done.

    Args:
        u: positions in [0, 1], (T,).
        count: keys, at least two where the path is open. Key k is met at k / count of a closed
            path and at k / (count - 1) of an open one.
        closed: whether the path leads back to the first key; there 1 is the same as 0.

    Returns:
        The number of the piece, (T,), and its share in [0, 1], (T,), float64.

    >>> between(torch.tensor([0.0, 0.5, 1.0]), 2, closed=True)
    (tensor([0, 1, 0]), tensor([0., 0., 0.], dtype=torch.float64))
    >>> between(torch.tensor([0.0, 0.5, 1.0]), 2, closed=False)
    (tensor([0, 0, 0]), tensor([0.0000, 0.5000, 1.0000], dtype=torch.float64))
    """
    many = count if closed else count - 1
    position = u.to(torch.float64) * many
    whole = position.floor() if closed else position.floor().clamp_max(many - 1)
    return whole.long() % many, position - whole

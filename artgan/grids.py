"""The grids of a run folder: `reals.png`, and `fakes000200.png` at 200 kimg."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import Size
from artgan.images import from_bytes, grid, save_png
from artgan.runs import RunFolder

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["draw_fakes", "draw_reals", "grid_count"]

MOST = 64
"""The most pictures in a grid; fewer where they are large."""

WIDTH = 1024
"""About how wide a grid of large pictures is, in pixels."""


def grid_count(size: Size) -> int:
    """Return how many pictures of a size are in a grid.

    >>> grid_count((32, 32)), grid_count((256, 256))
    (64, 16)
    """
    return min(MOST, max(9, (WIDTH // max(size)) ** 2))


def draw_reals(folder: RunFolder, pictures: Any, size: Size) -> None:
    """Write `reals.png`, unless it is there.

    Args:
        folder: the run's.
        pictures: the prepared set.
        size: of its pictures, (height, width).
    """
    path = folder.path / "reals.png"
    if path.exists():
        return
    count = min(grid_count(size), len(pictures))
    picks = [i * len(pictures) // count for i in range(count)]
    save_png(path, grid(from_bytes(pictures.batch(picks))))


def draw_fakes(folder: RunFolder, cur_nimg: int, fakes: Tensor) -> Path:
    """Write a grid of what was drawn at a number of pictures seen, and return its file.

    Args:
        folder: the run's.
        cur_nimg: what the file is called after.
        fakes: unit range, (N, C, H, W).
    """
    path = folder.path / f"fakes{cur_nimg // 1000:06d}.png"
    save_png(path, grid(fakes))
    return path

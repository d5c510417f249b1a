"""The sheet of pictures that are closest to real ones, beside those reals. Measures no figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from artgan.images import Sheet, from_bytes, save_png
from artgan.measuring import Reals, quantised
from artgan.rendering import recipe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.data.prepared import Pictures
    from artgan.models import Model

__all__ = ["CELL", "draw_sheet", "enlargement"]

ROWS, COLUMNS, SIDE = 16, 8, 4096
"""Pictures on a sheet, and about how many pixels it is wide or high at most."""

CELL = 96
"""Pixels that the short side of each picture on a sheet has at least."""

GAP, APART = 2, 16
"""Pixels between two pictures, and between the drawn ones and the reals."""


def enlargement(short: int) -> int:
    """Return the whole factor that brings a short side, in pixels, to `CELL` or more.

    >>> [enlargement(short) for short in (16, 64, 96, 256)]
    [6, 2, 1, 1]
    """
    return max(1, math.ceil(CELL / short))


def draw_sheet(
    path: Path,
    fakes: Tensor,
    reals: Reals,
    pictures: Pictures,
    model: Model,
    note: Callable[[str], None],
) -> None:
    """Write a row for each of the fakes closest to a real: the fake, apart, then the nearest reals.

    Small pictures are enlarged with square pixels.

    Args:
        path: a PNG.
        fakes: of seeds 0, 1, 2 ..., unit range, (n, 1 or 3, H, W).
        reals: with what could have been copied.
        pictures: what `reals.numbers` are numbers of.
        model: what drew the fakes.
        note: told the seeds, row by row.
    """
    import torch

    from artgan.neighbours import neighbours

    assert reals.training is not None
    factor = enlargement(min(model.size))
    size = (model.size[0] * factor, model.size[1] * factor)
    rows, columns = max(1, SIDE // (size[0] + GAP)), max(2, SIDE // (size[1] + GAP))
    found = neighbours(fakes, reals.training, min(rows, ROWS), min(columns, COLUMNS) - 1)
    seeds, across = found.pictures.tolist(), found.reals.shape[1]
    drawn = Sheet(len(seeds), fakes.shape[1], size, columns=1, gap=GAP)
    beside = Sheet(len(seeds) * across, fakes.shape[1], size, columns=across, gap=GAP)
    for seed, near in zip(seeds, found.reals.tolist(), strict=True):
        drawn.add(_enlarged(fakes[seed], factor))
        batch = pictures.batch([reals.numbers[number] for number in near])
        for real in quantised(from_bytes(batch)):
            beside.add(_enlarged(real, factor))
    between = torch.full_like(drawn.image[:, :, : APART - 2 * GAP], 255)
    whole = torch.cat([drawn.image, between, beside.image], 2)
    save_png(path, whole, recipe("evaluate", model, {"sheet": "neighbours", "seeds": seeds}))
    closest = ", ".join(
        f"{seed} ({closeness:.2f})"
        for seed, closeness in zip(seeds, found.closeness.tolist(), strict=True)
    )
    note(f"closest to a real one, row by row, in parts of its distance to the others: {closest}")


def _enlarged(picture: Tensor, factor: int) -> Tensor:
    """Return a picture (C, H, W) with each pixel a square of pixels."""
    return picture.repeat_interleave(factor, 1).repeat_interleave(factor, 2)

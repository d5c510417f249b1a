"""A contact sheet: small frames of an animation side by side, each with its time, as a PNG.

How many frames there will be is not known while they come. So every frame is kept at first, then
every second, every fourth and so on: never more than four times as many as the sheet shows, and
small.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from artgan.api import FrameWriter, OutputError, Size
from artgan.images import Sheet, from_bytes, save_png, to_pil
from artgan.screen import safe
from artgan_plugins.writers.frames import check_frame
from artgan_plugins.writers.options import SheetOptions

__all__ = ["SheetWriter", "columns_of", "evenly", "open_sheet", "times"]

GAP = 6
TEXT = 12
"""Height of the times in pixels."""

INK = (70, 70, 70)
KEPT = 4
"""How many frames are kept at most for each that is shown."""

WIDEST = 256
"""How wide tiles are at most, in pixels, where nothing is said."""


def evenly(kept: int, step: int, total: int, count: int) -> list[int]:
    """Return which of the kept frames lie nearest to where equal parts of an animation begin.

    Args:
        kept: how many there are: every `step`-th of `total`, from the first.
        count: how many parts there are; fewer if there are fewer frames.

    >>> evenly(kept=5, step=2, total=9, count=3)  # frames 0, 2, 4, 6, 8; parts begin at 0, 3, 6
    [0, 2, 3]
    """
    count = min(count, kept)
    chosen = [int(part * total / (count * step) + 0.5) for part in range(count)]
    return [min(index, kept - 1) for index in chosen]


def columns_of(count: int) -> int:
    """Return how many pictures to put in a row: about square, and with no gap if possible.

    >>> [columns_of(count) for count in (1, 7, 12, 24, 25)]
    [1, 3, 4, 6, 5]
    """
    square = math.ceil(math.sqrt(count))
    return next((n for n in range(square, square + 3) if count % n == 0), square)


def times(seconds: list[float]) -> list[str]:
    """Return times as words, in tenths of a second, or hundredths where they would be the same.

    >>> times([0.0, 1.26]), times([0.0, 0.04])
    (['0.0 s', '1.3 s'], ['0.00 s', '0.04 s'])
    """
    words = [f"{time:.1f} s" for time in seconds]
    return words if len(set(words)) == len(words) else [f"{time:.2f} s" for time in seconds]


class SheetWriter:
    """Keeps small copies of some of the frames (see `artgan.api.FrameWriter`)."""

    def __init__(
        self, options: SheetOptions, path: Path, *, size: Size, fps: float, recipe: str | None
    ) -> None:
        self._options, self._path, self._size = options, Path(path), size
        self._fps, self._recipe = fps, recipe
        width = options.width if options.width is not None else min(size[1], WIDEST)
        self._tile = (width, max(1, round(size[0] * width / size[1])))
        self._kept: list[tuple[float, Image.Image]] = []  # when it is shown, and the tile
        self._step, self._count, self._now = 1, 0, 0.0

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Look at a unit picture (C, H, W), and keep it small if it is its turn.

        Raises:
            OutputError: it has another size than it should.
        """
        check_frame(image, self._path, name, size=self._size)
        if self._count % self._step == 0:
            if len(self._kept) == KEPT * self._options.count:
                del self._kept[1::2]
                self._step *= 2
            self._kept.append((self._now, _opaque(to_pil(image)).resize(self._tile)))
        self._count += 1
        self._now += 1 / self._fps if seconds is None else seconds

    def close(self) -> list[Path]:
        """Write the sheet."""
        if not self._kept:
            raise OutputError(f"{safe(self._path)}: there were no frames to write")
        chosen = evenly(len(self._kept), self._step, self._count, self._options.count)
        tiles = [self._kept[index] for index in chosen]
        save_png(self._path, _sheet_of(tiles, self._options.columns), self._recipe)
        return [self._path]

    def abort(self) -> None:
        """Give up; nothing was written."""
        self._kept = []


def open_sheet(
    options: SheetOptions, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return an open contact sheet; what is transparent is laid on white."""
    return SheetWriter(options, path, size=size, fps=fps, recipe=recipe)


def _opaque(picture: Image.Image) -> Image.Image:
    """Return a picture as RGB, what is transparent laid on white."""
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def _sheet_of(tiles: list[tuple[float, Image.Image]], columns: int | None) -> Tensor:
    """Return tiles in rows, their times in seconds under them, as bytes (3, H, W)."""
    columns = columns if columns is not None else columns_of(len(tiles))
    font = ImageFont.load_default(TEXT)
    words = times([time for time, _ in tiles])
    width, height = tiles[0][1].size
    across = max(width, *(round(font.getlength(word)) for word in words))
    sheet = Sheet(len(tiles), 3, (height + TEXT + GAP, across), columns=columns, gap=GAP)
    for word, (_, tile) in zip(words, tiles, strict=True):
        cell = Image.new("RGB", (across, height + TEXT + GAP), "white")
        cell.paste(tile, ((across - width) // 2, 0))
        ImageDraw.Draw(cell).text((across / 2, height + GAP - 2), word, INK, font, anchor="ma")
        sheet.add(from_bytes(torch.from_numpy(np.array(cell)).permute(2, 0, 1)))
    return sheet.image

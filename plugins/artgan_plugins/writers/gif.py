"""GIF: a streaming writer. One frame is in memory at a time; each has its own colour table.

Pillow finds the colours and compresses, by its public interface; the blocks are put together here,
so that delays, tables and transparency are chosen frame by frame. How the colours of a frame are
chosen is in `palette`.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image
from torch import Tensor

from artgan.api import FrameWriter, OutputError, Size
from artgan.files import Pending, atomic_write
from artgan.images import to_pil
from artgan.screen import safe
from artgan_plugins.writers.frames import check_frame
from artgan_plugins.writers.options import GifOptions
from artgan_plugins.writers.palette import Indexed, index_picture

__all__ = ["MIN_DELAY_CS", "Clock", "GifWriter", "open_gif"]

MIN_DELAY_CS = 2
"""The shortest delay that players keep, in centiseconds; they show 0 and 1 as 10."""

_MAX_DELAY_CS = 65535
_LONGEST_SIDE = 65535
_REMOVE = 2
_KEEP = 1


class Clock:
    """Delays in whole centiseconds whose sum stays within half of one of the true time.

    Args:
        fps: frames a second.

    >>> clock = Clock(24)
    >>> [clock.tick() for _ in range(6)]
    [4, 4, 4, 5, 4, 4]
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._frames = 0
        self._other = 0.0  # seconds of the frames that had their own
        self._spent = 0

    def tick(self, seconds: float | None = None) -> int:
        """Return the next frame's delay; seconds are its own, None is 1 / fps."""
        if seconds is None:
            self._frames += 1
        else:
            self._other += seconds
        due = round(100 * (self._frames / self._fps + self._other))
        delay = min(max(due - self._spent, MIN_DELAY_CS), _MAX_DELAY_CS)
        self._spent += delay
        return delay


class GifWriter:
    """An open GIF file (see `artgan.api.FrameWriter`)."""

    def __init__(
        self,
        options: GifOptions,
        path: Path,
        *,
        size: Size,
        fps: float,
        loop: int,
        recipe: str | None,
    ) -> None:
        self._options, self._path, self._size = options, Path(path), size
        self._clock = Clock(fps)
        self._pending: Pending[BinaryIO] = Pending(atomic_write(self._path))
        self._count = 0
        self._channels: int | None = None
        with self._pending.guard() as file:
            if max(size) > _LONGEST_SIDE:
                raise OutputError(
                    f"{safe(path)}: a GIF has at most {_LONGEST_SIDE} px a side: "
                    "choose another format or a smaller scale"
                )
            file.writelines(_head(size, loop, recipe))

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Add a unit picture (C, H, W); alpha becomes all or nothing at one half."""
        with self._pending.guard() as file:
            check_frame(image, self._path, name, size=self._size, channels=self._channels)
            self._channels = image.shape[0]
            indexed = index_picture(
                to_pil(image), colors=self._options.colors, quality=self._options.quality
            )
            delay = self._clock.tick(seconds)
            file.writelines(_frame(indexed, delay))
            self._count += 1

    def close(self) -> list[Path]:
        """Finish the file and give it its name."""
        with self._pending.guard() as file:
            if self._count == 0:
                raise OutputError(f"{safe(self._path)}: there were no frames to write")
            file.write(b"\x3b")
        self._pending.finish()
        return [self._path]

    def abort(self) -> None:
        """Give up: nothing is left of the file."""
        self._pending.abandon()


def open_gif(
    options: GifOptions, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return an open GIF; loop is how often it plays, 0 for ever.

    Source: GIF89a specification, CompuServe 1990; the NETSCAPE2.0 application block for loops.
    """
    return GifWriter(options, path, size=size, fps=fps, loop=loop, recipe=recipe)


def _head(size: Size, loop: int, recipe: str | None) -> Iterator[bytes]:
    height, width = size
    yield b"GIF89a" + struct.pack("<HHBBB", width, height, 0x70, 0, 0)
    if loop != 1:  # the block's number is of repeats after the first play, 0 for ever
        repeats = min(max(loop - 1, 0), 65535)
        yield b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", repeats, 0)
    if recipe is not None:
        yield b"\x21\xfe"
        data = recipe.encode("utf-8")
        for start in range(0, len(data), 255):
            part = data[start : start + 255]
            yield bytes([len(part)]) + part
        yield b"\0"


def _frame(indexed: Indexed, delay: int) -> Iterator[bytes]:
    """Yield the blocks of a frame; one with alpha, holes or not, goes before the next is drawn.

    Readers clear to nothing only after a frame that names a transparent index.
    """
    height, width = indexed.indices.shape
    clear = indexed.transparent is not None
    bits = max((len(indexed.palette) + clear - 1).bit_length(), 1)
    packed = (_REMOVE if clear else _KEEP) << 2 | clear
    yield b"\x21\xf9\x04" + struct.pack("<BHBB", packed, delay, indexed.transparent or 0, 0)
    yield b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0x80 | (bits - 1))
    yield indexed.palette.tobytes().ljust(3 << bits, b"\0")
    yield _compressed(indexed.indices)


def _compressed(indices: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> bytes:
    """Return the image data of indices, LZW-compressed: what Pillow writes after its own head."""
    buffer = io.BytesIO()
    Image.fromarray(indices).save(buffer, "GIF", optimize=False, interlace=0)
    data = buffer.getvalue()
    at = 13 + _table_bytes(data[10])
    while data[at] == 0x21:  # extensions: kind, sub-blocks, 0
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    at += 10 + _table_bytes(data[at + 9])
    return data[at:-1]


def _table_bytes(packed: int) -> int:
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0

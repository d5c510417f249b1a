"""APNG: a streaming writer without losses. The last frame and the next are in memory, no others.

Pillow's own writer of APNG goes through all frames twice, so that of frames that are made while
they are read it writes the first alone, and says nothing. Here it compresses single pictures, by
its public interface, and the chunks are put together around them. Of each frame only the box around
what has changed is kept.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from torch import Tensor

from artgan.api import FrameWriter, OutputError, Size
from artgan.files import Pending, atomic_write
from artgan.images import RECIPE_KEY, to_pil
from artgan.screen import safe
from artgan_plugins.writers.frames import check_frame
from artgan_plugins.writers.options import ApngOptions
from artgan_plugins.writers.webp import changed_box

__all__ = ["MIN_DELAY", "ApngStream", "ApngWriter", "open_apng"]

MIN_DELAY = Fraction(11, 1000)
"""The shortest delay that players keep, in seconds; they show up to 10 ms as 100."""

_MOST = 65535  # of each part of a delay
_HEAD = 8 + 25  # bytes before acTL: the signature and IHDR
_KEEP, _REPLACE = 0, 0  # what a frame drew stays; it is not blended with what is there


class ApngStream:
    """The chunks of an APNG in a file that is open for writing.

    Args:
        file: where they go, from its beginning.
        loop: how often it plays, 0 for ever.
        recipe: kept in front of the pictures, None for nothing.
        level: how hard size is worked on, 0 to 9.

    Attributes:
        count: how many frames there are so far.
    """

    def __init__(
        self, file: BinaryIO, *, loop: int = 0, recipe: str | None = None, level: int = 6
    ) -> None:
        self._file, self._loop, self._recipe, self._level = file, loop, recipe, level
        self._before: NDArray[np.uint8] | None = None
        self._number = 0  # of fcTL and fdAT together
        self.count = 0

    def add(self, picture: Image.Image, delay: Fraction) -> None:
        """Add a picture of mode L, RGB or RGBA, like all before it, that is shown for seconds."""
        pixels = np.asarray(picture)
        box = changed_box(self._before, pixels)
        self._file.writelines(self._chunks(picture.crop(box), box, delay))
        self._before = pixels
        self.count += 1

    def finish(self) -> None:
        """Write the end, and in front how many frames there are."""
        self._file.write(_chunk(b"IEND", b""))
        self._file.seek(_HEAD)
        self._file.write(self._control())

    def _chunks(
        self, picture: Image.Image, box: tuple[int, int, int, int], delay: Fraction
    ) -> Iterator[bytes]:
        """Yield what a frame adds; before the first frame the head of the whole file."""
        first, drawn = self.count == 0, False
        data = _compressed(picture, self._level, self._recipe if first else None)
        if first:
            yield data[:8]
        for tag, chunk in _split(data):
            if tag == b"IDAT" and not drawn:
                yield self._place(box, delay)
                drawn = True
            if tag == b"IDAT" and not first:
                yield _chunk(b"fdAT", self._next() + chunk[8:-4])
            elif first and tag != b"IEND":
                yield chunk
                if tag == b"IHDR":
                    yield self._control()

    def _place(self, box: tuple[int, int, int, int], delay: Fraction) -> bytes:
        left, top, right, bottom = box
        numbers = struct.pack(">4I", right - left, bottom - top, left, top)
        times = struct.pack(">2H", *_parts(delay))
        return _chunk(b"fcTL", self._next() + numbers + times + bytes([_KEEP, _REPLACE]))

    def _control(self) -> bytes:
        return _chunk(b"acTL", struct.pack(">2I", self.count, self._loop))

    def _next(self) -> bytes:
        self._number += 1
        return struct.pack(">I", self._number - 1)


class ApngWriter:
    """An open APNG file (see `artgan.api.FrameWriter`)."""

    def __init__(
        self,
        options: ApngOptions,
        path: Path,
        *,
        size: Size,
        fps: float,
        loop: int,
        recipe: str | None,
    ) -> None:
        self._path, self._size = Path(path), size
        self._delay = 1 / Fraction(fps).limit_denominator(1001)  # the largest of rates in use
        self._channels: int | None = None
        self._pending: Pending[BinaryIO] = Pending(atomic_write(self._path))
        self._stream = ApngStream(
            self._pending.value, loop=loop, recipe=recipe, level=options.compress_level
        )

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Add a unit picture (C, H, W)."""
        with self._pending.guard():
            check_frame(image, self._path, name, size=self._size, channels=self._channels)
            self._channels = image.shape[0]
            delay = self._delay if seconds is None else Fraction(seconds)
            self._stream.add(to_pil(image), delay)

    def close(self) -> list[Path]:
        """Finish the file and give it its name."""
        with self._pending.guard():
            if self._stream.count == 0:
                raise OutputError(f"{safe(self._path)}: there were no frames to write")
            self._stream.finish()
        self._pending.finish()
        return [self._path]

    def abort(self) -> None:
        """Give up: nothing is left of the file."""
        self._pending.abandon()


def open_apng(
    options: ApngOptions, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return an open APNG; loop is how often it plays, 0 for ever.

    Delays are fractions, so that rates are exact. The recipe is where PNG pictures have it.

    Source: Portable Network Graphics, Third Edition, W3C 2025 §11.3.4 (acTL, fcTL, fdAT).
    """
    return ApngWriter(options, path, size=size, fps=fps, loop=loop, recipe=recipe)


def _parts(seconds: Fraction) -> tuple[int, int]:
    """Return a time as (numerator, denominator) that fit in two bytes each.

    >>> _parts(Fraction(0.04)), _parts(Fraction(1001, 30000)), _parts(Fraction(5, 2))
    ((1, 25), (1001, 30000), (5, 2))
    """
    seconds = min(max(seconds, MIN_DELAY), Fraction(_MOST))
    near = seconds.limit_denominator(_MOST // max(1, math.ceil(seconds)))
    return near.numerator, near.denominator


def _compressed(picture: Image.Image, level: int, recipe: str | None) -> bytes:
    info = PngImagePlugin.PngInfo()
    if recipe is not None:
        info.add_itxt(RECIPE_KEY, recipe)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=level, pnginfo=info)
    return buffer.getvalue()


def _split(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the tag of each chunk of a PNG, and the chunk with it."""
    at = 8
    while at < len(data):
        length, tag = struct.unpack_from(">I4s", data, at)
        yield tag, data[at : at + 12 + length]
        at += 12 + length


def _chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

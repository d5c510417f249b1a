"""Animated WebP: a streaming writer. The last frame and the next are in memory, no others.

Pillow's own writer of animations takes all frames at once, so it compresses single pictures here,
by its public interface, and the container is put together around them. Of each frame only the box
around what has changed is kept. Where everything moves, files are as large as those that libwebp's
own encoder of animations makes.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from artgan.api import FrameWriter, OutputError, Size
from artgan.files import Pending, atomic_write
from artgan.images import recipe_exif, to_pil
from artgan.screen import safe
from artgan_plugins.writers.frames import check_frame
from artgan_plugins.writers.options import WebpOptions

__all__ = ["MIN_DELAY_MS", "Milliseconds", "WebpWriter", "changed_box", "open_webp"]

MIN_DELAY_MS = 11
"""The shortest delay that players keep, in milliseconds; they show up to 10 as 100."""

_MAX_DELAY_MS = (1 << 24) - 1
_LONGEST_SIDE = 16383
_BLED = 4  # pixels to which colours run from an edge, and would stay when it moves on
_LONGEST_FILE = (1 << 32) - 10  # bytes after the first 8
_ANIMATION, _EXIF, _ALPHA = 0x02, 0x08, 0x10  # flags of the VP8X chunk
_REPLACE = 0x02  # flag of a frame: it is not blended with what is there, and stays

_Pixels = NDArray[np.uint8]


def changed_box(
    before: _Pixels | None, after: _Pixels, *, margin: int = 0
) -> tuple[int, int, int, int]:
    """Return the smallest box (left, top, right, bottom) outside of which nothing has changed.

    Its left and top are even, as WebP has them; where all is equal it is one pixel.

    Args:
        before, after: (H, W) or (H, W, C); without a `before`, all has changed.
        margin: pixels around what has changed that are in the box too, an even number.
    """
    height, width = after.shape[:2]
    if before is None:
        return 0, 0, width, height
    different = before != after
    if different.ndim == 3:
        different = different.any(2)
    rows, columns = np.flatnonzero(different.any(1)), np.flatnonzero(different.any(0))
    if not len(rows):
        return 0, 0, 1, 1
    return (
        max(0, int(columns[0]) // 2 * 2 - margin),
        max(0, int(rows[0]) // 2 * 2 - margin),
        min(width, int(columns[-1]) + 1 + margin),
        min(height, int(rows[-1]) + 1 + margin),
    )


class Milliseconds:
    """Delays in whole milliseconds whose sum stays within half of one of the true time.

    Args:
        fps: frames a second.

    >>> clock = Milliseconds(30)
    >>> [clock.tick() for _ in range(4)]
    [33, 34, 33, 33]
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._due = 0.0  # seconds, with those of the next frame
        self._spent = 0

    def tick(self, seconds: float | None = None) -> int:
        """Return the next frame's delay; seconds are its own, None is 1 / fps."""
        self._due += 1 / self._fps if seconds is None else seconds
        delay = min(max(round(1000 * self._due) - self._spent, MIN_DELAY_MS), _MAX_DELAY_MS)
        self._spent += delay
        return delay


class WebpWriter:
    """An open WebP file (see `artgan.api.FrameWriter`)."""

    def __init__(
        self,
        options: WebpOptions,
        path: Path,
        *,
        size: Size,
        fps: float,
        loop: int,
        recipe: str | None,
    ) -> None:
        self._options, self._path, self._size = options, Path(path), size
        self._loop, self._recipe = loop, recipe
        self._clock = Milliseconds(fps)
        self._channels: int | None = None
        self._before: _Pixels | None = None
        self._written = 0
        self._pending: Pending[BinaryIO] = Pending(atomic_write(self._path))
        with self._pending.guard():
            if max(size) > _LONGEST_SIDE:
                raise OutputError(
                    f"{safe(path)}: a WebP has at most {_LONGEST_SIDE} px a side: "
                    "choose another format or a smaller scale"
                )

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Add a unit picture (C, H, W)."""
        with self._pending.guard() as file:
            check_frame(image, self._path, name, size=self._size, channels=self._channels)
            if self._channels is None:
                self._channels = image.shape[0]
                self._put(file, *_head(self._size, self._loop, self._flags()))
            picture = to_pil(image)
            pixels = np.asarray(picture)
            margin = 0 if self._options.lossless else _BLED
            box = changed_box(self._before, pixels, margin=margin)
            data = _compressed(picture.crop(box), self._options)
            self._put(file, _chunk(b"ANMF", _place(box, self._clock.tick(seconds)) + data))
            self._before = pixels

    def close(self) -> list[Path]:
        """Finish the file and give it its name."""
        with self._pending.guard() as file:
            if self._channels is None:
                raise OutputError(f"{safe(self._path)}: there were no frames to write")
            if self._recipe is not None:
                self._put(file, _chunk(b"EXIF", _exif(self._recipe)))
            file.seek(4)
            file.write(struct.pack("<I", self._written - 8))
        self._pending.finish()
        return [self._path]

    def abort(self) -> None:
        """Give up: nothing is left of the file."""
        self._pending.abandon()

    def _flags(self) -> int:
        alpha = _ALPHA if self._channels == 4 else 0
        return _ANIMATION | alpha | (_EXIF if self._recipe is not None else 0)

    def _put(self, file: BinaryIO, *parts: bytes) -> None:
        self._written += sum(map(len, parts))
        if self._written - 8 > _LONGEST_FILE:
            raise OutputError(
                f"{safe(self._path)}: a WebP has at most 4 GB: choose another format, "
                "fewer frames or a smaller scale"
            )
        file.writelines(parts)


def open_webp(
    options: WebpOptions, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return an open WebP; loop is how often it plays, 0 for ever.

    The recipe is in ImageDescription of EXIF, behind "artgan:", as in single pictures.

    Source: WebP Container Specification, developers.google.com/speed/webp/docs/riff_container.
    """
    return WebpWriter(options, path, size=size, fps=fps, loop=loop, recipe=recipe)


def _head(size: Size, loop: int, flags: int) -> Iterator[bytes]:
    height, width = size
    yield b"RIFF\0\0\0\0WEBP"
    canvas = _three(width - 1) + _three(height - 1)
    yield _chunk(b"VP8X", struct.pack("<I", flags) + canvas)
    yield _chunk(b"ANIM", struct.pack("<IH", 0, min(loop, 65535)))


def _place(box: tuple[int, int, int, int], delay: int) -> bytes:
    """Return where a frame goes, and how long it is shown."""
    left, top, right, bottom = box
    numbers = (left // 2, top // 2, right - left - 1, bottom - top - 1, delay)
    return b"".join(map(_three, numbers)) + bytes([_REPLACE])


def _compressed(picture: Image.Image, options: WebpOptions) -> bytes:
    """Return the chunks that hold a picture: what Pillow writes, without its container."""
    settings: dict[str, Any] = {"lossless": options.lossless, "method": options.method}
    settings["quality"] = options.quality
    if picture.mode == "RGBA":
        settings["exact"] = options.lossless  # colours under transparent pixels are kept
    buffer = io.BytesIO()
    picture.convert("RGBA" if picture.mode == "RGBA" else "RGB").save(buffer, "WEBP", **settings)
    data, at, kept = buffer.getvalue(), 12, b""
    while at < len(data):
        tag, size = struct.unpack_from("<4sI", data, at)
        end = at + 8 + size + (size & 1)
        if tag in (b"ALPH", b"VP8 ", b"VP8L"):
            kept += data[at:end]
        at = end
    return kept


def _exif(recipe: str) -> bytes:
    return recipe_exif(recipe).tobytes().removeprefix(b"Exif\0\0")


def _chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", tag, len(data)) + data + b"\0" * (len(data) & 1)


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")

"""GIF: a streaming writer. Two frames are in memory at a time, and what is shown before them.

Pillow finds the colours and compresses, by its public interface; the blocks are put together here,
so that delays, tables and transparency are chosen frame by frame. How the colours are chosen is in
`palette`. Of each frame only the box around what has changed is kept. A frame is written when the
next has come: a reader has to be told then whether to clear its box.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from artgan.api import FrameWriter, OutputError, Size
from artgan.files import Pending, atomic_write
from artgan.images import to_pil
from artgan.screen import safe
from artgan_plugins.writers.frames import check_frame
from artgan_plugins.writers.options import GifOptions
from artgan_plugins.writers.palette import Indexed, Indexer, Mask, Pixels

__all__ = ["MIN_DELAY_CS", "Clock", "GifWriter", "open_gif"]

MIN_DELAY_CS = 2
"""The shortest delay that players keep, in centiseconds; they show 0 and 1 as 10."""

_MAX_DELAY_CS = 65535
_LONGEST_SIDE = 65535
_REMOVE = 2
_KEEP = 1
_SQUARE = 8  # pixels a side: smaller things that stand still by chance are drawn again

_Box = tuple[slice, slice]


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


class _Picture(NamedTuple):
    """A picture, or what is on the screen.

    Attributes:
        pixels: black where nothing is.
        opaque: where something is; None if everywhere.
    """

    pixels: Pixels
    opaque: Mask | None


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
        self._path, self._size = Path(path), size
        self._loop, self._recipe = loop, recipe
        self._indexer = Indexer(
            quality=options.quality,
            colors=options.colors,
            dither=None if options.dither == "auto" else options.dither,
            lock=None if options.lock is None else np.array(options.lock, np.uint8),
        )
        self.probes = self._indexer.probes
        self._clock = Clock(fps)
        self._channels: int | None = None
        self._held: tuple[_Picture, int] | None = None  # not yet written, with its delay
        self._before: _Picture | None = None  # what is there when the held one is drawn
        self._shown: Pixels | None = None  # the same, in the colours that were written
        self._first: Mask | None = None
        self._table = b""
        self._pending: Pending[BinaryIO] = Pending(atomic_write(self._path))
        with self._pending.guard():
            if max(size) > _LONGEST_SIDE:
                raise OutputError(
                    f"{safe(path)}: a GIF has at most {_LONGEST_SIDE} px a side: "
                    "choose another format or a smaller scale"
                )

    def prepare(self, images: Sequence[Tensor]) -> None:
        """See some of the pictures that will come, (C, H, W), to choose the colours of all."""
        with self._pending.guard():
            self._indexer.prepare([_picture(image).pixels for image in images])

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Add a unit picture (C, H, W); alpha becomes all or nothing at one half."""
        with self._pending.guard() as file:
            check_frame(image, self._path, name, size=self._size, channels=self._channels)
            self._channels = image.shape[0]
            picture = _picture(image)
            if self._held is None:
                self._first = picture.opaque
            self._settle(file, picture.opaque)
            self._held = picture, self._clock.tick(seconds)

    def close(self) -> list[Path]:
        """Finish the file and give it its name."""
        with self._pending.guard() as file:
            if self._held is None:
                raise OutputError(f"{safe(self._path)}: there were no frames to write")
            self._settle(file, self._first)
            file.write(b"\x3b")
        self._pending.finish()
        return [self._path]

    def abort(self) -> None:
        """Give up: nothing is left of the file."""
        self._pending.abandon()

    def _settle(self, file: BinaryIO, following: Mask | None) -> None:
        """Write the frame that is held, if one is.

        Args:
            following: where the next frame is opaque.
        """
        if self._held is None:
            return
        (pixels, opaque), delay = self._held
        changed = _changed(self._before, self._held[0])
        holes = None if opaque is None or following is None else opaque & ~following
        remove = holes is not None and bool(holes.any())
        box = _box(changed | holes if holes is not None and remove else changed)
        still = None if self._before is None else _still(changed[box])
        indexed = self._indexer.index(
            pixels[box],
            hidden=None if opaque is None else ~opaque[box],
            still=still if still is not None and still.any() else None,
            shown=None if self._shown is None else self._shown[box],
            at=(box[0].start, box[1].start),
        )
        indices, data = self._shortest(indexed, box)
        table = _table(indexed)
        if self._shown is None:
            self._table = table
            self._shown = np.zeros_like(pixels)
            file.writelines(_head(self._size, self._loop, self._recipe, table))
        self._draw(indexed, indices, box)
        own = b"" if table == self._table else table
        file.writelines((_control(delay, indexed, remove), _place(box, own), data))
        if remove and opaque is not None:
            opaque, pixels = opaque.copy(), pixels.copy()
            opaque[box], pixels[box] = False, 0
        self._before = _Picture(pixels, opaque)

    def _shortest(self, indexed: Indexed, box: _Box) -> tuple[NDArray[np.uint8], bytes]:
        """Return the indices, either all or only those that have to be drawn, and their data."""
        codings = [indexed.indices]
        if indexed.kept is not None and indexed.transparent is not None and self._before:
            kept = indexed.kept
            if self._before.opaque is not None:
                kept = kept & self._before.opaque[box]
            codings.append(np.where(kept, indexed.transparent, indexed.indices).astype(np.uint8))
        return min(((each, _compressed(each)) for each in codings), key=lambda pair: len(pair[1]))

    def _draw(self, indexed: Indexed, indices: NDArray[np.uint8], box: _Box) -> None:
        """Change what is shown as readers will."""
        if self._shown is None:
            return
        drawn = indices != indexed.transparent if indexed.transparent is not None else ...
        self._shown[box][drawn] = indexed.palette[indices[drawn]]


def open_gif(
    options: GifOptions, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return an open GIF; loop is how often it plays, 0 for ever.

    Source: GIF89a specification, CompuServe 1990; the NETSCAPE2.0 application block for loops.
    """
    return GifWriter(options, path, size=size, fps=fps, loop=loop, recipe=recipe)


def _picture(image: Tensor) -> _Picture:
    """Return a unit picture (C, H, W), C of 1, 3 or 4, as bytes; half opaque is opaque."""
    picture = to_pil(image)
    pixels = np.asarray(picture.convert("RGB"))
    if picture.mode != "RGBA":
        return _Picture(pixels, None)
    opaque = np.asarray(picture)[..., 3] >= 128
    return _Picture(np.where(opaque[..., None], pixels, 0).astype(np.uint8), opaque)


def _changed(before: _Picture | None, after: _Picture) -> Mask:
    if before is None:
        return np.ones(after.pixels.shape[:2], np.bool_)
    changed: Mask = (before.pixels != after.pixels).any(2)
    if before.opaque is not None and after.opaque is not None:
        changed |= before.opaque != after.opaque
    return changed


def _box(mask: Mask) -> _Box:
    """Return the smallest box that holds all of a mask, the first pixel if there is nothing."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return slice(0, 1), slice(0, 1)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _still(changed: Mask) -> Mask:
    """Return which pixels are in squares in which none has changed."""
    height, width = changed.shape
    padded = np.pad(changed, ((0, -height % _SQUARE), (0, -width % _SQUARE)))
    squares = padded.reshape(len(padded) // _SQUARE, _SQUARE, -1, _SQUARE).any((1, 3))
    return ~squares.repeat(_SQUARE, 0).repeat(_SQUARE, 1)[:height, :width]


def _head(size: Size, loop: int, recipe: str | None, table: bytes) -> Iterator[bytes]:
    height, width = size
    yield b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF0 | _size_bits(table), 0, 0)
    yield table
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


def _table(indexed: Indexed) -> bytes:
    """Return a colour table that has room for the transparent index, needed or not."""
    bits = min(len(indexed.palette).bit_length(), 8)
    return indexed.palette.tobytes().ljust(3 << bits, b"\0")


def _size_bits(table: bytes) -> int:
    return (len(table) // 3).bit_length() - 2


def _control(delay: int, indexed: Indexed, remove: bool) -> bytes:
    """Return the block before an image; only if it names an index do readers clear to nothing."""
    clear = indexed.transparent is not None
    packed = (_REMOVE if remove else _KEEP) << 2 | clear
    return b"\x21\xf9\x04" + struct.pack("<BHBB", packed, delay, indexed.transparent or 0, 0)


def _place(box: _Box, table: bytes) -> bytes:
    """Return where an image goes, and its own colour table, which may be none."""
    rows, columns = box
    place = (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
    packed = 0x80 | _size_bits(table) if table else 0
    return b"\x2c" + struct.pack("<HHHHB", *place, packed) + table


def _compressed(indices: NDArray[np.uint8]) -> bytes:
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

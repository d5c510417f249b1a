"""Animated AVIF by Pillow. Frames wait on the disk, without losses, and are encoded at the end.

Pillow's writer takes an animation as a whole, but goes from frame to frame of one that it has
opened: so the frames are put into a temporary APNG beside the target. No more than a few of them
are in memory at once. What does grow is the encoder's result: the whole finished file is in memory
until it is written, at the end about three times.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from PIL import Image, features
from torch import Tensor

from artgan.api import ConfigError, FrameWriter, OutputError, Size
from artgan.files import Pending, atomic_write
from artgan.images import recipe_exif, to_pil
from artgan.screen import safe
from artgan_plugins.writers.apng import ApngStream
from artgan_plugins.writers.frames import check_frame
from artgan_plugins.writers.options import AvifOptions
from artgan_plugins.writers.webp import Milliseconds

__all__ = ["AvifWriter", "open_avif"]

_LONGEST_SIDE = 32768
_THREADS = 4  # always so many, since one thread and several do not make the same bytes
_WITHIN = (b"moov", b"trak", b"mdia")
_TIMED = (b"mvhd", b"tkhd", b"mdhd")


class AvifWriter:
    """An open AVIF file (see `artgan.api.FrameWriter`)."""

    def __init__(
        self, options: AvifOptions, path: Path, *, size: Size, fps: float, recipe: str | None
    ) -> None:
        self._options, self._path, self._size, self._recipe = options, Path(path), size, recipe
        if not features.check("avif"):
            raise ConfigError(
                f"{safe(path)}: the installed Pillow knows no AVIF: choose another format, "
                "or install a Pillow that does"
            )
        if max(size) > _LONGEST_SIDE:
            raise OutputError(
                f"{safe(path)}: an AVIF has at most {_LONGEST_SIDE} px a side: "
                "choose another format or a smaller scale"
            )
        self._clock = Milliseconds(fps)
        self._delays: list[int] = []
        self._channels: int | None = None
        self._spool: Pending[BinaryIO] = Pending(atomic_write(self._path))  # never gets its name
        self._stream = ApngStream(self._spool.value, level=1)

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Add a unit picture (C, H, W)."""
        with self._spool.guard():
            check_frame(image, self._path, name, size=self._size, channels=self._channels)
            self._channels = image.shape[0]
            self._stream.add(to_pil(image), Fraction(1))
            self._delays.append(self._clock.tick(seconds))

    def close(self) -> list[Path]:
        """Encode the frames and give the file its name."""
        with self._spool.guard() as spool:
            if not self._delays:
                raise OutputError(f"{safe(self._path)}: there were no frames to write")
            self._stream.finish()
            spool.flush()
            with atomic_write(self._path) as file:
                self._encode(Path(spool.name), file)
                file.flush()
                with Path(file.name).open("rb") as written:
                    times = list(_times(written))
                for at, length in times:
                    file.seek(at)
                    file.write(bytes(length))
        self._spool.abandon()
        return [self._path]

    def abort(self) -> None:
        """Give up: nothing is left of the frames."""
        self._spool.abandon()

    def _encode(self, spool: Path, file: BinaryIO) -> None:
        exif = b"" if self._recipe is None else recipe_exif(self._recipe)
        with Image.open(spool, formats=("PNG",)) as frames:
            try:
                frames.save(
                    file,
                    "AVIF",
                    save_all=True,
                    duration=self._delays,
                    quality=self._options.quality,
                    speed=self._options.speed,
                    exif=exif,
                    max_threads=_THREADS,
                    autotiling=False,
                )
            except (RuntimeError, ValueError) as error:
                raise OutputError(
                    f"cannot write {safe(self._path)}: Pillow says {safe(error)}"
                ) from error


def open_avif(
    options: AvifOptions, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return an open AVIF; it plays for ever, since Pillow cannot have it otherwise.

    The recipe is in ImageDescription of EXIF, behind "artgan:", as in WebP pictures.

    Raises:
        ConfigError: the installed Pillow knows no AVIF.
    """
    return AvifWriter(options, path, size=size, fps=fps, recipe=recipe)


def _times(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield where an AVIF says when it was made, and in how many bytes.

    Without those the same frames make the same bytes; 0 stands for nothing.

    Source: ISO/IEC 14496-12 §4.2 (boxes), §8.2.2 (mvhd), §8.3.2 (tkhd), §8.4.2 (mdhd).
    """
    at, end = 0, file.seek(0, 2)
    while at + 8 <= end:
        file.seek(at)
        size, tag, wide, version = struct.unpack(">I4sQB", file.read(17).ljust(17, b"\0"))
        head = 16 if size == 1 else 8
        if tag in _WITHIN:
            at += head
            continue
        if tag in _TIMED:  # version and flags, then created and modified
            newer = (wide >> 56 if head == 8 else version) == 1
            yield at + head + 4, 16 if newer else 8
        if size == 0:  # up to the end
            return
        at += wide if size == 1 else size

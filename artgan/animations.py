"""Foreign animations: GIF, WebP, APNG, AVIF by Pillow, videos by the extra PyAV, frame by frame.

A file is judged by its content, never by its suffix. No frame is kept: an animation is decoded once
to see what is in it, and once more while its frames are read.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import struct
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from artgan.api import Size
from artgan.colours import TURNS, fit_key, orientation, to_srgb
from artgan.films import comment_of, is_film, read_film
from artgan.framing import check_size, even_rate, frame_of
from artgan.images import Frame, Frames
from artgan.picturefiles import read_recipe
from artgan.pictures import UnreadablePicture, quiet, read_header
from artgan.screen import plural, safe, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Pictures = Generator[tuple[NDArray[np.uint8], int | None], None, None]

__all__ = [
    "is_animation",
    "is_video",
    "is_whole",
    "kept_recipe",
    "plays",
    "read_frames",
]

FORMATS = ("GIF", "WEBP", "PNG", "AVIF")
"""The picture formats that can move, by Pillow's names."""

SHORTEST, SHORT = 0.0101, 0.1
"""Players show frames that are to last 10 ms or less for a tenth of a second."""

_HEAD = 1024
_GIF_END = b"\x3b"
_PNG_END = b"IEND\xaeB`\x82"


def is_animation(path: Path) -> bool:
    """Return whether a file holds pictures that follow each other: a GIF, WebP, PNG, AVIF or video.

    Only headers are read. A file that cannot be read is none.
    """
    head = _head(path)
    if is_film(head):
        return True
    if _is_webp(head):
        with path.open("rb") as file:
            return sum(tag == b"ANMF" for tag, _ in _chunks(file)) > 1
    with contextlib.suppress(UnreadablePicture):
        header = read_header(path)
        return header.format in FORMATS and header.several
    return False


def read_frames(path: Path, *, tell: Callable[[str], None] = say) -> Frames:
    """Return the frames of an animation, upright and in sRGB, decoded while they are read.

    Pictures are (3, H, W), or (4, H, W) if any pixel of any frame can be seen through. Where frames
    last equally long, but for the rounding of the format, `fps` says how long; else it is None, and
    each frame has its own seconds. If the file is damaged, what comes before that is read.

    Args:
        path: a file that `is_animation`, or a GIF, WebP, PNG or AVIF of one picture.
        tell: is told in a sentence what is missing of a damaged file.

    Raises:
        UnreadablePicture: no frame can be read, or it is a video and PyAV is not installed.
    """
    head = _head(path)
    if is_film(head):
        return read_film(path, tell)
    if not _is_webp(head):  # of a WebP that breaks off Pillow reads nothing
        format = read_header(path).format
        if format not in FORMATS:
            raise UnreadablePicture(path, f"not an animation: {format}")
    return _read_animation(path, head, tell)


def is_video(path: Path) -> bool:
    """Return whether a file holds a video, by its first bytes."""
    return is_film(_head(path))


def is_whole(path: Path) -> bool:
    """Return whether every frame that should be in an animation is there, up to its end."""
    faults: list[str] = []
    try:
        read_frames(path, tell=faults.append)
    except UnreadablePicture:
        return False
    return not faults


def plays(path: Path) -> int:
    """Return how often an animation is to be played, 0 for ever; of a video that is not said."""
    head = _head(path)
    if is_film(head):
        return 0
    with contextlib.suppress(Exception), path.open("rb") as file, quiet():
        image = Image.open(file, formats=FORMATS)
        if image.format == "GIF":  # it says how often it is played again, or nothing
            again = image.info.get("loop")
            return 1 if again is None else again + 1 if again else 0
        return int(image.info.get("loop", 0))
    return 0


def kept_recipe(path: Path) -> str | None:
    """Return the recipe that an animation keeps; None if it keeps none, or cannot be read.

    It is the comment of a GIF and of a video, and where pictures have it in the others.
    """
    head = _head(path)
    if head.startswith(b"GIF8"):
        with contextlib.suppress(Exception), path.open("rb") as file, quiet():
            comment = Image.open(file, formats=("GIF",)).info.get("comment", b"")
            return _recipe(comment.decode("utf-8"))
    elif is_film(head):
        return _recipe(comment_of(path))
    else:
        return read_recipe(path)
    return None


def _recipe(text: str) -> str | None:
    return text if text.startswith('{"schema"') else None


def _head(path: Path) -> bytes:
    """Return how a file begins; b"" of one that is not regular or cannot be read."""
    with contextlib.suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:
                return file.read(_HEAD)
    return b""


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


# Pillow's -----------------------------------------------------------------------------------


@dataclass
class _Survey:
    """What is in an animation: its size, how long each frame lasts, if any can be seen through."""

    size: Size
    seconds: list[float]
    alpha: bool = False


def _read_animation(path: Path, head: bytes, tell: Callable[[str], None]) -> Frames:
    found: _Survey | None = None
    fault = ""
    try:
        with _plainly(path):
            for picture, seconds in _pictures(path, head):
                found = found or _Survey((picture.height, picture.width), [])
                found.seconds.append(seconds)
                found.alpha = found.alpha or _is_see_through(picture)
    except UnreadablePicture as error:
        if found is None or not error.lasting:
            raise
        fault = error.reason
    assert found is not None
    survey, count = found, len(found.seconds)
    if fault:
        tell(f"{safe(path)} is {fault}: {plural(count, 'frame')} can be read")
    tick = (0.01 if head.startswith(b"GIF8") else 0.001) / 2
    fps = even_rate(survey.seconds, tick=tick)

    def made() -> Iterator[Frame]:
        with _plainly(path):
            pictures = itertools.islice(_pictures(path, head), count)
            for number, (picture, seconds) in enumerate(pictures):
                pixels = np.array(picture.convert("RGBA" if survey.alpha else "RGB"))
                yield frame_of(pixels, number, seconds if fps is None else None)

    return Frames(made(), survey.size, fps, count)


def _pictures(path: Path, head: bytes) -> Iterator[tuple[Image.Image, float]]:
    """Yield each frame whole, as L, LA, RGB or RGBA, and its seconds; raises where it is damaged.

    Pillow lays partial frames on what was before, and clears it as they say.
    """
    with path.open("rb") as file:
        source: BinaryIO = file
        cut = False
        if _is_webp(head):
            source, cut = _whole_webp(file)
        elif head.startswith(b"GIF8"):
            cut = not _ends(file, _GIF_END)
        with quiet():
            image = Image.open(source, formats=FORMATS)
            check_size(path, *image.size)
            fit_key(image, head)
        claimed = 0 if image.format == "GIF" else getattr(image, "n_frames", 1)
        turn = TURNS.get(orientation(image, decoded=False))
        number = 1 if getattr(image, "default_image", False) else 0  # a still for old readers
        while True:
            with quiet():
                try:
                    image.seek(number)
                except EOFError:
                    break
                try:
                    image.load()
                except SyntaxError:  # what is left of a PNG's chunk was taken for the next
                    if head.startswith(b"\x89PNG") and not _ends(file, _PNG_END):
                        raise EOFError from None
                    raise
                plain = to_srgb(image)
            yield plain if turn is None else plain.transpose(turn), _seconds(image)
            number += 1
        if cut or number < claimed:
            raise EOFError


@contextlib.contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Say in plain words why Pillow fails, which raises nearly anything on a damaged file."""
    try:
        yield
    except (UnreadablePicture, GeneratorExit):
        raise
    except MemoryError:
        reason = "too large: it does not fit into memory"
        raise UnreadablePicture(path, reason, lasting=False) from None
    except Exception as error:
        is_cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
        raise UnreadablePicture(path, "truncated" if is_cut else "damaged") from error


def _seconds(image: Image.Image) -> float:
    seconds = float(image.info.get("duration") or 0) / 1000
    return seconds if seconds > SHORTEST else SHORT


def _is_see_through(picture: Image.Image) -> bool:
    return picture.mode in ("LA", "RGBA") and int(np.asarray(picture)[..., -1].min()) < 255


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the tag and the end of each chunk of a WebP that is there whole, up to the first junk.

    Layout: 12 bytes, of which 4 to 7 say how many follow them; chunks of a tag, a size, so many
    bytes, and one more where that is odd.
    """
    at, length = 12, file.seek(0, io.SEEK_END)
    while at + 8 <= length:
        file.seek(at)
        tag, size = struct.unpack("<4sI", file.read(8))
        if at + 8 + size > length or not tag.strip().isalnum():
            return
        at = min(length, at + 8 + size + (size & 1))
        yield tag, at


def _ends(file: BinaryIO, end: bytes) -> bool:
    """Return whether a file ends as it should, but for padding; it may break off between frames."""
    file.seek(max(0, file.seek(0, io.SEEK_END) - _HEAD))
    tail = file.read()
    file.seek(0)
    return tail.rstrip(b"\0").endswith(end)


def _whole_webp(file: BinaryIO) -> tuple[BinaryIO, bool]:
    """Return a WebP without what broke off at its end, and whether anything did."""
    end = max((end for _, end in _chunks(file)), default=12)
    file.seek(0)
    data = bytearray(file.read())
    (claimed,) = struct.unpack_from("<I", data, 4)
    if end >= 8 + claimed:
        return io.BytesIO(data), False
    del data[end:]
    struct.pack_into("<I", data, 4, len(data) - 8)
    return io.BytesIO(data), True

"""Videos, by the package PyAV, which is an extra. Frames are decoded while they are read."""

from __future__ import annotations

import contextlib
import importlib
import itertools
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artgan.formats import refusal
from artgan.framing import check_size, even_rate, frame_of
from artgan.images import Frame, Frames
from artgan.pictures import UnreadablePicture
from artgan.screen import plural, safe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Pictures = Generator[tuple[NDArray[np.uint8], int | None], None, None]

__all__ = ["comment_of", "is_film", "package", "read_film"]

_VIDEOS = (b"\0\0\1\xba", b"FLV\1", b"OggS")  # beside those that `refusal` knows
_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip")  # of old QuickTime, which begins anyhow
_UNSPECIFIED, _HD = 2, 720  # a matrix that is not said is BT.709 from so many lines on


def is_film(head: bytes) -> bool:
    """Return whether a file is a video, by its first bytes."""
    if head.startswith(_VIDEOS) or head[4:8] in _ATOMS:
        return True
    return refusal(head)[0].startswith("unsupported: video")


def package(path: Path) -> Any:
    """Return PyAV, which a video is read with.

    Raises:
        UnreadablePicture: it is not installed.
    """
    try:
        return importlib.import_module("av")
    except ImportError:
        reason = "video: to read it, pip install 'artgan[video]'"
        raise UnreadablePicture(path, reason, lasting=False) from None


def comment_of(path: Path) -> str:
    """Return the comment of a video, "" if there is none, or it cannot be read."""
    with contextlib.suppress(Exception), path.open("rb") as file, package(path).open(file) as film:
        tags = {key.lower(): value for key, value in film.metadata.items()}
        return str(tags.get("comment", ""))
    return ""


def read_film(path: Path, tell: Callable[[str], None]) -> Frames:
    """Return the frames of a video, see `artgan.animations.read_frames`."""
    av = package(path)
    try:
        with path.open("rb") as file, av.open(file) as container:
            film = _film(path, container)
        with contextlib.closing(_decoded(path, av)) as pictures:
            first = next(pictures, None)
    except av.FFmpegError as error:
        raise UnreadablePicture(path, "damaged") from error
    if first is None:
        raise UnreadablePicture(path, "damaged: there are no frames in it")
    if film.has_sound:
        tell(f"{safe(path)} has sound: it is left out")
    if film.is_cut:
        tell(f"{safe(path)} is truncated: {plural(len(film.shown), 'frame')} can be read")
    fps = film.rate
    if film.shown:
        fps = even_rate(list(film.shown.values()), tick=film.tick, usual=film.rate)

    def made() -> Iterator[Frame]:
        number = 0
        try:
            for pixels, time in _decoded(path, av):
                yield frame_of(pixels, number, film.shown.get(time) if fps is None else None)
                number += 1
        except av.FFmpegError:
            tell(f"{safe(path)} is damaged: {plural(number, 'frame')} can be read")

    return Frames(made(), first[0].shape[:2], fps, len(film.shown) or None)


@dataclass(frozen=True)
class _Film:
    """What a video says of itself.

    Attributes:
        shown: time stamp of a frame -> how long it is shown, in seconds.
        tick: how far times may be off, in seconds.
        rate: frames a second on the average, if that is said.
        is_cut: whether there should be more frames.
        has_sound: whether there is a track of it.
    """

    shown: dict[int | None, float]
    tick: float
    rate: float | None
    is_cut: bool
    has_sound: bool


def _film(path: Path, container: Any) -> _Film:
    """Return what an open video says of itself; no frame is decoded."""
    if not container.streams.video:
        raise UnreadablePicture(path, "there is no picture in it, only sound")
    stream = container.streams.video[0]
    check_size(path, stream.width, stream.height)
    base = Fraction(stream.time_base or 1)
    lengths = {p.pts: p.duration for p in container.demux(stream) if p.pts is not None}
    stamps = sorted(lengths)
    steps = [after - before for before, after in itertools.pairwise(stamps)]
    if stamps:
        rest = stamps[0] + (stream.duration or 0) - stamps[-1]
        whole = rest > 0 and len(stamps) >= stream.frames
        steps.append(rest if whole else lengths[stamps[-1]] or (steps[-1] if steps else 1))
    shown = {stamp: float(step * base) for stamp, step in zip(stamps, steps, strict=True)}
    missing = 0.0
    if len(container.streams) == 1 and container.duration:  # sound may well be longer
        missing = container.duration / 1e6 - sum(shown.values())
    is_cut = len(shown) < stream.frames or missing > max(0.1, *shown.values(), 0)
    rate = stream.average_rate
    tick, sound = max(0.001, float(base)), bool(container.streams.audio)
    return _Film(shown, tick, float(rate) if rate else None, is_cut, sound)


def _decoded(path: Path, av: Any) -> _Pictures:
    """Yield each frame upright, (H, W, 3), and its time stamp."""
    with path.open("rb") as file, av.open(file) as container:
        for frame in container.decode(video=0):
            says_nothing = frame.colorspace == _UNSPECIFIED and frame.height >= _HD
            matrix = {"src_colorspace": "ITU709"} if says_nothing else {}
            pixels = frame.to_ndarray(format="rgb24", **matrix)
            quarters = round(getattr(frame, "rotation", 0) / 90) % 4  # against the clock
            yield np.ascontiguousarray(np.rot90(pixels, quarters)), frame.pts

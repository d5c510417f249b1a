"""MP4 and WebM by the package PyAV, which is an extra. Frames are encoded as they come.

Colours are brought to BT.709 here, and not by the package: what it takes for granted of a matrix
has changed from version to version, and shifts colours by up to 39 of 255 where it is wrong.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from artgan.api import ConfigError, FrameWriter, OutputError, Size
from artgan.files import Pending, atomic_write
from artgan.images import laid_on, to_bytes
from artgan.screen import safe
from artgan_plugins.writers.frames import check_frame
from artgan_plugins.writers.options import VideoOptions

__all__ = ["VideoWriter", "open_video", "to_planes"]

_FORMATS = {
    # without B-frames, since MP4 keeps how long the last frame decoded is shown, not the last seen
    ".mp4": ("mp4", "libx264", 18, {"bf": "0"}),
    ".webm": ("webm", "libvpx-vp9", 28, {"b": "0", "row-mt": "1"}),
}
"""Suffix -> container, codec, its usual crf, its other options."""

_LUMA = (0.2126, 0.7152, 0.0722)
_BT709 = 1  # of primaries, transfer and matrix alike
_LIMITED = 1  # black is 16 and white 235
_FINEST = 10_000  # a tick of the clock is at most so small a part of a second


def to_planes(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture as BT.709 4:2:0 planes in limited range, (H * 3 / 2, W).

    Luma is H rows; below it are the two differences of colour, at half of each side, row after row.
    They lie on every other column and between rows, which is where players look for them.

    Args:
        pixels: sRGB bytes, (H, W, 3), H and W even.

    Source: ITU-R BT.709-6 §3 and §4 (matrix, quantisation); H.264 Annex E (chroma location 0).
    """
    height, width = pixels.shape[:2]
    colour = pixels.astype(np.float32) / 255
    luma = colour @ np.array(_LUMA, np.float32)  # (H, W)
    planes = [(16 + 219 * luma).ravel()]
    for channel in (2, 0):  # blue, red
        wide = 224 * (colour[..., channel] - luma) / (2 * (1 - _LUMA[channel]))
        rows = (wide[::2] + wide[1::2]) / 2
        padded = np.pad(rows, ((0, 0), (1, 0)), "edge")  # every other column has a left neighbour
        plane = (padded[:, :-1:2] + 2 * padded[:, 1::2] + padded[:, 2::2]) / 4
        planes.append((128 + plane).ravel())
    return np.rint(np.concatenate(planes)).astype(np.uint8).reshape(height * 3 // 2, width)


class VideoWriter:
    """An open video file (see `artgan.api.FrameWriter`)."""

    def __init__(
        self, options: VideoOptions, path: Path, *, size: Size, fps: float, recipe: str | None
    ) -> None:
        av = _package(path)
        self._package, self._path, self._size = av, Path(path), size
        container, codec, crf, more = _FORMATS[self._path.suffix.lower()]
        self._rate = Fraction(fps).limit_denominator(1001)
        finer = -(-_FINEST // self._rate.numerator)
        self._tick = Fraction(1, self._rate.numerator * finer)
        self._now = Fraction(0)  # seconds at which the next frame is shown
        self._last = -1  # when the last one was, in ticks
        self._shown: dict[int, int] = {}  # how long frames in the encoder are, by their time
        self._channels: int | None = None
        self._file: Any = None
        self._pending: Pending[BinaryIO] = Pending(atomic_write(self._path))
        with self._guard() as file:
            # no random marks or versions: the same frames make the same bytes
            plain = {"fflags": "+bitexact"}
            self._file = av.open(file, "w", format=container, options=plain)
            if recipe is not None:
                self._file.metadata["comment"] = recipe
            settings = {**more, "crf": str(crf if options.crf is None else options.crf)}
            self._stream: Any = self._file.add_stream(codec, rate=self._rate, options=settings)
            self._stream.height, self._stream.width = (side + side % 2 for side in size)
            self._stream.pix_fmt = "yuv420p"
            self._stream.time_base = self._tick
            context = self._stream.codec_context
            context.time_base = self._tick
            context.color_range = _LIMITED
            context.color_primaries = context.color_trc = context.colorspace = _BT709

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Add a unit picture (C, H, W); what is transparent is laid on white."""
        with self._guard():
            check_frame(image, self._path, name, size=self._size, channels=self._channels)
            self._channels = image.shape[0]
            planes = to_planes(_even(_opaque(image)))
            frame = self._package.VideoFrame.from_ndarray(planes, format="yuv420p")
            self._last = max(self._last + 1, round(self._now / self._tick))
            frame.pts, frame.time_base = self._last, self._tick
            own = None if seconds is None else Fraction(seconds).limit_denominator(10**6)
            shown = 1 / self._rate if own is None else own
            self._shown[self._last] = max(1, round(shown / self._tick))
            self._now += shown
            self._mux(frame)

    def close(self) -> list[Path]:
        """Finish the file and give it its name."""
        with self._guard():
            if self._channels is None:
                raise OutputError(f"{safe(self._path)}: there were no frames to write")
            self._mux(None)
            self._file.close()
        self._pending.finish()
        return [self._path]

    def _mux(self, frame: Any) -> None:
        """Write what the encoder gives for a frame, or at the end; it forgets durations."""
        for packet in self._stream.encode(frame):
            packet.duration = self._shown.pop(packet.pts, 0)
            self._file.mux(packet)

    def abort(self) -> None:
        """Give up: nothing is left of the file."""
        self._let_go()
        self._pending.abandon()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[BinaryIO]:
        """Yield the open file; what goes wrong ends it, and is said in one sentence."""
        with self._pending.guard() as file:
            try:
                yield file
            except OSError:  # of the disk, which the file explains; some of PyAV's are of this kind
                self._let_go()
                raise
            except (
                self._package.FFmpegError,
                self._package.codec.codec.UnknownCodecError,
            ) as error:
                self._let_go()
                raise OutputError(
                    f"cannot write {safe(self._path)}: PyAV says {safe(error)}"
                ) from error
            except BaseException:
                self._let_go()
                raise

    def _let_go(self) -> None:
        """Close the container while there is a file to write to; later it would complain."""
        with contextlib.suppress(Exception):
            self._file.close()


def open_video(
    options: VideoOptions, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return an open video: H.264 in .mp4, VP9 in .webm; players decide whether it loops.

    Sides become even, by the last row and column once more. The recipe is in the metadata, as
    `comment`. WebM counts milliseconds, MP4 keeps every time exactly.

    Raises:
        ConfigError: PyAV is not installed.
    """
    return VideoWriter(options, path, size=size, fps=fps, recipe=recipe)


def _package(path: Path) -> Any:
    try:
        return importlib.import_module("av")
    except ImportError:
        raise ConfigError(
            f"{safe(path)} is a video: to write it, pip install 'artgan[video]'"
        ) from None


def _opaque(image: Tensor) -> NDArray[np.uint8]:
    """Return a unit picture (C, H, W) as bytes (H, W, 3), what is transparent laid on white."""
    image = laid_on(image.detach())
    pixels: NDArray[np.uint8] = to_bytes(image).permute(1, 2, 0).expand(-1, -1, 3).numpy()
    return pixels


def _even(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) with even sides, by its last row and column once more."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")

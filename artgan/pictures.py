"""Foreign picture files: decoded with the right colours, and fitted. No folders, no torch.

A file is judged by its content, never by its suffix, and refused from its header where that is
enough. Only the formats of `FORMATS` reach a decoder; EPS never reaches Ghostscript.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import threading
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, UnidentifiedImageError

from artgan.api import ConfigError, ImageError, Size
from artgan.colours import TURNS, Forgiven, RefusedColours, fit_key, orientation, to_srgb
from artgan.formats import FORMATS, RAW_SUFFIXES, refusal
from artgan.screen import safe

if TYPE_CHECKING:
    from artgan.config import Channels, Fit, TrainConfig

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "MIN_SIDE",
    "Header",
    "PictureSpec",
    "UnreadablePicture",
    "fit_picture",
    "load_picture",
    "quiet",
    "read_header",
]

MAX_PIXELS = 100_000_000
"""More pixels than this are refused before anything is decoded."""

MIN_SIDE = 8
"""A picture with a shorter side, in pixels, is of no use for training."""

_OURS = r"(PIL|pillow_heif|artgan\.(pictures|colours))\b"  # modules whose warnings are silenced
_ENDS = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9", "MPO": b"\xff\xd9"}
_HOLED = {"WEBP", "AVIF", "HEIF"}  # decoders of these take zeros for pixels, and no end is marked
_ZEROS = 1 << 20  # bytes; a longer run of zeros at the end of a file is no padding
_BLOCK = 1 << 16


class UnreadablePicture(ImageError):
    """A picture file that cannot be used.

    Attributes:
        path: the file.
        reason: why, as "kind" or "kind: detail".
        is_picture: False if the file does not even claim to be one.
        lasting: whether it holds until the file is changed; False where the machine failed, as
            when memory or the disk did, or where the file had gone.
    """

    def __init__(
        self, path: Path, reason: str, *, is_picture: bool = True, lasting: bool = True
    ) -> None:
        super().__init__(f"cannot read {safe(path)}: {reason}")
        self.path = Path(path)
        self.reason = reason
        self.is_picture = is_picture
        self.lasting = lasting


@dataclass(frozen=True)
class PictureSpec:
    """What every picture is brought to.

    Attributes:
        size: (height, width) in pixels.
        channels: 1 grey, 3 colour, 4 colour with straight alpha.
        fit: "crop" cuts the centre out, "pad" adds the background, "squash" ignores the aspect.
        background: the colour that transparent pictures are laid on; a name or "#rrggbb".
    """

    size: Size
    channels: Channels = 3
    fit: Fit = "crop"
    background: str = "white"

    def __post_init__(self) -> None:
        _ = self.rgb

    @classmethod
    def of(cls, config: TrainConfig) -> PictureSpec:
        """Return what a run's pictures are brought to, from its settings, resolved."""
        return cls(config.side, config.channels, config.fit, config.background)

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Return the background as bytes.

        Raises:
            ConfigError: it is no colour.
        """
        with contextlib.suppress(ValueError):
            colour = ImageColor.getrgb(self.background)
            if len(colour) == 3:
                return colour
        raise ConfigError(
            f"--background is {safe(repr(self.background))}: "
            "expected a colour such as white, black or #ffcc00"
        )


@dataclass(frozen=True)
class Header:
    """What a picture file says of itself before it is decoded.

    Attributes:
        width, height: in pixels, upright.
        format: Pillow's name of it.
        mode: Pillow's name of the kind of pixels.
        several: whether it holds more pictures than the first.
        mark: checksum of how the file begins and ends.
    """

    width: int
    height: int
    format: str
    mode: str
    several: bool
    mark: int


# Quiet --------------------------------------------------------------------------------------

_lock = threading.Lock()
_users = 0
_outer = contextlib.ExitStack()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence Pillow's warnings and its own pixel limit while the block runs, in all threads.

    Both belong to the whole process: the first to enter sets them and the last to leave takes them
    away, whatever other filters have come and gone meanwhile. Nobody else's warnings are silenced.
    """
    global _users
    with _lock:
        if _users == 0:
            warnings.filterwarnings("ignore", module=_OURS)
            _outer.callback(_unfilter, warnings.filters[0])
            _outer.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
            Image.MAX_IMAGE_PIXELS = None
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _outer.close()


def _unfilter(added: object) -> None:
    with contextlib.suppress(ValueError):  # somebody has put back the filters of before
        cast("list[Any]", warnings.filters).remove(added)


# Opening ------------------------------------------------------------------------------------


def read_header(path: Path, *, max_pixels: int = MAX_PIXELS) -> Header:
    """Return what a picture file says of itself; nothing is decoded.

    Raises:
        UnreadablePicture: it cannot be used; `load_picture` may still find more wrong.
    """
    with _opened(path, max_pixels) as (image, mark):
        width, height = image.size
        if image.format != "TIFF" and orientation(image, decoded=False) >= 5:  # TIFF: done
            width, height = height, width
        several = False
        with Forgiven(Exception):
            several = bool(getattr(image, "is_animated", False))
        return Header(width, height, image.format or "", image.mode, several, mark)


def load_picture(
    path: Path, *, max_pixels: int = MAX_PIXELS, near: Size | None = None
) -> Image.Image:
    """Return a picture upright, in sRGB, as mode L, LA, RGB or RGBA; of several the first.

    Args:
        path: any file; it is opened only if it is a regular one.
        max_pixels: more are refused from the header.
        near: the (height, width) it will be brought to; a JPEG may then be decoded at a fraction
            of its size, but at no less than twice this.

    Raises:
        UnreadablePicture: it cannot be used; the reason is plain.
    """
    with _opened(path, max_pixels) as (image, _):
        if near is not None and image.format == "JPEG":
            image.draft(None, (2 * max(near), 2 * max(near)))
        image.load()
        turn = TURNS.get(orientation(image))
        plain = to_srgb(image)
        upright = plain if turn is None else plain.transpose(turn)
        upright.info = {}  # profile and orientation are used up, and must not be saved again
        return upright


@contextlib.contextmanager
def _opened(path: Path, max_pixels: int) -> Iterator[tuple[Image.Image, int]]:
    """Yield the picture in a file, its header read, and the file's mark (see `Header`).

    Whatever goes wrong, here or in the block, is told in plain words.

    Pillow raises nearly anything on a damaged file, so everything is caught.
    """
    head: bytes | None = None
    try:
        with _regular_file(path) as file, quiet():
            head = file.read(1024)
            file.seek(0)
            image = Image.open(file, formats=FORMATS)
            tail = _check_header(path, image, file, max_pixels)
            fit_key(image, head)
            yield image, zlib.crc32(tail, zlib.crc32(head))
    except UnreadablePicture:
        raise
    except RefusedColours as error:
        raise UnreadablePicture(path, f"unsupported: {error}") from None
    except MemoryError:
        reason = "too large: it does not fit into memory"
        raise UnreadablePicture(path, reason, lasting=False) from None
    except Exception as error:
        reason, is_picture, lasting = _explain(error, head)
        raise UnreadablePicture(path, reason, is_picture=is_picture, lasting=lasting) from error


def _regular_file(path: Path) -> BinaryIO:
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, flags)  # not blocking, or a FIFO would wait for its writer for ever
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UnreadablePicture(path, "not a regular file", is_picture=False)
    return os.fdopen(handle, "rb")


def _check_header(path: Path, image: Image.Image, file: BinaryIO, max_pixels: int) -> bytes:
    """Refuse what need not be decoded to be refused, and return the file's last 64 bytes."""
    width, height = image.size
    if width * height > max_pixels:
        limit = f"at most {max_pixels / 1e6:g} megapixels are read"
        raise UnreadablePicture(path, f"too large: {width}x{height} px, {limit}")
    if image.format == "TIFF" and path.suffix.lower() in RAW_SUFFIXES:
        raise UnreadablePicture(path, "unsupported: camera raw, save it as PNG or JPEG")
    here = file.tell()
    try:
        file.seek(-min(64, file.seek(0, io.SEEK_END)), io.SEEK_END)
        tail = file.read(64)
        if not tail.strip(b"\0") and _breaks_off(file, image.format or ""):
            raise UnreadablePicture(path, "truncated: its end is filled with zeros")
    finally:
        file.seek(here)
    return tail


def _breaks_off(file: BinaryIO, format: str) -> bool:
    """Return whether a file that ends in zeros lacks its own end.

    Decoders show the lost part as black or grey without a word. BMP and TIFF may well end in black
    pixels, and the decoder of GIF tells.
    """
    if format in _HOLED:
        return True
    if format not in _ENDS:
        return False
    end = file.seek(0, io.SEEK_END)
    lowest = max(0, end - _ZEROS)
    while end > lowest:
        start = max(lowest, end - _BLOCK)
        file.seek(start)
        block = file.read(end - start).rstrip(b"\0")
        if block:
            end = start + len(block)
            file.seek(max(0, end - 8))
            return not file.read(min(8, end)).endswith(_ENDS[format])
        end = start
    return True


def _explain(error: Exception, head: bytes | None) -> tuple[str, bool, bool]:
    """Return why something failed, whether the file claims to be a picture, and if it will last."""
    if isinstance(error, FileNotFoundError):
        return "vanished", True, False
    if isinstance(error, OSError) and error.errno and (head is None or error.errno != errno.EINVAL):
        denied = error.errno in (errno.EACCES, errno.EPERM)
        why = "permission is denied" if denied else (error.strerror or str(error)).lower()
        return f"unreadable: {why}", True, False
    if not head:
        return "empty", False, True
    if isinstance(error, UnidentifiedImageError):
        return (*refusal(head), True)
    is_cut = "truncated" in str(error).lower() or isinstance(error, EOFError)
    return "truncated" if is_cut else "damaged", True, True


# Fitting ------------------------------------------------------------------------------------


def fit_picture(image: Image.Image, spec: PictureSpec) -> NDArray[np.uint8]:
    """Return a picture brought to a size and number of channels, uint8, (C, H, W).

    It is resized bicubically, averaged over what it loses, with its colours weighted by alpha, so
    that what hides under transparent pixels never shows as a fringe. With 4 channels the margin of
    "pad" is transparent, and wherever alpha is 0 the colour is the background.

    Args:
        image: mode L, LA, RGB or RGBA.
        spec: what it is brought to.
    """
    box, (height, width) = _placement(image.size, spec)
    if image.mode in ("LA", "RGBA"):
        image = image.convert("RGBA").convert("RGBa")
    resized = image.resize((width, height), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
    pixels = _lay_on(resized, spec)
    rows, columns = spec.size
    if (height, width) == (rows, columns):
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))
    canvas = np.empty((rows, columns, spec.channels), np.uint8)
    canvas[...] = _margin(spec)
    top, left = (rows - height) // 2, (columns - width) // 2
    canvas[top : top + height, left : left + width] = pixels
    return np.ascontiguousarray(canvas.transpose(2, 0, 1))


def _placement(
    size: tuple[int, int], spec: PictureSpec
) -> tuple[tuple[float, float, float, float], Size]:
    """Return the part of a picture that is used (left, top, right, bottom) and its new size."""
    (width, height), (rows, columns) = size, spec.size
    if spec.fit == "crop":
        scale = min(width / columns, height / rows)
        across, down = min(columns * scale, width), min(rows * scale, height)
        left, top = (width - across) / 2, (height - down) / 2
        return (left, top, left + across, top + down), (rows, columns)
    whole = (0.0, 0.0, float(width), float(height))
    if spec.fit == "squash":
        return whole, (rows, columns)
    scale = max(width / columns, height / rows)
    return whole, (max(1, round(height / scale)), max(1, round(width / scale)))


def _lay_on(image: Image.Image, spec: PictureSpec) -> NDArray[np.uint8]:
    """Return a resized picture (L, RGB, or RGBa with colours weighted) as (h, w, C)."""
    if image.mode == "RGBa":
        data = np.asarray(image).astype(np.float32)
        colour, alpha = data[..., :3], data[..., 3:]
        if spec.channels == 4:
            seen = np.clip(np.rint(colour * 255 / np.maximum(alpha, 1)), 0, 255)
            straight = np.where(alpha > 0, seen, np.array(spec.rgb, np.float32))
            return np.concatenate([straight, alpha], axis=2).astype(np.uint8)
        laid = colour + np.array(spec.rgb, np.float32) * ((255 - alpha) / 255)
        image = Image.fromarray(np.clip(np.rint(laid), 0, 255).astype(np.uint8))
    if spec.channels == 1:
        return np.asarray(image.convert("L"))[..., None]
    rgb = np.asarray(image.convert("RGB"))
    if spec.channels == 3:
        return rgb
    opaque = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    return np.concatenate([rgb, opaque], axis=2)


def _margin(spec: PictureSpec) -> tuple[int, ...]:
    if spec.channels == 4:
        return (*spec.rgb, 0)
    if spec.channels == 3:
        return spec.rgb
    return (np.asarray(Image.new("RGB", (1, 1), spec.rgb).convert("L")).item(),)

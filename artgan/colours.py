"""The colours of a decoded picture: any mode and profile to 8-bit sRGB. Opens no file."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

__all__ = [
    "TURNS",
    "Forgiven",
    "RefusedColours",
    "fit_key",
    "orientation",
    "to_plain",
    "to_srgb",
]

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture of an EXIF orientation upright."""

_ORIENTATION, _PHOTOMETRIC, _BITS = 0x0112, 0x0106, 0x0102  # tags of EXIF and TIFF
_BAND = 1 << 20  # pixels that are converted at once
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}


class RefusedColours(Exception):
    """The values of a picture have no known meaning; the text says why."""


class Forgiven(contextlib.suppress):
    """Forgives what junk in a file causes, but not a lack of memory or a failed read."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, MemoryError):
            return False
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            return False
        return bool(super().__exit__(kind, error, trace))


def orientation(image: Image.Image, *, decoded: bool = True) -> int:
    """Return the EXIF orientation of a picture, 1 to 8; 1 where there is none or it is junk.

    Args:
        image: an opened picture.
        decoded: False leaves out a PNG's tags behind its pixels, since Pillow would decode them.
    """
    with Forgiven(Exception):
        if not decoded and image.format == "PNG" and "exif" not in image.info:
            return 1
        value = image.getexif().get(_ORIENTATION, 1)
        if value in TURNS:
            return int(value)
    return 1


def to_srgb(image: Image.Image) -> Image.Image:
    """Return a decoded picture in sRGB as L, LA, RGB or RGBA; a broken profile is left out.

    Raises:
        RefusedColours: its values have no known meaning.
    """
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not profile:
        return to_plain(image)
    if image.mode in ("CMYK", "LAB"):
        with Forgiven(Exception):
            return _apply(profile, image)
    plain = to_plain(image)
    with Forgiven(Exception):
        if plain.mode in ("LA", "RGBA"):
            colour = _apply(profile, plain.convert(plain.mode[:-1]))
            colour.putalpha(plain.getchannel("A"))
            return colour
        return _apply(profile, plain)
    return plain


def fit_key(image: Image.Image, head: bytes) -> None:
    """Bring the transparent colour of a PNG to the bytes that Pillow makes of its pixels.

    Of 16-bit colours Pillow keeps the upper half, so what differs in the lower is transparent too.

    Args:
        image: an opened picture, not yet decoded.
        head: how its file begins.
    """
    key = image.info.get("transparency")
    if image.format != "PNG" or head[12:16] != b"IHDR":
        return
    bits, kind = head[24], head[25]
    if kind == 0 and bits in (2, 4) and isinstance(key, int):
        image.info["transparency"] = key * 255 // ((1 << bits) - 1)
    if kind == 2 and bits == 16 and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)


def to_plain(image: Image.Image) -> Image.Image:
    """Return a decoded picture as L, LA, RGB or RGBA without looking at its profile.

    Raises:
        RefusedColours: its values have no known meaning.
    """
    mode, key = image.mode, image.info.get("transparency")
    if mode.startswith("I;16"):
        return _from_sixteen_bits(image, key)
    if mode in ("I", "F"):
        return _from_wide(image)
    if mode == "P":
        alpha = key is not None or (image.palette is not None and image.palette.mode == "RGBA")
        return image.convert("RGBA" if alpha else "RGB")
    if mode in ("1", "L", "RGB") and key is not None:
        return image.convert("RGBA")
    if mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(*profiles, "LAB", "RGB").apply(image)
    if mode in ("L", "LA", "RGB", "RGBA"):
        return image
    return image.convert({"1": "L", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}.get(mode, "RGB"))


def _from_sixteen_bits(image: Image.Image, key: object) -> Image.Image:
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS, 16)
    bits = bits[0] if isinstance(bits, tuple) else bits
    top = (1 << bits) - 1 if 8 < bits < 16 else 65535  # Pillow gives 12 bits as they are
    wide = np.asarray(image)
    levels = (np.arange(65536) * 255 + top // 2) // top  # for 65535 that is v / 257, rounded
    table = np.minimum(levels, 255).astype(np.uint8)
    if tags.get(_PHOTOMETRIC) == 0:  # 0 is white, which Pillow leaves
        table = 255 - table
    plain = _in_bands(wide, lambda band: table[band])
    if isinstance(key, int):
        plain.putalpha(_in_bands(wide, lambda band: (band != key) * np.uint8(255)))
    return plain


def _from_wide(image: Image.Image) -> Image.Image:
    """Return a picture of 32-bit numbers as bytes: floats of unit range, or 16-bit integers."""
    wide = np.asarray(image)
    top = 1.0 if image.mode == "F" else 65535.0
    low, high = float(wide.min()), float(wide.max())
    if not (low >= 0 and high <= top):  # not-a-number fails too
        raise RefusedColours(f"32-bit values from {low:g} to {high:g}, only 0 to {top:g} is read")
    return _in_bands(wide, lambda band: np.rint(band * (255 / np.float64(top))).astype(np.uint8))


def _in_bands(wide: NDArray[Any], convert: Callable[[NDArray[Any]], NDArray[Any]]) -> Image.Image:
    """Return pixels as bytes, converted some rows at a time: a copy as wide numbers is too large.

    Args:
        wide: (h, w).
        convert: makes bytes of some rows.
    """
    narrow = np.empty(wide.shape, np.uint8)
    rows = max(1, _BAND // max(1, wide.shape[1]))
    for start in range(0, wide.shape[0], rows):
        narrow[start : start + rows] = convert(wide[start : start + rows])
    return Image.fromarray(narrow)


def _apply(profile: bytes, image: Image.Image) -> Image.Image:
    transform = _transform(profile, image.mode)
    if transform is None:
        return image
    converted = transform.apply(image)
    return converted.convert("L") if image.mode == "L" else converted


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to sRGB; None if it changes next to nothing.

    Raises:
        ValueError: the profile belongs to another kind of pixels.
    """
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if source.profile.xcolor_space != _SPACES[mode]:
        raise ValueError("the profile belongs to another kind of pixels")
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return None if mode in ("L", "RGB") and _is_idle(transform, mode) else transform


def _is_idle(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Return whether a transform changes no channel by more than 1, tried all over the cube."""
    if mode == "L":
        probe = np.arange(256, dtype=np.uint8)[None]
    else:
        steps = np.arange(0, 256, 15, dtype=np.uint8)  # 18 of each channel
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    image = Image.fromarray(probe)
    changed = np.asarray(transform.apply(image)).astype(int)
    return bool(np.abs(changed - np.asarray(image.convert("RGB"))).max() <= 1)

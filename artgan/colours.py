"""The colours of a decoded picture: any mode and profile to 8-bit sRGB. Opens no file."""

from __future__ import annotations

import contextlib
import functools
import io

import numpy as np
from PIL import Image, ImageCms

__all__ = ["TURNS", "RefusedColours", "orientation", "to_plain", "to_srgb"]

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

_ORIENTATION, _PHOTOMETRIC = 0x0112, 0x0106  # tags of EXIF and TIFF
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}


class RefusedColours(Exception):
    """The values of a picture have no known meaning; the text says why."""


def orientation(image: Image.Image, *, decoded: bool = True) -> int:
    """Return the EXIF orientation of a picture, 1 to 8; 1 where there is none or it is junk.

    Args:
        image: an opened picture.
        decoded: False leaves out a PNG's tags behind its pixels, since Pillow would decode them.
    """
    with contextlib.suppress(Exception):
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
        with contextlib.suppress(Exception):
            return _apply(profile, image)
    plain = to_plain(image)
    with contextlib.suppress(Exception):
        if plain.mode in ("LA", "RGBA"):
            colour = _apply(profile, plain.convert(plain.mode[:-1]))
            colour.putalpha(plain.getchannel("A"))
            return colour
        return _apply(profile, plain)
    return plain


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
        if isinstance(key, tuple) and max(key) > 255:  # of 16-bit pixels, which Pillow made bytes
            image.info["transparency"] = tuple(value >> 8 for value in key)
        return image.convert("RGBA")
    if mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(*profiles, "LAB", "RGB").apply(image)
    if mode in ("L", "LA", "RGB", "RGBA"):
        return image
    return image.convert({"1": "L", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}.get(mode, "RGB"))


def _from_sixteen_bits(image: Image.Image, key: object) -> Image.Image:
    wide = np.asarray(image).astype(np.uint32)
    grey = ((wide * 255 + 32767) // 65535).astype(np.uint8)  # v / 257, rounded
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:  # 0 is white, which Pillow leaves
        grey = 255 - grey
    plain = Image.fromarray(grey)
    if isinstance(key, int):
        plain.putalpha(Image.fromarray(np.where(wide == key, 0, 255).astype(np.uint8)))
    return plain


def _from_wide(image: Image.Image) -> Image.Image:
    """Return a picture of 32-bit numbers as bytes: floats of unit range, or 16-bit integers."""
    wide = np.asarray(image).astype(np.float64)
    top = 1.0 if image.mode == "F" else 65535.0
    low, high = float(wide.min()), float(wide.max())
    if not (low >= 0 and high <= top):  # not-a-number fails too
        raise RefusedColours(f"32-bit values from {low:g} to {high:g}, only 0 to {top:g} is read")
    return Image.fromarray(np.rint(wide * (255 / top)).astype(np.uint8))


def _apply(profile: bytes, image: Image.Image) -> Image.Image:
    transform = _transform(profile, image.mode)
    if transform is None:
        return image
    converted = transform.apply(image)
    return converted.convert("L") if image.mode == "L" else converted


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to sRGB; None if it is sRGB already.

    Raises:
        ValueError: the profile belongs to another kind of pixels.
    """
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if source.profile.xcolor_space != _SPACES[mode]:
        raise ValueError("the profile belongs to another kind of pixels")
    if (source.profile.profile_description or "").lower().startswith("srgb"):
        return None
    return ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )

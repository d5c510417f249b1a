"""Picture files to tensors and back, with alpha, profile and recipe. Knows no folders.

Reading accepts whatever `artgan.pictures` does; writing knows the formats of `WRITABLE`. Nothing
heavy is imported before it is used.
"""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import ConfigError, OutputError
from artgan.errors import nearest
from artgan.files import write_bytes
from artgan.images import (
    EXIF_DESCRIPTION,
    RECIPE_KEY,
    check_images,
    from_bytes,
    laid_on,
    save_png,
    to_pil,
)
from artgan.screen import safe

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

__all__ = ["QUALITY", "WRITABLE", "read_picture", "read_recipe", "write_picture"]

WRITABLE = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""The suffixes that can be written, in lower case, and Pillow's names of their formats."""

QUALITY = 95
"""How well JPEG and WebP keep a picture if nothing is said, of 100."""

_LONGEST = {"JPEG": 65_500, "WEBP": 16_383}  # pixels a side
_COMMENT_BYTES = 65_533  # that a JPEG's comment segment holds
_PREDICTOR = 317  # tag of TIFF
_HORIZONTAL = 2  # deflate sees the differences of neighbors, a fraction of the size
_MARK = f"{RECIPE_KEY}:".encode()  # tells a recipe from another program's comment
_CREATED = bytes.fromhex("07d0 0001 0001 0000 0000 0000")  # the start of 2000: year, month, day ...


# Reading ------------------------------------------------------------------------------------


def read_picture(path: Path) -> tuple[Tensor, Tensor | None]:
    """Return a picture upright and in sRGB, and its straight alpha.

    Args:
        path: any picture that `load_picture` reads; of several in a file the first.

    Returns:
        The colours, unit range, (1, 3, H, W), and alpha, unit range, (1, 1, H, W), which is None
        where the picture is opaque everywhere.

    Raises:
        UnreadablePicture: it cannot be used; the reason is plain.
    """
    import numpy as np
    import torch

    from artgan.pictures import UnreadablePicture, load_picture

    picture = load_picture(path)
    try:
        mode = "RGBA" if picture.mode in ("LA", "RGBA") else "RGB"
        pixels = torch.from_numpy(np.array(picture.convert(mode)))  # (H, W, C)
        planes = pixels.permute(2, 0, 1)[None].contiguous()  # (1, C, H, W)
        see_through = mode == "RGBA" and int(planes[:, 3].min()) < 255
        return from_bytes(planes[:, :3]), from_bytes(planes[:, 3:]) if see_through else None
    except (MemoryError, RuntimeError):  # torch says the latter when memory is short
        reason = "too large: it does not fit into memory"
        raise UnreadablePicture(path, reason, lasting=False) from None


def read_recipe(path: Path) -> str | None:
    """Return the recipe that a picture file keeps; None if it keeps none or is no such file.

    Only headers are read, no pixels are decoded.
    """
    from PIL import Image

    from artgan.colours import Forgiven
    from artgan.pictures import quiet

    with Forgiven(Exception):  # whatever is in a foreign file
        if not path.is_file():
            return None
        with path.open("rb") as file, quiet():
            image = Image.open(file, formats=(*set(WRITABLE.values()), "AVIF"))
            return _recipe_of(image)
    return None


def _recipe_of(image: Image.Image) -> str | None:
    if image.format == "PNG":
        text = image.info.get(RECIPE_KEY)  # `text` of the picture would decode it
        return str(text) if isinstance(text, str) else None
    if "comment" in image.info:
        return _marked(image.info["comment"])
    text = image.getexif().get(EXIF_DESCRIPTION)
    return _marked(text.encode("latin-1")) if isinstance(text, str) else None  # as Pillow decodes


def _marked(data: Any) -> str | None:
    if not isinstance(data, bytes) or not data.startswith(_MARK):
        return None
    return data[len(_MARK) :].decode("utf-8")


# Writing ------------------------------------------------------------------------------------


def write_picture(path: Path, image: Tensor, *, recipe: str | None, quality: int = QUALITY) -> None:
    """Write a picture in the format of its suffix, whole or not at all.

    The same picture, recipe and quality make the same bytes. JPEG, WebP and TIFF are tagged as
    sRGB, if the picture has colours. JPEG keeps the colours of each pixel (4:4:4) and no alpha: it
    is laid on white. The others keep alpha exactly; WebP keeps colours as `quality` says.

    Args:
        path: where; its folder is made.
        image: unit range, (C, H, W), C of 1, 3 or 4 (straight alpha).
        recipe: kept in the file: PNG's iTXt `artgan`; behind "artgan:" in JPEG's comment, or in
            ImageDescription of WebP and TIFF. JPEG goes without one of more than 65,526 bytes.
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        ConfigError: nothing writes the suffix.
        ShapeError: it is no such picture.
        OutputError: it is too large for the format, or the system refused.
    """
    format = WRITABLE.get(path.suffix.lower())
    if format is None:
        raise ConfigError(
            f"{safe(path)}: pictures are not written as '{safe(path.suffix)}': "
            f"{nearest(path.suffix.lower(), WRITABLE)}"
        )
    check_images(image[None], "unit", f"the picture for {safe(path)}")
    _check_sides(path, format, image)
    if format == "PNG":
        save_png(path, image, recipe)
        return
    if format == "JPEG":
        image = laid_on(image)
    picture = to_pil(image)
    text = None if recipe is None else _MARK + recipe.encode("utf-8")
    options = {"JPEG": _jpeg, "WEBP": _webp, "TIFF": _tiff}[format](picture, text, quality)
    if picture.mode != "L":  # an RGB profile does not fit grey pixels
        options["icc_profile"] = _srgb_profile()
    encoded = io.BytesIO()
    picture.save(encoded, format, **options)
    write_bytes(path, encoded.getvalue())


def _check_sides(path: Path, format: str, image: Tensor) -> None:
    height, width = image.shape[1:]
    longest = _LONGEST.get(format)
    if longest is not None and max(height, width) > longest:
        raise OutputError(
            f"cannot write {safe(path)}: it has {width}x{height} px, and {format} holds at most "
            f"{longest:,} a side: write .png or .tif"
        )


def _jpeg(picture: Image.Image, text: bytes | None, quality: int) -> dict[str, Any]:
    options: dict[str, Any] = {"quality": quality, "subsampling": "4:4:4"}
    if text is not None and len(text) <= _COMMENT_BYTES:
        options["comment"] = text
    return options


def _webp(picture: Image.Image, text: bytes | None, quality: int) -> dict[str, Any]:
    from PIL import Image

    options: dict[str, Any] = {"quality": quality, "method": 4, "alpha_quality": 100}
    if picture.mode == "RGBA":
        options["exact"] = True  # colours under transparent pixels are kept
    if text is not None:
        exif = Image.Exif()
        exif[EXIF_DESCRIPTION] = text  # as bytes: of a str Pillow keeps the ASCII only
        options["exif"] = exif
    return options


def _tiff(picture: Image.Image, text: bytes | None, quality: int) -> dict[str, Any]:
    tags: dict[int, Any] = {_PREDICTOR: _HORIZONTAL}
    if text is not None:
        tags[EXIF_DESCRIPTION] = text
    return {"compression": "tiff_adobe_deflate", "tiffinfo": tags}


@functools.cache
def _srgb_profile() -> bytes:
    """Return an ICC profile of sRGB without the time it was made, so that bytes are repeatable."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + _CREATED + profile[36:]

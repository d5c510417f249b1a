"""The colours of one frame: from a picture to at most 256 colours and an index for each pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Indexed", "Quality", "index_picture"]

Quality = Literal["best", "flat", "draft"]

SAMPLE_PIXELS = 4096
"""About how many pixels of a frame its colours are chosen from."""


@dataclass(frozen=True)
class Indexed:
    """A picture in few colours.

    Attributes:
        indices: (H, W).
        palette: (number of colours, 3), RGB.
        transparent: the index that stands for nothing, one past the palette, used or not; None of
            a picture without alpha.
    """

    indices: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    transparent: int | None = None


def index_picture(picture: Image.Image, *, colors: int, quality: Quality) -> Indexed:
    """Return a picture in its own best colours.

    One with few enough colours keeps each exactly. Else median cut on a part of the pixels, made
    better by k-means, finds them, and the error is diffused to the neighbours: smooth gradients
    stay smooth.

    Args:
        picture: L, RGB or RGBA; pixels less than half opaque become transparent.
        colors: the most there may be, the transparent one included.
        quality: "best"; "flat" does not diffuse; "draft" does not either, and looks less closely.

    Source: Heckbert 1982 (median cut); Floyd and Steinberg 1976 (diffusion).
    """
    clear = None
    if picture.mode == "RGBA":
        clear = np.asarray(picture)[..., 3] < 128
        picture = Image.composite(
            picture.convert("RGB"),
            Image.new("RGB", picture.size),
            Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)),
        )
        colors = max(colors - 1, 1)
    indexed = _exact(picture, colors)
    if indexed is None:
        indexed = _chosen(picture.convert("RGB"), colors, quality)
    if clear is None:
        return indexed
    transparent = len(indexed.palette)
    indices = np.where(clear, transparent, indexed.indices).astype(np.uint8)
    return Indexed(indices, indexed.palette, transparent)


def _exact(picture: Image.Image, colors: int) -> Indexed | None:
    if picture.getcolors(colors) is None:
        return None
    rgb = np.asarray(picture.convert("RGB")).astype(np.uint32)
    packed = rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]
    found, indices = np.unique(packed, return_inverse=True)
    palette = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.uint8)
    return Indexed(indices.reshape(packed.shape).astype(np.uint8), palette)


def _chosen(picture: Image.Image, colors: int, quality: Quality) -> Indexed:
    if quality == "draft":
        quantized = picture.quantize(colors, method=Image.Quantize.FASTOCTREE)
    else:
        step = max(1, math.isqrt(picture.width * picture.height // SAMPLE_PIXELS))
        sample = Image.fromarray(np.ascontiguousarray(np.asarray(picture)[::step, ::step]))
        chosen = sample.quantize(colors, method=Image.Quantize.MEDIANCUT, kmeans=1)
        dither = Image.Dither.FLOYDSTEINBERG if quality == "best" else Image.Dither.NONE
        quantized = picture.quantize(palette=chosen, dither=dither)
    palette = np.asarray(quantized.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)[:colors]
    return Indexed(np.asarray(quantized), palette)

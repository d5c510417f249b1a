"""The colours of frames: from pictures to at most 256 colours and an index for each pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

__all__ = ["Colors", "Dither", "Indexed", "Indexer", "Mask", "Pixels", "Quality", "nearest"]

Quality = Literal["best", "smooth", "small", "draft"]
Dither = Literal["diffusion", "ordered", "none"]

Pixels = NDArray[np.uint8]
"""RGB, (H, W, 3)."""

Colors = NDArray[np.uint8]
"""RGB, (number of colours, 3)."""

Mask = NDArray[np.bool_]
"""(H, W)."""

PROBES = 24
"""Frames that the colours of a whole animation are chosen from."""

_SAMPLE = 4096  # about how many pixels of a frame its colours are chosen from
_PROBE_SAMPLE = 2048
_GRAIN = 3  # levels by which a pixel may leave its neighbours and is still smoothed
_SLACK = 60.0  # squared distance by which what is shown may be worse and still stays
_WORN, _SPARE = 2.0, 12.0  # colours serve up to so many times their first error, and so much more
_MANY = 64  # colours: of fewer, none can be spared
_TILE = 8  # pixels a side of the ordered pattern


@dataclass(frozen=True)
class Indexed:
    """A picture in few colours.

    Attributes:
        indices: (H, W).
        palette: the colours.
        transparent: the index that stands for nothing, one past the palette, used or not; None
            where there is none.
        kept: where what is shown does as well; None of nowhere.
    """

    indices: NDArray[np.uint8]
    palette: Colors
    transparent: int | None = None
    kept: Mask | None = None


class Indexer:
    """What brings the pictures of an animation to few colours, one after the other.

    Median cut on a part of the pixels, made better by k-means, finds the colours of each picture,
    but for some that it would serve worst. A picture of few enough colours keeps each exactly.
    `small` has the same colours for all pictures, see `prepare`; without that, those of one picture
    are kept for the next ones while they serve, which is until the mean squared error is twice what
    it was at first, or one of few colours lacks one.

    Args:
        quality: "best" diffuses errors to the neighbours: smooth gradients stay smooth; "smooth"
            takes the nearest colours; "small" does so too, but smooths grain of up to 3 levels and
            lets stay what is shown where it is hardly worse; "draft" looks less closely.
        colors: the most there may be in a picture, the transparent one included.
        dither: another than that of the quality; "ordered" adds a pattern of 8 x 8 pixels, the
            same in each frame, so that what stands still keeps still.
        lock: the colours to use, whatever else is asked for; of 256, the last gives way where
            something is transparent.

    Attributes:
        probes: how many pictures `prepare` wants, 0 where it is of no use.

    Source: Heckbert 1982 (median cut); Floyd and Steinberg 1976 (diffusion); Bayer 1973 (ordered).
    """

    def __init__(
        self,
        *,
        quality: Quality,
        colors: int,
        dither: Dither | None = None,
        lock: Colors | None = None,
    ) -> None:
        self._quality, self._colors = quality, colors
        self._dither: Dither = dither or ("diffusion" if quality == "best" else "none")
        self._fixed = lock
        self._lasting: tuple[Colors, float] | None = None  # and their first error
        self.probes = PROBES if quality == "small" and lock is None else 0

    def prepare(self, pictures: Sequence[Pixels]) -> None:
        """Choose the colours of all pictures that will come from some of them."""
        if not self.probes or not pictures:
            return
        room = max(self._colors - 1, 1)
        found = [_few(picture, room) for picture in pictures]
        together = np.concatenate([_sample(p, _PROBE_SAMPLE).reshape(-1, 3) for p in pictures])
        exact = [each for each in found if each is not None]
        if len(exact) == len(found):
            union = np.unique(np.concatenate(exact), axis=0)
            if len(union) <= room:
                self._fixed = union
                return
        self._fixed = _chosen(together[None], room)

    def index(
        self,
        pixels: Pixels,
        *,
        hidden: Mask | None = None,
        still: Mask | None = None,
        shown: Pixels | None = None,
        at: tuple[int, int] = (0, 0),
    ) -> Indexed:
        """Return a picture in few colours.

        Args:
            pixels: the picture.
            hidden: where it is transparent; None if it never is.
            still: where it need not be drawn, because it stands there already; None if nowhere.
            shown: the colours on the screen there, None if nothing is.
            at: (top, left) of the picture on the screen.
        """
        lasting = self._fixed is not None or self._quality == "small"
        clear = hidden if still is None else still if hidden is None else hidden | still
        if hidden is None and self._fixed is not None and len(self._fixed) == 256:
            clear = None  # no index is left
        room = max(self._colors - (clear is not None), 1)
        few = _few(pixels, room)
        if self._fixed is not None:
            palette = self._fixed if clear is None else self._fixed[:255]
        elif lasting:
            palette = self._serving(pixels)
        else:
            palette = few if few is not None else self._own(pixels, room)
        shown = shown if lasting else None
        indices, kept = self._mapped(pixels, palette, few is not None, shown, at)
        if len(palette) == 256:
            return Indexed(indices, palette)
        if clear is not None:
            indices = np.where(clear, len(palette), indices).astype(np.uint8)
        if not lasting:
            return Indexed(indices, palette, None if clear is None else len(palette))
        unused = clear is None and shown is None
        return Indexed(indices, palette, None if unused else len(palette), kept)

    def _serving(self, pixels: Pixels) -> Colors:
        """Return the colours of an earlier picture, or this one's own if they do no longer."""
        room = max(self._colors - 1, 1)
        sample, few = _sample(pixels, _SAMPLE), _few(pixels, room)
        if self._lasting is not None:
            palette, first = self._lasting
            if few is not None and _mean_error(few[None], palette) == 0:
                return palette
            if few is None and _mean_error(sample, palette) <= _WORN * first + _SPARE:
                return palette
        palette = few if few is not None else _chosen(sample, room)
        self._lasting = palette, _mean_error(sample, palette)
        return palette

    def _own(self, pixels: Pixels, room: int) -> Colors:
        if self._quality == "draft":
            picture = Image.fromarray(pixels)
            return _colors_of(picture.quantize(room, method=Image.Quantize.FASTOCTREE), room)
        return _chosen(_sample(pixels, _SAMPLE), room)

    def _mapped(
        self,
        pixels: Pixels,
        palette: Colors,
        few: bool,
        shown: Pixels | None,
        at: tuple[int, int],
    ) -> tuple[NDArray[np.uint8], Mask | None]:
        """Return the index of each pixel, and where what is shown does as well."""
        dither = "none" if few and self._fixed is None else self._dither
        if dither == "diffusion" or (self._quality == "draft" and dither == "none" and not few):
            indices = _quickly(pixels, palette, diffuse=dither == "diffusion")
            return indices, None if shown is None else (palette[indices] == shown).all(2)
        slack = 0.0
        goal = pixels.astype(np.float32)
        if dither == "ordered":
            goal = goal + _pattern(pixels.shape[:2], at)[..., None] * _reach(palette)
        elif self._quality == "small" and not few:
            goal, slack = _calmed(pixels), _SLACK
        indices = nearest(goal, palette)
        if shown is None:
            return indices, None
        return indices, _error(goal, shown) <= _error(goal, palette[indices]) + slack


def nearest(pixels: NDArray[np.float32], palette: Colors) -> NDArray[np.uint8]:
    """Return the index of the colour next to each pixel, (H, W), the first of equal ones.

    |x - c|^2 = |x|^2 - 2 x·c + |c|^2, of which the first is the same for all colours; whole numbers
    are exact.

    Args:
        pixels: bytes or between them, (H, W, 3).
        palette: at most 256 colours.
    """
    colors = palette.astype(np.float32)
    squares, pull = (colors**2).sum(1), np.ascontiguousarray(-2 * colors.T)
    flat = np.ascontiguousarray(pixels, dtype=np.float32).reshape(-1, 3)
    indices = np.empty(len(flat), np.uint8)
    for start in range(0, len(flat), 256):  # what the processor keeps at hand
        part = slice(start, start + 256)
        indices[part] = (flat[part] @ pull + squares).argmin(1)
    return indices.reshape(pixels.shape[:2])


def _error(pixels: NDArray[np.float32], others: Pixels) -> NDArray[np.float32]:
    """Return the squared distance of each pixel from the other, (H, W)."""
    difference = pixels - others
    error: NDArray[np.float32] = np.einsum("hwc,hwc->hw", difference, difference)
    return error


def _mean_error(pixels: Pixels, palette: Colors) -> float:
    goal = pixels.astype(np.float32)
    return float(_error(goal, palette[nearest(goal, palette)]).mean())


def _few(pixels: Pixels, most: int) -> Colors | None:
    """Return all the colours of a picture, sorted, or None if there are more than that."""
    found = Image.fromarray(pixels).getcolors(most)
    return None if found is None else np.array(sorted(c for _, c in found), np.uint8)


def _sample(pixels: Pixels, about: int) -> Pixels:
    step = max(1, math.isqrt(pixels.shape[0] * pixels.shape[1] // about))
    return np.ascontiguousarray(pixels[::step, ::step])


def _chosen(pixels: Pixels, most: int) -> Colors:
    """Return colours that serve pixels well: most by median cut, some of what that serves worst.

    Those some are an eighth, or none where there are few colours at all: each is the pixel that is
    furthest from all colours so far. Small things in colours of their own keep them so, and errors
    can be diffused up to the most saturated ones.
    """
    far = most // 8 if most >= _MANY else 0
    picture = Image.fromarray(pixels)
    quantized = picture.quantize(most - far, method=Image.Quantize.MEDIANCUT, kmeans=1)
    palette = _colors_of(quantized, most - far)
    flat = pixels.reshape(1, -1, 3)
    goal = flat.astype(np.float32)
    error = _error(goal, palette[nearest(goal, palette)])
    added = []
    for _ in range(far):
        added.append(flat[0, error.argmax()])
        error = np.minimum(error, _error(goal, added[-1]))
    return np.concatenate([palette, np.array(added, np.uint8).reshape(-1, 3)])


def _colors_of(picture: Image.Image, most: int) -> Colors:
    return np.asarray(picture.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)[:most]


def _quickly(pixels: Pixels, palette: Colors, *, diffuse: bool) -> NDArray[np.uint8]:
    """Return indices as Pillow finds them: it looks at the upper six bits of each channel."""
    chosen = Image.new("P", (1, 1))
    chosen.putpalette(palette.tobytes())
    dither = Image.Dither.FLOYDSTEINBERG if diffuse else Image.Dither.NONE
    return np.asarray(Image.fromarray(pixels).quantize(palette=chosen, dither=dither))


def _calmed(pixels: Pixels) -> NDArray[np.float32]:
    """Return a picture with the mean of 3 x 3 pixels wherever it differs by little: no grain."""
    mean = np.asarray(Image.fromarray(pixels).filter(ImageFilter.BoxBlur(1)))
    near = np.abs(pixels.astype(np.int16) - mean).max(2, keepdims=True) <= _GRAIN
    return np.where(near, mean, pixels).astype(np.float32)


def _pattern(size: tuple[int, int], at: tuple[int, int]) -> NDArray[np.float32]:
    """Return the ordered pattern, values evenly between -1/2 and 1/2, where it stands on screen."""
    ranks = np.zeros((1, 1))
    while len(ranks) < _TILE:
        ranks = np.block([[4 * ranks, 4 * ranks + 2], [4 * ranks + 3, 4 * ranks + 1]])
    tile = ((ranks + 0.5) / ranks.size - 0.5).astype(np.float32)
    rows, columns = ((np.arange(n) + start) % _TILE for n, start in zip(size, at, strict=True))
    return tile[np.ix_(rows, columns)]


def _reach(palette: Colors) -> float:
    """Return how far colours are from the next one, the median of all, in levels a channel."""
    if len(palette) < 2:
        return 0.0
    colors = palette.astype(np.float32)
    apart = ((colors[:, None] - colors[None]) ** 2).sum(2)
    np.fill_diagonal(apart, np.inf)
    return float(np.sqrt(np.median(apart.min(1)) / 3))

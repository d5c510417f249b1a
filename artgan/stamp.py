"""A signature on pictures: its shape from a file, one ink for a whole film. Writes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from artgan.api import Size
from artgan.images import to_linear
from artgan.picturefiles import read_picture
from artgan.pictures import UnreadablePicture
from artgan.toning import resize
from artgan.walkplan import Corner

__all__ = [
    "ENOUGH",
    "Mark",
    "Stamp",
    "contrast",
    "ink_for",
    "load_mark",
    "luminance",
    "placed",
    "stamp",
]

ENOUGH = 3.0
"""The contrast from which on a mark is easily seen, of 1 to 21."""

LIGHT, DARK = 0.97, 0.05
"""The two inks that a mark without a colour of its own may have, unit range."""

LEAST_SIDE = 8
"""Pixels that a mark is high and wide at least, if the picture allows."""

_FAINT = 0.02
"""Less ink than this is none."""
_GRAIN = 0.15
"""Less ink than this on a drawing is the grain of its paper."""
_HIDDEN = 0.1
"""The share of the pixels under a mark that may be hard to tell from it."""
_COLOURED = 0.15
"""How far the channels of a mark lie apart from which on it has a colour."""
_MOST_GAIN = 3.0
"""How much more ink thin lines get that were made small, at most."""
_HALO = 0.8
"""How opaque a halo is beside the mark."""

# Rec. 709, as WCAG has it.
_LUMINANCE = (0.2126, 0.7152, 0.0722)


@dataclass(frozen=True)
class Mark:
    """What is stamped.

    Attributes:
        shape: how much ink there is, unit range, (1, h, w), cut to what is inked.
        colour: of its ink, unit range, (3,), None where it is grey.
        digest: SHA-256 of its file.
    """

    shape: Tensor
    colour: Tensor | None
    digest: str


def load_mark(path: Path) -> Mark:
    """Return the mark in a picture file.

    Its alpha is its shape. Without any it is a drawing: its ground is the median of the rim, its
    ink what is darker, or what is lighter where the ground is dark.

    Raises:
        UnreadablePicture: it cannot be read, or nothing is drawn on it.
    """
    image, alpha = read_picture(path)
    shape = _drawn(image[0]) if alpha is None else alpha[0]
    rows, columns = (shape[0] > _FAINT).any(1).nonzero(), (shape[0] > _FAINT).any(0).nonzero()
    if not len(rows):
        reason = "no mark: expected a drawing on a plain ground, or a picture with alpha"
        raise UnreadablePicture(path, reason)
    box = (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        reason = f"unreadable: {error.strerror or error}"
        raise UnreadablePicture(path, reason, lasting=False) from error
    solid = shape[0] >= 0.5 * shape.max()
    colour = image[0][:, solid].mean(1)
    grey = float(colour.max() - colour.min()) < _COLOURED
    return Mark(shape[:, box[0], box[1]].contiguous(), None if grey else colour, digest)


def _drawn(image: Tensor) -> Tensor:
    """Return how much ink there is on an opaque picture (3, H, W), (1, H, W)."""
    light = (image * image.new_tensor(_LUMINANCE)[:, None, None]).sum(0)
    rim = torch.cat([light[0], light[-1], light[:, 0], light[:, -1]])
    ground = float(rim.median())
    darker = ground - light if ground >= 0.5 else light - ground
    most = float(darker.max())
    if most < _GRAIN:
        return torch.zeros_like(light)[None]
    ink = (darker / most).clamp(0, 1)
    return torch.where(ink >= _GRAIN, ink, 0.0)[None]


# Where --------------------------------------------------------------------------------------


def placed(
    mark: Mark, size: Size, *, corner: Corner, share: float = 0.12, margin: float = 0.03
) -> Tensor:
    """Return a mark in its place, on an empty plane: unit range, (1, H, W).

    Args:
        mark: what to place.
        size: (height, width) of the pictures in pixels.
        corner: where it stands.
        share: of the short side that the mark has: the geometric mean of its height and width, so
            that long names are lower and wider. Neither is below 8 px where it fits.
        margin: between it and the rim, in parts of the short side.
    """
    height, width = size
    short = min(size)
    gap = round(margin * short)
    high, wide = mark.shape.shape[1:]
    scale = max(share * short / (high * wide) ** 0.5, LEAST_SIDE / min(high, wide))
    scale = min(scale, max(1, height - 2 * gap) / high, max(1, width - 2 * gap) / wide)
    high, wide = max(1, round(high * scale)), max(1, round(wide * scale))
    small = resize(mark.shape[None], (high, wide))[0]
    inked = small[small > _FAINT].sort().values
    peak = float(inked[int(0.9 * len(inked))]) if len(inked) else 1.0
    gain = min(_MOST_GAIN, max(1.0, 1 / peak))
    gaps = (min(gap, height - high), min(gap, width - wide))
    top = gaps[0] if corner.startswith("top") else height - high - gaps[0]
    left = gaps[1] if corner.endswith("left") else width - wide - gaps[1]
    plane = torch.zeros(1, height, width)
    plane[:, top : top + high, left : left + wide] = (small * gain).clamp(0, 1)
    return plane


# In which ink -------------------------------------------------------------------------------


def luminance(colours: Tensor) -> Tensor:
    """Return the relative luminance of colours, in [0, 1].

    Args:
        colours: unit range, (C, ...), C of 1 or 3.

    Source: W3C, Web Content Accessibility Guidelines 2.2, relative luminance.
    """
    linear = to_linear(colours)
    if len(colours) == 1:
        return linear[0]
    return torch.einsum("c...,c->...", linear, linear.new_tensor(_LUMINANCE))


def contrast(one: Tensor, other: Tensor) -> Tensor:
    """Return the contrast ratio of luminances, from 1 to 21.

    >>> round(float(contrast(torch.tensor(1.0), torch.tensor(0.0))), 3)
    21.0

    Source: W3C, Web Content Accessibility Guidelines 2.2, contrast ratio.
    """
    return (torch.maximum(one, other) + 0.05) / (torch.minimum(one, other) + 0.05)


def _grounds(mask: Tensor, pictures: Iterable[Tensor]) -> list[Tensor]:
    """Return the luminance of each pixel under and right beside a mask, (P,), picture by picture.

    A picture with alpha is laid on white and on black: what is behind it is not known.
    """
    under = functional.max_pool2d(mask, 3, 1, 1)[0] > _HIDDEN
    found = []
    for picture in pictures:
        pixels = picture[:, under].float().clamp(0, 1)  # (C, P)
        if len(pixels) == 4:
            colour, alpha = pixels[:3], pixels[3:]
            found += [luminance(colour * alpha + ground * (1 - alpha)) for ground in (1, 0)]
        else:
            found.append(luminance(pixels))
    return found


def _least_contrast(ink: Tensor, grounds: Sequence[Tensor]) -> float:
    """Return the contrast that nine tenths of what is under a mark have at least in any picture.

    Args:
        ink: unit range, (1,) or (3,).
        grounds: luminances under the mark, picture by picture, each (P,).
    """
    light = luminance(ink)
    ratios = [float(contrast(light, ground).quantile(_HIDDEN)) for ground in grounds]
    return min(ratios, default=ENOUGH)


def _chosen(
    mask: Tensor, pictures: Sequence[Tensor], colour: Tensor | None
) -> tuple[Tensor, float]:
    """Return the ink and its least contrast, see `ink_for`."""
    grounds = _grounds(mask, pictures)
    channels = 1 if pictures and len(pictures[0]) == 1 else 3
    if colour is not None and channels == 3:
        least = _least_contrast(colour, grounds)
        if least >= ENOUGH:
            return colour, least
    inks = [torch.full((channels,), level) for level in (LIGHT, DARK)]
    ratios = [_least_contrast(ink, grounds) for ink in inks]
    best = 0 if ratios[0] >= ratios[1] else 1
    return inks[best], ratios[best]


def ink_for(mask: Tensor, pictures: Sequence[Tensor], *, colour: Tensor | None = None) -> Tensor:
    """Return the one ink for all pictures, unit range, (1,) for grey ones, else (3,).

    It is near white or near black, whichever has more contrast where it has the least, or the
    mark's own colour where that is seen well enough everywhere.

    Args:
        mask: see `placed`, (1, H, W).
        pictures: some of the film, unit range, each (C, H, W), C of 1, 3 or 4.
        colour: the mark's own, unit range, (3,).
    """
    return _chosen(mask, pictures, colour)[0]


# Stamping -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stamp:
    """A mark in its place and ink, for pictures of one size.

    Attributes:
        mask: how much ink there is, unit range, (1, H, W).
        ink: unit range, (1,) or (3,).
        halo: how much of the opposite colour is around it, unit range, (1, H, W); None for none.
    """

    mask: Tensor
    ink: Tensor
    halo: Tensor | None = None

    def apply(self, images: Tensor) -> Tensor:
        """Return pictures with the mark on them; what is beside it stays, to the bit.

        Args:
            images: unit range, (N, C, H, W), C as the ink has it, or 4 (straight alpha), which
                becomes opaque where the mark is.
        """
        if self.halo is not None:
            light = float(luminance(self.ink)) > 0.18
            images = _laid(images, self.halo, torch.full_like(self.ink, DARK if light else LIGHT))
        return _laid(images, self.mask, self.ink)


def _laid(images: Tensor, cover: Tensor, ink: Tensor) -> Tensor:
    """Return pictures with an ink over them as much as a cover (1, H, W) says."""
    cover, ink = cover.to(images), ink.to(images)[:, None, None]
    if images.shape[1] != 4:
        return images * (1 - cover) + ink * cover
    colour, alpha = images[:, :3], images[:, 3:]
    shows = alpha * (1 - cover)
    whole = cover + shows
    mixed = (ink * cover + colour * shows) / whole.clamp_min(1e-6)
    return torch.where(cover > 0, torch.cat([mixed, whole], 1), images)


def _halo(mask: Tensor) -> Tensor:
    """Return a soft rim around a mask and under it, unit range, (1, H, W)."""
    rows = (mask[0] > _HIDDEN).any(1).sum()
    reach = max(1, round(0.1 * float(rows)))
    wide = functional.max_pool2d(mask, 2 * reach + 1, 1, reach)
    for _ in range(2):
        side = 2 * reach + 1
        wide = functional.avg_pool2d(wide, side, 1, reach, count_include_pad=False)
    return (wide * _HALO).clamp(0, 1)


def stamp(
    mark: Mark,
    pictures: Sequence[Tensor],
    *,
    corner: Corner = "bottom-right",
    share: float = 0.12,
    margin: float = 0.03,
) -> Stamp:
    """Return the stamp for a film: one place and one ink that is seen on all of it.

    Where no single ink has a contrast of 3 everywhere, it gets a soft halo of the opposite.

    Args:
        mark: see `load_mark`.
        pictures: some of the film, at least one, all of one size: unit range, (C, H, W), C of 1, 3
            or 4.
        corner, share, margin: see `placed`.
    """
    size = (pictures[0].shape[1], pictures[0].shape[2])
    mask = placed(mark, size, corner=corner, share=share, margin=margin)
    ink, least = _chosen(mask, pictures, mark.colour)
    return Stamp(mask, ink, _halo(mask) if least < ENOUGH else None)

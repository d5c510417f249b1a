"""DiffAugment: colour, translation and cutout, for few pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from artgan.api import Augment, Pyramid
    from artgan_plugins.augmentations.options import DiffaugmentOptions

__all__ = ["DRAWS", "build", "cut_out", "diffaugment", "recolour", "translate"]

DRAWS = 10
"""Random numbers that a picture takes, whatever is done to it."""

BRIGHTNESS = 0.5  # either way, in signed range, which is 2 wide
SATURATION = (0.0, 2.0)
CONTRAST = (0.5, 1.5)
TRANSLATION = 1 / 8  # of each side, either way
CUTOUT = 1 / 2  # of each side
OUTSIDE = 9.0  # a centre so far off that nothing is cut out


def recolour(pictures: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    """Return pictures in other colours; alpha stays.

    Brightness is added, saturation scales the distance of each pixel from its own grey (the mean
    of its channels), contrast the distance of everything from the picture's mean; in this order.
    A picture of one channel is its own grey, and has no saturation.

    Args:
        pictures: signed range, (N, C, H, W), C of 1, 3 or 4.
        brightness, saturation, contrast: one for each picture, (N,); 0, 1 and 1 change nothing.
    """
    brightness, saturation, contrast = (
        each.to(pictures).view(-1, 1, 1, 1) for each in (brightness, saturation, contrast)
    )
    colours = pictures[:, :3]
    grey = colours.mean(1, keepdim=True)  # (N, 1, H, W)
    mean = grey.mean((2, 3), keepdim=True)  # (N, 1, 1, 1)
    # the three, multiplied out: one pass over the pixels
    greyed = contrast * (1 - saturation) * grey + ((1 - contrast) * mean + brightness)
    colours = torch.addcmul(greyed, colours, contrast * saturation)
    return colours if pictures.shape[1] < 4 else torch.cat([colours, pictures[:, 3:]], 1)


def translate(pictures: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Return pictures moved by whole pixels; what comes in is 0 in every channel.

    Args:
        pictures: (N, C, H, W).
        down, right: pixels for each picture, (N,), int64; below 0 is up and left.
    """
    height, width = pictures.shape[-2:]
    rows = torch.arange(height, device=pictures.device) - down[:, None]  # where they come from
    columns = torch.arange(width, device=pictures.device) - right[:, None]
    inside = _outer(
        (rows >= 0) & (rows < height), (columns >= 0) & (columns < width), pictures.dtype
    )
    # around the edges and blanked there, so that no pixel is taken twice
    source = (rows % height)[:, :, None] * width + (columns % width)[:, None]
    source = source.flatten(1)[:, None].expand(-1, pictures.shape[1], -1)  # (N, C, H*W)
    moved: Tensor = pictures.flatten(2).gather(2, source).unflatten(2, (height, width))
    return moved * inside


def cut_out(pictures: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return pictures with a part half as high and half as wide set to 0 in every channel.

    Args:
        pictures: (N, C, H, W).
        y, x: the middle of that part for each picture, (N,), in parts of the height and the width;
            it may reach over the edges, and lie off the picture.
    """
    height, width = pictures.shape[-2:]
    hole = _outer(_span(y, height), _span(x, width), pictures.dtype)
    return pictures * (1 - hole)


def _span(middle: Tensor, length: int) -> Tensor:
    """Return which pixels of a line have their centres in a span around its middle, (N, length)."""
    centres = torch.arange(length, device=middle.device) + 0.5
    from_start = centres - (middle[:, None] - CUTOUT / 2) * length
    return (from_start >= 0) & (from_start < CUTOUT * length)


def _outer(rows: Tensor, columns: Tensor, dtype: torch.dtype) -> Tensor:
    """Return 1 where a row (N, H) and a column (N, W) are both chosen, else 0, (N, 1, H, W)."""
    return rows.to(dtype)[:, None, :, None] * columns.to(dtype)[:, None, None]


def diffaugment(
    pictures: Pyramid,
    draws: Tensor,
    *,
    strength: float,
    colour: bool = True,
    translation: bool = True,
    cutout: bool = True,
) -> Pyramid:
    """Return pictures changed at random, in the same shapes and memory layouts.

    Every scale of a picture gets the same changes. A translation is whole pixels of the finest
    scale, rounded to whole pixels of each coarser one; what is cut out are the pixels whose
    centres lie in one and the same part. Either leaves 0 behind, as in the paper: mid grey in
    signed range, and half transparent where there is alpha.

    Args:
        pictures: signed range, each (N, C, h, w), C of 1, 3 or 4, coarse to fine.
        draws: uniform in [0, 1), (N, DRAWS), on the pictures' device.
        strength: probability of each of the three for each picture, on its own.
        colour: brightness up to 0.5 up or down (signed range), saturation 0 to 2 times, contrast
            0.5 to 1.5 times.
        translation: up to an eighth of each side.
        cutout: half of each side, the middle anywhere in the picture.

    Source: Zhao et al. 2020, arXiv:2006.10738 §4.
    Differs: each of the three happens with a probability, as in Karras et al. 2020,
        arXiv:2006.06676 App. B, where the paper always does all of them; the middle of a cutout
        is any point, not a whole pixel.
    """
    on_colour, light, vivid, hard, on_move, down, right, on_cut, y, x = draws.unbind(1)
    brightness = torch.where(on_colour < strength, BRIGHTNESS * (2 * light - 1), 0.0)
    saturation = torch.where(on_colour < strength, _between(SATURATION, vivid), 1.0)
    contrast = torch.where(on_colour < strength, _between(CONTRAST, hard), 1.0)
    sides = pictures[-1].shape[-2:]
    down, right = (
        torch.where(on_move < strength, _whole(each, side), 0.0)
        for each, side in zip((down, right), sides, strict=True)
    )
    y = torch.where(on_cut < strength, y, OUTSIDE)

    changed = []
    for scale in pictures:
        height, width = scale.shape[-2:]
        planes = scale.contiguous()  # where a pixel's channels lie side by side, this is slow
        if colour:
            planes = recolour(planes, brightness, saturation, contrast)
        if translation:
            moves = (down * (height / sides[0]), right * (width / sides[1]))
            planes = translate(planes, *(move.round().long() for move in moves))
        if cutout:
            planes = cut_out(planes, y, x)
        changed.append(_laid_out_like(scale, planes))
    return tuple(changed)


def _between(bounds: tuple[float, float], draws: Tensor) -> Tensor:
    return bounds[0] + (bounds[1] - bounds[0]) * draws


def _whole(draws: Tensor, side: int) -> Tensor:
    """Return draws as whole pixels, all up to the farthest either way equally likely."""
    farthest = int(TRANSLATION * side + 0.5)
    return (draws * (2 * farthest + 1)).floor().clamp(max=2 * farthest) - farthest


def _laid_out_like(given: Tensor, changed: Tensor) -> Tensor:
    if given.is_contiguous():
        return changed
    if given.is_contiguous(memory_format=torch.channels_last):
        return changed.contiguous(memory_format=torch.channels_last)
    return changed


def build(options: DiffaugmentOptions) -> Augment:
    """Return the augmentation; without strength, or with nothing to do, pictures stay as given."""
    kinds = options.model_dump()

    def augment(
        pictures: Pyramid, *, strength: float, cur_nimg: int, random: torch.Generator
    ) -> Pyramid:
        if strength <= 0 or not any(kinds.values()):
            return pictures
        draws = torch.rand(pictures[-1].shape[0], DRAWS, generator=random)
        draws = draws.to(pictures[-1].device, non_blocking=True)
        return diffaugment(pictures, draws, strength=strength, **kinds)

    return augment

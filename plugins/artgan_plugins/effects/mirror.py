"""Mirror: one half of a picture mirrored onto the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from artgan.api import Alter
    from artgan_plugins.effects.options import Half, MirrorOptions

__all__ = ["build", "folded", "mirror"]

_SIDES = {"left": (-1, True), "right": (-1, False), "top": (-2, True), "bottom": (-2, False)}


def folded(images: Tensor, dim: int, *, first: bool) -> Tensor:
    """Return pictures one half of which is mirrored onto the other; an odd middle stays.

    Args:
        images: (N, C, H, W).
        dim: -1 folds across, -2 down.
        first: whether the left or upper half is kept.

    >>> folded(torch.arange(5.0).view(1, 1, 1, 5), -1, first=True).flatten()
    tensor([0., 1., 2., 1., 0.])
    """
    place = torch.arange(images.shape[dim], device=images.device)
    there = place.flip(0)
    return images.index_select(dim, torch.minimum(place, there) if first else place.maximum(there))


def mirror(images: Tensor, *, half: Half = "left") -> Tensor:
    """Return pictures whose halves mirror each other, to the bit.

    Args:
        images: unit range, (N, C, H, W), C of 1, 3 or 4.
        half: the one that is kept.
    """
    dim, first = _SIDES[half]
    return folded(images, dim, first=first)


def build(options: MirrorOptions) -> Alter:
    """Return the effect."""

    def effect(images: Tensor) -> Tensor:
        return mirror(images, half=options.half)

    return effect

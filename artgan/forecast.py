"""How much memory redrawing a picture takes, told before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from artgan.criterion import largest_tile
from artgan.redraw import HISTORY, OCTAVES, budgets, level_sizes

if TYPE_CHECKING:
    from artgan.api import Size
    from artgan.stylist import Style, Stylist

__all__ = ["forecast", "saved_bytes"]

PROBE = 96
"""Pixels on a side of the picture that is tried."""

FIXED = 250_000_000
"""Bytes beside all that grows with pictures: libraries, buffers, what an extractor learns from."""

PICTURES = 13
"""Float pictures of the whole size that exist at once, beside what L-BFGS remembers."""

VECTORS = 8
"""Vectors that L-BFGS holds beside its history."""

RIM = 48
"""Pixels that a tile sees beyond itself, about, both sides together."""

PASSING = 1.35
"""What a tile takes while gradients pass through it, in parts of what is saved for that."""


def saved_bytes(stylist: Stylist, styles: Sequence[Style]) -> tuple[float, float]:
    """Return what is saved for the gradient, and what the targets are, in bytes a pixel.

    A small picture of noise is tried.
    """
    random = torch.Generator().manual_seed(0)
    probe = torch.rand(1, 3, PROBE, PROBE, generator=random).to(stylist.device)
    criterion = stylist.trial(probe, styles)
    seen: set[int] = set()
    total = 0

    def keep(tensor: Tensor) -> Tensor:
        nonlocal total
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen and tensor.numel() >= PROBE:
            seen.add(storage.data_ptr())
            total += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        criterion.evaluate(probe)
    maps = [
        values
        for target in criterion.content.values()
        for values in target.values()
        if values.ndim == 4
    ]
    area = PROBE * PROBE
    return total / area, sum(values.numel() * values.element_size() for values in maps) / area


def forecast(stylist: Stylist, size: Size, styles: Sequence[Style]) -> int:
    """Return how many bytes redrawing takes at most, about, beside what is in use already.

    Args:
        stylist: what will redraw.
        size: (height, width) in pixels of the result.
        styles: what it will be like.
    """
    saved, targets = saved_bytes(stylist, styles)
    area = size[0] * size[1]
    sizes = level_sizes(size, shortest=16)
    evaluations = budgets(len(sizes), effort=stylist.recipe.effort)[-1]
    vectors = (2 * min(HISTORY, evaluations) + VECTORS) * sum(0.25**k for k in range(OCTAVES))
    if stylist.recipe.method == "adam":
        vectors = 6
    height, width = largest_tile(size, stylist.recipe.tile)
    if (height, width) != size:
        targets /= 2  # kept in half precision
    seen = min(size[0], height + RIM) * min(size[1], width + RIM)
    return round(FIXED + area * (12 * (PICTURES + vectors) + targets) + seen * saved * PASSING)

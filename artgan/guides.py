"""Where a picture is calm and where busy, so that each is drawn like such parts of a style."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

__all__ = ["busyness", "guides"]

REACH = 1 / 32
"""How far around a pixel is looked, in parts of the long edge."""

_LUMA = (0.299, 0.587, 0.114)


def busyness(image: Tensor) -> Tensor:
    """Return the rank of how much happens around each pixel, 0 (least) to 1, (1, 1, H, W).

    Ranks, and not amounts, so that every picture has calm parts and busy ones.

    Args:
        image: unit range, (1, 3, H, W).
    """
    luma = (image * image.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    around = pad(luma, (1, 1, 1, 1), "replicate")
    right = around[..., 1:-1, 2:] - around[..., 1:-1, :-2]
    down = around[..., 2:, 1:-1] - around[..., :-2, 1:-1]
    slope = right.square() + down.square()
    side = 2 * max(1, round(max(image.shape[-2:]) * REACH / 2)) + 1
    for _ in range(2):
        slope = avg_pool2d(pad(slope, (side // 2,) * 4, "replicate"), side, 1)
    order = slope.flatten().argsort(stable=True)
    ranks = torch.empty_like(slope.flatten())
    ranks[order] = torch.linspace(0, 1, len(order), dtype=ranks.dtype, device=ranks.device)
    return ranks.view_as(slope)


def guides(image: Tensor) -> list[Tensor]:
    """Return how calm and how busy each pixel is, (1, 1, H, W) each; their sum is 1.

    Source: Gatys et al. 2017, arXiv:1611.07865 §4 (guided Gram matrices).
    Differs: the guides are found, not drawn: ranks of the local contrast.
    """
    busy = busyness(image)
    return [1 - busy, busy]

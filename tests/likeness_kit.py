"""Wide small pictures: what is judged is quickly judged at this shape."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

__all__ = ["picture"]


def picture(seed: int, size: tuple[int, int] = (14, 96), *, grain: float = 0.1) -> Tensor:
    """Return large soft patches of colour with some grain, unit range, (1, 3, H, W)."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 4, 12, generator=random)
    fine = torch.rand(1, 3, *size, generator=random)
    large = interpolate(coarse, size, mode="bicubic", align_corners=False)
    return ((1 - grain) * large + grain * fine).clamp(0, 1)

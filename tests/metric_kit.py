"""Pictures that the tests of metrics measure: paintings, and what may become of them."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from artgan.api import View
from artgan.images import from_bytes, to_bytes
from artgan.paintings import paint

__all__ = ["blurred", "noise", "paintings", "repeated", "view"]


@functools.cache
def _painting(seed: int, side: int) -> Tensor:
    return torch.from_numpy(np.asarray(paint(seed, side=side)).copy()).permute(2, 0, 1)


def paintings(count: int = 48, *, first: int = 0, side: int = 32) -> Tensor:
    """Return paintings of seeds from `first` on, all different, unit range, (count, 3, H, W)."""
    return from_bytes(torch.stack([_painting(first + i, side) for i in range(count)]))


def noise(count: int = 48, *, side: int = 32, channels: int = 3) -> Tensor:
    """Return pictures of noise."""
    random = torch.Generator().manual_seed(5)
    return from_bytes(to_bytes(torch.rand(count, channels, side, side, generator=random)))


def blurred(pictures: Tensor) -> Tensor:
    """Return pictures as a 3x3 average leaves them."""
    padded = functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
    return from_bytes(to_bytes(functional.avg_pool2d(padded, 3, 1)))


def repeated(picture: Tensor, count: int = 48) -> Tensor:
    """Return one picture over and over."""
    return picture[None].repeat(count, 1, 1, 1)


def view(fakes: Tensor, **parts: object) -> View:
    """Return a view of fakes beside the first 48 paintings."""
    return View(paintings(), fakes, **parts)

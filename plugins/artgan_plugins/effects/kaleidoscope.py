"""Kaleidoscope: one wedge of a picture mirrored around its middle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from artgan_plugins.effects.weighted import mixed

if TYPE_CHECKING:
    from artgan.api import Alter, Size
    from artgan_plugins.effects.options import KaleidoscopeOptions

__all__ = ["build", "kaleidoscope", "wedge_places"]


def wedge_places(size: Size, *, wedges: int, turn: float) -> Tensor:
    """Return where in a picture each pixel of its kaleidoscope comes from, (H, W, 2), float64.

    Across, then down, in pixels from the middle. With θ the angle of a pixel past the begin of the
    first wedge and w the width of one, its source lies as far from the middle at the angle
    w - |w - (θ mod 2w)|: every second wedge is mirrored, and at each edge both sides meet. Pixels
    of the first wedge stay where they are.

    Args:
        size: (height, width) in pixels.
        wedges: an even number.
        turn: where the first begins, degrees clockwise from the top.

    >>> wedge_places((1, 3), wedges=2, turn=0.0)[0, :, 0]  # the left comes from the right
    tensor([1., 0., 1.], dtype=torch.float64)
    """
    height, width = size
    y = torch.arange(height, dtype=torch.float64)[:, None] - (height - 1) / 2
    x = torch.arange(width, dtype=torch.float64)[None] - (width - 1) / 2
    begin, wide = math.radians(turn), 2 * math.pi / wedges
    theta = torch.atan2(x.expand(size), -y.expand(size)) - begin  # 0 is up, and x grows clockwise
    angle = begin + wide - (wide - torch.remainder(theta, 2 * wide)).abs()
    away = torch.hypot(x, y)
    return torch.stack([away * torch.sin(angle), -away * torch.cos(angle)], -1)


def kaleidoscope(images: Tensor, *, wedges: int = 12, turn: float = 0.0) -> Tensor:
    """Return pictures in which one wedge is mirrored around the middle, bilinear.

    Where a wedge reaches beyond the picture, the picture is mirrored at its rim.

    Args:
        images: unit range, (N, C, H, W), C of 1, 3 or 4 (straight alpha).
        wedges: how many, an even number: every second one is mirrored.
        turn: where the first, which is kept, begins: degrees clockwise from the top.
    """
    height, width = images.shape[-2:]
    places = wedge_places((height, width), wedges=wedges, turn=turn)
    sides = places.new_tensor([width, height])
    where = (2 * places / sides).to(images)  # the picture goes from -1 to 1

    def sampled(planes: Tensor) -> Tensor:
        return grid_sample(
            planes,
            where.expand(len(planes), -1, -1, -1),
            mode="bilinear",
            padding_mode="reflection",
            align_corners=False,
        )

    return mixed(images, sampled)


def build(options: KaleidoscopeOptions) -> Alter:
    """Return the effect."""

    def effect(images: Tensor) -> Tensor:
        return kaleidoscope(images, wedges=options.wedges, turn=options.turn)

    return effect

"""Tile: a picture made small and laid out as tiles, each second one mirrored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from artgan_plugins.effects.weighted import mixed

if TYPE_CHECKING:
    from artgan.api import Alter
    from artgan_plugins.effects.options import TileOptions

__all__ = ["build", "tile"]


def tile(images: Tensor, *, tiles: int = 2) -> Tensor:
    """Return pictures as small tiles of themselves, mirrored by turns so that equal edges meet.

    So many copies side by side are as many times as long; each pixel is the mean of what it covers
    of them, at any size exactly.

    Args:
        images: unit range, (N, C, H, W), C of 1, 3 or 4 (straight alpha).
        tiles: along each side.

    >>> tile(torch.tensor([[[[0.0, 0.2, 0.4, 1.0]] * 2]]), tiles=2)[0, 0, 0]
    tensor([0.1000, 0.7000, 0.7000, 0.1000])
    """
    return mixed(images, lambda planes: _shrunk(_shrunk(planes, tiles, -2), tiles, -1))


def _shrunk(planes: Tensor, tiles: int, dim: int) -> Tensor:
    """Return pictures with tiles along one side."""
    side = planes.shape[dim]
    place = torch.arange(tiles * side, device=planes.device) % (2 * side)
    place = torch.minimum(place, 2 * side - 1 - place)
    parts = [planes.index_select(dim, place[k::tiles]) for k in range(tiles)]
    return torch.stack(parts).mean(0)


def build(options: TileOptions) -> Alter:
    """Return the effect."""

    def effect(images: Tensor) -> Tensor:
        return tile(images, tiles=options.tiles)

    return effect

"""Features of a small convolutional network with fixed random weights: no download, no training."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from artgan.images import to_signed
from artgan.latents import generator
from artgan.neighbours import shrink

__all__ = ["STAGES", "network_features"]

STAGES = (32, 64, 128)
"""Channels of the stages."""

LONGEST = 64
"""Pictures with a longer short side, in pixels, are averaged down to it first."""

_CHUNK = 128  # pictures at once


def _weights(channels: int) -> list[Tensor]:
    """Return the kernels: Gaussian, He-scaled, always the same."""
    random, kernels = generator(0), []
    for width in STAGES:
        drawn = torch.randn(width, channels, 3, 3, generator=random)
        kernels.append(drawn * math.sqrt(2 / (9 * channels)))
        channels = width
    return kernels


def _deviation(maps: Tensor) -> Tensor:
    """Return the deviation of each channel over its pixels, (N, C); 0 for a single pixel."""
    pixels = maps.shape[2] * maps.shape[3]
    return maps.std((2, 3), correction=min(1, pixels - 1))


def network_features(pictures: Tensor) -> Tensor:
    """Return a vector of texture and layout for each picture, (N, 2496).

    Three stages of 3x3 convolution, leaky ReLU 0.2 and 2x average pooling. A stage gives the means
    and deviations of its channels, the last one its maps pooled to 4x4 besides; each of these
    groups is divided by the root of its length, the 4x4 one by 2 on top.

    Args:
        pictures: unit range, (N, C, H, W), at least 8 px a side.

    Source of the idea: Naeem et al. 2020, arXiv:2002.09797 §4 (random embeddings).
    """
    kernels = [kernel.to(pictures.device) for kernel in _weights(pictures.shape[1])]
    rows = []
    for part in shrink(pictures, LONGEST).split(_CHUNK):
        maps = to_signed(part).contiguous(memory_format=torch.channels_last)
        groups = []
        for kernel in kernels:
            maps = functional.leaky_relu(functional.conv2d(maps, kernel, padding=1), 0.2)
            maps = functional.avg_pool2d(maps, 2)
            statistics = torch.cat([maps.mean((2, 3)), _deviation(maps)], 1)
            groups.append(statistics / math.sqrt(statistics.shape[1]))
        layout = functional.adaptive_avg_pool2d(maps, 4).flatten(1)
        groups.append(layout / math.sqrt(layout.shape[1]) / 2)
        rows.append(torch.cat(groups, 1))
    return torch.cat(rows)

"""A plain convolutional pyramid, whose filters come from elsewhere: the body of two extractors."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import ShapeError

__all__ = ["CENTRE", "FIRST_KERNEL", "KERNEL", "SPREAD", "Stages"]

FIRST_KERNEL, KERNEL = 5, 3

CENTRE, SPREAD = 0.45, 0.25
"""What is taken from unit pictures, and what they are divided by: about zero mean, unit spread."""

_BINOMIAL = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8


class Stages(nn.Module):
    """Convolution, bias, ReLU and a scale for each channel, then half the size, again and again.

    Layer "stage1" is the finest; a position of "stage<n>" is 2^(n-1) pixels wide.

    Args:
        widths: channels of each stage.
        pooling: "box" averages 2x2; "binomial" 4x4 with weights 1 3 3 1, which leaves no grid.
    """

    def __init__(self, widths: tuple[int, ...], *, pooling: Literal["box", "binomial"]) -> None:
        super().__init__()
        self.pooling = pooling
        self.layers = tuple(f"stage{i + 1}" for i in range(len(widths)))
        self.style_layers = self.layers
        self.content_layers = self.layers[1:3] or self.layers
        self.min_side = 2 ** (len(widths) - 1) * 2
        before = 3
        for layer, width in zip(self.layers, widths, strict=True):
            kernel = FIRST_KERNEL if before == 3 else KERNEL
            self.register_buffer(f"{layer}_weight", torch.zeros(width, before, kernel, kernel))
            self.register_buffer(f"{layer}_bias", torch.zeros(width))
            before = width

    def stride(self, layer: str) -> int:
        """Return how many pixels a position of a layer is wide."""
        return 1 << self.layers.index(layer)

    def margin(self, layer: str) -> int:
        """Return how many pixels beyond itself a position of a layer depends on."""
        reach, stride = 0, 1
        for number in range(self.layers.index(layer) + 1):
            if number:
                reach += stride if self.pooling == "binomial" else 0
                stride *= 2
            reach += stride * ((FIRST_KERNEL if number == 0 else KERNEL) // 2)
        return reach

    def forward(self, images: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return features by layer, (N, C, h, w), of unit pictures (N, 3, H, W).

        Args:
            images: pictures; both sides at least `min_side`.
            layers: those that are wanted; nothing beyond the deepest is computed.

        Raises:
            ShapeError: the pictures are too small.
        """
        if min(images.shape[-2:]) < self.min_side:
            raise ShapeError(
                f"{tuple(images.shape[-2:])} px pictures are too small for {len(self.layers)} "
                f"stages: expected at least {self.min_side} px a side"
            )
        current = (images - CENTRE) / SPREAD
        found: dict[str, Tensor] = {}
        for number in range(len(self.layers)):
            if len(found) == len(set(layers)):
                break
            layer = self.layers[number]
            current = self.stage(number, self.halved(current) if number else current)
            if layer in layers:
                found[layer] = current
        return found

    def stage(self, number: int, before: Tensor) -> Tensor:
        """Return the features of a stage, (N, C, h, w), from what comes before it."""
        weight = getattr(self, f"{self.layers[number]}_weight")
        bias = getattr(self, f"{self.layers[number]}_bias")
        reach = weight.shape[-1] // 2
        padded = functional.pad(before, (reach,) * 4, "replicate")
        return functional.conv2d(padded, weight, bias).relu()

    def halved(self, features: Tensor) -> Tensor:
        """Return features at half the size, the lower half rounded off."""
        if self.pooling == "box":
            return functional.avg_pool2d(features, 2)
        padded = functional.pad(features, (1, 1, 1, 1), "replicate")
        channels = features.shape[1]
        taps = _BINOMIAL.to(features)
        down = functional.conv2d(
            padded, taps.view(1, 1, 4, 1).expand(channels, 1, 4, 1), stride=(2, 1), groups=channels
        )
        return functional.conv2d(
            down, taps.view(1, 1, 1, 4).expand(channels, 1, 1, 4), stride=(1, 2), groups=channels
        )

"""Content: features stay where they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from artgan_plugins.losses.options import LayersOptions

__all__ = ["Content", "build", "content_loss"]

TINY = 1e-6


def content_loss(features: Tensor, target: Tensor, spread: Tensor) -> Tensor:
    """Return the mean squared difference of features in parts of the target's variance, (N,).

    Args:
        features, target: (N, C, h, w); a target of one picture serves all.
        spread: variance of the target over places, mean over channels, (N,).

    Source: Gatys, Ecker and Bethge 2016, CVPR, §2.1 (Eq. 1).
    Differs: a mean in parts of the target's variance, so that the weight means the same at any
        size, layer and extractor.
    """
    return (features - target).square().mean((1, 2, 3)) / (spread + TINY)


class Content:
    """The loss; its statistics are the features themselves, place by place."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        self.layers = layers

    def statistics(
        self, features: Mapping[str, Tensor], mask: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Return features (N, C, h, w), and mean and power of each channel (N, C), by layer."""
        found: dict[str, Tensor] = {}
        for layer, values in features.items():
            found[layer] = values
            found[f"{layer}/mean"] = values.detach().mean((2, 3))
            found[f"{layer}/power"] = values.detach().square().mean((2, 3))
        return found

    def compare(self, statistics: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """Return `content_loss`, (N,), mean over layers."""
        layers = [name.removesuffix("/mean") for name in target if name.endswith("/mean")]
        losses = []
        for layer in layers:
            variance = target[f"{layer}/power"] - target[f"{layer}/mean"].square()
            spread = variance.clamp_min(0).mean(1)
            losses.append(content_loss(statistics[layer], target[layer], spread))
        return torch.stack(losses).mean(0)


def build(options: LayersOptions) -> Content:
    """Return the loss."""
    return Content(options.layers)

"""Gram: which features occur together, wherever that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from artgan_plugins.losses.options import LayersOptions

__all__ = ["Gram", "build", "gram_matrix", "relative_distance"]

TINY = 1e-8


def gram_matrix(features: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean over places of features times features, (N, C, C).

    Args:
        features: (N, C, h, w).
        mask: how much each place counts, in [0, 1], (N, 1, h, w).

    Source: Gatys, Ecker and Bethge 2015, arXiv:1508.06576 (Gram matrix).
    Differs: a mean over places, not a sum, so that sizes do not matter.
    """
    flat = features.flatten(2)  # (N, C, h*w)
    if mask is None:
        return flat @ flat.mT / flat.shape[2]
    weights = mask.flatten(2)
    return (flat * weights) @ flat.mT / weights.sum(2, keepdim=True).clamp_min(TINY)


def relative_distance(matrix: Tensor, target: Tensor) -> Tensor:
    """Return the squared distance of matrices in parts of the target's squared norm, (N,).

    Args:
        matrix, target: (N, C, C); a target of one picture serves all.
    """
    energy = target.square().sum((1, 2)).clamp_min(TINY)
    return (matrix - target).square().sum((1, 2)) / energy


class Gram:
    """The loss; its statistics are Gram matrices."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        self.layers = layers

    def statistics(
        self, features: Mapping[str, Tensor], mask: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Return Gram matrices by layer, (N, C, C)."""
        return {
            layer: gram_matrix(values, None if mask is None else mask[layer])
            for layer, values in features.items()
        }

    def compare(self, statistics: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """Return `relative_distance`, (N,), mean over layers."""
        losses = [relative_distance(statistics[layer], target[layer]) for layer in target]
        return torch.stack(losses).mean(0)


def build(options: LayersOptions) -> Gram:
    """Return the loss."""
    return Gram(options.layers)

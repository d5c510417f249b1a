"""Moments: mean and covariance of features, compared as Gaussians are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from artgan_plugins.losses.gram import gram_matrix

if TYPE_CHECKING:
    from artgan_plugins.losses.options import LayersOptions

__all__ = ["Moments", "build", "gaussian_distance"]

RIDGE = 1e-3
"""Added to the variances, in parts of the target's mean energy a channel: no root is of 0."""

TINY = 1e-8


def gaussian_distance(
    mean: Tensor, second: Tensor, target_mean: Tensor, target_second: Tensor
) -> Tensor:
    """Return the squared 2-Wasserstein distance of Gaussians in parts of the target's energy, (N,).

    With means m, t and covariances S, T it is |m - t|^2 + tr S + tr T - 2 tr (T^½ S T^½)^½, in
    parts of |t|^2 + tr T. No matrix root is needed: with T = L Lᵀ the last trace is the sum of the
    roots of the eigenvalues of Lᵀ S L, whose gradient is finite also where some coincide.

    Args:
        mean, target_mean: (N, C); a target of one picture serves all.
        second: mean of features times features, (N, C, C), not centred; `target_second` too.

    Source: Gelbrich 1990, Mathematische Nachrichten 147 (the formula); Katherine Crowson's
        style-transfer-pytorch, 2020 (as a loss of styles).
    Differs: in parts of the target's energy, and the ridge is, too, so that the weight means the
        same at any layer and extractor; eigenvalues in float64, on the CPU, not Newton-Schulz.
    """
    m, s, t, u = (x.to("cpu", torch.float64) for x in (mean, second, target_mean, target_second))
    channels = mean.shape[1]
    energy = _trace(u) + TINY
    ridge = (RIDGE * energy / channels)[:, None, None] * torch.eye(channels, dtype=u.dtype)
    ours = s - m[:, :, None] * m[:, None, :] + ridge
    theirs = u - t[:, :, None] * t[:, None, :] + ridge
    factor = torch.linalg.cholesky(theirs.detach())
    values = torch.linalg.eigvalsh(factor.mT @ ours @ factor)
    common = values.clamp_min(TINY * TINY).sqrt().sum(1)
    distance = (m - t).square().sum(1) + _trace(ours) + _trace(theirs) - 2 * common
    relative: Tensor = distance.clamp_min(0) / energy
    return relative.to(mean)


def _trace(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=1, dim2=2).sum(1)


class Moments:
    """The loss; its statistics are first and second moments, neither centred."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        self.layers = layers

    def statistics(
        self, features: Mapping[str, Tensor], mask: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Return means (N, C) and mean products (N, C, C) of features, by layer."""
        found: dict[str, Tensor] = {}
        for layer, values in features.items():
            found[f"{layer}/mean"] = _mean(values, None if mask is None else mask[layer])
            found[f"{layer}/second"] = gram_matrix(values, None if mask is None else mask[layer])
        return found

    def compare(self, statistics: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """Return `gaussian_distance`, (N,), mean over layers."""
        layers = [name.removesuffix("/mean") for name in target if name.endswith("/mean")]
        losses = [
            gaussian_distance(
                statistics[f"{layer}/mean"],
                statistics[f"{layer}/second"],
                target[f"{layer}/mean"],
                target[f"{layer}/second"],
            )
            for layer in layers
        ]
        return torch.stack(losses).mean(0)


def _mean(features: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean over places, (N, C), each counted as the mask (N, 1, h, w) says."""
    if mask is None:
        return features.mean((2, 3))
    return (features * mask).sum((2, 3)) / mask.sum((2, 3)).clamp_min(1e-8)


def build(options: LayersOptions) -> Moments:
    """Return the loss."""
    return Moments(options.layers)

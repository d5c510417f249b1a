"""patch-kmeans: filters learnt in about a second from the pictures at hand. Nothing is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from artgan_plugins.extractors.stages import CENTRE, SPREAD, Stages

if TYPE_CHECKING:
    from artgan_plugins.extractors.options import PatchKmeansOptions

__all__ = ["PatchKmeans", "build", "spherical_kmeans", "whitening"]

MOST_DIRECTIONS = 128
"""Principal directions of patches that are kept."""

TINY = 1e-8

FAINT = 1e-2
"""What answers less than this to all the pictures is noise, as of flat ones, and stays small."""


def whitening(patches: Tensor, *, flatten: float) -> tuple[Tensor, Tensor]:
    """Return the mean (d,) of patches and what whitens them, (d, k), k at most 128.

    `(patches - mean) @ matrix` has about unit variance in its k strongest directions.

    Args:
        patches: (n, d), n at least 1.
        flatten: added to the eigenvalues, in parts of their mean, so that noise stays small.

    Source: Coates, Lee and Ng 2011, AISTATS, §3.1.2.
    Differs: only the strongest directions are kept, and it is PCA, not ZCA.
    """
    mean = patches.mean(0)
    centred = patches - mean
    covariance = centred.T @ centred / max(1, len(patches))
    values, vectors = torch.linalg.eigh(covariance.double())
    kept = min(MOST_DIRECTIONS, len(values))
    values, vectors = values[-kept:], vectors[:, -kept:]
    floor = flatten * covariance.diagonal().double().mean() + TINY
    return mean, (vectors / (values.clamp_min(0) + floor).sqrt()).to(patches)


def spherical_kmeans(points: Tensor, count: int, *, rounds: int, random: torch.Generator) -> Tensor:
    """Return directions (count, d), of unit length, that points gather around.

    Args:
        points: (n, d).
        count: how many; where there are fewer points, some directions are near copies.
        rounds: rounds of assignment and mean; centres without points are drawn anew.
        random: a generator on the CPU.

    Source: Coates and Ng 2012, Learning Feature Representations with K-means, §2.
    """
    units = functional.normalize(points, dim=1)
    picked = torch.randint(len(units), (count,), generator=random)
    if len(units) >= count:
        picked = torch.randperm(len(units), generator=random)[:count]
    noise = torch.randn(count, units.shape[1], generator=random).to(units)
    centres = functional.normalize(units[picked] + 1e-3 * noise, dim=1)
    for _ in range(rounds):
        nearest = (units @ centres.T).argmax(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, units)
        empty = torch.bincount(nearest, minlength=count) == 0
        drawn = torch.randint(len(units), (count,), generator=random)
        sums[empty] = units[drawn][empty]
        centres = functional.normalize(sums, dim=1, eps=TINY)
    return centres


class PatchKmeans(Stages):
    """Stages whose filters are centres of whitened patches of the content and style pictures."""

    def __init__(self, options: PatchKmeansOptions) -> None:
        super().__init__(options.widths, pooling=options.pooling)
        self.patches = options.patches
        self.rounds = options.rounds
        self.flatten = options.flatten

    @torch.no_grad()
    def fit(
        self, contents: Sequence[Tensor], styles: Sequence[Tensor], *, random: torch.Generator
    ) -> None:
        """Learn the filters of every stage, one after the other.

        Args:
            contents, styles: unit pictures, (1, 3, H, W), of any sizes of at least `min_side`.
            random: a generator on the CPU, the only source of chance.
        """
        inputs = [(image - CENTRE) / SPREAD for image in (*contents, *styles)]
        for number, layer in enumerate(self.layers):
            if number:
                inputs = [self.halved(features) for features in inputs]
            weight, bias = getattr(self, f"{layer}_weight"), getattr(self, f"{layer}_bias")
            kernel = weight.shape[-1]
            drawn = [_patches(each, kernel, self.patches, random) for each in inputs]
            patches = torch.cat(drawn)
            mean, matrix = whitening(patches, flatten=self.flatten)
            centres = spherical_kmeans(
                (patches - mean) @ matrix, len(weight), rounds=self.rounds, random=random
            )
            filters = centres @ matrix.T  # (C, d)
            weight.copy_(filters.view_as(weight))
            bias.copy_(-(filters @ mean))
            inputs = [self.stage(number, features) for features in inputs]
            power = torch.stack([features.square().mean((0, 2, 3)) for features in inputs]).mean(0)
            scale = 1 / power.sqrt().clamp_min(FAINT)  # ReLU lets a scale above 0 through
            weight.mul_(scale.view(-1, 1, 1, 1))
            bias.mul_(scale)
            inputs = [features * scale.view(1, -1, 1, 1) for features in inputs]


def _patches(features: Tensor, kernel: int, count: int, random: torch.Generator) -> Tensor:
    """Return square patches at random places, (n, C * kernel * kernel), n at most count."""
    padded = functional.pad(features, (kernel // 2,) * 4, "replicate")[0]
    windows = padded.unfold(1, kernel, 1).unfold(2, kernel, 1)  # (C, h, w, kernel, kernel)
    height, width = windows.shape[1:3]
    places = torch.randint(height * width, (min(count, 4 * height * width),), generator=random)
    picked = windows[:, places // width, places % width]  # (C, n, kernel, kernel)
    return picked.transpose(0, 1).flatten(1)


def build(options: PatchKmeansOptions) -> PatchKmeans:
    """Return the extractor; it sees nothing before it is fitted.

    Source: Coates, Lee and Ng 2011, AISTATS (k-means on whitened patches); Krähenbühl et al. 2016,
        arXiv:1511.06856 (networks initialised so).
    Differs: it learns from the very pictures that it compares, and is not trained further.
    """
    return PatchKmeans(options)

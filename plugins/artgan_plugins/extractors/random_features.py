"""random: filters of Gaussian noise. It shows what learning them is good for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from artgan_plugins.extractors.stages import CENTRE, SPREAD, Stages

if TYPE_CHECKING:
    from artgan_plugins.extractors.options import RandomOptions

__all__ = ["RandomFeatures", "build"]

QUIET = 1e-3
"""A channel whose RMS is no more than that is left as it was drawn; others are at about 1."""


class RandomFeatures(Stages):
    """Stages of filters that know nothing of the pictures but how they answer on the whole."""

    @torch.no_grad()
    def fit(
        self, contents: Sequence[Tensor], styles: Sequence[Tensor], *, random: torch.Generator
    ) -> None:
        """Draw the filters of every stage; centre each channel, and scale it to an RMS of 1.

        Centred on the mean answer, a channel is above 0 at about half of the places; after a ReLU,
        where all inputs are positive, some would never answer otherwise.

        Args:
            contents, styles: unit pictures, (1, 3, H, W), of any sizes of at least `min_side`.
            random: a generator on the CPU, the only source of chance.
        """
        inputs = [(image - CENTRE) / SPREAD for image in (*contents, *styles)]
        for number, layer in enumerate(self.layers):
            if number:
                inputs = [self.halved(features) for features in inputs]
            weight, bias = getattr(self, f"{layer}_weight"), getattr(self, f"{layer}_bias")
            drawn = torch.randn(weight.shape, generator=random)
            weight.copy_(drawn / drawn[0].numel() ** 0.5)
            bias.copy_(-_mean([_answers(each, weight) for each in inputs]))
            inputs = [self.stage(number, each) for each in inputs]
            loudness = _mean([each.square() for each in inputs]).sqrt()
            scale = torch.where(loudness > QUIET, 1 / loudness, 1.0)
            weight.mul_(scale.view(-1, 1, 1, 1))  # ReLU lets a scale above 0 through
            bias.mul_(scale)
            inputs = [each * scale.view(1, -1, 1, 1) for each in inputs]


def _answers(features: Tensor, weight: Tensor) -> Tensor:
    """Return what filters answer before bias and ReLU, (1, C, h, w)."""
    padded = functional.pad(features, (weight.shape[-1] // 2,) * 4, "replicate")
    return functional.conv2d(padded, weight)


def _mean(maps: Sequence[Tensor]) -> Tensor:
    """Return the mean of each channel, (C,); every picture counts the same."""
    return torch.stack([each.mean((0, 2, 3)) for each in maps]).mean(0)


def build(options: RandomOptions) -> RandomFeatures:
    """Return the extractor; it sees nothing before it is fitted.

    Source: Ustyuzhaninov et al. 2016, arXiv:1606.00021; He, Wang and Hopcroft 2016,
        arXiv:1606.04801.
    Differs: several stages of small filters; each channel is centred and scaled on the pictures.
    """
    return RandomFeatures(options.widths, pooling="binomial")

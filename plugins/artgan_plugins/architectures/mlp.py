"""MLP: the first GAN, a fully connected pair. The shortest example of an architecture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from artgan.api import Networks, Size

if TYPE_CHECKING:
    from artgan.api import Pyramid
    from artgan_plugins.architectures.mlp_options import MlpOptions

__all__ = ["MlpDiscriminator", "MlpGenerator", "build"]

SMALL = 0.1
"""The share of the usual weights that the layers next to the pixels begin with: what is learnt soon
outweighs what was random in them, which would stay in the pictures as noise."""


def build(options: MlpOptions, *, size: Size, channels: int) -> Networks:
    """Return a generator and a discriminator of pictures of a size.

    Args:
        options: see `MlpOptions`.
        size: (height, width) in pixels; nothing here asks for more than 1.
        channels: 1, 3 or 4.

    Source: Goodfellow et al. 2014, arXiv:1406.2661 §3 and §5.
    Differs: leaky ReLUs in both networks instead of ReLUs, sigmoids and maxout, He's initial
        weights before them (a tenth of the usual ones next to the pixels), Gaussian latents, a
        tanh at the end, and no dropout unless asked for. Loss, penalties and Adam are the host's.
    """
    shape = (channels, *size)
    widths = [options.hidden] * options.depth
    generator = MlpGenerator(options.z_dim, widths, shape)
    discriminator = MlpDiscriminator(shape, widths, dropout=options.dropout)
    return Networks(generator, discriminator)


def _layers(widths: Sequence[int], *, dropout: float = 0.0) -> list[nn.Module]:
    """Return linear layers from width to width, each followed by a leaky ReLU and a dropout."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        linear = nn.Linear(before, after)
        nn.init.kaiming_normal_(linear.weight, 0.2)  # signals keep their size
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.LeakyReLU(0.2), nn.Dropout(dropout)]
    return layers


class MlpGenerator(nn.Module):
    """Draws pictures, signed range, from Gaussian latents.

    Args:
        z_dim: numbers in a latent.
        widths: numbers in each hidden layer.
        shape: (channels, height, width) of a picture.
    """

    def __init__(self, z_dim: int, widths: Sequence[int], shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.shape = shape
        self.hidden = nn.Sequential(*_layers([z_dim, *widths]))
        self.pixels = nn.Linear(widths[-1], math.prod(shape))
        self.pixels.weight.data.mul_(SMALL)

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Return psi * z, (N, z_dim): a code is a latent, and the mean of z is 0."""
        return z if psi == 1.0 else z * psi

    def render(self, codes: Tensor) -> Pyramid:
        """Return one batch of pictures of codes (N, z_dim): signed, (N, C, H, W)."""
        return (torch.tanh(self.pixels(self.hidden(codes))).unflatten(1, self.shape),)

    def forward(self, z: Tensor) -> Pyramid:
        """Return pictures of latents z, (N, z_dim)."""
        return self.render(self.codes(z))

    def latent_weight(self) -> Tensor:
        """Return the weight that the latent meets first, (z_dim, features)."""
        weight: Tensor = self.hidden[0].weight  # type: ignore[assignment]
        return weight.T


class MlpDiscriminator(nn.Module):
    """Judges pictures, signed range; higher is more real.

    Args:
        shape: (channels, height, width) of a picture.
        widths: numbers in each hidden layer.
        dropout: share of them that are left out while training.
    """

    def __init__(
        self, shape: tuple[int, int, int], widths: Sequence[int], *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        layers = _layers([math.prod(shape), *widths], dropout=dropout)
        layers[0].weight.data.mul_(SMALL)  # type: ignore[operator]
        self.hidden = nn.Sequential(*layers)
        self.logit = nn.Linear(widths[-1], 1)

    def forward(self, pictures: Pyramid) -> Tensor:
        """Return logits (N,) of pictures, (N, C, H, W)."""
        logits: Tensor = self.logit(self.hidden(pictures[-1].flatten(1)))
        return logits.flatten()

"""Layers of style-based generators: the mapping, and convolutions that a style modulates. No nets.

Words: s is a style, one factor a channel; d what brings the result back to its size.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Size
from artgan_plugins.architectures.layers import (
    EqualizedConv,
    EqualizedLinear,
    blurred,
    exact,
    pixel_norm,
)

__all__ = ["Mapping", "StyledConv", "StyledPicture", "demodulation"]

MAPPING_RATE = 0.01
"""How quickly the mapping learns, as a multiple of the learning rate: the paper's."""

HALF_LIFE = 1000
"""Pictures after which the running mean of codes has gone half-way to a new one."""

_EPSILON = 1e-8


class Mapping(nn.Module):
    """Makes style codes of latents, and keeps their running mean, `w_avg`, (w_dim,).

    Args:
        z_dim: numbers in a latent.
        w_dim: numbers in a style code.
        depth: layers.

    Source: Karras et al. 2019, arXiv:1812.04948 §2 and appendix B (the mean and truncation).
    Differs: the mean follows with a half-life in pictures, whatever the batch.
    """

    w_avg: Tensor

    def __init__(self, z_dim: int, w_dim: int, depth: int) -> None:
        super().__init__()
        sizes = [z_dim, *[w_dim] * depth]
        self.layers = nn.ModuleList(
            EqualizedLinear(before, after, rate=MAPPING_RATE)
            for before, after in itertools.pairwise(sizes)
        )
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor) -> Tensor:
        """Return codes w, (N, w_dim), of latents z, (N, z_dim), of any length; never rounded."""
        with exact(z):
            w = pixel_norm(z.to(self.w_avg.dtype))
            for layer in self.layers:
                w = functional.leaky_relu(layer(w), 0.2)
        return w

    @torch.no_grad()
    def follow(self, w: Tensor) -> None:
        """Move the running mean towards codes w, (N, w_dim)."""
        share = 1 - 0.5 ** (len(w) / HALF_LIFE)
        self.w_avg.lerp_(w.detach().mean(0).to(self.w_avg.dtype), share)


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """Return the factors that bring modulated features back to their size, (N, D).

    d[n, o] = 1 / sqrt(sum over i and taps of (s[n, i] w[o, i, tap])^2).

    Args:
        weight: (D, C, k, k).
        style: s, (N, C).

    >>> demodulation(torch.full((1, 2, 1, 1), 3.0), torch.tensor([[4.0, 0.0]]))
    tensor([[0.0833]])

    Source: Karras et al. 2020, arXiv:1912.04958 §2.2 (Eq. 3).
    """
    taps = weight.square().sum((2, 3))  # (D, C)
    return (functional.linear(style.square(), taps) + _EPSILON).rsqrt()


class StyledConv(nn.Module):
    """A 3x3 convolution modulated by a style, then noise, a bias and a leaky ReLU.

    Args:
        before, after: channels.
        w_dim: numbers in a style code.
        grid: (height, width) of what it returns.
        up: whether it doubles height and width: with zeros between the pixels and a blur after.
        noise: whether there is any.
        seed: of the noise in evaluation mode.

    Source: Karras et al. 2020, arXiv:1912.04958 §2.2 (Eqs. 1 to 3).
    Differs: features are multiplied with s before and with d after a convolution that all pictures
        share, which is the same as weights of their own for each picture, and quicker; noise and
        bias come after the leaky ReLU's gain, so that they are not multiplied by its root of 2.
    """

    noise: Tensor

    def __init__(
        self,
        before: int,
        after: int,
        w_dim: int,
        grid: Size,
        *,
        up: bool = False,
        noise: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.up = up
        self.style = _affine(w_dim, before)
        self.conv = EqualizedConv(before, after, 3, gain=1.0)
        self.strength: nn.Parameter | None = None
        if noise:
            self.strength = nn.Parameter(torch.zeros(()))
            random = torch.Generator().manual_seed(seed)
            frozen = torch.randn(1, 1, *grid, generator=random, device="cpu")
            self.register_buffer("noise", frozen)

    def forward(self, features: Tensor, w: Tensor) -> Tensor:
        """Return features (N, after, H, W) of features (N, before, h, w) and codes (N, w_dim)."""
        weight = self.conv.scaled()
        with exact(w):
            style = self.style(w.to(weight.dtype))
            factors = math.sqrt(2) * demodulation(weight, style)  # the leaky ReLU takes about that
        found = features * style[:, :, None, None].to(features.dtype)
        if self.up:
            found = functional.conv_transpose2d(found, weight.transpose(0, 1), stride=2)
            found = blurred(found, pad=1, gain=4.0)
        else:
            found = functional.conv2d(found, weight, padding=1)
        bias = self.conv.bias.view(1, -1, 1, 1)
        found = torch.addcmul(
            bias.to(found.dtype), found, factors[:, :, None, None].to(found.dtype)
        )
        if self.strength is not None:
            found = found + (self.strength * self._noise(found)).to(found.dtype)
        return functional.leaky_relu(found, 0.2, inplace=True)

    def _noise(self, like: Tensor) -> Tensor:
        """Return noise: new for every picture in training mode, the same for all otherwise."""
        if not self.training:
            return self.noise
        count, _, height, width = like.shape
        return torch.randn(count, 1, height, width, device=like.device)


class StyledPicture(nn.Module):
    """A linear map of each pixel to a picture, modulated by a style, without demodulation.

    Args:
        before: channels of the features.
        channels: of the picture.
        w_dim: numbers in a style code.
        start: about the standard deviation of an untrained picture.

    Source: Karras et al. 2020, arXiv:1912.04958 §4.1.
    """

    def __init__(self, before: int, channels: int, w_dim: int, *, start: float) -> None:
        super().__init__()
        self.style = _affine(w_dim, before)
        self.conv = EqualizedConv(before, channels, 1, gain=1.0)
        with torch.no_grad():
            self.conv.weight.mul_(start)  # and not the gain: it learns as quickly as with 1

    def forward(self, features: Tensor, w: Tensor) -> Tensor:
        """Return pictures (N, C, H, W) of features (N, before, H, W) and codes (N, w_dim).

        They are in the precision of the weights, since those of all scales are added up.
        """
        with exact(w):
            style: Tensor = self.style(w.to(self.conv.weight.dtype))
        picture: Tensor = self.conv(features * style[:, :, None, None].to(features.dtype))
        return picture.to(self.conv.weight.dtype)


def _affine(w_dim: int, channels: int) -> EqualizedLinear:
    """Return the map from a code to a style; untrained styles are about 1."""
    layer = EqualizedLinear(w_dim, channels, gain=1.0)
    nn.init.ones_(layer.bias)
    return layer

"""FastGAN: a pair for few pictures; its discriminator has to know what the reals look like."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from artgan.api import Networks, Size
from artgan_plugins.architectures.fast_decoders import FastDecoders, reconstruction
from artgan_plugins.architectures.fast_layers import (
    LAST_LEVEL,
    Doubling,
    Excitation,
    GatedUnit,
    Halving,
    conv,
    divide_by_spectral_norm,
    pairs,
    small_level,
    small_widths,
    widths,
)
from artgan_plugins.architectures.layers import doublings

if TYPE_CHECKING:
    from artgan.api import Logits, Pyramid
    from artgan_plugins.architectures.fast_options import FastOptions

__all__ = ["FastDiscriminator", "FastGenerator", "build"]

WIDTHS = {"tiny": (128, 256), "small": (512, 512), "base": (1024, 1024)}
"""Channels of the coarsest grid: the generator's and the discriminator's."""


ENTRY_LEVEL = 6
"""The doubling that larger pictures are brought down to before all else: 256 px of 4."""


def build(options: FastOptions, *, size: Size, channels: int) -> Networks:
    """Return a generator, a discriminator and decoders of pictures of a size.

    Args:
        options: see `FastOptions`.
        size: (height, width) in pixels; legal ones are multiples of 2^n (`artgan.config`).
        channels: 1, 3 or 4.

    A coarse scale of the generator gates one 16 times as large; where the picture is too small for
    two such pairs they are nearer to each other, down to twice as large at 16 px. The small picture
    is 128 px of the short side, or half the full one where that is less.

    Source: Liu et al. 2021, arXiv:2101.04775 §3. What the paper does not say is as in its
        authors' implementation: channels, excitation in the discriminator, its verdict on the small
        picture and a third decoder for that, noise, spectral norms, which blocks convolve twice.
    Differs: reals are drawn again by squared differences, for the perceptual distance of that
        implementation needs a trained network; by default each map of logits is averaged before
        the loss, widths are an eighth of the authors' (a quarter in the discriminator) and a latent
        has 64 numbers; the discriminator has the generator's channels, twice the authors' from
        64 px on, and residual halvings for the small picture too; 1024 px are gated like the scales
        before; decoders have no spectral norms; weights begin with He's deviation; no scale has
        fewer than 8 channels; sizes need not be square or powers of two. How it is trained is the
        host's: by default the relativistic logistic loss with R1 and R2 instead of the hinge, and
        Adam (0, 0.99). See also `Excitation`, `Halving` and `reconstruction`.
    """
    stages, seed = doublings(size)
    drawing, levels = (widths(stages, width=width) for width in WIDTHS[options.width])
    generator = FastGenerator(options.z_dim, seed, drawing, channels, noise=options.noise)
    discriminator = FastDiscriminator(
        seed, levels, channels, norm=options.d_norm == "batch", verdict=options.verdict
    )
    if options.spectral == "both":
        divide_by_spectral_norm(generator)
    if options.spectral != "none":
        divide_by_spectral_norm(discriminator)
    if not options.reconstruction:
        return Networks(generator, discriminator)
    decoders = FastDecoders(seed, levels, channels)
    term = reconstruction(decoders, weight=options.reconstruction)
    return Networks(generator, discriminator, (term,), {"decoders": ("D", decoders)})


class FastGenerator(nn.Module):
    """Draws pictures, signed range, from Gaussian latents, at two sizes.

    Args:
        z_dim: numbers in a latent.
        seed: (height, width) of the first grid.
        levels: channels from that grid up, one a doubling.
        channels: of the pictures.
        noise: whether noise is added to features.
    """

    def __init__(
        self, z_dim: int, seed: Size, levels: list[int], channels: int, *, noise: bool
    ) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.seed = seed
        stages = len(levels) - 1
        self.small = small_level(stages)
        self.project = nn.Linear(z_dim, 2 * levels[0] * seed[0] * seed[1], bias=False)
        self.first = nn.Sequential(nn.BatchNorm2d(2 * levels[0]), GatedUnit())
        self.blocks = nn.ModuleList(
            Doubling(before, after, (seed[0] << i, seed[1] << i), twice=i % 2 == 1, noise=noise)
            for i, (before, after) in enumerate(itertools.pairwise(levels), 1)
        )
        self.gated_by = {to: first for first, to in pairs(stages + 1, apart=4)}
        self.gates = nn.ModuleDict(
            {
                str(to): Excitation(levels[first], levels[to], seed)
                for to, first in self.gated_by.items()
            }
        )
        self.to_small = nn.Conv2d(levels[self.small], channels, 1)
        self.to_full = nn.Conv2d(levels[-1], channels, 3, padding=1)

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Return psi * z, (N, z_dim): a code is a latent, and the mean of z is 0."""
        return z if psi == 1.0 else z * psi

    def render(self, codes: Tensor) -> Pyramid:
        """Return a small and a full picture of codes (N, z_dim): signed, each (N, C, h, w)."""
        grids = [self.first(self.project(codes).unflatten(1, (-1, *self.seed)))]
        for level, block in enumerate(self.blocks, 1):
            features = block(grids[-1])
            if level in self.gated_by:
                features = self.gates[str(level)](features, grids[self.gated_by[level]])
            grids.append(features)
        small, full = self.to_small(grids[self.small]), self.to_full(grids[-1])
        return (torch.tanh(small), torch.tanh(full))

    def forward(self, z: Tensor) -> Pyramid:
        """Return pictures of latents z, (N, z_dim)."""
        return self.render(self.codes(z))

    def latent_weight(self) -> Tensor:
        """Return the weight that the latent meets first, (z_dim, features)."""
        return self.project.weight.T


# The discriminator --------------------------------------------------------------------------


def _entry(channels: int, levels: list[int], entry: int, *, norm: bool) -> nn.Sequential:
    """Return layers that bring a picture to features of the entry level."""
    if entry == len(levels) - 1:
        return nn.Sequential(conv(channels, levels[-1], 3), nn.LeakyReLU(0.2, inplace=True))
    blocks: list[nn.Module] = []
    for before, after in itertools.pairwise([channels, *reversed(levels[entry:-1])]):
        blocks.append(conv(before, after, 4, stride=2, padding=1))
        if norm and len(blocks) > 1:
            blocks.append(nn.BatchNorm2d(after))
        blocks.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*blocks)


class FastDiscriminator(nn.Module):
    """Judges a small and a full picture, signed range; higher is more real.

    Args:
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a doubling.
        channels: of the pictures.
        norm: whether there is BatchNorm.
        verdict: "places", "mean" or "whole", see `FastOptions`.
    """

    def __init__(
        self, seed: Size, levels: list[int], channels: int, *, norm: bool, verdict: str
    ) -> None:
        super().__init__()
        self.verdict = verdict
        stages = len(levels) - 1
        entry, small = min(ENTRY_LEVEL, stages), small_level(stages)
        self.entry = _entry(channels, levels, entry, norm=norm)
        downward = levels[LAST_LEVEL : entry + 1][::-1]
        self.blocks = nn.ModuleList(
            Halving(before, after, norm=norm) for before, after in itertools.pairwise(downward)
        )
        self.gated_by = {to: first for first, to in pairs(len(downward), apart=3)}
        self.gates = nn.ModuleDict(
            {
                str(to): Excitation(downward[first], downward[to], seed)
                for to, first in self.gated_by.items()
            }
        )
        kernel = (2 * seed[0], 2 * seed[1]) if verdict == "whole" else seed
        normed: list[nn.Module] = [nn.BatchNorm2d(levels[0])] if norm else []
        self.judge = nn.Sequential(
            conv(levels[1], levels[0], 1),
            *normed,
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(levels[0], 1, kernel),
        )
        narrow = small_widths(levels, small)
        self.small_entry = nn.Sequential(
            conv(channels, narrow[0], 4, stride=2, padding=1)
            if small > LAST_LEVEL
            else conv(channels, narrow[0], 3),
            nn.LeakyReLU(0.2, inplace=True),
        )
        self.small_blocks = nn.Sequential(
            *(Halving(before, after, norm=norm) for before, after in itertools.pairwise(narrow))
        )
        self.judge_small = nn.Conv2d(narrow[-1], 1, kernel)

    def forward(
        self, pictures: Pyramid, features: bool = False
    ) -> Logits | tuple[Logits, tuple[Tensor, ...]]:
        """Return logits, each (N,), of a small and a full picture, each (N, C, h, w).

        With features also those that the decoders draw of: (of the whole, of the whole at twice
        the size, of the small picture), each (N, c, h, w).
        """
        small, full = pictures
        grids = [self.entry(full)]
        for index, block in enumerate(self.blocks, 1):
            grid = block(grids[-1])
            if index in self.gated_by:
                grid = self.gates[str(index)](grid, grids[self.gated_by[index]])
            grids.append(grid)
        of_small = self.small_blocks(self.small_entry(small))
        maps = (self.judge(grids[-1]), self.judge_small(of_small))
        if self.verdict == "places":
            heads = tuple(place for each in maps for place in each.flatten(1).unbind(1))
        else:
            heads = tuple(each.mean((1, 2, 3)) for each in maps)
        return (heads, (grids[-1], grids[-2], of_small)) if features else heads

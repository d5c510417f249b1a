"""StyleGAN2: a pair whose generator draws from style codes, one for each of its layers."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Networks, Size, Term
from artgan_plugins.architectures.layers import (
    STRAY,
    EqualizedConv,
    EqualizedLinear,
    MinibatchDeviation,
    blurred,
    doublings,
    leaky,
    widths,
)
from artgan_plugins.architectures.style_layers import Mapping, StyledConv, StyledPicture

if TYPE_CHECKING:
    from artgan.api import Batch, Pyramid
    from artgan_plugins.architectures.style_options import StyleOptions

__all__ = [
    "StyleDiscriminator",
    "StyleGenerator",
    "build",
    "path_lengths",
]

WIDTHS = {"tiny": (128, 64, 64), "small": (256, 256, 256), "base": (512, 512, 512)}
"""Channels of the coarse scales of generator and discriminator, numbers in a style code."""

PATH_SHARE = 0.01
"""How far the running mean of path lengths goes to new ones."""


def build(options: StyleOptions, *, size: Size, channels: int) -> Networks:
    """Return a generator with style codes and a residual discriminator.

    Args:
        options: see `StyleOptions`.
        size: (height, width) in pixels; legal ones are multiples of 2^n (`artgan.config`).
        channels: 1, 3 or 4.

    Source: Karras et al. 2020, arXiv:1912.04958 (configuration F: skip generator, residual
        discriminator, path lengths, §2 to §4); the mapping, mixing and truncation of Karras et al.
        2019, arXiv:1812.04948 §2, §3.1 and appendix B.
    Differs: at width tiny, the usual one on a CPU, a quarter of the channels in the generator, an
        eighth in the discriminator, which most of a step goes into, codes of 64 numbers, a mapping
        of two layers instead of eight, no path lengths and no noise; untrained pictures are in
        signed range, and in evaluation mode pictures are cut where they stray; pictures are doubled
        with their edge repeated; noise is drawn from a fixed seed in evaluation mode; styles are
        mixed in pictures and not in batches; no scale has fewer than 8 channels; sizes need not be
        square or powers of two. How it is trained is the host's: objective and penalty as they are
        chosen, instead of the logistic loss with a lazy R1.
    """
    stages, seed = doublings(size)
    tiny = options.width == "tiny"
    width, judging, w_dim = WIDTHS[options.width]
    sides = [min(seed) << stage for stage in range(stages + 1)]
    levels, judges = (
        widths(sides, width=most, full_width_to=options.full_width_to) for most in (width, judging)
    )
    generator = StyleGenerator(
        options.z_dim or w_dim,
        w_dim,
        seed,
        levels,
        channels,
        depth=options.depth or (2 if tiny else 8),
        mixing=options.mixing,
        noise=not tiny if options.noise is None else options.noise,
    )
    discriminator = StyleDiscriminator(
        seed, judges, channels, deviation=options.minibatch_deviation
    )
    terms: tuple[Term, ...] = ()
    weight = options.path_weight
    if weight is None:
        weight = 0.0 if tiny else 2.0
    if weight > 0:
        terms = (_even_paths(generator, weight, options.path_interval),)
    return Networks(generator, discriminator, terms)


# The generator ------------------------------------------------------------------------------


class StyleGenerator(nn.Module):
    """Draws pictures, signed range, from Gaussian latents by way of style codes.

    Latents are brought to one length before anything else, so what counts of them is where they
    point to, and that is as evenly spread for Gaussian ones as on a sphere.
    Layers of codes are numbered coarse to fine: with n doublings there are 2n + 2, one for each
    convolution and one for the last picture. The picture of each other scale shares its code with
    the convolution that follows it.

    Args:
        z_dim: numbers in a latent.
        w_dim: numbers in a style code.
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a scale.
        channels: of the picture.
        depth: layers of the mapping.
        mixing: share of pictures drawn from two latents in training mode.
        noise: whether layers have noise.

    Attributes:
        layers: how many codes a picture is drawn from.
    """

    path_mean: Tensor

    def __init__(
        self,
        z_dim: int,
        w_dim: int,
        seed: Size,
        levels: list[int],
        channels: int,
        *,
        depth: int,
        mixing: float = 0.0,
        noise: bool = True,
    ) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.layers = 2 * len(levels)
        self.mixing = mixing
        self.mapping = Mapping(z_dim, w_dim, depth)
        self.constant = nn.Parameter(torch.randn(1, levels[0], *seed))
        convs = [StyledConv(levels[0], levels[0], w_dim, seed, noise=noise)]
        for stage, (before, after) in enumerate(itertools.pairwise(levels), start=1):
            grid = (seed[0] << stage, seed[1] << stage)
            for width, up in ((before, True), (after, False)):
                convs.append(
                    StyledConv(width, after, w_dim, grid, up=up, noise=noise, seed=len(convs))
                )
        self.convs = nn.ModuleList(convs)
        start = 0.5 / math.sqrt(len(levels))  # of their sum: a half
        self.to_rgb = nn.ModuleList(
            StyledPicture(width, channels, w_dim, start=start) for width in levels
        )
        self.register_buffer("path_mean", torch.zeros(()))

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Return style codes (N, layers, w_dim) of latents z, (N, z_dim), the same in all layers.

        Args:
            z: any length; in training mode the running mean follows what they give.
            psi: truncation: lerp(w_avg, w, psi).
        """
        w = self.mapping(z)
        if self.training:
            self.mapping.follow(w)
        if psi != 1.0:
            w = torch.lerp(self.mapping.w_avg.to(w.dtype), w, psi)
        codes: Tensor = w.unsqueeze(1).repeat(1, self.layers, 1)
        return codes

    def mixed(self, codes: Tensor, z: Tensor) -> Tensor:
        """Return codes whose finer layers are, for a share of pictures, another latent's.

        Args:
            codes: (N, layers, w_dim).
            z: the other latents, (N, z_dim).
        """
        count, device = len(codes), codes.device
        first = torch.randint(1, self.layers, (count, 1), device=device)
        kept = torch.arange(self.layers, device=device) < first
        kept |= torch.rand(count, 1, device=device) >= self.mixing
        return torch.where(kept[:, :, None], codes, self.mapping(z)[:, None])

    def render(self, codes: Tensor) -> Pyramid:
        """Return one batch of pictures of codes (N, layers, w_dim): signed, (N, C, H, W).

        Nothing squashes them; in evaluation mode they are cut at -2 and 2, far beyond the range.
        """
        features = self.constant.expand(len(codes), -1, -1, -1)
        features = self.convs[0](
            features.contiguous(memory_format=torch.channels_last), codes[:, 0]
        )
        picture = self.to_rgb[0](features, codes[:, 1])
        for stage in range(1, len(self.to_rgb)):
            layer = 2 * stage - 1
            features = self.convs[layer](features, codes[:, layer])
            features = self.convs[layer + 1](features, codes[:, layer + 1])
            doubled = functional.interpolate(
                picture, scale_factor=2, mode="bilinear", align_corners=False
            )
            picture = doubled + self.to_rgb[stage](features, codes[:, layer + 2])
        return (picture if self.training else picture.clamp(-STRAY, STRAY),)

    def forward(self, z: Tensor) -> Pyramid:
        """Return pictures of latents z, (N, z_dim); in training mode with styles mixed."""
        codes = self.codes(z)
        if self.training and self.mixing > 0:
            codes = self.mixed(codes, torch.randn_like(z))
        return self.render(codes)

    def latent_weight(self) -> Tensor:
        """Return the weight that the latent meets first, that of the mapping, (z_dim, w_dim)."""
        first: EqualizedLinear = self.mapping.layers[0]  # type: ignore[assignment]
        return first.scaled().T

    def style_weight(self) -> Tensor:
        """Return the weights that a style code meets, of all layers side by side, (w_dim, sum)."""
        layers = [module.style.scaled() for module in (*self.convs, *self.to_rgb)]
        return torch.cat(layers).T


# Path lengths -------------------------------------------------------------------------------


def path_lengths(pictures: Tensor, codes: Tensor, noise: Tensor) -> Tensor:
    """Return how much pictures change with their codes along a random one, (N,).

    a = sqrt(mean over layers of |J^T y|^2), J the pictures' derivative by the code of a layer, y
    noise scaled to a length of about sqrt(C), so that it does not depend on the size.

    Args:
        pictures: (N, C, H, W), with a graph to codes.
        codes: (N, layers, w_dim).
        noise: N(0, I), shaped like pictures.

    Source: Karras et al. 2020, arXiv:1912.04958 §3.2 (Eq. 4).
    """
    along = (pictures * noise).sum() / math.sqrt(pictures.shape[-2] * pictures.shape[-1])
    (slopes,) = torch.autograd.grad(along, codes, create_graph=True)
    return slopes.square().sum(2).mean(1).sqrt()


def _even_paths(generator: StyleGenerator, weight: float, interval: int) -> Term:
    """Return the term that draws path lengths to their running mean.

    Half of the batch is drawn anew for it, as in the reference implementation, since it takes as
    much memory as the rest of the phase; here from codes that are not mixed.
    """

    def compute(batch: Batch) -> dict[str, Tensor]:
        count = len(batch.z)
        codes = generator.mapping(batch.z[: (count + 1) // 2])[:, None]
        codes = codes.repeat(1, generator.layers, 1)
        (pictures,) = generator.render(codes)
        lengths = path_lengths(pictures, codes, torch.randn_like(pictures))
        with torch.no_grad():
            generator.path_mean.lerp_(lengths.detach().mean(), PATH_SHARE)
        penalty = (lengths - generator.path_mean).square().mean()
        return {"path": weight * penalty.expand(count)}

    return Term("G", compute, interval=interval, second_order=True)


# The discriminator --------------------------------------------------------------------------


class _Halving(nn.Module):
    """Convolves twice and halves height and width, beside a linear way around."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = EqualizedConv(before, before, 3)
        self.second = EqualizedConv(before, after, 3, gain=1.0)  # sqrt 2 / sqrt 2, see forward
        self.around = nn.Parameter(torch.randn(after, before, 1, 1))
        self.scale = math.sqrt(0.5 / before)

    def forward(self, features: Tensor) -> Tensor:
        """Return (main + around) / sqrt 2; that factor is in the gains."""
        second = self.second
        main = blurred(leaky(self.first(features)), pad=2)
        main = leaky(functional.conv2d(main, second.scaled(), second.bias, stride=2))
        halved = blurred(features, pad=1, stride=2)
        return main + functional.conv2d(halved, self.around * self.scale)


class StyleDiscriminator(nn.Module):
    """Judges pictures, signed range; higher is more real.

    Args:
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a scale.
        channels: of the picture.
        deviation: whether the coarsest grid gets a minibatch deviation channel.

    Source: Karras et al. 2020, arXiv:1912.04958 §4.1; its residual blocks.
    """

    def __init__(self, seed: Size, levels: list[int], channels: int, *, deviation: bool) -> None:
        super().__init__()
        wide = levels[::-1]
        self.from_rgb = EqualizedConv(channels, wide[0], 1)
        self.blocks = nn.Sequential(*itertools.starmap(_Halving, itertools.pairwise(wide)))
        self.deviation = MinibatchDeviation() if deviation else nn.Identity()
        self.conv = EqualizedConv(wide[-1] + int(deviation), wide[-1], 3)
        self.linear = EqualizedLinear(wide[-1] * seed[0] * seed[1], wide[-1])
        self.last = EqualizedLinear(wide[-1], 1, gain=1.0)

    def forward(self, pictures: Pyramid) -> Tensor:
        """Return logits (N,) of the finest pictures, (N, C, H, W)."""
        features = self.blocks(leaky(self.from_rgb(pictures[-1])))
        features = leaky(self.conv(self.deviation(features))).flatten(1)
        logits: Tensor = self.last(leaky(self.linear(features)))
        return logits.flatten()

"""MSG-GAN: a pair that draws, and judges, a picture at every scale at once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Networks, Size
from artgan_plugins.architectures.layers import (
    STRAY,
    EqualizedConv,
    EqualizedLinear,
    MinibatchDeviation,
    doublings,
    leaky,
    pixel_norm,
    project_and_convolve,
    resize_and_convolve,
    stack_channels,
    widths,
)

if TYPE_CHECKING:
    from artgan.api import Pyramid
    from artgan_plugins.architectures.msg_options import MsgOptions

__all__ = [
    "Combine",
    "MsgDiscriminator",
    "MsgGenerator",
    "build",
]

WIDTHS = {"tiny": 128, "small": 256, "base": 512}


def build(options: MsgOptions, *, size: Size, channels: int) -> Networks:
    """Return a generator and a discriminator of pyramids up to a size.

    Args:
        options: see `MsgOptions`.
        size: (height, width) in pixels; legal ones are multiples of 2^n (`artgan.config`).
        channels: 1, 3 or 4.

    Source: Karnewar and Wang 2019, arXiv:1903.06048 §2, the model built on the networks of Karras
        et al. 2018, arXiv:1710.10196 (Table 2).
    Differs: by default a quarter of the channels and `cat-lin`, which the paper finds best for its
        style-based model only; a picture leaves the generator at half the paper's strength, so
        that untrained ones lie in signed range, and in evaluation mode is cut where it strays; no
        scale has fewer than 8 channels; the first layer has a bias for each place of the first
        grid; `lin-cat` halves the features beside the picture, to keep
        the width; sizes need not be square or powers of two; the latent is put on the sphere by
        who draws it, and not again inside the generator. How it is trained is the host's: Adam
        (0, 0.99) instead of RMSProp, and objective and penalty as they are chosen, by default the
        relativistic logistic loss with R1 instead of WGAN-GP.
    """
    stages, seed = doublings(size)
    width = WIDTHS[options.width]
    sides = [min(seed) << stage for stage in range(stages + 1)]
    levels = widths(sides, width=width, full_width_to=options.full_width_to)
    generator = MsgGenerator(options.z_dim or width, seed, levels, channels)
    discriminator = MsgDiscriminator(
        seed, levels, channels, combine=options.combine, deviation=options.minibatch_deviation
    )
    return Networks(generator, discriminator)


# The generator ------------------------------------------------------------------------------


class _Seed(nn.Module):
    """Makes the coarsest grid of a latent, and convolves it once."""

    def __init__(self, z_dim: int, grid: Size, width: int) -> None:
        super().__init__()
        self.grid = grid
        self.project = EqualizedLinear(z_dim, width * grid[0] * grid[1])
        self.conv = EqualizedConv(width, width, 3)

    def forward(self, codes: Tensor) -> Tensor:
        features = leaky(self.project(codes)).unflatten(1, (-1, *self.grid))
        return pixel_norm(leaky(self.conv(pixel_norm(features))))


class _Doubling(nn.Module):
    """Doubles height and width, then convolves twice."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = EqualizedConv(before, after, 3)
        self.second = EqualizedConv(after, after, 3)

    def forward(self, features: Tensor) -> Tensor:
        first = self.first
        doubled = resize_and_convolve(features, first.scaled(), first.bias, mode="nearest")
        doubled = pixel_norm(functional.leaky_relu(doubled, 0.2))  # a view: not in place
        return pixel_norm(leaky(self.second(doubled)))


class MsgGenerator(nn.Module):
    """Draws a pyramid, signed range, from latents on the sphere of radius sqrt(z_dim).

    Args:
        z_dim: numbers in a latent.
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a scale.
        channels: of the pictures.
    """

    def __init__(self, z_dim: int, seed: Size, levels: list[int], channels: int) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.seed = _Seed(z_dim, seed, levels[0])
        self.blocks = nn.ModuleList(itertools.starmap(_Doubling, itertools.pairwise(levels)))
        self.to_rgb = nn.ModuleList(EqualizedConv(w, channels, 1, gain=0.5) for w in levels)

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Return psi * z, (N, z_dim): there is no mapping, and the mean of z is 0."""
        return z if psi == 1.0 else z * psi

    def render(self, codes: Tensor) -> Pyramid:
        """Return pictures of codes (N, z_dim) at every scale: signed, (N, C, h, w).

        Nothing squashes them; in evaluation mode they are cut at -2 and 2, far beyond the range.
        """
        features = self.seed(codes)
        pictures = [self.to_rgb[0](features)]
        for block, to_rgb in zip(self.blocks, self.to_rgb[1:], strict=True):
            features = block(features)
            pictures.append(to_rgb(features))
        if self.training:
            return tuple(pictures)
        return tuple(picture.clamp(-STRAY, STRAY) for picture in pictures)

    def forward(self, z: Tensor) -> Pyramid:
        """Return pictures of latents z, (N, z_dim)."""
        return self.render(self.codes(z))

    def latent_weight(self) -> Tensor:
        """Return the weight that the latent meets first, (z_dim, features)."""
        return self.seed.project.scaled().T


# The discriminator --------------------------------------------------------------------------


class Combine(nn.Module):
    """Lets a picture into the features of its scale.

    Args:
        how: "simple" puts the picture beside the features; "lin-cat" maps it linearly before, to
            half of the width; "cat-lin" maps both together after.
        width: channels of the scale.
        channels: of the picture.

    Attributes:
        before: channels of the features it takes.
        after: channels of what it returns.

    Source: Karnewar and Wang 2019, arXiv:1903.06048 §2.
    """

    def __init__(self, how: str, width: int, channels: int) -> None:
        super().__init__()
        self.how = how
        self.before = width // 2 if how == "lin-cat" else width
        self.after = width + channels if how == "simple" else width
        self.map: EqualizedConv | None = None
        if how == "lin-cat":
            self.map = EqualizedConv(channels, width - self.before, 1, gain=1.0)
        elif how == "cat-lin":
            self.map = EqualizedConv(width + channels, width, 1, gain=1.0)

    def forward(self, features: Tensor, pictures: Tensor) -> Tensor:
        """Return both as one.

        Args:
            features: (N, before, h, w).
            pictures: signed range, (N, C, h, w).

        Returns:
            (N, after, h, w).
        """
        if self.map is None:
            return stack_channels(features, pictures)
        if self.how == "lin-cat":
            return stack_channels(features, self.map(pictures))
        mapped: Tensor = self.map(stack_channels(features, pictures))
        return mapped


class _Entry(nn.Module):
    """The finest block: takes a picture alone, returns features of half its size."""

    def __init__(self, channels: int, width: int, after: int, *, deviation: bool) -> None:
        super().__init__()
        self.deviation = deviation
        self.from_rgb = EqualizedConv(channels, width, 1, gain=1.0)
        self.first = EqualizedConv(width + int(deviation), width, 3)
        self.second = EqualizedConv(width, after, 3)

    def forward(self, pictures: Tensor) -> Tensor:
        features = leaky(
            project_and_convolve(pictures, self.from_rgb, self.first, deviation=self.deviation)
        )
        return functional.avg_pool2d(leaky(self.second(features)), 2)


class _Halving(nn.Module):
    """A block between: convolves features and picture twice, halves height and width."""

    def __init__(self, combine: Combine, width: int, after: int, *, deviation: bool) -> None:
        super().__init__()
        self.combine = combine
        self.deviation = MinibatchDeviation() if deviation else nn.Identity()
        self.first = EqualizedConv(combine.after + int(deviation), width, 3)
        self.second = EqualizedConv(width, after, 3)

    def forward(self, features: Tensor, pictures: Tensor) -> Tensor:
        features = self.deviation(self.combine(features, pictures))
        features = leaky(self.second(leaky(self.first(features))))
        return functional.avg_pool2d(features, 2)


class _Verdict(nn.Module):
    """The coarsest block: makes logits of features and picture."""

    def __init__(self, combine: Combine, width: int, grid: Size, *, deviation: bool) -> None:
        super().__init__()
        self.combine = combine
        self.deviation = MinibatchDeviation() if deviation else nn.Identity()
        self.first = EqualizedConv(combine.after + int(deviation), width, 3)
        self.second = EqualizedLinear(width * grid[0] * grid[1], width)
        self.last = EqualizedLinear(width, 1, gain=1.0)

    def forward(self, features: Tensor, pictures: Tensor) -> Tensor:
        features = self.deviation(self.combine(features, pictures))
        features = leaky(self.first(features)).flatten(1)
        logits: Tensor = self.last(leaky(self.second(features)))
        return logits.flatten()


class MsgDiscriminator(nn.Module):
    """Judges a pyramid, signed range, as a whole; higher is more real.

    Args:
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a scale; at least two.
        channels: of the pictures.
        combine: how a picture joins the features of its scale, see `Combine`.
        deviation: whether every block begins with a minibatch deviation channel.
    """

    def __init__(
        self, seed: Size, levels: list[int], channels: int, *, combine: str, deviation: bool
    ) -> None:
        super().__init__()
        *between, finest = levels
        combines = [Combine(combine, width, channels) for width in between]
        self.entry = _Entry(channels, finest, combines[-1].before, deviation=deviation)
        blocks = [
            _Halving(combines[i], between[i], combines[i - 1].before, deviation=deviation)
            for i in reversed(range(1, len(between)))
        ]
        self.blocks = nn.ModuleList(blocks)
        self.verdict = _Verdict(combines[0], between[0], seed, deviation=deviation)

    def forward(self, pictures: Pyramid) -> Tensor:
        """Return logits (N,) of a pyramid, each (N, C, h, w), coarse to fine."""
        coarsest, *between, finest = pictures
        features = self.entry(finest)
        for block, scale in zip(self.blocks, reversed(between), strict=True):
            features = block(features, scale)
        logits: Tensor = self.verdict(features, coarsest)
        return logits

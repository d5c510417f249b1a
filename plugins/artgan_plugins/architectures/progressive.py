"""Progressive growing: a pair that learns coarse pictures first and fades in finer scales."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Networks, Size, Stage
from artgan_plugins.architectures.layers import (
    STRAY,
    EqualizedConv,
    EqualizedLinear,
    MinibatchDeviation,
    doublings,
    leaky,
    widths,
)
from artgan_plugins.architectures.msg import WIDTHS, MsgGenerator

if TYPE_CHECKING:
    from artgan.api import Pyramid
    from artgan_plugins.architectures.progressive_options import ProgressiveOptions

__all__ = [
    "ProgressiveDiscriminator",
    "ProgressiveGenerator",
    "build",
    "stage",
]

ENDLESS = 10**9
"""Pictures of a run whose length is not known yet."""

MOST_TIMES = 8
"""The most that the run's batch is multiplied by at coarse scales."""


def build(options: ProgressiveOptions, *, size: Size, channels: int) -> Networks:
    """Return a generator and a discriminator that grow to pictures of a size.

    Args:
        options: see `ProgressiveOptions`.
        size: (height, width) in pixels; legal ones are multiples of 2^n (`artgan.config`).
        channels: 1, 3 or 4.

    Source: Karras et al. 2018, arXiv:1710.10196 §2 (growing), §3 and §4 (layers), Table 2.
    Differs: by default a quarter of the channels, and growing that takes half of the run however
        long it is; minibatch deviation in groups of four; a picture leaves the generator at half
        the paper's strength, so that untrained ones lie in signed range, and in evaluation mode
        is cut where it strays; no scale has fewer than 8 channels; the first layer has a bias for
        each place of the first grid; sizes need not be square or powers of two; pictures are of
        full size on the outside, enlarged and averaged down; the latent is put on the sphere by
        who draws it. How it is trained is the host's: objective
        and penalty as they are chosen, by default the relativistic logistic loss with R1 and R2
        instead of WGAN-GP.
    """
    stages, seed = doublings(size)
    width = WIDTHS[options.width]
    sides = [min(seed) << doublings for doublings in range(stages + 1)]
    levels = widths(sides, width=width, full_width_to=options.full_width_to)
    generator = ProgressiveGenerator(options.z_dim or width, seed, levels, channels)
    discriminator = ProgressiveDiscriminator(
        seed, levels, channels, deviation=options.minibatch_deviation
    )
    plan = partial(
        stage,
        sides=sides,
        growing=options.growing,
        stable_kimg=options.stable_kimg,
        fade_kimg=options.fade_kimg,
        batch_to=options.batch_to,
    )
    first = plan(0, ENDLESS)
    generator.grow(first.scales, first.fade)
    discriminator.grow(first.scales, first.fade)
    return Networks(generator, discriminator, stage=plan, show_reals=discriminator.show_reals)


# The schedule -------------------------------------------------------------------------------


def stage(
    cur_nimg: int,
    total_nimg: int,
    *,
    sides: Sequence[int],
    growing: float = 0.5,
    stable_kimg: float | None = None,
    fade_kimg: float | None = None,
    batch_to: int = 128,
) -> Stage:
    """Return how far networks have grown: a scale rests, the next fades in and rests, and so on.

    Args:
        cur_nimg: pictures shown so far.
        total_nimg: pictures of the whole run.
        sides: the short side of every scale in pixels, coarse to fine.
        growing: share of the run that growing takes.
        stable_kimg, fade_kimg: how long each rest and each fading is, in thousands of pictures;
            None for an even part of `growing`. Where they are set, a run may end before it is
            grown.
        batch_to: short side in pixels from which on the batch halves when the side doubles.

    >>> sides = (4, 8, 16)
    >>> [stage(kimg * 1000, 16_000, sides=sides)[:2] for kimg in (0, 2, 3, 4, 6, 7, 8, 16)]
    [(1, 1.0), (2, 0.0), (2, 0.5), (2, 1.0), (3, 0.0), (3, 0.5), (3, 1.0), (3, 1.0)]

    Source: Karras et al. 2018, arXiv:1710.10196 §2, A.1.
    Differs: there the periods are fixed, and the batch falls from 16 to 3 beyond 128 px.
    """
    added = len(sides) - 1
    even = growing * total_nimg / max(1, 2 * added)
    rest = even if stable_kimg is None else stable_kimg * 1000
    fading = even if fade_kimg is None else fade_kimg * 1000
    done = min(added, int(cur_nimg // (rest + fading))) if rest + fading > 0 else added
    into = cur_nimg - done * (rest + fading) - rest  # pictures of the fading under way
    if done == added or into < 0:
        return Stage(done + 1, 1.0, _times(sides, done, batch_to))
    fade = min(1.0, into / fading) if fading > 0 else 1.0
    return Stage(done + 2, fade, _times(sides, done + 1, batch_to))


def _times(sides: Sequence[int], index: int, batch_to: int) -> int:
    """Return what the batch is multiplied by at a scale: by 2 for each halving down to batch_to."""
    return int(min(MOST_TIMES, 2 ** sum(side >= batch_to for side in sides[index:-1])))


def _height(reach: Tensor) -> tuple[int, float]:
    """Return the finest scale in use, from 0, and how much of it is blended in, in (0, 1]."""
    position = max(0.0, float(reach))
    finest = math.ceil(position)
    return finest, 1.0 - (finest - position)


# The networks -------------------------------------------------------------------------------


def _enlarge(pictures: Tensor, times: int) -> Tensor:
    if times == 1:
        return pictures
    return functional.interpolate(pictures, scale_factor=float(times), mode="nearest")


def _shrink(pictures: Tensor, times: int) -> Tensor:
    return pictures if times == 1 else functional.avg_pool2d(pictures, times)


def _touch(network: nn.Module, *idle: nn.Module) -> Tensor | float:
    """Return 0, with a graph to every parameter of idle layers while a network learns."""
    if not network.training:
        return 0.0
    sums = [p.sum() for layer in idle for p in layer.parameters() if p.requires_grad]
    return 0.0 * torch.stack(sums).sum() if sums else 0.0


class ProgressiveGenerator(MsgGenerator):
    """Draws pictures, signed range, from latents on the sphere of radius sqrt(z_dim).

    Its layers are those of MSG-GAN, of which the two finest in use make the picture.

    Args:
        z_dim: numbers in a latent.
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a scale.
        channels: of the pictures.

    Attributes:
        reach: how far it has grown, a buffer: 0 with the coarsest scale alone, 1 when the second is
            fully in, and between the two while it fades. It is all of them until `grow` is called.
    """

    reach: Tensor

    def __init__(self, z_dim: int, seed: Size, levels: list[int], channels: int) -> None:
        super().__init__(z_dim, seed, levels, channels)
        self.register_buffer("reach", torch.tensor(float(len(levels) - 1)))

    def grow(self, scales: int, fade: float) -> None:
        """Draw so many scales from now on, the finest of them blended in by fade in [0, 1]."""
        self.reach.fill_(scales - 2 + fade)

    def render(self, codes: Tensor) -> Pyramid:
        """Return pictures of codes (N, z_dim): signed, of full size, (N, C, H, W), one scale.

        Nothing squashes them; in evaluation mode they are cut at -2 and 2, far beyond the range.
        """
        finest, share = _height(self.reach)
        features = before = self.seed(codes)
        for block in self.blocks[:finest]:
            before, features = features, block(features)
        picture = self.to_rgb[finest](features)
        fading = share < 1
        if fading:
            coarse = _enlarge(self.to_rgb[finest - 1](before), 2)
            picture = torch.lerp(coarse, picture, share)
        picture = _enlarge(picture, 2 ** (len(self.blocks) - finest))
        if not self.training:
            return (picture.clamp(-STRAY, STRAY),)
        coarser = self.to_rgb[: finest - fading]
        return (
            picture + _touch(self, *self.blocks[finest:], *self.to_rgb[finest + 1 :], *coarser),
        )


class _Halving(nn.Module):
    """Convolves twice, then halves height and width."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = EqualizedConv(before, before, 3)
        self.second = EqualizedConv(before, after, 3)

    def forward(self, features: Tensor) -> Tensor:
        features = leaky(self.second(leaky(self.first(features))))
        return functional.avg_pool2d(features, 2)


class _Verdict(nn.Module):
    """The coarsest block: makes logits of features."""

    def __init__(self, width: int, grid: Size, *, deviation: bool) -> None:
        super().__init__()
        self.deviation = MinibatchDeviation() if deviation else nn.Identity()
        self.first = EqualizedConv(width + int(deviation), width, 3)
        self.second = EqualizedLinear(width * grid[0] * grid[1], width)
        self.last = EqualizedLinear(width, 1, gain=1.0)

    def forward(self, features: Tensor) -> Tensor:
        features = leaky(self.first(self.deviation(features))).flatten(1)
        logits: Tensor = self.last(leaky(self.second(features)))
        return logits.flatten()


class ProgressiveDiscriminator(nn.Module):
    """Judges pictures, signed range; higher is more real.

    Args:
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a scale.
        channels: of the pictures.
        deviation: whether the last block begins with a minibatch deviation channel.

    Attributes:
        reach: how far it has grown, see `ProgressiveGenerator`.
    """

    reach: Tensor

    def __init__(self, seed: Size, levels: list[int], channels: int, *, deviation: bool) -> None:
        super().__init__()
        self.from_rgb = nn.ModuleList(EqualizedConv(channels, w, 1) for w in levels)
        self.blocks = nn.ModuleList(
            _Halving(fine, coarse) for coarse, fine in itertools.pairwise(levels)
        )
        self.verdict = _Verdict(levels[0], seed, deviation=deviation)
        self.register_buffer("reach", torch.tensor(float(len(levels) - 1)))

    def grow(self, scales: int, fade: float) -> None:
        """Look at so many scales from now on, the finest of them blended in by fade in [0, 1]."""
        self.reach.fill_(scales - 2 + fade)

    def show_reals(self, reals: Tensor) -> Tensor:
        """Return reals of full size (N, C, H, W) with the detail that they have at this stage.

        Source: Karras et al. 2018, arXiv:1710.10196 §2: what is faded in is the reals' detail too.
        """
        finest, share = _height(self.reach)
        times = 2 ** (len(self.blocks) - finest)
        shown = _shrink(reals, times)
        if share < 1:
            shown = torch.lerp(_enlarge(_shrink(shown, 2), 2), shown, share)
        return _enlarge(shown, times)

    def forward(self, pictures: Pyramid) -> Tensor:
        """Return logits (N,) of pictures of full size, ((N, C, H, W),)."""
        (picture,) = pictures
        finest, share = _height(self.reach)
        picture = _shrink(picture, 2 ** (len(self.blocks) - finest))
        features = leaky(self.from_rgb[finest](picture))
        fading = share < 1
        for index in reversed(range(finest)):
            features = self.blocks[index](features)
            if fading and index == finest - 1:
                coarse = leaky(self.from_rgb[index](_shrink(picture, 2)))
                features = torch.lerp(coarse, features, share)
        logits: Tensor = self.verdict(features)
        coarser = self.from_rgb[: finest - fading]
        return logits + _touch(self, *self.blocks[finest:], *self.from_rgb[finest + 1 :], *coarser)

"""R3: a modern pair of residual blocks, with neither norms nor tricks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Networks, Size
from artgan_plugins.architectures.layers import STRAY, doublings, widths

if TYPE_CHECKING:
    from artgan.api import Pyramid
    from artgan_plugins.architectures.r3_options import R3Options

__all__ = ["R3Discriminator", "R3Generator", "build", "double", "halve"]

WIDTHS = {"tiny": 128, "small": 256, "base": 768}
FEWEST = 16


def build(options: R3Options, *, size: Size, channels: int) -> Networks:
    """Return a generator and a discriminator of pictures of a size.

    Args:
        options: see `R3Options`.
        size: (height, width) in pixels; legal ones are multiples of 2^n (`artgan.config`).
        channels: 1, 3 or 4.

    Source: Huang et al. 2024, arXiv:2501.05441, the final network; the first weights are those of
        Zhang et al. 2019, arXiv:1901.09321.
    Differs: a picture leaves the generator at half the strength, so that untrained ones lie in
        signed range, and in evaluation mode is cut where it strays; edges are repeated where
        features are resized; no scale has fewer than 16 channels; sizes need not be square or
        powers of two; by default a sixth of the channels. The paper's loss, relativistic logistic
        with R1 and R2 at every step, is the host's default; its schedules are not.
    """
    stages, seed = doublings(size)
    sides = [min(seed) << stage for stage in range(stages + 1)]
    levels = widths(
        sides,
        width=WIDTHS[options.width],
        full_width_to=options.full_width_to,
        fewest=FEWEST,
    )
    habits = {"blocks": options.blocks, "group": options.group}
    return Networks(
        R3Generator(options.z_dim, seed, levels, channels, **habits),
        R3Discriminator(seed, levels, channels, **habits),
    )


# Resizing -----------------------------------------------------------------------------------


def double(features: Tensor) -> Tensor:
    """Return features of twice the height and width, smoothed by the kernel [1, 2, 1] / 2.

    Args:
        features: (N, C, H, W).

    Along each axis, an odd pixel is one of before, and an even one the mean of two neighbours.

    >>> double(torch.tensor([0.0, 4.0]).view(1, 1, 1, 2))[0, 0, 0]
    tensor([0., 0., 2., 4.])
    """
    height, width = features.shape[-2:]
    padded = functional.pad(features, (1, 0, 1, 0), mode="replicate")
    between = functional.interpolate(  # (N, C, 2H + 1, 2W + 1)
        padded, (2 * height + 1, 2 * width + 1), mode="bilinear", align_corners=True
    )
    return between[..., 1:, 1:]


def halve(features: Tensor) -> Tensor:
    """Return features of half the height and width, smoothed by the kernel [1, 2, 1] / 4.

    Args:
        features: (N, C, H, W), H and W even.

    >>> halve(torch.tensor([0.0, 4.0, 8.0, 8.0]).expand(1, 1, 2, 4))[0, 0, 0]
    tensor([1., 7.])
    """
    padded = functional.pad(features, (1, 0, 1, 0), mode="replicate")
    return functional.avg_pool2d(functional.avg_pool2d(padded, 2, 1), 2)


# Blocks -------------------------------------------------------------------------------------


class _Map(nn.Linear):
    """A 1x1 convolution, as a matrix: much quicker where a gradient is differentiated again.

    Args:
        before, after: channels.
        bias: whether it has one.
        gain: its first weights keep signals at so many times their size.
    """

    def __init__(self, before: int, after: int, *, bias: bool = False, gain: float = 1.0) -> None:
        super().__init__(before, after, bias=bias)
        _start(self, gain)

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, before, H, W) mapped, (N, after, H, W), channels last in memory."""
        return super().forward(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _start(layer: nn.Linear | nn.Conv2d, gain: float) -> None:
    """Draw weights that keep signals at `gain` times their size; biases begin at 0."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class _Block(nn.Module):
    """Adds to features what three convolutions make of them: at first, nothing.

    Args:
        width: channels; inside there are twice as many.
        group: channels that the 3x3 convolution sees at once.
        count: blocks of the network. The more, the smaller the weights of each begin, so that
            together they learn at the rate of one.
    """

    def __init__(self, width: int, group: int, count: int) -> None:
        super().__init__()
        inner = 2 * width
        gain = nn.init.calculate_gain("leaky_relu", 0.2) * count**-0.25
        self.expand = _Map(width, inner, bias=True, gain=gain)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=inner // math.gcd(inner, group))
        self.shrink = _Map(inner, width, gain=0.0)
        _start(self.mix, gain)

    def forward(self, features: Tensor) -> Tensor:
        inner = functional.leaky_relu(self.expand(features), 0.2)  # a view: not in place
        inner = functional.leaky_relu(self.mix(inner), 0.2, inplace=True)
        out: Tensor = features + self.shrink(inner)
        return out


def _scales(levels: Sequence[int], *, blocks: int, group: int) -> nn.ModuleList:
    """Return the residual blocks of every scale."""
    count = blocks * len(levels)
    return nn.ModuleList(
        nn.Sequential(*[_Block(width, group, count) for _ in range(blocks)]) for width in levels
    )


def _changes(levels: Sequence[int]) -> nn.ModuleList:
    """Return what brings features from the width of one scale to that of the next."""
    pairs = itertools.pairwise(levels)
    return nn.ModuleList(nn.Identity() if a == b else _Map(a, b) for a, b in pairs)


class R3Generator(nn.Module):
    """Draws pictures, signed range, from Gaussian latents.

    Args:
        z_dim: numbers in a latent.
        seed: (height, width) of the coarsest grid.
        levels: channels from that grid up, one a scale.
        channels: of the picture.
        blocks: residual blocks a scale.
        group: channels that a 3x3 convolution sees at once.
    """

    def __init__(
        self, z_dim: int, seed: Size, levels: list[int], channels: int, *, blocks: int, group: int
    ) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.basis = nn.Parameter(torch.randn(levels[0], *seed))
        self.modulate = nn.Linear(z_dim, levels[0], bias=False)
        nn.init.normal_(self.modulate.weight, 0.0, 1 / math.sqrt(z_dim))
        self.scales = _scales(levels, blocks=blocks, group=group)
        self.changes = _changes(levels)
        self.to_rgb = _Map(levels[-1], channels, gain=0.5)

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Return psi * z, (N, z_dim): there is no mapping, and the mean of z is 0."""
        return z if psi == 1.0 else z * psi

    def render(self, codes: Tensor) -> Pyramid:
        """Return one batch of pictures of codes (N, z_dim): signed, (N, C, H, W).

        Nothing squashes them; in evaluation mode they are cut at -2 and 2, far beyond the range.
        """
        features = self.scales[0](self.basis * self.modulate(codes)[..., None, None])
        for change, scale in zip(self.changes, self.scales[1:], strict=True):
            features = scale(double(change(features)))
        pictures = self.to_rgb(features)
        return (pictures if self.training else pictures.clamp(-STRAY, STRAY),)

    def forward(self, z: Tensor) -> Pyramid:
        """Return pictures of latents z, (N, z_dim)."""
        return self.render(self.codes(z))

    def latent_weight(self) -> Tensor:
        """Return the weight that the latent meets first, (z_dim, features)."""
        return self.modulate.weight.T


class R3Discriminator(nn.Module):
    """Judges pictures, signed range; higher is more real. It is the generator turned round.

    Args:
        seed: (height, width) of the coarsest grid.
        levels: channels from that grid up, one a scale.
        channels: of the picture.
        blocks: residual blocks a scale.
        group: channels that a 3x3 convolution sees at once.
    """

    def __init__(
        self, seed: Size, levels: list[int], channels: int, *, blocks: int, group: int
    ) -> None:
        super().__init__()
        levels = levels[::-1]
        self.from_rgb = _Map(channels, levels[0])
        self.scales = _scales(levels, blocks=blocks, group=group)
        self.changes = _changes(levels)
        self.basis = nn.Parameter(torch.randn(levels[-1], *seed) / math.sqrt(math.prod(seed)))
        self.last = nn.Linear(levels[-1], 1, bias=False)
        nn.init.normal_(self.last.weight, 0.0, 1 / math.sqrt(levels[-1]))

    def forward(self, pictures: Pyramid) -> Tensor:
        """Return logits (N,) of pictures, (N, C, H, W)."""
        features = self.scales[0](self.from_rgb(pictures[-1]))
        for change, scale in zip(self.changes, self.scales[1:], strict=True):
            features = scale(change(halve(features)))
        logits: Tensor = self.last((features * self.basis).sum((2, 3)))
        return logits.flatten()

"""DCGAN: a convolutional pair that draws one picture from one latent."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Networks, Size
from artgan_plugins.architectures.layers import (
    MinibatchDeviation,
    PixelNorm,
    doublings,
    resize_and_convolve,
)

if TYPE_CHECKING:
    from artgan.api import Pyramid
    from artgan_plugins.architectures.dcgan_options import DcganOptions

__all__ = [
    "DcganDiscriminator",
    "DcganGenerator",
    "MinibatchDeviation",
    "PixelNorm",
    "build",
    "resize_and_convolve",
    "widths",
]


SMALL = 0.3
"""The share of He's weights that the layer before the logits begins with."""


def build(options: DcganOptions, *, size: Size, channels: int) -> Networks:
    """Return a generator and a discriminator of pictures of a size.

    Args:
        options: see `DcganOptions`.
        size: (height, width) in pixels; legal ones are multiples of 2^n (`artgan.config`).
        channels: 1, 3 or 4.

    Source: Radford, Metz and Chintala 2016, arXiv:1511.06434 §3.
    Differs: by default the generator has hidden layers before its first grid, which is 8 px on its
        short side and not 4, for there a layer without convolution is cheaper and says where
        things are; it convolves to four times the channels and shuffles them into
        pixels (Shi et al. 2016, arXiv:1609.05158 §3.2) instead of convolving transposed; both
        networks have leaky ReLUs; the discriminator has no BatchNorm but a minibatch deviation
        channel and He's initial weights (He et al. 2015, arXiv:1502.01852 §2.2), and may have
        heads of its own for smaller copies of the picture; latents are Gaussian.
    """
    stages, seed = doublings(size)
    levels = widths(stages, base=options.base_channels, most=options.max_channels)
    skipped = 1 if options.first_grid == 8 and stages > 1 else 0
    generator = DcganGenerator(
        options.z_dim,
        (seed[0] << skipped, seed[1] << skipped),
        levels[skipped:],
        channels,
        upsample=options.upsample,
        norm=options.g_norm,
        hidden=options.hidden,
        depth=options.depth,
    )
    discriminator = DcganDiscriminator(
        seed,
        levels,
        channels,
        norm=options.d_norm,
        deviation=options.minibatch_deviation,
        heads=min(options.heads, stages),
        init=options.d_init,
    )
    return Networks(generator, discriminator)


def widths(stages: int, *, base: int, most: int) -> list[int]:
    """Return the channels from the seed grid up to half the size, one entry a doubling.

    >>> widths(4, base=64, most=512)
    [512, 256, 128, 64]
    """
    return [min(most, base * 2**level) for level in reversed(range(stages))]


def _norm(kind: str, channels: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return PixelNorm() if kind == "pixel" else nn.Identity()


def _initialise(module: nn.Module) -> None:
    """Draw weights as the paper does: N(0, 0.02), and N(1, 0.02) in BatchNorm."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class _Up(nn.Module):
    """Doubles height and width.

    Args:
        before, after: channels.
        how: "subpixel" convolves to four times the channels and shuffles them into pixels;
            "transposed" convolves transposed; "nearest" resizes, then convolves; "bilinear"
            convolves, then resizes, for a quarter of the work.
        bias: whether the convolution has one.
        last: whether a picture comes out: then "bilinear" resizes first too, to stay sharp.
    """

    def __init__(
        self, before: int, after: int, how: str, *, bias: bool, last: bool = False
    ) -> None:
        super().__init__()
        self.how = how
        self.resizes_first = how == "nearest" or (how == "bilinear" and last)
        self.conv: nn.Conv2d | nn.ConvTranspose2d
        if how == "transposed":
            self.conv = nn.ConvTranspose2d(before, after, 4, 2, 1, bias=bias)
        else:
            wide = 4 * after if how == "subpixel" else after
            self.conv = nn.Conv2d(before, wide, 3, 1, 1, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        if self.resizes_first:
            return resize_and_convolve(features, self.conv.weight, self.conv.bias, mode=self.how)
        out: Tensor = self.conv(features)
        if self.how == "subpixel":
            return functional.pixel_shuffle(out, 2)
        if self.how == "bilinear":
            out = functional.interpolate(out, scale_factor=2, mode="bilinear", align_corners=False)
        return out


class DcganGenerator(nn.Module):
    """Draws pictures, signed range, from Gaussian latents.

    Args:
        z_dim: numbers in a latent.
        seed: (height, width) of the first grid.
        levels: channels from that grid up, one a doubling.
        channels: of the picture.
        upsample: "subpixel", "bilinear", "nearest" or "transposed".
        norm: "batch", "pixel" or "none".
        hidden: numbers in a layer between the latent and the first grid.
        depth: how many such layers there are.
    """

    def __init__(
        self,
        z_dim: int,
        seed: Size,
        levels: list[int],
        channels: int,
        *,
        upsample: str,
        norm: str,
        hidden: int = 128,
        depth: int = 0,
    ) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.seed = seed
        biased = norm != "batch"
        widths = [z_dim, *[hidden] * depth]
        layers = [
            nn.Sequential(
                nn.Linear(before, after, bias=biased),
                nn.Unflatten(1, (after, 1, 1)),
                _norm(norm, after),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Flatten(),
            )
            for before, after in itertools.pairwise(widths)
        ]
        self.hidden = nn.Sequential(*layers)
        self.project = nn.Linear(widths[-1], levels[0] * seed[0] * seed[1], bias=biased)
        self.first = nn.Sequential(_norm(norm, levels[0]), nn.LeakyReLU(0.2, inplace=True))
        blocks = [
            nn.Sequential(
                _Up(before, after, upsample, bias=biased),
                _norm(norm, after),
                nn.LeakyReLU(0.2, inplace=True),
            )
            for before, after in itertools.pairwise(levels)
        ]
        self.blocks = nn.Sequential(*blocks)
        self.last = _Up(levels[-1], channels, upsample, bias=True, last=True)
        self.apply(_initialise)

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Return psi * z, (N, z_dim): a code is a latent, and the mean of z is 0."""
        return z if psi == 1.0 else z * psi

    def render(self, codes: Tensor) -> Pyramid:
        """Return one batch of pictures of codes (N, z_dim): signed, (N, C, H, W)."""
        grid = self.project(self.hidden(codes)).unflatten(1, (-1, *self.seed))
        return (torch.tanh(self.last(self.blocks(self.first(grid)))),)

    def forward(self, z: Tensor) -> Pyramid:
        """Return pictures of latents z, (N, z_dim)."""
        return self.render(self.codes(z))

    def latent_weight(self) -> Tensor:
        """Return the weight that the latent meets first, (z_dim, features)."""
        linear = [module for module in self.hidden.modules() if isinstance(module, nn.Linear)]
        return (linear[0] if linear else self.project).weight.T


def _head(
    seed: Size, levels: list[int], channels: int, *, norm: str, deviation: bool, init: str
) -> nn.Sequential:
    """Return layers that judge a picture, (N, C, H, W) -> (N, 1, 1, 1)."""
    blocks: list[nn.Module] = []
    for before, after in itertools.pairwise([channels, *reversed(levels)]):
        normed = norm == "batch" and bool(blocks)
        blocks.append(nn.Conv2d(before, after, 4, 2, 1, bias=not normed))
        if normed:
            blocks.append(nn.BatchNorm2d(after))
        blocks.append(nn.LeakyReLU(0.2, inplace=True))
    if deviation:
        blocks.append(MinibatchDeviation())
    blocks.append(nn.Conv2d(levels[0] + int(deviation), 1, seed))
    head = nn.Sequential(*blocks).apply(_initialise)
    layers = [module for module in blocks if isinstance(module, nn.Conv2d)]
    if init == "he":  # signals keep their size from layer to layer; logits begin small
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, 0.2)
        with torch.no_grad():
            layers[-1].weight.mul_(SMALL)
    if norm == "spectral":
        for layer in layers:
            nn.utils.parametrizations.spectral_norm(layer)
    return head


class DcganDiscriminator(nn.Module):
    """Judges pictures, signed range; higher is more real.

    Args:
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a doubling.
        channels: of the picture.
        norm: "none", "batch" or "spectral"; the first layer has none but "spectral".
        deviation: whether the coarsest grid gets a minibatch deviation channel.
        heads: how many sizes of the picture are judged, each half the one before, by layers of
            their own: what is coarse is quick to learn, and cheap.
        init: "he" or "paper".
    """

    def __init__(
        self,
        seed: Size,
        levels: list[int],
        channels: int,
        *,
        norm: str,
        deviation: bool,
        heads: int = 1,
        init: str = "paper",
    ) -> None:
        super().__init__()
        kinds = {"norm": norm, "deviation": deviation, "init": init}
        self.blocks = _head(seed, levels, channels, **kinds)  # type: ignore[arg-type]
        self.smaller = nn.ModuleList(
            _head(seed, [max(1, 2 * c // 3) for c in levels[:-i]], channels, **kinds)  # type: ignore[arg-type]
            for i in range(1, heads)
        )

    def forward(self, pictures: Pyramid) -> Tensor | tuple[Tensor, ...]:
        """Return logits (N,) of the finest pictures, (N, C, H, W); a tuple if there are heads."""
        picture = pictures[-1]
        logits = [self.blocks(picture).flatten()]
        for head in self.smaller:
            picture = functional.avg_pool2d(picture, 2)
            logits.append(head(picture).flatten())
        return tuple(logits) if self.smaller else logits[0]

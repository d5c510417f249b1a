"""DCGAN: a convolutional pair that draws one picture from one latent."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Networks, Size

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

SEED_SIDE = 4
GROUP = 4


def build(options: DcganOptions, *, size: Size, channels: int) -> Networks:
    """Return a generator and a discriminator of pictures of a size.

    Args:
        options: see `DcganOptions`.
        size: (height, width) in pixels; legal ones are multiples of 2^n (`artgan.config`).
        channels: 1, 3 or 4.

    Source: Radford, Metz and Chintala 2016, arXiv:1511.06434 §3.
    Differs: by default the generator convolves and resizes instead of convolving transposed, for
        the reason of Odena et al. 2016, doi:10.23915/distill.00003, who resize first; both
        networks have leaky ReLUs, the discriminator has no BatchNorm but a minibatch deviation
        channel, and latents are Gaussian.
    """
    stages = (min(size) // SEED_SIDE).bit_length() - 1
    levels = widths(stages, base=options.base_channels, most=options.max_channels)
    seed = (size[0] >> stages, size[1] >> stages)
    generator = DcganGenerator(
        options.z_dim,
        seed,
        levels,
        channels,
        upsample=options.upsample,
        norm=options.g_norm,
    )
    discriminator = DcganDiscriminator(
        seed,
        levels,
        channels,
        norm=options.d_norm,
        deviation=options.minibatch_deviation,
    )
    return Networks(generator, discriminator)


def widths(stages: int, *, base: int, most: int) -> list[int]:
    """Return the channels from the seed grid up to half the size, one entry a doubling.

    >>> widths(4, base=64, most=512)
    [512, 256, 128, 64]
    """
    return [min(most, base * 2**level) for level in reversed(range(stages))]


class PixelNorm(nn.Module):
    """Scales each pixel's features to a mean square of 1.

    Source: Karras et al. 2018, arXiv:1710.10196 §4.2.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, C, H, W), normalised over C."""
        return features * (features.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class MinibatchDeviation(nn.Module):
    """Adds one channel that says how much a picture differs from its neighbours in the batch.

    Groups are of four consecutive pictures; the last one may be smaller.

    Source: Karras et al. 2018, arXiv:1710.10196 §3.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, C, H, W) with a channel more, (N, C + 1, H, W)."""
        count, _, height, width = features.shape
        parts = features.split(GROUP)
        if count % GROUP == 0:  # the usual case, at once
            parts = (features.unflatten(0, (-1, GROUP)).transpose(0, 1),)  # (4, N/4, C, H, W)
        deviations = []
        for part in parts:
            centred = part - part.mean(0, keepdim=True)
            deviation = (centred.square().mean(0) + 1e-8).sqrt()
            each = deviation.flatten(-3).mean(-1).view(-1)  # one a group
            deviations.append(each.repeat_interleave(part.shape[0]))
        channel = torch.cat(deviations).view(count, 1, 1, 1)
        return torch.cat([features, channel.expand(count, 1, height, width)], 1)


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


_PHASES = {
    "nearest": torch.tensor(
        [
            [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]],
            [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        ]
    ),
    "bilinear": torch.tensor(
        [
            [[0.75, 0.25, 0.0], [0.25, 0.75, 0.75], [0.0, 0.0, 0.25]],
            [[0.25, 0.0, 0.0], [0.75, 0.75, 0.25], [0.0, 0.25, 0.75]],
        ]
    ),
}
"""How each tap of a 3x3 kernel, after doubling, spreads over pixels of before: (output phase, pixel
of before, tap)."""


@functools.cache
def _phases(mode: str, dtype: torch.dtype, device: torch.device) -> Tensor:
    return _PHASES[mode].to(device, dtype)


def resize_and_convolve(
    features: Tensor, weight: Tensor, bias: Tensor | None, *, mode: str
) -> Tensor:
    """Return features that are doubled and then convolved, computed before doubling.

    Each of the four phases of the output is a 3x3 convolution at the lower size, because several
    taps of the kernel fall on one pixel of before. The result is the same (for "bilinear" the
    outermost row and column see the edge repeated, not zeros); on a CPU it is many times quicker
    where there are few channels.

    Args:
        features: (N, C, H, W).
        weight: (D, C, 3, 3).
        bias: (D,) or None.
        mode: "nearest" or "bilinear".

    Returns:
        (N, D, 2H, 2W).

    Source: Shi et al. 2016, arXiv:1609.07009, where sub-pixel convolution is explained so.
    """
    phases = _phases(mode, weight.dtype, weight.device)
    kernels = torch.einsum("aui,bvj,dcij->dabcuv", phases, phases, weight).flatten(0, 2)
    if mode == "bilinear":
        out = functional.conv2d(functional.pad(features, (1, 1, 1, 1), mode="replicate"), kernels)
    else:
        out = functional.conv2d(features, kernels, padding=1)  # (N, 4D, H, W)
    doubled = functional.pixel_shuffle(out, 2)
    return doubled if bias is None else doubled + bias.view(1, -1, 1, 1)


class _Up(nn.Module):
    """Doubles height and width.

    Args:
        before, after: channels.
        how: "transposed" convolves transposed; "nearest" resizes, then convolves; "bilinear"
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
            self.conv = nn.Conv2d(before, after, 3, 1, 1, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        if self.resizes_first:
            return resize_and_convolve(features, self.conv.weight, self.conv.bias, mode=self.how)
        out: Tensor = self.conv(features)
        if self.how == "bilinear":
            out = functional.interpolate(out, scale_factor=2, mode="bilinear", align_corners=False)
        return out


class DcganGenerator(nn.Module):
    """Draws pictures, signed range, from Gaussian latents.

    Args:
        z_dim: numbers in a latent.
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a doubling.
        channels: of the picture.
        upsample: "bilinear", "nearest" or "transposed".
        norm: "batch", "pixel" or "none".
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
    ) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.seed = seed
        biased = norm != "batch"
        self.project = nn.Linear(z_dim, levels[0] * seed[0] * seed[1], bias=biased)
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
        """Return psi * z, (N, z_dim): there is no mapping, and the mean of z is 0."""
        return z if psi == 1.0 else z * psi

    def render(self, codes: Tensor) -> Pyramid:
        """Return one batch of pictures of codes (N, z_dim): signed, (N, C, H, W)."""
        grid = self.project(codes).unflatten(1, (-1, *self.seed))
        return (torch.tanh(self.last(self.blocks(self.first(grid)))),)

    def forward(self, z: Tensor) -> Pyramid:
        """Return pictures of latents z, (N, z_dim)."""
        return self.render(self.codes(z))

    def latent_weight(self) -> Tensor:
        """Return the weight that the latent meets first, (z_dim, features)."""
        return self.project.weight.T


class DcganDiscriminator(nn.Module):
    """Judges pictures, signed range; higher is more real.

    Args:
        seed: (height, width) of the coarsest grid.
        levels: channels from the seed grid up, one a doubling.
        channels: of the picture.
        norm: "none", "batch" or "spectral"; the first layer has none but "spectral".
        deviation: whether the coarsest grid gets a minibatch deviation channel.
    """

    def __init__(
        self, seed: Size, levels: list[int], channels: int, *, norm: str, deviation: bool
    ) -> None:
        super().__init__()
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
        self.blocks = nn.Sequential(*blocks)
        self.apply(_initialise)
        if norm == "spectral":
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.utils.parametrizations.spectral_norm(module)

    def forward(self, pictures: Pyramid) -> Tensor:
        """Return logits (N,) of the finest pictures of a pyramid, (N, C, H, W)."""
        logits: Tensor = self.blocks(pictures[-1])
        return logits.flatten()

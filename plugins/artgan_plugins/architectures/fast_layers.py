"""Layers of `fast`, and which scales it has: gates, gated units, noise, doubling, halving."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Size
from artgan_plugins.architectures.layers import exact, resize_and_convolve

__all__ = [
    "FEWEST",
    "LAST_LEVEL",
    "Doubling",
    "Excitation",
    "GatedUnit",
    "Halving",
    "Noise",
    "SpectralNorm",
    "conv",
    "divide_by_spectral_norm",
    "pairs",
    "pool_to",
    "small_level",
    "small_widths",
    "widths",
]

FEWEST = 8
SMALL_LEVEL = 5
"""The doubling whose picture is the small one where the full one is larger: 128 px of 4."""

LAST_LEVEL = 1
"""The doubling of the grids that are judged: 8 px of 4."""


# Scales -------------------------------------------------------------------------------------


def widths(stages: int, *, width: int) -> list[int]:
    """Return the channels from the seed grid up to the full size.

    >>> widths(8, width=1024)
    [1024, 512, 256, 128, 128, 64, 32, 16, 8]
    """
    shares = (1, 2, 4, 8, 8, 16, 32, 64, 128)
    return [max(FEWEST, width // share) for share in shares[: stages + 1]]


def pairs(levels: int, *, apart: int) -> list[tuple[int, int]]:
    """Return which scales gate which: (from, to), counted from the first.

    They are so many scales apart as said, or fewer where else there were not two pairs.

    Args:
        levels: how many scales there are.
        apart: between the two of a pair.

    >>> pairs(7, apart=4)
    [(0, 4), (1, 5), (2, 6)]
    >>> pairs(4, apart=4)
    [(0, 2), (1, 3)]
    """
    apart = max(1, min(apart, levels - 2))
    return [(first, first + apart) for first in range(levels - apart)]


def small_level(stages: int) -> int:
    """Return the doubling at which the smaller of the two pictures is drawn."""
    return min(SMALL_LEVEL, stages - 1)


def small_widths(levels: list[int], small: int) -> list[int]:
    """Return the channels that judge the small picture, fine to coarse."""
    top = len(levels) - 1
    finest = max(LAST_LEVEL, small - 1)
    return [levels[min(top, level + 2)] for level in range(finest, LAST_LEVEL - 1, -1)]


# Layers -------------------------------------------------------------------------------------


def conv(
    before: int, after: int, side: int, *, stride: int = 1, padding: int | None = None
) -> nn.Conv2d:
    """Return a convolution without bias, its weights drawn with He's deviation.

    Args:
        before, after: channels.
        side: of the kernel in pixels; with an odd one and no padding given the size is kept.
        stride: in pixels.
        padding: in pixels.

    Source: He et al. 2015, arXiv:1502.01852 §2.2, of leaky ReLUs of slope 0.2.
    """
    border = side // 2 if padding is None else padding
    layer = nn.Conv2d(before, after, side, stride, border, bias=False)
    nn.init.kaiming_normal_(layer.weight, 0.2)
    return layer


def pool_to(features: Tensor, size: Size) -> Tensor:
    """Return features (N, C, H, W) averaged down to a size whose multiple theirs is."""
    height, width = features.shape[-2:]
    if (height, width) == size:
        return features
    return functional.avg_pool2d(features, (height // size[0], width // size[1]))


class Excitation(nn.Module):
    """Lets a coarse scale say how much each channel of a fine one counts.

    Args:
        before, after: channels of the coarse and of the fine scale.
        grid: (height, width) that the coarse scale is averaged down to.

    Source: Liu et al. 2021, arXiv:2101.04775 §3.1 (skip-layer excitation).
    Differs: silu, as in the authors' implementation, instead of a leaky ReLU.
    """

    def __init__(self, before: int, after: int, grid: Size) -> None:
        super().__init__()
        self.grid = grid
        self.see = nn.Conv2d(before, after, grid)
        self.say = nn.Conv2d(after, after, 1)
        for layer in (self.see, self.say):
            nn.init.kaiming_normal_(layer.weight, 0.2)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Return fine (N, after, H, W), each channel times a number between 0 and 1.

        Args:
            fine: as above.
            coarse: (N, before, h, w).
        """
        seen = functional.silu(self.see(pool_to(coarse, self.grid)))
        gates: Tensor = torch.sigmoid(self.say(seen))  # (N, after, 1, 1)
        return fine * gates


class Noise(nn.Module):
    """Adds noise, one number a pixel for all channels, times a strength that is learnt.

    It is drawn anew in training, and the same for every picture in evaluation mode.

    Args:
        size: (height, width).

    Source: Karras et al. 2020, arXiv:1912.04958 §2.1, where it is of StyleGAN.
    """

    frozen: Tensor

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(1))
        self.register_buffer("frozen", torch.randn(1, 1, *size))

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, C, H, W) with noise."""
        noise = self.frozen
        if self.training:
            noise = torch.randn_like(features[:, :1])
        return features + (self.strength * noise).to(features.dtype)


class SpectralNorm(nn.Module):
    """Divides a layer's weight by its largest singular value, found better with every use.

    Unlike PyTorch's it is as right for an averaged network, and computed in float32 always.

    Args:
        weight: (D, ...).

    Source: Miyato et al. 2018, arXiv:1802.05957 §2.1, Algorithm 1.
    """

    direction: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        start = torch.randn(weight[0].numel(), device=weight.device)
        self.register_buffer("direction", functional.normalize(start, dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight divided, (D, ...)."""
        with exact(weight):
            matrix = weight.flatten(1)
            if self.training:
                with torch.no_grad():
                    better = matrix.T @ (matrix @ self.direction)
                    self.direction.copy_(functional.normalize(better, dim=0))
            direction = functional.normalize(self.direction, dim=0)  # an average is shorter
            divided: Tensor = weight / torch.linalg.vector_norm(matrix @ direction)
        return divided


def divide_by_spectral_norm(module: nn.Module) -> None:
    """Divide the weight of every convolution and linear layer of a network, see `SpectralNorm`."""
    for layer in list(module.modules()):
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            norm = SpectralNorm(layer.weight)
            nn.utils.parametrize.register_parametrization(layer, "weight", norm)


class GatedUnit(nn.Module):
    """Multiplies the first half of the channels by the sigmoid of the other.

    It is `torch.nn.GLU`, twice as quick on a CPU with channels last in memory.

    Source: Dauphin et al. 2017, arXiv:1612.08083 §2.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, 2C, H, W) gated, (N, C, H, W)."""
        values, gates = features.chunk(2, 1)
        return values * torch.sigmoid(gates)


class Doubling(nn.Module):
    """Doubles height and width and convolves, once or twice; gated linear units follow.

    Args:
        before, after: channels.
        size: (height, width) of what comes out.
        twice: whether a second convolution follows.
        noise: whether noise is added after each convolution of two.

    Source: Liu et al. 2021, arXiv:2101.04775 §3.1.
    """

    def __init__(self, before: int, after: int, size: Size, *, twice: bool, noise: bool) -> None:
        super().__init__()

        def rest() -> nn.Sequential:
            injected: list[nn.Module] = [Noise(size)] if noise and twice else []
            return nn.Sequential(*injected, nn.BatchNorm2d(2 * after), GatedUnit())

        self.first = conv(before, 2 * after, 3)
        self.rest = rest()
        more = [conv(after, 2 * after, 3), *rest()] if twice else []
        self.second = nn.Sequential(*more)

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, before, h, w) at twice the size, (N, after, 2h, 2w)."""
        doubled = resize_and_convolve(features, self.first.weight, None, mode="nearest")
        # what is sliced out of a larger grid makes all that follows slow
        doubled = doubled.contiguous(memory_format=torch.channels_last)
        out: Tensor = self.second(self.rest(doubled))
        return out


def _normed(channels: int, *, normed: bool) -> list[nn.Module]:
    norm: list[nn.Module] = [nn.BatchNorm2d(channels)] if normed else []
    return [*norm, nn.LeakyReLU(0.2, inplace=True)]


class Halving(nn.Module):
    """Halves height and width in two ways, by convolving twice and by averaging, and adds them.

    Args:
        before, after: channels.
        norm: whether there is BatchNorm after each convolution.

    Source: Liu et al. 2021, arXiv:2101.04775 §3.2.
    Differs: the sum is divided by the root of 2 and not by 2, which keeps its size; with BatchNorm
        it is all the same.
    """

    def __init__(self, before: int, after: int, *, norm: bool) -> None:
        super().__init__()
        self.main = nn.Sequential(
            conv(before, after, 4, stride=2, padding=1),
            *_normed(after, normed=norm),
            conv(after, after, 3),
            *_normed(after, normed=norm),
        )
        self.direct = nn.Sequential(conv(before, after, 1), *_normed(after, normed=norm))

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, before, H, W) at half the size, (N, after, H/2, W/2)."""
        averaged = functional.avg_pool2d(features, 2)
        total: Tensor = self.main(features) + self.direct(averaged)
        return total * math.sqrt(0.5)

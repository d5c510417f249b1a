"""Networks that redraw a picture in one pass, from coarse to fine. They know no losses, no files.

Each size has a small network of its own, which is given the picture and what the size before has
drawn, and changes that. So the coarse is settled where it costs next to nothing, and a fine size
only adds what is fine. It is the way of `artgan.redraw`, and learns in minutes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Size
from artgan.latents import derive, generator
from artgan.redraw import COARSEST, level_sizes
from artgan.toning import resize

__all__ = ["LEAST", "Block", "FastNet", "Norm", "Shape", "Stage", "bytes_a_pixel", "stage_of"]

LEAST = 16
"""Pixels that a short side has at least; smaller pictures are enlarged for the while."""

EDGE = 0.01
"""How near to black and white what is changed may be: further out, the logit has no slope."""

CENTRE, SPREAD = 0.45, 0.25
"""What is taken from unit pictures, and what they are divided by: about zero mean, unit spread."""

GRAIN = 0.25
"""Deviation of the noise that is given along: in a flat sky there is nothing else to begin with."""

FAINT = 1e-3
"""Added to variances, so that nothing is blown up where a channel is flat."""

FIRST = 0.1
"""What the last layer's weights begin as, in parts of the usual: nearly nothing is changed."""


@dataclass(frozen=True)
class Shape:
    """How large the network of each size is.

    Attributes:
        width: channels at half of the size.
        detail: channels at the size itself.
        blocks: residual blocks.
    """

    width: int = 48
    detail: int = 16
    blocks: int = 3


class Norm(nn.Module):
    """Instance norm whose scale and shift depend on the strength.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022 (instance norm); Dumoulin, Shlens
        and Kudlur 2017, arXiv:1610.07629 (scale and shift depend on a condition).
    Differs: they are linear in one number, the strength.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))
        self.scale_slope = nn.Parameter(torch.zeros(channels, 1, 1))
        self.shift_slope = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, features: Tensor, strength: Tensor) -> Tensor:
        """Return features (N, C, h, w) at a strength, (N, 1, 1, 1), in about [-2, 2]."""
        features = features.float()
        variance, mean = torch.var_mean(features, (2, 3), keepdim=True, correction=0)
        scale = (self.scale + strength * self.scale_slope) * (variance + FAINT).rsqrt()
        return features * scale + (self.shift + strength * self.shift_slope - mean * scale)


class Block(nn.Module):
    """Two convolutions whose result is added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.first_norm = _conv(channels, channels), Norm(channels)
        self.second, self.second_norm = _conv(channels, channels), Norm(channels)

    def forward(self, features: Tensor, strength: Tensor) -> Tensor:
        """Return features of the same shape."""
        inner = self.first_norm(self.first(features), strength).relu()
        changed: Tensor = features + self.second_norm(self.second(inner), strength)
        return changed


class Stage(nn.Module):
    """The network of one size: most of it works at half of the size, the end at the whole.

    Source: Johnson, Alahi and Fei-Fei 2016, arXiv:1603.08155 (feed-forward, residual blocks).
    Differs: one network a size, as in Ulyanov et al. 2016, arXiv:1603.03417; it changes a picture.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, detail, given = shape.width, shape.detail, 7  # content, what is drawn, noise
        self.begin, self.begin_norm = _conv(4 * given, width), Norm(width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(shape.blocks))
        self.narrow, self.narrow_norm = _conv(width, detail), Norm(detail)
        self.join, self.join_norm = _conv(detail + given, detail), Norm(detail)
        self.end = _conv(detail, 3)
        with torch.no_grad():
            self.end.weight.mul_(FIRST)
            self.end.bias.zero_()  # type: ignore[union-attr]

    def forward(self, content: Tensor, drawn: Tensor, noise: Tensor, strength: Tensor) -> Tensor:
        """Return what is drawn, changed, unit range, (N, 3, H, W).

        Args:
            content: the pictures, unit range, (N, 3, H, W).
            drawn: what the size before made of them, of the same shape.
            noise: normal, (N, 1, H, W).
            strength: of the style, in [0, 1], (N,).
        """
        height, width = content.shape[-2:]
        given = [(content - CENTRE) / SPREAD, (drawn - CENTRE) / SPREAD, GRAIN * noise]
        seen = torch.cat(given, 1)
        at = 4 * strength.view(-1, 1, 1, 1) - 2
        even = functional.pad(seen, (0, width % 2, 0, height % 2), "replicate")
        half = self.begin(functional.pixel_unshuffle(even, 2))
        half = self.begin_norm(half, at).relu()
        for block in self.blocks:
            half = block(half, at)
        half = self.narrow_norm(self.narrow(half), at).relu()
        # bilinear, since a pixel shuffle leaves a lattice
        whole = functional.interpolate(half, scale_factor=2, mode="bilinear")
        whole = torch.cat([whole[..., :height, :width], seen], 1)
        whole = self.join_norm(self.join(whole), at).relu()
        change = self.end(whole).float()
        return torch.sigmoid(torch.logit(drawn.clamp(EDGE, 1 - EDGE)) + change)


class FastNet(nn.Module):
    """The networks of all sizes, coarse to fine.

    Args:
        stages: how many sizes there are: long edges of about 64, 128, 256 ... px.
        shape: how large the networks are.
    """

    def __init__(self, stages: int, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.stages = nn.ModuleList(Stage(shape) for _ in range(stages))

    def facts(self) -> dict[str, int]:
        """Return what it is built with, JSON-able."""
        return {"stages": len(self.stages), **asdict(self.shape)}

    def redraw(self, content: Tensor, strength: Tensor, *, seed: int, until: int = -1) -> Tensor:
        """Return pictures redrawn, unit range, of the same shape.

        Args:
            content: in the style's colours, unit range, (N, 3, H, W), sides of at least `LEAST`.
            strength: of the style, in [0, 1], (N,).
            seed: of the noise; each size has the same for all pictures.
            until: stop before the network of this number and return what is drawn by then, at the
                size it would work on; -1 goes on to the end.
        """
        drawn: Tensor | None = None
        for size in level_sizes((content.shape[-2], content.shape[-1]), shortest=LEAST):
            small = resize(content, size)
            drawn = small if drawn is None else resize(drawn, size)
            number = stage_of(size, len(self.stages))
            if number == until:
                return drawn
            random = generator(derive(seed, "grain", *size))
            noise = torch.randn(1, 1, *size, generator=random).to(content)
            drawn = self.stages[number](
                small, drawn, noise.expand(len(content), -1, -1, -1), strength
            )
        assert drawn is not None
        return drawn


def stage_of(size: Size, stages: int) -> int:
    """Return the number of the network for a size; beyond the last one's it works again.

    >>> [stage_of((40, edge), 4) for edge in (16, 64, 127, 128, 512, 2000)]
    [0, 0, 0, 1, 3, 3]
    """
    return min(stages - 1, max(0, int(math.log2(max(size) / COARSEST))))


def bytes_a_pixel(shape: Shape) -> int:
    """Return how much memory drawing takes at most, about, for each pixel of the last size."""
    whole = 4 * (2 * (shape.detail + 7) + 2 * shape.detail + 4 * 3)
    return whole + shape.width  # half of the size: a quarter of the pixels


def _conv(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1, padding_mode="reflect")

"""What architectures share: widths, norms, deviations, doubling, scaled weights. No nets."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Size

__all__ = [
    "EqualizedConv",
    "EqualizedLinear",
    "MinibatchDeviation",
    "PixelNorm",
    "SEED_SIDE",
    "STRAY",
    "blurred",
    "doublings",
    "exact",
    "leaky",
    "minibatch_deviation",
    "pixel_norm",
    "project_and_convolve",
    "resize_and_convolve",
    "stack_channels",
    "widths",
]

SEED_SIDE = 4
"""Short side of the coarsest grid in pixels, about: from 4 up to twice as much."""

STRAY = 2.0
"""How far beyond signed range a picture may stray in evaluation mode."""

GROUP = 4
"""Consecutive pictures that are compared with each other."""


def doublings(size: Size) -> tuple[int, Size]:
    """Return how often the coarsest grid of pictures of a size is doubled, and that grid.

    Args:
        size: (height, width) in pixels; legal ones are multiples of 2^n (`artgan.config`).

    >>> doublings((64, 96)), doublings((48, 48))
    ((4, (4, 6)), (3, (6, 6)))
    """
    times = (min(size) // SEED_SIDE).bit_length() - 1
    return times, (size[0] >> times, size[1] >> times)


def leaky(features: Tensor) -> Tensor:
    """Return features through a leaky ReLU of slope 0.2, in place."""
    return functional.leaky_relu(features, 0.2, inplace=True)


def widths(sides: Sequence[int], *, width: int, full_width_to: int, fewest: int = 8) -> list[int]:
    """Return the channels of every scale.

    Args:
        sides: the short side of every scale in pixels, coarse to fine.
        width: the most channels.
        full_width_to: the longest short side with all of them; they halve with each scale beyond.
        fewest: the least channels.

    >>> widths([4, 8, 16, 32, 64, 128], width=512, full_width_to=32)
    [512, 512, 512, 512, 256, 128]
    """
    halvings = itertools.accumulate(side > full_width_to for side in sides)
    return [max(fewest, width >> times) for times in halvings]


def exact(like: Tensor) -> contextlib.AbstractContextManager[object]:
    """Return a context in which nothing is rounded for mixed precision, on a tensor's device.

    It is for few numbers that much hangs on.
    """
    if like.is_meta:  # nothing is computed there, and nothing rounded
        return contextlib.nullcontext()
    return torch.autocast(like.device.type, enabled=False)


# Norms --------------------------------------------------------------------------------------


def pixel_norm(features: Tensor) -> Tensor:
    """Return features (N, C, H, W), each pixel scaled to a mean square of 1 over C.

    >>> pixel_norm(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)).square().mean()
    tensor(1.)

    Source: Karras et al. 2018, arXiv:1710.10196 §4.2.
    """
    length = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    scale: Tensor = (length.square() / features.shape[1] + 1e-8).rsqrt()
    return features * scale.to(features.dtype)


class PixelNorm(nn.Module):
    """Scales each pixel's features to a mean square of 1."""

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, C, H, W), normalised over C."""
        return pixel_norm(features)


def minibatch_deviation(features: Tensor) -> Tensor:
    """Return how much each picture's group differs within itself, (N,).

    It is the mean over pixels and channels of the standard deviation in a group of four
    consecutive pictures; the last group may be smaller.

    Args:
        features: (N, C, H, W).

    Source: Karras et al. 2018, arXiv:1710.10196 §3.
    Differs: groups instead of the whole batch, so that its size matters little.
    """
    flat = features.permute(0, 2, 3, 1).flatten(1)  # (N, H*W*C), a view where channels are last
    whole = flat.shape[0] // GROUP * GROUP
    parts = (flat,) if whole in (0, flat.shape[0]) else (flat[:whole], flat[whole:])
    deviations = []
    for part in parts:
        members = min(GROUP, part.shape[0])
        # a product with a small matrix takes the mean away quicker than subtracting it
        centre = torch.eye(members, dtype=part.dtype, device=part.device) - 1 / members
        centred = centre @ part.view(-1, members, part.shape[1])
        each = (centred.square().mean(1) + 1e-8).sqrt().mean(1)  # one a group
        deviations.append(each.repeat_interleave(members))
    return torch.cat(deviations)


def stack_channels(features: Tensor, *others: Tensor) -> Tensor:
    """Return features and others side by side, channels last in memory, in the features' dtype.

    Args:
        features: (N, C, H, W).
        others: further channels, each (N, c, H, W), or (N,) for one with a constant a picture.
    """
    parts = [features]
    for other in others:
        if other.ndim == 1:
            other = other.view(-1, 1, 1, 1).expand(-1, 1, *features.shape[-2:])
        parts.append(other.to(features.dtype))
    # layouts that differ would make the result, and all that follows, channels first
    return torch.cat([part.contiguous(memory_format=torch.channels_last) for part in parts], 1)


class MinibatchDeviation(nn.Module):
    """Adds one channel that says how much a picture differs from its neighbours in the batch.

    See `minibatch_deviation`.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, C, H, W) with a channel more, (N, C + 1, H, W)."""
        return stack_channels(features, minibatch_deviation(features))


# Doubling -----------------------------------------------------------------------------------

_TAPS = {
    "nearest": torch.tensor(
        [
            [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]],
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
of before, tap). The two phases are those of one pixel for "bilinear"; for "nearest" the last of one
pixel and the first of the next, since these see no other pixels."""


@functools.cache
@torch.inference_mode(False)  # what is first asked for while drawing is learnt with later
def _taps(mode: str, dtype: torch.dtype, device: torch.device) -> Tensor:
    return _TAPS[mode].to(device, dtype)


def resize_and_convolve(
    features: Tensor, weight: Tensor, bias: Tensor | None, *, mode: str
) -> Tensor:
    """Return features that are doubled and then convolved, computed before doubling.

    Each of the four phases of the output is a convolution at the lower size, because several taps
    of the kernel fall on one pixel of before: with four taps a pixel instead of nine for
    "nearest", and at least without the larger copy for "bilinear". The result is the same, but
    that with "bilinear" the outermost row and column see the edge repeated, not zeros.

    Args:
        features: (N, C, H, W).
        weight: (D, C, 3, 3).
        bias: (D,) or None.
        mode: "nearest" or "bilinear".

    Returns:
        (N, D, 2H, 2W).

    Source: Shi et al. 2016, arXiv:1609.07009, where sub-pixel convolution is explained so.
    """
    taps = _taps(mode, weight.dtype, weight.device)
    if mode == "nearest":
        return _convolve_between(features, weight, bias, taps)
    kernels = torch.einsum("aui,bvj,dcij->dabcuv", taps, taps, weight).flatten(0, 2)
    out = functional.conv2d(functional.pad(features, (1, 1, 1, 1), mode="replicate"), kernels)
    doubled = functional.pixel_shuffle(out, 2)
    return doubled if bias is None else doubled + bias.view(1, -1, 1, 1)


def _convolve_between(
    features: Tensor, weight: Tensor, bias: Tensor | None, taps: Tensor
) -> Tensor:
    """Return `resize_and_convolve` of mode "nearest": a 2x2 kernel at each corner of the pixels."""
    kernels = torch.einsum("aui,bvj,dcij->abduvc", taps, taps, weight)
    kernels = kernels.flatten(0, 2).permute(0, 3, 1, 2)  # (4D, C, 2, 2)
    biases = None if bias is None else bias.repeat(4)
    out = functional.conv2d(features, kernels, biases, padding=1)  # (N, 4D, H+1, W+1)
    cells = out.permute(0, 2, 3, 1).unflatten(3, (2, 2, -1))  # (N, H+1, W+1, row, column, D)
    doubled: Tensor = cells.transpose(2, 3).flatten(3, 4).flatten(1, 2)  # (N, 2H+2, 2W+2, D)
    return doubled.permute(0, 3, 1, 2)[..., 1:-1, 1:-1]


# Blur ---------------------------------------------------------------------------------------


@functools.cache
@torch.inference_mode(False)
def _binomial(dtype: torch.dtype, device: torch.device) -> Tensor:
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=dtype, device=device) / 8
    return torch.outer(taps, taps)[None, None]


def blurred(features: Tensor, *, pad: int, stride: int = 1, gain: float = 1.0) -> Tensor:
    """Return features (N, C, H, W) blurred by the taps 1, 3, 3, 1 in both directions.

    Args:
        features: (N, C, H, W).
        pad: zeros around them, in pixels.
        stride: 2 keeps every other pixel of every other row.
        gain: what constant features are multiplied with, away from the border.

    Returns:
        (N, C, (H + 2 pad - 4) // stride + 1, likewise of W).

    Source: Zhang 2019, arXiv:1904.11486; the taps are those of Karras et al. 2020,
        arXiv:1912.04958.
    """
    count = features.shape[1]
    kernel = _binomial(features.dtype, features.device) * gain
    return functional.conv2d(
        features, kernel.expand(count, 1, 4, 4), stride=stride, padding=pad, groups=count
    )


# Equalised weights --------------------------------------------------------------------------


class EqualizedConv(nn.Module):
    """A convolution of side x side pixels with zeros around, its weights scaled when used.

    They are drawn from N(0, 1) and multiplied by He's constant, gain / sqrt(fan in), so that with
    Adam all layers learn at the same relative rate.

    Args:
        before, after: channels.
        side: odd; 1 is a linear map of each pixel.
        gain: sqrt 2 before a leaky ReLU, 1 where nothing follows.

    Source: Karras et al. 2018, arXiv:1710.10196 §4.1; He et al. 2015, arXiv:1502.01852 §2.2.
    """

    def __init__(self, before: int, after: int, side: int, *, gain: float = math.sqrt(2)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, side, side))
        self.bias = nn.Parameter(torch.zeros(after))
        self.scale = gain / math.sqrt(before * side * side)

    def scaled(self) -> Tensor:
        """Return the weights as they are used, (after, before, side, side)."""
        return self.weight * self.scale

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, before, H, W) convolved, (N, after, H, W)."""
        padding = self.weight.shape[-1] // 2
        return functional.conv2d(features, self.scaled(), self.bias, padding=padding)


class EqualizedLinear(nn.Module):
    """A linear layer, its weights scaled when used; see `EqualizedConv`.

    Args:
        before, after: features.
        gain: as there.
        rate: how quickly it learns, as a multiple of the learning rate: weights are kept so many
            times smaller or larger than they are used, and biases too.
    """

    def __init__(
        self, before: int, after: int, *, gain: float = math.sqrt(2), rate: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) / rate)
        self.bias = nn.Parameter(torch.zeros(after))
        self.scale = gain * rate / math.sqrt(before)
        self.rate = rate

    def scaled(self) -> Tensor:
        """Return the weights as they are used, (after, before)."""
        return self.weight * self.scale

    def forward(self, features: Tensor) -> Tensor:
        """Return features (N, before) mapped, (N, after)."""
        bias = self.bias if self.rate == 1.0 else self.bias * self.rate
        return functional.linear(features, self.scaled(), bias)


def project_and_convolve(
    pictures: Tensor, project: EqualizedConv, conv: EqualizedConv, *, deviation: bool
) -> Tensor:
    """Return pictures mapped linearly and convolved, with the kernels multiplied beforehand.

    The convolution then meets the few channels of a picture instead of many. The result is the
    same: a channel of ones carries the map's bias, which has to end at the border.

    Args:
        pictures: (N, C, H, W).
        project: a map of each pixel, C to P channels, with nothing after it.
        conv: takes P channels; with deviation one more, the mapped pictures' minibatch deviation.
        deviation: whether it does.

    Returns:
        (N, D, H, W), before any activation.
    """
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    inner = torch.cat([project.scaled().flatten(1), project.bias.unsqueeze(1)], 1)  # (P, C + 1)
    outer = conv.scaled()
    kernels = torch.einsum("dpij,pc->dcij", outer[:, : inner.shape[0]], inner)
    constants = [pictures.new_ones(pictures.shape[0])]
    if deviation:
        kernels = torch.cat([kernels, outer[:, -1:]], 1)
        constants.append(minibatch_deviation(project(pictures)))
    inputs = stack_channels(pictures, *constants)
    return functional.conv2d(inputs, kernels, conv.bias, padding=1)

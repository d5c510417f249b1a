"""How like its style a redrawn picture is, how like its own picture, how noisy, how much a copy.

Pure functions of pictures, and none of them knows a network; `artgan.judge` brings them together.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from artgan.api import Size
from artgan.latents import generator
from artgan.toning import resize, size_within

__all__ = [
    "JUDGED",
    "SMALLEST",
    "Target",
    "at_edge",
    "copied",
    "edge_correlation",
    "fine_energy",
    "judged_size",
    "patch_quantiles",
    "patch_swd",
    "scores",
]

JUDGED = 384
"""Long edge in pixels that all pictures are brought to before they are judged."""

SIDE = 7
"""Pixels on a side of a patch."""

FILTERS, OCTAVES, QUANTILES = 256, 4, 512
"""Of `patch_swd`: directions that patches are seen along, sizes, places of each distribution."""

SMALLEST = SIDE << (OCTAVES - 1)
"""Pixels that no side is shorter than where a picture is judged: narrower ones are widened."""

_SEED = 7  # of the filters
_LUMA = (0.299, 0.587, 0.114)  # Rec. 601
_AVERAGED = 4  # pixels on a side that edges are seen through
_TINY = 1e-9  # so that flat pictures can be divided by

# Of the detector of copies, in pixels: long edge, side and distance of patches, how far away from
# its best one a patch is elsewhere. Then how much better the best one has to be, how many neighbors
# have to agree, and the deviation, unit range, below which a patch is plain.
_COPY_EDGE, _PATCH, _STEP, _NEAR = 128, 11, 4, 2
_RATIO, _AGREEING, _PLAIN = 0.9, 2, 0.02


# Sizes --------------------------------------------------------------------------------------


def judged_size(size: Size, edge: int = JUDGED) -> Size:
    """Return the size (height, width) that a picture is judged at.

    >>> judged_size((640, 1024)), judged_size((32, 32)), judged_size((10, 1000))
    ((240, 384), (384, 384), (56, 384))
    """
    height, width = size_within(size, edge, enlarge=True)
    return max(SMALLEST, height), max(SMALLEST, width)


def at_edge(image: Tensor, edge: int = JUDGED) -> Tensor:
    """Return a picture at the size that it is judged at.

    Args:
        image: unit range, (1, 3, H, W).
        edge: long edge in pixels.
    """
    return resize(image, judged_size((image.shape[-2], image.shape[-1]), edge))


# Style --------------------------------------------------------------------------------------


@torch.no_grad()
def patch_quantiles(image: Tensor) -> Tensor:
    """Return how patches of a picture are distributed, (octaves, filters, quantiles).

    Args:
        image: unit range, (1, 3, H, W), both sides at least `SMALLEST`.
    """
    filters = torch.randn(FILTERS, 3 * SIDE * SIDE, generator=generator(_SEED))
    filters = functional.normalize(filters, dim=1).view(FILTERS, 3, SIDE, SIDE)
    found = []
    for octave in range(OCTAVES):
        image = functional.avg_pool2d(image, 2) if octave else image
        values = functional.conv2d(image - 0.5, filters)[0].flatten(1)
        ordered = torch.from_numpy(np.sort(values.numpy(), axis=1))  # several times torch's speed
        places = torch.linspace(0, ordered.shape[1] - 1, QUANTILES).round().long()
        found.append(ordered[:, places])
    return torch.stack(found)


def patch_swd(one: Tensor, other: Tensor) -> float:
    """Return how different the patches of two pictures are: 0 for none at all.

    It is the sliced Wasserstein distance of 7x7 patches in RGB: 256 fixed unit filters, 4 octaves,
    512 quantiles, mean absolute difference.

    Args:
        one, other: `patch_quantiles` of pictures.

    Source: Rabin et al. 2011, Wasserstein barycenter and its application to texture mixing;
        Elnekave and Weiss 2022, arXiv:2203.11862 (of raw patches).
    Differs: filters are the same each time, and quantiles are compared, so that sizes may differ.
    """
    return float((one - other).abs().mean())


# Content ------------------------------------------------------------------------------------


def edge_correlation(one: Tensor, other: Tensor) -> float:
    """Return how far two pictures have their edges in the same places, in [-1, 1].

    It is the correlation of the gradient magnitude of luminance averaged over 4x4 pixels; where
    one of them has no edges at all it is 1 if neither has, else 0.

    Args:
        one, other: unit range, (1, 3, H, W), of one size.
    """
    both = torch.stack([_slopes(one), _slopes(other)]).double()
    centred = both - both.mean(1, keepdim=True)
    lengths = centred.norm(dim=1)
    if float(lengths.min()) < 1e-6:
        return float(lengths.max() < 1e-6)
    return min(1.0, float((centred[0] @ centred[1]) / (lengths[0] * lengths[1])))


def _slopes(image: Tensor) -> Tensor:
    weights = torch.tensor(_LUMA).view(1, 3, 1, 1)
    small = functional.avg_pool2d((image * weights).sum(1, keepdim=True), _AVERAGED)
    right = small[..., :-1, 1:] - small[..., :-1, :-1]
    down = small[..., 1:, :-1] - small[..., :-1, :-1]
    return (right.square() + down.square()).sqrt().flatten()


# Noise --------------------------------------------------------------------------------------


def fine_energy(image: Tensor) -> float:
    """Return the energy of the finest detail: the mean square of a picture minus its 3x3 mean.

    Args:
        image: unit range, (1, 3, H, W).
    """
    around = functional.avg_pool2d(functional.pad(image, (1, 1, 1, 1), "replicate"), 3, 1)
    return float((image - around).square().mean())


# Copies -------------------------------------------------------------------------------------


def copied(image: Tensor, style: Tensor) -> float:
    """Return which share of a picture is there in the style too, piece by piece, in [0, 1].

    At a long edge of 128 px, patches of 11x11 px, 4 px apart, look for the one in the style that is
    most like them, each channel without its mean. A patch is a copy if two of its four neighbors
    find theirs where they would be in a copy, give or take 1 px, and if no patch elsewhere in the
    style is nearly as like: of a pattern that repeats, nobody can tell. Patches without any detail
    are not counted.

    Args:
        image, style: unit range, (1, 3, H, W), at the size that they are judged at.

    Source: Lowe 2004, Distinctive image features from scale-invariant keypoints, §7.1 (a match
        counts if the next best is worse by far); Ashikhmin 2001, Synthesizing natural textures,
        §3 (neighbors of a copy come from neighboring places).
    Differs: it is squared distances that are compared, and .9 is .95 of a distance.
    """
    ours, (height, width) = _patches(_small(image), _STEP)
    theirs, (rows, columns) = _patches(_small(style), 1)
    counted = (ours.square().sum(1) > 0).view(height, width)
    alike = ours @ theirs.T
    best, found = alike.max(1)
    y, x = found // columns, found % columns
    there = alike.view(-1, rows, columns)
    around = (torch.arange(rows) - y[:, None]).abs()[:, :, None] <= _NEAR
    around = around & ((torch.arange(columns) - x[:, None]).abs()[:, None] <= _NEAR)
    second = there.masked_fill_(around, -1.0).flatten(1).amax(1)
    sure = (1 - best < _RATIO * (1 - second)).view(height, width) & counted
    down = y.view(height, width) - _STEP * torch.arange(height)[:, None]
    right = x.view(height, width) - _STEP * torch.arange(width)
    agreeing = _agreeing(torch.stack([down, right]), counted)
    copies = (agreeing >= _AGREEING) & sure
    return float(copies.sum() / counted.sum().clamp_min(1))


def _small(image: Tensor) -> Tensor:
    size, least = size_within((image.shape[-2], image.shape[-1]), _COPY_EDGE), _PATCH + _STEP
    return resize(image, (max(least, size[0]), max(least, size[1])))


def _patches(image: Tensor, step: int) -> tuple[Tensor, Size]:
    """Return patches of unit length, (n, d), those without detail as zeros, and how they lie."""
    windows = image[0].unfold(1, _PATCH, step).unfold(2, _PATCH, step)  # (3, h, w, side, side)
    height, width = windows.shape[1:3]
    patches = windows.permute(1, 2, 0, 3, 4).reshape(height * width, 3, _PATCH * _PATCH)
    patches = (patches - patches.mean(2, keepdim=True)).flatten(1)
    lengths = patches.norm(dim=1, keepdim=True)
    plain = lengths < _PLAIN * patches.shape[1] ** 0.5
    return torch.where(plain, 0.0, patches / lengths.clamp_min(1e-12)), (height, width)


def _agreeing(offsets: Tensor, counted: Tensor) -> Tensor:
    """Return how many of the four neighbors of each place have about the same offset, (h, w).

    Args:
        offsets: (2, h, w), in pixels.
        counted: which places take part, (h, w).
    """
    found = torch.zeros_like(counted, dtype=torch.int64)
    for axis in (0, 1):
        count = counted.shape[axis]
        first, second = (slice(None),) * axis, (slice(None),) * axis
        first, second = (*first, slice(0, count - 1)), (*second, slice(1, count))
        apart = (offsets[(slice(None), *first)] - offsets[(slice(None), *second)]).abs().amax(0)
        same = (apart <= 1) & counted[first] & counted[second]
        found[first] += same
        found[second] += same
    return found


# All of them --------------------------------------------------------------------------------


class Target:
    """A style that pictures are compared with; what is known of it is computed once.

    Args:
        style: unit range, (1, 3, H, W).
    """

    def __init__(self, style: Tensor) -> None:
        self.image = at_edge(style)

    @cached_property
    def quantiles(self) -> Tensor:
        """Return its `patch_quantiles`."""
        return patch_quantiles(self.image)

    @cached_property
    def energy(self) -> float:
        """Return its `fine_energy`."""
        return fine_energy(self.image)


def scores(drawn: Tensor, content: Tensor, target: Target) -> dict[str, float]:
    """Return style, edges and fine of a redrawn picture.

    Style is its `patch_swd` to the style in parts of the content's own, edges its
    `edge_correlation` with the content, fine its `fine_energy` in parts of the style's.

    Args:
        drawn, content: unit range, (1, 3, H, W), of any sizes; one is brought to the other's.
        target: the style.
    """
    content = at_edge(content)
    drawn = resize(drawn, (content.shape[-2], content.shape[-1]))
    own = patch_swd(patch_quantiles(content), target.quantiles)
    return {
        "style": patch_swd(patch_quantiles(drawn), target.quantiles) / max(own, _TINY),
        "edges": edge_correlation(drawn, content),
        "fine": fine_energy(drawn) / max(target.energy, _TINY),
    }

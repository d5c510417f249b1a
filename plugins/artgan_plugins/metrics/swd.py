"""Sliced Wasserstein distance: of patches at each scale of a Laplacian pyramid, and of colours."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional

from artgan.api import Measure, Size, View
from artgan.latents import derive, generator
from artgan_plugins.metrics.options import SwdOptions

__all__ = [
    "MOST",
    "PATCH",
    "build",
    "colour_distance",
    "normalised",
    "per_picture",
    "pyramid_distances",
    "reduce",
    "sliced_wasserstein",
    "stretch",
    "unit_directions",
]

PATCH = 7
"""Side of a patch in pixels."""

COARSEST = 16
"""A level is made as long as its short side has at least so many pixels."""

COLOUR_DIRECTIONS = 64

MOST = 1 << 21
"""Descriptors that a set has at most, for want of memory: 1.2 GB of 7x7 patches in colour."""

_FLAT = 1e-5  # a channel that varies less than this is not blown up by the normalisation
_CHUNK = 1 << 19  # numbers of the pictures whose pyramid is made at once
_PROJECTIONS = 1 << 22  # numbers sorted at once


def _halved(pictures: Tensor) -> Tensor:
    """Return every second row of pictures low-passed by (1, 4, 6, 4, 1) / 16, borders mirrored."""
    rows = pictures.shape[-2]
    places = torch.arange(-2, rows + 2).abs()
    places = torch.where(places < rows, places, 2 * (rows - 1) - places).to(pictures.device)
    padded = pictures.index_select(-2, places)
    taps = [padded[..., i : i + rows : 2, :] for i in range(5)]
    return (taps[0] + taps[4] + 4 * (taps[1] + taps[3]) + 6 * taps[2]) / 16


def _doubled(pictures: Tensor, rows: int) -> Tensor:
    """Return pictures of `_halved` with their rows again, zeros between them low-passed, times 2.

    What falls on a row that is there is weighted (1, 6, 1) / 8, between two of them (4, 4) / 8.
    """
    last = len(range(0, rows, 2)) - 1
    above = torch.arange(-1, last).abs().to(pictures.device)
    below = torch.arange(1, last + 2).to(pictures.device)
    below[-1] = last if rows % 2 == 0 else last - 1  # mirrored at the last row, there or between
    under = pictures.index_select(-2, below)
    there = (pictures.index_select(-2, above) + 6 * pictures + under) / 8
    between = (pictures + under) / 2
    return torch.stack([there, between], -2).flatten(-3, -2)[..., :rows, :]


def reduce(pictures: Tensor) -> Tensor:
    """Return pictures (N, C, H, W) low-passed, every second pixel: (N, C, ceil(H/2), ceil(W/2)).

    The low-pass is the 5x5 binomial one.
    """
    return _halved(_halved(pictures).mT).mT


def stretch(pictures: Tensor, size: Size) -> Tensor:
    """Return pictures of `reduce` at the (H, W) they had: zeros between pixels, low-passed."""
    return _doubled(_doubled(pictures, size[0]).mT, size[1]).mT


def _take_patches(band: Tensor, rows: Tensor, columns: Tensor, side: int) -> Tensor:
    """Return the patches (n, C, per, side^2) of pictures at upper left corners (n, per)."""
    count, channels, _, width = band.shape
    steps = torch.arange(side, device=band.device)
    places = (rows[..., None, None] + steps[:, None]) * width + columns[..., None, None] + steps
    places = places.view(count, 1, -1).expand(-1, channels, -1)
    return band.flatten(2).gather(2, places).view(count, channels, -1, side * side)


def _descriptors(
    pictures: Tensor, per: int, random: Generator, *, coarsest: bool
) -> tuple[Tensor, Tensor | None]:
    """Return the patches of a level and the pictures of the next coarser one.

    Args:
        pictures: low-passed so far, (N, C, H, W).
        per: patches a picture.
        random: where from is drawn.
        coarsest: whether the level is the low-pass itself.

    Returns:
        (N * per, C, patch side^2); (N, C, H/2, W/2), or None after the coarsest.
    """
    count, channels, height, width = pictures.shape
    side = min(PATCH, height, width)
    rows = torch.randint(0, height - side + 1, (count, per), generator=random)
    columns = torch.randint(0, width - side + 1, (count, per), generator=random)
    rows, columns = rows.to(pictures.device), columns.to(pictures.device)
    patches, lows = [], []
    chunk = max(1, _CHUNK // pictures[0].numel())
    for start in range(0, count, chunk):
        part = slice(start, start + chunk)
        band = pictures[part]
        if not coarsest:
            low = reduce(band)
            band = band - stretch(low, (height, width))
            lows.append(low)
        patches.append(_take_patches(band, rows[part], columns[part], side))
    found = torch.cat(patches).transpose(1, 2).reshape(count * per, channels, side * side)
    return found, (torch.cat(lows) if lows else None)


def normalised(patches: Tensor) -> Tensor:
    """Return patches (N, C, d) as descriptors (N, C * d), each channel of the set at mean 0, std 1.

    A channel without variation, as of a level of plain pictures, becomes 0 and not noise.
    """
    patches = patches - patches.mean((0, 2), keepdim=True)
    count = patches.shape[0] * patches.shape[2]
    variance = patches.square().sum((0, 2), keepdim=True) / max(1, count - 1)
    return (patches / variance.sqrt().clamp_min(_FLAT)).flatten(1)


def unit_directions(count: int, length: int, random: Generator) -> Tensor:
    """Return random unit vectors, (count, length)."""
    return functional.normalize(torch.randn(count, length, generator=random), dim=1)


def sliced_wasserstein(a: Tensor, b: Tensor, directions: Tensor) -> float:
    """Return the mean distance of two equally large sets along directions.

    Along a direction it is the 1-D Wasserstein distance, the mean |a(i) - b(i)| of sorted
    projections.

    Args:
        a, b: (N, d).
        directions: unit vectors, (K, d).

    >>> sliced_wasserstein(torch.zeros(2, 1), torch.tensor([[1.0], [3.0]]), torch.ones(1, 1))
    2.0
    """
    chunk = max(1, _PROJECTIONS // len(a))
    total = 0.0
    for part in directions.to(a.device).split(chunk):
        total += float((_sorted(a, part) - _sorted(b, part)).abs_().mean(1).sum())
    return total / len(directions)


def _sorted(points: Tensor, directions: Tensor) -> Tensor:
    """Return the projections on each direction, sorted, (K, N).

    On the CPU NumPy sorts, which is ten times as quick as PyTorch.
    """
    projections = directions @ points.T
    if projections.device.type != "cpu":
        return projections.sort(1)[0]
    with ThreadPoolExecutor(max(1, torch.get_num_threads())) as pool:
        blocks = np.array_split(projections.numpy(), torch.get_num_threads())
        list(pool.map(functools.partial(np.ndarray.sort, axis=1), blocks))
    return projections


def _levels(pictures: Tensor) -> Iterator[bool]:
    """Yield for each level, the finest first, whether it is the coarsest."""
    short = min(pictures.shape[-2:])
    while short // 2 >= COARSEST:
        yield False
        short //= 2
    yield True


def per_picture(wanted: int, count: int) -> int:
    """Return how many patches each of some pictures gives, so that there are no more than `MOST`.

    >>> per_picture(64, 1024), per_picture(64, 100_000), per_picture(100_000, 1024)
    (64, 20, 2048)
    """
    return max(1, min(wanted, MOST // max(1, count)))


def pyramid_distances(
    reals: Tensor, fakes: Tensor, *, patches: int = 64, directions: int = 512, seed: int = 0
) -> dict[int, float]:
    """Return the sliced Wasserstein distance of patches at each level, by its short side in pixels.

    The levels are those of a Laplacian pyramid, each half as large as the one before, down to a
    short side of 16; the last is the low-pass rest. Coarse ones see layout, fine ones texture.

    Args:
        reals, fakes: equally many, (N, C, H, W).
        patches: 7x7 patches taken from each picture and level; see `per_picture`.
        directions: unit vectors they are compared along.
        seed: of the patches and directions.

    Source: Karras et al. 2018, arXiv:1710.10196 §5.
    """
    distances: dict[int, float] = {}
    sets: list[Tensor] = [reals, fakes]
    for level, coarsest in enumerate(_levels(reals)):
        short = min(sets[0].shape[-2:])
        found, lows = [], []
        for which, pictures in enumerate(sets):
            random = generator(derive(seed, "patches", level, which))
            descriptors, low = _descriptors(pictures, patches, random, coarsest=coarsest)
            found.append(normalised(descriptors))
            lows.append(low)
        random = generator(derive(seed, "directions", level))
        slices = unit_directions(directions, found[0].shape[1], random)
        distances[short] = sliced_wasserstein(found[0], found[1], slices)
        sets = [low for low in lows if low is not None]
    return distances


def colour_distance(
    reals: Tensor, fakes: Tensor, *, pixels: int = 64, directions: int = 512, seed: int = 0
) -> float:
    """Return the sliced Wasserstein distance of the colours of pixels, in unit range.

    It sees shifts of colour and contrast, which the normalisation of each set of patches hides.

    Args:
        reals, fakes: equally many, (N, C, H, W).
        pixels: taken from each picture.
        directions: at most so many unit vectors; 64 are enough, and for grey there is one.
        seed: of the pixels and directions.
    """
    channels = reals.shape[1]
    found = []
    for which, pictures in enumerate((reals, fakes)):
        random = generator(derive(seed, "pixels", which))
        flat = pictures.flatten(2)
        places = torch.randint(0, flat.shape[2], (len(flat), 1, pixels), generator=random)
        taken = flat.gather(2, places.to(flat.device).expand(-1, channels, -1))
        found.append(taken.transpose(1, 2).reshape(-1, channels))
    random = generator(derive(seed, "colour directions"))
    slices = unit_directions(min(directions, COLOUR_DIRECTIONS), channels, random)
    return sliced_wasserstein(found[0], found[1], slices[:1] if channels == 1 else slices)


def build(options: SwdOptions) -> Measure:
    """Return the metric: `swd-32`, `swd-16` ... by level, `swd` their mean, `colour`; all x 10^3.

    The larger of the two sets is cut to the size of the other.
    Differs: 64 patches a picture instead of 128, fewer where a set would have more than 2^21, and
        as many pixels; pictures by the thousand; `colour` is added.
    """

    def measure(view: View) -> dict[str, float]:
        count = min(len(view.reals), len(view.fakes))
        reals, fakes = view.reals[:count], view.fakes[:count]
        patches = per_picture(options.patches, count)
        levels = pyramid_distances(
            reals,
            fakes,
            patches=patches,
            directions=options.directions,
            seed=view.seed,
        )
        colour = colour_distance(
            reals, fakes, pixels=patches, directions=options.directions, seed=view.seed
        )
        return {
            "swd": 1e3 * sum(levels.values()) / len(levels),
            **{f"swd-{short}": 1e3 * distance for short, distance in levels.items()},
            "colour": 1e3 * colour,
        }

    return measure

"""The nearest pictures among many: small, mirrored, and a little shifted. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["HALF_STEP", "SIDE", "Neighbours", "alone", "nearest", "neighbours", "shifted", "shrink"]

SIDE = 32
"""The longest short side, in pixels, of the pictures that are compared."""

HALF_STEP = 0.5 / 255
"""Pictures no further apart than this (RMS, unit range) are the same one: half an 8-bit step."""

_QUERIES = 256  # pictures compared with a whole crowd at once
_FEW = 32  # pictures compared with some of it at once, each moved about


@dataclass(frozen=True)
class Neighbours:
    """The pictures that are closest to a crowd, the closest first, and who is next to them.

    Attributes:
        pictures: which pictures, (count,).
        reals: the nearest of the crowd to each, nearest first, (count, k).
        closeness: distance to the nearest over that one's own distance to the others, (count,);
            below 1 it is closer than another real is.
    """

    pictures: Tensor
    reals: Tensor
    closeness: Tensor


def shrink(pictures: Tensor, side: int = SIDE, *, like: Tensor | None = None) -> Tensor:
    """Return pictures (N, C, H, W) averaged over areas to a short side of at most `side` pixels.

    Args:
        pictures: unit range.
        side: pixels; smaller pictures stay as they are.
        like: pictures that were averaged down before, to whose size these are brought first.

    >>> import torch
    >>> shrink(torch.ones(1, 3, 64, 96)).shape
    torch.Size([1, 3, 32, 48])
    """
    from torch.nn import functional

    if like is not None and like.shape[-2:] != pictures.shape[-2:]:
        pictures = functional.adaptive_avg_pool2d(pictures, (like.shape[-2], like.shape[-1]))
    height, width = pictures.shape[-2:]
    short = min(height, width)
    if short <= side:
        return pictures
    size = (round(height * side / short), round(width * side / short))
    return functional.adaptive_avg_pool2d(pictures, size)


def nearest(
    pictures: Tensor, crowd: Tensor, k: int, *, apart: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return the distances to the k nearest of a crowd, plain or mirrored, and which they are.

    Args:
        pictures: unit range, (n, C, H, W), small.
        crowd: the same size, (N, C, H, W).
        k: how many; fewer where the crowd is smaller.
        apart: those closer than this are passed over; `HALF_STEP` leaves out a picture of the
            crowd itself and all that are the same.

    Returns:
        RMS distances in unit range, ascending, (n, k), infinite where there are no more; numbers
        in the crowd, (n, k).

    With x = (s, a) split into what is the same in its mirror image and what changes sign there,
    the smaller of the two squared distances is |x|^2 + |y|^2 - 2 (s_x·s_y + |a_x·a_y|).
    """
    import torch

    same, turned = _folded(crowd)
    centre = same.mean(0)  # far from the origin, small distances would drown in rounding
    same = same - centre
    lengths = same.square().sum(1) + turned.square().sum(1)
    numel = crowd[0].numel()
    distances, numbers = [], []
    for part in pictures.split(_QUERIES):
        own_same, own_turned = _folded(part)
        own_same = own_same - centre
        product = own_same @ same.T
        product += (own_turned @ turned.T).abs_()
        own = own_same.square().sum(1) + own_turned.square().sum(1)
        square = (lengths - 2 * product).add_(own[:, None]).clamp_min_(0).div_(numel)
        square.masked_fill_(square < apart**2, torch.inf)
        square, found = square.topk(min(k, len(crowd)), largest=False)
        distances.append(square.sqrt())
        numbers.append(found)
    return torch.cat(distances), torch.cat(numbers)


def _folded(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return what of pictures is the same in their mirror images and what changes sign there.

    Both are rows of numbers; together they have the length of the picture.
    """
    import torch

    width = pictures.shape[-1]
    half = width // 2
    left, right = pictures[..., :half], pictures[..., width - half :].flip(-1)
    middle = pictures[..., half : width - half].flatten(1)
    same = ((left + right) / 2**0.5).flatten(1)
    return torch.cat([same, middle], 1), ((left - right) / 2**0.5).flatten(1)


def shifted(pictures: Tensor, crowd: Tensor, numbers: Tensor, steps: int = 1) -> Tensor:
    """Return the distances to some of a crowd where a picture may be moved to be closer, (n, k).

    Args:
        pictures: unit range, (n, C, H, W), small.
        crowd: the same size, (N, C, H, W).
        numbers: which of the crowd to compare each with, (n, k).
        steps: pixels to move by at most along either axis; all but this margin is compared, plain
            and mirrored.
    """
    import torch

    height, width = (side - 2 * steps for side in pictures.shape[-2:])
    inner = crowd[..., steps : steps + height, steps : steps + width].flatten(1)
    centre = inner.mean(0)
    inner = inner - centre
    lengths = torch.linalg.vecdot(inner, inner)
    moves = [(y, x) for y in range(2 * steps + 1) for x in range(2 * steps + 1)]
    distances = []
    for part, found in zip(pictures.split(_FEW), numbers.split(_FEW), strict=True):
        moved = [
            version[..., y : y + height, x : x + width].flatten(1) - centre
            for version in (part, part.flip(-1))
            for y, x in moves
        ]
        versions = torch.stack(moved, 1)  # (n, versions, d)
        product = inner[found] @ versions.transpose(1, 2)  # (n, k, versions)
        square = torch.linalg.vecdot(versions, versions)[:, None, :] - 2 * product
        closest = square.amin(2) + lengths[found]
        distances.append(closest.clamp_min_(0).div_(inner.shape[1]).sqrt())
    return torch.cat(distances)


def alone(crowd: Tensor, numbers: Tensor) -> Tensor:
    """Return how far some pictures of a crowd are from the nearest different one, (n,).

    Pictures that are the same, plain or mirrored, are not different; where there is no different
    one at all it is `HALF_STEP`.

    Args:
        crowd: unit range, (N, C, H, W), small.
        numbers: which of them, (n,).
    """
    import torch

    distances, _ = nearest(crowd[numbers], crowd, 1, apart=HALF_STEP)
    return torch.where(distances.isfinite(), distances, HALF_STEP)[:, 0]


def neighbours(pictures: Tensor, crowd: Tensor, count: int, k: int) -> Neighbours:
    """Return the pictures that are suspiciously close to a crowd, and their k nearest in it.

    Args:
        pictures: unit range, (n, C, H, W), of any size.
        crowd: (N, C, h, w), the same size or averaged to a smaller one.
        count: how many pictures; fewer where there are not so many.
        k: how many of the crowd for each; fewer where the crowd is smaller.
    """
    import torch

    small, crowd = shrink(pictures, like=crowd), shrink(crowd)
    distances, numbers = nearest(small, crowd, k)
    own, places = torch.unique(numbers[:, 0], return_inverse=True)
    closeness = distances[:, 0] / alone(crowd, own)[places]
    order = closeness.argsort(dim=0, stable=True)[:count]
    return Neighbours(order, numbers[order], closeness[order])

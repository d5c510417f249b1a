"""Colours of one picture given to another, and sizes: what is done to pictures before any loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from artgan.api import Size

__all__ = [
    "Colours",
    "colours_of",
    "keep_colours",
    "match_colours",
    "mean_colours",
    "resize",
    "size_within",
]

RIDGE = 1e-5
"""Added to the variances of colours, unit range squared: a flat picture has some too."""

# Rec. 601 luma and its two differences, as JPEG has them: luma alone carries what is drawn.
_YCC = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)

Colours = tuple[Tensor, Tensor]
"""The mean (3,) and covariance (3, 3) of the colours of a picture, float64."""


def colours_of(image: Tensor, mask: Tensor | None = None) -> Colours:
    """Return the mean and covariance of the colours of a picture.

    Args:
        image: unit range, (1, 3, H, W).
        mask: how much each pixel counts, (1, 1, H, W).
    """
    flat = image[0].flatten(1).double()  # (3, H*W)
    weights = torch.ones_like(flat[:1]) if mask is None else mask[0].flatten(1).double()
    total = weights.sum().clamp_min(1e-9)
    mean = (flat * weights).sum(1) / total
    centred = flat - mean[:, None]
    return mean, (centred * weights) @ centred.T / total + RIDGE * torch.eye(3).double()


def mean_colours(parts: list[tuple[Colours, float]]) -> Colours:
    """Return the colours of several pictures together, each with a share; shares sum to 1."""
    mean = torch.stack([share * colours[0] for colours, share in parts]).sum(0)
    second = torch.stack(
        [share * (colours[1] + torch.outer(colours[0], colours[0])) for colours, share in parts]
    ).sum(0)
    return mean, second - torch.outer(mean, mean)


def match_colours(
    image: Tensor, target: Colours, *, share: float = 1.0, mask: Tensor | None = None
) -> Tensor:
    """Return a picture with the mean and covariance of other colours, cut to unit range.

    Of all linear maps it is the one that moves colours least.

    Args:
        image: unit range, (1, 3, H, W).
        target: the colours it gets.
        share: how much of the way, in [0, 1]; 0 returns the picture as it is.
        mask: how much each pixel of the picture counts, (1, 1, H, W).

    Source: Pitié and Kokaram 2007, The linear Monge-Kantorovitch linear colour mapping, §3 (its
        optimal transport between Gaussians); Gatys et al. 2017, arXiv:1611.07865 §5.3, match
        colours linearly before stylizing.
    """
    if share == 0:
        return image
    mean, covariance = colours_of(image, mask)
    root = _root(covariance)
    inverse = torch.linalg.inv(root)
    matrix = inverse @ _root(root @ target[1] @ root) @ inverse
    flat = image[0].flatten(1).double()
    moved = matrix @ (flat - mean[:, None]) + target[0][:, None]
    return torch.lerp(flat, moved, share).to(image).view_as(image).clamp(0, 1)


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = vectors * values.clamp_min(0).sqrt() @ vectors.T
    return root


def keep_colours(image: Tensor, original: Tensor) -> Tensor:
    """Return a picture in the colours of another: its luma, the chroma of the other.

    Args:
        image, original: unit range, (1, 3, H, W).

    Source: Gatys et al. 2017, arXiv:1611.07865 §5.2 (luminance only).
    """
    ours = torch.einsum("dc,nchw->ndhw", _YCC, image)
    theirs = torch.einsum("dc,nchw->ndhw", _YCC, original)
    mixed = torch.cat([ours[:, :1], theirs[:, 1:]], 1)
    return torch.einsum("dc,nchw->ndhw", torch.linalg.inv(_YCC), mixed).clamp(0, 1)


# Sizes --------------------------------------------------------------------------------------


def size_within(size: Size, edge: int, *, enlarge: bool = False) -> Size:
    """Return a size (height, width) brought to a long edge, each side at least 1 px.

    >>> size_within((640, 1024), 512), size_within((64, 32), 512)
    ((320, 512), (64, 32))
    """
    scale = edge / max(size)
    if scale >= 1 and not enlarge:
        return size
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize(image: Tensor, size: Size) -> Tensor:
    """Return a picture at a size, bicubic, averaged over what it loses, cut to unit range.

    Args:
        image: unit range, (N, C, H, W).
        size: (height, width) in pixels.
    """
    if tuple(image.shape[-2:]) == size:
        return image
    large = functional.interpolate(image, size, mode="bicubic", align_corners=False, antialias=True)
    return large.clamp(0, 1)

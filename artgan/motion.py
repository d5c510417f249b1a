"""Where things went from one picture to the next, and pictures carried along. Reads no files."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from artgan.toning import resize

__all__ = ["agreement", "average", "carried", "inside", "motion"]

COARSEST = 12
"""The short edge in pixels that the coarsest size has at least: what moves further is not found."""

ROUNDS = 4
"""Steps at each size, of at most a pixel."""

WINDOW = 9
"""Side in pixels of the square that moves as one."""

RIDGE = 1e-4
"""Squared slope below which there is nothing to hold on to: there it moves like the coarser."""

GAIN = 0.5
"""What moves by itself differs less than this part of what it would if it stood still, or went with
all the picture; and so does that, if the picture moves."""

FITS = 6
"""Rounds in which the motion of all the picture is fitted; what does not go along counts less."""

STRAY = 0.5
"""Pixels away from that motion at which something counts half."""

WIDE = 0.3
"""How far around, as a deviation, what goes along has to lie; the picture goes from -1 to 1."""

SPREAD = 0.1
"""The difference of colour, unit range, at which agreement falls to 1/e."""

LOOK = 5
"""Side in pixels of the square whose mean is compared: grain and dither are no change."""


def motion(before: Tensor, after: Tensor) -> Tensor:
    """Return where each pixel of a picture was in the one before, in pixels away, (1, 2, H, W).

    Across, then down: after(x) is like before(x + motion(x)). What is flat says nothing of itself:
    it goes along with all the picture where that moves, as in a pan, a zoom or a turn, and stands
    still, by exactly 0, where that does.

    Args:
        before, after: unit range, (1, C, H, W), of one size.

    Source: Lucas and Kanade 1981, An iterative image registration technique, §4; coarse to fine as
        in Bouguet 1999, Pyramidal implementation of the Lucas Kanade feature tracker, §2.
    Differs: for every pixel; all channels count; one affine motion is fitted to the whole.
    """
    sizes = [(before.shape[-2], before.shape[-1])]
    while min(sizes[0]) >= 2 * COARSEST:
        sizes.insert(0, (round(sizes[0][0] / 2), round(sizes[0][1] / 2)))
    flow = before.new_zeros(1, 2, *sizes[0])
    for size in sizes:
        flow = _enlarged(flow, size)
        old, new = resize(before, size), resize(after, size)
        for _ in range(ROUNDS):
            flow = average(flow + _step(carried(old, flow), new), 3)
    still = torch.zeros_like(flow)
    whole = _whole(flow, after)
    if whole is None or _away(before, after, whole).mean() >= GAIN * _away(before, after).mean():
        whole = still
    alone = _away(before, after, flow) < GAIN * _away(before, after, whole)
    return torch.where(alone, flow, whole)


def carried(image: Tensor, flow: Tensor) -> Tensor:
    """Return a picture with everything moved to where it has gone, bicubic, cut to unit range.

    Where nothing moves, its pixels are the same, to the bit. Beyond the rim the rim goes on.

    Args:
        image: unit range, (1, C, H, W).
        flow: see `motion`, (1, 2, H, W).
    """
    moved = functional.grid_sample(
        image, _places(flow), mode="bicubic", padding_mode="border", align_corners=False
    )
    stays = (flow == 0).all(1, keepdim=True)
    return torch.where(stays, image, moved.clamp(0, 1))


def inside(flow: Tensor) -> Tensor:
    """Return 1 where what is seen was in the picture before, else 0, (1, 1, H, W)."""
    return (_places(flow).abs() <= 1).all(-1)[:, None].to(flow)


def agreement(one: Tensor, other: Tensor, *, spread: float = SPREAD) -> Tensor:
    """Return how well pictures agree at each pixel, in [0, 1], (N, 1, H, W): 1 where they do.

    Args:
        one, other: unit range, (N, C, H, W).
        spread: the difference of colour at which it falls to 1/e, unit range.

    >>> float(agreement(torch.ones(1, 3, 1, 1), torch.ones(1, 3, 1, 1)))
    1.0
    """
    away = average(one - other, LOOK).square().sum(1, keepdim=True)
    return torch.exp(-away / spread**2)


def average(image: Tensor, side: int) -> Tensor:
    """Return a picture (N, C, H, W) whose pixels are means of squares of an odd side."""
    mean: Tensor = functional.avg_pool2d(image, side, 1, side // 2, count_include_pad=False)
    return mean


def _away(before: Tensor, after: Tensor, flow: Tensor | None = None) -> Tensor:
    """Return how much pictures differ around each pixel once one is carried, (1, 1, H, W)."""
    moved = before if flow is None else carried(before, flow)
    return average((moved - after).square().sum(1, keepdim=True), WINDOW)


def _whole(flow: Tensor, after: Tensor) -> Tensor | None:
    """Return the affine motion that most of a picture makes, (1, 2, H, W), None if there is none.

    Args:
        flow: of each pixel, (1, 2, H, W).
        after: what is seen, (1, C, H, W): only where that has slopes a motion is sure.
    """
    height, width = flow.shape[-2:]
    across, down = _slopes(after)
    sure = average((across.square() + down.square()).sum(1, keepdim=True), WINDOW)[0, 0].double()
    rows, columns = (torch.linspace(-1, 1, n, dtype=torch.float64) for n in (height, width))
    ones = torch.ones_like(sure)
    places = torch.stack([ones, ones * columns.to(ones), ones * rows.to(ones)[:, None]]).flatten(1)
    moves, sure = flow[0].double().flatten(1), sure.flatten() / (sure.mean() + RIDGE)  # (2, H*W)
    counts = sure
    tiny = 1e-6 * len(sure) * torch.eye(3).to(places)
    for _ in range(FITS):
        matrix = torch.linalg.solve((places * counts) @ places.T + tiny, places * counts @ moves.T)
        fitted = matrix.T @ places
        counts = sure / (1 + (moves - fitted).square().sum(0) / STRAY**2)
    total = counts.sum() + RIDGE
    mean = (places[1:] * counts).sum(1, keepdim=True) / total
    spread = ((places[1:] - mean).square() * counts).sum(1) / total
    if bool((spread < WIDE**2).any()):
        return None
    whole: Tensor = fitted.view(1, 2, height, width).to(flow)
    return whole


def _places(flow: Tensor) -> Tensor:
    """Return where each pixel was, across and down, (1, H, W, 2): the picture goes from -1 to 1."""
    height, width = flow.shape[-2:]
    rows = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None]
    columns = torch.arange(width, dtype=flow.dtype, device=flow.device)
    x = (2 * (columns + flow[:, 0]) + 1) / width - 1
    y = (2 * (rows + flow[:, 1]) + 1) / height - 1
    return torch.stack([x, y], -1)


def _step(old: Tensor, new: Tensor) -> Tensor:
    """Return how much further each pixel is to be looked for, (1, 2, H, W), at most 1 px."""
    across, down = _slopes((old + new) / 2)
    away = new - old
    parts = [across * across, across * down, down * down, across * away, down * away]
    xx, xy, yy, xt, yt = average(torch.cat([p.sum(1, keepdim=True) for p in parts], 1), WINDOW)[0]
    xx, yy = xx + RIDGE, yy + RIDGE
    step: Tensor = torch.stack([yy * xt - xy * yt, xx * yt - xy * xt]) / (xx * yy - xy * xy)
    return step.clamp(-1, 1)[None]


def _slopes(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the differences across and down from pixel to pixel, both (N, C, H, W)."""
    wide = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    across = (wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]) / 2
    down = (wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]) / 2
    return across, down


def _enlarged(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a motion at another size, in that one's pixels."""
    height, width = flow.shape[-2:]
    large = functional.interpolate(flow, size, mode="bilinear", align_corners=False)
    scaled: Tensor = large * large.new_tensor([size[1] / width, size[0] / height])[:, None, None]
    return scaled

"""One picture drawn anew: from coarse to fine, each size optimised until its budget is used."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from artgan.api import Size

__all__ = ["BUDGETS", "COARSEST", "Evaluate", "Method", "budgets", "level_sizes", "optimise"]

COARSEST = 64
"""The long edge in pixels that the coarsest size has at least."""

BUDGETS = (60, 40, 25, 12, 6, 4)
"""Evaluations at each size, coarse to fine; those beyond get as many as the last."""

OCTAVES = 3
FINE = 1.5
"""A picture is changed at its own size, at half of it and at a quarter, and the sum counts; its own
size counts so much more. Without that, fine hatching grows over everything before what is coarse
has found its place."""

HISTORY = 10
"""Steps that L-BFGS remembers; each takes 24 bytes a pixel."""

ADAM_RATE = 0.05
EDGE = 0.004  # how near to black and white the start may be: further out, the logit has no slope

Method = Literal["lbfgs", "adam"]

Evaluate = Callable[[Tensor], tuple[dict[str, float], Tensor]]
"""A unit picture -> (weighted loss by name, gradient of their sum)."""


def level_sizes(size: Size, *, shortest: int) -> list[Size]:
    """Return the sizes a picture is worked on at, coarse to fine, each about twice the last.

    Args:
        size: the last one, (height, width).
        shortest: what no short side falls below, except the last one's.

    >>> level_sizes((320, 512), shortest=16)
    [(40, 64), (80, 128), (160, 256), (320, 512)]
    """
    sizes = [size]
    while max(sizes[0]) >= 2 * COARSEST and min(sizes[0]) >= 2 * shortest:
        sizes.insert(0, (round(sizes[0][0] / 2), round(sizes[0][1] / 2)))
    return sizes


def budgets(levels: int, *, effort: float = 1.0) -> list[int]:
    """Return the evaluations at each of some sizes, coarse to fine.

    Args:
        levels: how many sizes there are.
        effort: times as many as usual.
    """
    usual = [*BUDGETS, *[BUDGETS[-1]] * levels][:levels]
    return [max(1, round(count * effort)) for count in usual]


def optimise(
    image: Tensor,
    evaluate: Evaluate,
    *,
    evaluations: int,
    method: Method = "lbfgs",
    told: Callable[[int, dict[str, float]], None] = lambda done, losses: None,
) -> Tensor:
    """Return the best picture that was tried, unit range, of the same shape.

    What is changed is its logit, so that it stays in range without being cut: cutting would spoil
    what L-BFGS knows of the curvature.

    Args:
        image: where it starts, unit range, (1, C, H, W).
        evaluate: its losses and their gradient.
        evaluations: how often that is asked, about.
        method: "lbfgs" (history 10, strong Wolfe conditions) or "adam".
        told: called after each with how many were made and the losses.

    It is changed in octaves: what is coarse is reached in fewer steps, and stays smooth.

    Source: Liu and Nocedal 1989, On the limited memory BFGS method; Kingma and Ba 2015,
        arXiv:1412.6980; octaves: Kolkin, Salavon and Shakhnarovich 2019, arXiv:1904.12785 §3 (they
        optimise a Laplacian pyramid).
    """
    base = torch.logit(image.detach().clamp(EDGE, 1 - EDGE)).contiguous()
    octaves = _octaves(base)  # contiguous: torch's L-BFGS takes no other layout
    done, lowest, best = 0, math.inf, image.detach()

    def closure() -> float:
        nonlocal done, lowest, best
        logits = _sum(base, octaves)
        current = torch.sigmoid(logits.detach())
        losses, slope = evaluate(current)
        loss = sum(losses.values())
        if not math.isfinite(loss):
            raise _Unsound
        if loss < lowest:
            lowest, best = loss, current
        # torch's L-BFGS forgets curvature below 1e-10, which a mean over many pixels falls under
        slope = slope * current * (1 - current) * base.numel()
        for octave, each in zip(octaves, torch.autograd.grad(logits, octaves, slope), strict=True):
            octave.grad = each
        done += 1
        told(done, losses)
        return loss * base.numel()

    with contextlib.suppress(_Unsound):
        if method == "lbfgs":
            torch.optim.LBFGS(
                octaves,
                lr=1.0,
                max_iter=evaluations,
                max_eval=evaluations,
                history_size=HISTORY,
                tolerance_grad=0.0,
                tolerance_change=0.0,
                line_search_fn="strong_wolfe",  # or a step may leap to where no slope is left
            ).step(closure)
        else:
            adam = torch.optim.Adam(octaves, lr=ADAM_RATE, betas=(0.9, 0.99))
            for _ in range(evaluations):
                adam.step(closure)
    return best


class _Unsound(Exception):
    """A loss is not a finite number: nothing better is to be had this way."""


def _octaves(base: Tensor) -> list[Tensor]:
    """Return what is changed: zeros at the picture's size, at half of it, at a quarter."""
    height, width = base.shape[-2:]
    sizes = [(height >> k, width >> k) for k in range(OCTAVES) if min(height, width) >> k]
    return [base.new_zeros(*base.shape[:2], *size).requires_grad_() for size in sizes]


def _sum(base: Tensor, octaves: Sequence[Tensor]) -> Tensor:
    total = base + FINE * octaves[0]
    for octave in octaves[1:]:
        total = total + interpolate(octave, base.shape[-2:], mode="bilinear", align_corners=False)
    return total

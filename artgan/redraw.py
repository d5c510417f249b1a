"""One picture drawn anew: from coarse to fine, each size optimised until its budget is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from artgan.api import Size

__all__ = ["BUDGETS", "COARSEST", "Evaluate", "Method", "budgets", "level_sizes", "optimise"]

COARSEST = 64
"""The long edge in pixels that the coarsest size has at least."""

BUDGETS = (60, 40, 25, 12, 6, 4)
"""Evaluations at each size, coarse to fine; those beyond get as many as the last."""

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
    """Return a picture with lower losses, unit range, of the same shape.

    What is changed is its logit, so that it stays in range without being cut: cutting would spoil
    what L-BFGS knows of the curvature.

    Args:
        image: where it starts, unit range, (1, C, H, W).
        evaluate: its losses and their gradient.
        evaluations: how often that is asked, about.
        method: "lbfgs" (history 10, strong Wolfe conditions) or "adam".
        told: called after each with how many were made and the losses.

    Source: Liu and Nocedal 1989, On the limited memory BFGS method; Kingma and Ba 2015,
        arXiv:1412.6980.
    """
    # contiguous: torch's L-BFGS takes no other layout
    logits = torch.logit(image.detach().clamp(EDGE, 1 - EDGE)).contiguous().requires_grad_()
    done = 0

    def closure() -> float:
        nonlocal done
        current = torch.sigmoid(logits.detach())
        losses, slope = evaluate(current)
        # torch's L-BFGS forgets curvature below 1e-10, which a mean over many pixels falls under
        logits.grad = slope * current * (1 - current) * logits.numel()
        done += 1
        told(done, losses)
        return sum(losses.values()) * logits.numel()

    if method == "lbfgs":
        torch.optim.LBFGS(
            [logits],
            lr=1.0,
            max_iter=evaluations,
            max_eval=evaluations,
            history_size=HISTORY,
            tolerance_grad=-1.0,
            tolerance_change=-1.0,
            line_search_fn="strong_wolfe",  # without it a step may leap to where no slope is left
        ).step(closure)
    else:
        adam = torch.optim.Adam([logits], lr=ADAM_RATE, betas=(0.9, 0.99))
        for _ in range(evaluations):
            adam.step(closure)
    return torch.sigmoid(logits.detach())

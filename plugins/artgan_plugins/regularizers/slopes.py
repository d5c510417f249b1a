"""The slope of D at pictures, which r1, r2 and the gradient penalty are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from artgan.api import Batch, Term

__all__ = [
    "GAMMA_PER_PIXEL",
    "nothing",
    "slope_penalty",
    "slope_term",
    "squared_slopes",
    "suitable_gamma",
]

GAMMA_PER_PIXEL = 3e-3
"""As training chooses it for pictures of usual variety."""


def squared_slopes(logits: Sequence[Tensor], pictures: Sequence[Tensor]) -> Tensor:
    """Return the squared gradient norm of D at each picture, (N,), to be differentiated again.

    Args:
        logits: heads of D, each (N,), with a graph back to the pictures; D is their mean.
        pictures: the pyramid D was shown, each (N, C, h, w); the norm is over all of it. A scale
            that D does not look at adds nothing.
    """
    total = torch.stack([head.sum() for head in logits]).sum() / len(logits)
    gradients = torch.autograd.grad(
        total, list(pictures), create_graph=True, materialize_grads=True
    )
    return torch.stack([g.square().sum((1, 2, 3)) for g in gradients]).sum(0)


def slope_penalty(logits: Sequence[Tensor], pictures: Sequence[Tensor], *, gamma: float) -> Tensor:
    """Return gamma / 2 times the squared gradient norm of D at each picture, (N,).

    Args:
        logits, pictures: see `squared_slopes`.
        gamma: weight.
    """
    return squared_slopes(logits, pictures) * (gamma / 2)


def slope_term(
    name: str,
    judged: Callable[[Batch], tuple[Sequence[Tensor], Sequence[Tensor]]],
    needs: frozenset[str],
    *,
    gamma: float | None,
    interval: int,
) -> Term:
    """Return a D-phase term that charges D for its slope at some pictures.

    Args:
        name: of its value in the statistics.
        judged: takes a batch, returns D's heads and the pictures they judge.
        needs: what the batch must hold for that.
        gamma: weight; None: what suits the pictures.
        interval: pictures between two uses.
    """

    def compute(batch: Batch) -> dict[str, Tensor]:
        logits, pictures = judged(batch)
        weight = suitable_gamma(gamma, pictures)
        return {name: slope_penalty(logits, pictures, gamma=weight) + nothing(logits)}

    return Term("D", compute, needs, interval=interval, second_order=True)


def suitable_gamma(gamma: float | None, pictures: Sequence[Tensor]) -> float:
    """Return a weight as it is set, or the one that suits the finest scale of a pyramid."""
    height, width = pictures[-1].shape[-2:]
    return gamma if gamma is not None else GAMMA_PER_PIXEL * height * width


def nothing(logits: Sequence[Tensor]) -> Tensor:
    """Return 0 for each picture, (N,), with a graph to all that made its logits.

    A backward has to reach every parameter of D, its last bias too, and a slope does not.
    """
    return torch.stack([0 * head for head in logits]).sum(0)

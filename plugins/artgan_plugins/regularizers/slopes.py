"""The slope of D at pictures, which r1, r2 and the gradient penalty are made of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["GAMMA_PER_PIXEL", "nothing", "squared_slopes", "suitable_gamma"]

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


def suitable_gamma(gamma: float | None, pictures: Sequence[Tensor]) -> float:
    """Return a weight as it is set, or the one that suits the finest scale of a pyramid."""
    height, width = pictures[-1].shape[-2:]
    return gamma if gamma is not None else GAMMA_PER_PIXEL * height * width


def nothing(logits: Sequence[Tensor]) -> Tensor:
    """Return 0 for each picture, (N,), with a graph to all that made its logits.

    A backward has to reach every parameter of D, its last bias too, and a slope does not.
    """
    return torch.stack([0 * head for head in logits]).sum(0)

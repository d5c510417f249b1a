"""R1: the squared gradient of D at the reals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from artgan.api import Batch, Term

if TYPE_CHECKING:
    from artgan_plugins.regularizers.r1_options import R1Options

__all__ = ["GAMMA_PER_PIXEL", "build", "r1_penalty"]

GAMMA_PER_PIXEL = 1e-3


def r1_penalty(logits: Sequence[Tensor], reals: Sequence[Tensor], *, r1_gamma: float) -> Tensor:
    """Return gamma / 2 times the squared gradient norm of D at each real, (N,).

    Args:
        logits: heads of D, each (N,), with a graph back to the reals.
        reals: the pyramid D was shown, each (N, C, h, w); the norm sums over all of them.
        r1_gamma: weight.

    Source: Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406 §4.1 (Eq. 9).
    """
    total = torch.stack([head.sum() for head in logits]).sum() / len(logits)
    gradients = torch.autograd.grad(total, list(reals), create_graph=True)
    squares = torch.stack([g.square().sum((1, 2, 3)) for g in gradients]).sum(0)
    return squares * (r1_gamma / 2)


def build(options: R1Options) -> Term:
    """Return the D-phase term.

    Source of the lazy interval: Karras et al. 2020, arXiv:1912.04958 §3.1.
    Differs: the rates and momenta of Adam stay as they are.
    """

    def compute(batch: Batch) -> dict[str, Tensor]:
        assert batch.real_logits is not None
        assert batch.reals is not None
        height, width = batch.reals[-1].shape[-2:]
        gamma = options.gamma if options.gamma is not None else GAMMA_PER_PIXEL * height * width
        # 0 * logits: the backward has to reach every parameter of D, its last bias too
        zero = torch.stack([0 * head for head in batch.real_logits]).sum(0)
        return {"r1": r1_penalty(batch.real_logits, batch.reals, r1_gamma=gamma) + zero}

    return Term("D", compute, needs=frozenset({"reals", "gradients"}), interval=options.interval)

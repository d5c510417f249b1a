"""R1: the squared gradient of D at the reals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from artgan.api import Batch, Term
from artgan_plugins.regularizers.slopes import nothing, squared_slopes, suitable_gamma

if TYPE_CHECKING:
    from artgan_plugins.regularizers.options import R1Options

__all__ = ["build", "r1_penalty"]


def r1_penalty(logits: Sequence[Tensor], reals: Sequence[Tensor], *, r1_gamma: float) -> Tensor:
    """Return gamma / 2 times the squared gradient norm of D at each real, (N,).

    Args:
        logits: heads of D, each (N,), with a graph back to the reals.
        reals: the pyramid D was shown, each (N, C, h, w); the norm sums over all of them.
        r1_gamma: weight.

    Source: Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406 §4.1 (Eq. 9).
    """
    return squared_slopes(logits, reals) * (r1_gamma / 2)


def build(options: R1Options) -> Term:
    """Return the D-phase term.

    Source of the lazy interval: Karras et al. 2020, arXiv:1912.04958 §3.1.
    Differs: the rates and momenta of Adam stay as they are.
    """

    def compute(batch: Batch) -> dict[str, Tensor]:
        assert batch.real_logits is not None
        assert batch.reals is not None
        gamma = suitable_gamma(options.gamma, batch.reals)
        penalty = r1_penalty(batch.real_logits, batch.reals, r1_gamma=gamma)
        return {"r1": penalty + nothing(batch.real_logits)}

    needs = frozenset({"reals", "gradients"})
    return Term("D", compute, needs, interval=options.interval, second_order=True)

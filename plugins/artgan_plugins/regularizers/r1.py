"""R1: the squared gradient of D at the reals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from artgan.api import Batch, Term
from artgan_plugins.regularizers.slopes import slope_term

if TYPE_CHECKING:
    from artgan_plugins.regularizers.options import R1Options

__all__ = ["build"]


def build(options: R1Options) -> Term:
    """Return the D-phase term.

    Source: Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406 §4.1 (Eq. 9).
    Source of the lazy interval: Karras et al. 2020, arXiv:1912.04958 §3.1.
    Differs: the rates and momenta of Adam stay as they are.
    """

    def judged(batch: Batch) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        assert batch.real_logits is not None
        assert batch.reals is not None
        return batch.real_logits, batch.reals

    needs = frozenset({"reals", "gradients"})
    return slope_term("r1", judged, needs, gamma=options.gamma, interval=options.interval)

"""R2: the squared gradient of D at the fakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from artgan.api import Batch, Term
from artgan_plugins.regularizers.slopes import slope_term

if TYPE_CHECKING:
    from artgan_plugins.regularizers.options import R2Options

__all__ = ["build"]


def build(options: R2Options) -> Term:
    """Return the D-phase term; with r1 and relativistic-logistic it makes R3GAN's loss.

    Source: Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406 §4.1 (Eq. 10).
    Source of the pair: Huang et al. 2024, arXiv:2501.05441 §2.
    Differs: it rests between its uses, unless the interval is 0.
    """

    def judged(batch: Batch) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        return batch.fake_logits, batch.fakes

    needs = frozenset({"fake-gradients"})
    return slope_term("r2", judged, needs, gamma=options.gamma, interval=options.interval)

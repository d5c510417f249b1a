"""R2: the squared gradient of D at the fakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from artgan.api import Batch, Term
from artgan_plugins.regularizers.slopes import nothing, squared_slopes, suitable_gamma

if TYPE_CHECKING:
    from artgan_plugins.regularizers.options import R2Options

__all__ = ["build", "r2_penalty"]


def r2_penalty(logits: Sequence[Tensor], fakes: Sequence[Tensor], *, r2_gamma: float) -> Tensor:
    """Return gamma / 2 times the squared gradient norm of D at each fake, (N,).

    Args:
        logits: heads of D, each (N,), with a graph back to the fakes.
        fakes: the pyramid D was shown, each (N, C, h, w); the norm sums over all of them.
        r2_gamma: weight.

    Source: Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406 §4.1 (Eq. 10).
    """
    return squared_slopes(logits, fakes) * (r2_gamma / 2)


def build(options: R2Options) -> Term:
    """Return the D-phase term; with r1 and relativistic-logistic it makes R3GAN's loss.

    Source of the pair: Huang et al. 2024, arXiv:2501.05441 §2.
    Differs: it rests between its uses, unless the interval is 0.
    """

    def compute(batch: Batch) -> dict[str, Tensor]:
        gamma = suitable_gamma(options.gamma, batch.fakes)
        penalty = r2_penalty(batch.fake_logits, batch.fakes, r2_gamma=gamma)
        return {"r2": penalty + nothing(batch.fake_logits)}

    needs = frozenset({"fake-gradients"})
    return Term("D", compute, needs, interval=options.interval, second_order=True)

"""The gradient penalty: D's slope is kept at 1 between reals and fakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import relu

from artgan.api import Batch, Term
from artgan_plugins.regularizers.slopes import nothing, squared_slopes

if TYPE_CHECKING:
    from artgan.api import Pyramid
    from artgan_plugins.regularizers.options import GradientPenaltyOptions

__all__ = ["build", "gradient_penalty", "mix"]

TINY = 1e-12


def mix(reals: Pyramid, fakes: Pyramid, shares: Tensor) -> Pyramid:
    """Return pictures on the lines between reals and fakes, (N, C, h, w) each, without a graph.

    Args:
        reals, fakes: pyramids of the same shapes.
        shares: how far each picture is from its real to its fake, in [0, 1], (N,); the same at
            every scale.
    """
    shares = shares.view(-1, 1, 1, 1)
    return tuple(
        torch.lerp(real.detach(), fake.detach().to(real), shares.to(real))
        for real, fake in zip(reals, fakes, strict=True)
    )


def gradient_penalty(
    logits: Sequence[Tensor],
    pictures: Sequence[Tensor],
    *,
    target: float = 1.0,
    one_sided: bool = False,
) -> Tensor:
    """Return the squared distance of D's gradient norm to a target at each picture, (N,).

    Args:
        logits: heads of D, each (N,), with a graph back to the pictures.
        pictures: the pyramid D was shown, each (N, C, h, w); the norm is over all of it together.
        target: the norm that costs nothing.
        one_sided: whether lower norms cost nothing either.

    Source: Gulrajani et al. 2017, arXiv:1704.00028 §4 (Eq. 3), without its weight.
    Differs: of a pyramid it is one norm over all scales together, where Karnewar and Wang 2019,
        arXiv:1903.06048, average the penalty over scales.
    """
    # the square root of 0 has no slope
    above = (squared_slopes(logits, pictures) + TINY).sqrt() - target
    return (relu(above) if one_sided else above).square()


def build(options: GradientPenaltyOptions) -> Term:
    """Return the D-phase term; a place between real and fake is drawn for each pair."""

    def compute(batch: Batch) -> dict[str, Tensor]:
        assert batch.reals is not None
        shares = torch.rand(batch.z.shape[0])  # on the CPU: the same on every device
        pictures = tuple(p.requires_grad_() for p in mix(batch.reals, batch.fakes, shares))
        logits = batch.discriminate(pictures)
        penalty = gradient_penalty(
            logits, pictures, target=options.target, one_sided=options.one_sided
        )
        return {"gradient-penalty": options.weight * penalty + nothing(logits)}

    needs = frozenset({"reals"})
    return Term("D", compute, needs, interval=options.interval, second_order=True)

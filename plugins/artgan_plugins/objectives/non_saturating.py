"""The non-saturating loss: softplus of the logits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.functional import softplus

from artgan.api import Adversarial

if TYPE_CHECKING:
    from artgan_plugins.objectives.options import NonSaturatingOptions

__all__ = ["build", "non_saturating_d", "non_saturating_g"]


def non_saturating_d(
    real_logits: Tensor, fake_logits: Tensor, *, real_label: float = 1.0
) -> Tensor:
    """Return D's cross-entropy per pair, (N,).

    Args:
        real_logits, fake_logits: (N,).
        real_label: the probability D should give a real; below 1 is one-sided label smoothing
            (Salimans et al. 2016, arXiv:1606.03498 §3.4).

    >>> import torch
    >>> non_saturating_d(torch.zeros(1), torch.zeros(1))  # 2 ln 2
    tensor([1.3863])

    Source: Goodfellow et al. 2014, arXiv:1406.2661 §3 (Eq. 1), as a loss.
    """
    real = real_label * softplus(-real_logits) + (1 - real_label) * softplus(real_logits)
    return real + softplus(fake_logits)


def non_saturating_g(fake_logits: Tensor) -> Tensor:
    """Return G's loss per fake, (N,): -log D(G(z)).

    Source: Goodfellow et al. 2014, arXiv:1406.2661 §3.
    """
    return softplus(-fake_logits)


def build(options: NonSaturatingOptions) -> Adversarial:
    """Return the objective; its margin is the real logit."""
    d_loss = partial(non_saturating_d, real_label=options.real_label)
    return Adversarial.of(d_loss, non_saturating_g, margin=lambda real, fake: real)

"""The relativistic logistic loss: each real against its paired fake."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from artgan.api import Adversarial

__all__ = ["build", "relativistic_logistic_d", "relativistic_logistic_g"]


def relativistic_logistic_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return D's loss per pair, (N,), of logits (N,) each: the real should be above its fake.

    >>> import torch
    >>> relativistic_logistic_d(torch.full((1,), 5.0), torch.full((1,), 5.0))  # ln 2
    tensor([0.6931])

    Source: Jolicoeur-Martineau 2018, arXiv:1807.00734 (RSGAN); Huang et al. 2024,
    arXiv:2501.05441 §2, with r1 and r2 in every step.
    """
    return softplus(fake_logits - real_logits)


def relativistic_logistic_g(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return G's loss per pair, (N,): D's with the roles swapped."""
    return relativistic_logistic_d(fake_logits, real_logits)


def build(options: None = None) -> Adversarial:
    """Return the objective; its margin is real minus paired fake."""
    return Adversarial.of_pairs(relativistic_logistic_d, relativistic_logistic_g)

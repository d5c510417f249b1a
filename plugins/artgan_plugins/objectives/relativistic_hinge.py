"""The relativistic average hinge loss: reals against the mean fake, fakes against the mean real."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu

from artgan.api import Adversarial

__all__ = ["build", "relativistic_hinge_d", "relativistic_hinge_g"]


def relativistic_hinge_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return D's loss per pair, (N,), of logits (N,) each; the means are those of the batch.

    It is 0 once every real is above the mean fake, and every fake below the mean real, by 1. That
    is where a healthy run spends most of its time.

    >>> import torch
    >>> relativistic_hinge_d(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0]))
    tensor([1., 1.])

    Source: Jolicoeur-Martineau 2018, arXiv:1807.00734 (RaHingeGAN).
    """
    reals = real_logits - fake_logits.mean()
    fakes = fake_logits - real_logits.mean()
    return relu(1 - reals) + relu(1 + fakes)


def relativistic_hinge_g(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return G's loss per pair, (N,): D's with the roles swapped."""
    return relativistic_hinge_d(fake_logits, real_logits)


def build(options: None = None) -> Adversarial:
    """Return the objective; its margin is real minus paired fake."""
    return Adversarial.of_pairs(relativistic_hinge_d, relativistic_hinge_g)

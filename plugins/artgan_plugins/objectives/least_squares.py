"""The least-squares loss: logits should be 1 for reals and 0 for fakes."""

from __future__ import annotations

from torch import Tensor

from artgan.api import Adversarial

__all__ = ["build", "least_squares_d", "least_squares_g"]


def least_squares_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return D's loss per pair, (N,), of logits (N,) each.

    >>> import torch
    >>> least_squares_d(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    tensor([0., 1.])

    Source: Mao et al. 2017, arXiv:1611.04076 §3.2 (Eq. 2), with a = 0 and b = c = 1.
    """
    return ((real_logits - 1).square() + fake_logits.square()) / 2


def least_squares_g(fake_logits: Tensor) -> Tensor:
    """Return G's loss per fake, (N,): half the squared distance of its logit from 1."""
    return (fake_logits - 1).square() / 2


def build(options: None = None) -> Adversarial:
    """Return the objective; its margin is the real logit above 1/2, midway of the targets."""
    return Adversarial.of(least_squares_d, least_squares_g, margin=lambda real, fake: real - 0.5)

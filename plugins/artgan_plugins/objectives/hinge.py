"""The hinge loss: D learns only from what it has not judged right by a margin of 1."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu

from artgan.api import Adversarial

__all__ = ["build", "hinge_d", "hinge_g"]


def hinge_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return D's loss per pair, (N,), of logits (N,) each.

    >>> import torch
    >>> hinge_d(torch.tensor([0.0, 2.0]), torch.tensor([0.0, -2.0]))
    tensor([2., 0.])

    Source: Lim and Ye 2017, arXiv:1705.02894.
    """
    return relu(1 - real_logits) + relu(1 + fake_logits)


def hinge_g(fake_logits: Tensor) -> Tensor:
    """Return G's loss per fake, (N,): minus the logit."""
    return -fake_logits


def build(options: None = None) -> Adversarial:
    """Return the objective; its margin is the real logit."""
    return Adversarial.of(hinge_d, hinge_g, margin=lambda real, fake: real)

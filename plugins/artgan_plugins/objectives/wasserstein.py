"""The Wasserstein loss: the critic's mean logits of reals and fakes, apart as far as they go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor

from artgan.api import Adversarial

if TYPE_CHECKING:
    from artgan_plugins.objectives.options import WassersteinOptions

__all__ = ["build", "wasserstein_d", "wasserstein_g"]


def wasserstein_d(real_logits: Tensor, fake_logits: Tensor, *, drift: float = 0.0) -> Tensor:
    """Return the critic's loss per pair, (N,), of logits (N,) each.

    Args:
        real_logits, fake_logits: (N,).
        drift: weight of the squared real logits (Karras et al. 2018, arXiv:1710.10196 A.1).

    >>> import torch
    >>> wasserstein_d(torch.tensor([2.0]), torch.tensor([-1.0]))
    tensor([-3.])

    Source: Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875 §3.
    Differs: no weight clipping; a regularizer keeps the critic bounded.
    """
    return fake_logits - real_logits + drift * real_logits.square()


def wasserstein_g(fake_logits: Tensor) -> Tensor:
    """Return G's loss per fake, (N,): minus the logit."""
    return -fake_logits


def build(options: WassersteinOptions) -> Adversarial:
    """Return the objective; its margin is real minus paired fake, for the offset is free."""
    d_loss = partial(wasserstein_d, drift=options.drift)
    return Adversarial.of(d_loss, wasserstein_g, margin=lambda real, fake: real - fake)

"""The objective `pearson`: the Pearson chi-squared divergence of f-GAN."""

from __future__ import annotations

from torch import Tensor

from artgan.api import Adversarial

__all__ = ["build", "pearson_d", "pearson_g"]


def pearson_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return D's loss per pair, (N,), of logits (N,) each: -real + fake + fake^2 / 4.

    Source: Nowozin, Cseke and Tomioka 2016, arXiv:1606.00709: minus g_f(real) plus
    f*(g_f(fake)), where g_f(v) = v and f*(t) = t^2 / 4 + t (Table 2).
    """
    return fake_logits.square() / 4 + fake_logits - real_logits


def pearson_g(fake_logits: Tensor) -> Tensor:
    """Return G's loss per fake, (N,): minus the logit.

    Source: arXiv:1606.00709 §3.2, the alternative that maximises g_f(V).
    """
    return -fake_logits


def build(options: None = None) -> Adversarial:
    """Return the objective; its margin is the real logit: the divergence decides at f'(1) = 0."""
    return Adversarial.of(pearson_d, pearson_g, margin=lambda real, fake: real)

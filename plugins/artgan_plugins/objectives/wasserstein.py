"""The Wasserstein loss: the critic's mean logits of reals and fakes, apart as far as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from artgan.api import Adversarial, Batch, Term, mean_over_heads

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
    """Return the two terms and the margin: real minus paired fake, for the offset is free."""

    def discriminator(batch: Batch) -> dict[str, Tensor]:
        def loss(real: Tensor, fake: Tensor) -> Tensor:
            return wasserstein_d(real, fake, drift=options.drift)

        return {"adversarial": mean_over_heads(loss, batch.real_logits, batch.fake_logits)}

    def generator(batch: Batch) -> dict[str, Tensor]:
        return {"adversarial": mean_over_heads(wasserstein_g, batch.fake_logits)}

    return Adversarial(
        Term("D", discriminator, needs=frozenset({"reals"})),
        Term("G", generator),
        margin=lambda real, fake: real - fake,
    )

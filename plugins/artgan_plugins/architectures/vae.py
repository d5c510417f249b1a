"""VAE: a generator that learns by drawing the reals again from what an encoder notes of them."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from artgan.api import Batch, Networks, Size, Term
from artgan_plugins.architectures.dcgan import DcganGenerator, widths
from artgan_plugins.architectures.layers import doublings

if TYPE_CHECKING:
    from artgan_plugins.architectures.vae_options import VaeOptions

__all__ = ["VaeEncoder", "build", "divergence", "evidence"]


def build(options: VaeOptions, *, size: Size, channels: int) -> Networks:
    """Return a generator and, in place of a discriminator, an encoder and the term they learn by.

    Args:
        options: see `VaeOptions`.
        size: (height, width) in pixels; legal ones are multiples of 2^n (`artgan.config`).
        channels: 1, 3 or 4.

    Source: Kingma and Welling 2014, arXiv:1312.6114 §3.
    Differs: both networks are convolutional, the generator is `dcgan`'s; pixels are Gaussian with
        one fixed deviation, and the loss is a mean over them instead of a sum, so that it and the
        learning rate mean the same at any size.
    """
    stages, seed = doublings(size)
    levels = widths(stages, base=options.base_channels, most=options.max_channels)
    generator = DcganGenerator(
        options.z_dim, seed, levels, channels, upsample="bilinear", norm="batch"
    )
    encoder = VaeEncoder(options.z_dim, seed, levels, channels)

    def compute(batch: Batch) -> dict[str, Tensor]:
        assert batch.reals is not None
        reals = batch.reals[-1]
        mean, log_variance = encoder(reals)
        z = mean + torch.randn_like(mean) * torch.exp(log_variance / 2)
        return evidence(
            reals, batch.generate(z)[-1], mean.float(), log_variance.float(), sigma=options.sigma
        )

    term = Term("G", compute, frozenset({"reals"}))
    return Networks(generator, None, terms=(term,), others={"encoder": ("G", encoder)})


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return how far Gaussians are from N(0, I), as Kullback and Leibler measure it, (N,).

    Args:
        mean, log_variance: (N, z_dim).

    >>> divergence(torch.tensor([[0.0, 2.0]]), torch.zeros(1, 2))
    tensor([2.])

    Source: Kingma and Welling 2014, arXiv:1312.6114 appendix B.
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2


def evidence(
    reals: Tensor, drawn: Tensor, mean: Tensor, log_variance: Tensor, *, sigma: float
) -> dict[str, Tensor]:
    """Return the two parts of the bound that is minimised, each (N,), in parts of a pixel value.

    Args:
        reals, drawn: signed range, (N, C, H, W).
        mean, log_variance: of the latents that the pictures were drawn from, (N, z_dim).
        sigma: deviation of a pixel value.

    Source: Kingma and Welling 2014, arXiv:1312.6114 §3 (Eq. 10), per value and without constants.
    """
    count = reals[0].numel()
    again = (reals - drawn).square().flatten(1).mean(1) / (2 * sigma**2)
    return {"reconstruction": again, "divergence": divergence(mean, log_variance) / count}


class VaeEncoder(nn.Module):
    """Notes of each picture where its latent is likely to be.

    Args:
        z_dim: numbers in a latent.
        seed: (height, width) of the coarsest grid.
        levels: channels from that grid up, one a doubling.
        channels: of the picture.
    """

    def __init__(self, z_dim: int, seed: Size, levels: list[int], channels: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for before, after in itertools.pairwise([channels, *reversed(levels)]):
            blocks += [
                nn.Conv2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Linear(levels[0] * math.prod(seed), 2 * z_dim)
        with torch.no_grad():  # the first notes say little: all latents are near N(0, I)
            self.last.weight.mul_(0.1)
            self.last.bias.zero_()

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of latents, each (N, z_dim), of signed (N, C, H, W)."""
        mean, log_variance = self.last(self.blocks(pictures).flatten(1)).chunk(2, 1)
        return mean, log_variance

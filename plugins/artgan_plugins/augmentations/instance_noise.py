"""Instance noise: Gaussian noise on reals and fakes, which fades out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from artgan.images import pyramid_like

if TYPE_CHECKING:
    from artgan.api import Augment, Pyramid
    from artgan_plugins.augmentations.options import InstanceNoiseOptions

__all__ = ["build", "instance_noise", "noise_deviation"]


def noise_deviation(cur_nimg: int, *, deviation: float, kimg: float) -> float:
    """Return the standard deviation after a number of pictures: a straight line down to 0.

    Args:
        cur_nimg: pictures shown so far.
        deviation: at the start, in signed range.
        kimg: thousand pictures after which it is 0.

    >>> noise_deviation(25_000, deviation=0.2, kimg=50)
    0.1
    """
    end = kimg * 1000
    return deviation * (1 - cur_nimg / end) if cur_nimg < end else 0.0


def instance_noise(pictures: Pyramid, *, deviation: float, random: torch.Generator) -> Pyramid:
    """Return pictures with Gaussian noise on every pixel and channel of the finest scale.

    The coarser scales get the same noise, averaged as reals are: the result is the pyramid of one
    noisy picture, and the noise halves where the sides do.

    Args:
        pictures: signed range, each (N, C, h, w), coarse to fine; sides are halved.
        deviation: standard deviation at the finest scale.
        random: a generator on the CPU.

    Source: Sonderby et al. 2017, arXiv:1610.04490 §3; Arjovsky and Bottou 2017,
    arXiv:1701.04862 §3.
    """
    finest = pictures[-1]
    drawn = torch.randn(finest.shape, generator=random) * deviation
    noise = pyramid_like(drawn.to(finest), pictures)
    return tuple(scale + grain for scale, grain in zip(pictures, noise, strict=True))


def build(options: InstanceNoiseOptions) -> Augment:
    """Return the augmentation; it goes by the clock, whatever the strength."""

    def augment(
        pictures: Pyramid, *, strength: float, cur_nimg: int, random: torch.Generator
    ) -> Pyramid:
        deviation = noise_deviation(cur_nimg, deviation=options.deviation, kimg=options.kimg)
        if deviation == 0:
            return pictures
        return instance_noise(pictures, deviation=deviation, random=random)

    return augment

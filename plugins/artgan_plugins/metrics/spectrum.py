"""Spectrum: how the power of each spatial frequency differs: checkerboards, noise, blur."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from artgan.api import Measure, View

__all__ = ["FINEST", "FLOOR", "build", "rings", "spectrum"]

FLOOR = 1 / (12 * 255**2)
"""The variance of rounding to 8 bits, added to all power: plain pictures have a spectrum too."""

FINEST = 0.375
"""Cycles a pixel from which on frequencies count as finest: three quarters of the highest along an
axis, and all of the corners, where checkerboards are."""

_CHUNK = 1 << 22  # numbers transformed at once


def rings(height: int, width: int) -> Tensor:
    """Return the ring that each frequency of `rfft2` is in, (height, width // 2 + 1).

    Rings are one cycle of the short side wide, from 0 around the mean to half the short side; the
    last one is all that lies beyond: the corners.
    """
    down, across = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    radius = torch.sqrt(down[:, None] ** 2 + across**2)
    short = min(height, width)
    return torch.round(radius * short).long().clamp_max(short // 2 + 1)


def spectrum(pictures: Tensor) -> Tensor:
    """Return the mean log power of each ring of frequencies from 1 on, (R,), in nats.

    The mean of a picture is removed and a Hann window laid over it, so that its opposite borders,
    which do not fit together, add nothing. Power is averaged over channels and ring, then its log
    over pictures; white noise has the log of its variance everywhere (about; less in the coarsest
    rings, as a mean of logs is).

    Args:
        pictures: unit range, (N, C, H, W).

    Source: Durall, Keuper and Keuper 2020, arXiv:2003.01826 §2.1.
    Differs: the window; the average of logs, not the log of the average.
    """
    count, channels, height, width = pictures.shape
    window = torch.outer(
        torch.hann_window(height + 2, periodic=False)[1:-1],
        torch.hann_window(width + 2, periodic=False)[1:-1],
    ).to(pictures.device)
    ring = rings(height, width).to(pictures.device)
    # all columns but the first and, of an even width, the last stand for their mirror image too
    twice = torch.full((width // 2 + 1,), 2.0, device=pictures.device)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    weight = twice.expand(height, -1)
    members = torch.zeros(int(ring.max()) + 1, device=pictures.device)
    members.index_add_(0, ring.flatten(), weight.flatten())
    total = torch.zeros(len(members) - 1, device=pictures.device)
    for part in pictures.split(max(1, _CHUNK // (channels * height * width))):
        waves = torch.fft.rfft2((part - part.mean((2, 3), keepdim=True)) * window)
        power = waves.abs().square().mean(1) * weight / window.square().sum()
        sums = torch.zeros(len(part), len(members), device=pictures.device)
        sums.index_add_(1, ring.flatten(), power.flatten(1))
        total += torch.log(sums[:, 1:] / members[1:] + FLOOR).sum(0)
    return total / count


def build(options: None) -> Measure:
    """Return the metric.

    `spectrum` is the RMS difference of the two sets' spectra over all rings, in nats; `finest` is
    the mean difference, fakes minus reals, of the finest ones: above 0 noise or a checkerboard,
    below 0 blur.
    """

    def measure(view: View) -> dict[str, float]:
        difference = spectrum(view.fakes) - spectrum(view.reals)
        first = math.ceil(FINEST * min(view.reals.shape[-2:]))  # ring i is at index i - 1
        return {
            "spectrum": float(difference.square().mean().sqrt()),
            "finest": float(difference[first - 1 :].mean()),
        }

    return measure

"""Drift: a random closed wandering that begins at one key and is everywhere as likely as it is."""

from __future__ import annotations

import math
import zlib

import torch
from torch import Tensor
from torch.linalg import vector_norm

from artgan.api import Path2Codes, Prior
from artgan.latents import derive, generator
from artgan_plugins.samplers.chain import shaped, vectors
from artgan_plugins.samplers.options import DriftOptions

__all__ = ["amplitudes", "build", "drift"]

_LEAST = 0.05
"""Waves of less than this share of the first one's amplitude are left out."""


def amplitudes(wander: float) -> Tensor:
    """Return the amplitudes of waves that go round once, twice ..., (M,), float64.

    a_k ∝ exp(-k² / 2 s²), Σ a_k² = 1, where s is `wander`; M grows with it and is 3 at 1.5.

    >>> len(amplitudes(0.1)), len(amplitudes(1.5)), len(amplitudes(4.0))
    (1, 3, 9)
    """
    count = math.isqrt(int(1 - 2 * wander**2 * math.log(_LEAST)))
    k = torch.arange(1, count + 1, dtype=torch.float64)
    heights = torch.exp((1 - k**2) / (2 * wander**2))
    scaled: Tensor = heights / vector_norm(heights)
    return scaled


def drift(key: Tensor, u: Tensor, *, wander: float, seed: int) -> Tensor:
    """Return the positions on a random closed curve that begins at a key, (T, d).

    z(u) = Σ a_k (ξ_k cos 2πku + η_k sin 2πku), with ξ and η of N(0, I). That is N(0, I) at every u.
    It begins at the key since ξ is drawn on condition of that, ξ_k + a_k (key - Σ a_j ξ_j).

    Args:
        key: (d,), float64.
        u: positions in [0, 1], (T,).
        wander: see `amplitudes`; the curve is about 2π √(Σ a_k² k²) |key| long.
        seed: of ξ and η, together with the key itself: no two keys move alike. More waves leave
            those that there are as they are.
    """
    heights = amplitudes(wander)
    whose = zlib.crc32(key.to(torch.float32).numpy().tobytes())
    random = generator(derive(seed, "drift", whose))
    waves = [torch.randn(2, len(key), generator=random).to(key) for _ in heights]
    xi, eta = torch.stack(waves, dim=1)  # each (M, d)
    xi = xi + torch.outer(heights, key - heights @ xi)
    turn = u.to(key) - u.to(key).floor()
    angles = 2 * math.pi * torch.outer(turn, torch.arange(1.0, len(heights) + 1).to(key))
    points: Tensor = (heights * torch.cos(angles)) @ xi + (heights * torch.sin(angles)) @ eta
    return points


def build(options: DriftOptions, *, prior: Prior = "gaussian") -> Path2Codes:
    """Return the closed path that wanders from its first key; a sphere keeps its length.

    Codes may have any shape; each is treated as one vector.
    """

    def path(keys: Tensor, u: Tensor) -> Tensor:
        key = vectors(keys)[0]
        codes = drift(key, u, wander=options.wander, seed=options.seed)
        if prior == "sphere":
            lengths = vector_norm(codes, dim=-1, keepdim=True)
            codes = codes * (vector_norm(key) / lengths.clamp_min(torch.finfo(codes.dtype).tiny))
        return shaped(codes, keys)

    return path

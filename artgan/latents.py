"""Latents: seed lists, and the one function that draws them. No networks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from artgan.api import ConfigError, Prior
from artgan.screen import safe

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["MAX_SEEDS", "derive", "draw", "draw_batch", "generator", "parse_seeds", "to_prior"]

MAX_SEEDS = 1_000_000


def parse_seeds(text: str) -> list[int]:
    """Return the seeds of a list such as "3,17,40-43", in order, both ends of a range included.

    Raises:
        ConfigError: it is not such a list.

    >>> parse_seeds("3,17,40-43")
    [3, 17, 40, 41, 42, 43]
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,18})\s*(?:-\s*([0-9]{1,18})\s*)?", part, re.ASCII)
        if match is None:
            raise ConfigError(
                f"seeds {safe(repr(text))}: expected numbers and ranges, such as 3,17,40-43"
            )
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if last < first:
            raise ConfigError(f"seeds {safe(repr(text))}: range {first}-{last} runs backwards")
        if last - first + len(seeds) >= MAX_SEEDS:
            raise ConfigError(f"seeds {safe(repr(text))}: more than {MAX_SEEDS:,}")
        seeds.extend(range(first, last + 1))
    return seeds


def derive(seed: int, purpose: str, *numbers: int) -> int:
    """Return a seed in [0, 2^63) that is a fixed mix of a seed, a purpose and numbers.

    >>> derive(0, "latents", 64) == derive(0, "latents", 64) != derive(0, "order", 64)
    True
    """
    text = "\0".join([str(seed), purpose, *map(str, numbers)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int) -> torch.Generator:
    """Return a CPU generator at a seed; 0 is a seed like any other."""
    import torch

    return torch.Generator("cpu").manual_seed(seed)


def to_prior(z: Tensor, prior: Prior) -> Tensor:
    """Return Gaussian draws (N, z_dim) under a prior; a sphere has radius sqrt(z_dim)."""
    import torch

    if prior == "gaussian":
        return z
    radius = float(z.shape[-1]) ** 0.5
    scaled: Tensor = z * (radius / torch.linalg.vector_norm(z, dim=-1, keepdim=True))
    return scaled


def draw(seeds: Sequence[int], z_dim: int, prior: Prior) -> Tensor:
    """Return the latents of seeds, (len(seeds), z_dim), on the CPU.

    Each depends on its own seed alone, so neither the number of seeds nor the device changes it.
    """
    import torch

    rows = [torch.randn(z_dim, generator=generator(seed)) for seed in seeds]
    return to_prior(torch.stack(rows), prior) if rows else torch.empty(0, z_dim)


def draw_batch(seed: int, count: int, z_dim: int, prior: Prior) -> Tensor:
    """Return count latents drawn from one seed, (count, z_dim), on the CPU: for training."""
    import torch

    return to_prior(torch.randn(count, z_dim, generator=generator(seed)), prior)

"""How quick training is on this machine, from a few steps on made-up pictures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from artgan.training import Trainer

__all__ = ["measure_speed"]


def measure_speed(trainer: Trainer, steps: int = 6) -> float:
    """Return pictures a second over a few steps with made-up pictures, after one to warm up.

    Batches of pictures above 128 px are made smaller for it. The trainer is spoilt by it.
    """
    config = trainer.config
    assert config.batch is not None
    height, width = config.side
    batch = min(config.batch, max(2, config.batch * 128 * 128 // (height * width)))
    reals = torch.randint(0, 256, (batch, config.channels, height, width), dtype=torch.uint8)
    with torch.random.fork_rng(devices=[]):
        trainer.step(reals)
        began = time.monotonic()
        for _ in range(steps):
            trainer.step(reals)
        return steps * batch / max(time.monotonic() - began, 1e-9)

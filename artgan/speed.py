"""How quick training is on this machine, from a few steps on made-up pictures."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from artgan.api import Stage
    from artgan.training import Trainer

__all__ = ["measure_speed", "pictures_in"]

NOMINAL = 1_000_000
"""Pictures of a run whose length is not known."""

PARTS = 200
"""Moments of a run that a growing network is looked at in, evenly spread."""

TRIES = 40


def measure_speed(trainer: Trainer, steps: int = 6) -> float:
    """Return pictures a second over a few steps with made-up pictures, after one to warm up.

    Of networks that grow it is the mean over the run. Batches of pictures above 128 px are made
    smaller for it. The trainer is spoilt by it.
    """
    if trainer.networks.stage is None:
        return 1 / _seconds(trainer, steps)
    total = trainer.planned_nimg or NOMINAL
    return total / _Pace(trainer, steps).seconds(total)


def pictures_in(
    trainer: Trainer,
    seconds: float,
    begin: int = 0,
    planned: int | None = None,
    *,
    steps: int = 3,
) -> int:
    """Return how many pictures networks that grow are shown in a time, more or less.

    Args:
        trainer: spoilt by it.
        seconds: how much there is.
        begin: pictures that were shown before.
        planned: where the run was planned to end, which is what growing goes by; 0 for networks
            that are grown from the start, None where the run is planned now.
        steps: that each speed is measured on.
    """
    pace = _Pace(trainer, steps)
    low, high = 1.0, 1e10
    for _ in range(TRIES):
        middle = (low * high) ** 0.5
        enough = pace.seconds(begin + round(middle), begin, planned) >= seconds
        low, high = (low, middle) if enough else (middle, high)
    return round(low)


class _Pace:
    """Seconds a picture at each stage of a network that grows, measured when first asked for."""

    def __init__(self, trainer: Trainer, steps: int) -> None:
        self.trainer = trainer
        self.steps = steps
        self._known: dict[tuple[int, bool, int], float] = {}

    def seconds(self, total: int, begin: int = 0, planned: int | None = None) -> float:
        """Return how long a run takes from one number of pictures to another; see `pictures_in`."""
        planned, left = total if planned is None else planned, total - begin
        shown = [begin + left * (2 * i + 1) // (2 * PARTS) for i in range(PARTS)]
        moments = [self.trainer.planned_stage(each, planned) for each in shown]
        shares = Counter((each.scales, each.fade < 1, each.batch) for each in moments)
        by_key = {(each.scales, each.fade < 1, each.batch): each for each in moments}
        means = [n / PARTS * self.seconds_a_picture(by_key[key]) for key, n in shares.items()]
        return left * sum(means)

    def seconds_a_picture(self, stage: Stage) -> float:
        """Return the seconds a picture takes at a stage."""
        key = (stage.scales, stage.fade < 1, stage.batch)
        if key not in self._known:
            self._known[key] = _seconds(self.trainer, self.steps, stage)
        return self._known[key]


def _seconds(trainer: Trainer, steps: int, stage: Stage | None = None) -> float:
    """Return the seconds a picture takes, at a stage where there are some."""
    config = trainer.config
    assert config.batch is not None
    height, width = config.side
    most = config.batch * (1 if stage is None else stage.batch)
    batch = min(most, max(2, config.batch * 128 * 128 // (height * width)))
    reals = torch.randint(0, 256, (batch, config.channels, height, width), dtype=torch.uint8)
    trainer.held_at = stage
    with torch.random.fork_rng(devices=[]):
        trainer.step(reals)
        began = time.monotonic()
        for _ in range(steps):
            trainer.step(reals)
        return max(time.monotonic() - began, 1e-9) / (steps * batch)

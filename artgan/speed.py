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


def pictures_in(trainer: Trainer, seconds: float, begin: int = 0, steps: int = 3) -> int:
    """Return how many pictures networks that grow are shown in a time, more or less.

    Args:
        trainer: spoilt by it.
        seconds: how much there is.
        begin: pictures that were shown before; with some, all of them are taken as grown.
        steps: that each speed is measured on.
    """
    pace = _Pace(trainer, steps)
    if begin:
        return round(seconds / pace.seconds_a_picture(trainer.networks.stage(NOMINAL, NOMINAL)))  # type: ignore[misc]
    low, high = 1.0, 1e10
    for _ in range(TRIES):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if pace.seconds(round(middle)) < seconds else (low, middle)
    return round(low)


class _Pace:
    """Seconds a picture at each stage of a network that grows, measured when first asked for."""

    def __init__(self, trainer: Trainer, steps: int) -> None:
        self.trainer = trainer
        self.steps = steps
        self._known: dict[tuple[int, bool, int], float] = {}

    def seconds(self, total: int) -> float:
        """Return how long a run of so many pictures takes."""
        stage = self.trainer.networks.stage
        assert stage is not None
        moments = [stage(total * (2 * i + 1) // (2 * PARTS), total) for i in range(PARTS)]
        shares = Counter((each.scales, each.fade < 1, each.batch) for each in moments)
        by_key = {(each.scales, each.fade < 1, each.batch): each for each in moments}
        means = [n / PARTS * self.seconds_a_picture(by_key[key]) for key, n in shares.items()]
        return total * sum(means)

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

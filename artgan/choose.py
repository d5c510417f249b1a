"""Chooses what the user left open, from the pictures and the machine, and says why. No torch."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from artgan.api import Architecture, Objective, Size
from artgan.config import TrainConfig, check_size, format_size
from artgan.screen import plural

__all__ = ["CPU_SIDE", "SIDES", "Choice", "choose", "recommend_batch", "recommend_size"]

SIDES = (32, 64, 128, 256, 512)
"""Square sizes that are chosen from."""

CPU_SIDE = 64
"""The largest size chosen for a machine without a GPU: about an hour's training."""


@dataclass(frozen=True)
class Choice:
    """Settings with nothing left open, and a line of reason for each that was chosen."""

    config: TrainConfig
    reasons: tuple[str, ...]


def recommend_size(sides: Sequence[tuple[int, int]], record: Architecture, *, gpu: bool) -> Size:
    """Return the size to train at: no larger than half the pictures are, or the machine bears.

    Args:
        sides: (width, height) of each picture in pixels.
        record: the architecture.
        gpu: whether there is one.
    """
    median = statistics.median(min(pair) for pair in sides) if sides else CPU_SIDE
    most = min(record.max_side, max(SIDES) if gpu else CPU_SIDE)
    fitting = [side for side in SIDES if record.min_side <= side <= min(median, most)]
    side = max(fitting, default=max(record.min_side, min(SIDES[0], most)))
    return side, side


def recommend_batch(size: Size, *, gpu: bool) -> int:
    """Return the pictures in a step: fewer above 128 px, where memory is what is short.

    >>> [recommend_batch((side, side), gpu=False) for side in (64, 128, 256, 512)]
    [32, 32, 16, 8]
    """
    usual = 64 if gpu else 32
    doublings = max(0, (max(size) - 1).bit_length() - 7)
    return max(8, usual >> doublings)


def choose(
    config: TrainConfig,
    record: Architecture,
    objective: Objective,
    sides: Sequence[tuple[int, int]],
    *,
    gpu: bool,
) -> Choice:
    """Return settings with nothing left open.

    Args:
        config: what the user set.
        record, objective: what `config` names.
        sides: (width, height) of each usable picture.
        gpu: whether there is one.

    Raises:
        ConfigError: the architecture cannot draw the size.
    """
    set_: dict[str, object] = {}
    reasons = []
    count = len(sides)
    machine = "a GPU" if gpu else "no GPU"

    if config.size is None:
        size = recommend_size(sides, record, gpu=gpu)
        set_["size"] = size
        median = statistics.median(min(pair) for pair in sides) if sides else 0
        reasons.append(
            f"size {format_size(size)}: half of the pictures are {median:g} px or less on their "
            f"short side, and there is {machine}"
        )
    else:
        size = config.size
    check_size(size, record)

    batch = config.batch
    if batch is None:
        batch = recommend_batch(size, gpu=gpu)
        set_["batch"] = batch
        reasons.append(
            f"batch {batch}: suits {'a GPU' if gpu else 'a CPU'} at {format_size(size)} px"
        )
    if config.kimg is None and config.minutes is None:
        kimg = float(min(1000, max(100, round(count / 10)))) * (4 if gpu else 1)
        set_["kimg"] = kimg
        reasons.append(
            f"length {kimg:g} kimg: each of {plural(count, 'picture')} is shown about "
            f"{kimg * 1000 / max(count, 1):,.0f} times; stop earlier with Ctrl-C at any time"
        )
    rates = {"g_lr": config.g_lr, "d_lr": config.d_lr}
    for name, rate in rates.items():
        if rate is None:
            set_[name] = record.default_lr
    if config.ema_kimg is None:
        set_["ema_kimg"] = 10 * batch / 32
    if config.regularizers is None:
        set_["regularizers"] = objective.default_regularizers
        if objective.default_regularizers:
            names = ", ".join(objective.default_regularizers)
            reasons.append(f"regularizer {names}: what '{objective.name}' is steady with")
    return Choice(config.model_copy(update=set_), tuple(reasons))

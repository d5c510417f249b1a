"""Chooses what the user left open, from the pictures and the machine, and says why. No torch."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from artgan.api import Architecture, ConfigError, Objective, Regularizer, Size
from artgan.config import TrainConfig, check_size, format_size
from artgan.screen import plural

__all__ = [
    "CPU_SIDE",
    "SIDES",
    "Choice",
    "Facts",
    "choose",
    "pick_architecture",
    "recommend_batch",
    "recommend_size",
]

SIDES = (32, 64, 128, 256, 512)
"""Square sizes that are chosen from."""

CPU_SIDE = 64
"""The largest size chosen for a machine without a GPU: about an hour's training."""

SMALL, LARGE = "dcgan", "msg-gan"
LARGE_FROM = 128
"""Architectures that are chosen below this side in pixels, and from it on."""

FEW = 2000
"""With fewer pictures than this D is shown augmented ones: it would know them by heart."""

DECAY = 0.7
"""Share of a run over which rates fall."""

GAMMA = 3e-3
VARIETY = 0.35
"""Weight of a squared gradient, for each pixel of pictures with this variety."""


@dataclass(frozen=True)
class Choice:
    """Settings with nothing left open, and a line of reason for each that was chosen."""

    config: TrainConfig
    reasons: tuple[str, ...]


def recommend_size(
    sides: Sequence[tuple[int, int]], record: Architecture | None, *, gpu: bool
) -> Size:
    """Return the size to train at: no larger than half the pictures are, or the machine bears.

    Args:
        sides: (width, height) of each picture in pixels.
        record: the architecture; None while it is open.
        gpu: whether there is one.
    """
    low, high = (record.min_side, record.max_side) if record else (SIDES[0], SIDES[-1])
    median = statistics.median(min(pair) for pair in sides) if sides else CPU_SIDE
    most = min(high, max(SIDES) if gpu else CPU_SIDE)
    fitting = [side for side in SIDES if low <= side <= min(median, most)]
    side = max(fitting, default=max(low, min(SIDES[0], most)))
    return side, side


def pick_architecture(
    config: TrainConfig, sides: Sequence[tuple[int, int]], *, gpu: bool
) -> tuple[str, str]:
    """Return the architecture of a run and why, "" where the user said so.

    Args:
        config: what the user set.
        sides: (width, height) of each picture in pixels; they matter where no size is set.
        gpu: whether there is one.
    """
    if config.arch is not None:
        return config.arch, ""
    size = config.size or recommend_size(sides, None, gpu=gpu)
    if min(size) < LARGE_FROM:
        return SMALL, f"architecture {SMALL}: learns most in a given time below {LARGE_FROM} px"
    return LARGE, f"architecture {LARGE}: stays steady from {LARGE_FROM} px on"


def recommend_batch(size: Size, *, gpu: bool) -> int:
    """Return the pictures in a step: fewer above 128 px, where memory is what is short.

    >>> [recommend_batch((side, side), gpu=False) for side in (64, 128, 256, 512)]
    [32, 32, 16, 8]
    """
    usual = 64 if gpu else 32
    doublings = max(0, (max(size) - 1).bit_length() - 7)
    return max(8, usual >> doublings)


@dataclass(frozen=True)
class Facts:
    """What is known of the pictures and the machine.

    Attributes:
        sides: (width, height) of each usable picture in pixels.
        gpu: whether there is one.
        bfloat16: whether the machine is quicker with it.
        variety: how different pictures are (`artgan.data.variety`); None if unknown.
    """

    sides: Sequence[tuple[int, int]]
    gpu: bool
    bfloat16: bool = False
    variety: float | None = None


def choose(
    config: TrainConfig,
    record: Architecture,
    objective: Objective,
    regularizers: Sequence[Regularizer],
    facts: Facts,
) -> Choice:
    """Return settings with nothing left open.

    Args:
        config: what the user set.
        record, objective: what `config` names.
        regularizers: those of the config, or else the objective's own.
        facts: what is known.

    Raises:
        ConfigError: the architecture cannot draw the size.
    """
    set_: dict[str, object] = {"arch": config.arch or record.name}
    reasons: list[str] = []
    count = len(facts.sides)
    size = _size(config, record, facts, set_, reasons)
    batch = config.batch
    if batch is None:
        batch = recommend_batch(size, gpu=facts.gpu)
        set_["batch"] = batch
        machine = "a GPU" if facts.gpu else "a CPU"
        reasons.append(f"batch {batch}: suits {machine} at {format_size(size)} px")
    _length(config, count, facts, set_, reasons)
    for name in ("g_lr", "d_lr"):
        if getattr(config, name) is None:
            quick = record.gpu_lr if facts.gpu else None
            set_[name] = record.default_lr if quick is None else quick
    if config.decay is None:
        set_["decay"] = DECAY
    if config.ema_kimg is None:
        set_["ema_kimg"] = 10 * batch / 32
    if config.precision == "auto":
        set_["precision"] = "bfloat16" if facts.bfloat16 else "float32"
        if facts.bfloat16:
            reasons.append("precision bfloat16: this machine multiplies it quicker")
    if record.adversarial:
        _augmentation(config, count, set_, reasons)
    else:
        regularizers = _nothing_to_balance(config, record, set_)
    set_["components"] = _options(config, record, regularizers, size, facts, reasons)
    if config.regularizers is None and record.adversarial:
        set_["regularizers"] = objective.default_regularizers
        if objective.default_regularizers:
            names = ", ".join(objective.default_regularizers)
            reasons.append(f"regularizer {names}: what '{objective.name}' is steady with")
    return Choice(config.model_copy(update=set_), tuple(reasons))


def _size(
    config: TrainConfig,
    record: Architecture,
    facts: Facts,
    set_: dict[str, object],
    reasons: list[str],
) -> Size:
    size = config.size
    if size is None:
        size = recommend_size(facts.sides, record, gpu=facts.gpu)
        set_["size"] = size
        median = statistics.median(min(pair) for pair in facts.sides) if facts.sides else 0
        machine = "a GPU" if facts.gpu else "no GPU"
        reasons.append(
            f"size {format_size(size)}: half of the pictures are {median:g} px or less on their "
            f"short side, and there is {machine}"
        )
    check_size(size, record)
    return size


def _length(
    config: TrainConfig, count: int, facts: Facts, set_: dict[str, object], reasons: list[str]
) -> None:
    if config.kimg is not None or config.minutes is not None:
        return
    kimg = float(min(1000, max(100, round(count / 10)))) * (4 if facts.gpu else 1)
    set_["kimg"] = kimg
    reasons.append(
        f"length {kimg:g} kimg: each of {plural(count, 'picture')} is shown about "
        f"{kimg * 1000 / max(count, 1):,.0f} times; stop earlier with Ctrl-C at any time"
    )


def _augmentation(
    config: TrainConfig, count: int, set_: dict[str, object], reasons: list[str]
) -> None:
    """Choose augmentations, their strength, and the policies that go with them."""
    augmentations = config.augmentations
    if augmentations is None:
        wants = count < FEW or bool(config.strength) or "ada" in (config.policies or ())
        augmentations = ("diffaugment",) if wants else ()
        set_["augmentations"] = augmentations
        if wants and count < FEW:
            reasons.append(
                f"augmentation diffaugment: {plural(count, 'picture')} would be known by heart"
            )
    if config.strength is None:
        set_["strength"] = 0.0
    if config.policies is None:
        adaptive = "diffaugment" in augmentations and config.strength is None
        set_["policies"] = ("one-to-one", "ada") if adaptive else ("one-to-one",)
        if adaptive:
            reasons.append("policy ada: as strong as the discriminator needs, from 0 up")


def _nothing_to_balance(
    config: TrainConfig, record: Architecture, set_: dict[str, object]
) -> Sequence[Regularizer]:
    """Leave out what is of a discriminator, for an architecture that has none.

    Raises:
        ConfigError: the user asked for some of that.
    """
    flags = {
        "regularizers": "--regularizer",
        "augmentations": "--augment",
        "policies": "--policy",
        "strength": "--strength",
    }
    for name, flag in flags.items():
        if getattr(config, name):
            raise ConfigError(
                f"{flag} is of a discriminator, and architecture '{record.name}' has none: "
                "leave it out"
            )
    set_.update(regularizers=(), augmentations=(), policies=(), strength=0.0)
    return ()


def _options(
    config: TrainConfig,
    record: Architecture,
    regularizers: Sequence[Regularizer],
    size: Size,
    facts: Facts,
    reasons: list[str],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the component tables with what is chosen for this machine and these pictures."""
    tables = {
        kind: {name: dict(table) for name, table in own.items()}
        for kind, own in config.components.items()
    }
    preset = record.on_gpu if facts.gpu else record.on_cpu
    own = tables.setdefault(record.kind, {}).setdefault(config.arch or record.name, {})
    if not any(option in own for option, _ in preset):  # they go together
        for option, value in preset:
            own[option] = value
            reasons.append(f"{option} {value}: suits {'a GPU' if facts.gpu else 'a CPU'}")
    for regularizer in regularizers:
        table = tables.setdefault(regularizer.kind, {}).setdefault(regularizer.name, {})
        if regularizer.strength and table.get(regularizer.strength) is None:
            variety = VARIETY if facts.variety is None else max(facts.variety, 0.02)
            weight = float(f"{GAMMA * size[0] * size[1] * (variety / VARIETY) ** 2:.3g}")
            table[regularizer.strength] = weight
            reasons.append(
                f"{regularizer.name} {regularizer.strength} {weight:g}: for "
                f"{size[0] * size[1]:,} pixels"
                + ("" if facts.variety is None else f", and pictures {variety:.2f} apart")
            )
    return tables

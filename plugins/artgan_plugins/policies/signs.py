"""What the figures of a run say about its state: pure functions, from numbers to a finding."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from artgan.api import is_better

if TYPE_CHECKING:
    from artgan.api import Objective, Statistics
    from artgan_plugins.policies.options import DoctorOptions

__all__ = [
    "ADVICE",
    "COLLAPSING",
    "CONVERGED",
    "COPYING",
    "DIVERGED",
    "D_AHEAD",
    "G_AHEAD",
    "LEARNING",
    "Finding",
    "Measured",
    "examine",
]

LEARNING = "learning"
D_AHEAD = "D ahead"
G_AHEAD = "G ahead"
COLLAPSING = "collapsing"
COPYING = "copying"
DIVERGED = "diverged"
CONVERGED = "converged"

ADVICE = {
    D_AHEAD: "The discriminator is too strong to learn from: try --augment diffaugment "
    "--policy ada, or half the --d-lr.",
    G_AHEAD: "The discriminator cannot follow: try half the --g-lr, or less --strength where it "
    "augments.",
    COLLAPSING: "The pictures become all alike: try --augment diffaugment --policy ada, or half "
    "the --g-lr and --d-lr.",
    COPYING: "There are too few pictures to do anything but copy them: add more, or start from a "
    "run on similar ones with --init-from RUN.",
    DIVERGED: "Training got out of hand: try half the --g-lr and --d-lr.",
    CONVERGED: "It is done: draw from its best checkpoint, or train at a larger --size for more.",
}
"""What somebody who trains again may try, by state; nothing where all is well."""

AHEAD = 0.9
BEHIND = 0.05
"""Sign accuracies beyond which one network may be too far ahead of the other."""

STARVED = 0.1
"""A gradient, in parts of its median, that leaves nothing to learn from."""

LARGE = 10.0
"""A loss or gradient below this is never far too large."""

FEW_TICKS = 5
"""Ticks before which nothing is said to be unusual."""

FEW_PICTURES = 16
"""With fewer pictures than this their own diversity is too uncertain to compare with."""

STALE = 3
"""Measurements without improvement after which learning is not said to go on."""

LATE = 0.4
"""The share of a run before which it is not called converged."""

_LOSSES = ("D/adversarial", "G/adversarial")
_NORMS = ("D/gradient", "G/gradient")


@dataclass(frozen=True)
class Measured:
    """What is remembered of a measurement; None is unknown.

    Attributes:
        cur_nimg: pictures shown before it.
        score: lower is better.
        diversity: of the fakes, in parts of the reals' own.
        copies: share of fakes that are copies, beyond what is usual among reals.
    """

    cur_nimg: int
    score: float | None = None
    diversity: float | None = None
    copies: float | None = None


@dataclass(frozen=True)
class Finding:
    """What is seen.

    Attributes:
        state: one of the states above.
        evidence: why it is named so, in words.
        varied: whether the pictures are varied.
        fell: for a collapse, whether they were varied before.
        measured: whether the evidence is of measurements, which come less often than ticks.
    """

    state: str
    evidence: str
    varied: bool = False
    fell: bool = False
    measured: bool = False

    @property
    def sentence(self) -> str:
        """Return both in a sentence."""
        return f"{self.state}: {self.evidence}" if self.evidence else self.state


def examine(
    options: DoctorOptions,
    objective: Objective,
    ticks: Sequence[Mapping[str, float]],
    measured: Sequence[Measured],
    stats: Statistics,
) -> Finding:
    """Return the state that the figures show, the gravest first.

    Args:
        options: where the lines are drawn.
        objective: says what a loss can tell.
        ticks: figures of the last ticks, this one last.
        measured: all measurements so far.
        stats: of this tick.
    """
    exploded = _exploded(options, objective, ticks)
    if exploded:
        return Finding(DIVERGED, exploded)
    early = stats.cur_nimg < options.wait_kimg * 1000
    last = measured[-1] if measured else None
    varied = last is not None and last.diversity is not None and last.diversity >= options.varied
    if not early:
        many = stats.pictures >= FEW_PICTURES or stats.pictures == 0
        collapsed = _collapsed(options, measured) if many else ""
        if collapsed:
            fell = _was_varied(options, measured)
            return Finding(COLLAPSING, collapsed, fell=fell, measured=True)
        copied = _copied(options, measured)
        if copied:
            return Finding(COPYING, copied, varied, measured=True)
        if many and _since_best(measured) >= options.patience and _is_late(stats):
            evidence = f"nothing improved in {_since_best(measured)} measurements"
            return Finding(CONVERGED, evidence, varied)
        for judge in (_d_ahead, _g_ahead):
            finding = judge(options, ticks, measured)
            if finding is not None:
                return dataclasses.replace(finding, varied=varied)
    return Finding(LEARNING, _progress(ticks[-1], measured, early), varied)


def _is_late(stats: Statistics) -> bool:
    return stats.total_nimg is None or stats.cur_nimg >= LATE * stats.total_nimg


def _exploded(
    options: DoctorOptions, objective: Objective, ticks: Sequence[Mapping[str, float]]
) -> str:
    """Return what grew out of all bounds, "" if nothing did.

    What is next to nothing may well become a hundred times as much in a healthy run: only what is
    large in itself, and far above all that was, counts.
    """
    now, before = ticks[-1], ticks[:-1]
    bounded = objective.parity is not None or objective.relativistic
    for name in (*_LOSSES, *_NORMS):
        value = abs(now.get(name, 0.0))
        if name in _LOSSES and bounded and value > options.explode:
            return f"the loss {name} is {value:.3g}, where a few units are usual"
        most = max((abs(tick[name]) for tick in before if name in tick), default=None)
        if most is None or len(before) < FEW_TICKS:
            continue
        if value > options.explode * max(most, LARGE):
            return f"{name} is {value:.3g}, {value / max(most, 1e-9):.0f} times its highest so far"
    return ""


def _median(ticks: Sequence[Mapping[str, float]], name: str) -> float | None:
    """Return the median size of a figure over ticks, None if there are too few to tell."""
    values = [abs(tick[name]) for tick in ticks if name in tick]
    return statistics.median(values) if len(values) >= FEW_TICKS else None


def _collapsed(options: DoctorOptions, measured: Sequence[Measured]) -> str:
    known = [m for m in measured if m.diversity is not None]
    if not known:
        return ""
    last, diversity = known[-1], known[-1].diversity
    assert diversity is not None
    peak = max(m.diversity or 0.0 for m in known)
    fell = _was_varied(options, measured)
    overdue = last.cur_nimg >= 8 * options.wait_kimg * 1000
    if diversity >= options.varied or not (fell or overdue):
        return ""
    text = f"the pictures differ {diversity:.2f} times as much as the real ones do"
    return f"{text}, after {peak:.2f}" if fell else text


def _was_varied(options: DoctorOptions, measured: Sequence[Measured]) -> bool:
    """Return whether pictures were clearly varied at some time."""
    return any((m.diversity or 0.0) >= 1.2 * options.varied for m in measured)


def _copied(options: DoctorOptions, measured: Sequence[Measured]) -> str:
    known = [m.copies for m in measured if m.copies is not None][-2:]
    if len(known) < 2 or min(known) < options.copies:
        return ""
    return (
        f"{known[-1]:.0%} of the pictures, beyond what is usual among real ones, are nearer to a "
        "real one than its own neighbours are"
    )


def _since_best(measured: Sequence[Measured]) -> int:
    """Return how many measurements have passed since the score last improved."""
    best, since = math.inf, 0
    for each in measured:
        if each.score is None:
            continue
        if is_better(each.score, best):
            best, since = each.score, 0
        else:
            since += 1
    return since


def _recent(
    ticks: Sequence[Mapping[str, float]], count: int, name: str
) -> tuple[list[float], float | None]:
    """Return a figure's last values, none if there are too few, and its median before them."""
    values = [tick[name] for tick in ticks[-count:] if name in tick]
    return (values if len(values) == count else []), _median(ticks[:-count], name)


def _d_ahead(
    options: DoctorOptions, ticks: Sequence[Mapping[str, float]], measured: Sequence[Measured]
) -> Finding | None:
    accuracy, _ = _recent(ticks, options.ticks, "sign_accuracy")
    if not accuracy or min(accuracy) <= AHEAD:
        return None
    starved = _starved(options, ticks, "G/gradient")
    if starved is None and _since_best(measured) < STALE:
        return None  # a generator that still improves is left alone
    why = starved or "and the pictures no longer improve"
    evidence = f"sign accuracy {accuracy[-1]:+.2f} for {len(accuracy)} ticks, {why}"
    return Finding(D_AHEAD, evidence, measured=starved is None)


def _g_ahead(
    options: DoctorOptions, ticks: Sequence[Mapping[str, float]], measured: Sequence[Measured]
) -> Finding | None:
    accuracy, _ = _recent(ticks, options.ticks, "sign_accuracy")
    if not accuracy or max(accuracy) >= BEHIND:
        return None
    starved = _starved(options, ticks, "D/gradient")
    if starved is None and _since_best(measured) < STALE:
        return None
    why = starved or "and the pictures no longer improve"
    evidence = f"sign accuracy {accuracy[-1]:+.2f} for {len(accuracy)} ticks, {why}"
    return Finding(G_AHEAD, evidence, measured=starved is None)


def _starved(options: DoctorOptions, ticks: Sequence[Mapping[str, float]], name: str) -> str | None:
    norms, usual = _recent(ticks, options.ticks, name)
    if not norms or usual is None or max(norms) >= STARVED * usual:
        return None
    who = "generator" if name[0] == "G" else "discriminator"
    return f"and the {who}'s gradient is {norms[-1] / usual:.0%} of its median"


def _progress(now: Mapping[str, float], measured: Sequence[Measured], early: bool) -> str:
    """Return what can be said of a run that goes well."""
    if early:
        return "too early to judge"
    parts = []
    if "sign_accuracy" in now:
        parts.append(f"sign accuracy {now['sign_accuracy']:+.2f}")
    since = _since_best(measured)
    if measured and measured[-1].diversity is not None:
        parts.append(f"diversity {measured[-1].diversity:.2f} of the reals'")
    if measured and measured[-1].score is not None:
        ago = f"{since} measurement{'' if since == 1 else 's'} ago"
        parts.append("still improving" if since == 0 else f"best {ago}")
    return ", ".join(parts)

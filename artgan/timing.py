"""Timing: where on its path a walk is at each moment. Pure functions; draws nothing.

Time runs from 0 to 1 over a film, position from 0 to 1 over a path. Between them lies the *arc*,
how far along the path something is, measured by what is to be seen: at an even pace of the arc
every frame differs from the last by as much.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artgan.api import ConfigError

__all__ = ["EASINGS", "Arc", "beat_times", "film_times", "moving_share", "place"]

Numbers = NDArray[np.float64]

_STILL = 1e-9
"""The length of an arc, in unit levels, below which nothing is to be seen of it."""

_BACK = 1.70158
_LEAST_MOVING = 0.1
"""The share of a film that has to be left to move in."""


def _expo(t: Numbers) -> Numbers:
    early = (2 ** (20 * t - 10) - 2**-10) / (2 - 2**-9)
    late = 1 - (2 ** (10 - 20 * t) - 2**-10) / (2 - 2**-9)
    return np.where(t < 0.5, early, late)


def _back(t: Numbers) -> Numbers:
    """Draw back a little before, and go a little too far; each half mirrors the other."""
    k = _BACK * 1.525

    def early(s: Numbers) -> Numbers:
        return (2 * s) ** 2 * ((k + 1) * 2 * s - k) / 2

    return np.where(t < 0.5, early(t), 1 - early(1 - t))


def _bounce(t: Numbers) -> Numbers:
    """Fall on the end and jump three times, each time half as long."""
    s = t * 2.75
    out = 7.5625 * (t - 2.625 / 2.75) ** 2 + 0.984375
    out = np.where(s < 2.5, 7.5625 * (t - 2.25 / 2.75) ** 2 + 0.9375, out)
    out = np.where(s < 2, 7.5625 * (t - 1.5 / 2.75) ** 2 + 0.75, out)
    return np.where(s < 1, 7.5625 * t * t, out)


EASINGS: dict[str, Callable[[Numbers], Numbers]] = {
    "linear": lambda t: t,
    "sine": lambda t: (1 - np.cos(math.pi * t)) / 2,
    "quad": lambda t: np.where(t < 0.5, 2 * t * t, 1 - 2 * (1 - t) ** 2),
    "cubic": lambda t: np.where(t < 0.5, 4 * t**3, 1 - 4 * (1 - t) ** 3),
    "smooth": lambda t: t * t * (3 - 2 * t),
    "smoother": lambda t: t * t * t * (t * (6 * t - 15) + 10),
    "expo": _expo,
    "back": _back,
    "bounce": _bounce,
}
"""Name -> the share of the way from key to key that is done at a share t of its time; 0 -> 0 and
1 -> 1. `back` goes beyond both for a while."""


@dataclass(frozen=True)
class Arc:
    """How far along a path something is.

    Attributes:
        u: positions, rising from 0 to 1, (M,).
        s: the way up to them, from 0 to 1, (M,).
        length: the whole way in unit levels, 0 where it was not measured.
    """

    u: Numbers
    s: Numbers
    length: float = 0.0

    @classmethod
    def even(cls) -> Arc:
        """Return the arc of a path whose pace is that of its positions."""
        ends = np.array([0.0, 1.0])
        return cls(ends, ends)

    @classmethod
    def measured(cls, u: Numbers, steps: Numbers) -> Arc:
        """Return the arc of a path on which neighbouring positions look so different.

        Args:
            u: positions, rising from 0 to 1, (M,).
            steps: the difference from each to the next, (M - 1,), not negative; where there is
                none at all, positions hold.
        """
        length = float(steps.sum())
        if length < _STILL:
            return cls.even()
        return cls(u, np.concatenate([[0.0], np.cumsum(steps)]) / length, length)

    def way(self, u: Numbers) -> Numbers:
        """Return how far positions in [0, 1] are along."""
        return np.interp(u, self.u, self.s)

    def at(self, s: Numbers) -> Numbers:
        """Return the positions that are so far along, s in [0, 1]."""
        return np.interp(s, self.s, self.u)


def film_times(count: int, *, closed: bool) -> Numbers:
    """Return the time of each frame: i / n of a closed film, i / (n - 1) of an open one."""
    return np.arange(count, dtype=np.float64) / (count if closed else max(count - 1, 1))


def beat_times(knots: Numbers, beats: int) -> Numbers:
    """Return times at which keys are met, moved to the nearest beat; the first and last stay.

    Args:
        knots: when they would be met, rising from 0 to 1.
        beats: how many there are in the film. Where they are fewer than the ways from key to key,
            keys are met on half beats, or quarters, and so on.

    >>> beat_times(np.array([0, 1 / 3, 2 / 3, 1]), 4)
    array([0.  , 0.25, 0.75, 1.  ])
    >>> beat_times(np.array([0, 1 / 3, 2 / 3, 1]), 2)
    array([0.  , 0.25, 0.75, 1.  ])
    """
    while beats < len(knots) - 1:
        beats *= 2
    landed = np.rint(knots * beats)
    for i in range(1, len(landed)):  # none is met together with the one before it ...
        landed[i] = max(landed[i], landed[i - 1] + 1)
    landed[-1] = beats
    for i in range(len(landed) - 2, 0, -1):  # ... or with the one after it
        landed[i] = min(landed[i], landed[i + 1] - 1)
    return landed / beats


def moving_share(ways: int, hold: float, *, ends: bool = False) -> float:
    """Return the share of a film that is left to move in.

    Args:
        ways: from key to key.
        hold, ends: see `place`.

    Raises:
        ConfigError: it is too little.
    """
    rests = hold * (ways + 1 if ends else ways)
    if rests > 1 - _LEAST_MOVING:
        raise ConfigError(
            f"holds take {rests:.0%} of the time: give a shorter --hold, fewer --keys, or more "
            "--seconds"
        )
    return 1 - rests


def place(
    times: Numbers,
    arc: Arc,
    *,
    knots: Numbers,
    beats: int | None = None,
    ease: str = "linear",
    hold: float = 0.0,
    closed: bool = True,
    ends: bool = False,
) -> Numbers:
    """Return the positions on a path at times in [0, 1].

    From key to key time is shared out as the arc is long, or as beats say; within that share `ease`
    says how far along the arc the walk is.

    Args:
        times: (N,).
        arc: of the path.
        knots: positions of the keys, rising from 0 to 1, both among them.
        beats: how many beats the film has, on which keys are met; None for none.
        ease: one of `EASINGS`.
        hold: the share of the film that the walk rests at each key: half before it is met and half
            after, or all after where it is met on a beat; there it is cut to nine tenths of the
            time to the next key.
        closed: whether the path ends where it began, so that what goes beyond an end comes in at
            the other one.
        ends: whether the first and the last key are met at one end of the film only, and rested at
            as long as the others nevertheless.

    Raises:
        ConfigError: holds leave no time to move in.
    """
    ways = arc.way(knots)
    ways[0], ways[-1] = 0.0, 1.0
    segments = len(knots) - 1
    after, before = np.full(segments, hold / 2), np.full(segments, hold / 2)
    if beats is None:
        if ends:
            after[0], before[-1] = hold, hold
        moving = moving_share(segments, hold, ends=ends)
        lasting = np.diff(ways) * moving + after + before
        met = np.concatenate([[0.0], np.cumsum(lasting)])
    else:
        moving_share(segments, hold)
        met = beat_times(knots, beats)
        lasting = np.diff(met)
        after, before = np.minimum(hold, (1 - _LEAST_MOVING) * lasting), np.zeros(segments)
    met[-1] = 1.0
    k = np.clip(np.searchsorted(met, times, side="right") - 1, 0, segments - 1)
    lasts = np.maximum((lasting - after - before)[k], 1e-12)
    done = np.clip((times - met[k] - after[k]) / lasts, 0.0, 1.0)
    done = EASINGS[ease](done)
    along = ways[k] + done * (ways[k + 1] - ways[k])
    along = np.mod(along, 1.0) if closed else np.clip(along, 0.0, 1.0)
    return arc.at(along)

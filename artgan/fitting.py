"""Making a file no larger than so much: what gives way, and by how much. Writes nothing.

What is missed least gives way first: some of the rate, then the writer's own quality, then the size
of the picture. How small each makes a file is measured on a short piece; what comes out of it is
measured again on the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["PIECE", "TRIES", "Look", "choose", "looks"]

TRIES = 4
"""How often a file is made at most."""

PIECE = 24
"""Frames of the piece that writers' options are compared on."""

_RATES = (25.0, 20.0, 15.0, 12.5, 10.0, 8.0)
"""Frames a second that a walk may be slowed down to; fewer are no movement any more."""

_SPARE = 0.94
"""The share of what is allowed that is aimed at."""


@dataclass(frozen=True)
class Look:
    """How well an animation looks.

    Attributes:
        step: how many steps of the writer's smaller options are taken.
        fps: frames a second.
        scale: times as large as the network draws.
        share: bytes it is expected to take, in parts of those at the best look.
        loss: how much worse it looks; only the order of them means something.
    """

    step: int
    fps: float
    scale: int
    share: float
    loss: float


def looks(fps: float, scale: int, steps: list[float]) -> list[Look]:
    """Return all looks there are, the best first.

    Args:
        fps: frames a second at best.
        scale: times as large at best.
        steps: bytes after each step of the writer's options, in parts of those before the first,
            which is 1.
    """

    def all_looks() -> Iterator[Look]:
        for step, part in enumerate(steps):
            for rate in [fps, *(rate for rate in _RATES if rate < fps)]:
                for large in range(scale, 0, -1):
                    slower, smaller = fps / rate, scale / large
                    share = part / slower / smaller**1.7
                    yield Look(step, rate, large, share, step + 2.5 * math.log2(slower * smaller))

    return sorted(all_looks(), key=lambda look: (look.loss, look.share))


def choose(found: list[Look], share: float, *, tried: Callable[[Look], bool]) -> Look | None:
    """Return the best look that is expected to take no more than a share, else the smallest.

    None is for a smallest one that was tried already.

    Args:
        found: see `looks`.
        share: what it may take, in parts of the bytes at the best look.
        tried: whether a look was too large already.
    """
    fitting = [look for look in found if look.share <= share * _SPARE and not tried(look)]
    best = fitting[0] if fitting else min(found, key=lambda look: (look.share, look.loss))
    return None if tried(best) else best

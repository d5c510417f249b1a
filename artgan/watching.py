"""What training tells, and whom: states, sums of what is logged, and how a run ended. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from artgan.runs import RunFolder

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Status", "Tally", "TrainResult", "Watcher"]


class Watcher(Protocol):
    """What training tells, and to whom: a live display, a log, a test."""

    def note(self, line: str) -> None:
        """Take a line worth reading."""

    def warn(self, line: str) -> None:
        """Take a line about something that went wrong and was survived."""

    def working(self, what: str, done: int, total: int) -> None:
        """Take the progress of something that precedes training."""

    def step(self, status: Status) -> None:
        """Take the state after a step."""

    def preview(self, pictures: Tensor) -> None:
        """Take pictures of the averaged generator, unit range, (N, C, H, W)."""

    @property
    def preview_count(self) -> int:
        """Return how many pictures a preview wants, 0 for none."""
        ...


@dataclass(frozen=True)
class Status:
    """The state after a step.

    Attributes:
        cur_nimg: pictures shown so far.
        total_nimg: where it ends; None until it is known.
        rate: pictures a second, lately.
        values: running means of what is logged.
        seconds: since this process began training.
        last_save: cur_nimg of the last checkpoint.
        state: what the doctor says of the run; "" if there is none.
    """

    cur_nimg: int
    total_nimg: int | None
    rate: float
    values: Mapping[str, float]
    seconds: float
    last_save: int
    state: str = ""

    @property
    def seconds_left(self) -> float | None:
        """Return how long it will take yet, None while that cannot be said."""
        if self.total_nimg is None or self.rate <= 0:
            return None
        return (self.total_nimg - self.cur_nimg) / self.rate


@dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        run: its folder.
        cur_nimg: pictures shown.
        finished: whether it reached its length, or was ended because it had nothing to gain.
        seconds: trained by this process.
        skipped: pictures that could not be used.
        reason: why it ended before its length, if it ended itself; "" otherwise.
        best: pictures the best checkpoint had seen; None if nothing was measured.
    """

    run: RunFolder
    cur_nimg: int
    finished: bool
    seconds: float
    skipped: int
    reason: str = ""
    best: int | None = None


@dataclass
class Tally:
    """Running sums of what is logged, since the last tick; part of the state."""

    sums: dict[str, list[float]] = field(default_factory=dict)

    def add(self, values: Mapping[str, float]) -> None:
        """Count one step's values."""
        for name, value in values.items():
            entry = self.sums.setdefault(name, [0.0, 0.0])
            entry[0] += value
            entry[1] += 1

    def means(self) -> dict[str, float]:
        """Return the mean of each value."""
        return {name: total / count for name, (total, count) in self.sums.items()}

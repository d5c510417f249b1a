"""A run's past: its statistics as rows, and what a doctor says who is shown them. No torch."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from artgan.api import Statistics
from artgan.curves import Band
from artgan.plugins import blaming
from artgan.runs import RunFolder

if TYPE_CHECKING:
    from artgan.api import Controller
    from artgan.plugins import Entry

__all__ = [
    "PHASES",
    "Finding",
    "Replay",
    "Tick",
    "Treatment",
    "is_figure",
    "natural",
    "read_rows",
    "treatments",
]

PHASES = ("D", "G")
"""What the names of loss terms begin with."""

_CLOCK = ("images_per_second", "seconds")


def natural(value: object) -> int | None:
    """Return a number of pictures or attempts, None if it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        return None
    return value


def _number(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with contextlib.suppress(OverflowError):
        if math.isfinite(value):
            return float(value)
    return None


def is_figure(name: str) -> bool:
    """Return whether a value is a metric's and no loss term."""
    return "/" in name and name.partition("/")[0] not in PHASES


@dataclass(frozen=True)
class Tick:
    """A row of statistics: means since the row before it, and at some ticks figures.

    Attributes:
        attempt: how often the run had been taken back before.
        cur_nimg: pictures shown so far.
        values: name -> number, all finite.
    """

    attempt: int
    cur_nimg: int
    values: Mapping[str, float]

    @property
    def measured(self) -> bool:
        """Return whether metrics are in it."""
        return "score" in self.values or any(map(is_figure, self.values))


@dataclass(frozen=True)
class Treatment:
    """Something that was done about a run in training: what was seen, and what was done.

    Attributes:
        taken_back: whether the run went back to before it. What took it back is not.
    """

    attempt: int
    cur_nimg: int
    state: str
    evidence: str
    remedy: str
    taken_back: bool = False

    def __str__(self) -> str:
        """Return it as one sentence."""
        seen = f"{self.state}: {self.evidence}" if self.evidence else self.state
        return f"{seen}; {self.remedy}{' (taken back)' if self.taken_back else ''}"


@dataclass(frozen=True)
class Finding:
    """A state that a run got into, with the evidence of that moment."""

    attempt: int
    cur_nimg: int
    state: str
    evidence: str


def read_rows(run: RunFolder) -> list[Tick | Treatment]:
    """Return what the statistics of a run tell, in the order of time.

    Torn rows, foreign ones, values that are no finite numbers and ticks that come again are passed
    over.
    """
    found: list[Tick | Treatment] = []
    before = (0, -1)
    for row in run.read_stats():
        cur_nimg, attempt = natural(row["cur_nimg"]), natural(row.get("attempt", 0))
        if cur_nimg is None or attempt is None:
            continue
        if isinstance(row.get("remedy"), str):
            state, evidence, remedy = (
                str(row.get(key, "")) for key in ("doctor", "evidence", "remedy")
            )
            found.append(Treatment(attempt, cur_nimg, state, evidence, remedy))
        elif any("/" in name or name in _CLOCK for name in row) and (attempt, cur_nimg) > before:
            before = (attempt, cur_nimg)
            known = set(row) - {"cur_nimg", "attempt", "state", *_CLOCK}
            values = {name: _number(row[name]) for name in row if name in known}
            found.append(
                Tick(attempt, cur_nimg, {n: v for n, v in values.items() if v is not None})
            )
    return found


def treatments(rows: Iterable[Tick | Treatment], tick: int) -> list[Treatment]:
    """Return what was done, in the order it happened, and whether the run went back to before it.

    Args:
        rows: see `read_rows`.
        tick: pictures between two rows: an attempt begins so many before its first one.
    """
    rows = list(rows)
    begins: dict[int, int] = {}
    for row in rows:
        if isinstance(row, Tick):
            begins.setdefault(row.attempt, row.cur_nimg - tick)
    done = [row for row in rows if isinstance(row, Treatment)]
    done.sort(key=lambda each: (each.attempt, each.cur_nimg))
    found = []
    for place, each in enumerate(done):
        back = min((b for a, b in begins.items() if a > each.attempt), default=math.inf)
        ended = place + 1 == len(done) or done[place + 1].attempt > each.attempt
        found.append(replace(each, taken_back=each.cur_nimg > back and not ended))
    return found


@dataclass
class Replay:
    """A doctor that is shown a run tick by tick and only listened to.

    Attributes:
        build: what makes a doctor that knows nothing yet.
        entry: the component that it is.
        facts: what every `Statistics` holds.
        tick: pictures between two rows.
        now: the state it names, with the evidence of the last moment.
        timeline: the states it named, each when it came up.
        bands: the state at each moment.
    """

    build: Callable[[], Controller]
    entry: Entry
    facts: Mapping[str, Any]
    tick: int
    now: Finding = field(default_factory=lambda: Finding(0, 0, "", ""))
    timeline: list[Finding] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.doctor = self.build()
        self._held: list[Tick] = []

    def play(self, rows: Iterable[Tick | Treatment]) -> None:
        """Show it rows.

        What was seen between two ticks and ended an attempt is known by what was done about it.
        """
        treated: Treatment | None = None
        for row in rows:
            if isinstance(row, Treatment):
                treated = row
                continue
            if self._held and row.attempt != self._held[-1].attempt:
                self._name_treated(treated)
                self._take_back(row.cur_nimg)
            self._held.append(row)
            treated = None
            self._name(Finding(row.attempt, row.cur_nimg, *self._ask(self.doctor, row)))
        self._name_treated(treated)

    def _take_back(self, cur_nimg: int) -> None:
        """Give the doctor the state that it had at a checkpoint before a number of pictures."""
        self._held = [tick for tick in self._held if tick.cur_nimg < cur_nimg]
        then = self.build()
        for tick in self._held:
            self._ask(then, tick)
        with blaming(self.entry):
            self.doctor.restore(then.state(), rolled_back=True)

    def _ask(self, doctor: Controller, tick: Tick) -> tuple[str, str]:
        """Return the state that a doctor names, and the evidence for it."""
        stats = Statistics(
            moment="tick",
            cur_nimg=tick.cur_nimg,
            values=tick.values,
            sound=not tick.values.get("bad"),
            strength=tick.values.get("strength", 0.0),
            measured=tick.measured,
            acts=False,
            attempt=tick.attempt,
            **self.facts,
        )
        with blaming(self.entry):
            said = doctor.observe(stats).state
        state, _, evidence = said.partition(": ")
        return state, evidence

    def _name_treated(self, treated: Treatment | None) -> None:
        if treated is not None and treated.state and treated.state != self.now.state:
            self._name(Finding(treated.attempt, treated.cur_nimg, treated.state, treated.evidence))

    def _name(self, found: Finding) -> None:
        begin = self.now.cur_nimg
        if found.attempt != self.now.attempt:
            begin = max(0, found.cur_nimg - self.tick)
        if (found.attempt, found.state) != (self.now.attempt, self.now.state):
            self.timeline.append(found)
        elif self.bands:
            begin = self.bands.pop().begin
        good = not self.advice(found.state)
        self.bands.append(Band(found.attempt, begin, found.cur_nimg, found.state, good))
        self.now = found

    def advice(self, state: str) -> str:
        """Return what the doctor advises in a state, "" for nothing or if it never does."""
        advise = getattr(self.doctor, "advice", None)
        if advise is None:
            return ""
        with blaming(self.entry):
            return str(advise(state))

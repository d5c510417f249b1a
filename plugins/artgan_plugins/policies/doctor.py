"""The run doctor: what state a run is in, in words, with evidence; and what is done about it.

Judgements are pure functions of the figures (`signs.py`); here is what is remembered, which remedy
comes next, and how often. Every remedy is told in a sentence and recorded as an event.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artgan.api import Action, Objective, Statistics
from artgan.screen import plural
from artgan_plugins.policies.signs import (
    ADVICE,
    COLLAPSING,
    CONVERGED,
    COPYING,
    D_AHEAD,
    DIVERGED,
    G_AHEAD,
    LEARNING,
    Finding,
    Measured,
    examine,
)

if TYPE_CHECKING:
    from artgan.api import Rollback
    from artgan_plugins.policies.options import DoctorOptions

__all__ = ["Doctor", "doctor"]

BAD_STEPS = 3
"""Steps in a row that were not finite, after which skipping them is not enough."""

TOLD = 5
"""Skipped batches that are told."""

LOWEST = 0.125
"""What the rate of one network is taken down to at most, while the run is not taken back."""

TICKS = 64
"""Ticks that are remembered."""

STRONGER = 0.2
"""By how much strength goes up at a time."""


@dataclasses.dataclass
class _Memory:
    """What the doctor remembers; all of it is part of a checkpoint.

    Attributes:
        ticks: figures of the last ticks, oldest first.
        measured: the measurements so far, in brief.
        bad_steps: steps in a row that were not finite.
        rollbacks, remedies: how often each kind was used.
        d_rate, g_rate: the factors it asks for.
        rests_until: pictures until which D rests.
        calm_until: pictures until which no further mild remedy is tried.
        treated: pictures at the last remedy: what was measured before is answered.
        skipped: batches that were skipped.
        slowed: whether both rates were lowered for pictures that never were varied.
        state: the state named last.
    """

    ticks: list[dict[str, float]] = dataclasses.field(default_factory=list)
    measured: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    bad_steps: int = 0
    rollbacks: int = 0
    remedies: int = 0
    d_rate: float = 1.0
    g_rate: float = 1.0
    rests_until: int = 0
    calm_until: int = 0
    treated: int = -1
    skipped: int = 0
    slowed: bool = False
    state: str = ""


class Doctor:
    """Names the state of a run at every tick, and acts on it where it may.

    Args:
        options: see `DoctorOptions`.
        objective: the run's, as its record; what its loss can say depends on it.
    """

    def __init__(self, options: DoctorOptions, objective: Objective) -> None:
        self.options = options
        self.objective = objective
        self.memory = _Memory()

    def observe(self, stats: Statistics) -> Action:
        """Return what it asks for; at ticks with the state it sees."""
        if stats.moment == "step":
            return self._after_step(stats)
        memory = self.memory
        memory.ticks = [*memory.ticks, dict(stats.values)][-TICKS:]
        if stats.measured:
            memory.measured.append(_brief(stats))
        finding = examine(
            self.options,
            self.objective,
            memory.ticks,
            [Measured(**each) for each in memory.measured],
            stats,
        )
        action = self._treat(finding, stats) if stats.acts else self._held(stats)
        notes = action.notes
        if finding.state != memory.state and not action.events:  # a remedy tells the evidence too
            notes = (f"doctor: {finding.sentence}", *notes)
        memory.state = finding.state
        return dataclasses.replace(
            action,
            state=finding.sentence,
            notes=notes,
            varied=stats.measured and finding.varied,
        )

    def advice(self, state: str = "") -> str:
        """Return what to try in a state, the one named last unless given; "" for nothing."""
        return ADVICE.get(state or self.memory.state, "")

    def _after_step(self, stats: Statistics) -> Action:
        memory = self.memory
        memory.bad_steps = 0 if stats.sound else memory.bad_steps + 1
        if not stats.acts or memory.bad_steps == 0:
            return self._held(stats)
        if memory.bad_steps < BAD_STEPS:
            if memory.bad_steps > 1:
                return self._held(stats)
            memory.skipped += 1
            if memory.skipped > TOLD:
                return self._held(stats)
            evidence = "a loss or gradient was not a finite number"
            remedy = "the batch was skipped"
            if memory.skipped == TOLD:
                remedy += ", as further ones will be without a word"
            return self._said(self._held(stats), stats, DIVERGED, evidence, remedy)
        evidence = f"{memory.bad_steps} steps in a row had a loss or gradient that is not finite"
        return self._take_back(stats, DIVERGED, evidence, "good")

    def _held(self, stats: Statistics) -> Action:
        """Return what was asked for before and still holds."""
        memory = self.memory
        return Action(
            train_d=stats.cur_nimg >= memory.rests_until,
            d_rate=memory.d_rate,
            g_rate=memory.g_rate,
        )

    # Remedies

    def _treat(self, finding: Finding, stats: Statistics) -> Action:
        memory, state = self.memory, finding.state
        if state == DIVERGED:
            return self._take_back(stats, state, finding.evidence, "good")
        if state == CONVERGED:
            reason = f"{finding.sentence}: training ends here"
            return self._said(
                dataclasses.replace(self._held(stats), stop=reason), stats, state,
                finding.evidence, "training ended",
            )  # fmt: skip
        calm = stats.cur_nimg < memory.calm_until
        old = finding.measured and memory.measured[-1]["cur_nimg"] <= memory.treated
        if state == LEARNING or calm or old:
            return self._held(stats)
        if state == COLLAPSING:
            new = memory.state != COLLAPSING
            stronger = self._stronger(stats, finding) if new else None
            if stronger is None and finding.fell:
                return self._take_back(stats, state, finding.evidence, "diverse")
            return stronger or self._both_slower(finding, stats)
        if memory.remedies >= self.options.remedies:
            return self._held(stats)
        if state in {COPYING, D_AHEAD}:
            stronger = self._stronger(stats, finding)
            if stronger is not None or state == COPYING:
                return stronger or self._held(stats)
        return self._slower(finding, stats)

    def _stronger(self, stats: Statistics, finding: Finding) -> Action | None:
        """Return an action that augments more, None where that is no help."""
        used = self.memory.remedies >= self.options.remedies
        if not stats.augments or used or stats.strength >= 0.8:
            return None
        strength = min(0.8, stats.strength + STRONGER)
        self._count(stats)
        action = dataclasses.replace(self._held(stats), strength=strength)
        remedy = f"augmentation strength up to {strength:.2f}"
        return self._said(action, stats, finding.state, finding.evidence, remedy)

    def _slower(self, finding: Finding, stats: Statistics) -> Action:
        """Return an action that slows down whoever is ahead; D rests where that did not do."""
        memory = self.memory
        if finding.state == G_AHEAD:
            if memory.g_rate <= LOWEST:
                return self._held(stats)
            memory.g_rate /= 2
            remedy = f"the generator's rate down to {memory.g_rate:g} of what was set"
        elif memory.d_rate > 0.25:
            memory.d_rate /= 2
            remedy = f"the discriminator's rate down to {memory.d_rate:g} of what was set"
        else:
            memory.rests_until = stats.cur_nimg + 1000
            remedy = "the discriminator rests for 1,000 pictures"
        self._count(stats)
        return self._said(self._held(stats), stats, finding.state, finding.evidence, remedy)

    def _both_slower(self, finding: Finding, stats: Statistics) -> Action:
        """Return an action for pictures that never were varied: nothing is there to go back to."""
        memory = self.memory
        if memory.slowed or memory.remedies >= self.options.remedies:
            reason = f"{finding.sentence}, and never more, at lower rates neither"
            action = dataclasses.replace(self._held(stats), stop=reason, failed=True)
            return self._said(action, stats, finding.state, finding.evidence, "training ended")
        memory.slowed = True
        memory.d_rate /= 2
        memory.g_rate /= 2
        self._count(stats, waits=4)
        remedy = f"both rates down to {memory.g_rate:g} of what was set"
        return self._said(self._held(stats), stats, finding.state, finding.evidence, remedy)

    def _count(self, stats: Statistics, waits: int = 1) -> None:
        self.memory.remedies += 1
        self.memory.treated = stats.cur_nimg
        rest = round(waits * self.options.wait_kimg * 1000)
        self.memory.calm_until = stats.cur_nimg + rest

    def _take_back(self, stats: Statistics, state: str, evidence: str, to: Rollback) -> Action:
        """Return an action that takes the run back with lower rates, or ends it."""
        memory = self.memory
        if memory.rollbacks >= self.options.rollbacks:
            times = f"it was taken back {plural(memory.rollbacks, 'time')} already"
            reason = f"{state}: {evidence}, and {times}"
            action = dataclasses.replace(self._held(stats), stop=reason, failed=True)
            return self._said(action, stats, state, evidence, "training ended")
        memory.rollbacks += 1
        # a half; where numbers broke also a quarter of that, and then an eighth
        share = 0.5 if state == COLLAPSING else 0.5**memory.rollbacks
        memory.d_rate *= share
        memory.g_rate *= share
        where = "the last checkpoint" if to == "good" else "the last checkpoint that was varied"
        remedy = f"back to {where}, rates down to {memory.d_rate:g} of what was set"
        action = Action(
            d_rate=memory.d_rate, g_rate=memory.g_rate, rollback=to, fresh=True, state=state
        )
        if state == COLLAPSING and stats.augments and stats.strength < 0.8:
            action = dataclasses.replace(action, strength=min(0.8, stats.strength + STRONGER))
        memory.calm_until = 0
        memory.treated = -1
        return self._said(action, stats, state, evidence, remedy)

    @staticmethod
    def _said(action: Action, stats: Statistics, state: str, evidence: str, remedy: str) -> Action:
        event = {"doctor": state, "evidence": evidence, "remedy": remedy}
        note = f"doctor: {state}: {evidence}; {remedy}"
        return dataclasses.replace(
            action, notes=(*action.notes, note), events=(*action.events, event)
        )

    # State

    def state(self) -> dict[str, Any]:
        """Return all that it remembers."""
        return dataclasses.asdict(self.memory)

    def restore(self, state: Mapping[str, Any], *, rolled_back: bool) -> None:
        """Take over a state; after a rollback what was tried is kept and the rest begins anew."""
        if not rolled_back:
            self.memory = _Memory(**copy.deepcopy(dict(state)))
            return
        now = self.memory
        self.memory = _Memory(
            rollbacks=now.rollbacks,
            remedies=now.remedies,
            d_rate=now.d_rate,
            g_rate=now.g_rate,
            slowed=now.slowed,
            skipped=now.skipped,
            state=now.state,
            measured=copy.deepcopy(list(state.get("measured", ()))),
        )


def _brief(stats: Statistics) -> dict[str, Any]:
    """Return what is remembered of a measurement, as `Measured` takes it."""
    values = stats.values
    diversity = values.get("diversity/distance")
    if diversity is not None:  # the reals' own halves may differ: no more is asked of fakes
        diversity /= min(1.0, max(values.get("diversity/distance/floor", 1.0), 0.1))
    copies = values.get("copying/copies")
    if copies is not None:
        copies = max(0.0, copies - values.get("copying/copies/floor", 0.0))
    return {
        "cur_nimg": stats.cur_nimg,
        "score": values.get("score"),
        "diversity": diversity,
        "copies": copies,
    }


def doctor(options: DoctorOptions, *, objective: Objective) -> Doctor:
    """Return the policy."""
    return Doctor(options, objective)

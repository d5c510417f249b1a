"""What is checked of a policy: sane actions whatever a run does, and a state that is all of it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, get_args

from artgan.api import Action, Controller, Objective, Policy, Role, Statistics
from artgan.control import Rollback
from artgan.testing.chance import untouched
from artgan.testing.expect import ContractError, expect

__all__ = ["check"]

BATCH = 64
STEPS = 240
TICK = 8  # steps
METRICS = 2  # ticks
PAUSE = 133  # moments after which a run is interrupted: no tick

LOGISTIC = Objective("logistic", "m:f", parity=2 * math.log(2))
HINGE = Objective("hinge", "m:f", relativistic=True, batch_coupled=True)
"""Two that there might be: one whose loss says who is ahead, one whose loss does not."""


def check(record: Policy, build: Callable[..., Any], where: str) -> None:
    """Check a policy on runs that go well, that do not, and of which nothing is known."""
    roles = get_args(Role)
    expect(record.role in roles, f"{where}: its role is {record.role!r}, expected one of {roles}")
    for objective in (LOGISTIC,) if record.reads_loss else (LOGISTIC, HINGE):
        for run, values in RUNS.items():
            at = f"{where}, {run}, objective {objective.name}"
            _check_run(partial(build, objective=objective), values, at)


# Runs that there might be: share of the run done -> figures of a step, and whether it was sound


def _healthy(done: float) -> tuple[dict[str, float], bool]:
    sway, swing = math.sin(90 * done), math.cos(70 * done)
    return {
        "D/adversarial": 1.1 + 0.1 * sway,
        "G/adversarial": 0.9 + 0.1 * swing,
        "D/gradient": 1.0 + 0.2 * swing,
        "G/gradient": 0.5 + 0.1 * sway,
        "sign_accuracy": 0.4 + 0.3 * sway,
        "margin": 0.8 + 0.5 * sway,
    }, True


def _d_ahead(done: float) -> tuple[dict[str, float], bool]:
    fades = 10 ** (-6 * done)
    return {
        "D/adversarial": fades,
        "G/adversarial": 20 * done,
        "D/gradient": fades,
        "G/gradient": fades,
        "sign_accuracy": 1.0,
        "margin": 20 * done,
    }, True


def _g_ahead(done: float) -> tuple[dict[str, float], bool]:
    losing = {"D/adversarial": 20 * done, "G/adversarial": 0.0, "sign_accuracy": -1.0}
    return {**losing, "D/gradient": 0.0, "G/gradient": 0.0, "margin": -20 * done}, True


def _breaks(done: float) -> tuple[dict[str, float], bool]:
    """Return steps of which more and more have no finite loss; such figures are left out."""
    if math.sin(90 * done) < 1 - 2 * done:
        return _healthy(done)
    return {"D/gradient": 1e30}, False


RUNS: dict[str, Callable[[float], tuple[dict[str, float], bool]]] = {
    "a healthy run": _healthy,
    "a run with D far ahead": _d_ahead,
    "a run with G far ahead": _g_ahead,
    "a run that breaks": _breaks,
    "a run without figures": lambda done: ({}, True),
    "a run without a sound step": lambda done: ({}, False),
}


def _measured(done: float) -> dict[str, float]:
    return {
        "swd/swd": 0.2 - 0.1 * done,
        "swd/swd/floor": 0.02,
        "diversity/distance": 0.9,
        "diversity/distance/floor": 1.0,
        "copying/copies": 0.05,
        "copying/copies/floor": 0.04,
        "score": 2.0 - done,
    }


def _moments(values: Callable[[float], tuple[dict[str, float], bool]]) -> Iterator[Statistics]:
    """Yield what a policy would be shown: every step, and a tick after some of them."""
    for step in range(1, STEPS + 1):
        figures, sound = values(step / STEPS)
        shown = Statistics(
            moment="step",
            cur_nimg=step * BATCH,
            batch=BATCH,
            total_nimg=STEPS * BATCH if step > STEPS // 4 else None,
            values=figures,
            sound=sound,
            pictures=500,
            augments=True,
        )
        yield shown
        if step % TICK == 0:
            measured = bool(figures) and step % (TICK * METRICS) == 0
            more = _measured(step / STEPS) if measured else {}
            yield dataclasses.replace(
                shown, moment="tick", values={**figures, **more}, measured=measured
            )


# Checks


@dataclasses.dataclass
class _Run:
    """What a pipeline remembers of the last action."""

    strength: float = 0.2
    learned: frozenset[str] = frozenset({"D", "G"})
    ever: frozenset[str] = frozenset()

    def show(self, controller: Controller, moments: Sequence[Statistics], at: str) -> list[Action]:
        """Return what a policy asks for at each moment, each action checked."""
        actions = []
        for moment in moments:
            stats = dataclasses.replace(moment, strength=self.strength, learned=self.learned)
            kept = dict(stats.values)
            action = controller.observe(stats)
            here = f"{at}, {stats.moment} at {stats.cur_nimg} pictures"
            _check_action(action, here)
            expect(stats.values == kept, f"{here}: it changed the statistics that it was shown")
            actions.append(action)
            if action.strength is not None:
                self.strength = action.strength
            learns = {"D": action.train_d, "G": action.train_g}
            self.learned = frozenset(name for name, does in learns.items() if does)
            self.ever |= self.learned
        return actions


def _check_action(action: object, where: str) -> None:
    if not isinstance(action, Action):
        raise ContractError(
            f"{where}: it returned a {type(action).__name__}, expected artgan.api.Action"
        )
    for name in ("d_rate", "g_rate"):
        rate = getattr(action, name)
        expect(
            _is_number(rate) and rate > 0,
            f"{where}: {name} is {rate!r}, expected a finite factor above 0",
        )
    expect(
        action.strength is None or (_is_number(action.strength) and 0 <= action.strength <= 1),
        f"{where}: strength is {action.strength!r}, expected None or a number in [0, 1]",
    )
    expect(
        action.rollback is None or action.rollback in get_args(Rollback),
        f"{where}: rollback is {action.rollback!r}, expected None or one of {get_args(Rollback)}",
    )
    for name in ("stop", "state"):
        words = getattr(action, name)
        expect(isinstance(words, str), f"{where}: {name} is {words!r}, expected text")
    expect(
        all(isinstance(note, str) for note in action.notes),
        f"{where}: notes are {action.notes!r}, expected sentences",
    )
    for event in action.events:
        expect(isinstance(event, Mapping), f"{where}: an event is {event!r}, expected a table")
        _as_json(dict(event), f"{where}: an event")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _as_json(value: object, what: str) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ContractError(f"{what} is {value!r}, expected what JSON can hold: {error}") from error


def _check_run(
    build: Callable[[], Controller],
    values: Callable[[float], tuple[dict[str, float], bool]],
    where: str,
) -> None:
    """Check a whole run, and that it goes on in the same way after it was interrupted."""
    before, after = (moments := list(_moments(values)))[:PAUSE], moments[PAUSE:]
    whole, watched = build(), _Run()
    with untouched(f"{where}: it", "none: what it asks for follows from what it is shown"):
        expected = watched.show(whole, moments, where)
    if values is _healthy:
        idle = sorted({"D", "G"} - watched.ever)
        expect(not idle, f"{where}: {idle} never learn, expected every network to, some time")

    first, run = build(), _Run()
    expect(
        run.show(first, before, where) == expected[:PAUSE],
        f"{where}: two policies shown the same ask for different things",
    )
    state = first.state()
    expect(isinstance(state, dict), f"{where}: its state is a {type(state).__name__}, not a dict")
    text = _as_json(state, f"{where}: its state")
    second = build()
    second.restore(json.loads(text), rolled_back=False)
    expect(
        _as_json(second.state(), f"{where}: its state") == text,
        f"{where}: its state after restore is {second.state()!r}, expected {state!r}",
    )
    expect(
        run.show(second, after, f"{where}, resumed") == expected[PAUSE:],
        f"{where}: resumed from its state it asks for other things than uninterrupted, expected "
        "its state to be all that it remembers",
    )
    run.show(first, after, where)
    expect(
        _as_json(state, f"{where}: its state") == text,
        f"{where}: the state it returned changed afterwards, while it went on: expected a copy",
    )

    whole.restore(json.loads(text), rolled_back=True)
    _Run().show(whole, after, f"{where}, taken back")

"""What steers training: the policies of a run, asked in order, and what they asked for last."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from artgan.api import (
    Action,
    Augmentation,
    ConfigError,
    Controller,
    Objective,
    Policy,
    Role,
    ShapeError,
)
from artgan.control import Statistics, join
from artgan.plugins import blaming
from artgan.screen import safe

if TYPE_CHECKING:
    from artgan.config import TrainConfig
    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = ["DOCTOR", "ROLES", "Steering", "named_policies", "rate_factor"]

DOCTOR = "doctor"
"""The policy that `--doctor` puts at the end."""

ROLES: tuple[Role, ...] = get_args(Role)
LOWEST = 0.01
"""What a decaying rate ends at, in parts of itself."""


def rate_factor(cur_nimg: int, total_nimg: int | None, decay: float | None) -> float:
    """Return the factor of both learning rates: 1, then along half a cosine to 0.01.

    Args:
        cur_nimg: pictures shown so far.
        total_nimg: where the run ends; None while that is not known, then the factor is 1.
        decay: share of the run, at its end, over which the rates fall; None or 0 never.

    >>> [round(rate_factor(n, 100, 0.5), 3) for n in (0, 50, 75, 100)]
    [1.0, 1.0, 0.5, 0.01]
    """
    if total_nimg is None or not decay:
        return 1.0
    begins = total_nimg * (1 - decay)
    passed = min(max((cur_nimg - begins) / max(total_nimg - begins, 1), 0.0), 1.0)
    return max(LOWEST, 0.5 * (1 + math.cos(math.pi * passed)))


def named_policies(config: TrainConfig, registry: Registry) -> list[tuple[Entry, Any]]:
    """Return the policies of a run with their options, in the order of their roles.

    Raises:
        ComponentError: one is unknown.
        ConfigError: two have one role, or one cannot read the objective's loss.
    """
    objective = registry.find(Objective.kind, config.objective).record
    assert isinstance(objective, Objective)
    names = [*(config.policies or ()), *([DOCTOR] if config.doctor != "off" else [])]
    chosen = [registry.configure(Policy.kind, name, config.components) for name in names]
    taken: dict[Role, str] = {}
    for entry, _ in chosen:
        record = entry.record
        assert isinstance(record, Policy)
        if record.role == "doctor" and record.name in (config.policies or ()):
            raise ConfigError(f"policy '{safe(record.name)}' is set by --doctor off, watch or act")
        if record.role in taken:
            raise ConfigError(
                f"policies '{safe(taken[record.role])}' and '{safe(record.name)}' both look after "
                f"{_DUTIES[record.role]}: give one of them"
            )
        taken[record.role] = record.name
        if record.reads_loss and objective.parity is None:
            readable = ", ".join(
                each.record.name
                for each in registry.entries(Objective.kind)
                if getattr(each.record, "parity", None) is not None
            )
            raise ConfigError(
                f"policy '{safe(record.name)}' judges by the discriminator's loss, which says "
                f"nothing with objective '{safe(objective.name)}': use --policy adaptive, which "
                f"reads the margin, or one of the objectives {readable}"
            )
    return sorted(chosen, key=lambda pair: ROLES.index(pair[0].record.role))  # type: ignore[attr-defined]


_DUTIES = {
    "balance": "the balance of the networks",
    "strength": "the strength of augmentations",
    "doctor": "the run's health",
}


def _checked(action: object) -> Action:
    """Return an action once it is one that can be taken.

    Raises:
        ShapeError: it is none.
    """
    if not isinstance(action, Action):
        raise ShapeError(f"it asked for a {type(action).__name__}: expected an Action")
    rates = (action.d_rate, action.g_rate)
    if not all(math.isfinite(rate) and rate > 0 for rate in rates):
        raise ShapeError(f"it asked for rates {rates}: expected finite ones above 0")
    if action.strength is not None and not 0 <= action.strength <= 1:
        raise ShapeError(f"it asked for strength {action.strength}: expected 0 to 1")
    return action


class Steering:
    """The policies of a run.

    Args:
        policies: entry and controller, in the order they are asked.
        strength: of the augmentations to begin with.
        facts: what every `Statistics` of the run holds.
        silent: entries whose policies are only listened to.

    Attributes:
        action: what holds for the next step.
        strength: of the augmentations.
        acted: whether a rollback or an end was asked for last.
    """

    def __init__(
        self,
        policies: list[tuple[Entry, Controller]],
        *,
        strength: float = 0.0,
        facts: Mapping[str, Any] | None = None,
        silent: frozenset[str] = frozenset(),
    ) -> None:
        self.policies = policies
        self.strength = strength
        self.facts = dict(facts or {})
        self.silent = silent
        self.action = Action()
        self.sentence = ""

    @classmethod
    def build(
        cls, config: TrainConfig, registry: Registry, supplied: Callable[[Entry], None]
    ) -> Steering:
        """Return the policies that settings name, built.

        Raises:
            ComponentError, ConfigError: see `named_policies`.
        """
        objective = registry.find(Objective.kind, config.objective).record
        policies: list[tuple[Entry, Controller]] = []
        for entry, options in named_policies(config, registry):
            supplied(entry)
            policies.append((entry, registry.build(entry, options, objective=objective)))
        adaptive = any(
            getattr(registry.find(Augmentation.kind, name).record, "adaptive", False)
            for name in config.augmentations or ()
        )
        return cls(
            policies,
            strength=config.strength or 0.0,
            facts={"augments": adaptive},
            silent=frozenset({DOCTOR} if config.doctor == "watch" else ()),
        )

    @property
    def acted(self) -> bool:
        """Return whether a rollback or an end was asked for last."""
        return self.action.rollback is not None or bool(self.action.stop)

    def after_step(
        self,
        values: Mapping[str, float],
        *,
        cur_nimg: int,
        total_nimg: int | None,
        batch: int,
        sound: bool,
    ) -> None:
        """Show the policies a step; what they ask for holds for the next one."""
        learned = {"D": self.action.train_d, "G": self.action.train_g}
        self._ask(
            Statistics(
                moment="step",
                cur_nimg=cur_nimg,
                batch=batch,
                total_nimg=total_nimg,
                values=values,
                sound=sound,
                learned=frozenset(name for name, learns in learned.items() if learns),
                strength=self.strength,
                **self.facts,
            )
        )

    def at_tick(
        self,
        values: Mapping[str, float],
        *,
        cur_nimg: int,
        total_nimg: int | None,
        batch: int,
        pictures: int,
        measured: bool,
        attempt: int,
    ) -> None:
        """Show the policies a tick; what they ask for is in `action`."""
        self._ask(
            Statistics(
                moment="tick",
                cur_nimg=cur_nimg,
                batch=batch,
                total_nimg=total_nimg,
                values=values,
                sound=not values.get("bad"),
                strength=self.strength,
                pictures=pictures,
                measured=measured,
                attempt=attempt,
                **self.facts,
            )
        )

    def _ask(self, stats: Statistics) -> None:
        actions = []
        for entry, policy in self.policies:
            acts = entry.record.name not in self.silent
            with blaming(entry):
                shown = stats if acts else dataclasses.replace(stats, acts=False)
                action = _checked(policy.observe(shown))
            if not acts:
                action = Action(
                    state=action.state,
                    notes=action.notes,
                    events=action.events,
                    varied=action.varied,
                )
            actions.append(action)
        self.action = join(actions)
        if self.action.strength is not None:
            self.strength = self.action.strength
        self.sentence = self.action.state or self.sentence

    def state(self) -> dict[str, Any]:
        """Return all that the next step depends on, JSON-able."""
        held = self.action
        return {
            "strength": self.strength,
            "train_d": held.train_d,
            "train_g": held.train_g,
            "d_rate": held.d_rate,
            "g_rate": held.g_rate,
            "state": self.sentence,
            "policies": {entry.record.name: policy.state() for entry, policy in self.policies},
        }

    def restore(self, state: Mapping[str, Any], *, rolled_back: bool) -> None:
        """Take over a state that `state` returned; after a rollback what was asked for holds."""
        for entry, policy in self.policies:
            own = state["policies"].get(entry.record.name)
            if own is not None:
                policy.restore(own, rolled_back=rolled_back)
        asked = self.action
        if rolled_back:
            self.action = Action(d_rate=asked.d_rate, g_rate=asked.g_rate)
            self.strength = float(state["strength"]) if asked.strength is None else asked.strength
            return
        self.strength = float(state["strength"])
        self.sentence = str(state["state"])
        self.action = Action(
            train_d=bool(state["train_d"]),
            train_g=bool(state["train_g"]),
            d_rate=float(state["d_rate"]),
            g_rate=float(state["g_rate"]),
        )

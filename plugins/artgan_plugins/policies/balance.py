"""Policies of fixed balance, and the one that lets the discriminator rest by its loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artgan.api import Action, Objective, Statistics

if TYPE_CHECKING:
    from artgan_plugins.policies.options import SkipDOptions, TturOptions

__all__ = ["Fixed", "SkipD", "one_to_one", "skip_d", "ttur"]


class Fixed:
    """Asks for the same at all times."""

    def __init__(self, action: Action) -> None:
        self._action = action

    def observe(self, stats: Statistics) -> Action:
        """Return what it always asks for."""
        return self._action

    def state(self) -> dict[str, Any]:
        """Return nothing: it has no state."""
        return {}

    def restore(self, state: Mapping[str, Any], *, rolled_back: bool) -> None:
        """Take over nothing."""


def one_to_one(options: None = None, *, objective: Objective | None = None) -> Fixed:
    """Return the policy that leaves everything as it is set."""
    return Fixed(Action())


def ttur(options: TturOptions, *, objective: Objective | None = None) -> Fixed:
    """Return the policy of two time scales: the set rates, each times its factor.

    Source: Heusel et al. 2017, arXiv:1706.08500 §2.
    """
    return Fixed(Action(d_rate=options.d_factor, g_rate=options.g_factor))


class SkipD:
    """Lets the discriminator rest while its averaged loss is a small share of its parity.

    Args:
        options: see `SkipDOptions`.
        parity: D's loss while it cannot tell reals from fakes.
    """

    def __init__(self, options: SkipDOptions, parity: float) -> None:
        self.options = options
        self.parity = parity
        self.loss = parity
        self.rested = 0

    def observe(self, stats: Statistics) -> Action:
        """Return whether D learns in the next step."""
        if stats.moment == "step" and "D/adversarial" in stats.values:
            share = 1 / self.options.steps
            self.loss += share * (stats.values["D/adversarial"] - self.loss)
            resting = "D" not in stats.learned
            limit = self.options.until if resting else self.options.below
            rests = self.loss < limit * self.parity and self.rested < self.options.most
            self.rested = self.rested + 1 if rests else 0
        return Action(train_d=self.rested == 0)

    def state(self) -> dict[str, Any]:
        """Return the averaged loss and how long D has rested."""
        return {"loss": self.loss, "rested": self.rested}

    def restore(self, state: Mapping[str, Any], *, rolled_back: bool) -> None:
        """Take over a state."""
        self.loss = float(state["loss"])
        self.rested = int(state["rested"])


def skip_d(options: SkipDOptions, *, objective: Objective) -> SkipD:
    """Return the policy for an objective whose loss says who is ahead; others are refused before.

    Differs: the lesson this follows compares the loss itself with a fixed number; here it is
        compared with the objective's own parity, so that one option serves all of them.
    """
    assert objective.parity is not None
    return SkipD(options, objective.parity)

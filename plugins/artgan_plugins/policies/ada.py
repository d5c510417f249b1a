"""Adaptive augmentation: its strength follows how often the discriminator is right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artgan.api import Action, Objective, Statistics

if TYPE_CHECKING:
    from artgan_plugins.policies.options import AdaOptions

__all__ = ["Ada", "ada"]


class Ada:
    """Turns the strength up while the sign accuracy is above its target, down while below.

    Args:
        options: see `AdaOptions`.
        target: the sign accuracy aimed at.

    Source: Karras et al. 2020, arXiv:2006.06676 §3.
    Differs: the sign is of the objective's margin, for a relativistic logit has no sign; from 0
        to 1 takes 100 kimg by default, not 500, for runs are short here; strength ends at 0.8.
    """

    def __init__(self, options: AdaOptions, target: float) -> None:
        self.options = options
        self.target = target
        self.total = 0.0
        self.count = 0

    def observe(self, stats: Statistics) -> Action:
        """Return a new strength once in a few steps."""
        if stats.moment != "step" or "sign_accuracy" not in stats.values:
            return Action()
        self.total += stats.values["sign_accuracy"]
        self.count += 1
        if self.count < self.options.steps:
            return Action()
        change = self.count * stats.batch / (self.options.kimg * 1000)
        above = self.total / self.count - self.target
        self.total, self.count = 0.0, 0
        moved = stats.strength + (change if above > 0 else -change if above < 0 else 0.0)
        return Action(strength=min(max(moved, 0.0), max(self.options.most, stats.strength)))

    def state(self) -> dict[str, Any]:
        """Return the running sum of sign accuracies."""
        return {"total": self.total, "count": self.count}

    def restore(self, state: Mapping[str, Any], *, rolled_back: bool) -> None:
        """Take over a state."""
        self.total = float(state["total"])
        self.count = int(state["count"])


def ada(options: AdaOptions, *, objective: Objective) -> Ada:
    """Return the policy, aiming at the objective's own target unless one is set."""
    target = objective.accuracy_target if options.target is None else options.target
    return Ada(options, target)

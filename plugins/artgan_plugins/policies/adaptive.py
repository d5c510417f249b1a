"""The adaptive balance: learning rates follow who is ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artgan.api import Action, Objective, Statistics

if TYPE_CHECKING:
    from artgan_plugins.policies.options import AdaptiveOptions

__all__ = ["Adaptive", "adaptive"]

FAST = 16
SLOW = 512
"""Steps that the sign accuracy and the gradient's norm are averaged over, about."""


class Adaptive:
    """Slows D down while it is right too often, and G while it fools D all the time.

    It reads the objective's margin and G's gradient norm, never a loss, so that it means the same
    with every objective.
    """

    def __init__(self, options: AdaptiveOptions) -> None:
        self.options = options
        self.accuracy: float | None = None
        self.gradient: float | None = None
        self.usual: float | None = None
        self.d_rate = 1.0
        self.g_rate = 1.0
        self.rests = False

    def observe(self, stats: Statistics) -> Action:
        """Return rates for the next step, and whether D learns in it."""
        if stats.moment == "step" and stats.sound and "sign_accuracy" in stats.values:
            self.accuracy = _towards(self.accuracy, stats.values["sign_accuracy"], FAST)
            halving = 0.5 ** (stats.batch / (self.options.kimg * 1000))
            self.d_rate = self._moved(self.d_rate, halving, self.accuracy > self.options.ahead)
            self.g_rate = self._moved(self.g_rate, halving, self.accuracy < self.options.behind)
            self._watch_gradient(stats)
        return Action(train_d=not self.rests, d_rate=self.d_rate, g_rate=self.g_rate)

    def _moved(self, rate: float, halving: float, down: bool) -> float:
        return max(self.options.lowest, rate * halving) if down else min(1.0, rate / halving)

    def _watch_gradient(self, stats: Statistics) -> None:
        """Let D rest every other step while G is left with next to nothing to learn from."""
        if "G/gradient" not in stats.values:
            self.rests = False
            return
        norm = stats.values["G/gradient"]
        self.gradient = _towards(self.gradient, norm, FAST)
        self.usual = _towards(self.usual, norm, SLOW)
        starved = self.gradient < self.options.gradient * self.usual
        self.rests = starved and "D" in stats.learned

    def state(self) -> dict[str, Any]:
        """Return the averages and the rates."""
        names = ("accuracy", "gradient", "usual", "d_rate", "g_rate", "rests")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: Mapping[str, Any], *, rolled_back: bool) -> None:
        """Take over a state."""
        for name in ("accuracy", "gradient", "usual"):
            value = state[name]
            setattr(self, name, None if value is None else float(value))
        self.d_rate = float(state["d_rate"])
        self.g_rate = float(state["g_rate"])
        self.rests = bool(state["rests"])


def _towards(mean: float | None, value: float, steps: int) -> float:
    return value if mean is None else mean + (value - mean) / steps


def adaptive(options: AdaptiveOptions, *, objective: Objective | None = None) -> Adaptive:
    """Return the policy; any objective has a margin that it can read."""
    return Adaptive(options)

"""What policies see and do: statistics in, an action out. No torch.

The policies of a run are asked after every step and at every tick, one after the other: balance,
strength, doctor. Their actions are joined: rates multiply, a network learns only if all agree, the
last explicit strength wins, a rollback overrides the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

__all__ = ["Action", "Controller", "Rollback", "Statistics", "is_better", "join"]

Moment = Literal["step", "tick"]

Rollback = Literal["good", "diverse"]
"""Where to go back to: the last checkpoint, or the last one whose pictures were varied."""


BETTER = 0.01
"""By how much a score has to be lower to be a better one."""


def is_better(score: float, best: float) -> bool:
    """Return whether a score improves on the best so far; nothing is better than 0, the floor.

    >>> is_better(0.5, 0.6), is_better(0.5, 0.505), is_better(0.0, 0.0)
    (True, False, True)
    """
    return score < best - BETTER or score <= 0


@dataclass(frozen=True)
class Statistics:
    """What a policy is shown.

    Attributes:
        moment: "step" after every step; "tick" after every tick, with means since the last one.
        cur_nimg: pictures shown so far.
        batch: pictures in a step.
        total_nimg: where the run ends; None while that is not known.
        values: name -> number: D/adversarial, G/adversarial (losses), D/gradient, G/gradient
            (norms over a network), sign_accuracy in [-1, 1], margin, and at some ticks the
            metrics, as metric/figure, beside their floor, as metric/figure/floor, and one score
            of them all, lower is better, as score.
        sound: whether losses and gradients of the step were finite (of all steps of the tick).
        learned: the networks that learned in the step, of "D" and "G".
        strength: of the augmentations, in [0, 1].
        pictures: how many different reals there are.
        augments: whether there is an augmentation whose strength matters.
        measured: whether the metrics are of this very tick.
        acts: whether what this policy asks for is done; if not, it is only told.
        attempt: how many times the run was taken back so far.
    """

    moment: Moment
    cur_nimg: int
    batch: int
    total_nimg: int | None
    values: Mapping[str, float]
    sound: bool = True
    learned: frozenset[str] = frozenset({"D", "G"})
    strength: float = 0.0
    pictures: int = 0
    augments: bool = False
    measured: bool = False
    acts: bool = True
    attempt: int = 0


@dataclass(frozen=True)
class Action:
    """What a policy asks for. The defaults change nothing.

    Attributes:
        train_d, train_g: whether the network learns in the next step.
        d_rate, g_rate: factors of the learning rates, above 0.
        strength: of the augmentations from now on, in [0, 1]; None leaves it.
        rollback: to go back to an earlier checkpoint, with `train_d` and the rates as given.
        fresh: whether the optimizers forget what they remember.
        stop: why training should end now; "" to go on.
        failed: whether it should because it went wrong.
        varied: whether the pictures measured at this tick are varied, so that the checkpoint of
            this moment is one that a collapse may be taken back to.
        state: the state the run is in, a word or two, for whoever shows it; "" for none.
        notes: sentences worth telling, each said once.
        events: facts for stats.jsonl, each a JSON-able table.
    """

    train_d: bool = True
    train_g: bool = True
    d_rate: float = 1.0
    g_rate: float = 1.0
    strength: float | None = None
    rollback: Rollback | None = None
    fresh: bool = False
    stop: str = ""
    failed: bool = False
    varied: bool = False
    state: str = ""
    notes: tuple[str, ...] = ()
    events: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)


class Controller(Protocol):
    """A built policy."""

    def observe(self, stats: Statistics) -> Action:
        """Return what it asks for from now on; changes nothing but its own state."""
        ...

    def state(self) -> dict[str, Any]:
        """Return its state, JSON-able: floats, not tensors."""
        ...

    def restore(self, state: Mapping[str, Any], *, rolled_back: bool) -> None:
        """Take over a state that `state` returned.

        Args:
            state: of a checkpoint.
            rolled_back: whether the run was taken back to it; then what has been learned of the
                run since, such as how often it was taken back, may be kept.
        """
        ...


def join(actions: Iterable[Action]) -> Action:
    """Return the actions of several policies, in order, as one.

    >>> join([Action(d_rate=0.5, strength=0.2), Action(d_rate=0.5, train_d=False)])
    Action(train_d=False, train_g=True, d_rate=0.25, g_rate=1.0, strength=0.2, rollback=None, \
fresh=False, stop='', failed=False, varied=False, state='', notes=(), events=())
    """
    joined = Action()
    for action in actions:
        rollback = action.rollback or joined.rollback
        joined = Action(
            train_d=joined.train_d and action.train_d,
            train_g=joined.train_g and action.train_g,
            d_rate=joined.d_rate * action.d_rate,
            g_rate=joined.g_rate * action.g_rate,
            strength=joined.strength if action.strength is None else action.strength,
            rollback=rollback,
            fresh=joined.fresh or action.fresh,
            stop="" if rollback else joined.stop or action.stop,
            failed=joined.failed or action.failed,
            varied=joined.varied or action.varied,
            state=action.state or joined.state,
            notes=(*joined.notes, *action.notes),
            events=(*joined.events, *action.events),
        )
    return joined

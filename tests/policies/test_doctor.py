import json
import math

import pytest

from artgan.api import Objective, Statistics
from artgan_plugins.policies.doctor import doctor
from artgan_plugins.policies.options import DoctorOptions

CLASSIC = Objective("non-saturating", "m:f", parity=2 * math.log(2))
HINGE = Objective("relativistic-hinge", "m:f", relativistic=True)
CRITIC = Objective("wasserstein", "m:f")

HEALTHY = {
    "D/adversarial": 0.9,
    "G/adversarial": 1.2,
    "D/gradient": 1.0,
    "G/gradient": 2.0,
    "sign_accuracy": 0.5,
}


class Run:
    """A run as the doctor sees it, a tick a kimg."""

    def __init__(self, objective=CLASSIC, *, acts=True, augments=False, total=None, **options):
        self.doctor = doctor(DoctorOptions(**{"patience": 12, **options}), objective=objective)
        self.facts = {"acts": acts, "augments": augments}
        self.kimg, self.total, self.strength = 0, total, 0.0
        self.actions = []

    def tick(self, score=None, diversity=None, copies=None, **values):
        """Return the doctor's action at the next tick."""
        self.kimg += 1
        figures = {**HEALTHY, **{k.replace("_", "/", 1): v for k, v in values.items()}}
        if "accuracy" in values:
            figures["sign_accuracy"] = figures.pop("accuracy")
        measured = score is not None
        if measured:
            figures["score"] = score
            figures["diversity/distance"] = 0.9 if diversity is None else diversity
            figures["copying/copies"] = 0.1 if copies is None else copies
            figures["copying/copies/floor"] = 0.1
        stats = Statistics(
            "tick", self.kimg * 1000, 32, self.total, figures,
            strength=self.strength, measured=measured, **self.facts,
        )  # fmt: skip
        action = self.doctor.observe(stats)
        if action.strength is not None:
            self.strength = action.strength
        self.actions.append(action)
        return action

    def step(self, sound=True):
        stats = Statistics("step", self.kimg * 1000, 32, self.total, HEALTHY, sound, **self.facts)
        return self.doctor.observe(stats)

    def go_well(self, ticks=10):
        for i in range(ticks):
            self.tick(score=2.0 - 0.1 * i)
        return self

    @property
    def state(self):
        return self.actions[-1].state.partition(":")[0]


def test_a_run_that_improves_is_learning_and_left_alone():
    run = Run().go_well(15)
    assert run.state == "learning"
    assert all(a.rollback is None and not a.stop and not a.events for a in run.actions)
    assert all(a.d_rate == a.g_rate == 1.0 for a in run.actions)
    assert sum(bool(a.notes) for a in run.actions) == 1  # said once, when it became so


def test_a_loss_of_0_is_healthy_under_a_relativistic_hinge():
    run = Run(HINGE)
    for i in range(15):
        run.tick(score=2.0 - 0.1 * i, D_adversarial=0.0, accuracy=1.0)
    assert run.state == "learning"
    assert not any(action.events for action in run.actions)


def test_d_ahead_needs_a_starved_or_stale_generator():
    run = Run().go_well(10)
    for i in range(5):
        run.tick(score=1.0 - 0.1 * i, accuracy=0.99)
    assert run.state == "learning"
    action = None
    for _ in range(5):
        action = run.tick(accuracy=0.99, G_gradient=0.01)
        if run.state == "D ahead":
            break
    assert run.state == "D ahead"
    assert action.d_rate == 0.5
    assert "gradient is 0% of its median" in action.state
    assert action.events[0]["doctor"] == "D ahead"
    assert "rate down to 0.5" in action.events[0]["remedy"]


def test_d_ahead_is_answered_by_augmenting_more_where_that_is_possible():
    run = Run(augments=True).go_well(10)
    for _ in range(6):
        run.tick(score=9.0, accuracy=0.99)
    first = next(action for action in run.actions if action.events)
    assert first.strength == pytest.approx(0.2)
    assert first.d_rate == 1.0


def test_remedies_are_spaced_and_end():
    run = Run(remedies=3, patience=1000, wait_kimg=4).go_well(10)
    for _ in range(60):
        run.tick(score=9.0, accuracy=0.99)
    when = [i for i, action in enumerate(run.actions) if action.events]
    assert len(when) == 3
    assert all(later - sooner >= 4 for sooner, later in zip(when, when[1:], strict=False))
    assert "rests" in run.actions[when[-1]].events[0]["remedy"]


def test_g_ahead_slows_the_generator():
    run = Run().go_well(10)
    for _ in range(6):
        run.tick(score=9.0, accuracy=-0.4)
    assert run.state == "G ahead"
    assert run.actions[-1].g_rate == 0.5


def test_collapse_is_taken_back_to_varied_pictures_with_half_the_rates():
    run = Run().go_well(8)
    action = run.tick(score=3.0, diversity=0.2)
    assert run.state == "collapsing"
    assert "0.20 times as much as the real ones do, after 0.90" in action.state
    assert action.rollback == "diverse"
    assert action.fresh
    assert (action.d_rate, action.g_rate) == (0.5, 0.5)


def test_collapse_is_first_answered_by_augmenting_more():
    run = Run(augments=True).go_well(8)
    action = run.tick(score=3.0, diversity=0.2)
    assert action.rollback is None
    assert action.strength == pytest.approx(0.2)
    for _ in range(8):
        action = run.tick(score=3.0, diversity=0.2)
        if action.rollback:
            break
    assert action.rollback == "diverse"


def test_pictures_that_differ_little_by_nature_are_no_collapse():
    """Diversity is in parts of the reals' own, so a monotonous folder has about 1."""
    run = Run()
    for i in range(20):
        run.tick(score=2.0 - 0.05 * i, diversity=0.95)
    assert run.state == "learning"


def test_pictures_that_never_were_varied_get_one_more_chance_at_lower_rates():
    run = Run(wait_kimg=1)
    while not any(action.stop for action in run.actions):
        run.tick(score=5.0, diversity=0.2)
        assert run.kimg < 30
    acts = [(i + 1, action) for i, action in enumerate(run.actions) if action.events]
    assert [kimg for kimg, _ in acts] == [8, 12]
    assert acts[0][1].d_rate == acts[0][1].g_rate == 0.5
    assert all(action.rollback is None for _, action in acts)
    assert acts[1][1].failed
    assert "0.20 times as much as the real ones do, and never more" in acts[1][1].stop


def test_pictures_that_are_not_varied_yet_are_no_collapse():
    run = Run()
    for i in range(10):
        run.tick(score=5.0 - 0.1 * i, diversity=0.3)
    assert run.state == "learning"


def test_rollbacks_are_limited_and_then_it_ends():
    run = Run(rollbacks=2).go_well(8)
    rates = []
    for _ in range(2):
        action = run.tick(score=3.0, diversity=0.2)
        rates.append(action.d_rate)
        run.doctor.restore({}, rolled_back=True)
        run.go_well(6)
    assert rates == [0.5, 0.25]
    action = run.tick(score=3.0, diversity=0.2)
    assert action.rollback is None
    assert action.failed
    assert "taken back 2 times" in action.stop


def test_one_broken_step_is_skipped_and_three_in_a_row_are_taken_back():
    run = Run().go_well(6)
    first = run.step(sound=False)
    assert first.rollback is None
    assert "skipped" in first.events[0]["remedy"]
    run.step(sound=True)
    run.step(sound=False)
    assert run.step(sound=False).rollback is None
    third = run.step(sound=False)
    assert third.rollback == "good"
    assert third.fresh
    assert third.d_rate == 0.5


def test_a_loss_out_of_bounds_is_divergence():
    run = Run().go_well(3)
    action = run.tick(D_adversarial=1e5)
    assert run.state == "diverged"
    assert action.rollback == "good"


def test_a_critic_may_have_large_losses_but_not_suddenly():
    run = Run(CRITIC)
    for _ in range(8):
        run.tick(D_adversarial=-300.0)
    assert run.state == "learning"
    run.tick(D_adversarial=-1e6)
    assert run.state == "diverged"


def test_copying_is_said_when_it_lasts():
    run = Run().go_well(6)
    run.tick(score=1.0, copies=0.95)
    assert run.state == "learning"
    action = run.tick(score=0.9, copies=0.95)
    assert run.state == "copying"
    assert "85% of the pictures, beyond what is usual" in action.state
    assert action.rollback is None


def test_a_late_run_that_does_not_improve_is_converged_and_ends():
    run = Run(total=30_000, patience=5).go_well(8)
    for _ in range(4):
        run.tick(score=1.4)
    assert not any(action.stop for action in run.actions)
    for _ in range(4):
        run.tick(score=1.4)
    assert run.state == "converged"
    assert "nothing improved" in run.actions[-1].stop
    assert not run.actions[-1].failed


def test_who_only_watches_says_it_and_asks_for_nothing():
    run = Run(acts=False).go_well(8)
    action = run.tick(score=3.0, diversity=0.2)
    assert action.state.startswith("collapsing")
    assert action.rollback is None
    assert not action.events
    assert run.step(sound=False).rollback is None


def test_varied_pictures_are_marked():
    run = Run()
    assert not run.tick().varied
    assert run.tick(score=2.0, diversity=0.8).varied
    assert not run.tick(score=2.0, diversity=0.4).varied


def test_state_goes_on_where_it_was():
    one = Run().go_well(9)
    other = Run()
    other.doctor.restore(json.loads(json.dumps(one.doctor.state())), rolled_back=False)
    other.kimg = one.kimg
    for i in range(6):
        assert one.tick(score=9.0 + i, accuracy=0.99) == other.tick(score=9.0 + i, accuracy=0.99)
    assert one.doctor.state() == other.doctor.state()


def test_after_a_rollback_what_was_tried_is_remembered():
    run = Run().go_well(8)
    run.tick(score=3.0, diversity=0.2)
    run.doctor.restore(Run().doctor.state(), rolled_back=True)
    state = run.doctor.state()
    assert state["rollbacks"] == 1
    assert state["d_rate"] == 0.5
    assert state["ticks"] == []

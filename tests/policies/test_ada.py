import pytest

from artgan.api import Objective, Statistics
from artgan_plugins.policies.ada import ada
from artgan_plugins.policies.options import AdaOptions

OBJECTIVE = Objective("any", "m:f", accuracy_target=0.6)


def run(policy, accuracy, steps, strength=0.0, batch=25):
    for i in range(steps):
        stats = Statistics(
            "step", batch * i, batch, None, {"sign_accuracy": accuracy}, strength=strength
        )
        asked = policy.observe(stats).strength
        strength = strength if asked is None else asked
    return strength


def test_strength_goes_from_0_to_1_in_the_kimg_that_are_set():
    policy = ada(AdaOptions(kimg=10.0, most=1.0), objective=OBJECTIVE)
    assert run(policy, 0.9, 200) == pytest.approx(0.5)  # 200 x 25 of 10,000 pictures


def test_strength_falls_below_the_target_and_never_below_0():
    policy = ada(AdaOptions(kimg=10.0), objective=OBJECTIVE)
    assert run(policy, 0.1, 40, strength=0.5) == pytest.approx(0.4)
    assert run(policy, 0.1, 4000, strength=0.5) == 0.0


def test_it_moves_by_what_was_shown_since_it_moved_last():
    policy = ada(AdaOptions(kimg=10.0, steps=4), objective=OBJECTIVE)
    asked = []
    for i in range(8):
        stats = Statistics("step", i, 25, None, {"sign_accuracy": 1.0}, strength=0.3)
        asked.append(policy.observe(stats).strength)
    assert asked[:3] == [None] * 3
    assert asked[3] == pytest.approx(0.3 + 4 * 25 / 10_000)


def test_it_ends_at_the_most():
    assert run(ada(AdaOptions(kimg=1.0, most=0.8), objective=OBJECTIVE), 1.0, 1000) == 0.8


def test_the_objectives_target_or_ones_own():
    assert ada(AdaOptions(), objective=OBJECTIVE).target == 0.6
    assert ada(AdaOptions(target=0.2), objective=OBJECTIVE).target == 0.2


def test_state_goes_on_where_it_was():
    one, other = (ada(AdaOptions(), objective=OBJECTIVE) for _ in range(2))
    run(one, 0.9, 6)
    other.restore(one.state(), rolled_back=False)
    assert run(one, 0.9, 7) == run(other, 0.9, 7)

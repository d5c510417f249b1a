import pytest

from artgan.api import Statistics
from artgan_plugins.policies.adaptive import adaptive
from artgan_plugins.policies.options import AdaptiveOptions

BATCH = 100


def feed(policy, steps, accuracy, gradient=1.0, start=0):
    """Return the last action after some steps of the same figures."""
    action = None
    for i in range(start, start + steps):
        learned = "DG" if action is None or action.train_d else "G"
        values = {"sign_accuracy": accuracy, "G/gradient": gradient}
        stats = Statistics("step", BATCH * i, BATCH, None, values, learned=frozenset(learned))
        action = policy.observe(stats)
    return action


def test_balance_is_left_alone():
    action = feed(adaptive(AdaptiveOptions()), 500, 0.5)
    assert (action.d_rate, action.g_rate, action.train_d) == (1.0, 1.0, True)


def test_a_rate_halves_in_the_kimg_that_are_set():
    policy = adaptive(AdaptiveOptions(kimg=4.0))
    assert feed(policy, 40, 0.99).d_rate == pytest.approx(0.5)  # 40 x 100 pictures
    assert feed(policy, 40, 0.99).g_rate == 1.0


def test_rates_end_at_the_lowest_and_come_back():
    policy = adaptive(AdaptiveOptions(kimg=1.0, lowest=0.25))
    assert feed(policy, 200, 0.99).d_rate == 0.25
    assert feed(policy, 200, 0.5).d_rate == 1.0
    assert feed(policy, 200, -0.5).g_rate == 0.25


def test_d_rests_every_other_step_while_g_is_starved():
    policy = adaptive(AdaptiveOptions(gradient=0.05))
    feed(policy, 600, 0.5, gradient=1.0)
    feed(policy, 100, 0.5, gradient=1e-6)
    rests = [not feed(policy, 1, 0.5, gradient=1e-6).train_d for _ in range(2)]
    learned = "G"
    pattern = []
    for _ in range(6):
        values = {"sign_accuracy": 0.5, "G/gradient": 1e-6}
        stats = Statistics("step", 0, BATCH, None, values, learned=frozenset(learned))
        trains = policy.observe(stats).train_d
        pattern.append(trains)
        learned = "DG" if trains else "G"
    assert any(rests)
    assert pattern == [True, False] * 3 or pattern == [False, True] * 3


def test_nothing_is_learned_from_a_broken_step():
    policy = adaptive(AdaptiveOptions())
    before = policy.state()
    stats = Statistics("step", 0, BATCH, None, {"sign_accuracy": 1.0}, sound=False)
    policy.observe(stats)
    assert policy.state() == before

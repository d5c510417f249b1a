import math

import pytest

from artgan.api import Objective, Statistics
from artgan_plugins.policies.balance import one_to_one, skip_d, ttur
from artgan_plugins.policies.options import SkipDOptions, TturOptions

CLASSIC = Objective("classic", "m:f", parity=2 * math.log(2))


def step(cur_nimg, learned="DG", **values):
    named = {name.replace("_", "/"): value for name, value in values.items()}
    return Statistics("step", cur_nimg, 8, None, named, learned=frozenset(learned))


def test_one_to_one_changes_nothing():
    action = one_to_one().observe(step(8, D_adversarial=0.0))
    assert action.train_d
    assert action.train_g
    assert (action.d_rate, action.g_rate) == (1.0, 1.0)


def test_ttur_keeps_two_rates():
    action = ttur(TturOptions()).observe(step(8))
    assert action.d_rate / action.g_rate == 4.0


def feed(policy, loss, steps, resting=False):
    """Return how often D rests over some steps of one loss."""
    rests = 0
    for i in range(steps):
        action = policy.observe(step(8 * i, "G" if resting else "DG", D_adversarial=loss))
        resting = not action.train_d
        rests += resting
    return rests


def test_d_rests_while_its_loss_is_low_and_learns_again_when_it_is_not():
    policy = skip_d(SkipDOptions(steps=2, most=100), objective=CLASSIC)
    assert feed(policy, CLASSIC.parity, 20) == 0
    assert feed(policy, 0.05, 20) > 10
    assert feed(policy, CLASSIC.parity, 20, resting=True) < 5


def test_d_rests_no_longer_than_it_may():
    policy = skip_d(SkipDOptions(steps=1, most=3), objective=CLASSIC)
    pattern = []
    resting = False
    for i in range(9):
        action = policy.observe(step(8 * i, "G" if resting else "DG", D_adversarial=0.0))
        resting = not action.train_d
        pattern.append(resting)
    assert pattern == [True, True, True, False] * 2 + [True]


def test_what_lies_between_the_limits_changes_nothing():
    policy = skip_d(SkipDOptions(steps=1, below=0.3, until=0.5, most=100), objective=CLASSIC)
    between = 0.4 * CLASSIC.parity
    assert policy.observe(step(8, D_adversarial=between)).train_d
    assert not policy.observe(step(16, D_adversarial=0.0)).train_d
    assert not policy.observe(step(24, "G", D_adversarial=between)).train_d


def test_state_goes_on_where_it_was():
    one = skip_d(SkipDOptions(), objective=CLASSIC)
    feed(one, 0.1, 30)
    other = skip_d(SkipDOptions(), objective=CLASSIC)
    other.restore(one.state(), rolled_back=False)
    assert other.state() == one.state()
    assert feed(one, 0.5, 9) == feed(other, 0.5, 9)


@pytest.mark.parametrize("options", [{"below": 0.0}, {"below": 1.0}, {"steps": 0}, {"until": 2.0}])
def test_refuses(options):
    with pytest.raises(ValueError, match="1 validation error"):
        SkipDOptions(**options)

"""Fitting: which looks there are, in which order they give way, and when none is left."""

import pytest

from artgan.fitting import Look, choose, looks


def test_the_best_look_is_the_first_and_shares_are_of_it():
    found = looks(24.0, 2, [1.0, 0.5])
    assert found[0] == Look(0, 24.0, 2, 1.0, 0.0)
    assert [look.loss for look in found] == sorted(look.loss for look in found)
    rates = {24.0, 20.0, 15.0, 12.5, 10.0, 8.0}
    assert {(look.step, look.fps, look.scale) for look in found} == {
        (step, rate, scale) for step in (0, 1) for rate in rates for scale in (1, 2)
    }
    shares = {(look.step, look.fps, look.scale): look.share for look in found}
    assert shares[1, 24.0, 2] == 0.5  # as measured
    assert shares[0, 8.0, 2] == pytest.approx(1 / 3)
    assert shares[0, 24.0, 1] == pytest.approx(2**-1.7)  # a quarter of the pixels, and a bit more


def test_quality_gives_way_before_the_rate_and_the_rate_no_further_than_it_may():
    found = looks(20.0, 4, [1.0, 0.9, 0.8])
    order = [(look.step, look.fps, look.scale) for look in found]
    assert order.index((1, 20.0, 4)) < order.index((0, 10.0, 4))
    assert order.index((0, 15.0, 4)) < order.index((0, 20.0, 1))
    assert min(look.fps for look in found) == 8.0
    slow = looks(5.0, 1, [1.0])
    assert slow == [Look(0, 5.0, 1, 1.0, 0.0)]


def test_the_best_that_is_expected_to_fit_is_chosen_with_something_to_spare():
    found = looks(25.0, 1, [1.0, 0.5, 0.25])
    assert choose(found, 0.6, tried=lambda look: False).share == 0.5
    less = choose(found, 0.5, tried=lambda look: False)
    assert (less.step, less.share) != (1, 0.5)  # no room to be wrong by a little
    assert less.share < 0.5
    first = choose(found, 0.6, tried=lambda look: False)
    other = choose(found, 0.6, tried=[first].__contains__)
    assert other != first
    assert other.share <= 0.6


def test_the_smallest_is_tried_once_where_none_is_expected_to_fit():
    found = looks(25.0, 2, [1.0, 0.5])
    smallest = choose(found, 1e-9, tried=lambda look: False)
    assert (smallest.step, smallest.fps, smallest.scale) == (1, 8.0, 1)
    assert choose(found, 1e-9, tried=[smallest].__contains__) is None
    assert choose(looks(8.0, 1, [1.0]), 0.5, tried=lambda look: True) is None
    larger = looks(8.0, 1, [1.0, 3.0])  # a step that made it larger is no way out
    assert choose(larger, 0.5, tried=larger[:1].__contains__) is None

"""Timing: every number by hand; rests to the frame, keys on beats, ends where they belong."""

from typing import get_args

import numpy as np
import pytest

from artgan.errors import ConfigError
from artgan.timing import EASINGS, Arc, beat_times, film_times, moving_share, place
from artgan.walkplan import Ease

THIRDS = np.array([0, 1 / 3, 2 / 3, 1])
EVEN = Arc.even()
FINE = np.linspace(0, 1, 100_001)
COUNTS = range(1, 501)


def at_rest(positions, position, times=FINE):
    """Return when positions are at one, as (first, last) of each stay that is more than a touch."""
    still = np.abs(positions - position) < 1e-9
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still, [0]])))
    stays = [(times[a], times[b - 1]) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [stay for stay in stays if stay[1] - stay[0] > 2e-5]


# Easings ----------------------------------------------------------------------------------------


def test_easings_are_those_that_can_be_asked_for():
    assert tuple(EASINGS) == get_args(Ease)


@pytest.mark.parametrize("name", EASINGS)
def test_every_easing_leads_from_0_to_1_without_a_jump(name):
    ease = EASINGS[name]
    first, middle, last = ease(np.array([0.0, 0.5, 1.0]))
    assert (first, last) == pytest.approx((0, 1), abs=1e-12)
    if name != "bounce":
        assert middle == pytest.approx(0.5, abs=1e-12)
        np.testing.assert_allclose(ease(FINE) + ease(1 - FINE), 1, atol=1e-9)
    eased = ease(FINE)
    assert np.abs(np.diff(eased)).max() < 1e-4 * 1.5
    beyond = max(-eased.min(), eased.max() - 1)
    assert beyond == pytest.approx(0.1, abs=1e-3) if name == "back" else beyond <= 1e-12
    assert bool((np.diff(eased) >= -1e-15).all()) == (name not in ("back", "bounce"))


@pytest.mark.parametrize(
    ("name", "quarter"),
    [
        ("linear", 1 / 4),
        ("sine", (1 - 0.5**0.5) / 2),
        ("quad", 1 / 8),
        ("cubic", 1 / 16),
        ("smooth", 5 / 32),
        ("smoother", 53 / 512),
        ("expo", 1 / 66),  # (2^-5 - 2^-10) / (2 - 2^-9)
        ("bounce", 7.5625 / 16),
    ],
)
def test_easings_at_a_quarter(name, quarter):
    assert EASINGS[name](np.array([0.25]))[0] == pytest.approx(quarter, abs=1e-12)


# Frames and beats -------------------------------------------------------------------------------


def test_times_are_exact_for_every_count():
    for count in COUNTS:
        closed, opened = film_times(count, closed=True), film_times(count, closed=False)
        assert len(closed) == len(opened) == count
        assert closed[0] == opened[0] == 0
        assert closed[-1] == (count - 1) / count
        assert opened[-1] == (1 if count > 1 else 0)


def test_keys_land_on_whole_beats_in_order():
    for ways in range(1, 13):
        for beats in range(ways, 40):
            landed = beat_times(np.linspace(0, 1, ways + 1), beats) * beats
            np.testing.assert_allclose(landed, np.rint(landed), atol=1e-9)
            assert (landed[0], landed[-1]) == (0, beats)
            assert np.diff(np.rint(landed)).min() >= 1
            assert np.abs(landed - np.linspace(0, beats, ways + 1)).max() <= 0.5 + 1e-9


def test_crowded_keys_are_moved_apart():
    knots = np.array([0, 0.02, 0.04, 0.99, 1])
    np.testing.assert_allclose(beat_times(knots, 5) * 5, [0, 1, 2, 4, 5])


def test_more_keys_than_beats_land_on_halves_of_them():
    knots = np.linspace(0, 1, 7)
    np.testing.assert_allclose(beat_times(knots, 3) * 6, range(7))
    landed = beat_times(knots, 4) * 8
    np.testing.assert_allclose(landed, np.rint(landed))
    assert np.diff(landed).min() >= 1


@pytest.mark.parametrize("ease", ["linear", "smooth", "bounce"])
@pytest.mark.parametrize("hold", [0.0, 0.05])
def test_a_key_is_met_exactly_on_its_beat(ease, hold):
    arc = Arc.measured(np.array([0, 0.1, 1.0]), np.array([9.0, 1.0]))
    beats = np.arange(8) / 8
    found = place(beats, arc, knots=THIRDS, beats=8, ease=ease, hold=hold)
    for key, beat in ((0, 0), (1 / 3, 3), (2 / 3, 5)):
        assert found[beat] == pytest.approx(key, abs=1e-9)
    before = place(beats[[3, 5]] - 1e-4, arc, knots=THIRDS, beats=8, hold=hold)
    assert (before < THIRDS[1:3]).all()


def test_on_beats_a_walk_rests_after_the_key_at_most_nine_tenths_of_the_way():
    found = place(FINE, EVEN, knots=np.array([0, 0.5, 1]), beats=8, hold=0.1)
    assert at_rest(found, 0.5) == [(pytest.approx(0.5), pytest.approx(0.6, abs=2e-5))]
    knots = np.linspace(0, 1, 4)  # on 0, 1, 3 and 4 of 4 beats
    found = place(FINE, EVEN, knots=knots, beats=4, hold=0.24)
    assert at_rest(found, 1 / 3) == [(pytest.approx(0.25), pytest.approx(0.49, abs=2e-5))]
    assert at_rest(found, 0.0) == [(0, pytest.approx(0.225, abs=2e-5))]


# The arc ----------------------------------------------------------------------------------------


def test_an_arc_goes_both_ways():
    arc = Arc.measured(np.array([0, 0.5, 1.0]), np.array([3.0, 1.0]))
    assert arc.length == 4
    np.testing.assert_allclose(
        arc.way(np.array([0, 0.25, 0.5, 0.75, 1])), [0, 3 / 8, 0.75, 7 / 8, 1]
    )
    np.testing.assert_allclose(arc.at(arc.way(FINE)), FINE, atol=1e-12)
    assert (Arc.measured(np.linspace(0, 1, 4), np.zeros(3)).s == EVEN.s).all()


def test_time_is_shared_out_as_the_arc_is_long():
    """Half the path is nine tenths of what is to be seen: it takes nine tenths of the time."""
    arc = Arc.measured(np.array([0, 0.5, 1.0]), np.array([9.0, 1.0]))
    found = place(np.array([0, 0.45, 0.9, 0.95, 1]), arc, knots=np.array([0, 0.5, 1]), closed=False)
    np.testing.assert_allclose(found, [0, 0.25, 0.5, 0.75, 1], atol=1e-12)


def test_easing_is_from_key_to_key():
    times = np.array([0, 1 / 12, 1 / 6, 1 / 3, 5 / 12, 1])
    found = place(times, EVEN, knots=THIRDS, ease="quad", closed=False)
    np.testing.assert_allclose(found, [0, 1 / 24, 1 / 6, 1 / 3, 3 / 8, 1], atol=1e-12)


def test_what_goes_too_far_comes_in_again_or_stops():
    times = np.array([0.02, 0.98])
    around = place(times, EVEN, knots=THIRDS, ease="back")
    assert around[0] > 0.98
    assert around[1] < 0.02
    stopped = place(times, EVEN, knots=THIRDS, ease="back", closed=False)
    assert stopped.tolist() == [0, 1]


@pytest.mark.parametrize("ease", EASINGS)
@pytest.mark.parametrize("beats", [None, 7])
@pytest.mark.parametrize("hold", [0.0, 0.1])
def test_time_1_is_time_0_of_a_closed_path_and_the_end_of_an_open_one(ease, beats, hold):
    how = {"knots": THIRDS, "beats": beats, "ease": ease, "hold": hold}
    ends = place(np.array([0.0, 1.0]), EVEN, **how)
    assert min(ends[1], 1 - ends[1]) < 1e-9
    assert ends[0] == 0
    assert place(np.array([0.0, 1.0]), EVEN, **how, closed=False) == pytest.approx([0, 1], abs=1e-9)


# Rests ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ease", ["linear", "smoother"])
def test_each_key_is_rested_at_for_exactly_as_long(ease):
    """Half before it is met and half after; the way to the last key is hardly any."""
    arc = Arc.measured(np.array([0, 1 / 3, 2 / 3, 1.0]), np.array([5.0, 4.99, 0.01]))
    found = place(FINE, arc, knots=THIRDS, hold=0.1, closed=False)
    first, second, third, last = (at_rest(found, key) for key in THIRDS)
    met = [0.1 + 0.5 * 0.7, 0.2 + 0.999 * 0.7]
    assert first == [(0, pytest.approx(0.05, abs=2e-5))]
    assert second == [
        (pytest.approx(met[0] - 0.05, abs=2e-5), pytest.approx(met[0] + 0.05, abs=2e-5))
    ]
    assert third == [
        (pytest.approx(met[1] - 0.05, abs=2e-5), pytest.approx(met[1] + 0.05, abs=2e-5))
    ]
    assert last == [(pytest.approx(0.95, abs=2e-5), 1)]
    assert found[70_000] != found[70_010]


def test_a_film_that_ends_rests_as_long_at_both_ends():
    found = place(FINE, EVEN, knots=np.array([0, 0.5, 1]), hold=0.2, closed=False, ends=True)
    stays = [at_rest(found, key) for key in (0, 0.5, 1)]
    assert [round(b - a, 3) for ((a, b),) in stays] == [0.2, 0.2, 0.2]
    assert stays[1][0] == pytest.approx((0.4, 0.6), abs=2e-5)


def test_keys_that_look_alike_are_one_rest():
    arc = Arc.measured(np.array([0, 0.5, 1.0]), np.array([1.0, 0.0]))
    found = place(FINE, arc, knots=np.array([0, 0.5, 1]), hold=0.1, closed=False)
    assert np.isfinite(found).all()
    moving = np.flatnonzero(np.abs(np.diff(arc.way(found))) > 1e-12)
    assert (FINE[moving[0]], FINE[moving[-1]]) == pytest.approx((0.05, 0.85), abs=3e-5)


def test_rests_that_leave_no_time_are_refused():
    assert moving_share(3, 0.1) == pytest.approx(0.7)
    assert moving_share(3, 0.1, ends=True) == pytest.approx(0.6)
    for beats in (None, 6):
        with pytest.raises(ConfigError) as caught:
            place(FINE, EVEN, knots=THIRDS, hold=0.31, beats=beats)
        assert str(caught.value) == (
            "holds take 93% of the time: give a shorter --hold, fewer --keys, or more --seconds"
        )

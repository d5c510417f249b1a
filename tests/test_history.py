import json

from past_kit import past_run, tick, treated

from artgan.history import Tick, Treatment, read_rows


def rows_of(tmp_path, *rows):
    return read_rows(past_run(tmp_path, rows))


def test_rows_are_ticks_and_treatments_in_order(tmp_path):
    first, done, second = rows_of(
        tmp_path, tick(1), treated(1, "D ahead", "so it is", "slower"), tick(2, 1)
    )
    assert isinstance(first, Tick)
    assert (first.attempt, first.cur_nimg, first.values["sign_accuracy"]) == (
        0, 1000, tick(1)["sign_accuracy"],
    )  # fmt: skip
    assert done == Treatment(0, 1000, "D ahead", "so it is", "slower")
    assert second.attempt == 1


def test_the_clock_is_no_figure(tmp_path):
    (row,) = rows_of(tmp_path, tick(1, state="learning"))
    assert set(row.values).isdisjoint({"images_per_second", "seconds", "state", "cur_nimg"})
    assert not row.measured


def test_rows_with_figures_are_measured(tmp_path):
    one, other = rows_of(tmp_path, tick(1, swd__swd=3.0), tick(2, score=1.0))
    assert one.measured
    assert other.measured


def test_what_is_torn_foreign_or_comes_again_is_passed_over(tmp_path):
    rows = rows_of(
        tmp_path,
        '{"cur_nimg": 100, "D/adv',
        "[1, 2]",
        "",
        '{"hello": 1}',
        '{"cur_nimg": 500, "hello": "you"}',
        '{"cur_nimg": -5, "D/adversarial": 1}',
        '{"cur_nimg": true, "D/adversarial": 1}',
        '{"cur_nimg": 700, "attempt": "x", "D/adversarial": 1}',
        tick(1),
        tick(1, sign_accuracy=0.0),
        tick(0.5),
        json.dumps(tick(2))[:-9],
        tick(3),
    )
    assert [row.cur_nimg for row in rows] == [1000, 3000]


def test_values_that_are_no_finite_numbers_are_passed_over(tmp_path):
    text = (
        '{"cur_nimg": 1000, "D/adversarial": NaN, "G/adversarial": Infinity, "D/r1": "x", '
        f'"D/gradient": true, "G/gradient": {10**400}, "sign_accuracy": null, "margin": 1, '
        '"seconds": 2}'
    )
    (row,) = rows_of(tmp_path, text)
    assert row.values == {"margin": 1.0}

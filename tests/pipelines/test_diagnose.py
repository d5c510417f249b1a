import pytest
from past_kit import broken, checkpoint, healthy, measures, past_run, tick, treated

from artgan.errors import ComponentError, ConfigError, PathError, RunError
from artgan.pipelines.diagnose import (
    DiagnoseConfig,
    curves_of,
    curves_path,
    diagnose,
    find_run_folder,
)
from artgan.registry import Registry

COMPONENTS = Registry(entry_points=[])


def said(tmp_path, rows, **settings):
    return diagnose(past_run(tmp_path, rows, **settings), COMPONENTS)


def states(diagnosis):
    return [(each.attempt, each.cur_nimg, each.state) for each in diagnosis.timeline]


def panel(diagnosis, begins):
    (found,) = [p for p in curves_of(diagnosis).panels if p.title.startswith(begins)]
    return found


def test_a_healthy_run_is_learning_and_needs_no_advice(tmp_path):
    diagnosis = said(tmp_path, healthy(12))
    assert states(diagnosis) == [(0, 1000, "learning")]
    assert diagnosis.found.cur_nimg == 12000
    assert "still improving" in diagnosis.found.evidence
    assert diagnosis.advice == ""
    assert diagnosis.treatments == ()
    assert (diagnosis.cur_nimg, diagnosis.total_nimg) == (12000, 20000)


def test_a_collapse_is_seen_whoever_looked_after_the_run(tmp_path):
    rows = [*healthy(10), tick(11), tick(12, **measures(3.0, 0.2))]
    diagnosis = said(tmp_path, rows, doctor="off")
    assert states(diagnosis) == [(0, 1000, "learning"), (0, 12000, "collapsing")]
    assert diagnosis.found.evidence.startswith("the pictures differ 0.20 times as much")
    assert "--augment diffaugment" in diagnosis.advice


def test_the_options_of_the_run_hold(tmp_path):
    run = past_run(tmp_path, [*healthy(10), tick(12, **measures(3.0, 0.2))])
    config = run.path / "config.toml"
    config.write_text(config.read_text() + "\n[policies.doctor]\nvaried = 0.1\n")
    assert diagnose(run, COMPONENTS).found.state == "learning"


def test_the_length_is_that_of_the_newest_checkpoint(tmp_path):
    rows = [*healthy(10), *(tick(k, **measures(0.8)) for k in range(11, 26))]
    assert said(tmp_path / "a", rows, kimg=30.0).found.state == "converged"
    run = past_run(tmp_path / "b", rows, kimg=30.0)
    checkpoint(run, 20, total_nimg=90_000)
    checkpoint(run, 25, total_nimg=100_000)
    diagnosis = diagnose(run, COMPONENTS)
    assert (diagnosis.found.state, diagnosis.total_nimg) == ("learning", 100_000)


def test_a_run_that_diverged_was_taken_back_and_goes_on(tmp_path):
    diagnosis = said(tmp_path, broken())
    assert states(diagnosis) == [
        (0, 1000, "learning"), (0, 8400, "diverged"), (1, 6000, "learning"),
    ]  # fmt: skip
    assert [each.cur_nimg for each in diagnosis.treatments] == [8300, 8400]
    assert diagnosis.cur_nimg == 14000
    bands = [(b.attempt, b.begin, b.end, b.state, b.good) for b in diagnosis.bands]
    assert bands == [
        (0, 0, 8000, "learning", True),
        (0, 8000, 8400, "diverged", False),
        (1, 5000, 14000, "learning", True),
    ]


def test_what_was_measured_before_the_trouble_is_forgotten(tmp_path):
    """The doctor goes on from the checkpoint, where it knew of no collapse."""
    rows = [*healthy(9), tick(10, **measures(3.0, 0.2))]
    rows += [tick(k, 1) for k in range(8, 12)]
    assert states(said(tmp_path, rows)) == [
        (0, 1000, "learning"), (0, 10000, "collapsing"), (1, 8000, "learning"),
    ]  # fmt: skip


def test_a_run_that_ended_between_two_ticks_is_in_the_state_it_ended_for(tmp_path):
    evidence = "3 steps in a row had a loss or gradient that is not finite"
    ended = treated(8.4, "diverged", evidence, "training ended")
    diagnosis = said(tmp_path, [*healthy(8), ended])
    assert (diagnosis.found.state, diagnosis.found.evidence) == ("diverged", evidence)
    assert "--g-lr" in diagnosis.advice


def test_only_what_was_done_may_be_known(tmp_path):
    diagnosis = said(tmp_path, [treated(0.2, "diverged", "so it is", "training ended")])
    assert diagnosis.found.state == "diverged"
    assert curves_of(diagnosis).panels == ()


def test_torn_and_foreign_rows_change_nothing(tmp_path):
    rows = healthy(6)
    plain = said(tmp_path / "a", rows)
    marred = said(tmp_path / "b", ['{"x": 1}', *rows[:3], '{"cur_nimg": 3500}', *rows[3:], '{"cu'])
    assert (marred.timeline, marred.found, marred.ticks) == (
        plain.timeline, plain.found, plain.ticks,
    )  # fmt: skip


@pytest.mark.parametrize("rows", [[], ['{"cur_nim'], ['{"cur_nimg": 5}']])
def test_without_rows_there_is_nothing_to_say(tmp_path, rows):
    with pytest.raises(RunError) as caught:
        said(tmp_path, rows)
    assert str(caught.value) == (
        "run 00001-cats has no statistics yet: they come with every 1,000 pictures"
    )


def test_a_run_that_ended_before_the_first_tick_will_have_no_statistics(tmp_path):
    run = past_run(tmp_path, [])
    checkpoint(run, 0.5, total_nimg=500)
    with pytest.raises(RunError) as caught:
        diagnose(run, COMPONENTS)
    assert str(caught.value) == (
        "run 00001-cats has no statistics: it ended before the first 1,000 pictures"
    )


def test_actions_that_were_taken_back_say_so_in_the_order_they_happened(tmp_path):
    skipped, back = broken()[8:10]
    rows = [*healthy(8), back, skipped, *broken()[10:], treated(14.5, "ill", "it is", "healed", 1)]
    diagnosis = said(tmp_path, rows)
    found = [(t.cur_nimg, t.taken_back) for t in diagnosis.treatments]
    assert found == [(8300, True), (8400, False), (14500, False)]
    marks = curves_of(diagnosis).marks
    assert marks[0].text.endswith("; the batch was skipped (taken back)")
    assert [mark.text.endswith("(taken back)") for mark in marks] == [True, False, False]


def test_checkpoints_stand_with_the_figures_taken_before_them(tmp_path):
    run = past_run(tmp_path, healthy(12))
    run.mark({"best": checkpoint(run, 8)})
    checkpoint(run, 11.5)
    diagnosis = diagnose(run, COMPONENTS)
    best, last = diagnosis.best, diagnosis.last
    assert (best.name, best.measured) == ("000008000-0", 8000)
    assert (last.name, last.cur_nimg, last.measured) == ("000011500-0", 11500, 10000)
    assert best.figures["score"] == pytest.approx(2 * 0.9**8)
    assert best.figures["swd/swd/floor"] == 18.0
    assert "D/adversarial" not in best.figures


def test_figures_of_what_was_taken_back_are_nobodys(tmp_path):
    rows = [*healthy(6), tick(8, **measures(9.0)), tick(7, 1), tick(9, 1)]
    run = past_run(tmp_path, rows)
    checkpoint(run, 9, attempt=1)
    assert diagnose(run, COMPONENTS).last.measured == 6000


def test_a_mark_of_what_is_gone_is_no_checkpoint(tmp_path):
    run = past_run(tmp_path, healthy(4))
    run.mark({"best": "000002000-0"})
    diagnosis = diagnose(run, COMPONENTS)
    assert (diagnosis.best, diagnosis.last) == (None, None)


def test_damaged_checkpoints_do_not_matter(tmp_path):
    run = past_run(tmp_path, healthy(4))
    (run.checkpoints / checkpoint(run, 2) / "state.json").write_text("{")
    checkpoint(run, 1, total_nimg="x", pictures=None)
    assert diagnose(run, COMPONENTS).total_nimg == 20000


# Curves ---------------------------------------------------------------------------------------


def test_curves_show_what_there_is(tmp_path):
    run = past_run(tmp_path, healthy(12))
    run.mark({"best": checkpoint(run, 8)})
    diagnosis = diagnose(run, COMPONENTS)
    curves = curves_of(diagnosis)
    assert [p.title.partition(" ")[0] for p in curves.panels] == [
        "adversarial", "sign", "gradient", "further", "swd", "coverage", "diversity", "copying",
        "score",
    ]  # fmt: skip
    assert curves.title == "00001-cats   12.0 of 20.0 kimg   learning"
    assert panel(diagnosis, "sign").level.value == 0.6
    assert [line.label for line in panel(diagnosis, "further").lines] == ["D r1"]
    swd, colour = panel(diagnosis, "swd").lines
    assert (swd.label, swd.floor, colour.floor) == ("swd \u2193", 18.0, 6.0)
    assert len(swd.points) == 6
    best = panel(diagnosis, "score").best
    assert (best.cur_nimg, best.value) == (8000, pytest.approx(2 * 0.9**8))


def test_curves_are_drawn_by_attempt(tmp_path):
    curves = curves_of(said(tmp_path, broken()))
    points = curves.panels[0].lines[0].points
    assert [p.cur_nimg for p in points if p.attempt == 1] == [k * 1000 for k in range(6, 15)]
    assert [mark.cur_nimg for mark in curves.marks] == [8300, 8400]
    assert curves.marks[1].text.endswith("; back to the last checkpoint, rates down to 0.5 of "
                                         "what was set")  # fmt: skip


def test_strength_and_foreign_metrics_have_panels_of_their_own(tmp_path):
    rows = [tick(k, strength=0.1 * k, theirs__a=1.0, theirs__b=2.0) for k in (1, 2)]
    diagnosis = said(tmp_path, rows)
    assert len(panel(diagnosis, "strength").lines) == 1
    assert [line.label for line in panel(diagnosis, "theirs").lines] == ["a", "b"]


def test_missing_columns_are_missing_panels(tmp_path):
    diagnosis = said(tmp_path, [{"cur_nimg": 1000, "sign_accuracy": 0.5, "seconds": 1.0}])
    assert [p.title[:4] for p in curves_of(diagnosis).panels] == ["sign"]


# What is asked for ----------------------------------------------------------------------------


def test_the_run_may_be_named_in_any_way(tmp_path):
    run = past_run(tmp_path, healthy(2))
    for name in ("1", "latest", "00001-cats", str(run.path)):
        config = DiagnoseConfig(run=name, runs=str(tmp_path / "runs"))
        assert find_run_folder(config) == run
    assert curves_path(config, run) == run.path / "curves.png"


def test_a_checkpoint_or_a_packed_file_is_refused(tmp_path):
    past_run(tmp_path, healthy(2))
    pack = tmp_path / "a.artgan"
    pack.write_bytes((2).to_bytes(8, "little") + b"{}")
    for name, message in [("1@latest", "leave @latest out"), (str(pack), "is packed")]:
        with pytest.raises(PathError, match=message):
            find_run_folder(DiagnoseConfig(run=name, runs=str(tmp_path / "runs")))


def test_where_the_curves_go_is_checked(tmp_path):
    run = past_run(tmp_path, healthy(2))
    (run.path / "curves.png").write_bytes(b"old")
    assert curves_path(DiagnoseConfig(run="1"), run).exists()  # the run's own is made anew
    taken = tmp_path / "a.png"
    taken.write_bytes(b"mine")
    with pytest.raises(PathError, match="a.png exists: choose another name, or add --overwrite"):
        curves_path(DiagnoseConfig(run="1", out=str(taken)), run)
    assert curves_path(DiagnoseConfig(run="1", out=str(taken), overwrite=True), run) == taken
    within = str(taken / "sub" / "a.png")
    with pytest.raises(PathError, match="a.png is a file, expected a folder"):
        curves_path(DiagnoseConfig(run="1", out=within), run)
    (tmp_path / "astray").symlink_to(tmp_path / "nowhere")
    with pytest.raises(PathError, match="astray is a link that leads nowhere, expected a folder"):
        curves_path(DiagnoseConfig(run="1", out=str(tmp_path / "astray" / "a.png")), run)
    (run.path / "curves.png").unlink()
    (run.path / "curves.png").mkdir()
    with pytest.raises(PathError, match="curves.png is a folder, expected a file"):
        curves_path(DiagnoseConfig(run="1"), run)
    for out in ("a.jpg", "a", "a.png/"):
        with pytest.raises(ConfigError, match=r"curves are a \.png"):
            curves_path(DiagnoseConfig(run="1", out=out), run)


def test_settings_that_are_not_to_be_understood_are_refused(tmp_path):
    with pytest.raises(ComponentError, match="no objective 'strange'"):
        said(tmp_path, healthy(2), objective="strange")
    with pytest.raises(ConfigError, match="is not a setting"):
        said(tmp_path / "b", healthy(2), nonsense=1)

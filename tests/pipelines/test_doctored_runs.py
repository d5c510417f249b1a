"""Runs that go wrong, or only look as if they did, and what becomes of them."""

import json

import pytest
import torch
from training_kit import Notes, after, checkpoint_bytes, squares, tiny, train_tiny

from artgan import loop
from artgan.config import TrainConfig, validate
from artgan.errors import RunError
from artgan.models import find_weights, run_config
from artgan.monitor import Monitor
from artgan.pipelines.train import resume, start
from artgan.runs import find_run
from artgan.training import Trainer

LONG = {"kimg": 3.0, "batch": 64}


def go_on(run, steps=10**5):
    config = run_config(run.config(), run.name)
    return resume(run, validate(TrainConfig, config.model_dump(), ""), Notes(), after(steps))


def events(run):
    return [row for row in run.read_stats() if "doctor" in row]


def told(tmp_path, **settings):
    notes = Notes()
    config = tiny(squares(tmp_path / "told", 18), **settings)
    return start(config, notes, after(10**5), out=tmp_path / "runs"), notes


# Stopping and resuming --------------------------------------------------------------------------

EVERYTHING = {
    "one-to-one": {"policies": ("one-to-one",)},
    "ttur": {"policies": ("ttur",)},
    "skip-d": {
        "policies": ("skip-d",),
        "components": {"policies": {"skip-d": {"below": 0.99, "until": 1.0, "steps": 1}}},
    },
    "adaptive": {
        "policies": ("adaptive",),
        "components": {"policies": {"adaptive": {"ahead": 0.01, "kimg": 0.5}}},
    },
    "ada": {
        "policies": ("adaptive", "ada"),
        "augmentations": ("diffaugment", "instance-noise"),
        "strength": 0.4,
    },
    "fixed strength": {"augmentations": ("diffaugment",), "strength": 0.7, "xflip": True},
    "pairs": {"objective": "relativistic-logistic", "regularizers": ("r1", "r2"), "decay": 0.5},
    "watching": {"doctor": "watch"},
    "no doctor": {"doctor": "off", "metrics": ()},
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_stopped_and_resumed_is_uninterrupted_bit_for_bit(tmp_path, name):
    own = dict(EVERYTHING[name])
    tables = {"architectures": {"dcgan": {"z_dim": 8, "base_channels": 4}}}
    tables.update(own.pop("components", {}))
    settings = {**LONG, **own, "components": tables}
    whole = train_tiny(tmp_path, "whole", **settings)
    part = train_tiny(tmp_path, "part", 20, **settings)
    while not part.finished:
        part = go_on(part.run, 15)
    assert checkpoint_bytes(part.run.path) == checkpoint_bytes(whole.run.path)


def test_a_rollback_is_the_same_when_the_run_is_stopped_after_it(tmp_path, monkeypatch):
    plant_nan(monkeypatch, {640, 704, 768})
    whole = train_tiny(tmp_path, "whole", **LONG)
    part = train_tiny(tmp_path, "part", 25, **LONG)
    assert not part.finished
    rest = go_on(part.run)
    assert checkpoint_bytes(rest.run.path) == checkpoint_bytes(whole.run.path)
    clocks = {"images_per_second", "seconds"}
    rows = [
        [{k: v for k, v in row.items() if k not in clocks} for row in each.run.read_stats()]
        for each in (rest, whole)
    ]
    assert rows[0] == rows[1]


# What is not finite -----------------------------------------------------------------------------


def plant_nan(monkeypatch, where, attempts=(0,)):
    """Make the batch at some moments of some attempts not-a-number."""
    real = Trainer._pictures

    def planted(self, reals):
        pictures = real(self, reals)
        if self.cur_nimg in where and self.attempt in attempts:
            pictures = pictures * float("nan")
        return pictures

    monkeypatch.setattr(Trainer, "_pictures", planted)


def test_one_broken_batch_is_skipped_and_said(tmp_path, monkeypatch):
    plant_nan(monkeypatch, {640})
    result, notes = told(tmp_path, **LONG)
    assert result.finished
    (event,) = events(result.run)
    assert event["doctor"] == "diverged"
    assert event["remedy"] == "the batch was skipped"
    assert any("the batch was skipped" in note for note in notes.notes)
    assert result.cur_nimg == 3008


def test_three_in_a_row_go_back_to_the_last_checkpoint_and_the_run_recovers(tmp_path, monkeypatch):
    plant_nan(monkeypatch, {1280, 1344, 1408})
    result, notes = told(tmp_path, **LONG)
    assert result.finished
    last = events(result.run)[-1]
    assert last["remedy"].startswith("back to the last checkpoint, rates down to 0.5")
    newest = sorted(path.name for path in result.run.checkpoints.iterdir())[-1]
    assert newest == "000003008-1"
    state = json.loads((result.run.checkpoints / newest / "state.json").read_text())
    assert (state["attempt"], state["steering"]["d_rate"]) == (1, 0.5)
    weights = find_weights(str(result.run.path), tmp_path)
    from safetensors.torch import load

    assert all(torch.isfinite(t).all() for t in load(weights.ema).values() if t.is_floating_point())


def test_what_breaks_again_and_again_ends_with_a_sentence(tmp_path, monkeypatch):
    plant_nan(monkeypatch, range(0, 10**6), attempts=range(100))
    with pytest.raises(RunError) as caught:
        told(tmp_path, **LONG)
    text = str(caught.value)
    assert text.startswith("diverged: 3 steps in a row had a loss or gradient that is not finite")
    assert "it was taken back 3 times already" in text


def test_with_the_doctor_off_three_in_a_row_end_the_run(tmp_path, monkeypatch):
    plant_nan(monkeypatch, range(0, 10**6))
    with pytest.raises(RunError, match="training diverged at 192 pictures: 3 steps in a row"):
        told(tmp_path, doctor="off", **LONG)


def test_rates_that_are_far_too_high_are_taken_down(tmp_path):
    result, _ = told(tmp_path, g_lr=0.5, d_lr=0.5, kimg=6.0, batch=64, regularizers=())
    seen = events(result.run)
    assert seen[0]["doctor"] == "diverged"
    assert "rates down to 0.5" in seen[0]["remedy"]
    rates = [float(row["remedy"].split("down to ")[1].split(" ")[0]) for row in seen[:2]]
    assert rates in ([0.5], [0.5, 0.125])


# Collapse ---------------------------------------------------------------------------------------


def figures(diversity, score):
    return {
        "score": score,
        "diversity/distance": diversity,
        "copying/copies": 0.0,
        "copying/copies/floor": 0.0,
    }


def plant_figures(monkeypatch, found):
    """Let measurements find what a list says, one after the other, and then the last for ever."""
    given = list(found)
    monkeypatch.setattr(loop, "SPACING", 1000)
    monkeypatch.setattr(loop, "MOMENTS", 100)
    monkeypatch.setattr(
        Monitor, "measure", lambda self, fakes: given.pop(0) if len(given) > 1 else given[0]
    )


OFTEN = {"kimg": 20.0, "batch": 512, "tick_kimg": 1, "augmentations": ()}
IMPROVING = [figures(0.9, 1.4 - 0.02 * i) for i in range(40)]


def test_a_collapse_goes_back_to_varied_pictures(tmp_path, monkeypatch):
    well = [figures(0.9, 2.0), figures(0.95, 1.5)]
    plant_figures(monkeypatch, [*well, figures(0.1, 3.0), *IMPROVING])
    result, notes = told(tmp_path, **OFTEN)
    assert result.finished
    (event,) = events(result.run)
    assert event["doctor"] == "collapsing"
    assert event["remedy"].startswith("back to the last checkpoint that was varied")
    back = next(note for note in notes.notes if note.startswith("went back to"))
    assert back == "went back to checkpoint 000003072-0"  # where measurements were good last
    assert find_run("1", tmp_path / "runs").marks()["best"].endswith("-1")


def test_a_collapse_that_stays_ends_with_the_best_checkpoint(tmp_path, monkeypatch):
    plant_figures(monkeypatch, [figures(0.9, 2.0), figures(0.95, 1.5), figures(0.1, 3.0)])
    result, _ = told(tmp_path, **OFTEN)
    assert result.finished
    assert "it was taken back 3 times already" in result.reason
    assert result.best == 3072
    weights = find_weights(str(result.run.path), tmp_path)
    assert weights.cur_nimg == 3072
    assert weights.label.endswith("at 3.072 kimg, its best checkpoint")
    latest = find_weights(f"{result.run.path}@latest", tmp_path)
    assert latest.cur_nimg == 3072  # what broke is not kept


def test_watching_a_collapse_changes_nothing(tmp_path, monkeypatch):
    plant_figures(monkeypatch, [figures(0.9, 2.0), figures(0.95, 1.5), figures(0.1, 3.0)])
    result, notes = told(tmp_path, doctor="watch", **OFTEN)
    assert result.finished
    assert not result.reason
    assert any(note.startswith("doctor: collapsing") for note in notes.notes)
    assert all("attempt" not in row for row in result.run.read_stats())


# What is well -----------------------------------------------------------------------------------


def test_a_relativistic_hinge_is_left_alone(tmp_path, monkeypatch):
    plant_figures(monkeypatch, IMPROVING)
    settings = {"objective": "relativistic-hinge", "regularizers": ("r1",)}
    result, _ = told(tmp_path, **settings, **OFTEN)
    assert result.finished
    assert not events(result.run)


def test_the_best_checkpoint_is_kept_beside_the_latest(tmp_path, monkeypatch):
    scores = [2.0, 1.0, *[3.0] * 40]
    plant_figures(monkeypatch, [figures(0.9, score) for score in scores])
    result, _ = told(tmp_path, keep=1, doctor="off", **OFTEN)
    names = sorted(path.name for path in result.run.checkpoints.iterdir())
    assert names == ["000003072-0", "000020480-0"]
    assert result.run.marks() == {"best": "000003072-0"}

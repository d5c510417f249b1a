import json
from types import SimpleNamespace

import pytest
from training_kit import Notes, after, squares, tiny

from artgan.api import ComponentError
from artgan.callbacks import EVENTS, Listeners
from artgan.models import run_config
from artgan.pipelines.train import resume, start
from artgan.testing import ContractError, check_component, isolated_registry

REGISTRY = isolated_registry("listening_kit", built_in=True)


def trained(tmp_path, *names, steps=10**5, notes=None, **settings):
    images = squares(tmp_path / "squares")
    config = tiny(images, callbacks=names, **{"kimg": 2.5, "doctor": "watch", **settings})
    return start(config, notes or Notes(), after(steps), out=tmp_path / "runs", components=REGISTRY)


def heard(run):
    return [json.loads(line) for line in (run.path / "heard.jsonl").read_text().splitlines()]


def test_a_callback_hears_a_whole_run_in_order(tmp_path):
    run = trained(tmp_path, "diary").run
    events = heard(run)
    assert [each["event"] for each in events if each["event"] in {"on_start", "on_end"}] == [
        "on_start", "on_end",
    ]  # fmt: skip
    assert {each["event"] for each in events} == set(EVENTS)
    start_, end = events[0], events[-1]
    assert start_ == {"event": "on_start", "at": 0, "total": 2500, "arch": "dcgan"}
    assert end == {"event": "on_end", "at": 2504, "how": "finished"}
    ticks = [each for each in events if each["event"] == "on_tick"]
    assert [each["at"] for each in ticks[:2]] == [1000, 2000]
    assert "D/adversarial" in ticks[0]["names"]
    for each in events:
        if each["event"] in {"on_grid", "on_checkpoint"}:
            assert each["there"]


def test_it_hears_that_a_run_was_stopped_and_goes_on(tmp_path):
    run = trained(tmp_path, "diary", steps=3).run
    assert heard(run)[-1] == {"event": "on_end", "at": 24, "how": "stopped"}
    resume(run, run_config(run.config(), ""), Notes(), after(2), components=REGISTRY)
    begun = [each for each in heard(run) if each["event"] == "on_start"]
    assert [each["at"] for each in begun] == [0, 24]


def test_it_hears_that_a_run_failed(tmp_path, monkeypatch):
    from artgan.api import RunError
    from artgan.training import Trainer

    def diverged(self, reals):
        raise RunError("training diverged")

    monkeypatch.setattr(Trainer, "step", diverged)
    with pytest.raises(RunError):
        trained(tmp_path, "diary")
    (run,) = (tmp_path / "runs").iterdir()
    last = json.loads((run / "heard.jsonl").read_text().splitlines()[-1])
    assert last == {"event": "on_end", "at": 0, "how": "failed: training diverged"}


def test_one_that_raises_is_left_out_and_training_goes_on(tmp_path):
    notes = Notes()
    result = trained(tmp_path, "clumsy", "diary", notes=notes)
    assert result.finished
    assert notes.warnings == [
        "callback 'listening_kit:clumsy' failed and is left out from here on: "
        "ValueError: no such room"
    ]
    assert heard(result.run)[-1]["how"] == "finished"
    assert "ValueError: no such room" in (result.run.path / "log.txt").read_text()


def test_one_that_changes_what_it_hears_changes_it_for_nobody_else():
    entry = REGISTRY.find("callbacks", "meddler")
    heard, values = [], {"D/adversarial": 0.5}
    meddler = SimpleNamespace(on_tick=lambda at, values: values.clear())
    other = SimpleNamespace(on_tick=lambda at, values: heard.append(values))
    listeners = Listeners([(entry, meddler), (entry, other)], heard.append)
    listeners.tell("on_tick", 1000, values)
    assert heard == [values] == [{"D/adversarial": 0.5}]


def test_callbacks_change_no_bit_of_a_run(tmp_path):
    from training_kit import checkpoint_bytes

    told = trained(tmp_path / "a", "diary", kimg=0.2).run
    alone = trained(tmp_path / "b", kimg=0.2).run
    assert checkpoint_bytes(told.path) == checkpoint_bytes(alone.path)


def test_an_unknown_one_is_refused_before_any_work(tmp_path):
    with pytest.raises(ComponentError, match="no callback 'diaries': did you mean 'diary'"):
        trained(tmp_path, "diaries")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("misspelt", "it has a method 'on_ticks', which nothing calls; did you mean 'on_tick'?"),
        ("deaf", "it listens to nothing, expected one or more of on_start, "),
        ("meddler", "'on_tick' changed the values it was given"),
        ("clumsy", "'on_tick' raised ValueError: no such room"),
    ],
)
def test_the_contract_names_the_fault(name, fault):
    with pytest.raises(ContractError) as caught:
        check_component(REGISTRY, f"callbacks/{name}")
    assert fault in str(caught.value)


def test_a_good_one_keeps_its_contract():
    check_component(REGISTRY, "callbacks/diary")

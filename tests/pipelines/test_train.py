import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from helpers import hear_interrupts
from training_kit import Notes, after, checkpoint_bytes, squares, tiny, train_tiny

from artgan import files
from artgan.checkpoints import generations
from artgan.config import TrainConfig, validate
from artgan.errors import ConfigError, ImageError, OutputError, RunError
from artgan.models import run_config
from artgan.pipelines.train import forecast, resume, start
from artgan.runs import RunFolder, find_run, unfinished_run


def go_on(run, steps=10**5, notes=None, **settings):
    config = run_config(run.config(), run.name)
    merged = {**config.model_dump(), **settings}
    notes = notes or Notes()
    return resume(
        run, validate(TrainConfig, merged, ""), notes, after(steps), new_length=bool(settings)
    )


def test_a_run_leaves_what_it_promises(tmp_path):
    result = train_tiny(tmp_path)
    assert (result.finished, result.cur_nimg, result.skipped) == (True, 104, 0)
    assert result.run.name == "00001-dcgan-squares"
    names = sorted(path.name for path in result.run.path.iterdir())
    assert names == [
        "checkpoints", "config.toml", "fakes000000.png", "lock", "log.txt", "marks.json",
        "reals.png",
    ]  # fmt: skip
    config = run_config(result.run.config(), "x")
    assert config.side == (16, 16)
    assert config.regularizers == ("r1", "r2")
    assert config.components["architectures"]["dcgan"]["base_channels"] == 4
    assert config.components["architectures"]["dcgan"]["upsample"] == "subpixel"  # spelt out


@pytest.mark.parametrize("steps", [0, 1, 5, 12])
def test_stopped_and_resumed_is_uninterrupted_bit_for_bit(tmp_path, steps):
    whole = train_tiny(tmp_path, "whole", tick_kimg=1)
    part = train_tiny(tmp_path, "part", steps, tick_kimg=1)
    assert not part.finished
    assert part.cur_nimg == 8 * steps
    rest = go_on(part.run)
    assert rest.finished
    assert checkpoint_bytes(rest.run.path) == checkpoint_bytes(whole.run.path)


def test_stopped_many_times(tmp_path):
    whole = train_tiny(tmp_path, "whole")
    part = train_tiny(tmp_path, "part", 2)
    while not part.finished:
        part = go_on(part.run, 3)
    assert checkpoint_bytes(part.run.path) == checkpoint_bytes(whole.run.path)


def test_statistics_are_those_of_an_uninterrupted_run(tmp_path):
    def rows(result):
        return [
            {k: v for k, v in row.items() if k not in {"images_per_second", "seconds"}}
            for row in result.run.read_stats()
        ]

    settings = {"kimg": 2.1, "batch": 64}
    whole = train_tiny(tmp_path, "whole", **settings)
    part = train_tiny(tmp_path, "part", 20, **settings)
    go_on(part.run)
    assert [row["cur_nimg"] for row in rows(whole)] == [1024, 2048, 2112]
    assert rows(part) == rows(whole)
    names = sorted(path.name for path in (whole.run.path / "snapshots").iterdir())
    assert names == ["000001024-0", "000002048-0"]


def test_killed_between_checkpoints_goes_on_from_the_last_one(tmp_path):
    whole = train_tiny(tmp_path, "whole")
    part = train_tiny(tmp_path, "part", 4)
    newest = generations(part.run.checkpoints)[-1]
    go_on(part.run, 3)  # a later checkpoint, which the kill destroys half-way
    later = generations(part.run.checkpoints)[-1]
    (later.path / "networks.safetensors").write_bytes(b"torn")
    notes = Notes()
    result = go_on(part.run, notes=notes)
    assert notes.warnings[0].startswith(f"checkpoint {later.name} is damaged: networks.safetensors")
    assert f"goes on from checkpoint {newest.name}" in notes.notes
    assert checkpoint_bytes(result.run.path) == checkpoint_bytes(whole.run.path)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_save_and_say_how_to_go_on(tmp_path, number, code):
    """A real process, a real signal at a moment of its own, and the same bytes in the end."""
    images = squares(tmp_path / "squares")
    # long enough that the signal lands inside, short enough to finish after
    flags = ["--size", "16", "--batch", "8", "--kimg", "2.5", "--device", "cpu"]
    flags += ["--precision", "float32"]
    for option in ("z_dim=8", "base_channels=4"):
        flags += ["--set", f"architectures.dcgan.{option}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "artgan", "train", str(images), *flags, "--out", "a"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path,
        preexec_fn=hear_interrupts,
    )  # fmt: skip
    stats = tmp_path / "a" / "00001-dcgan-squares" / "stats.jsonl"
    deadline = time.monotonic() + 60
    while not stats.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    run = find_run("1", tmp_path / "a")
    assert out.strip().endswith("00001-dcgan-squares")
    assert "to go on: artgan train --resume a/00001-dcgan-squares" in err
    assert "Traceback" not in err
    if number == signal.SIGTERM:
        return  # saved by the same code
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rest = go_on(run)
        whole = train_tiny(tmp_path, "b", kimg=2.5, device="cpu")
    finally:
        torch.set_num_threads(threads)
    assert rest.finished
    assert checkpoint_bytes(rest.run.path) == checkpoint_bytes(whole.run.path)


@pytest.mark.slow
def test_kill_9_loses_at_most_the_work_since_the_last_checkpoint(tmp_path):
    images = squares(tmp_path / "squares")
    code = (
        "import sys, artgan.cli.app as a\n"
        f"sys.exit(a.run(['train', {str(images)!r}, '--size', '16', '--batch', '8', '--kimg', '60',"
        " '--save-minutes', '0.002', '--set', 'architectures.dcgan.base_channels=4',"
        f" '--out', {str(tmp_path / 'a')!r}]))\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for delay in (0.0, 0.05, 0.11, 0.17, 0.23):
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=tmp_path)
        runs = tmp_path / "a"
        deadline = time.monotonic() + 60
        before = len(list(runs.glob("*"))) if runs.exists() else 0
        while time.monotonic() < deadline:
            found = sorted(runs.glob("*")) if runs.exists() else []
            if len(found) > before and any((found[-1] / "checkpoints").glob("0*")):
                break
            time.sleep(0.01)
        time.sleep(delay)
        process.kill()
        process.wait()
        run = RunFolder(sorted(runs.glob("*"))[-1])
        newest = generations(run.checkpoints)[-1].cur_nimg
        notes = Notes()
        result = go_on(run, 2, notes)
        assert any("goes on from checkpoint" in note for note in notes.notes)
        assert not any("damaged" in warning for warning in notes.warnings)
        assert result.cur_nimg == newest + 16
        assert not list(run.checkpoints.glob(".artgan-tmp-*"))


def test_fewer_pictures_than_the_batch(tmp_path):
    squares(tmp_path / "squares", count=1)
    assert train_tiny(tmp_path).finished


def test_minutes_become_pictures_once(tmp_path):
    result = train_tiny(tmp_path, kimg=None, minutes=0.01)
    state = json.loads(checkpoint_bytes(result.run.path)["state.json"])
    assert result.finished
    assert state["total_nimg"] <= result.cur_nimg < state["total_nimg"] + 8
    again = go_on(result.run)
    assert (again.finished, again.cur_nimg) == (True, result.cur_nimg)


def test_a_finished_run_can_be_made_longer(tmp_path):
    first = train_tiny(tmp_path, decay=0.0)
    longer = go_on(first.run, kimg=0.2)
    assert (longer.finished, longer.cur_nimg) == (True, 200)
    whole = train_tiny(tmp_path, "whole", kimg=0.2, decay=0.0)
    assert checkpoint_bytes(longer.run.path) == checkpoint_bytes(whole.run.path)


def test_a_run_from_before_there_were_policies_goes_on_without_them(tmp_path):
    part = train_tiny(tmp_path, steps=3)
    tables = part.run.config()
    for name in ("augmentations", "strength", "policies", "decay", "precision", "doctor", "xflip"):
        del tables["train"][name]
    part.run.write_config(tables)
    assert go_on(part.run).finished
    config = run_config(part.run.config(), "x")
    assert (config.augmentations, config.policies) == ((), ("one-to-one",))
    assert (config.decay, config.precision) == (0.0, "float32")


def test_init_from_starts_at_the_other_run(tmp_path):
    first = train_tiny(tmp_path)
    notes = Notes()
    config = tiny(tmp_path / "squares", kimg=0.1)
    result = start(config, notes, after(0), out=tmp_path / "runs", init_from="1")
    assert (
        "starts from run 00001-dcgan-squares at 0.104 kimg (generator and discriminator)"
        in notes.notes
    )
    old, new = checkpoint_bytes(first.run.path), checkpoint_bytes(result.run.path)
    assert old["ema.safetensors"] == new["ema.safetensors"]


def test_pictures_that_changed_are_said(tmp_path):
    part = train_tiny(tmp_path, steps=3)
    squares(tmp_path / "squares", count=13)
    notes = Notes()
    assert go_on(part.run, notes=notes).finished
    assert notes.warnings == [
        "the pictures are not those of before (12 then, 13 now): it goes on with what is there"
    ]


def test_broken_pictures_are_named_and_training_goes_on(tmp_path):
    images = squares(tmp_path / "squares", count=2)
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (images / "empty.jpg").write_bytes(b"")
    notes = Notes()
    result = start(tiny(images), notes, after(1), out=tmp_path / "runs")
    assert result.skipped == 2
    assert any(line.startswith("skipped broken.png: ") for line in notes.warnings)
    log = (result.run.path / "log.txt").read_text()
    assert "empty.jpg" in log


def test_nothing_usable_leaves_no_run_behind(tmp_path):
    images = tmp_path / "none"
    images.mkdir()
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ImageError):
        start(tiny(images), Notes(), after(1), out=tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*"))


def test_two_trainers_on_one_run(tmp_path):
    part = train_tiny(tmp_path, steps=1)

    def rival():
        with pytest.raises(RunError, match="is in use by process"):
            go_on(part.run)
        return True

    resume(part.run, run_config(part.run.config(), "x"), Notes(), rival)


def test_full_disk_at_the_end_is_said_and_the_checkpoint_before_is_intact(tmp_path, monkeypatch):
    part = train_tiny(tmp_path, steps=2)
    before = checkpoint_bytes(part.run.path)

    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    def stop():
        monkeypatch.setattr(files, "create", full)
        return True

    with pytest.raises(OutputError, match="no space is left on the disk: free some"):
        resume(part.run, run_config(part.run.config(), "x"), Notes(), after_then(3, stop))
    assert checkpoint_bytes(part.run.path) == before
    assert len(list(part.run.checkpoints.iterdir())) == 2  # the one at 0, and at the stop


def after_then(steps, stop):
    asked = iter(range(10**6))
    return lambda: next(asked) >= steps and stop()


def test_a_failed_save_is_survived_and_tried_again(tmp_path, monkeypatch):
    """Saving fails twice while training goes on, then the disk has room again."""
    images = squares(tmp_path / "squares")
    failures = iter([True, True])
    real = files.create

    def flaky(path):
        if "checkpoints" in str(path) and next(failures, False):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path)

    monkeypatch.setattr(files, "create", flaky)
    notes = Notes()
    config = tiny(images, save_minutes=1e-9)
    result = start(config, notes, after(10**5), out=tmp_path / "runs")
    assert result.finished
    assert len(notes.warnings) == 2
    assert notes.warnings[0].endswith(
        "no space is left on the disk: free some and try again; training goes on, and saving is "
        "tried again later"
    )


def test_unfinished_runs_are_found(tmp_path):
    images = tmp_path / "squares"
    assert unfinished_run(tmp_path / "runs", images) is None
    part = train_tiny(tmp_path, steps=2)
    assert unfinished_run(tmp_path / "runs", images) == part.run
    go_on(part.run)
    assert unfinished_run(tmp_path / "runs", images) is None


def test_keep(tmp_path):
    result = train_tiny(tmp_path, keep=2, save_minutes=1e-9)
    assert [g.cur_nimg for g in generations(result.run.checkpoints)] == [
        0,
        96,
        104,
    ]  # 0: where a run that breaks goes back to


def test_forecast_measures_and_leaves_nothing(tmp_path):
    images = squares(tmp_path / "squares")
    plan = forecast(tiny(images), Notes(), steps=1)
    assert plan.pictures == 12
    assert plan.parameters["generator"] > 0
    assert plan.seconds == pytest.approx(100 / plan.rate)
    assert not (tmp_path / "runs").exists()


def test_settings_are_refused_before_any_work(tmp_path):
    for settings, message in (
        ({"size": "63"}, "size 63 does not suit"),
        ({"kimg": 1.0, "minutes": 1.0}, "--kimg and --minutes were both given"),
        ({"components": {"architectures": {"dcgan": {"z_dmi": 3}}}}, "did you mean 'z_dim'"),
        ({"components": {"objectives": {"nosuch": {}}}}, "no objective 'nosuch'"),
    ):
        with pytest.raises(ConfigError if "nosuch" not in message else Exception, match=message):
            start(tiny(tmp_path / "nowhere", **settings), Notes(), after(0), out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_run_that_fails_keeps_what_it_saved(tmp_path, monkeypatch):
    """No grid could be drawn, checkpoints could: they stay when the run fails."""
    from artgan import images as drawing
    from artgan.training import Trainer

    def no_grid(*args, **kwargs):
        raise OutputError("cannot write")

    monkeypatch.setattr(drawing, "save_png", no_grid)
    real = Trainer.step

    def step(self, reals):
        if self.cur_nimg >= 40:
            raise RunError("training diverged")
        return real(self, reals)

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(RunError) as error:
        train_tiny(tmp_path, save_minutes=1e-9)
    assert str(error.value) == "training diverged; last good checkpoint: at 40 pictures"
    assert generations(tmp_path / "runs" / "00001-dcgan-squares" / "checkpoints")


def test_weights_to_start_from_are_saved_before_the_first_step(tmp_path):
    train_tiny(tmp_path)
    config = tiny(tmp_path / "squares")

    def killed():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(config, Notes(), killed, out=tmp_path / "runs", init_from="1")
    run = find_run("2", tmp_path / "runs")
    assert [g.cur_nimg for g in generations(run.checkpoints)] == [0]
    notes = Notes()
    assert go_on(run, notes=notes).finished
    assert "goes on from checkpoint 000000000-0" in notes.notes


def test_a_full_disk_at_a_snapshot_is_survived(tmp_path, monkeypatch):
    real = files.create

    def full(path):
        if "snapshots" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path)

    monkeypatch.setattr(files, "create", full)
    images = squares(tmp_path / "squares")
    notes = Notes()
    config = tiny(images, kimg=1.1, batch=128)
    assert start(config, notes, after(10**5), out=tmp_path / "runs").finished
    assert any("no space is left" in warning for warning in notes.warnings)


def test_a_new_length_survives_a_kill(tmp_path):
    """It was said with --resume, and the process died before it saved."""
    first = train_tiny(tmp_path)

    def killed():
        raise KeyboardInterrupt

    config = run_config(first.run.config(), "x")
    longer = config.model_copy(update={"kimg": None, "minutes": 0.02})
    with pytest.raises(KeyboardInterrupt):
        resume(first.run, longer, Notes(), killed, new_length=True)
    result = go_on(first.run)
    assert result.finished
    assert result.cur_nimg > first.cur_nimg


def test_most_pictures_gone_saves_first(tmp_path, monkeypatch):
    from artgan.data.store import StoredPictures

    real = StoredPictures.batch
    asked = iter(range(1000))

    def batch(self, indices):
        if len(indices) == 8 and next(asked) >= 3:
            raise ImageError("11 of 12 pictures are gone")
        return real(self, indices)

    monkeypatch.setattr(StoredPictures, "batch", batch)
    with pytest.raises(ImageError):
        train_tiny(tmp_path)
    run = find_run("1", tmp_path / "runs")
    assert [g.cur_nimg for g in generations(run.checkpoints)] == [0, 24]

"""Tracing: the weights that a recipe means are found again, wherever they are, or not at all."""

import json
import shutil

import pytest
from recipes_kit import trained  # noqa: F401

from artgan.checkpoints import generations
from artgan.errors import CheckpointError, PathError
from artgan.models import find_weights
from artgan.runs import RunFolder
from artgan.tracing import find_again, growth_of, origin_of
from artgan.walkplan import Origin


@pytest.fixture
def run(trained, tmp_path):  # noqa: F811
    """Return a copy of the run that a test may damage, in a folder of runs of its own."""
    path = shutil.copytree(trained.path, tmp_path / "runs" / trained.name)
    return RunFolder(path)


def origin(run, which=""):
    return origin_of(find_weights(f"{run.path}{which}", run.path.parent))


def again(run, meant):
    return find_again(meant, run.path.parent, "a.gif")


def test_an_origin_tells_a_checkpoint_apart(run):
    meant = origin(run)
    assert (meant.arch, meant.cur_nimg) == ("dcgan", 104)
    assert meant.run_id == run.config()["run"]["id"]
    assert meant.digest != origin(run, "@96").digest


def test_the_very_weights_of_any_checkpoint_are_found(run):
    for which in ("@96", "@104"):
        meant = origin(run, which)
        weights = again(run, meant)
        assert origin_of(weights) == meant
        assert weights.generation.cur_nimg == meant.cur_nimg


def test_neither_the_name_of_the_folder_nor_other_runs_matter(run):
    meant = origin(run)
    root = run.path.parent
    run.path.rename(root / "00007-renamed")
    other = root / "00001-other"
    other.mkdir()
    (other / "config.toml").write_text("[run]\nid = 'another'\n")
    for number, text in enumerate(("no toml [", "run = 3\n", "[run]\nid = 3\n", "")):
        broken = root / f"0000{number + 2}-broken"
        broken.mkdir()
        (broken / "config.toml").write_text(text)
    assert again(RunFolder(root / "00007-renamed"), meant).run_id == meant.run_id


def test_a_copy_that_is_sound_stands_in_for_a_damaged_one(run):
    meant = origin(run)
    newest = generations(run.checkpoints)[-1].path
    shutil.copytree(newest, run.snapshots / newest.name)
    (run.snapshots / newest.name / "ema.safetensors").write_bytes(b"x")
    assert again(run, meant).digest == meant.digest


GONE = (
    "a.gif was made with run 00001-dcgan-squares (dcgan at 104 pictures), and no checkpoint of it "
    "has these weights any more: give a --run, such as 00001-dcgan-squares@latest, to make it anew "
    "with others"
)


def test_weights_that_are_gone_changed_or_damaged(run):
    meant = origin(run)
    with pytest.raises(CheckpointError) as caught:
        again(run, meant.model_copy(update={"digest": "0" * 64}))
    assert str(caught.value) == GONE
    newest = generations(run.checkpoints)[-1].path
    manifest = newest / "manifest.json"
    was = manifest.read_text()
    for text in ("x", "{}", '{"files": 3}', '{"files": {"ema.safetensors": 3}}', "[]"):
        manifest.write_text(text)
        with pytest.raises(CheckpointError) as caught:
            again(run, meant)
        assert str(caught.value) == GONE
    manifest.write_text(was)
    (newest / "ema.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError) as caught:
        again(run, meant)
    assert str(caught.value) == GONE


def test_a_manifest_that_lies_is_not_believed(run):
    meant = origin(run)
    first, last = generations(run.checkpoints)
    told = json.loads((last.path / "manifest.json").read_text())
    shutil.copy(first.path / "ema.safetensors", last.path / "ema.safetensors")
    (last.path / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(CheckpointError):
        again(run, meant)


def test_a_run_that_is_not_there(tmp_path):
    meant = Origin(run_id="../\x1b[2J", arch="dcgan", cur_nimg=5_000, digest="0" * 64)
    for runs in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(PathError) as caught:
            find_again(meant, runs, "a.gif")
        assert str(caught.value) == (
            "a.gif was made with run ../\\x1b[2J (dcgan at 5,000 pictures), which is not in "
            f"{runs}: say where it is with --runs, or give a --run to make it anew with"
        )
    with pytest.raises(PathError, match=r"with run \? \(0 pictures\), which"):
        find_again(Origin(digest="0" * 64), tmp_path, "a.gif")


# Growth ---------------------------------------------------------------------------------------


def test_growth_is_all_checkpoints_up_to_the_one_asked_for(run):
    stages = growth_of(str(run.path), run.path.parent)
    assert [meant.cur_nimg for meant, _ in stages] == [96, 104]
    for meant, load in stages:
        assert origin_of(load()) == meant
    with pytest.raises(CheckpointError) as caught:
        growth_of(f"{run.path}@96", run.path.parent)
    assert str(caught.value) == (
        "run 00001-dcgan-squares keeps no checkpoint before 96 pictures: there is no growth to show"
    )


def test_a_packed_run_does_not_grow(run, tmp_path, monkeypatch):
    from artgan.cli.app import run as call

    monkeypatch.chdir(tmp_path)
    assert call(["pack", "1", "-o", "a.artgan"]) == 0
    with pytest.raises(CheckpointError, match=r"^a\.artgan is packed and holds one checkpoint: "):
        growth_of("a.artgan", tmp_path / "runs")
    assert origin(run).digest == origin_of(find_weights("a.artgan", tmp_path)).digest

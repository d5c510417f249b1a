import contextlib
import json
import shutil

import pytest
from PIL import Image
from training_kit import Notes, after, squares

from artgan.api import ComponentError, ConfigError, ImageError, PathError, RunError
from artgan.cli.app import run
from artgan.comparesheet import draw
from artgan.comparetable import cells
from artgan.comparing import (
    CompareConfig,
    Comparison,
    Contestant,
    compare,
    contestants,
)
from artgan.registry import Registry
from artgan.runs import RunFolder, locked

REGISTRY = Registry(entry_points=[])
TABLES = {
    "architectures": {
        "dcgan": {"z_dim": 8, "base_channels": 4},
        "vae": {"z_dim": 8, "base_channels": 4},
    }
}


def config(folder, **settings):
    table = {
        "images": str(folder / "squares"), "arch": ("dcgan", "vae"), "minutes": 0.02,
        "size": "16", "out": str(folder / "found"), "device": "cpu", "components": TABLES,
    }  # fmt: skip
    return CompareConfig.model_validate({**table, **settings})


@contextlib.contextmanager
def silent(what):
    yield lambda done, total: None


def compared(settings, steps=10**6):
    notes = Notes()
    return compare(settings, notes, after(steps), silent, REGISTRY), notes


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    squares(folder / "squares", count=20)
    return folder, compared(config(folder))[0]


def test_each_is_trained_measured_and_shown(found):
    folder, comparison = found
    assert comparison.finished
    assert [row.arch for row in comparison.rows] == ["dcgan", "vae"]
    for row in comparison.rows:
        assert row.done
        assert row.cur_nimg > 100
        assert row.figures["swd/swd"] > 0
        assert row.score > 0
        assert (folder / "found" / "runs" / row.run / "config.toml").is_file()
    assert set(comparison.rows[1].parameters) == {"generator", "encoder"}
    assert 0 < comparison.floors["swd/swd"]
    with Image.open(folder / "found" / "compare.png") as sheet:
        assert sheet.height == 3 * (64 + 2 * 2) + 4 * 4  # reals and two rows, 4 times as large
    table = (folder / "found" / "compare.md").read_text()
    assert "| dcgan | " in table
    assert "| real pictures | 0.00 | " in table


def test_nothing_is_done_twice_and_more_can_be_added(found):
    folder, comparison = found
    before = sorted((folder / "found" / "runs").iterdir())
    again, notes = compared(config(folder))
    assert again == comparison
    assert [note.partition(" is done: ")[0] for note in notes.notes] == ["dcgan", "vae"]
    only, _ = compared(config(folder, arch=("vae",)))
    assert [row.arch for row in only.rows] == ["vae", "dcgan"]
    assert sorted((folder / "found" / "runs").iterdir()) == before


def test_other_settings_are_another_comparison(found):
    folder, _ = found
    with pytest.raises(PathError) as caught:
        compared(config(folder, minutes=0.03))
    assert str(caught.value) == (
        f"{folder / 'found'} holds a comparison with other settings: give another --out"
    )


def test_a_stopped_one_goes_on(tmp_path):
    squares(tmp_path / "squares", count=20)
    settings = config(tmp_path, arch=("vae",), minutes=0.06)
    part, _ = compared(settings, steps=5)
    (tmp_path / "found" / "runs" / "00000-vae-squares").mkdir()  # it ended before it began
    assert not part.finished
    assert not part.rows[0].done
    whole, notes = compared(settings)
    assert whole.finished
    assert "goes on from checkpoint 000000160-0" in notes.notes
    assert len(list((tmp_path / "found" / "runs").iterdir())) == 2


def test_one_that_diverges_is_told_and_the_others_go_on(tmp_path, monkeypatch):
    from artgan.api import RunError
    from artgan.training import Trainer

    step = Trainer.step

    def diverged(self, reals):
        if self.config.arch == "dcgan":
            raise RunError("training diverged")
        return step(self, reals)

    monkeypatch.setattr(Trainer, "step", diverged)
    squares(tmp_path / "squares", count=20)
    comparison, _ = compared(config(tmp_path))
    assert comparison.finished
    rows = cells(comparison)
    assert rows[1][0] == "vae"
    assert rows[2][:2] == (
        "dcgan", "training diverged; last good checkpoint: at 0 pictures",
    )  # fmt: skip


def test_only_those_that_are_asked_for_are_trained(tmp_path):
    squares(tmp_path / "squares", count=20)
    compared(config(tmp_path), steps=3)
    only, notes = compared(config(tmp_path, arch=("vae",)))
    assert [(row.arch, row.done) for row in only.rows] == [("vae", True), ("dcgan", False)]
    assert "vae, 1 of 1: 1 s" in notes.notes
    assert cells(only)[2][:2] == ("dcgan", "not done yet")


def test_one_whose_code_fails_is_told_and_tried_again(tmp_path, monkeypatch):
    from artgan.api import PluginError
    from artgan.training import Trainer

    step = Trainer.step

    def failing(self, reals):
        if self.config.arch == "dcgan":
            raise PluginError("'a|b' failed")
        return step(self, reals)

    squares(tmp_path / "squares", count=20)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", failing)
        broken, _ = compared(config(tmp_path))
    assert broken.finished
    assert [(row.done, row.failed) for row in broken.rows] == [(False, "'a|b' failed"), (True, "")]
    assert "| dcgan | 'a\\|b' failed |" in (tmp_path / "found" / "compare.md").read_text()
    mended, _ = compared(config(tmp_path))
    assert [(row.done, row.failed) for row in mended.rows] == [(True, ""), (True, "")]


def test_the_time_of_training_is_kept_where_measuring_fails(tmp_path, monkeypatch):
    from artgan import comparing

    def interrupted(*args, **more):
        raise KeyboardInterrupt

    squares(tmp_path / "squares", count=20)
    settings = config(tmp_path, arch=("vae",))
    with monkeypatch.context() as patch:
        patch.setattr(comparing, "evaluate_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compared(settings)
    whole, _ = compared(settings)
    assert whole.rows[0].seconds > 0.5


def test_without_a_sheet_of_reals_there_is_no_row_of_them(found, tmp_path):
    folder = shutil.copytree(found[0] / "found", tmp_path / "found")
    for path in folder.glob("runs/*/reals.png"):
        path.unlink()
    draw(folder / "compare.png", found[1].ranked(), folder)
    with Image.open(folder / "compare.png") as sheet:
        assert sheet.height == 2 * (64 + 2 * 2) + 3 * 4


def test_two_at_once_are_refused(tmp_path):
    squares(tmp_path / "squares", count=20)
    settings = config(tmp_path)
    (tmp_path / "found").mkdir()
    with locked(RunFolder(tmp_path / "found"), print), pytest.raises(RunError, match="is in use"):
        compared(settings)
    part, _ = compared(config(tmp_path, arch=("vae",)), steps=3)
    run = tmp_path / "found" / "runs" / part.rows[0].run
    with locked(RunFolder(run), print), pytest.raises(RunError, match="is in use: let it end"):
        compared(config(tmp_path, arch=("vae",)))
    assert not compared(config(tmp_path, arch=("vae",)))[0].rows[0].failed


def test_too_few_pictures_are_refused_before_any_training(tmp_path):
    squares(tmp_path / "squares", count=3)
    with pytest.raises(ImageError) as caught:
        compared(config(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path / 'squares'} holds 3 usable pictures: to measure takes at least 4"
    )
    assert not (tmp_path / "found").exists()
    with pytest.raises(PathError) as caught:
        compared(config(tmp_path, out=str(tmp_path / "squares" / "found")))
    assert str(caught.value) == (
        f"the results in {tmp_path / 'squares' / 'found'} would be among the pictures in "
        f"{tmp_path / 'squares'}: give another --out"
    )


def test_the_best_comes_first_and_what_failed_last():
    rows = [Contestant("a", score=2.0), Contestant("b", failed="x"), Contestant("c", score=1.0)]
    assert [row.arch for row in Comparison(None, rows).ranked()] == ["c", "a", "b"]


def test_without_names_all_that_can_draw_the_size_take_part(tmp_path):
    small = contestants(config(tmp_path, arch=(), size="8"), REGISTRY)
    large = contestants(config(tmp_path, arch=(), size="128"), REGISTRY)
    assert "mlp" in small
    assert "dcgan" not in small
    assert "mlp" not in large
    assert {"dcgan", "msg-gan"} <= set(large)


def test_refusals(tmp_path):
    with pytest.raises(ConfigError, match="no architecture draws 3 px: give another size"):
        contestants(config(tmp_path, arch=(), size="3"), REGISTRY)
    with pytest.raises(ConfigError, match="--arch vae was given twice: leave one out"):
        contestants(config(tmp_path, arch=("vae", "vae")), REGISTRY)
    with pytest.raises(ComponentError, match="no architecture 'dcgna': did you mean 'dcgan'"):
        contestants(config(tmp_path, arch=("dcgna",)), REGISTRY)
    (tmp_path / "found" / "runs").mkdir(parents=True)
    with pytest.raises(PathError) as caught:
        compared(config(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path / 'found'} holds runs of something else: give another --out"
    )


def test_the_command_prints_the_table_or_json(found, capsys, monkeypatch):
    folder, comparison = found
    monkeypatch.chdir(folder)
    tables = [f"--set=architectures.{name}.{option}={value}" for name, own in
              TABLES["architectures"].items() for option, value in own.items()]  # fmt: skip
    args = ["compare", str(folder / "squares"), "--arch", "dcgan, vae", "--minutes", "0.02",
            "--size", "16", "--device", "cpu", "-o", str(folder / "found"), *tables]  # fmt: skip
    assert run(args) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].split() == [
        "architecture", "score", "swd", "colour", "coverage", "(network)", "diversity", "copying",
        "kimg", "pictures/s", "M", "parameters",
    ]  # fmt: skip
    assert lines[-2:] == [str(folder / "found" / name) for name in ("compare.md", "compare.png")]
    assert captured.err.startswith("2 architectures at 16 px: dcgan, vae; about 2 s in all\n")
    assert run([*args, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["arch"] for row in printed["rows"]] == ["dcgan", "vae"]
    assert printed["floors"] == comparison.floors

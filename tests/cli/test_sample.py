"""`artgan sample`: results on stdout, words on stderr, exit codes."""

import pytest
from fakes import fake_model
from PIL import Image

from artgan.choices import LABEL
from artgan.cli.app import run


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    asked = []

    def open_model(ref, **how):
        asked.append((ref, how))
        return fake_model()

    monkeypatch.setattr("artgan.models.open_model", open_model)
    return asked


def test_pictures_are_named_on_stdout(tmp_path, capsys, opened):
    out = f"{tmp_path}/out/"
    assert run(["sample", "7", "--seeds", "0,3", "-o", out, "--runs", "mine"]) == 0
    said, words = capsys.readouterr()
    assert said.splitlines() == [f"{out}seed000000.png", f"{out}seed000003.png"]
    assert words.splitlines()[0] == "drawing from run 00001-fake at 128 kimg"
    assert words.splitlines()[1].startswith("2 pictures, ")
    ((ref, how),) = opened
    assert (ref, str(how["runs"]), how["device"]) == ("7", "mine", "auto")


def test_grid_and_truncation(tmp_path, capsys):
    call = ["sample", "7", "--seeds", "0-5", "--grid", "--columns", "2", "-o", f"{tmp_path}/g.png"]
    assert run([*call, "--truncation-psi", "0.5", "--no-meta", "--scale", "2", "--pixels"]) == 0
    said, words = capsys.readouterr()
    assert said == f"{tmp_path}/g.png\n"
    assert "truncation 0.5 scales z, since 'fake' has no w" in words


def test_settings_come_from_a_file_and_the_environment(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artgan.toml").write_text('[sample]\nseeds = "4"\nout = "mine/"\ngrid = true\n')
    monkeypatch.setenv("ARTGAN_SAMPLE_SCALE", "0")
    assert run(["sample", "7"]) == 2
    assert capsys.readouterr().err == (
        "artgan: --scale is 0: expected greater than or equal to 1\n"
    )
    monkeypatch.delenv("ARTGAN_SAMPLE_SCALE")
    assert run(["sample", "7"]) == 0
    assert capsys.readouterr().out == "mine/grid.png\n"


def test_a_grid_to_choose_from(tmp_path, capsys):
    call = ["sample", "7", "--seeds", "0-5", "--grid", "--label", "--scale", "4"]
    assert run([*call, "-o", f"{tmp_path}/g.png"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/g.png\n"
    with Image.open(tmp_path / "g.png") as picture:
        assert picture.size == (3 * (48 + 2) + 2, 2 * (32 + LABEL + 2) + 2)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--label"], "--label is of a grid: add --grid, or leave it out"),
        (["--seeds", "x"], "seeds 'x': expected numbers and ranges, such as 3,17,40-43"),
        (["--psi", "nan"], "--psi is nan: expected a finite number"),
        (["-o", "a.jpg"], "a.jpg: samples are .png, not '.jpg': give a .png, or a folder, its"),
        (["-o", "a\x1b.png"], "a\\x1b.png holds one picture, 16 seeds were given: add --grid"),
    ],
)
def test_wrong_calls_are_one_sentence_and_open_nothing(more, message, capsys, opened):
    assert run(["sample", "7", *more]) == 2
    said, words = capsys.readouterr()
    assert said == ""
    assert words.startswith(f"artgan: {message}")
    assert words.count("\n") == 1
    assert opened == []


def test_what_exists_is_refused(tmp_path, capsys):
    call = ["sample", "7", "--seeds", "1", "-o", f"{tmp_path}/a.png"]
    assert run(call) == 0
    assert run(call) == 2
    assert "exists: choose another name, or add --overwrite" in capsys.readouterr().err
    assert run([*call, "--overwrite"]) == 0

"""`artgan diagnose`: results on stdout, words on stderr, exit codes."""

import json

import pytest
from past_kit import broken, checkpoint, healthy, past_run, tick, treated
from PIL import Image

from artgan.cli.app import run


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_it_says_how_a_run_went_and_draws_it(tmp_path, capsys):
    folder = past_run(tmp_path, broken())
    folder.mark({"best": checkpoint(folder, 8)})
    checkpoint(folder, 14, 1)
    assert run(["diagnose", "1"]) == 0
    said, words = capsys.readouterr()
    assert words == ""
    lines = [line.rstrip() for line in said.splitlines()]
    assert lines[0] == "Run 00001-cats: 14.0 of 20.0 kimg"
    assert lines[2].startswith("learning: sign accuracy ")
    states = lines.index("States (kimg)")
    assert lines[states + 1] == "     1.0  learning: too early to judge"
    assert lines[states + 2].startswith("     8.4  diverged: 3 steps in a row had a loss")
    assert lines[states + 3] == "          (taken back)"
    assert lines[states + 4].startswith("     6.0  learning: ")
    actions = lines.index("Actions (kimg)")
    assert lines[actions + 1].startswith("     8.3  diverged: a loss or gradient was not a finite")
    table = next(i for i, line in enumerate(lines) if line.startswith("checkpoint"))
    assert lines[table].split() == ["checkpoint", "best", "last", "among", "reals"]
    assert lines[table + 1].split() == ["kimg", "8.0", "14.0"]
    assert lines[table + 2].split() == ["score,", "low", "is", "better", "0.861", "0.7"]
    assert lines[table + 3].split() == ["swd/swd,", "low", "is", "better", "45.8", "41", "18"]
    assert lines[-1] == "Curves: runs/00001-cats/curves.png"
    with Image.open(folder.path / "curves.png") as picture:
        assert (picture.format, picture.width) == ("PNG", 1200)


def test_advice_follows_a_state_that_is_bad(tmp_path, capsys):
    past_run(tmp_path, [tick(1), tick(2, D__adversarial=1e5)])
    assert run(["diagnose", "latest"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("diverged: the loss D/adversarial is 1e+05")
    assert lines[3] == "Training got out of hand: try half the --g-lr and --d-lr."
    assert "  none were taken" in lines
    assert "No checkpoint was saved." in lines


def test_json_is_one_document(tmp_path, capsys):
    folder = past_run(tmp_path, broken())
    folder.mark({"best": checkpoint(folder, 8)})
    assert run(["diagnose", "1", "--json", "-o", "my.png"]) == 0
    said, words = capsys.readouterr()
    assert words == "curves: my.png\n"
    assert (tmp_path / "my.png").exists()
    assert not (folder.path / "curves.png").exists()
    told = json.loads(said)
    assert list(told) == [
        "version", "run", "cur_nimg", "total_nimg", "state", "evidence", "timeline", "actions",
        "best", "last", "advice",
    ]  # fmt: skip
    assert (told["version"], told["run"], told["state"]) == (1, "00001-cats", "learning")
    assert told["timeline"][1] == {
        "attempt": 0,
        "cur_nimg": 8400,
        "state": "diverged",
        "evidence": "3 steps in a row had a loss or gradient that is not finite",
    }
    assert told["actions"][0]["remedy"] == "the batch was skipped"
    assert told["best"] == told["last"]
    assert told["best"]["checkpoint"] == "000008000-0"
    assert told["best"]["figures"]["swd/colour/floor"] == 6.0
    assert told["advice"] == ""


def test_a_run_without_statistics_is_one_sentence(tmp_path, capsys):
    folder = past_run(tmp_path, [])
    assert run(["diagnose", "1"]) == 1
    said, words = capsys.readouterr()
    assert said == ""
    assert words == (
        "artgan: run 00001-cats has no statistics yet: they come with every 1,000 pictures\n"
    )
    assert not (folder.path / "curves.png").exists()


def test_without_ticks_there_are_no_curves(tmp_path, capsys):
    folder = past_run(tmp_path, [treated(0.2, "diverged", "so it is", "training ended")])
    assert run(["diagnose", "1"]) == 0
    said, words = capsys.readouterr()
    assert said.splitlines()[2] == "diverged: so it is"
    assert words == "no curves: nothing was logged but what was done\n"
    assert not (folder.path / "curves.png").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["2"], "no run 2 in runs: they go from 1 to 1"),
        (["1", "--runs", "other"], "no run 1: there are no runs in other yet"),
        (["1", "-o", "a.jpg"], "a.jpg: curves are a .png: give a name that ends in .png"),
        (["1", "-o", "mine.png"], "mine.png exists: choose another name, or add --overwrite"),
        (["1@8000"], "run 1@8000: a run is diagnosed as a whole: leave @8000 out"),
    ],
)
def test_wrong_calls_are_one_sentence(tmp_path, capsys, more, message):
    past_run(tmp_path, healthy(2))
    (tmp_path / "mine.png").write_bytes(b"mine")
    assert run(["diagnose", *more]) == 2
    assert capsys.readouterr() == ("", f"artgan: {message}\n")
    assert (tmp_path / "mine.png").read_bytes() == b"mine"


def test_overwrite_and_settings_files(tmp_path, capsys):
    past_run(tmp_path, [tick(1)])
    (tmp_path / "mine.png").write_bytes(b"mine")
    (tmp_path / "artgan.toml").write_text('[diagnose]\nout = "mine.png"\noverwrite = true\n')
    assert run(["diagnose", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Curves: mine.png"
    assert (tmp_path / "mine.png").read_bytes()[:4] == b"\x89PNG"


def test_foreign_text_cannot_move_the_cursor(tmp_path, capsys):
    past_run(tmp_path, [tick(1), treated(1, "bad", "\x1b[2J\n", "\u202e")], "00001-a\x1bb")
    assert run(["diagnose", "1"]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "bad: \\x1b[2J\\x0a; \\u202e" in said

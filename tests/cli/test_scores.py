"""`artgan evaluate OUT --content DIR --style FILE`: the table, JSON, files, exit codes."""

import json
from pathlib import Path

import pytest
from likeness_kit import picture

from artgan.cli.app import run
from artgan.cli.scores import arrows, table
from artgan.judge import Judge, Verdict
from artgan.picturefiles import write_picture
from artgan.pipelines.score import Pair, Scored, Scores


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in: photos, redrawn ones, a style; verdicts are quick."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos/a.png", "out/a.jpg", "s.png"):
        write_picture(tmp_path / name, picture(0)[0], recipe=None)
    verdict = Verdict(0.25, 0.75, 0.5, 0.01, 0.03, 0.125)
    monkeypatch.setattr(Judge, "verdict", lambda *args, **more: verdict)
    return tmp_path


CALL = ["evaluate", "out", "--content", "photos", "--style", "s.png"]


def test_table_on_stdout_and_words_on_stderr(folder, capsys):
    assert run(CALL) == 0
    said, words = capsys.readouterr()
    lines = [line.split() for line in said.splitlines()]
    assert [word for word in lines[0] if word.strip("()").isalpha() and word not in arrows()] == [
        "picture", "style", "edges", "fine", "copied", "(content)", "network",
    ]  # fmt: skip
    figures = ["0.25", "0.75", "0.50", "0.01", "0.03", "0.12"]
    assert lines[1:] == [["a.jpg", *figures], ["median", *figures]]
    assert words == "1 picture judged\n"


def test_json_is_one_document(folder, capsys):
    assert run([*CALL, "--json", "-o", "a.json"]) == 0
    said, words = capsys.readouterr()
    assert json.loads(said) == json.loads((folder / "a.json").read_text())
    assert json.loads(said)["median"]["copied_content"] == 0.03
    assert words.splitlines()[-1] == "figures written to a.json"
    assert run([*CALL, "-o", "a.json"]) == 2
    assert run([*CALL, "-o", "a.json", "--overwrite"]) == 0


def test_settings_of_runs_in_a_file_are_no_trouble(folder, capsys):
    (folder / "artgan.toml").write_text('[evaluate]\nmetrics = ["swd"]\ncount = 4\n')
    assert run(CALL) == 0


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["out", "--content", "photos"], 2, "--content needs --style: give both to judge redrawn"),
        (["out", "--style", "s.png"], 2, "--style needs --content: give both to judge redrawn p"),
        ([*CALL[1:], "--style", "t.png"], 2, "--style was given 2 times: pictures are compared wi"),
        ([*CALL[1:], "--count", "4"], 2, "--count is of runs: leave it out where redrawn pictures"),
        ([*CALL[1:], "photos"], 2, "DIR is of runs: leave it out where redrawn pictures are judge"),
        ([*CALL[1:], "--set", "metrics.swd.patches=4"], 2, "--set is of runs: leave it out where"),
        ([*CALL[1:-1], "x.artstyle"], 2, "--style x.artstyle is a fast style, no picture to com"),
        (["out", "--content", "out2", "--style", "s.png"], 1, "no picture of out has the name of"),
        (["s.txt", *CALL[2:]], 1, "s.txt cannot be used: "),
        ([*CALL[1:-1], "s.txt"], 1, "cannot read s.txt: "),
        ([*CALL[1:], "-o", "out"], 2, "out is a folder, expected a file: choose another name"),
    ],
)
def test_wrong_calls_are_one_sentence(folder, args, code, message, capsys):
    write_picture(folder / "out2/b.png", picture(0)[0], recipe=None)
    (folder / "s.txt").write_text("no picture")
    assert run(["evaluate", *args]) == code
    said, words = capsys.readouterr()
    assert said == ""
    assert words.splitlines()[-1].startswith(f"artgan: {message}")


def test_of_many_pictures_the_worst_are_shown_and_the_median():
    pictures = [
        Scored(
            Pair(Path(f"{number}.png"), Path("x"), Path("y")),
            Verdict(number / 20, 1 - number / 20, 1, 0, 0, 0.5),
        )
        for number in range(21)
    ]
    lines = [line.split()[0] for line in table(Scores(Path("s"), pictures))]
    assert lines == ["picture", "20.png", "19.png", "18.png", "17.png", "16.png", "median"]
    last = table(Scores(Path("s"), pictures))[-1]
    assert last.startswith("median of 21, the worst above")
    assert last.split()[-6:-4] == ["0.50", "0.50"]
    assert len(table(Scores(Path("s"), pictures[:20]))) == 22

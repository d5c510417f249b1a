"""`artgan evaluate`: the table, JSON, files, exit codes."""

import json

import pytest
from evaluate_kit import QUICK, untrained_run
from PIL import Image

from artgan.cli.app import run
from artgan.cli.evaluate import table
from artgan.measuring import Figure


@pytest.fixture
def trained(tmp_path):
    return str(untrained_run(tmp_path).path)


def test_table_on_stdout_and_words_on_stderr(trained, capsys):
    assert run(["evaluate", trained, "--metric", "swd", "--metric", "spectrum", *QUICK]) == 0
    said, words = capsys.readouterr()
    lines = said.splitlines()
    assert lines[0].split() == ["figure", "value", "floor", "better"]
    assert [line.split()[0] for line in lines[1:]] == [
        "swd/swd", "swd/swd-16", "swd/colour", "spectrum/spectrum", "spectrum/finest",
    ]  # fmt: skip
    assert lines[1].endswith(" x floor")
    assert words.splitlines() == [
        "--set metrics.diversity changes nothing here: it is not among what is measured",
        "measuring run 00001-dcgan-squares at 2 kimg",
        "12 real pictures make two halves of 6",
        "6 pictures against as many real ones",
    ]


def test_an_option_of_what_is_not_measured_is_noted(trained, capsys):
    assert run(["evaluate", trained, "--metric", "drift", "--set", "metrics.swd.patches=4"]) == 0
    assert capsys.readouterr().err.splitlines()[0] == (
        "--set metrics.swd changes nothing here: it is not among what is measured"
    )


def test_a_misspelt_table_in_a_settings_file_is_refused(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artgan.toml").write_text("[metrics.covrage]\nk = 2\n")
    assert run(["evaluate", trained]) == 2
    assert "no metric 'covrage': did you mean 'coverage'?" in capsys.readouterr().err


def test_json_is_one_document(trained, tmp_path, capsys):
    out = tmp_path / "figures.json"
    call = ["evaluate", trained, "--json", "--count", "5", "-o", str(out), *QUICK]
    assert run(call) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(out.read_text())
    assert {key: found[key] for key in ("version", "run", "checkpoint", "count")} == {
        "version": 1, "run": "00001-dcgan-squares", "checkpoint": 2000, "count": 5,
    }  # fmt: skip
    assert found["drift_since"] == 1000
    assert set(found["figures"]["swd/swd"]) == {"value", "floor", "better"}
    assert run(call) == 2
    assert "exists: choose another name, or add --overwrite" in capsys.readouterr().err
    assert run([*call, "--overwrite"]) == 0


def test_sheet_and_other_pictures(trained, tmp_path, capsys):
    sheet = tmp_path / "n.png"
    images = str(tmp_path / "squares")
    call = ["evaluate", trained, images, "--metric", "drift", "--sheet", str(sheet), "--count", "3"]
    assert run(call) == 0
    with Image.open(sheet) as picture:
        assert picture.size == (8 * 98 + 16, 3 * 98 + 2)
    assert capsys.readouterr().err.splitlines()[-1] == f"sheet drawn to {sheet}"


def test_runs_are_found_by_number_and_settings_in_a_file(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artgan.toml").write_text(
        '[evaluate]\nmetrics = ["swd"]\ncount = 4\n[metrics.swd]\npatches = 2\ndirections = 4\n'
    )
    assert run(["evaluate", "1"]) == 0
    assert "4 pictures against as many real ones" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--metric", "fid"], "no metric 'fid': "),
        (["--count", "1"], "--count is 1: expected greater than or equal to 2"),
        (["--sheet", "a.gif"], "--sheet a.gif: expected a name that ends in .png"),
        (["--set", "samplers.drift.seed=1"], "--set samplers: an evaluation has options of m"),
        (["--set", "metrics.covrage.k=2"], "no metric 'covrage': did you mean 'coverage'?"),
        (["-o", "a.png", "--sheet", "./a.png"], "--sheet and --out are both a.png: give two names"),
        (["-o", "sub/"], "--out sub/: figures are one file: give a name such as a.json"),
        (["--set", "metrics.swd.patch=1"], "metrics.swd.patch is not a setting: did you mean 'pat"),
        (["nowhere"], "no folder nowhere"),
    ],
)
def test_wrong_calls_are_one_sentence(trained, more, message, capsys):
    assert run(["evaluate", trained, *more]) == 2
    said, words = capsys.readouterr()
    assert said == ""
    assert words.splitlines()[-1].startswith(f"artgan: {message}")


def test_too_few_pictures_is_the_work_that_failed(tmp_path, capsys):
    few = untrained_run(tmp_path, count=3)
    assert run(["evaluate", str(few.path)]) == 1
    assert "holds 3 usable pictures: to measure takes at least 4" in capsys.readouterr().err


def test_table_lines():
    lines = table(
        {
            "swd/swd": Figure(30.0, 12.0, "low"),
            "swd/colour": Figure(3.0, 12.0, "low"),
            "coverage/pixel-coverage": Figure(0.5, 1.0, "high"),
            "spectrum/finest": Figure(-0.25, 0.0, ""),
            "drift/drift": Figure(12345.0, None, "low"),
        }
    )
    up, down = ("↑", "↓") if "↑" in lines[3] else ("higher", "lower")
    assert lines == [
        "figure                    value  floor  better",
        f"swd/swd                    30.0   12.0  {down} 2.5 x floor",
        f"swd/colour                 3.00   12.0  {down} at the floor",
        f"coverage/pixel-coverage   0.500   1.00  {up}",
        "spectrum/finest          -0.250      0",
        f"drift/drift              12,345         {down}",
    ]

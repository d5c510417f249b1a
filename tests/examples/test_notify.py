"""The example of a plug-in in one file: a callback that runs a command."""

import sys

import pytest
from helpers import ROOT
from training_kit import squares

from artgan.cli.app import run

FOLDER = ROOT / "examples" / "plugins"
NARROW = ("architectures.dcgan.z_dim=8", "architectures.dcgan.base_channels=4")
SHORT = "--size 16 --batch 8 --device cpu --metric none --kimg 0.1".split()
TRAIN = [*SHORT, *(word for option in NARROW for word in ("--set", option))]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with pictures, and a command that writes down what it is told."""
    monkeypatch.delenv("ARTGAN_PLUGINS")
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", "")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    squares(tmp_path / "squares")
    told = tmp_path / "told.py"
    told.write_text(
        "import pathlib, sys\n"
        "with pathlib.Path('told.txt').open('a') as file:\n"
        "    print(sys.argv[1], file=file)\n"
    )
    return tmp_path, f"{sys.executable} {told}"


def test_it_tells_that_training_is_over(place):
    folder, command = place
    options = ["--callback", "notify", "--set", f"callbacks.notify.command={command}"]
    args = ["--plugins-dir", str(FOLDER), "train", "squares", *TRAIN, *options]
    assert run(args) == 0
    assert (folder / "told.txt").read_text() == "00001-dcgan-squares: finished at 0.104 kimg\n"


def test_a_command_that_fails_ends_nothing(place, capsys):
    args = ["--plugins-dir", str(FOLDER), "train", "squares", *TRAIN,
            "--callback", "notify", "--set", "callbacks.notify.command=false -"]  # fmt: skip
    assert run(args) == 0
    error = capsys.readouterr().err
    assert "callback 'notify:notify' failed and is left out from here on: CalledProcess" in error
    assert "finished at 0.1 kimg" in error


def test_what_the_command_prints_is_no_result(place, capfd):
    args = ["--plugins-dir", str(FOLDER), "train", "squares", *TRAIN, "--callback", "notify"]
    assert run(args) == 0
    out, err = capfd.readouterr()
    assert "finished at 0.104 kimg" not in out
    assert "00001-dcgan-squares: finished at 0.104 kimg\n" in err


def test_what_is_no_command_is_refused_before_any_work(place, capsys):
    args = ["--plugins-dir", str(FOLDER), "train", "squares", *TRAIN,
            "--callback", "notify", "--set", "callbacks.notify.command=say 'so"]  # fmt: skip
    assert run(args) == 2
    assert capsys.readouterr().err.endswith(
        "artgan: callbacks.notify.command: No closing quotation: say 'so\n"
    )


def test_it_keeps_its_contract(place, capsys):
    assert run(["plugins", "check", str(FOLDER)]) == 0
    assert capsys.readouterr().out.startswith("ok    callbacks/notify  ")

"""The examples of pipelines run, tiny: values in a copy are replaced by small ones."""

from __future__ import annotations

import re
import shutil

import pytest
from helpers import ROOT
from PIL import Image
from pipeline_kit import OPTIONS
from training_kit import squares

from artgan.cli.app import run

EXAMPLES = ROOT / "examples" / "pipelines"

SMALL = {
    r"size = 64": "size = 16",
    r"minutes = 60": 'kimg = 0.1\nbatch = 8\ndevice = "cpu"\nmetrics = []\ndoctor = "off"',
    r"seconds = \d+": "seconds = 0.2",
    r"beats = \d+": "beats = 1",
    r"bpm = \d+": "bpm = 300",
    r"scale = \d": "scale = 1",
    r"fps = \d+": "fps = 10",
    r"(keys|seeds) = .*": "\\1 = [0, 1]",
}


@pytest.fixture
def tiny(tmp_path, monkeypatch, capsys):
    """Return a function that runs an example on tiny pictures; it returns what was printed."""
    monkeypatch.chdir(tmp_path)

    def made(name):
        text = (EXAMPLES / name).read_text(encoding="utf-8")
        for pattern, small in SMALL.items():
            text = re.sub(pattern, small, text)
        (tmp_path / name).write_text(f"{text}\n{OPTIONS}", encoding="utf-8")
        images = re.search(r'images = "(.*)"', text)
        assert images is not None
        shutil.copy(squares(tmp_path / images[1]) / "square00.png", tmp_path / "painting.jpg")
        assert run(["run", name]) == 0
        out = capsys.readouterr().out.splitlines()
        assert run(["run", name]) == 0
        assert capsys.readouterr().err.startswith("nothing to do: ")
        return out

    return made


def frames(path):
    with Image.open(path) as film:
        return film.n_frames


def test_a_walk(tiny):
    assert tiny("portraits.toml") == [
        "portraits-made/runs/00001-dcgan-portraits",
        "portraits-made/portraits.gif",
    ]
    assert frames("portraits-made/portraits.gif") == 5


def test_a_walk_in_a_style(tiny):
    assert tiny("painted.toml") == ["painted/runs/00001-dcgan-flowers", "painted/painted.gif"]
    assert frames("painted/painted.gif") == 2


def test_two_walks_and_a_sheet_in_a_style(tiny):
    assert tiny("exhibition.toml") == [
        "exhibition/runs/00001-dcgan-pictures",
        "exhibition/walk-slow.gif",
        "exhibition/quick.gif",
        "exhibition/quick.webp",
        "exhibition/sheet.png",
        "exhibition/painted-sheet.png",
    ]
    assert frames("exhibition/walk-slow.gif") == frames("exhibition/quick.webp") == 2
    with (
        Image.open("exhibition/painted-sheet.png") as sheet,
        Image.open("exhibition/sheet.png") as plain,
    ):
        assert sheet.size == plain.size

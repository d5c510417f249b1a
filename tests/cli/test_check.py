"""Tests of `artgan check` and `artgan cache`: what is printed where, and how they end."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import corpus
import pytest
from corpus import encoded, noise
from rich.console import Console

from artgan.cli import progress
from artgan.cli.app import run


@pytest.fixture
def folder(tmp_path):
    return corpus.pictures(tmp_path / "in", 5)


def test_report_is_on_stdout(folder, capsys):
    assert run(["check", str(folder), "--size", "16"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == f"{folder}: 5 usable pictures of 5 files"
    assert lines[1] == "  5 pictures only: expect near copies of them"
    assert lines[3] == "Short side"
    assert lines[4].split()[:3] == ["under", "32", "px"]
    assert lines[4].endswith(" 5")
    assert "Formats: 5 PNG" in lines
    assert "At 16 px: a crop to 16 loses 0% of the area (median)" in lines
    assert "Prepared pictures: 3.8 kB" in lines
    assert lines[-1] == f"Recommended: artgan train {folder} --size 32"


def recommended(out):
    (line,) = [line for line in out.splitlines() if line.startswith("Recommended: ")]
    return line.removeprefix("Recommended: ")


@pytest.mark.parametrize(
    "name", ["my cats", "-cats", "it's $HOME", b"caf\xe9", "a\nb\u202e", "\x1bA'"]
)
def test_recommended_command_can_be_pasted(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    folder = corpus.pictures(tmp_path / os.fsdecode(name), 2)
    chosen = ["--fit", "pad", "--channels", "1", "--background", "#ffcc00", "--size", "16"]
    assert run(["check", *chosen, "--", os.fsdecode(name)]) == 0
    command = recommended(capsys.readouterr().out)
    assert command.isprintable()
    shown = command.replace("artgan", "printf '%s\\0'", 1)
    done = subprocess.run(["bash", "-c", shown], capture_output=True, check=True)
    words = done.stdout.split(b"\0")[:-1]
    more = b"--size 32 --fit pad --channels 1 --background #ffcc00".split()
    assert words[0] == b"train"
    assert os.path.samefile(words[1], os.fsencode(folder))
    assert not words[1].startswith(b"-")
    assert words[2:] == more


def test_too_much_to_store_is_said(folder, monkeypatch, capsys):
    monkeypatch.setenv("ARTGAN_CACHE_LIMIT", "1kB")
    assert run(["check", str(folder), "--size", "16"]) == 0
    said = "Prepared pictures: 3.8 kB, not stored (ARTGAN_CACHE_LIMIT sets the limit)\n"
    assert said in capsys.readouterr().out
    monkeypatch.setenv("ARTGAN_CACHE_LIMIT", "lots")
    assert run(["check", str(folder)]) == 2
    expected = "artgan: ARTGAN_CACHE_LIMIT is 'lots': expected a size such as 500MB or 4GB\n"
    assert capsys.readouterr() == ("", expected)


def test_skipped_files_are_named_up_to_ten(folder, capsys):
    corpus.save(folder, {f"bad{i:02}.png": b"" for i in range(13)})
    assert run(["check", str(folder), "--size", "16"]) == 0
    out = capsys.readouterr().out
    assert "\n  bad09.png: empty\n  and 3 more (--json names all)\n" in out
    assert "bad10.png" not in out
    assert run(["check", str(folder), "--strict"]) == 1
    assert capsys.readouterr().err == "artgan: 13 files skipped, and --strict was given\n"


def test_json_is_one_document(folder, capsys):
    broken = {f"bad{i:02}.png": b"" for i in range(13)}
    corpus.save(folder, {**broken, "twin.png": encoded(noise(0, (24, 24)), "PNG")})
    assert run(["check", str(folder), "--json", "--size", "24x16", "--channels", "1"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    document = json.loads(out)
    assert document["version"] == 1
    assert document["usable"] == 5
    assert len(document["skipped"]) == 13
    assert document["skipped"][0] == {"path": "bad00.png", "reason": "empty"}
    assert document["duplicates"] == [{"path": "twin.png", "same_as": {"path": "p000.png"}}]
    assert document["settings"] == {
        "size": "24x16",
        "channels": 1,
        "fit": "crop",
        "background": "white",
    }


def test_strange_names_are_printable(folder, capsys):
    for name in (b"caf\xe9.png", b"\x1b[2J.png", b"[red]x.png"):
        with open(os.fsencode(folder) + b"/" + name, "wb"):
            pass
    assert run(["check", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "\n  \\x1b[2J.png: empty\n" in out
    assert "\n  [red]x.png: empty\n" in out
    assert "\n  caf\\xe9.png: empty\n" in out
    assert run(["check", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out.encode("utf-8"))
    names = [entry["path"] for entry in document["skipped"]]
    assert names == ["\x1b[2J.png", "[red]x.png", "caf\\xe9.png"]
    assert bytes.fromhex(document["skipped"][2]["path_hex"]) == b"caf\xe9.png"


def test_sheet_is_drawn_and_said_on_stderr(folder, tmp_path, capsys):
    sheet = tmp_path / "out" / "sheet.png"
    assert run(["check", str(folder), "--size", "16", "--sheet", str(sheet)]) == 0
    assert capsys.readouterr().err == f"5 pictures drawn to {sheet}\n"
    assert sheet.read_bytes().startswith(b"\x89PNG")
    before = sheet.stat().st_mtime_ns
    assert run(["check", str(folder), "--size", "16", "--sheet", str(sheet)]) == 2
    expected = f"artgan: {sheet} exists: choose another name, or add --overwrite\n"
    assert capsys.readouterr().err == expected
    assert sheet.stat().st_mtime_ns == before
    again = ["check", str(folder), "--size", "16", "--sheet", str(sheet), "--overwrite"]
    assert run(again) == 0
    assert sheet.stat().st_mtime_ns != before


def test_nothing_usable_is_reported_and_exits_1(tmp_path, capsys):
    corpus.save(tmp_path / "in", {"a.png": b"", "b.jpg": corpus.HTML})
    assert run(["check", str(tmp_path / "in")]) == 1
    out, err = capsys.readouterr()
    assert "  a.png: empty\n  b.jpg: not a picture, it is HTML\n" in out
    expected = "(2 files looked at: 1 empty, 1 not a picture)"
    assert err == f"artgan: no usable pictures in {tmp_path / 'in'} {expected}\n"
    assert run(["check", str(tmp_path / "in"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["usable"] == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["none"], "no folder none: give a folder of pictures"),
        (["in", "--size", "wide"], "--size is 'wide': expected a number of pixels or"),
        (["in", "--size", "0"], "size 0 does not suit 'dcgan': sides run from "),
        (["in", "--size", "63"], "size 63 does not suit 'dcgan': at this size both sides must be"),
        (["in", "--fit", "zoom"], "--fit is 'zoom': expected 'crop', 'pad' or 'squash'"),
        (["in", "--channels", "2"], "--channels is 2: expected 1, 3 or 4"),
        (["in", "--background", "mud"], "--background is 'mud': expected a colour such as"),
        (["in", "--sheet", "a.gif"], "--sheet a.gif: expected a name that ends in .png"),
    ],
)
def test_wrong_calls_exit_2(folder, monkeypatch, capsys, args, message):
    monkeypatch.chdir(folder.parent)
    assert run(["check", *args]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"artgan: {message}")
    assert err.count("\n") == 1


def test_counting_needs_no_torch(folder):
    code = (
        "import sys; from pathlib import Path\n"
        "from artgan.pipelines.check import check, summary\n"
        "print(summary(check(Path(sys.argv[1]))[0])); assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 usable pictures" in done.stdout


def test_cache_lists_and_clears(folder, capsys):
    assert run(["cache"]) == 0
    assert capsys.readouterr().out == f"0 files, 0 bytes in {os.environ['ARTGAN_CACHE']}\n"
    run(["check", str(folder), "--size", "16"])
    capsys.readouterr()
    assert run(["cache"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[-1].startswith("2 files, ")
    prepared = [line for line in lines if line.endswith(".pictures)")]
    assert len(prepared) == 1
    assert f"  5 pictures at 16 px of {folder} (prepared/" in prepared[0]
    assert prepared[0].split()[1] == "kB"
    assert any(f"  survey of {folder} (surveys/" in line for line in lines)
    assert run(["cache", "--clear"]) == 0
    assert capsys.readouterr().out.startswith("2 files removed from ")
    assert run(["cache"]) == 0
    assert capsys.readouterr().out.startswith("0 files, ")


def test_cache_shows_and_keeps_what_is_being_written(capsys):
    folder = Path(os.environ["ARTGAN_CACHE"])
    corpus.save(folder, {"prepared/.artgan-tmp-1-x": b"123", "prepared/y.pictures": b"1"})
    assert run(["cache"]) == 0
    out = capsys.readouterr().out
    assert "  being written (prepared/.artgan-tmp-1-x)\n" in out
    assert "  left unfinished or damaged (prepared/y.pictures)\n" in out
    assert run(["cache", "--clear"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"1 file removed from {folder}: 1 byte freed"
    assert lines[1] == "1 file kept: written to within the last hour, or not removable"


def test_progress_without_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    with progress.progress("reading [bold]") as tell:
        tell(1, None)
        tell(2000, 3000)
    said = "reading [bold]: 1\nreading [bold]: 2,000 of 3,000\n"
    assert capsys.readouterr().err == said


def test_progress_on_a_terminal_takes_text_literally(monkeypatch):
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=80, _environ={"TERM": "xterm"})
    monkeypatch.setattr(progress, "is_terminal", lambda: True)
    monkeypatch.setattr(progress, "console", lambda: terminal)
    with progress.progress("reading [bold]") as tell:
        tell(1, None)
        tell(2, 3)
    assert "reading [bold]" in screen.getvalue()

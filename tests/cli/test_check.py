"""Tests of `artgan check` and `artgan cache`: what is printed where, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import corpus
import pytest
from corpus import encoded, noise

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
    assert lines[-1] == f"Recommended: artgan train {folder} --size 32"


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


def test_check_needs_no_torch(folder):
    code = (
        "import sys; from artgan.cli.app import run\n"
        "code = run(sys.argv[1:]); assert 'torch' not in sys.modules; sys.exit(code)"
    )
    command = [sys.executable, "-W", "error", "-c", code, "check", str(folder)]
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
    assert any(line.endswith(".pictures") for line in lines)
    assert run(["cache", "--clear"]) == 0
    assert capsys.readouterr().out.startswith("2 files removed from ")
    assert run(["cache"]) == 0
    assert capsys.readouterr().out.startswith("0 files, ")

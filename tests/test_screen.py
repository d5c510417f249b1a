"""Names from outside reach a screen as one printable line."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgan import screen
from artgan.screen import console, file_size, is_terminal, parse_bytes, plural, safe, say


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name.png", "plain name.png"),
        ("\x1b[2J\x1b[31mred", "\\x1b[2J\\x1b[31mred"),
        ("a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud800", "\\ud800"),
        ("\U000e0001tag", "\\U000e0001tag"),
        ("\ue000", "\\ue000"),
        ("naïve 猫 🐈", "naïve 猫 🐈"),
        ("[bold]not markup[/]", "[bold]not markup[/]"),
        ("\x7f\x9b", "\\x7f\\x9b"),
        ("", ""),
        (Path("dir") / "a\nb", "dir/a\\x0ab"),
        (os.fsdecode(b"\xff.png"), "\\xff.png"),
        (7, "7"),
    ],
)
def test_safe(name, shown):
    assert safe(name) == shown


@given(st.text(st.characters(), max_size=20))
def test_whatever_comes_is_one_printable_line(text):
    shown = safe(text)
    assert "\n" not in shown
    assert "\x1b" not in shown
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1


def test_plural():
    assert plural(1, "picture") == "1 picture"
    assert plural(0, "picture") == "0 pictures"
    assert plural(3916, "picture") == "3,916 pictures"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1536, "1.5 kB"),
        (4 << 30, "4.3 GB"),
    ],
)
def test_file_size(count, shown):
    assert file_size(count) == shown


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("8MB", 8_000_000),
        (" 8 mb ", 8_000_000),
        ("1.5 kB", 1_500),
        ("0.5GB", 500_000_000),
        ("2TB", 2 * 10**12),
        ("1000", 1_000),
        ("1 byte", 1),
        ("999 bytes", 999),
        ("0", 0),
        ("0.4", 0),
    ],
)
def test_parse_bytes(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize(
    "text",
    ["", "MB", "much", "-8MB", "+8MB", "8 M B", "1e6", "8,5MB", "1.MB", ".5MB", "8MiB", "8MB/s"]
    + ["٨MB", "8MB\nx", "nan", "inf", "0x10", "9" * 16, "1" * 100_000],
)
def test_what_is_no_size(text):
    assert parse_bytes(text) is None


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_500, 12_300_000, 4_300_000_000])
def test_sizes_are_read_as_they_are_written(count):
    assert parse_bytes(file_size(count)) == count


def test_say_goes_to_stderr(capsys):
    say("one line")
    assert capsys.readouterr() == ("", "one line\n")


def test_the_console_takes_text_literally(capsys):
    console().print("[bold]a[/bold] :cat: 12")
    assert capsys.readouterr() == ("", "[bold]a[/bold] :cat: 12\n")


@pytest.mark.parametrize(
    ("tty", "term", "answer"),
    [(True, "xterm", True), (True, "dumb", False), (True, "", False), (False, "xterm", False)],
)
def test_is_terminal(monkeypatch, tty, term, answer):
    stream = io.StringIO()
    stream.isatty = lambda: tty
    monkeypatch.setattr(screen.sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    assert is_terminal() is answer

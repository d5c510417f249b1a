"""The one place that makes exit codes: each way to end, its code and its line."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from artgan import __version__
from artgan.api import ConfigError, ImageError
from artgan.cli import listing
from artgan.cli.app import COMMANDS, run


def fail_with(monkeypatch, error):
    """Let `artgan plugins list` fail."""

    def failing():
        raise error

    monkeypatch.setattr(listing, "registry", failing)
    return run(["plugins", "list"])


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr() == (f"artgan {__version__}\n", "")


def test_a_variable_called_version_asks_for_nothing(monkeypatch, capsys):
    monkeypatch.setenv("ARTGAN_VERSION", "0.1.0")
    assert run(["plugins", "list", "--json"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_command_on_stdout(capsys, flag):
    assert run([flag]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for name, command in COMMANDS.items():
        assert f" {name} " in out
        assert command.summary in out


def test_nothing_given_shows_the_help_and_is_a_wrong_call(capsys):
    assert run([]) == 2
    out, err = capsys.readouterr()
    assert "Usage: artgan [OPTIONS] COMMAND" in out + err
    assert "Traceback" not in err


WRONG = {
    "unknown command": (["bogus"], "No such command 'bogus'; see 'artgan --help'"),
    "misspelt command": (
        ["plugin"],
        "No such command 'plugin'. Did you mean 'plugins'?; see 'artgan --help'",
    ),
    "misspelt command of a group": (
        ["plugins", "lst"],
        "No such command 'lst'. Did you mean 'list'?; see 'artgan plugins --help'",
    ),
    "unknown flag": (["--bogus"], "No such option: --bogus; see 'artgan --help'"),
    "missing argument": (
        ["plugins", "show"],
        "Missing argument 'NAME'; see 'artgan plugins show --help'",
    ),
    "too many arguments": (
        ["plugins", "list", "more"],
        "Got unexpected extra argument(s) (more); see 'artgan plugins list --help'",
    ),
    "a foreign name": (["b\x1b[2J"], "No such command 'b\\x1b[2J'; see 'artgan --help'"),
    "an unknown kind": (
        ["plugins", "list", "--kind", "sampler"],
        "no kind 'sampler': did you mean 'samplers'? known: architectures, augmentations, "
        "callbacks, effects, extractors, losses, metrics, objectives, policies, regularizers, "
        "samplers, writers",
    ),
}


@pytest.mark.parametrize(("args", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_is_one_line_and_2(capsys, args, message):
    assert run(args) == 2
    assert capsys.readouterr() == ("", f"artgan: {message}\n")


ENDS = [
    (ConfigError("no"), 2, "artgan: no\n"),
    (ImageError("no"), 1, "artgan: no\n"),
    (MemoryError(), 1, "artgan: out of memory: try a smaller --batch or --size\n"),
    (
        OSError(errno.ENOSPC, "No space left on device", "/a\nb"),
        1,
        "artgan: cannot use /a\\x0ab: no space is left on the disk: free some and try again\n",
    ),
    (
        OSError(errno.EMFILE, "Too many open files"),
        1,
        "artgan: cannot use: too many open files\n",
    ),
]


@pytest.mark.parametrize(("error", "code", "line"), ENDS, ids=lambda value: type(value).__name__)
def test_an_error_is_one_line_and_its_code(monkeypatch, capsys, error, code, line):
    assert fail_with(monkeypatch, error) == code
    assert capsys.readouterr() == ("", line)


def test_ctrl_c_is_130_and_quiet(monkeypatch, capsys):
    assert fail_with(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err.strip() == ""


def test_a_mistake_of_ours_is_kept_in_a_file(monkeypatch, capsys):
    assert fail_with(monkeypatch, RuntimeError("two\nlines")) == 1
    line = capsys.readouterr().err
    start = (
        "artgan: unexpected failure, which is a mistake in artgan or a plug-in (RuntimeError: two)"
        "; the details are in "
    )
    assert line.startswith(start)
    with open(line.removeprefix(start).strip(), encoding="utf-8") as file:
        text = file.read()
    assert text.startswith(f"artgan {__version__}\nTraceback")
    assert "two\nlines" in text


def test_a_mistake_is_told_even_where_nothing_can_be_written(monkeypatch, capsys):
    from artgan import files

    def refused(_):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(files, "create", refused)
    assert fail_with(monkeypatch, RuntimeError()) == 1
    assert capsys.readouterr().err == (
        "artgan: unexpected failure, which is a mistake in artgan or a plug-in (RuntimeError: )\n"
    )


def test_debug_shows_where_an_error_came_from(monkeypatch, capsys):
    monkeypatch.setenv("ARTGAN_DEBUG", "1")
    assert fail_with(monkeypatch, ConfigError("no")) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.endswith("artgan: no\n")


def test_no_command_offers_to_install_completion(capsys):
    assert run(["train", "--help"]) == 0
    assert "--install-completion" not in capsys.readouterr().out


def test_a_stdout_that_ends_early_is_no_fuss():
    """A reader that went away, and a full disk: exit 1, at most one line."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "artgan", "--help"]
    gone = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (gone.returncode, gone.stderr) == (1, b"")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
        assert (done.returncode, done.stderr) == (
            1,
            b"artgan: cannot use: no space is left on the disk: free some and try again\n",
        )

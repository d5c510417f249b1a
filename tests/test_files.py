"""Files are written whole or not at all, whatever the system refuses."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from artgan import files
from artgan.api import OutputError
from artgan.files import (
    TEMPORARY,
    Pending,
    append_line,
    atomic_folder,
    atomic_write,
    explain,
    gathered_files,
    sweep,
    write_bytes,
    write_text,
)

REFUSALS = {
    errno.ENOSPC: "no space is left on the disk: free some and try again",
    errno.EDQUOT: "the disk quota is used up: free some space and try again",
    errno.EROFS: "the disk is read-only: choose another place",
    errno.EACCES: "permission is denied: choose another place or change its permissions",
}


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


class FullFile:
    """A file on a disk that fills up while it is written."""

    def __init__(self, real, number):
        self.real, self.number = real, number

    def write(self, data):
        self.real.write(data[:1])
        raise OSError(self.number, os.strerror(self.number))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.real.close()


def fail_in(block, error):
    """Write something in a block, then fail."""
    with block as place:
        if isinstance(place, Path):
            write_bytes(place / "a", b"1")
        else:
            place.write(b"half")
        raise error


def refuse(number):
    def refused(*_):
        raise OSError(number, os.strerror(number))

    return refused


@pytest.fixture
def old(tmp_path):
    """Return a file with old content in a folder of its own."""
    path = tmp_path / "folder" / "file.txt"
    path.parent.mkdir()
    path.write_text("old")
    return path


def check_refused(old, number):
    with pytest.raises(OutputError) as caught:
        write_text(old, "new")
    assert str(caught.value) == f"cannot write {old}: {REFUSALS[number]}"
    assert caught.value.exit_code == 1
    assert old.read_text() == "old"
    assert names(old.parent) == ["file.txt"]


@pytest.mark.parametrize("number", REFUSALS)
def test_a_refusal_to_create_leaves_what_was_there(old, monkeypatch, number):
    monkeypatch.setattr(files, "create", refuse(number))
    check_refused(old, number)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_leaves_what_was_there(old, monkeypatch, number):
    create = files.create
    monkeypatch.setattr(files, "create", lambda path: FullFile(create(path), number))
    check_refused(old, number)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_refusal_to_rename_leaves_what_was_there(old, monkeypatch, number):
    monkeypatch.setattr(files.os, "replace", refuse(number))
    check_refused(old, number)


def test_an_interrupt_while_writing_leaves_what_was_there(old):
    with pytest.raises(KeyboardInterrupt):
        fail_in(atomic_write(old), KeyboardInterrupt())
    assert old.read_text() == "old"
    assert names(old.parent) == ["file.txt"]


def test_nothing_has_the_name_before_the_end(tmp_path):
    path = tmp_path / "new" / "deep" / "file.bin"
    with atomic_write(path) as file:
        file.write(b"abc")
        file.flush()
        assert not path.exists()
        (temporary,) = names(path.parent)
        assert temporary.startswith(TEMPORARY)
    assert path.read_bytes() == b"abc"
    assert names(path.parent) == ["file.bin"]


def test_writing_replaces(old):
    write_bytes(old, b"new")
    assert old.read_bytes() == b"new"


def test_text_is_utf8_and_never_fails_on_undecodable_names(tmp_path):
    write_text(tmp_path / "a", "é\udcff")
    assert (tmp_path / "a").read_bytes() == "é".encode() + b"\\udcff"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_mode_follows_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_bytes(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_a_file_in_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "below"
    with pytest.raises(OutputError) as caught:
        write_bytes(path, b"")
    assert str(caught.value).startswith(f"cannot write {path}: ")


def test_a_folder_in_the_way_is_named(tmp_path):
    with pytest.raises(OutputError) as caught:
        write_bytes(tmp_path, b"")
    assert str(caught.value) == (
        f"cannot write {tmp_path}: a folder is in the way: choose another name"
    )


def test_a_name_that_is_nearly_too_long_is_written(tmp_path):
    path = tmp_path / ("n" * 250)
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_foreign_name_is_escaped(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "create", refuse(errno.ENOSPC))
    with pytest.raises(OutputError) as caught:
        write_bytes(tmp_path / "a\nb", b"")
    assert "a\\x0ab: no space" in str(caught.value)


# Folders


def test_a_folder_appears_whole(tmp_path):
    path = tmp_path / "000012-0"
    with atomic_folder(path) as temporary:
        write_bytes(temporary / "a", b"1")
        assert not path.exists()
    assert names(path) == ["a"]
    assert names(tmp_path) == ["000012-0"]


def test_a_folder_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        fail_in(atomic_folder(tmp_path / "x"), ZeroDivisionError())
    assert names(tmp_path) == []


def test_a_folder_whose_name_is_taken_is_refused(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine").touch()
    with pytest.raises(OutputError, match="^cannot write "), atomic_folder(tmp_path / "x"):
        pass
    assert names(tmp_path) == ["x"]
    assert names(tmp_path / "x") == ["mine"]


def test_a_full_disk_inside_a_folder_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "create", refuse(errno.ENOSPC))
    with pytest.raises(OutputError, match="no space"):
        fail_in(atomic_folder(tmp_path / "x"), ZeroDivisionError())
    assert names(tmp_path) == []


def test_gathered_files_join_what_is_there(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    with gathered_files(folder) as temporary:
        write_bytes(temporary / "a.png", b"1")
        assert not (folder / "a.png").exists()
    assert names(folder) == ["a.png", "mine"]


def test_gathered_files_that_fail_leave_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        fail_in(gathered_files(tmp_path / "out"), ZeroDivisionError())
    assert names(tmp_path) == []


def test_gathered_files_replace_all_or_none(tmp_path):
    """A folder in the way of the last file keeps the first from its place, too."""
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").mkdir()

    def gather():
        with gathered_files(tmp_path) as temporary:
            write_bytes(temporary / "a", b"new")
            write_bytes(temporary / "b", b"new")

    with pytest.raises(OutputError) as caught:
        gather()
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'b'}: a folder is in the way: choose another name"
    )
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a", "b"]


def test_gathered_files_replace_links_and_not_what_they_lead_to(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "far")
    with gathered_files(tmp_path / "out") as temporary:
        write_bytes(temporary / "a", b"new")
    assert (tmp_path / "out" / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["far", "out"]


def test_gathered_files_clear_what_a_killed_process_left(tmp_path):
    stale = tmp_path / f"{TEMPORARY}{os.getpid()}"
    stale.mkdir()
    (stale / "old").touch()
    with gathered_files(tmp_path) as temporary:
        write_bytes(temporary / "new", b"")
    assert names(tmp_path) == ["new"]


def test_gathered_files_into_nowhere_are_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"^cannot write .*file/out: a part of the path is a"):
        fail_in(gathered_files(tmp_path / "file" / "out"), ZeroDivisionError())


# Blocks held open


def test_pending_holds_a_block_open_until_it_is_finished(tmp_path):
    pending = Pending(atomic_write(tmp_path / "a"))
    for part in (b"1", b"2"):
        with pending.guard() as file:
            file.write(part)
        assert not (tmp_path / "a").exists()
    pending.finish()
    assert (tmp_path / "a").read_bytes() == b"12"
    pending.abandon()
    pending.finish()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"12"


def test_pending_that_is_abandoned_leaves_what_was_there(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    pending = Pending(atomic_write(tmp_path / "a"))
    pending.value.write(b"new")
    pending.abandon()
    pending.abandon()
    pending.finish()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_failure_under_guard_ends_the_block(tmp_path):
    pending = Pending(gathered_files(tmp_path / "out"))
    write_bytes(pending.value / "a", b"1")
    with pytest.raises(ZeroDivisionError), pending.guard():
        raise ZeroDivisionError
    assert names(tmp_path) == []
    pending.finish()
    assert names(tmp_path) == []


def test_a_refusal_under_guard_is_one_sentence(tmp_path):
    pending = Pending(atomic_write(tmp_path / "a"))
    with pytest.raises(OutputError, match="no space is left on the disk"), pending.guard():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert names(tmp_path) == []


# Lines, sweeping, reasons


def test_lines_are_appended(tmp_path):
    append_line(tmp_path / "log", "one")
    append_line(tmp_path / "log", "two")
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_a_line_into_nowhere_is_named(tmp_path):
    with pytest.raises(OutputError, match="^cannot write .*no such file or directory$"):
        append_line(tmp_path / "none" / "log", "one")


def test_sweep_removes_what_was_interrupted_and_nothing_else(tmp_path):
    (tmp_path / f"{TEMPORARY}1-file").touch()
    (tmp_path / f"{TEMPORARY}2-folder").mkdir()
    (tmp_path / f"{TEMPORARY}2-folder" / "deep").touch()
    (tmp_path / "keep").touch()
    (tmp_path / f"{TEMPORARY}3-link").symlink_to(tmp_path / "keep")
    assert sweep(tmp_path) == 3
    assert names(tmp_path) == ["keep"]
    assert sweep(tmp_path) == 0
    assert sweep(tmp_path / "none") == 0


@pytest.mark.parametrize(("number", "reason"), REFUSALS.items())
def test_explain(number, reason):
    assert explain(OSError(number, "x")) == reason


def test_explain_falls_back_to_the_system():
    assert explain(OSError(errno.ENOENT, "No such file or directory")) == (
        "no such file or directory"
    )
    assert explain(OSError("odd")) == "odd"


def test_a_refusal_names_the_final_place(tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "create", full)
    with pytest.raises(OutputError) as error, atomic_folder(tmp_path / "a") as folder:
        write_bytes(folder / "b", b"")
    assert str(error.value).startswith(f"cannot write {tmp_path / 'b'}: ")

"""Tests of artgan.data.cache: where it lies, what is listed, removed and swept."""

from __future__ import annotations

import os
import time
from pathlib import Path

import corpus
import platformdirs
import pytest

from artgan.data import cache
from artgan.data.cache import cache_folder, cached_files, clear, sweep_stale
from artgan.data.intake import survey
from artgan.data.prepared import prepare
from artgan.files import TEMPORARY, atomic_write
from artgan.pictures import PictureSpec


@pytest.fixture(autouse=True)
def _forget():
    cache._usable.cache_clear()
    yield
    cache._usable.cache_clear()


def test_the_variable_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTGAN_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    assert (tmp_path / "mine").is_dir()


def test_the_users_cache_is_the_default(tmp_path, monkeypatch):
    monkeypatch.delenv("ARTGAN_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)
    assert cache_folder() == tmp_path / "artgan"


def test_unusable_place_falls_back_with_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    monkeypatch.setenv("ARTGAN_CACHE", str(tmp_path / "file" / "inside"))
    folder = cache_folder()
    assert folder == tmp_path / "temporary" / f"artgan-cache-{os.getuid()}"
    assert cache_folder() == folder
    assert capsys.readouterr().err == (
        f"cannot keep prepared pictures in {tmp_path / 'file' / 'inside'}: using {folder}\n"
    )


def test_a_strangers_temporary_folder_is_not_used(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"artgan-cache-{os.getuid()}").symlink_to(tmp_path / "theirs")
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(cache.tempfile, "mkdtemp", lambda prefix: str(tmp_path / "private"))
    monkeypatch.setenv("ARTGAN_CACHE", str(tmp_path / "file"))
    assert cache_folder() == tmp_path / "private"


def test_listing_and_clearing_touch_only_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTGAN_CACHE", str(tmp_path / "cache"))
    folder = corpus.pictures(tmp_path / "in", 3)
    prepare(survey(folder), PictureSpec((8, 8)))
    root = cache_folder()
    corpus.save(root, {"mine.txt": b"keep", "prepared/notes.txt": b"keep", "other/a.json": b"keep"})
    files = cached_files(root)
    assert sorted(file.path.suffix for file in files) == [".json", ".pictures"]
    assert [file.kind for file in files if file.path.suffix == ".json"] == ["survey"]
    assert clear(root) == files
    assert cached_files(root) == []
    kept = sorted(path.name for path in root.rglob("*") if path.is_file())
    assert kept == ["a.json", "mine.txt", "notes.txt"]
    assert len(list(folder.iterdir())) == 3


def test_clearing_leaves_what_is_being_written_and_tells_what_is_gone(tmp_path, monkeypatch):
    new, old = f"prepared/{TEMPORARY}1-a", f"prepared/{TEMPORARY}2-b"
    corpus.save(tmp_path, {new: b"x", old: b"x", "prepared/c.pictures": b"x"})
    corpus.save(tmp_path, {"surveys/d.json": b"x", f"other/{TEMPORARY}3-e": b"x"})
    past = time.time() - 2 * cache.STALE_SECONDS
    os.utime(tmp_path / old, (past, past))
    real = Path.unlink

    def unlink(path, *args, **options):
        if path.name == "d.json":
            raise PermissionError
        real(path, *args, **options)

    monkeypatch.setattr(Path, "unlink", unlink)
    gone = sorted(str(file.path.relative_to(tmp_path)) for file in clear(tmp_path))
    assert gone == [old, "prepared/c.pictures"]
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert left == [f"other/{TEMPORARY}3-e", new, "surveys/d.json"]


def test_two_threads_may_write_the_same_file(tmp_path):
    path = tmp_path / ("猫" * 75 + ".pictures")  # and its temporary name is no longer than allowed
    with atomic_write(path) as first, atomic_write(path) as second:
        first.write(b"first")
        second.write(b"second")
        assert len(list(tmp_path.glob(f"{TEMPORARY}*"))) == 2
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder_has_no_files():
    assert cached_files(Path("nowhere")) == []


def test_only_stale_temporary_files_are_swept(tmp_path):
    old, new = tmp_path / f"{TEMPORARY}1-a", tmp_path / f"{TEMPORARY}2-b"
    for path in (old, new, tmp_path / "c.pictures"):
        path.write_bytes(b"x")
    past = time.time() - 2 * cache.STALE_SECONDS
    os.utime(old, (past, past))
    sweep_stale(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, "c.pictures"]

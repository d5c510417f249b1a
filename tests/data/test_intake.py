"""Tests of artgan.data.intake: what is found, skipped, ignored and said, and the index."""

from __future__ import annotations

import os

import corpus
import pytest
from corpus import encoded, noise, quarters, solid
from PIL import Image

from artgan.data import intake
from artgan.data.intake import reasons, survey
from artgan.errors import PathError


def names(result):
    return [found.name for found in result.pictures]


def test_finds_nested_pictures_of_any_suffix_sorted(tmp_path):
    files = {
        "b.PNG": encoded(noise(0), "PNG"),
        "a/deep/x.Jpg": encoded(noise(1), "JPEG"),
        "noname": encoded(noise(2), "GIF"),
        "wrong.txt": encoded(noise(3), "BMP"),
    }
    result = survey(corpus.save(tmp_path, files))
    assert names(result) == ["a/deep/x.Jpg", "b.PNG", "noname", "wrong.txt"]
    assert [found.format for found in result.pictures] == ["JPEG", "PNG", "GIF", "BMP"]
    assert result.skipped == []
    assert result.ignored == 0
    assert result.notes == ["1 sub-folder searched: they are not classes"]


def test_hidden_files_and_other_kinds_are_ignored_and_counted(tmp_path):
    files = {
        "good.png": encoded(noise(0), "PNG"),
        "._good.png": b"\0\5\x16\7junk",
        ".hidden/a.png": encoded(noise(1), "PNG"),
        "__MACOSX/a.png": encoded(noise(2), "PNG"),
        "Thumbs.db": b"junk",
        "captions.txt": b"a picture of a cat",
        "empty": b"",
        "notes.json": b"{}",
    }
    result = survey(corpus.save(tmp_path, files))
    assert names(result) == ["good.png"]
    assert result.ignored == 7
    assert result.skipped == []


def test_every_broken_file_is_named_with_its_reason(tmp_path):
    broken = corpus.broken_files()
    corpus.save(tmp_path, {name: content for name, (content, _) in broken.items()})
    result = survey(tmp_path)
    skipped = {str(path): reason for path, reason in result.skipped}
    for name, (_, expected) in broken.items():
        if name in skipped:
            assert skipped[name] == expected
        else:  # its header is whole
            assert expected.startswith(("truncated", "damaged"))
            assert name in names(result)
    assert result.skipped == sorted(result.skipped)


def test_hostile_entries_neither_hang_nor_loop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    (tmp_path / "in").mkdir()
    corpus.hostile_entries(tmp_path / "in")
    corpus.save(tmp_path / "in", {"good.png": encoded(noise(0), "PNG")})
    (tmp_path / "in" / "link.png").symlink_to("good.png")
    result = survey(tmp_path / "in")
    assert names(result) == ["good.png", "link.png"]
    assert [(str(path), reason) for path, reason in result.skipped] == [
        ("device.png", "not a regular file"),
        ("fifo.png", "not a regular file"),
        ("loop.png", "a link that leads nowhere"),
        ("nowhere.png", "a link that leads nowhere"),
        ("socket.png", "not a regular file"),
    ]
    assert result.notes == ["1 link to folders not followed"]


def test_runs_of_artgan_are_not_searched(tmp_path):
    files = {
        "a.png": encoded(noise(0), "PNG"),
        "runs/00000-dcgan-in/fakes000001.png": encoded(noise(1), "PNG"),
        "runs/00000-dcgan-in/config.toml": b"",
        "runs/00000-dcgan-in/stats.jsonl": b"",
    }
    result = survey(corpus.save(tmp_path, files))
    assert names(result) == ["a.png"]
    assert result.notes == ["1 run folder of artgan not searched"]


def test_strange_names_work(tmp_path):
    raw = [b"caf\xe9.png", b"[red]x[_].png", b"\x1b[2Jx.png", b"-rf.png", "\u202egnp.png".encode()]
    for name in raw:
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
            file.write(encoded(noise(0), "PNG"))
    for _ in range(2):  # from the files, then from the index
        result = survey(tmp_path)
        assert sorted(os.fsencode(found.name) for found in result.pictures) == sorted(raw)


def test_size_is_upright_and_several_is_said(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {
        "turned.jpg": encoded(quarters(32, 16), "JPEG", exif=exif),
        "moving.gif": encoded(solid(), "GIF", save_all=True, append_images=[noise(1, (32, 32))]),
    }
    result = survey(corpus.save(tmp_path, files))
    turned = result.pictures[1]
    assert (turned.width, turned.height) == (16, 32)
    assert result.notes == ["1 file holds several pictures: the first one is used"]


def test_unusable_folders(tmp_path):
    with pytest.raises(PathError) as caught:
        survey(tmp_path / "none")
    assert str(caught.value) == f"no folder {tmp_path / 'none'}: give a folder of pictures"
    file = tmp_path / "file.png"
    file.write_bytes(b"x")
    with pytest.raises(PathError) as caught:
        survey(file)
    expected = f"{file} is not a folder: give the folder that the pictures lie in"
    assert str(caught.value) == expected


def refuse(monkeypatch, folder):
    """Make a folder unreadable, also for root."""
    real = os.scandir

    def scandir(path="."):
        if os.fspath(path) == os.fspath(folder):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_unreadable_root_and_sub_folder(tmp_path, monkeypatch):
    corpus.save(tmp_path, {"a.png": encoded(noise(0), "PNG"), "sub/b.png": b"x"})
    refuse(monkeypatch, tmp_path / "sub")
    result = survey(tmp_path)
    assert names(result) == ["a.png"]
    skipped = [(str(path), reason) for path, reason in result.skipped]
    assert skipped == [("sub", "unreadable: permission is denied")]
    refuse(monkeypatch, tmp_path)
    with pytest.raises(PathError, match="^cannot read .*: permission is denied"):
        survey(tmp_path)


def test_second_survey_opens_only_what_changed(tmp_path, monkeypatch):
    from artgan import pictures

    corpus.pictures(tmp_path, 4)
    corpus.save(tmp_path, {"bad.png": b"", "note.txt": b"text"})
    first = survey(tmp_path)
    opened = []
    real = pictures.read_header
    monkeypatch.setattr(
        pictures, "read_header", lambda path: opened.append(path.name) or real(path)
    )
    assert survey(tmp_path) == first
    assert opened == []
    os.utime(tmp_path / "p001.png", ns=(1, 1))
    corpus.save(tmp_path, {"p002.png": encoded(noise(9, (30, 20)), "PNG")})
    (tmp_path / "p003.png").unlink()
    second = survey(tmp_path)
    assert sorted(opened) == ["p001.png", "p002.png"]
    assert names(second) == ["p000.png", "p001.png", "p002.png"]
    assert second.pictures[2].width == 30


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b'{"version": 1, "files": {"p000.png": [1]}}'])
def test_damaged_index_is_left_out(tmp_path, junk):
    corpus.pictures(tmp_path, 2)
    first = survey(tmp_path)
    index, _ = intake._load_index(tmp_path)
    assert index.is_file()
    index.write_bytes(junk)
    assert survey(tmp_path) == first


def test_progress_ends_at_the_total(tmp_path):
    told = []
    survey(corpus.pictures(tmp_path, 70), progress=lambda done, total: told.append((done, total)))
    assert told == [(64, 70), (70, 70)]


def test_interrupted_survey_leaves_nothing(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        survey(corpus.pictures(tmp_path, 3), progress=interrupt)
    index, entries = intake._load_index(tmp_path)
    assert not index.exists()
    assert entries == {}


def test_reasons_are_counted_by_kind():
    skipped = [("a", "too small: 1x1 px"), ("b", "empty"), ("c", "too small: 2x2 px")]
    assert reasons(skipped) == "2 too small, 1 empty"


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error")])
def test_what_fails_for_a_while_is_looked_at_again(tmp_path, monkeypatch, error):
    from artgan import pictures as reader

    def fail(*args):
        raise error

    folder = corpus.pictures(tmp_path / "in", 2)
    with monkeypatch.context() as patched:
        patched.setattr(reader, "_check_header", fail)
        assert len(survey(folder).skipped) == 2
    assert len(survey(folder).pictures) == 2

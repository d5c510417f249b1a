"""Tests of artgan.data.prepared and store: decoded once, stored, found again, remade."""

from __future__ import annotations

import errno
import os
import threading

import corpus
import numpy as np
import pytest
import torch
from corpus import encoded, noise, solid
from torch.testing import assert_close

from artgan.data import decode, prepared
from artgan.data.intake import survey
from artgan.data.prepared import cache_folder, forecast_bytes, prepare
from artgan.errors import ConfigError, ImageError
from artgan.files import TEMPORARY
from artgan.pictures import PictureSpec, fit_picture, load_picture

SPEC = PictureSpec((16, 16))


@pytest.fixture
def folder(tmp_path):
    return corpus.pictures(tmp_path / "in", 7)


def stored_files():
    return sorted((cache_folder() / "prepared").glob("*.pictures"))


def forbid_decoding(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("nothing should be decoded")

    monkeypatch.setattr(decode, "load_picture", fail)


def expected(folder, spec=SPEC):
    files = sorted(folder.iterdir())
    return torch.from_numpy(np.stack([fit_picture(load_picture(f), spec) for f in files]))


def test_batches_hold_the_fitted_pictures(folder):
    pictures = prepare(survey(folder), SPEC)
    assert len(pictures) == 7
    assert pictures.on_disk is True
    assert pictures.names == [f"p{i:03}.png" for i in range(7)]
    assert_close(pictures.batch(range(7)), expected(folder))
    assert_close(pictures.batch([3, 3, 0]), expected(folder)[[3, 3, 0]])
    assert pictures.batch([]).shape == (0, 3, 16, 16)
    assert pictures.batch([0]).dtype == torch.uint8
    pictures.batch([0]).zero_()  # a copy: what is stored stays
    assert_close(pictures.batch([0]), expected(folder)[:1])
    pictures.close()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_and_oblong_sizes(folder, channels):
    spec = PictureSpec((16, 24), channels)
    intake = survey(folder)
    assert forecast_bytes(len(intake.pictures), spec) == 7 * channels * 16 * 24
    assert_close(prepare(intake, spec).batch(range(7)), expected(folder, spec))


def test_second_start_decodes_nothing(folder, monkeypatch):
    first = prepare(survey(folder), SPEC)
    forbid_decoding(monkeypatch)
    second = prepare(survey(folder), SPEC)
    assert second.fingerprint == first.fingerprint
    assert second.names == first.names
    assert_close(second.batch(range(7)), first.batch(range(7)))


@pytest.mark.parametrize(
    "spec",
    [
        PictureSpec((16, 24)),
        PictureSpec((16, 16), 1),
        PictureSpec((16, 16), fit="pad"),
        PictureSpec((16, 16), background="black"),
    ],
)
def test_another_spec_is_another_file(folder, spec):
    prepare(survey(folder), SPEC)
    prepare(survey(folder), spec)
    assert len(stored_files()) == 2


def test_changed_file_remakes_and_replaces(folder):
    first = prepare(survey(folder), SPEC)
    os.utime(folder / "p002.png", ns=(1, 1))
    second = prepare(survey(folder), SPEC)
    assert len(stored_files()) == 1
    assert second.fingerprint == first.fingerprint  # the pictures are the same
    corpus.save(folder, {"p002.png": encoded(noise(50), "PNG")})
    third = prepare(survey(folder), SPEC)
    assert third.fingerprint != first.fingerprint
    assert_close(first.batch(range(7))[3:], third.batch(range(7))[3:])


@pytest.mark.parametrize("how", ["cut", "empty", "pixels", "table", "magic", "longer"])
def test_damaged_file_is_remade(folder, how):
    first = prepare(survey(folder), SPEC).batch(range(7))
    (path,) = stored_files()
    data = bytearray(path.read_bytes())
    if how == "cut":
        data = data[:-100]
    elif how == "empty":
        data = bytearray()
    elif how == "longer":
        data = b"\0" * 64 + data
    else:
        at = {"pixels": 16 * 16 * 3 * 2 + 5, "table": -60, "magic": -3}[how]
        data[at] ^= 1
    path.unlink()
    path.write_bytes(data)
    assert_close(prepare(survey(folder), SPEC).batch(range(7)), first)
    assert_close(prepare(survey(folder), SPEC).batch(range(7)), first)
    assert path.stat().st_size > 0


def test_duplicates_count_once(tmp_path):
    files = {
        "a.png": encoded(noise(0), "PNG"),
        "b.bmp": encoded(noise(0), "BMP"),  # the same pixels in another file
        "c.png": encoded(noise(0), "PNG"),
        "d.png": encoded(noise(1), "PNG"),
    }
    pictures = prepare(survey(corpus.save(tmp_path / "in", files)), SPEC)
    assert pictures.names == ["a.png", "b.bmp", "d.png"]
    assert pictures.duplicates == 1
    assert [tuple(pair) for pair in pictures.twins] == [("c.png", "a.png")]


def test_files_found_bad_when_decoded_are_named(tmp_path):
    cut = encoded(noise(0), "PNG")
    files = {"good.png": encoded(noise(1), "PNG"), "cut.png": cut[: len(cut) // 2]}
    intake = survey(corpus.save(tmp_path / "in", files))
    assert intake.skipped == []
    for _ in range(2):  # decoded, then stored
        pictures = prepare(intake, SPEC)
        assert pictures.names == ["good.png"]
        assert [(str(path), why) for path, why in pictures.skipped] == [("cut.png", "truncated")]


def test_one_good_among_many_broken(tmp_path):
    files = {name: content for name, (content, _) in corpus.broken_files().items()}
    corpus.save(tmp_path / "in", files | {"good.png": encoded(noise(8), "PNG")})
    intake = survey(tmp_path / "in")
    pictures = prepare(intake, SPEC)
    assert pictures.names == ["good.png"]
    told = {str(path): reason for path, reason in [*intake.skipped, *pictures.skipped]}
    assert told == {name: reason for name, (_, reason) in corpus.broken_files().items()}


def test_nothing_usable(tmp_path):
    cut = encoded(noise(0), "PNG")[:300]
    corpus.save(tmp_path, {"a.png": cut, "b.png": b"", "c.png": cut})
    with pytest.raises(ImageError) as caught:
        prepare(survey(tmp_path), SPEC)
    expected = f"no usable pictures in {tmp_path} (3 files looked at: 2 truncated, 1 empty)"
    assert str(caught.value) == expected
    assert stored_files() == []
    assert list(cache_folder().rglob(f"{TEMPORARY}*")) == []


def test_no_pictures_at_all(tmp_path):
    with pytest.raises(ImageError) as caught:
        prepare(survey(tmp_path), SPEC)
    assert str(caught.value) == (
        f"no pictures in {tmp_path}: expected files such as PNG, JPEG, WebP, GIF, BMP or TIFF"
    )


def test_file_that_vanishes_after_the_survey(folder):
    intake = survey(folder)
    (folder / "p003.png").unlink()
    pictures = prepare(intake, SPEC)
    assert [(str(path), why) for path, why in pictures.skipped] == [("p003.png", "vanished")]
    assert len(pictures) == 6
    assert stored_files() == []  # it is not what the survey promised: not for the next time


def test_file_replaced_after_the_survey(folder):
    intake = survey(folder)
    corpus.save(folder, {"p003.png": encoded(solid((1, 2, 3)), "PNG")})
    pictures = prepare(intake, SPEC)
    assert pictures.batch([3])[0, :, 0, 0].tolist() == [1, 2, 3]
    assert stored_files() == []
    corpus.save(folder, {"p004.png": encoded(solid(size=(4, 4)), "PNG")})
    pictures = prepare(intake, SPEC)
    expected = [("p004.png", "too small: 4x4 px, and each side needs 8")]
    assert [(str(path), why) for path, why in pictures.skipped] == expected


def test_interruption_leaves_nothing(folder):
    def interrupt(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(survey(folder), SPEC, progress=interrupt)
    assert stored_files() == []
    assert list(cache_folder().rglob(f"{TEMPORARY}*")) == []
    assert [t.name for t in threading.enumerate() if t.name.startswith("artgan")] == []


def test_progress_counts_every_file(folder):
    told = []
    prepare(survey(folder), SPEC, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 7) for done in range(1, 8)]


def test_any_number_of_workers_gives_the_same(folder):
    one = prepare(survey(folder), SPEC, workers=1)
    batch, fingerprint = one.batch(range(7)), one.fingerprint
    for path in stored_files():
        path.unlink()
    many = prepare(survey(folder), SPEC, workers=5)
    assert many.fingerprint == fingerprint
    assert_close(many.batch(range(7)), batch)


def test_full_disk_decodes_on_demand(folder, monkeypatch, capsys):
    def create(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("artgan.files.create", create)
    pictures = prepare(survey(folder), SPEC)
    assert pictures.on_disk is False
    assert_close(pictures.batch(range(7)), expected(folder))
    assert capsys.readouterr().err.startswith("pictures are decoded on demand: cannot write ")
    pictures.close()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.EIO, "Input/output error"), "unreadable: input/output error"),
        (OSError(errno.EMFILE, "Too many open files"), "unreadable: too many open files"),
        (MemoryError(), "too large: it does not fit into memory"),
    ],
)
def test_what_fails_for_a_while_is_not_frozen(folder, monkeypatch, error, why):
    from artgan import pictures as reader

    real, failing = reader.to_srgb, [True]

    def to_srgb(image):
        if failing and image.getpixel((0, 0)) == noise(3, (24, 24)).getpixel((0, 0)):
            failing.clear()
            raise error
        return real(image)

    intake = survey(folder)
    monkeypatch.setattr(reader, "to_srgb", to_srgb)
    once = prepare(intake, SPEC)
    assert [(str(path), reason) for path, reason in once.skipped] == [("p003.png", why)]
    assert len(once) == 6
    assert once.batch(range(6)).shape == (6, 3, 16, 16)
    assert stored_files() == []
    again = prepare(intake, SPEC)
    assert (len(again), again.skipped) == (7, [])
    assert len(stored_files()) == 1


def test_fingerprint_follows_content_and_spec_but_no_place_or_time(folder, tmp_path):
    first = prepare(survey(folder), SPEC).fingerprint
    copied = prepare(survey(corpus.pictures(tmp_path / "copy", 7)), SPEC).fingerprint
    assert copied == first
    assert prepare(survey(folder), PictureSpec((16, 16), fit="pad")).fingerprint != first
    corpus.save(folder, {"p002.png": encoded(noise(51, (24, 24)), "PNG")})
    assert prepare(survey(folder), SPEC).fingerprint != first


@pytest.mark.parametrize(
    ("given", "on_disk"), [("5kB", False), ("5376 bytes", True), ("0", False), ("", True)]
)
def test_limit_from_the_environment(folder, monkeypatch, given, on_disk):
    monkeypatch.setenv("ARTGAN_CACHE_LIMIT", given)  # seven of 768 bytes are 5376
    pictures = prepare(survey(folder), SPEC)
    assert pictures.on_disk is on_disk
    pictures.close()


@pytest.mark.parametrize("given", ["much", "-1GB", "4 GiB", "GB"])
def test_limit_must_be_a_size(folder, monkeypatch, given):
    monkeypatch.setenv("ARTGAN_CACHE_LIMIT", given)
    with pytest.raises(ConfigError) as caught:
        prepare(survey(folder), SPEC)
    expected = f"ARTGAN_CACHE_LIMIT is {given!r}: expected a size such as 500MB or 4GB"
    assert str(caught.value) == expected


def test_too_little_room_decodes_on_demand(folder, monkeypatch):
    monkeypatch.setattr(prepared, "_room", lambda folder: 100)
    pictures = prepare(survey(folder), SPEC)
    assert pictures.on_disk is False
    pictures.close()


def test_two_processes_at_once(folder):
    """Each writes its own temporary file; the later rename wins, with the same content."""
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path\n"
        "from artgan.data.intake import survey; from artgan.data.prepared import prepare\n"
        "from artgan.pictures import PictureSpec\n"
        "p = prepare(survey(Path(sys.argv[1])), PictureSpec((16, 16)))\n"
        "print(len(p), p.fingerprint)"
    )
    command = [sys.executable, "-c", code, str(folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate(timeout=60)[0] for process in running]
    assert printed[0].startswith("7 ")
    assert printed[0] == printed[1]
    assert len(stored_files()) == 1

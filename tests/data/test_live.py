"""Tests of artgan.data.live: the same batches without a store, and files that go bad."""

from __future__ import annotations

import threading
import warnings

import corpus
import pytest
from corpus import encoded, noise
from torch.testing import assert_close

from artgan.data.intake import survey
from artgan.data.prepared import prepare
from artgan.data.twins import find_twins
from artgan.errors import ImageError
from artgan.pictures import PictureSpec

SPEC = PictureSpec((16, 16))


@pytest.fixture
def folder(tmp_path):
    return corpus.pictures(tmp_path / "in", 8)


@pytest.fixture
def live(folder):
    pictures = prepare(survey(folder), SPEC, limit_bytes=0, workers=2)
    yield pictures
    pictures.close()


def test_same_batches_as_stored(folder, live):
    stored = prepare(survey(folder), SPEC)
    assert live.on_disk is False
    assert len(live) == len(stored)
    assert live.names == stored.names
    assert_close(live.batch([5, 0, 5, 2]), stored.batch([5, 0, 5, 2]))
    assert_close(live.batch([-1]), stored.batch([7]))
    assert live.batch([]).shape == (0, 3, 16, 16)
    with pytest.raises(IndexError):
        live.batch([8])


def test_prefetched_pictures_are_the_same(live):
    plain = live.batch(range(8))
    live.prefetch([1, 2, 3])
    live.prefetch([3, 4])
    assert_close(live.batch(range(8)), plain)


def test_vanished_file_is_replaced_by_the_next_and_said_once(folder, live, capsys):
    whole = live.batch(range(8))
    (folder / "p003.png").unlink()
    (folder / "p007.png").write_bytes(b"")
    for _ in range(3):
        batch = live.batch(range(8))
        assert_close(batch[3], whole[4])
        assert_close(batch[7], whole[0])
        assert_close(batch[[0, 1, 2, 4, 5, 6]], whole[[0, 1, 2, 4, 5, 6]])
    said = sorted(capsys.readouterr().err.splitlines())
    assert said == [
        "p003.png is left out from now on: vanished",
        "p007.png is left out from now on: empty",
    ]
    assert sorted(str(path) for path, _ in live.skipped) == ["p003.png", "p007.png"]


def test_more_than_half_gone_stops(folder, live):
    for i in range(5):
        (folder / f"p{i:03}.png").unlink()
    with pytest.raises(ImageError) as caught:
        live.batch(range(8))
    assert str(caught.value) == (
        f"5 of 8 pictures in {folder} are gone or damaged: bring them back, "
        "or start anew with those that are left"
    )


def test_warnings_are_limited(tmp_path, capsys):
    folder = corpus.pictures(tmp_path / "in", 30, (8, 8))
    live = prepare(survey(folder), SPEC, limit_bytes=0, workers=2)
    for i in range(13):
        (folder / f"p{i:03}.png").unlink()
    live.batch(range(30))
    live.close()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 11
    assert said[-1] == "more files are left out: they are not named any more"


def test_twins_by_content(tmp_path):
    long = encoded(noise(0, (200, 200)), "BMP")
    files = {"a.bmp": long, "b.bmp": long[:-1] + b"\1", "c.bmp": long, "d.png": b"x"}
    files["e.bmp"] = encoded(noise(1, (200, 200)), "BMP")
    intake = survey(corpus.save(tmp_path / "in", files))
    assert find_twins(intake.folder, intake.pictures) == [("c.bmp", "a.bmp")]
    live = prepare(intake, SPEC, limit_bytes=0)
    assert live.duplicates == 1
    assert live.names == ["a.bmp", "b.bmp", "e.bmp"]
    live.close()


def test_every_file_gone_ends_all_threads(folder, live):
    for path in folder.iterdir():
        path.unlink()
    live.prefetch(range(8))
    with pytest.raises(ImageError, match="of 8 pictures in "):
        live.batch(range(8))
    with pytest.raises(ImageError, match="of 8 pictures in "):
        live.batch([0])
    closing = threading.Thread(target=live.close, daemon=True)
    closing.start()
    closing.join(20)
    assert not closing.is_alive()


def test_decoding_leaves_the_warning_filters_alone(live):
    live.batch([0])
    during = list(warnings.filters)
    with warnings.catch_warnings():
        live.prefetch(range(8))
        live.batch(range(8))
        warnings.simplefilter("error", FutureWarning)
        with pytest.raises(FutureWarning):
            warnings.warn("of another's", FutureWarning, stacklevel=1)
    assert warnings.filters == during
    live.close()
    assert warnings.filters == during[1:]


def test_live_and_stored_are_the_same_set(tmp_path):
    files = {
        "a.png": encoded(noise(0), "PNG"),
        "b.bmp": encoded(noise(0), "BMP"),  # the same pixels in another file
        "c.png": encoded(noise(0), "PNG"),
        "d.png": encoded(noise(1), "PNG"),
    }
    intake = survey(corpus.save(tmp_path / "in", files))
    live = prepare(intake, SPEC, limit_bytes=0)
    stored = prepare(intake, SPEC)
    assert (live.on_disk, stored.on_disk) == (False, True)
    assert live.names == stored.names == ["a.png", "b.bmp", "d.png"]
    assert live.twins == stored.twins == [("c.png", "a.png")]
    assert live.fingerprint == stored.fingerprint
    assert_close(live.batch(range(3)), stored.batch(range(3)))
    live.close()


def test_fingerprint_follows_the_listing(folder, live):
    again = prepare(survey(folder), SPEC, limit_bytes=0)
    assert again.fingerprint == live.fingerprint
    corpus.save(folder, {"more.png": encoded(noise(99), "PNG")})
    more = prepare(survey(folder), SPEC, limit_bytes=0)
    assert more.fingerprint != live.fingerprint
    again.close()
    more.close()

"""Tests of artgan.pipelines.check: what is counted, lost and recommended, and the sheet."""

from __future__ import annotations

from pathlib import Path

import corpus
import pytest
from corpus import encoded, noise, solid
from PIL import Image

from artgan.data.intake import survey
from artgan.data.store import StoredPictures
from artgan.errors import ConfigError, PathError
from artgan.pipelines.check import (
    check,
    check_sheet_path,
    crop_loss,
    draw_sheet,
    recommend_size,
    summary,
)


@pytest.fixture
def folder(tmp_path):
    files = {
        "a.png": encoded(noise(0, (40, 40)), "PNG"),
        "again.png": encoded(noise(0, (40, 40)), "PNG"),
        "tall.png": encoded(noise(1, (40, 100)), "PNG"),
        "wide.jpg": encoded(noise(2, (150, 70)), "JPEG"),
        "tiny.png": encoded(solid(size=(9, 12)), "PNG"),
        "dot.png": encoded(solid(size=(1, 1)), "PNG"),
        "cut.png": encoded(noise(3), "PNG")[:400],
        "notes.txt": b"text",
    }
    return corpus.save(tmp_path / "in", files)


def test_everything_is_counted(folder):
    report, pictures = check(folder, size=(16, 16))
    assert pictures is not None
    assert (report.looked_at, report.usable, report.ignored) == (7, 4, 1)
    assert [(str(path), reason) for path, reason in report.skipped] == [
        ("cut.png", "truncated"),
        ("dot.png", "too small: 1x1 px, and each side needs 8"),
    ]
    assert [tuple(pair) for pair in report.twins] == [("again.png", "a.png")]
    assert report.formats == {"PNG": 4, "JPEG": 1}
    sides = {"under 32 px": 1, "32 to 63 px": 3, "64 to 127 px": 1}
    assert {label: n for label, n in report.sides.items() if n} == sides
    aspects = {"tall, beyond 2:3": 1, "upright": 1, "about square": 2, "wide, beyond 3:2": 1}
    assert {label: n for label, n in report.aspects.items() if n} == aspects
    assert report.enlarged == 1  # 9x12
    assert report.crop_loss == pytest.approx(0.25)  # of 0, 0, 0.25, 1 - 70/150, 0.6
    assert report.problem == ""
    assert (report.prepared_bytes, report.stored) == (4 * 3 * 16 * 16, True)
    assert summary(report) == (
        "4 usable pictures of 7 files, 1 exact duplicate left out, 2 skipped, 1 other file ignored"
    )


def test_nothing_usable_is_a_report_with_a_problem(tmp_path):
    corpus.save(tmp_path, {"a.png": b""})
    report, pictures = check(tmp_path)
    assert pictures is None
    expected = f"no usable pictures in {tmp_path} (1 file looked at: 1 empty)"
    assert report.problem == expected
    assert report.usable == 0


def test_estimate_and_recommendation_come_from_outside(folder):
    report, _ = check(
        folder,
        recommend=lambda intake: (32, 16),
        estimate=lambda count, spec: f"{count} pictures at {spec.size}",
    )
    assert report.recommended == report.spec.size == (32, 16)
    assert report.estimate == "4 pictures at (32, 16)"


@pytest.mark.parametrize("size", [(0, 0), (63, 63), (8, 8)])
def test_a_size_that_cannot_be_drawn_is_refused_before_the_survey(size):
    with pytest.raises(ConfigError, match=f"^size {size[0]} does not suit 'dcgan': "):
        check(Path("nowhere"), size=size)


def test_limit_is_read_before_the_survey(monkeypatch):
    monkeypatch.setenv("ARTGAN_CACHE_LIMIT", "much")
    with pytest.raises(ConfigError, match="^ARTGAN_CACHE_LIMIT is 'much': "):
        check(Path("nowhere"))


def test_pictures_are_closed_if_the_estimate_fails(folder, monkeypatch):
    closed = []
    monkeypatch.setattr(StoredPictures, "close", lambda self: closed.append(self))

    def fail(count, spec):
        raise RuntimeError("no device")

    with pytest.raises(RuntimeError, match="no device"):
        check(folder, size=(16, 16), estimate=fail)
    assert len(closed) == 1


@pytest.mark.parametrize(
    ("aspect", "wanted", "expected"), [(1.0, 1.0, 0.0), (2.0, 1.0, 0.5), (1.0, 1.5, 1 / 3)]
)
def test_crop_loss(aspect, wanted, expected):
    assert crop_loss(aspect, wanted) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("side", "gpu", "expected"), [(300, True, 256), (300, False, 64), (40, True, 32), (9, True, 32)]
)
def test_recommended_size(tmp_path, side, gpu, expected):
    intake = survey(corpus.pictures(tmp_path, 3, (side, side + 5)))
    assert recommend_size(intake, gpu=gpu) == (expected, expected)


def test_sheet_shows_the_pictures_in_rows(tmp_path):
    folder = corpus.pictures(tmp_path / "in", 120, (16, 16))
    report, pictures = check(folder, size=(16, 16))
    assert draw_sheet(tmp_path / "sheet.png", pictures, report.spec) == 100
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (182, 182)  # 10 of 16 px and 11 gaps of 2
        first = sheet.crop((2, 2, 18, 18))
        assert first.tobytes() == noise(0, (16, 16)).tobytes()
        second = sheet.crop((20, 2, 36, 18))
        assert second.tobytes() == noise(1, (16, 16)).tobytes()


def test_sheet_of_few_pictures(folder, tmp_path):
    report, pictures = check(folder, size=(16, 32))
    assert draw_sheet(tmp_path / "sheet.png", pictures, report.spec) == 4
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (70, 38)  # two columns of two, 32x16 px each


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("sheet.jpg", "expected a name that ends in .png"),
        ("in/sheet.png", "it would be one of the pictures, give a place elsewhere"),
        ("dir.png", "it is a folder, give the name of a file"),
    ],
)
def test_sheets_that_are_refused(tmp_path, name, why):
    (tmp_path / "in").mkdir()
    (tmp_path / "dir.png").mkdir()
    with pytest.raises(PathError) as caught:
        check_sheet_path(tmp_path / name, tmp_path / "in")
    assert str(caught.value) == f"--sheet {tmp_path / name}: {why}"


def test_a_sheet_that_exists_is_kept(tmp_path):
    sheet = tmp_path / "keep.png"
    sheet.write_bytes(b"x")
    with pytest.raises(PathError) as caught:
        check_sheet_path(sheet, tmp_path / "in")
    assert str(caught.value) == f"{sheet} exists: choose another name, or add --overwrite"
    check_sheet_path(sheet, tmp_path / "in", overwrite=True)


def test_missing_folder():
    with pytest.raises(PathError, match="^no folder nowhere: give a folder of pictures$"):
        check(Path("nowhere"))

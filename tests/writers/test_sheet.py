"""Contact sheets and posters: which frames they show, where, and with what under them."""

import numpy as np
import pytest
import torch
from PIL import Image
from writers_kit import FullDisk

from artgan import files
from artgan.api import OutputError
from artgan.images import RECIPE_KEY, from_bytes, to_bytes
from artgan.outputs import find_outputs, moving_suffixes
from artgan.registry import Registry
from artgan_plugins.writers.options import PosterOptions, SheetOptions
from artgan_plugins.writers.poster import open_poster
from artgan_plugins.writers.sheet import evenly, open_sheet

RECIPE = '{"schema":1,"note":"é"}'
SIZE = (40, 60)
GAP, BELOW = 6, 18  # between tiles, and under each


def grey(value, channels=3, size=SIZE):
    return from_bytes(torch.full((channels, *size), value, dtype=torch.uint8))


def sheet(path, images, *, fps=10.0, seconds=None, **options):
    size = tuple(images[0].shape[1:])
    writer = open_sheet(SheetOptions(**options), path, size=size, fps=fps, loop=0, recipe=RECIPE)
    for number, image in enumerate(images):
        writer.write(image, name=f"{number}", seconds=seconds and seconds[number])
    assert writer.close() == [path]
    with Image.open(path) as picture:
        assert picture.info[RECIPE_KEY] == RECIPE
        return np.asarray(picture)


def tile(pixels, row, column, size=SIZE):
    y, x = GAP + row * (size[0] + BELOW + GAP), GAP + column * (size[1] + GAP)
    return pixels[y : y + size[0], x : x + size[1]]


def test_tiles_stand_in_rows_with_words_under_them(tmp_path):
    pixels = sheet(tmp_path / "a.sheet.png", [grey(10 * i) for i in range(5)], columns=3)
    assert pixels.shape == (2 * (40 + BELOW + GAP) + GAP, 3 * (60 + GAP) + GAP, 3)
    for number in range(5):
        assert (tile(pixels, number // 3, number % 3) == 10 * number).all()
        y, x = GAP + number // 3 * (40 + BELOW + GAP) + 40, GAP + number % 3 * (60 + GAP)
        below = pixels[y : y + BELOW, x : x + 60]
        assert 60 < below.min() < 200 < below.mean()  # dark words on white
    assert (tile(pixels, 1, 2) == 255).all()


@pytest.mark.parametrize("total", [1, 5, 6, 23, 24, 25, 48, 49, 97, 200, 255])
def test_frames_are_evenly_chosen_however_many_there_are(tmp_path, total):
    pixels = sheet(tmp_path / "a.sheet.png", [grey(i) for i in range(total)], count=6, columns=6)
    shown = [int(tile(pixels, 0, n)[0, 0, 0]) for n in range(min(6, total))]
    expected = [part * total / min(6, total) for part in range(min(6, total))]
    step = 1  # every so manieth was kept when the last came
    while total > step * 24:
        step *= 2
    assert np.abs(np.subtract(shown, expected)).max() <= step / 2
    assert len(set(shown)) == len(shown)


def test_choice_by_hand():
    assert evenly(kept=3, step=1, total=3, count=6) == [0, 1, 2]
    assert evenly(kept=7, step=1, total=7, count=3) == [0, 2, 5]  # parts begin at 0, 7/3, 14/3
    assert evenly(kept=4, step=4, total=13, count=4) == [0, 1, 2, 2]  # 0, 3.25, 6.5, 9.75


def test_few_tiles_are_held(tmp_path):
    writer = open_sheet(
        SheetOptions(count=3), tmp_path / "a.sheet.png", size=SIZE, fps=1.0, loop=0, recipe=None
    )
    for number in range(100):
        writer.write(grey(number), name=f"{number}", seconds=None)
        assert len(writer._kept) <= 12
    writer.abort()
    assert not list(tmp_path.iterdir())


def test_tiles_are_their_own_size_at_most_256_or_as_wide_as_said(tmp_path):
    assert sheet(tmp_path / "a.png", [grey(0, size=(100, 400))]).shape[:2] == (64 + 30, 256 + 12)
    wide = sheet(tmp_path / "b.png", [grey(0, size=(100, 400))], width=80)
    assert wide.shape[:2] == (20 + 30, 80 + 12)


def test_grey_and_what_is_transparent_become_colours_on_white(tmp_path):
    assert (tile(sheet(tmp_path / "a.png", [grey(99, 1)]), 0, 0) == 99).all()
    half = grey(0, 4)
    half[3, :, :30] = 0
    half[3, :, 30:] = 1
    shown = tile(sheet(tmp_path / "b.png", [half]), 0, 0)
    assert (shown[:, :30] == 255).all()
    assert (shown[:, 30:] == 0).all()


@pytest.mark.parametrize(("frame", "shown"), [(0, 0), (2, 2), (9, 4)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_poster_is_a_whole_frame_or_the_last(tmp_path, frame, shown, channels):
    path = tmp_path / "a.poster.png"
    images = [
        torch.rand(channels, 5, 7, generator=torch.Generator().manual_seed(i)) for i in range(5)
    ]
    writer = open_poster(
        PosterOptions(frame=frame), path, size=(5, 7), fps=25.0, loop=0, recipe=RECIPE
    )
    for number, image in enumerate(images):
        writer.write(image, name=f"{number}", seconds=None)
    assert not list(tmp_path.iterdir())
    assert writer.close() == [path]
    with Image.open(path) as picture:
        assert picture.info[RECIPE_KEY] == RECIPE
        expected = to_bytes(images[shown]).permute(1, 2, 0).squeeze(2).numpy()
        assert np.array_equal(np.asarray(picture), expected)


def test_both_stand_beside_an_animation_and_are_none(tmp_path):
    components = Registry(entry_points=())
    names = [str(tmp_path / name) for name in ("a.gif", "a.sheet.png", "A.POSTER.PNG")]
    found = find_outputs(
        names, fps=25.0, overwrite=False, components=components, tables={}, count=100
    )
    assert [output.entry.record.name for output in found] == ["gif", "sheet", "poster"]
    assert not {".png", ".sheet.png", ".poster.png"} & set(moving_suffixes(components))


@pytest.mark.parametrize(
    ("opener", "options"), [(open_sheet, SheetOptions()), (open_poster, PosterOptions())]
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch, opener, options):
    def opened():
        return opener(options, tmp_path / "a.png", size=SIZE, fps=25.0, loop=0, recipe=None)

    with pytest.raises(OutputError, match="frame odd is 4x4, expected 60x40"):
        opened().write(grey(0, size=(4, 4)), name="odd", seconds=None)
    with pytest.raises(OutputError, match="there were no frames to write"):
        opened().close()
    create = files.create
    monkeypatch.setattr(files, "create", lambda path: FullDisk(create(path), 50))
    writer = opened()
    writer.write(grey(0), name="0", seconds=None)
    with pytest.raises(OutputError, match=r"cannot write .*a\.png: no space is left"):
        writer.close()
    assert not list(tmp_path.iterdir())

"""The colours of frames: nearest ones, ordered dither by hand, rare colours, colours that last."""

import numpy as np
import pytest

from artgan_plugins.writers.palette import PROBES, Indexer, nearest

BLACK_WHITE = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)


def plain(*color, size=(16, 16)):
    return np.broadcast_to(np.array(color, np.uint8), (*size, 3)).copy()


def gradient(size=64, tint=(1.0, 1.0, 1.0)):
    y, x = np.mgrid[0:size, 0:size] * (255 / (size - 1))
    picture = np.stack([x, y, (x + y) / 2], 2) * np.array(tint)
    return np.round(picture).astype(np.uint8)


def shown(indexed):
    return indexed.palette[indexed.indices]


def test_nearest_is_exact_and_the_first_of_equal_ones():
    draw = np.random.default_rng(1)
    pixels, palette = draw.integers(0, 256, (20, 30, 3)), draw.integers(0, 256, (256, 3))
    palette[200] = palette[7]
    distances = ((pixels[:, :, None] - palette) ** 2).sum(3)
    found = nearest(pixels.astype(np.float32), palette.astype(np.uint8))
    assert np.array_equal(found, distances.argmin(2))
    one_off = np.array([[[1, 0, 0], [0, 1, 0], [254, 255, 255]]], np.float32)
    assert nearest(one_off, BLACK_WHITE).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(("grey", "white"), [(0, 0), (64, 16), (128, 32), (191, 48), (255, 64)])
def test_ordered_dither_has_as_many_white_pixels_as_it_is_bright(grey, white):
    indexer = Indexer(quality="best", colors=256, dither="ordered", lock=BLACK_WHITE)
    indices = indexer.index(plain(grey, grey, grey)).indices
    tiles = indices.reshape(2, 8, 2, 8).sum((1, 3))
    assert (tiles == white).all()


def test_ordered_dither_stands_still_where_other_things_move():
    indexer = Indexer(quality="best", colors=256, dither="ordered", lock=BLACK_WHITE)
    whole = indexer.index(gradient()).indices
    moved = gradient()
    moved[:8, :8] = 255
    assert np.array_equal(indexer.index(moved).indices[8:], whole[8:])
    part = indexer.index(gradient()[13:40, 5:30], at=(13, 5)).indices
    assert np.array_equal(part, whole[13:40, 5:30])


@pytest.mark.parametrize("quality", ["best", "smooth", "small"])
def test_small_things_keep_their_colors(quality):
    picture = gradient(tint=(0.2, 0.4, 1.0))
    picture[30:33, 30:33] = (255, 30, 0)
    indexed = Indexer(quality=quality, colors=256).index(picture)
    spot = shown(indexed)[31, 31].astype(int)
    assert np.abs(spot - (255, 30, 0)).max() <= 4


def test_smooth_finds_nearer_colors_than_six_bits_tell_apart():
    picture = gradient(size=128, tint=(0.05, 0.05, 0.05))  # 13 levels a channel
    error = np.abs(
        shown(Indexer(quality="smooth", colors=256).index(picture)) - picture.astype(int)
    )
    assert error.max() <= 1


def test_small_has_the_colors_of_all_it_was_prepared_with():
    indexer = Indexer(quality="small", colors=9)
    assert indexer.probes == PROBES
    pictures = [plain(30 * i, 0, 0) for i in range(8)]
    indexer.prepare(pictures)
    for picture in pictures:
        indexed = indexer.index(picture)
        assert np.array_equal(shown(indexed), picture)
        assert len(indexed.palette) == 8


@pytest.mark.parametrize(("quality", "lock"), [("best", None), ("small", BLACK_WHITE)])
def test_others_want_no_probes_and_take_none(quality, lock):
    indexer = Indexer(quality=quality, colors=256, lock=lock)
    assert indexer.probes == 0
    indexer.prepare([plain(9, 9, 9)])
    assert len(indexer.index(plain(1, 2, 3)).palette) == (1 if lock is None else 2)


def test_without_preparation_small_keeps_colors_while_they_serve():
    indexer = Indexer(quality="small", colors=256)
    first = indexer.index(gradient()).palette
    assert indexer.index(np.roll(gradient(), 3, 1)).palette is first
    other = indexer.index(gradient(tint=(0.2, 1, 1))).palette
    assert other is not first
    assert indexer.index(np.roll(gradient(tint=(0.2, 1, 1)), 2, 0)).palette is other


def test_without_preparation_small_still_has_all_of_few_colors():
    indexer = Indexer(quality="small", colors=256)
    first = indexer.index(plain(10, 20, 30)).palette
    spotted = plain(10, 20, 30)
    spotted[3, 4] = 12, 20, 30
    assert np.array_equal(shown(indexer.index(spotted)), spotted)
    assert len(indexer.index(plain(10, 20, 30)).palette) == len(first) + 1


def test_small_lets_stay_what_is_hardly_worse():
    indexer = Indexer(quality="small", colors=256)
    before = shown(indexer.index(gradient()))
    after = gradient()
    after[:, :32] //= 4
    kept = indexer.index(after, shown=before).kept
    assert kept[:, 32:].all()
    assert kept[10:, :32].mean() < 0.3


def test_of_256_locked_colors_the_last_gives_way_to_nothing_only_where_needed():
    lock = np.stack([np.arange(256)] * 3, 1).astype(np.uint8)
    indexer = Indexer(quality="smooth", colors=256, lock=lock)
    white = plain(255, 255, 255)
    still = np.ones((16, 16), bool)
    assert shown(indexer.index(white, still=still)).min() == 255
    hidden = np.zeros((16, 16), bool)
    hidden[0] = True
    indexed = indexer.index(white, hidden=hidden)
    assert indexed.transparent == 255
    assert (indexed.indices[0] == 255).all()
    assert (indexed.indices[1:] == 254).all()

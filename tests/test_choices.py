import numpy as np
import pytest
import torch

from artgan.choices import GAP, LABEL, TEXT, labelled, table_of


def test_pictures_stand_in_rows_under_their_words():
    colours = [[(1.0, 0.0, 0.0), (0.0, 1.0, 0.0)], [(0.0, 0.0, 1.0), (0.0, 0.0, 0.0)]]
    rows = [[torch.tensor(c).view(3, 1, 1).expand(3, 20, 30) for c in row] for row in colours]
    sheet = table_of(rows, ["one", "two"], ["above", "below"])
    pixels = np.asarray(sheet)
    height, width = pixels.shape[:2]
    assert height == TEXT + 2 * GAP + 2 * (20 + GAP)
    left = width - 2 * (30 + GAP)
    for index, row in enumerate(colours):
        for number, colour in enumerate(row):
            y, x = TEXT + 2 * GAP + index * (20 + GAP), left + number * (30 + GAP)
            assert (pixels[y : y + 20, x : x + 30] == [round(255 * c) for c in colour]).all()
    assert (pixels[: TEXT + 2 * GAP] < 128).any()  # words
    assert (pixels[:, :left] < 128).any()


def test_what_is_transparent_is_white():
    clear = torch.zeros(4, 6, 6)
    assert (
        np.asarray(table_of([[clear]], ["a"], ["b"]))[-GAP - 6 : -GAP, -GAP - 6 : -GAP] == 255
    ).all()


# A label ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_label_is_below_and_the_picture_as_it_was(channels):
    image = torch.rand(channels, 20, 32)
    whole = labelled(image, "17")
    assert whole.shape == (channels, 20 + LABEL, 32)
    assert torch.equal(whole[:, :20], image)
    strip = whole[:, 20:]
    colours = strip[: 3 if channels == 4 else channels]
    assert (colours.min(), colours.max()) == (pytest.approx(40 / 255), 1.0)
    assert torch.equal(colours, colours[:1].expand_as(colours))  # grey
    if channels == 4:
        assert (strip[3] == 1).all()


def inked(text, width):
    """Return the columns of a label that have ink."""
    strip = labelled(torch.zeros(1, 1, width), text)[0, 1:]
    return (strip < 0.8).any(0).nonzero().flatten()


@pytest.mark.parametrize(("text", "width"), [("7", 16), ("99", 16), ("100", 32), ("12345", 32)])
def test_labels_are_in_the_middle_and_whole(text, width):
    columns = inked(text, width)
    first, last = int(columns[0]), int(columns[-1])
    assert abs((first + last + 1) / 2 - width / 2) <= 1.5
    assert first > 0 or last < width - 1
    assert len(columns) > 2 * len(text)


def test_labels_are_as_large_as_there_is_room_and_nothing_fails_without_any():
    heights = {}
    for text, width in (
        ("100", 64),
        ("100", 32),
        ("100", 16),
        ("9" * 18, 16),
        ("9" * 18, 1),
        ("", 8),
    ):
        strip = labelled(torch.ones(3, 4, width), text)[0, 4:]
        assert strip.shape == (LABEL, width)
        heights[text, width] = int((strip < 0.8).any(1).sum())
    assert heights["100", 64] == heights["100", 32] > heights["100", 16] > 3
    assert heights["", 8] == 0

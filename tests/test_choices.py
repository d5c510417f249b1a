import numpy as np
import torch

from artgan.choices import GAP, TEXT, table_of


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

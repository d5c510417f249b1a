import numpy as np
import pytest
from PIL import Image

from artgan.data.intake import survey
from artgan.data.variety import LOOKED_AT, look
from artgan.pictures import PictureSpec

SPEC = PictureSpec(size=(32, 32), channels=3)


def flat(folder, levels):
    folder.mkdir()
    for i, level in enumerate(levels):
        Image.new("RGB", (20, 20), (level,) * 3).save(folder / f"{i:04d}.png")
    return survey(folder)


def test_two_levels_by_hand(tmp_path):
    found = look(flat(tmp_path / "p", [0, 51]), SPEC)
    assert found.distance == pytest.approx(0.2)
    assert found.count == 2


def test_pictures_that_are_all_the_same_have_none(tmp_path):
    assert look(flat(tmp_path / "p", [90] * 5), SPEC).distance == pytest.approx(0.0, abs=1e-6)


def test_only_some_of_many_are_looked_at(tmp_path):
    levels = np.arange(LOOKED_AT + 9) % 250
    assert look(flat(tmp_path / "p", levels.tolist()), SPEC).count == LOOKED_AT


def test_one_readable_picture_says_nothing(tmp_path):
    assert look(flat(tmp_path / "p", [90]), SPEC) is None

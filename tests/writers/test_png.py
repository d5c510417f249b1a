"""The PNG writer: one file or a folder of them, with recipes, and no leftovers."""

import errno

import numpy as np
import pytest
import torch
from PIL import Image

from artgan import files
from artgan.api import ConfigError, OutputError
from artgan.images import RECIPE_KEY, from_bytes
from artgan_plugins.writers.png import open_folder, open_png


def picture(value, channels=3):
    return from_bytes(torch.full((channels, 4, 5), value, dtype=torch.uint8))


def opened(path, recipe=None):
    how = open_png if path.suffix == ".png" else open_folder
    return how(None, path, size=(4, 5), fps=25, loop=0, recipe=recipe)


def names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_one_frame_becomes_the_file(tmp_path, channels, mode):
    writer = opened(tmp_path / "a.png", '{"x":1}')
    writer.write(picture(7, channels), name="frame", seconds=None)
    assert names(tmp_path) == []
    assert writer.close() == [tmp_path / "a.png"]
    with Image.open(tmp_path / "a.png") as image:
        assert (image.mode, image.size, image.text[RECIPE_KEY]) == (mode, (5, 4), '{"x":1}')
        assert (np.asarray(image) == 7).all()


def test_a_second_frame_is_refused_with_advice(tmp_path):
    writer = opened(tmp_path / "a.png")
    writer.write(picture(1), name="0", seconds=None)
    with pytest.raises(ConfigError) as caught:
        writer.write(picture(2), name="1", seconds=None)
    folder = tmp_path / "a"
    assert str(caught.value).endswith(f"several frames: give a folder, such as {folder}/")


def test_a_folder_gets_a_file_a_frame(tmp_path):
    writer = opened(tmp_path / "out", "{}")
    for number in range(3):
        writer.write(picture(number), name=f"frame{number:06d}", seconds=None)
    written = writer.close()
    assert [p.name for p in written] == ["frame000000.png", "frame000001.png", "frame000002.png"]
    assert names(tmp_path / "out") == [p.name for p in written]
    with Image.open(written[2]) as image:
        assert image.getpixel((0, 0)) == (2, 2, 2)
        assert image.text[RECIPE_KEY] == "{}"


def test_abort_leaves_a_folder_as_it_was(tmp_path):
    writer = opened(tmp_path / "new")
    writer.write(picture(1), name="a", seconds=None)
    writer.abort()
    assert names(tmp_path) == []
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "mine.txt").write_text("mine")
    writer = opened(tmp_path / "old")
    writer.write(picture(1), name="a", seconds=None)
    writer.abort()
    assert names(tmp_path) == ["old", "old/mine.txt"]


def test_a_single_picture_is_one_whatever_is_there(tmp_path):
    """What the opener does depends on the record that was chosen, not on what is on the disk."""
    (tmp_path / "a.png").mkdir()
    writer = opened(tmp_path / "a.png")
    writer.write(picture(1), name="0", seconds=None)
    with pytest.raises(OutputError, match="a folder is in the way"):
        writer.close()


@pytest.mark.parametrize("name", ["a.png", "out"])
def test_frames_of_another_size_are_refused(tmp_path, name):
    writer = opened(tmp_path / name)
    with pytest.raises(OutputError, match=r"frame odd is 4x5, expected 5x4"):
        writer.write(picture(1).transpose(1, 2), name="odd", seconds=None)
    writer.abort()
    assert names(tmp_path) == []


def test_no_frames_and_names_twice_are_refused(tmp_path):
    for path in (tmp_path / "a.png", tmp_path / "out"):
        with pytest.raises(OutputError, match="there were no frames to write"):
            opened(path).close()
    writer = opened(tmp_path / "out")
    writer.write(picture(1), name="a", seconds=None)
    with pytest.raises(OutputError, match="two frames are called a"):
        writer.write(picture(2), name="a", seconds=None)
    assert names(tmp_path) == []


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "create", full)
    writer = opened(tmp_path / "out")
    with pytest.raises(OutputError, match="no space is left on the disk"):
        writer.write(picture(1), name="a", seconds=None)
    assert names(tmp_path) == []

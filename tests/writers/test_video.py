"""The video writer, read back by PyAV: sizes, colours, times, the recipe, and no leftovers."""

import sys

import numpy as np
import pytest
import torch
from writers_kit import FullDisk

from artgan import files
from artgan.animations import read_frames
from artgan.api import ConfigError, OutputError
from artgan.images import to_bytes
from artgan_plugins.writers.options import VideoOptions
from artgan_plugins.writers.video import open_video, to_planes

av = pytest.importorskip("av")

SUFFIXES = [".mp4", ".webm"]


def write(path, images, *, fps=25.0, recipe=None, seconds=None, **options):
    size = tuple(images[0].shape[1:])
    writer = open_video(VideoOptions(**options), path, size=size, fps=fps, loop=0, recipe=recipe)
    for number, image in enumerate(images):
        own = seconds[number] if seconds else None
        writer.write(image, name=f"frame{number:06d}", seconds=own)
    return writer.close()


def read(path):
    """Return the frames (H, W, 3), when each is shown, how long it all is, and the metadata."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        found = list(file.decode(stream))
        assert {frame.colorspace for frame in found} == {1}  # BT.709, as is said in the file
        frames = [(frame.to_ndarray(format="rgb24"), frame.time) for frame in found]
        length = file.duration / 1e6
        return [p for p, _ in frames], [t for _, t in frames], length, dict(file.metadata)


def patches(size=(32, 48)):
    """Return a picture of six colours, each a square: what 4:2:0 keeps."""
    colours = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0.5, 0.5, 0.5], [1, 1, 1]])
    image = colours.T.view(3, 2, 3).repeat_interleave(16, 1).repeat_interleave(16, 2)
    return image[:, : size[0], : size[1]]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_colours_come_back(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    assert write(path, [patches()] * 3, crf=4) == [path]
    expected = to_bytes(patches()).permute(1, 2, 0).numpy().astype(int)
    ours = [to_bytes(f.image).permute(1, 2, 0).numpy().astype(int) for f in read_frames(path)]
    assert len(ours) == 3
    for frame in [*read(path)[0], *ours]:
        away = np.abs(frame - expected)
        for y in (0, 16):
            for x in (0, 16, 32):
                assert away[y + 5 : y + 11, x + 5 : x + 11].max() <= 3


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("size", [(9, 13), (1, 1), (10, 7)])
def test_odd_sides_become_even(tmp_path, suffix, size):
    path = tmp_path / f"a{suffix}"
    write(path, [torch.full((3, *size), 0.5)] * 2)
    frames = read(path)[0]
    assert [frame.shape[:2] for frame in frames] == [tuple(s + s % 2 for s in size)] * 2


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("fps", [10, 24, 30000 / 1001, 60])
def test_times_are_those_of_the_rate(tmp_path, suffix, fps):
    path = tmp_path / f"a{suffix}"
    write(path, [torch.full((1, 16, 16), i / 7) for i in range(7)], fps=fps)
    _, times, length, _ = read(path)
    assert times == pytest.approx([i / fps for i in range(7)], abs=0.0006)
    assert length == pytest.approx(7 / fps, abs=0.0015)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_own_times_are_kept(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    images = [torch.full((3, 16, 16), i / 4) for i in range(4)]
    write(path, images, seconds=[0.04, 0.5, 0.001, 0.25])
    _, times, length, _ = read(path)
    assert times == pytest.approx([0, 0.04, 0.54, 0.541], abs=0.0006)
    assert length == pytest.approx(0.791, abs=0.0015)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_frames_make_the_same_bytes_with_the_recipe_in_them(tmp_path, suffix):
    recipe = '{"schema":1,"note":"é"}'
    for name in "ab":
        write(tmp_path / f"{name}{suffix}", [patches()] * 2, recipe=recipe)
    first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert first == second
    tags = {key.lower(): value for key, value in read(tmp_path / f"a{suffix}")[3].items()}
    assert tags["comment"] == recipe


def test_what_is_transparent_lies_on_white(tmp_path):
    write(tmp_path / "a.mp4", [torch.zeros(4, 16, 16)])
    assert read(tmp_path / "a.mp4")[0][0].min() >= 252


def test_planes_by_hand():
    white, red = np.full((2, 2, 3), 255, np.uint8), np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 255
    assert to_planes(white).tolist() == [[235, 235], [235, 235], [128, 128]]
    # 16 + 219 * .2126; 128 - 224 * .2126 / 1.8556; 128 + 224 / 2
    assert to_planes(red).tolist() == [[63, 63], [63, 63], [102, 240]]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_giving_up_leaves_nothing(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    size = (16, 16)
    writer = open_video(VideoOptions(), path, size=size, fps=25.0, loop=0, recipe=None)
    writer.write(torch.zeros(3, *size), name="0", seconds=None)
    writer.abort()
    with pytest.raises(OutputError, match="expected 16x16"):
        write(path, [torch.zeros(3, 16, 16), torch.zeros(3, 8, 16)])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    create = files.create
    monkeypatch.setattr(files, "create", lambda path: FullDisk(create(path), 0))
    with pytest.raises(OutputError, match=r"cannot write .*a\.mp4: no space is left"):
        write(tmp_path / "a.mp4", [torch.rand(3, 64, 64) for _ in range(3)])
    assert not list(tmp_path.iterdir())


def test_without_pyav_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigError) as caught:
        write(tmp_path / "a.mp4", [torch.zeros(3, 16, 16)])
    assert str(caught.value) == (
        f"{tmp_path / 'a.mp4'} is a video: to write it, pip install 'artgan[video]'"
    )
    assert not list(tmp_path.iterdir())

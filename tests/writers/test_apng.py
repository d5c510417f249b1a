"""The APNG writer, read back by Pillow: exact frames, times and recipes, and no leftovers."""

import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image
from writers_kit import FullDisk, let_go, read

from artgan import files
from artgan.api import OutputError
from artgan.images import RECIPE_KEY, to_bytes
from artgan.picturefiles import read_recipe
from artgan_plugins.writers.apng import open_apng
from artgan_plugins.writers.options import ApngOptions


def write(path, images, *, fps=25.0, loop=0, recipe=None, seconds=None, **options):
    size = tuple(images[0].shape[1:])
    writer = open_apng(ApngOptions(**options), path, size=size, fps=fps, loop=loop, recipe=recipe)
    for number, image in enumerate(images):
        own = seconds[number] if seconds else None
        writer.write(image, name=f"frame{number:06d}", seconds=own)
    return writer.close()


def noisy(count, channels=3, size=(9, 13)):
    random = torch.Generator().manual_seed(1)
    return [torch.rand(channels, *size, generator=random) for _ in range(count)]


def chunks(path):
    """Return the tag and content of each chunk, once all its checksums hold."""
    data, at, found = path.read_bytes(), 8, []
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(data):
        length, tag = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(tag + content)
        found.append((tag, content))
        at += 12 + length
    return found


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_every_frame_comes_back_exactly(tmp_path, channels, mode):
    images = noisy(4, channels)
    assert write(tmp_path / "a.apng", images) == [tmp_path / "a.apng"]
    with Image.open(tmp_path / "a.apng") as picture:
        assert (picture.mode, picture.n_frames) == (mode, 4)
        for number, image in enumerate(images):
            picture.seek(number)
            expected = to_bytes(image).permute(1, 2, 0).squeeze(2).numpy()
            assert np.array_equal(np.asarray(picture), expected)


def test_the_chunks_are_those_of_the_specification(tmp_path):
    large = noisy(1, size=(200, 300))[0]  # Pillow parts its data into several chunks
    write(tmp_path / "a.apng", [large, 1 - large], loop=3, recipe="{}")
    found = chunks(tmp_path / "a.apng")
    tags = [tag for tag, _ in found]
    assert tags[:4] == [b"IHDR", b"acTL", b"iTXt", b"fcTL"]
    assert tags[-1] == b"IEND"
    assert (tags.count(b"IHDR"), tags.count(b"fcTL")) == (1, 2)
    assert tags.count(b"IDAT") > 1 < tags.count(b"fdAT")
    assert struct.unpack(">2I", found[1][1]) == (2, 3)
    numbers = [struct.unpack(">I", data[:4])[0] for tag, data in found if tag in (b"fcTL", b"fdAT")]
    assert numbers == list(range(len(numbers)))


def test_what_stays_is_not_written_again(tmp_path):
    first = noisy(1, size=(64, 64))[0]
    second = first.clone()
    second[:, 21:23, 33:36] = 0
    write(tmp_path / "a.apng", [first, second, second])
    boxes = [
        struct.unpack(">5I", c[:20])[1:] for tag, c in chunks(tmp_path / "a.apng") if tag == b"fcTL"
    ]
    assert boxes == [(64, 64, 0, 0), (4, 3, 32, 20), (1, 1, 0, 0)]
    frames = read(tmp_path / "a.apng")[0]
    assert len(frames) == 3
    for frame in frames[1:]:
        assert np.array_equal(frame[..., :3], to_bytes(second).permute(1, 2, 0).numpy())


@pytest.mark.parametrize(
    ("fps", "delay"),
    [(25, (1, 25)), (29.97, (100, 2997)), (30000 / 1001, (1001, 30000)), (0.4, (5, 2))],
)
def test_rates_are_exact(tmp_path, fps, delay):
    write(tmp_path / "a.apng", noisy(2), fps=fps)
    found = [
        struct.unpack(">2H", c[20:24]) for tag, c in chunks(tmp_path / "a.apng") if tag == b"fcTL"
    ]
    assert found == [delay, delay]


def test_own_times_are_exact_but_long_enough_and_loops_are_kept(tmp_path):
    own = [0.04, 1.5, 0.001, 1e6, 1234.5678]
    write(tmp_path / "a.apng", noisy(5), seconds=own, loop=3)
    found = [
        struct.unpack(">2H", c[20:24]) for tag, c in chunks(tmp_path / "a.apng") if tag == b"fcTL"
    ]
    assert found[:4] == [(1, 25), (3, 2), (11, 1000), (65535, 1)]
    assert abs(Fraction(*found[4]) - Fraction(own[4])) < Fraction(1, 50)
    assert read(tmp_path / "a.apng")[2]["loop"] == 3


def test_the_recipe_is_where_pictures_have_it(tmp_path):
    recipe = '{"schema":1,"style":"été 漢字"}'
    write(tmp_path / "a.apng", noisy(2), recipe=recipe)
    assert read_recipe(tmp_path / "a.apng") == recipe
    with Image.open(tmp_path / "a.apng") as picture:  # in front, so that no pixels are decoded
        assert picture.info[RECIPE_KEY] == recipe


def test_the_same_frames_make_the_same_bytes_and_more_work_makes_fewer(tmp_path):
    images = [torch.full((3, 64, 64), i / 3) * torch.linspace(0, 1, 64) for i in range(3)]
    for name, level in (("a", 6), ("b", 6), ("c", 0)):
        write(tmp_path / f"{name}.apng", images, recipe="{}", compress_level=level)
    first, again, plain = ((tmp_path / f"{name}.apng").read_bytes() for name in "abc")
    assert first == again
    assert len(first) < len(plain) / 4


def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match="has 3 channels, expected 4"):
        write(tmp_path / "a.apng", [*noisy(1, 4), *noisy(1, 3)])
    with pytest.raises(OutputError, match="frame frame000001 is 9x13, expected 13x9"):
        write(tmp_path / "a.apng", [*noisy(1), *noisy(1, size=(13, 9))])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("room", [0, 600])
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, room):
    create = files.create
    monkeypatch.setattr(files, "create", lambda path: FullDisk(create(path), room))
    with pytest.raises(OutputError, match=r"cannot write .*a\.apng: no space is left"):
        write(tmp_path / "a.apng", noisy(4))
    assert not list(tmp_path.iterdir())


def test_only_one_frame_is_held_and_nothing_is_left_when_given_up(tmp_path):
    writer = open_apng(
        ApngOptions(), tmp_path / "a.apng", size=(9, 13), fps=25.0, loop=0, recipe=None
    )
    assert let_go(writer) == [True, True]
    writer.abort()
    assert not list(tmp_path.iterdir())

"""The WebP writer, read back by Pillow: frames, delays, loop, recipe, alpha, and no leftovers."""

import numpy as np
import pytest
import torch
from writers_kit import FullDisk, let_go, read

from artgan import files
from artgan.api import OutputError
from artgan.images import to_bytes
from artgan.picturefiles import read_recipe
from artgan_plugins.writers.options import WebpOptions
from artgan_plugins.writers.webp import changed_box, open_webp


def write(path, images, *, fps=25.0, loop=0, recipe=None, seconds=None, **options):
    size = tuple(images[0].shape[1:])
    writer = open_webp(WebpOptions(**options), path, size=size, fps=fps, loop=loop, recipe=recipe)
    for number, image in enumerate(images):
        own = seconds[number] if seconds else None
        writer.write(image, name=f"frame{number:06d}", seconds=own)
    return writer.close()


def noisy(count, channels=3, size=(9, 13)):
    random = torch.Generator().manual_seed(1)
    return [torch.rand(channels, *size, generator=random) for _ in range(count)]


def bytes_of(image):
    return to_bytes(image).permute(1, 2, 0).numpy()


def test_frames_come_back_exactly_if_lossless(tmp_path):
    images = noisy(4)
    assert write(tmp_path / "a.webp", images, lossless=True) == [tmp_path / "a.webp"]
    frames, _, _ = read(tmp_path / "a.webp")
    assert len(frames) == 4
    for frame, image in zip(frames, images, strict=True):
        assert np.array_equal(frame[..., :3], bytes_of(image))


def test_frames_come_back_nearly_otherwise(tmp_path):
    ramp = torch.linspace(0, 1, 32).expand(3, 24, 32)
    write(tmp_path / "a.webp", [ramp, ramp.flip(2)])
    for frame, image in zip(read(tmp_path / "a.webp")[0], (ramp, ramp.flip(2)), strict=True):
        assert np.abs(frame[..., :3].astype(int) - bytes_of(image)).max() <= 8


def test_alpha_comes_back_exactly_and_frames_do_not_pile_up(tmp_path):
    images = noisy(3, 4)
    write(tmp_path / "a.webp", images, lossless=True)
    for frame, image in zip(read(tmp_path / "a.webp")[0], images, strict=True):
        assert np.array_equal(frame, bytes_of(image))


def test_what_stays_is_not_written_again(tmp_path):
    first = noisy(1, size=(64, 64))[0]
    second = first.clone()
    second[:, 21:23, 33:36] = 0
    write(tmp_path / "a.webp", [first, second], lossless=True)
    write(tmp_path / "b.webp", [first], lossless=True)
    sizes = [(tmp_path / name).stat().st_size for name in ("a.webp", "b.webp")]
    assert sizes[0] - sizes[1] < 150
    assert np.array_equal(read(tmp_path / "a.webp")[0][1][..., :3], bytes_of(second))


def test_boxes_by_hand():
    before = np.zeros((6, 8, 3), np.uint8)
    after = before.copy()
    assert changed_box(None, after) == (0, 0, 8, 6)
    assert changed_box(before, after) == (0, 0, 1, 1)
    after[3, 5, 1] = 1
    assert changed_box(before, after) == (4, 2, 6, 4)
    assert changed_box(before[..., 0], after[..., 1]) == (4, 2, 6, 4)
    assert changed_box(before, after, margin=2) == (2, 0, 8, 6)


def test_what_moves_leaves_no_trail(tmp_path):
    images = []
    for left in range(0, 48, 3):  # a blue square on yellow, whose edges run in 4:2:0
        image = torch.tensor([1.0, 1, 0])[:, None, None].repeat(1, 32, 64)
        image[:, 9:20, left : left + 11] = torch.tensor([0.0, 0, 1])[:, None, None]
        images.append(image)
    write(tmp_path / "a.webp", images)
    last = read(tmp_path / "a.webp")[0][-1][..., :3].astype(int)
    assert np.abs(last - bytes_of(images[-1]))[:, :40].max() <= 12


@pytest.mark.parametrize("fps", [10, 24, 30, 60, 29.97])
def test_delays_average_to_the_rate(tmp_path, fps):
    write(tmp_path / "a.webp", [torch.full((1, 2, 2), i / 40) for i in range(40)], fps=fps)
    delays = read(tmp_path / "a.webp")[1]
    assert abs(sum(delays) - 40_000 / fps) <= 0.5
    assert max(delays) - min(delays) <= 1


def test_own_times_and_loops(tmp_path):
    write(tmp_path / "a.webp", noisy(3), seconds=[0.04, 0.25, 1.5], loop=3)
    _, delays, info = read(tmp_path / "a.webp")
    assert (delays, info["loop"]) == ([40, 250, 1500], 3)


def test_too_short_times_are_made_long_enough(tmp_path):
    write(tmp_path / "a.webp", noisy(2), seconds=[0.001, 0.1])
    assert read(tmp_path / "a.webp")[1][0] == 11


def test_the_recipe_is_where_pictures_have_it(tmp_path):
    recipe = '{"schema":1,"style":"été 漢字"}'
    write(tmp_path / "a.webp", noisy(2), recipe=recipe)
    assert read_recipe(tmp_path / "a.webp") == recipe
    write(tmp_path / "b.webp", noisy(2))
    assert read_recipe(tmp_path / "b.webp") is None


def test_the_same_frames_make_the_same_bytes(tmp_path):
    for name in "ab":
        write(tmp_path / f"{name}.webp", noisy(3), recipe="{}")
    assert (tmp_path / "a.webp").read_bytes() == (tmp_path / "b.webp").read_bytes()


def test_sides_of_one_pixel_work(tmp_path):
    write(tmp_path / "a.webp", noisy(2, size=(1, 1)))
    assert len(read(tmp_path / "a.webp")[0]) == 2


def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match="a WebP has at most 16383 px a side"):
        open_webp(
            WebpOptions(), tmp_path / "a.webp", size=(2, 20_000), fps=25.0, loop=0, recipe=None
        )
    with pytest.raises(OutputError, match="has 3 channels, expected 4"):
        write(tmp_path / "a.webp", [*noisy(1, 4), *noisy(1, 3)])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    create = files.create
    monkeypatch.setattr(files, "create", lambda path: FullDisk(create(path), 0))
    with pytest.raises(OutputError, match=r"cannot write .*a\.webp: no space is left"):
        write(tmp_path / "a.webp", noisy(2))
    assert not list(tmp_path.iterdir())


def test_only_one_frame_is_held(tmp_path):
    writer = open_webp(
        WebpOptions(), tmp_path / "a.webp", size=(9, 13), fps=25.0, loop=0, recipe=None
    )
    assert let_go(writer) == [True, True]
    writer.abort()
    assert not list(tmp_path.iterdir())

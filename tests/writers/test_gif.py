"""The GIF writer, read back by Pillow: frames, delays, loop, recipe, alpha, and no leftovers."""

import gc
import json
import weakref

import numpy as np
import pytest
import torch
from writers_kit import FullDisk, read

from artgan import files
from artgan.api import OutputError
from artgan.images import from_bytes, to_bytes
from artgan_plugins.writers.gif import Clock, open_gif
from artgan_plugins.writers.options import GifOptions


def write(path, images, *, fps=25.0, loop=0, recipe=None, seconds=None, **options):
    size = tuple(images[0].shape[1:])
    writer = open_gif(GifOptions(**options), path, size=size, fps=fps, loop=loop, recipe=recipe)
    for number, image in enumerate(images):
        writer.write(image, name=f"frame{number:06d}", seconds=seconds)
    return writer.close()


def plain(*color, size=(6, 9)):
    return from_bytes(torch.tensor(color, dtype=torch.uint8))[:, None, None].expand(-1, *size)


def gradient(size=64):
    ramp = torch.linspace(0, 1, size)
    return torch.stack(
        [ramp.expand(size, -1), ramp[:, None].expand(-1, size), ramp.flip(0).expand(size, -1)]
    )


def test_frames_come_back_exactly_where_colors_are_few(tmp_path):
    generator = torch.Generator().manual_seed(1)
    images = [torch.rand(3, 10, 14, generator=generator) for _ in range(5)]  # 140 colours each
    assert write(tmp_path / "a.gif", images) == [tmp_path / "a.gif"]
    frames, _, _ = read(tmp_path / "a.gif")
    for frame, image in zip(frames, images, strict=True):
        assert np.array_equal(frame[..., :3], to_bytes(image).permute(1, 2, 0).numpy())


@pytest.mark.parametrize("fps", [10, 12, 24, 25, 30, 50, 12.5, 29.97])
def test_delays_average_to_the_exact_rate(fps):
    clock = Clock(fps)
    delays = [clock.tick() for _ in range(600)]
    assert abs(sum(delays) - 600 * 100 / fps) <= 0.5
    assert max(delays) - min(delays) <= 1
    assert min(delays) >= 2


def test_delays_at_24_fps_by_hand(tmp_path):
    # due: 4.17 8.33 12.5 16.67 20.83 25 -> 4 8 12 17 21 25
    write(tmp_path / "a.gif", [plain(i, 0, 0) for i in range(6)], fps=24)
    assert read(tmp_path / "a.gif")[1] == [40, 40, 40, 50, 40, 40]


def test_delay_bytes_are_little_endian_centiseconds(tmp_path):
    write(tmp_path / "a.gif", [plain(9, 9, 9)], seconds=3.0)
    assert b"\x21\xf9\x04\x04" + (300).to_bytes(2, "little") in (tmp_path / "a.gif").read_bytes()


def test_too_short_delays_are_lengthened_and_made_up_for():
    clock = Clock(25)
    assert [clock.tick(0.001), clock.tick(), clock.tick()] == [2, 2, 4]


@pytest.mark.parametrize(("loop", "read_back"), [(0, 0), (1, None), (3, 2)])
def test_loop(tmp_path, loop, read_back):
    write(tmp_path / "a.gif", [plain(0, 0, 0), plain(9, 9, 9)], loop=loop)
    assert read(tmp_path / "a.gif")[2].get("loop") == read_back


@pytest.mark.parametrize("length", [1, 254, 255, 256, 510, 3000])
def test_recipe_survives_the_blocks_of_255_bytes(tmp_path, length):
    recipe = json.dumps({"text": "x" * length})
    write(tmp_path / "a.gif", [plain(0, 0, 0), plain(9, 9, 9)], recipe=recipe)
    frames, _, info = read(tmp_path / "a.gif")
    assert info["comment"].decode() == recipe
    assert len(frames) == 2


def test_no_recipe_no_comment(tmp_path):
    write(tmp_path / "a.gif", [plain(0, 0, 0)])
    assert "comment" not in read(tmp_path / "a.gif")[2]


def test_one_frame_is_a_gif(tmp_path):
    write(tmp_path / "a.gif", [plain(1, 2, 3)])
    frames, _, _ = read(tmp_path / "a.gif")
    assert len(frames) == 1
    assert tuple(frames[0][0, 0]) == (1, 2, 3, 255)


def test_equal_frames_are_all_kept(tmp_path):
    write(tmp_path / "a.gif", [plain(1, 2, 3)] * 5)
    assert len(read(tmp_path / "a.gif")[0]) == 5


def test_grey_is_exact(tmp_path):
    ramp = from_bytes(torch.arange(256, dtype=torch.uint8)).view(1, 16, 16)
    write(tmp_path / "a.gif", [ramp])
    assert np.array_equal(read(tmp_path / "a.gif")[0][0][..., 0], np.arange(256).reshape(16, 16))


def test_alpha_is_all_or_nothing_and_frames_do_not_pile_up(tmp_path):
    left, right = torch.zeros(4, 4, 6), torch.zeros(4, 4, 6)
    left[0], right[2] = 1, 1
    left[3, :, :3], right[3, :, 3:] = 128 / 255, 128 / 255
    right[3, :, :3] = 127 / 255
    write(tmp_path / "a.gif", [left, right])
    frames, _, _ = read(tmp_path / "a.gif")
    assert np.array_equal(frames[0][..., 3] > 0, np.arange(6)[None].repeat(4, 0) < 3)
    assert np.array_equal(frames[1][..., 3] > 0, np.arange(6)[None].repeat(4, 0) >= 3)
    assert tuple(frames[0][0, 0]) == (255, 0, 0, 255)
    assert tuple(frames[1][0, 5]) == (0, 0, 255, 255)


def test_alpha_with_many_colors_keeps_one_index_for_nothing(tmp_path):
    image = torch.cat([gradient(), torch.ones(1, 64, 64)])
    image[3, :8] = 0
    write(tmp_path / "a.gif", [image])
    alpha = read(tmp_path / "a.gif")[0][0][..., 3]
    assert (alpha[:8] == 0).all()
    assert (alpha[8:] == 255).all()


@pytest.mark.parametrize(("quality", "worst"), [("best", 10.0), ("flat", 10.0), ("draft", 20.0)])
def test_a_gradient_stays_close(tmp_path, quality, worst):
    write(tmp_path / "a.gif", [gradient()], quality=quality)
    frame = read(tmp_path / "a.gif")[0][0][..., :3].astype(float)
    source = to_bytes(gradient()).permute(1, 2, 0).numpy().astype(float)
    assert np.abs(frame - source).mean() < worst


def test_dither_keeps_the_mean_of_each_patch(tmp_path):
    image = gradient()
    source = to_bytes(image).permute(1, 2, 0).numpy().astype(float)

    def patch_error(quality):
        write(tmp_path / f"{quality}.gif", [image], quality=quality, colors=16)
        frame = read(tmp_path / f"{quality}.gif")[0][0][..., :3].astype(float)
        patches = (frame - source).reshape(8, 8, 8, 8, 3).mean((1, 3))
        return np.abs(patches).mean()

    assert patch_error("best") < 0.5 * patch_error("flat")


@pytest.mark.parametrize("colors", [2, 3, 16, 255])
@pytest.mark.parametrize("quality", ["best", "draft"])
def test_no_more_colors_than_allowed(tmp_path, colors, quality):
    write(tmp_path / "a.gif", [gradient()], colors=colors, quality=quality)
    frame = read(tmp_path / "a.gif")[0][0][..., :3].reshape(-1, 3)
    assert len(np.unique(frame, axis=0)) <= colors


def test_same_frames_same_bytes(tmp_path):
    for name in ("a.gif", "b.gif"):
        write(tmp_path / name, [gradient(), gradient().flip(1)], recipe="{}")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_frames_are_not_kept(tmp_path):
    writer = open_gif(GifOptions(), tmp_path / "a.gif", size=(6, 9), fps=25, loop=0, recipe=None)
    alive = []
    for number in range(20):
        image = plain(number, 0, 0).clone()
        alive.append(weakref.ref(image))
        writer.write(image, name="", seconds=None)
        del image
    gc.collect()
    assert sum(ref() is not None for ref in alive) == 0
    writer.close()


def test_nothing_is_there_before_close_and_nothing_after_abort(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(b"before")
    writer = open_gif(GifOptions(), path, size=(6, 9), fps=25, loop=0, recipe=None)
    writer.write(plain(1, 2, 3), name="", seconds=None)
    assert path.read_bytes() == b"before"
    writer.abort()
    writer.abort()
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]
    assert path.read_bytes() == b"before"


def test_frames_of_another_size_and_no_frames_are_refused(tmp_path):
    writer = open_gif(GifOptions(), tmp_path / "a.gif", size=(6, 9), fps=25, loop=0, recipe=None)
    with pytest.raises(OutputError, match=r"frame odd is 6x9, expected 9x6"):
        writer.write(plain(1, 2, 3, size=(9, 6)), name="odd", seconds=None)
    writer = open_gif(GifOptions(), tmp_path / "a.gif", size=(6, 9), fps=25, loop=0, recipe=None)
    with pytest.raises(OutputError, match="no frames"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [0, 100, 2000])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch, room):
    create = files.create
    monkeypatch.setattr(files, "create", lambda path: FullDisk(create(path), room))
    with pytest.raises(OutputError, match="no space is left on the disk"):
        write(tmp_path / "a.gif", [gradient()] * 3)
    assert list(tmp_path.iterdir()) == []


def test_what_is_opaque_does_not_show_through_the_holes_of_the_next_frame(tmp_path):
    opaque, holed, empty = torch.ones(4, 4, 6), torch.ones(4, 4, 6), torch.zeros(4, 4, 6)
    opaque[1:3] = 0
    holed[0], holed[3, :, 3:] = 0, 0
    write(tmp_path / "a.gif", [opaque, holed, opaque, empty])
    frames, _, _ = read(tmp_path / "a.gif")
    assert (frames[0][..., 3] == 255).all()
    assert np.array_equal(frames[1][..., 3] > 0, np.arange(6)[None].repeat(4, 0) < 3)
    assert tuple(frames[1][0, 0]) == (0, 255, 255, 255)
    assert (frames[2] == (255, 0, 0, 255)).all()
    assert (frames[3][..., 3] == 0).all()


def test_alpha_comes_with_the_first_frame_or_not_at_all(tmp_path):
    writer = open_gif(GifOptions(), tmp_path / "a.gif", size=(4, 6), fps=25, loop=0, recipe=None)
    writer.write(torch.ones(3, 4, 6), name="a", seconds=None)
    with pytest.raises(OutputError, match="frame b has 4 channels, expected 3 as in those before"):
        writer.write(torch.ones(4, 4, 6), name="b", seconds=None)
    assert list(tmp_path.iterdir()) == []

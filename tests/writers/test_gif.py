"""The GIF writer, read back by Pillow: frames, delays, loop, recipe, alpha, and no leftovers."""

import gc
import json
import struct
import weakref
from itertools import pairwise

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from writers_kit import FullDisk, read

from artgan import files
from artgan.api import OutputError
from artgan.images import from_bytes, to_bytes
from artgan_plugins.writers.gif import Clock, open_gif
from artgan_plugins.writers.options import GifOptions


def write(path, images, *, fps=25.0, loop=0, recipe=None, seconds=None, probes=None, **options):
    size = tuple(images[0].shape[1:])
    writer = open_gif(GifOptions(**options), path, size=size, fps=fps, loop=loop, recipe=recipe)
    if probes is not None:
        writer.prepare(probes)
    for number, image in enumerate(images):
        writer.write(image, name=f"frame{number:06d}", seconds=seconds)
    return writer.close()


def blocks(path):
    """Return (left, top, width, height), disposal, and whether there is a table, of each image."""
    data, found, disposal = path.read_bytes(), [], None
    at = 13 + (3 << (data[10] & 7) + 1)
    while data[at] != 0x3B:
        if data[at] == 0x21:
            disposal = data[at + 3] >> 2 & 7 if data[at + 1] == 0xF9 else disposal
            at += 2
        else:
            *place, packed = struct.unpack_from("<HHHHB", data, at + 1)
            found.append((tuple(place), disposal, bool(packed & 0x80)))
            at += 11 + ((3 << (packed & 7) + 1) if packed & 0x80 else 0)
        while data[at]:
            at += 1 + data[at]
        at += 1
    return found


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


@pytest.mark.parametrize("fps", [10, 12, 24, 25, 30, 50])
def test_each_second_is_exactly_one(fps):
    clock = Clock(fps)
    for _ in range(7):
        assert sum(clock.tick() for _ in range(fps)) == 100


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


QUALITIES = ("best", "smooth", "small", "draft")


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("channels", [3, 4])
def test_equal_frames_are_all_kept_and_take_a_pixel(tmp_path, quality, channels):
    image = torch.cat([gradient(), torch.ones(1, 64, 64)])[:channels]
    write(tmp_path / "a.gif", [image] * 5, quality=quality)
    frames, delays, _ = read(tmp_path / "a.gif")
    assert delays == [40] * 5
    assert all(np.array_equal(frame, frames[0]) for frame in frames)
    assert [place for place, _, _ in blocks(tmp_path / "a.gif")][1:] == [(0, 0, 1, 1)] * 4


@pytest.mark.parametrize("quality", QUALITIES)
def test_a_frame_is_the_box_of_what_has_changed(tmp_path, quality):
    first, second = gradient(), gradient()
    second[:, 20:41, 5:11] = 0.5
    third = second.clone()
    third[:, 63, 2], third[:, 0, 60] = 1.0, 0.0
    write(tmp_path / "a.gif", [first, second, third], quality=quality)
    places = [place for place, _, _ in blocks(tmp_path / "a.gif")]
    assert places == [(0, 0, 64, 64), (5, 20, 6, 21), (2, 0, 59, 64)]
    frames, _, _ = read(tmp_path / "a.gif")
    assert (frames[1][20:41, 5:11, :3] == 128).all()
    rest = np.ones((64, 64), bool)
    rest[55:, :11] = rest[:9, 52:] = False  # near what has changed
    assert np.array_equal(frames[2][rest], frames[1][rest])


def random_frames(draw, size, count, channels):
    """Return frames of few colours that change in some boxes; with alpha they get holes."""
    image = torch.ones(channels, *size)
    frames = []
    for _ in range(count):
        for _ in range(int(draw.integers(0, 4))):
            (top, left), (height, width) = draw.integers(0, size), draw.integers(1, 13, 2)
            value = torch.from_numpy(draw.integers(0, 6, (channels, 1, 1)) / 5.0)
            if channels == 4:
                value[3] = value[3].round()
            image[:, top : top + height, left : left + width] = value
        frames.append(image.clone())
    return frames


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("channels", [3, 4])
def test_whatever_changes_all_frames_come_back(tmp_path, quality, channels):
    draw = np.random.default_rng(3)
    for round_ in range(6):
        images = random_frames(draw, (21, 34), 8, channels)
        probes = images if round_ % 2 else None
        write(tmp_path / "a.gif", images, quality=quality, probes=probes)
        frames, _, _ = read(tmp_path / "a.gif")
        for frame, image in zip(frames, images, strict=True):
            wanted = to_bytes(image).permute(1, 2, 0).numpy()
            opaque = wanted[..., 3] == 255 if channels == 4 else np.ones((21, 34), bool)
            assert np.array_equal(frame[..., 3] == 255, opaque)
            assert np.array_equal(frame[opaque][:, :3], wanted[opaque][:, :3])


def test_a_box_is_cleared_only_for_new_holes(tmp_path):
    image = torch.zeros(4, 16, 16)
    image[3, 4:12, 4:12] = 1
    more, less = image.clone(), image.clone()
    more[3, 2:6, 2:6] = 1
    less[3, 4:6, 4:6] = 0
    write(tmp_path / "a.gif", [image, more, less, image])
    disposals = [disposal for _, disposal, _ in blocks(tmp_path / "a.gif")]
    assert disposals == [1, 2, 1, 1]


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


@pytest.mark.parametrize(
    ("quality", "worst"), [("best", 10.0), ("smooth", 10.0), ("small", 10.0), ("draft", 20.0)]
)
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

    assert patch_error("best") < 0.5 * patch_error("smooth")


@pytest.mark.parametrize("colors", [2, 3, 16, 255])
@pytest.mark.parametrize("quality", QUALITIES)
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


def test_small_has_one_table_once_it_has_seen_ahead(tmp_path):
    images = [gradient().roll(4 * i, 1) for i in range(8)]
    write(tmp_path / "a.gif", images, quality="small", probes=images[::2])
    write(tmp_path / "b.gif", images, quality="small")
    write(tmp_path / "c.gif", [*images, 0.2 * gradient()], quality="small")
    write(tmp_path / "d.gif", images, quality="smooth")
    tables = {name: [own for _, _, own in blocks(tmp_path / f"{name}.gif")] for name in "abcd"}
    assert tables["a"] == tables["b"] == [False] * 8
    assert tables["c"] == [False] * 8 + [True]
    size = {name: (tmp_path / f"{name}.gif").stat().st_size for name in "abcd"}
    assert size["a"] < 0.9 * size["d"]


def test_small_asks_to_see_ahead_and_others_do_not(tmp_path):
    for quality, probes in (("best", 0), ("smooth", 0), ("small", 24), ("draft", 0)):
        writer = open_gif(
            GifOptions(quality=quality),
            tmp_path / "a.gif",
            size=(6, 9),
            fps=25,
            loop=0,
            recipe=None,
        )
        assert writer.probes == probes
        writer.abort()


@pytest.mark.parametrize("dither", ["auto", "diffusion", "ordered", "none"])
@pytest.mark.parametrize("quality", QUALITIES)
def test_a_locked_palette_is_all_there_is(tmp_path, quality, dither):
    lock = {(26, 15, 31), (91, 35, 51), (232, 163, 61), (247, 238, 211)}
    text = ", ".join("#{:02X}{:02x}{:02x}".format(*color) for color in sorted(lock))
    images = [torch.cat([gradient().roll(i, 2), torch.ones(1, 64, 64)]) for i in range(3)]
    images[1][3, 10:20] = 0
    for some in (images, [image[:3] for image in images]):
        write(tmp_path / "a.gif", some, quality=quality, dither=dither, palette=text)
        for frame in read(tmp_path / "a.gif")[0]:
            found = np.unique(frame[frame[..., 3] > 0][:, :3], axis=0)
            colors = {tuple(map(int, color)) for color in found}
            assert colors <= lock
            assert len(colors) >= 3


@pytest.mark.parametrize(
    "palette",
    ["", "#112233", "#112233,#112233", "red,blue", "#11223,#aabbcc", "#112233;#aabbcc"]
    + [",".join(f"#0000{i % 256:02x},#0100{i % 256:02x}" for i in range(130))],
)
def test_a_palette_that_is_none_is_refused_in_a_sentence(palette):
    with pytest.raises(ValidationError, match="expected 2 to 256 colours, such as #1a0f1f,#f7eed3"):
        GifOptions(palette=palette)


def test_dither_is_what_is_asked_for(tmp_path):
    for dither in ("auto", "diffusion", "ordered", "none"):
        write(tmp_path / f"{dither}.gif", [gradient()], colors=16, dither=dither)
    made = {dither: (tmp_path / f"{dither}.gif").read_bytes() for dither in ("auto", "diffusion")}
    assert made["auto"] == made["diffusion"]
    sizes = [(tmp_path / f"{d}.gif").stat().st_size for d in ("none", "ordered", "diffusion")]
    assert all(less < more for less, more in pairwise(sizes))

"""Animations from files: frames, times, alpha, what is damaged, and what a video says."""

import io
import sys

import numpy as np
import pytest
import torch
from corpus import encoded, noise, solid
from PIL import Image, features

from artgan.animations import (
    is_animation,
    is_video,
    is_whole,
    kept_recipe,
    plays,
    read_frames,
)
from artgan.images import to_bytes
from artgan.pictures import UnreadablePicture
from artgan.registry import Registry
from artgan_plugins.writers.apng import open_apng
from artgan_plugins.writers.avif import open_avif
from artgan_plugins.writers.gif import open_gif
from artgan_plugins.writers.options import (
    ApngOptions,
    AvifOptions,
    GifOptions,
    VideoOptions,
    WebpOptions,
)
from artgan_plugins.writers.video import open_video
from artgan_plugins.writers.webp import open_webp

RECIPE = '{"schema":1,"note":"\\u00e9"}'
OPEN = {
    ".gif": (open_gif, GifOptions()),
    ".webp": (open_webp, WebpOptions(lossless=True)),
    ".mp4": (open_video, VideoOptions()),
    ".webm": (open_video, VideoOptions()),
    ".apng": (open_apng, ApngOptions()),
    ".avif": (open_avif, AvifOptions()),
}
if not features.check("avif"):
    del OPEN[".avif"]
WRITERS = Registry(entry_points=())
SUFFIXES = [
    (name, suffix)
    for name in WRITERS.names("writers")
    for suffix in WRITERS.find("writers", name).record.suffixes
    if suffix != ".avif" or features.check("avif")
]


def animation(path, pictures, **options):
    """Write Pillow pictures as an animation, in the format of the suffix."""
    format = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG"}[path.suffix]
    first, *others = pictures
    first.save(path, format, save_all=True, append_images=others, **options)
    return path


def written(path, count=4, fps=25.0, size=(10, 14), recipe=RECIPE, loop=0):
    """Write an animation with artgan's own writer: grey frames that become brighter."""
    opener, options = OPEN[path.suffix]
    writer = opener(options, path, size=size, fps=fps, loop=loop, recipe=recipe)
    for number in range(count):
        frame = torch.full((3, *size), number / count)
        writer.write(frame, name=f"{number}", seconds=None)
    writer.close()
    return path


def pixels(frame):
    return to_bytes(frame.image).permute(1, 2, 0).numpy()


def test_uneven_times_are_each_frame_s_own(tmp_path):
    pictures = [noise(seed, (12, 10)) for seed in range(4)]
    path = animation(tmp_path / "a.gif", pictures, duration=[40, 40, 100, 250])
    frames = read_frames(path)
    assert (frames.fps, frames.length, frames.size) == (None, 4, (10, 12))
    assert [frame.seconds for frame in frames] == [0.04, 0.04, 0.1, 0.25]


@pytest.mark.parametrize("fps", [10, 12, 15, 24, 25, 30, 50])
def test_the_rate_behind_rounded_times_is_found(tmp_path, fps):
    frames = read_frames(written(tmp_path / "a.gif", 24, fps))
    assert frames.fps == fps
    assert {frame.seconds for frame in frames} == {None}


def test_times_that_players_do_not_keep_are_a_tenth_of_a_second(tmp_path):
    path = animation(tmp_path / "a.gif", [noise(0), noise(1)], duration=0)
    assert read_frames(path).fps == 10


@pytest.mark.parametrize("suffix", [".webp", ".png"])
def test_frames_of_lossless_formats_come_back_exactly(tmp_path, suffix):
    pictures = [noise(seed, (12, 10)) for seed in range(3)]
    lossless = {"lossless": True} if suffix == ".webp" else {}
    path = animation(tmp_path / f"a{suffix}", pictures, duration=80, **lossless)
    frames = read_frames(path)
    assert (frames.fps, frames.length) == (12.5, 3)
    for frame, picture in zip(frames, pictures, strict=True):
        assert np.array_equal(pixels(frame), np.asarray(picture))


def test_alpha_of_any_frame_gives_all_of_them_alpha(tmp_path):
    clear = solid((200, 0, 0, 0), (12, 10), "RGBA")
    pictures = [solid((0, 0, 200, 255), (12, 10), "RGBA"), clear]
    path = animation(tmp_path / "a.webp", pictures, duration=80, lossless=True)
    first, second = read_frames(path)
    assert first.image.shape == second.image.shape == (4, 10, 12)
    assert (float(first.image[3].min()), float(second.image[3].max())) == (1, 0)


@pytest.mark.parametrize(("disposal", "stays"), [(1, True), (2, False)])
def test_partial_frames_lie_on_what_the_file_says(tmp_path, disposal, stays):
    left, right = (Image.new("RGBA", (16, 16), (0, 0, 0, 0)) for _ in "ab")
    left.paste((255, 0, 0, 255), (0, 0, 8, 16))
    right.paste((0, 0, 255, 255), (8, 0, 16, 16))
    path = animation(tmp_path / "a.gif", [left, right], duration=80, disposal=disposal)
    _, second = read_frames(path)
    assert bool(second.image[3, 0, 0] > 0) is stays
    assert second.image[:, 0, 15].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng"])
def test_of_a_truncated_file_what_comes_before_is_read_and_told(tmp_path, suffix):
    path = written(tmp_path / f"a{suffix}", 6, size=(40, 40))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    told = []
    frames = read_frames(path, tell=told.append)
    count = len(list(frames))
    assert 0 < count < 6
    assert told == [f"{path} is truncated: {count} frame{'s' * (count > 1)} can be read"]
    assert not is_whole(path)


def test_what_is_no_animation_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(noise(), "JPEG"))
    with pytest.raises(UnreadablePicture, match="not an animation: JPEG"):
        read_frames(tmp_path / "a.jpg")
    (tmp_path / "b.gif").write_bytes(b"GIF89a")
    with pytest.raises(UnreadablePicture, match="b.gif: damaged"):
        read_frames(tmp_path / "b.gif")


def test_content_says_what_is_an_animation(tmp_path):
    moving = written(tmp_path / "a.gif", 3)
    moving.rename(tmp_path / "misnamed.jpg")
    assert is_animation(tmp_path / "misnamed.jpg")
    for name, format in (("b.gif", "GIF"), ("b.webp", "WEBP"), ("b.png", "PNG")):
        (tmp_path / name).write_bytes(encoded(noise(), format))
        assert not is_animation(tmp_path / name)
    assert not is_animation(tmp_path)
    assert not is_animation(tmp_path / "missing.gif")
    for head in (b"\0\0\0\x18ftypmp42", b"\x1aE\xdf\xa3", b"RIFF\0\0\0\0AVI LIST", b"\0\0\1\xba"):
        (tmp_path / "v").write_bytes(head + b"\0" * 40)
        assert is_video(tmp_path / "v")
        assert is_animation(tmp_path / "v")


@pytest.mark.parametrize(
    ("loop", "suffix"),
    [(0, ".gif"), (1, ".gif"), (3, ".gif"), (5, ".webp"), (0, ".apng"), (2, ".apng")],
)
def test_how_often_it_plays(tmp_path, loop, suffix):
    assert plays(written(tmp_path / f"a{suffix}", loop=loop)) == loop


@pytest.mark.parametrize(("name", "suffix"), SUFFIXES)
def test_what_each_writer_keeps_is_found_again(tmp_path, name, suffix):
    entry = WRITERS.find("writers", name)
    recipe = '{"schema":1,"keys":["été/漢字 😀.jpg","\\""]}'
    path = tmp_path / f"a{suffix}"
    writer = WRITERS.build(
        entry, WRITERS.options(entry, {}), path, size=(12, 16), fps=20.0, loop=0, recipe=recipe
    )
    for number in range(5 if entry.record.animation else 1):
        frame = torch.full((3, 12, 16), number / 5)
        writer.write(frame, name=f"frame{number:06d}", seconds=None)
    files = writer.close()
    assert [kept_recipe(file) for file in files] == [recipe] * len(files)
    moves = entry.record.animation and not entry.record.still and suffix != "/"
    assert [is_animation(file) for file in files] == [moves] * len(files)
    if moves:
        frames = read_frames(path)
        assert (frames.fps, frames.length, frames.size) == (20, 5, (12, 16))
        shades = [float(frame.image.mean()) for frame in frames]
        assert shades == pytest.approx([0, 0.2, 0.4, 0.6, 0.8], abs=0.01)


@pytest.mark.parametrize("suffix", OPEN)
def test_recipes_are_found_again_and_whole_files_are_whole(tmp_path, suffix):
    path = written(tmp_path / f"a{suffix}", 25)
    assert kept_recipe(path) == RECIPE
    assert is_whole(path)
    assert kept_recipe(written(tmp_path / f"b{suffix}", recipe=None)) is None
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert not is_whole(path)
    assert kept_recipe(tmp_path / "missing") is None


def test_a_gif_without_its_end_is_not_whole(tmp_path):
    path = written(tmp_path / "a.gif")
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_whole(path)


def test_a_foreign_comment_is_no_recipe(tmp_path):
    path = animation(tmp_path / "a.gif", [noise(0), noise(1)], comment=b"hello")
    assert kept_recipe(path) is None


# Videos --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
@pytest.mark.parametrize("fps", [24, 25, 30000 / 1001])
def test_a_video_comes_back_with_its_rate_and_colours(tmp_path, suffix, fps):
    frames = read_frames(written(tmp_path / f"a{suffix}", 5, fps))
    assert frames.fps == pytest.approx(fps, abs=1e-6)
    assert (frames.length, frames.size) == (5, (10, 14))
    for number, frame in enumerate(frames):
        assert frame.image.sub(number / 5).abs().max() <= 3 / 255


def test_without_pyav_a_video_says_what_to_install(tmp_path, monkeypatch):
    path = written(tmp_path / "a.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UnreadablePicture) as caught:
        read_frames(path)
    assert caught.value.reason == "video: to read it, pip install 'artgan[video]'"
    assert kept_recipe(path) is None


def test_a_broken_video_is_damaged(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 400)
    with pytest.raises(UnreadablePicture, match="damaged"):
        read_frames(path)


def test_sound_is_told_of(tmp_path):
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        picture = file.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 16, 16, "yuv420p"
        sound = file.add_stream("aac", rate=8000)
        for stream, frame in (
            (picture, av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), "rgb24")),
            (sound, av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")),
        ):
            if stream is sound:
                frame.sample_rate = 8000
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                file.mux(packet)
    path = tmp_path / "a.mp4"
    path.write_bytes(buffer.getvalue())
    told = []
    assert len(list(read_frames(path, tell=told.append))) == 1
    assert told == [f"{path} has sound: it is left out"]

"""`artgan stylize` of animations, at toy size."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from artgan.animations import kept_recipe, read_frames
from artgan.cli.app import run

QUICK = [
    "--effort", "0.05", "--jobs", "1", "--set", "extractors.patch-kmeans.widths=[4,4]",
    "--set", "extractors.patch-kmeans.patches=64",
]  # fmt: skip

TIMES = [40, 100, 100, 250]


def moving(path, *, alpha=False, count=4, **options):
    """Write an animation of a square that goes over a ramp."""
    pictures = []
    ramp = np.linspace(0, 255, 24).astype(np.uint8)
    for number in range(count):
        pixels = np.stack([np.tile(ramp, (16, 1))] * 3 + [np.full((16, 24), 255, np.uint8)], 2)
        pixels[4:10, 3 * number : 3 * number + 6, :3] = (230, 40, 20)
        if alpha:
            pixels[:, :4, 3] = 0
        pictures.append(Image.fromarray(pixels[..., : 4 if alpha else 3].copy()))
    options = {"duration": TIMES[:count], "loop": 2, **options}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in: two animations, one of them below, a picture, a style."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in/sub").mkdir(parents=True)
    moving(tmp_path / "in/a.gif")
    moving(tmp_path / "in/sub/b.webp", alpha=True, lossless=True)
    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    Image.fromarray(noise).save("s.png")
    Image.fromarray(noise[:16]).save("in/still.png")
    return tmp_path


def stylize(*args):
    return run(["stylize", *args, "--style", "s.png", *QUICK])


def times(path):
    with Image.open(path) as picture:
        found = []
        for number in range(picture.n_frames):
            picture.seek(number)
            picture.load()
            found.append(picture.info["duration"])
        return found, picture.info.get("loop")


def test_a_folder_of_pictures_and_animations(folder, capsys):
    assert stylize("in", "-o", "out/") == 0
    out, err = capsys.readouterr()
    assert out == "out\n"
    assert "redrawing 1 picture and 2 animations in the style of s.png" in err
    assert "4 frames of sub/b.webp redrawn in" in err
    assert times("out/a.gif") == (TIMES, times("in/a.gif")[1]) == (TIMES, 2)
    assert times("out/sub/b.webp") == (TIMES, 2)
    assert sorted(p.name for p in (folder / "out").rglob("*.*")) == ["a.gif", "b.webp", "still.png"]
    for before, after in zip(
        read_frames(folder / "in/sub/b.webp"), read_frames(folder / "out/sub/b.webp"), strict=True
    ):
        assert before.image.shape == after.image.shape == (4, 16, 24)
        assert (before.image[3] == after.image[3]).all()


def test_what_is_finished_is_left(folder, capsys):
    assert stylize("in", "-o", "out/") == 0
    before = (folder / "out/a.gif").stat().st_mtime_ns
    capsys.readouterr()
    assert stylize("in", "-o", "out/") == 0
    assert "1 picture and 2 animations finished before" in capsys.readouterr().err
    assert (folder / "out/a.gif").stat().st_mtime_ns == before
    (folder / "out/a.gif").write_bytes((folder / "out/a.gif").read_bytes()[:-40])
    assert stylize("in", "-o", "out/") == 0
    assert "redrawing 1 animation in" in capsys.readouterr().err
    assert stylize("in", "-o", "out/", "--steadiness", "1") == 2
    assert "out/a.gif and 1 more exist and were made otherwise" in capsys.readouterr().err
    assert stylize("in", "-o", "out/", "--steadiness", "1", "--overwrite") == 0
    assert json.loads(kept_recipe(folder / "out/a.gif"))["stylize"]["steadiness"] == 1
    capsys.readouterr()
    options = ["--overwrite", "--steadiness", "1", "--set", "writers.gif.colors=16"]
    assert stylize("in", "-o", "out/", *options) == 0
    assert "redrawing 1 animation in" in capsys.readouterr().err


def test_the_same_call_gives_the_same_bytes(folder):
    for name in ("one.gif", "two.gif"):
        assert stylize("in/a.gif", "-o", name) == 0
    assert (folder / "one.gif").read_bytes() == (folder / "two.gif").read_bytes()


def test_a_broken_one_is_named_and_the_others_go_on(folder, capsys):
    whole = (folder / "in/a.gif").read_bytes()
    (folder / "in/c.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 400)
    (folder / "in/cut.gif").write_bytes(whole[: len(whole) * 6 // 10])
    assert stylize("in", "-o", "out/") == 0
    err = capsys.readouterr().err
    assert "skipped in/c.mp4: damaged" in err
    assert "in/cut.gif is truncated: 2 frames can be read" in err
    assert (folder / "out/a.gif").exists()
    assert not (folder / "out/c.mp4").exists()
    assert "1 picture skipped" in err
    assert stylize("in/c.mp4", "-o", "x.mp4") == 1


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_videos_in_the_same_out(folder, capsys, suffix):
    pytest.importorskip("av")
    assert stylize("in/a.gif", "-o", f"v{suffix}", "--no-meta") == 0
    assert kept_recipe(folder / f"v{suffix}") is None
    assert stylize(f"v{suffix}", "-o", "out/", "--size", "12") == 0
    frames = read_frames(folder / f"out/v{suffix}")
    assert (frames.length, frames.size) == (4, (8, 12))
    assert [round(1000 * frame.seconds) for frame in frames] == TIMES
    capsys.readouterr()
    assert stylize(f"v{suffix}", "-o", "out/", "--size", "12") == 0
    assert "1 animation finished before" in capsys.readouterr().err


def test_without_pyav_a_video_says_what_to_install(folder, capsys, monkeypatch):
    (folder / "v.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 400)
    monkeypatch.setitem(sys.modules, "av", None)
    assert stylize("v.mp4", "-o", "out/") == 1
    sentence = "v.mp4 cannot be used: video: to read it, pip install 'artgan[video]'"
    assert capsys.readouterr().err == f"artgan: {sentence}\n"
    assert stylize("in/a.gif", "-o", "x.mp4") == 2
    sentence = "x.mp4 is a video: to write it, pip install 'artgan[video]'"
    assert capsys.readouterr().err.splitlines()[-1] == f"artgan: {sentence}"
    assert not (folder / "x.mp4").exists()


def test_a_rate_that_the_format_cannot_show_is_said(folder, capsys):
    pytest.importorskip("av")
    moving(folder / "quick.webp", duration=11)
    assert stylize("quick.webp", "-o", "x.gif") == 1
    assert "'gif' shows at most 50: choose another --suffix" in capsys.readouterr().err


def test_what_a_mask_hides_stays_in_every_frame(folder):
    mask = np.zeros((16, 24), np.uint8)
    mask[:, :12] = 255
    Image.fromarray(mask).save("mask.png")
    path = moving(folder / "m.webp", lossless=True)
    options = ["--mask", "mask.png", "--set", "writers.webp.lossless=true"]
    assert stylize("m.webp", "-o", "x.webp", *options) == 0
    for before, after in zip(read_frames(path), read_frames(folder / "x.webp"), strict=True):
        assert (before.image[..., 12:] == after.image[..., 12:]).all()
        assert (before.image[..., :12] != after.image[..., :12]).any()


def test_an_interrupt_keeps_what_is_done_and_leaves_no_half(folder, monkeypatch):
    from artgan.mover import Mover

    draw, drawn = Mover.draw, []

    def interrupted(*args, **named):
        drawn.append(args)
        if len(drawn) == 6:  # of the second animation the second frame
            raise KeyboardInterrupt
        return draw(*args, **named)

    monkeypatch.setattr(Mover, "draw", interrupted)
    assert stylize("in", "-o", "out/") == 130
    left = sorted(path.name for path in (folder / "out").rglob("*") if path.is_file())
    assert left == ["a.gif", "still.png"]

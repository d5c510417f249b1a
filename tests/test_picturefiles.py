"""Pictures from files and into them: alpha, profile, recipe, the same bytes, whole or not."""

import errno
import io
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from corpus import encoded, noise, quarters, solid
from PIL import Image, ImageCms, features

from artgan import files
from artgan.errors import ConfigError, OutputError, ShapeError
from artgan.images import from_bytes, save_png
from artgan.picturefiles import WRITABLE, read_picture, read_recipe, write_picture
from artgan.pictures import UnreadablePicture

SUFFIXES = [".png", ".jpg", ".webp", ".tif"]
LOSSLESS = [".png", ".tiff"]
RECIPE = '{"style":"été/漢字 😀.jpg","quote":"\\"","end":"\\u0000"}'


def picture(channels=3, size=(9, 13), seed=0):
    """Return a smooth picture of whole bytes, so that lossless formats give it back."""
    rows = torch.linspace(0, 255, size[0])[:, None].expand(size)
    columns = torch.linspace(255, 0, size[1])[None].expand(size)
    planes = [rows, columns, (rows + columns) / 2]
    if channels == 4:
        alpha = torch.randint(0, 256, size, generator=torch.Generator().manual_seed(seed))
        planes.append(alpha.float())
    return from_bytes(torch.stack(planes[:channels]).to(torch.uint8))


# Reading -------------------------------------------------------------------------------------


def test_colours_are_read_as_unit_planes(tmp_path):
    path = tmp_path / "a.png"
    quarters(4, 2).save(path)
    colours, alpha = read_picture(path)
    assert (colours.dtype, tuple(colours.shape), alpha) == (torch.float32, (1, 3, 2, 4), None)
    assert colours[0, :, 0, 0].tolist() == [1, 0, 0]
    assert colours[0, :, 1, 3].tolist() == [1, 1, 0]


def test_alpha_is_read_beside_the_colours_it_hides(tmp_path):
    path = tmp_path / "a.png"
    image = solid((255, 0, 51, 0), (3, 2), "RGBA")
    image.putpixel((2, 1), (255, 0, 51, 204))
    image.save(path)
    colours, alpha = read_picture(path)
    torch.testing.assert_close(colours[0, :, 0, 0], torch.tensor([1, 0, 0.2]))
    torch.testing.assert_close(alpha, torch.tensor([[[[0.0, 0, 0], [0, 0, 0.8]]]]))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_that_hides_nothing_is_none(tmp_path, mode):
    path = tmp_path / "a.png"
    solid((7, 255) if mode == "LA" else (7, 7, 7, 255), (3, 2), mode).save(path)
    colours, alpha = read_picture(path)
    assert alpha is None
    torch.testing.assert_close(colours, torch.full((1, 3, 2, 3), 7 / 255))


def test_grey_palette_and_sixteen_bits_become_colours(tmp_path):
    path = tmp_path / "a.png"
    wide = Image.fromarray(np.full((2, 3), 51 * 257, np.uint16))
    for image in (solid(51, (3, 2), "L"), solid((51,) * 3, (3, 2)).convert("P"), wide):
        image.save(path)
        colours, alpha = read_picture(path)
        assert alpha is None
        torch.testing.assert_close(colours, torch.full((1, 3, 2, 3), 0.2))


def test_a_turned_picture_is_read_upright(tmp_path):
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    quarters(32, 16).save(path, quality=100, exif=exif)
    assert tuple(read_picture(path)[0].shape) == (1, 3, 32, 16)


def test_what_cannot_be_read_says_why(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(noise(), "PNG")[:1000])
    with pytest.raises(UnreadablePicture, match="truncated"):
        read_picture(path)


def test_a_lack_of_memory_is_told(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    quarters().save(path)

    def no_memory(*args):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("artgan.picturefiles.from_bytes", no_memory)
    with pytest.raises(UnreadablePicture, match="too large: it does not fit into memory"):
        read_picture(path)


# Writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("channels", [3, 4])
def test_lossless_formats_give_back_every_byte(tmp_path, suffix, channels):
    path, image = tmp_path / f"a{suffix}", picture(channels)
    write_picture(path, image, recipe=None)
    colours, alpha = read_picture(path)
    assert torch.equal(colours[0], image[:3])
    if channels == 4:
        assert torch.equal(alpha[0], image[3:])
    else:
        assert alpha is None


def test_webp_gives_back_alpha_exactly_and_colours_nearly(tmp_path):
    path, image = tmp_path / "a.webp", picture(4, (64, 48))
    image[3, :20] = 0
    write_picture(path, image, recipe="{}")
    colours, alpha = read_picture(path)
    assert torch.equal(alpha[0], image[3:])
    assert (colours[0] - image[:3]).abs().mean() < 0.01  # also where it is transparent
    assert (colours[0] - image[:3])[:, :16].abs().max() < 0.05


def test_jpeg_is_laid_on_white_and_keeps_the_colour_of_each_pixel(tmp_path):
    path, image = tmp_path / "a.jpeg", picture(4, (64, 48))
    write_picture(path, image, recipe=None)
    colours, alpha = read_picture(path)
    assert alpha is None
    laid = image[:3] * image[3:] + (1 - image[3:])
    assert (colours[0] - laid).abs().mean() < 0.02
    with Image.open(path) as opened:
        assert {part[1:3] for part in opened.layer} == {(1, 1)}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_grey_is_written(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_picture(path, picture(1), recipe="{}")
    colours, alpha = read_picture(path)
    assert alpha is None
    assert (colours[0] - picture(1)).abs().max() < 0.03
    assert read_recipe(path) == "{}"


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif"])
def test_colours_are_tagged_as_srgb_without_the_time(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_picture(path, picture(), recipe=None)
    with Image.open(path) as opened:
        data = opened.info["icc_profile"]
    profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert profile.profile.creation_date.isoformat() == "2000-01-01T00:00:00"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_picture_makes_the_same_bytes(tmp_path, suffix):
    one, two = tmp_path / f"one{suffix}", tmp_path / "sub" / f"two{suffix.upper()}"
    for path in (one, two):
        write_picture(path, picture(4), recipe=RECIPE)
    assert one.read_bytes() == two.read_bytes()


def test_png_is_what_it_is_elsewhere(tmp_path):
    write_picture(tmp_path / "a.png", picture(4), recipe=RECIPE)
    save_png(tmp_path / "b.png", picture(4), RECIPE)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_quality_is_heard(tmp_path):
    image = from_bytes(torch.from_numpy(np.array(noise())).permute(2, 0, 1))
    for suffix in (".jpg", ".webp"):
        good, poor = tmp_path / f"good{suffix}", tmp_path / f"poor{suffix}"
        write_picture(good, image, recipe=None)
        write_picture(poor, image, recipe=None, quality=30)
        assert poor.stat().st_size < good.stat().st_size * 2 / 3


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"a\.gif: pictures are not written as '\.gif': .*\.png"):
        write_picture(tmp_path / "a.gif", picture(), recipe=None)
    with pytest.raises(ShapeError, match=r"expected floating"):
        write_picture(tmp_path / "a.png", picture()[:2], recipe=None)
    with pytest.raises(ShapeError, match="nan"):
        write_picture(tmp_path / "a.png", picture() * float("nan"), recipe=None)
    for suffix, longest in ((".jpg", 65_500), (".webp", 16_383)):
        with pytest.raises(OutputError, match=rf"{longest + 1}x1 px.*write \.png or \.tif$"):
            write_picture(tmp_path / f"a{suffix}", torch.zeros(3, 1, longest + 1), recipe=None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"before")

    class Full(io.FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(files, "create", lambda path: Full(path, "w"))
    with pytest.raises(OutputError, match="no space is left"):
        write_picture(path, picture(), recipe=None)
    assert path.read_bytes() == b"before"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


# Recipes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", sorted(WRITABLE))
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("recipe", ["{}", RECIPE, RECIPE * 400], ids=["short", "unicode", "long"])
def test_recipes_come_back(tmp_path, suffix, channels, recipe):
    path = tmp_path / f"a{suffix}"
    write_picture(path, picture(channels), recipe=recipe)
    assert read_recipe(path) == recipe
    read_picture(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_without_a_recipe_there_is_none(tmp_path, suffix):
    write_picture(tmp_path / f"a{suffix}", picture(4), recipe=None)
    assert read_recipe(tmp_path / f"a{suffix}") is None


def test_a_recipe_in_an_avif_is_found(tmp_path):
    exif = Image.Exif()
    exif[270] = b"artgan:" + RECIPE.encode()
    if not features.check("avif"):
        pytest.skip("this Pillow knows no AVIF")
    solid().save(tmp_path / "a.avif", exif=exif)
    assert read_recipe(tmp_path / "a.avif") == RECIPE
    solid().save(tmp_path / "b.avif")
    assert read_recipe(tmp_path / "b.avif") is None


def test_jpeg_keeps_a_recipe_as_long_as_its_comment_may_be(tmp_path):
    path = tmp_path / "a.jpg"
    for length, kept in ((65_526, True), (65_527, False)):
        write_picture(path, picture(), recipe="x" * length)
        assert read_recipe(path) == ("x" * length if kept else None)
    read_picture(path)


def test_a_recipe_is_read_without_decoding(tmp_path, monkeypatch):
    for suffix in SUFFIXES:
        write_picture(tmp_path / f"a{suffix}", picture(4), recipe=RECIPE)

    def decoded(*args, **kwargs):
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", decoded)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    assert {read_recipe(tmp_path / f"a{suffix}") for suffix in SUFFIXES} == {RECIPE}


def test_what_others_say_is_no_recipe(tmp_path):
    exif = Image.Exif()
    exif[270] = "a nice day"
    solid().save(tmp_path / "a.jpg", comment=b"CREATOR: a program")
    solid().save(tmp_path / "b.jpg", comment=b"artgan:\xff", exif=exif)
    solid().save(tmp_path / "c.webp", exif=exif)
    solid().save(tmp_path / "d.tif", tiffinfo={270: "a nice day"})
    solid().save(tmp_path / "e.gif", comment=b"artgan:{}")
    (tmp_path / "f.png").write_bytes(b"\x89PNG\r\n\x1a\njunk")
    (tmp_path / "g.png").touch()
    (tmp_path / "h.png").mkdir()
    (tmp_path / "i.png").symlink_to(tmp_path / "missing")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "j.png")
    found = {path.name: read_recipe(path) for path in sorted(tmp_path.iterdir())}
    assert set(found.values()) == {None}
    assert len(found) == 9 + hasattr(os, "mkfifo")
    assert read_recipe(tmp_path / "missing") is None


def test_the_module_is_light():
    code = "import sys, artgan.picturefiles as _; print({'torch','numpy','PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

"""Tests of artgan.pictures: colours of every kind of file, refusals, and fitting."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import corpus
import numpy as np
import pytest
from corpus import chunk, encoded, noise, quarters, raw_png, solid
from PIL import Image, ImageCms

from artgan import colours, pictures
from artgan.api import ConfigError, ImageError
from artgan.pictures import PictureSpec, fit_picture, load_picture, quiet, read_header


def load(tmp_path, data, name="x.png", **options):
    path = tmp_path / name
    path.write_bytes(data)
    return load_picture(path, **options)


def reason(tmp_path, data, name="x.png"):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(pictures.UnreadablePicture) as caught:
        load_picture(path)
    assert str(caught.value) == f"cannot read {path}: {caught.value.reason}"
    return caught.value.reason


# Colours ------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "GIF"])
def test_lossless_formats_keep_colours(tmp_path, format):
    image = load(tmp_path, encoded(quarters(), format))
    assert image.convert("RGB").tobytes() == quarters().tobytes()


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_keep_colours_nearly(tmp_path, format):
    if format not in pictures.FORMATS:
        pytest.skip("this Pillow has no such codec")
    image = load(tmp_path, encoded(solid(), format))
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image).astype(int) - (200, 40, 80)).max() <= 4


def test_sixteen_bit_grey_is_divided_by_257(tmp_path):
    values = np.full((8, 8), 257 * 77, np.uint16)
    values[0] = [0, 65535, 128, 129, 257, 257 * 2 + 128, 257 * 2 + 129, 32768]
    image = load(tmp_path, encoded(Image.fromarray(values), "PNG"))
    assert image.mode == "L"
    assert list(np.asarray(image)[0]) == [0, 255, 0, 1, 1, 2, 3, 128]
    assert np.asarray(image)[1, 0] == 77


def test_sixteen_bit_tiff_with_white_at_zero_is_not_inverted(tmp_path):
    values = np.full((8, 8), 257 * 255, np.uint16)
    image = load(tmp_path, encoded(Image.fromarray(values), "TIFF", tiffinfo={262: 0}))
    assert image.getpixel((0, 0)) == 0


def test_sixteen_bit_rgb_keeps_its_colour(tmp_path):
    image = load(tmp_path, corpus.sixteen_bit_rgb((257 * 10, 257 * 128, 65535)))
    assert image.getpixel((3, 3)) == (10, 128, 255)


def test_sixteen_bit_transparent_colours(tmp_path):
    row = b"\0" + struct.pack(">H", 257 * 9) * 7 + struct.pack(">H", 65535)
    key = chunk(b"tRNS", struct.pack(">H", 65535))
    grey = load(tmp_path, raw_png(8, 8, 16, 0, row * 8, key))
    assert grey.mode == "LA"
    assert [grey.getpixel((x, 0)) for x in (0, 7)] == [(9, 255), (255, 0)]
    row = b"\0" + struct.pack(">3H", 300, 51400, 0) * 8
    key = chunk(b"tRNS", struct.pack(">3H", 300, 51400, 0))
    assert load(tmp_path, raw_png(8, 8, 16, 2, row * 8, key)).getpixel((0, 0)) == (1, 200, 0, 0)


def tiff_of_bits(bits, rows, photometric=1, height=8, width=8):
    """Return an uncompressed grey TIFF of any depth."""
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (277, 1)]
    tags += [(278, height), (273, 8), (279, len(rows))]
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags)]
    directory = struct.pack("<H", len(tags)) + b"".join(entries) + b"\0" * 4
    return b"II*\0" + struct.pack("<I", 8 + len(rows)) + rows + directory


@pytest.mark.parametrize(("value", "byte"), [(0, 0), (4095, 255), (2048, 128), (16, 1)])
def test_twelve_bit_grey_uses_all_its_range(tmp_path, value, byte):
    pair = bytes([value >> 4, (value & 15) << 4 | value >> 8, value & 255])
    image = load(tmp_path, tiff_of_bits(12, pair * 32), "x.tif")
    assert (image.mode, image.getpixel((0, 0)), image.getpixel((1, 7))) == ("L", byte, byte)


@pytest.mark.parametrize(("bits", "value"), [(1, 1), (2, 1), (2, 3), (4, 1), (4, 9)])
def test_transparent_grey_of_few_bits(tmp_path, bits, value):
    row = b"\0" + bytes([value << 8 - bits]) + b"\0" * (bits - 1)
    key = chunk(b"tRNS", struct.pack(">H", value))
    image = load(tmp_path, raw_png(8, 8, bits, 0, row * 8, key))
    grey = value * 255 // (2**bits - 1)
    assert image.getpixel((0, 0)) == (grey, grey, grey, 0)
    assert image.getpixel((1, 0)) == (0, 0, 0, 255)


def test_dark_transparent_colour_of_sixteen_bits(tmp_path):
    """All of its values are below 256: they would pass for bytes."""
    row = (
        b"\0" + struct.pack(">3H", 9, 9, 9) * 4 + struct.pack(">3H", 9 * 256, 9 * 256, 9 * 256) * 4
    )
    key = chunk(b"tRNS", struct.pack(">3H", 9, 9, 9))
    image = load(tmp_path, raw_png(8, 8, 16, 2, row * 8, key))
    assert [image.getpixel((x, 0)) for x in (0, 7)] == [(0, 0, 0, 0), (9, 9, 9, 255)]


def test_cmyk_jpeg_is_not_inverted(tmp_path):
    white = load(tmp_path, encoded(solid((0, 0, 0, 0), mode="CMYK"), "JPEG"), "x.jpg")
    cyan = load(tmp_path, encoded(solid((255, 0, 0, 0), mode="CMYK"), "JPEG"), "x.jpg")
    assert white.getpixel((5, 5)) == (255, 255, 255)
    assert np.abs(np.subtract(cyan.getpixel((5, 5)), (0, 255, 255))).max() <= 3


def test_palette_with_transparency(tmp_path):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30, 40, 50, 60])
    image.putpixel((0, 0), 2)
    loaded = load(tmp_path, encoded(image, "PNG", transparency=bytes([255, 0, 128])))
    assert loaded.mode == "RGBA"
    assert loaded.getpixel((4, 4)) == (10, 20, 30, 0)
    assert loaded.getpixel((0, 0)) == (40, 50, 60, 128)


def test_palette_without_transparency(tmp_path):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    loaded = load(tmp_path, encoded(image, "PNG"))
    assert (loaded.mode, loaded.getpixel((4, 4))) == ("RGB", (10, 20, 30))


def test_grey_with_alpha_and_one_bit(tmp_path):
    assert load(tmp_path, encoded(solid((70, 30), mode="LA"), "PNG")).getpixel((0, 0)) == (70, 30)
    one = load(tmp_path, encoded(solid(1, mode="1"), "PNG"))
    assert (one.mode, one.getpixel((0, 0))) == ("L", 255)
    keyed = load(tmp_path, encoded(solid(1, mode="1"), "PNG", transparency=1))
    assert keyed.mode == "RGBA"


def test_float_and_wide_tiff(tmp_path):
    half = Image.fromarray(np.full((8, 8), 0.5, np.float32))
    assert load(tmp_path, encoded(half, "TIFF")).getpixel((0, 0)) == 128
    wide = Image.fromarray(np.full((8, 8), 257 * 3, np.int32))
    assert load(tmp_path, encoded(wide, "TIFF")).getpixel((0, 0)) == 3
    hot = Image.fromarray(np.full((8, 8), 7.5, np.float32))
    expected = "unsupported: 32-bit values from 7.5 to 7.5, only 0 to 1 is read"
    assert reason(tmp_path, encoded(hot, "TIFF")) == expected


@pytest.mark.parametrize("kind", ["F", "I", "I;16"])
def test_wide_pixels_are_converted_in_bands(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("artgan.colours._BAND", 100)
    ramp = np.linspace(0, 1, 40 * 30).reshape(30, 40)
    wide = {"F": np.float32(ramp), "I": np.int32(ramp * 65535), "I;16": np.uint16(ramp * 65535)}
    image = load(tmp_path, encoded(Image.fromarray(wide[kind]), "TIFF"))
    assert np.abs(np.asarray(image) - ramp * 255).max() < 0.51


def test_wide_pixels_take_little_memory():
    import tracemalloc

    from artgan.colours import to_plain

    image = Image.new("F", (4000, 1000), 0.5)
    tracemalloc.start()
    assert to_plain(image).getpixel((5, 5)) == 128
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 16e6  # 4 bytes a pixel, handed over by Pillow as bytes and array, and little


@pytest.mark.parametrize("mode", ["LAB", "CMYK"])
def test_tiff_of_other_colour_spaces(tmp_path, mode):
    colour = {"LAB": (255, 128, 128), "CMYK": (0, 0, 0, 0)}[mode]
    image = load(tmp_path, encoded(solid(colour, mode=mode), "TIFF"))
    assert image.mode == "RGB"
    assert min(image.getpixel((0, 0))) >= 250


def test_profile_is_turned_into_srgb_and_not_kept(tmp_path):
    data = encoded(solid((255, 0, 0)), "PNG", icc_profile=corpus.swapped_profile())
    image = load(tmp_path, data)
    red, green, blue = image.getpixel((0, 0))
    assert green >= 250
    assert red <= 5
    assert blue <= 5
    assert image.info == {}


def test_profile_leaves_alpha_alone(tmp_path):
    data = encoded(solid((255, 0, 0, 99), mode="RGBA"), "PNG", icc_profile=corpus.swapped_profile())
    pixel = load(tmp_path, data).getpixel((0, 0))
    assert pixel[3] == 99
    assert pixel[1] >= 250


def test_a_profile_is_judged_by_what_it_does_and_not_by_its_name(tmp_path):
    data = encoded(solid((128, 128, 128)), "PNG", icc_profile=corpus.linear_profile())
    assert abs(load(tmp_path, data).getpixel((0, 0))[0] - 188) <= 1
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = load(tmp_path, encoded(noise(4), "PNG", icc_profile=srgb))
    assert image.tobytes() == noise(4).tobytes()


@pytest.mark.parametrize("where", ["getexif", "_apply"])
def test_a_failing_machine_is_no_junk(tmp_path, monkeypatch, where):
    def fail(*args, **options):
        raise MemoryError if where == "_apply" else OSError(5, "Input/output error")

    data = encoded(solid(), "PNG", icc_profile=corpus.swapped_profile())
    target = (Image.Image, "getexif") if where == "getexif" else (colours, "_apply")
    monkeypatch.setattr(*target, fail)
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(pictures.UnreadablePicture) as caught:
        load_picture(tmp_path / "x.png")
    assert caught.value.lasting is False


@pytest.mark.parametrize("profile", [b"junk", b"\0" * 200])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_broken_profile_never_costs_the_picture(tmp_path, profile, mode):
    colour = {"RGB": (9, 9, 9), "L": 9, "CMYK": (0, 0, 0, 246)}[mode]
    image = load(tmp_path, encoded(solid(colour, mode=mode), "TIFF", icc_profile=profile))
    assert image.convert("L").getpixel((0, 0)) == 9


def test_profile_of_another_kind_of_pixels_is_left_out(tmp_path):
    image = load(
        tmp_path, encoded(solid(70, mode="L"), "PNG", icc_profile=corpus.swapped_profile())
    )
    assert (image.mode, image.getpixel((0, 0))) == ("L", 70)


# Upright ------------------------------------------------------------------------------------

TURNED = {  # how a camera stores an upright picture under each orientation
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_every_orientation_comes_out_upright(tmp_path, orientation, format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "x"
    path.write_bytes(encoded(TURNED[orientation](quarters()), format, exif=exif))
    assert load_picture(path).tobytes() == quarters().tobytes()
    header = read_header(path)
    assert (header.width, header.height) == (32, 16)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0junk", b"\xff" * 40, b"Exif\0\0II*\0\x08\0\0\0\xff\xff"]
)
def test_junk_exif_never_costs_the_picture(tmp_path, exif):
    image = load(tmp_path, encoded(solid(), "JPEG", exif=exif), "x.jpg")
    assert image.size == (32, 32)


def test_orientation_nine_is_none(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 9
    assert load(tmp_path, encoded(quarters(), "PNG", exif=exif)).size == (32, 16)


# Several pictures, suffixes, size -------------------------------------------------------------


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_picture_of_several(tmp_path, format):
    others = [solid((0, 0, 255)), solid((0, 255, 0))]
    path = tmp_path / "x"
    options = {"lossless": True} if format == "WEBP" else {}
    first = solid((255, 0, 0))
    path.write_bytes(encoded(first, format, save_all=True, append_images=others, **options))
    assert load_picture(path).convert("RGB").getpixel((3, 3)) == (255, 0, 0)
    assert read_header(path).several is True


def test_content_decides_and_not_the_suffix(tmp_path):
    image = load(tmp_path, encoded(quarters(), "PNG"), "photo.JPG")
    assert image.tobytes() == quarters().tobytes()


def test_large_jpeg_is_decoded_at_a_fraction(tmp_path):
    data = encoded(solid(size=(1024, 512)), "JPEG")
    assert load(tmp_path, data, near=(32, 32)).size == (128, 64)
    assert load(tmp_path, data, near=(64, 64)).size == (256, 128)
    assert load(tmp_path, data).size == (1024, 512)


# Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(corpus.broken_files()))
def test_broken_files_have_plain_reasons(tmp_path, name):
    content, expected = corpus.broken_files()[name]
    if expected.startswith("too small"):
        pytest.skip("small pictures load; the survey refuses them")
    assert reason(tmp_path, content, name) == expected


ENDED = [
    ("PNG", {}),
    ("JPEG", {}),
    ("MPO", {"save_all": True, "append_images": [noise(2, (120, 120))]}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("AVIF", {}),
]


@pytest.mark.parametrize(("format", "options"), ENDED)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_ends_filled_with_zeros_are_refused(tmp_path, format, options, share):
    if format not in (*pictures.FORMATS, "MPO"):
        pytest.skip("this Pillow has no such codec")
    data = encoded(noise(1, (120, 120)), format, **options)
    kept = int(len(data) * share)
    filled = data[:kept] + b"\0" * max(100, len(data) - kept)
    assert reason(tmp_path, filled, "x") == "truncated: its end is filled with zeros"
    with pytest.raises(pictures.UnreadablePicture):
        read_header(tmp_path / "x")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "MPO"])
@pytest.mark.parametrize("zeros", [1, 64, 70_000])
def test_zeros_behind_a_whole_picture_are_forgiven(tmp_path, format, zeros):
    options = dict(ENDED)[format]
    image = load(tmp_path, encoded(noise(1, (120, 120)), format, **options) + b"\0" * zeros)
    assert image.size == (120, 120)


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_black_pictures_are_no_holes(tmp_path, format):
    options = {"lossless": True} if format == "WEBP" else {}
    assert load(tmp_path, encoded(solid((0, 0, 0)), format, **options)).size == (32, 32)


def test_a_huge_hole_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "sparse.jpg"
    path.write_bytes(encoded(noise(1), "JPEG"))
    os.truncate(path, 3 << 30)
    done = []

    class Counting(io.FileIO):
        def readinto(self, buffer):
            done.append(len(buffer))
            return super().readinto(buffer)

    def fdopen(handle, mode):
        return io.BufferedReader(Counting(handle, mode))

    monkeypatch.setattr(pictures.os, "fdopen", fdopen)
    with pytest.raises(ImageError, match="truncated: its end is filled with zeros"):
        read_header(path)
    assert 0 < sum(done) < 4 << 20


def test_the_mark_of_a_file_follows_its_ends(tmp_path):
    path = tmp_path / "x.png"
    data = encoded(noise(1), "PNG")
    path.write_bytes(data)
    assert read_header(path).mark == zlib.crc32(data[:1024] + data[-64:])


def test_heic_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("artgan.formats.FORMATS", ("PNG", "JPEG"))
    monkeypatch.setattr("artgan.pictures.FORMATS", ("PNG", "JPEG"))
    expected = "HEIC: to read it, pip install 'artgan[heic]'"
    assert reason(tmp_path, corpus.HEIC, "phone.jpg") == expected


def test_missing_folder_and_fifo(tmp_path):
    with pytest.raises(ImageError, match=r"gone\.png: vanished$"):
        load_picture(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="not a regular file$"):
        load_picture(tmp_path)
    os.mkfifo(tmp_path / "fifo.png")
    with pytest.raises(ImageError, match="not a regular file$"):
        load_picture(tmp_path / "fifo.png")


def test_bombs_are_refused_with_little_memory(tmp_path):
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason(tmp_path, corpus.bomb()).startswith("too large")
    data = corpus.text_bomb()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason(tmp_path, data) == "damaged"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - max(before, grown) < 100_000  # KB


def test_max_pixels_is_a_setting(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(encoded(solid(size=(32, 32)), "PNG"))
    with pytest.raises(
        ImageError, match=r"too large: 32x32 px, at most 0.001 megapixels are read$"
    ):
        load_picture(path, max_pixels=1000)


def test_bit_flips_end_in_a_picture_or_a_reason(tmp_path):
    formats = [name for name in pictures.FORMATS if name != "HEIF"]
    random = np.random.default_rng(0)
    path = tmp_path / "x"
    for format in formats:
        data = encoded(noise(3, (24, 24)), format)
        for _ in range(40):
            flipped = bytearray(data)
            for at in random.integers(0, min(len(data), 400), 3):
                flipped[at] ^= 1 << int(random.integers(8))
            path.write_bytes(flipped)
            with contextlib.suppress(pictures.UnreadablePicture):
                assert load_picture(path).mode in ("L", "LA", "RGB", "RGBA")


def test_libtiff_says_nothing_on_the_screen(tmp_path, capfd):
    data = encoded(noise(0), "TIFF", compression="tiff_lzw")
    assert reason(tmp_path, data[:60] + b"\xff" * 500 + data[560:]) in ("damaged", "truncated")
    assert capfd.readouterr() == ("", "")


# Quiet --------------------------------------------------------------------------------------


def test_quiet_holds_in_threads_and_is_undone(tmp_path):
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)

    def warn(_):
        with quiet():
            assert Image.MAX_IMAGE_PIXELS is None
            warnings.warn_explicit("unheard", UserWarning, "x.py", 1, module="PIL.Image")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(warn, range(200)))
    assert limit == Image.MAX_IMAGE_PIXELS
    assert warnings.filters == filters


def test_quiet_silences_nobody_else_and_keeps_their_filters():
    with quiet():
        with pytest.raises(UserWarning, match="heard"):
            warnings.warn_explicit("heard", UserWarning, "x.py", 1, module="torch.nn")
        with pytest.raises(UserWarning, match="heard"):
            warnings.warn_explicit("heard", UserWarning, "x.py", 1, module="PILLAR")
        warnings.simplefilter("ignore", ImportWarning)  # of someone who came meanwhile
        theirs = warnings.filters[0]
    assert warnings.filters[0] == theirs
    assert not any(f[3] is not None and "PIL" in str(f[3]) for f in warnings.filters)


# Fitting ------------------------------------------------------------------------------------


def test_background_must_be_a_colour():
    expected = "--background is 'whit': expected a colour such as white, black or #ffcc00"
    with pytest.raises(ConfigError) as caught:
        PictureSpec((8, 8), background="whit")
    assert str(caught.value) == expected
    with pytest.raises(ConfigError):
        PictureSpec((8, 8), background="#ffcc0080")


def striped():
    """Return 48x16: red, green and blue squares side by side."""
    image = Image.new("RGB", (48, 16), (255, 0, 0))
    image.paste((0, 255, 0), (16, 0, 32, 16))
    image.paste((0, 0, 255), (32, 0, 48, 16))
    return image


def test_crop_keeps_the_centre():
    fitted = fit_picture(striped(), PictureSpec((16, 16)))
    assert fitted.shape == (3, 16, 16)
    assert fitted.dtype == np.uint8
    assert (fitted == np.array([0, 255, 0]).reshape(3, 1, 1)).all()


def test_crop_of_a_tall_picture_keeps_the_centre():
    fitted = fit_picture(striped().transpose(Image.Transpose.ROTATE_90), PictureSpec((8, 8)))
    inside = fitted[:, 1:-1]  # the outermost rows average over what lies next to the crop
    assert (inside == np.array([0, 255, 0]).reshape(3, 1, 1)).all()


def test_pad_adds_the_background():
    fitted = fit_picture(striped(), PictureSpec((48, 48), fit="pad", background="#010203"))
    margin = np.array([1, 2, 3], np.uint8).reshape(3, 1, 1)
    assert (fitted[:, :16] == margin).all()
    assert (fitted[:, 32:] == margin).all()
    assert (fitted[:, 16:32] == np.asarray(striped()).transpose(2, 0, 1)).all()


def test_squash_keeps_everything():
    fitted = fit_picture(striped(), PictureSpec((16, 24), fit="squash"))
    assert [tuple(fitted[:, 8, x]) for x in (2, 12, 21)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def test_same_size_is_left_alone():
    image = noise(5, (16, 16))
    assert (fit_picture(image, PictureSpec((16, 16))).transpose(1, 2, 0) == np.asarray(image)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1)])
@pytest.mark.parametrize("fit", ["crop", "pad", "squash"])
def test_extreme_shapes_fit(size, fit):
    assert fit_picture(solid(size=size), PictureSpec((16, 24), fit=fit)).shape == (3, 16, 24)


@pytest.mark.parametrize(("channels", "expected"), [(1, [[76]]), (3, [[255, 0, 0]])])
def test_channels_of_red(channels, expected):
    fitted = fit_picture(solid((255, 0, 0)), PictureSpec((8, 8), channels))
    assert fitted.shape == (channels, 8, 8)
    assert fitted[:, 0, 0].tolist() == expected[0]


def test_grey_becomes_three_equal_channels():
    assert fit_picture(solid(7, mode="L"), PictureSpec((8, 8)))[:, 2, 2].tolist() == [7, 7, 7]


def test_alpha_is_laid_on_the_background():
    image = solid((200, 100, 0, 51), mode="RGBA")  # a fifth
    fitted = fit_picture(image, PictureSpec((8, 8), background="#0000ff"))
    assert fitted[:, 4, 4].tolist() == [40, 20, 204]
    grey = fit_picture(solid((100, 0), mode="LA"), PictureSpec((8, 8), 1, background="#404040"))
    assert grey[0, 0, 0] == 64


def test_alpha_is_kept_as_a_fourth_channel():
    fitted = fit_picture(solid((200, 100, 0, 128), mode="RGBA"), PictureSpec((8, 8), 4))
    assert np.abs(fitted[:, 4, 4].astype(int) - (200, 100, 0, 128)).max() <= 1
    assert fit_picture(solid((1, 2, 3)), PictureSpec((8, 8), 4))[:, 0, 0].tolist() == [1, 2, 3, 255]
    clear = fit_picture(solid((9, 9, 9, 0), mode="RGBA"), PictureSpec((8, 8), 4))
    assert clear[:, 0, 0].tolist() == [255, 255, 255, 0]
    padded = fit_picture(solid(size=(32, 16)), PictureSpec((16, 16), 4, "pad"))
    assert padded[:, 0, 0].tolist() == [255, 255, 255, 0]


@pytest.mark.parametrize("channels", [3, 4])
def test_hidden_colours_do_not_fringe(channels):
    image = Image.new("RGBA", (64, 64), (0, 255, 0, 0))  # green where nobody sees it
    image.paste((255, 255, 255, 255), (21, 0, 64, 64))
    fitted = fit_picture(image, PictureSpec((16, 16), channels)).astype(int)
    assert np.abs(fitted[0] - 255).max() <= 1
    assert np.abs(fitted[1] - 255).max() <= 1
    assert np.abs(fitted[2] - 255).max() <= 1

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch.testing import assert_close

from artgan.pictures import UnreadablePicture
from artgan.stamp import (
    DARK,
    LIGHT,
    Mark,
    Stamp,
    contrast,
    ink_for,
    load_mark,
    luminance,
    placed,
    stamp,
)

CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")


def saved(tmp_path, pixels):
    path = tmp_path / "mark.png"
    Image.fromarray(np.array(pixels, np.uint8)).save(path)
    return path


def block(high, wide, colour=None):
    return Mark(torch.ones(1, high, wide), colour, "0" * 64)


def plain(level, size=(40, 60), channels=3):
    return torch.full((channels, *size), level)


# Marks


def test_alpha_is_the_shape_cut_to_what_is_inked(tmp_path):
    pixels = np.zeros((6, 8, 4), np.uint8)
    pixels[..., 1] = 200
    pixels[2:4, 3:6] = (255, 0, 0, 255)
    pixels[2, 3, 3] = 51
    path = saved(tmp_path, pixels)
    mark = load_mark(path)
    assert_close(mark.shape, torch.tensor([[[0.2, 1, 1], [1, 1, 1]]]))
    assert_close(mark.colour, torch.tensor([1.0, 0, 0]))
    assert mark.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_dark_ink_on_light_ground_is_one_minus_its_light(tmp_path):
    pixels = np.full((5, 6), 255)
    pixels[2, 2:5] = (0, 153, 0)
    pixels[3, 3] = 245  # grain of the paper
    mark = load_mark(saved(tmp_path, pixels))
    assert_close(mark.shape, torch.tensor([[[1, 0.4, 1]]]))
    assert mark.colour is None


def test_light_ink_on_dark_ground_is_the_other_way_round(tmp_path):
    pixels = np.full((5, 6, 3), 0)
    pixels[2, 2:5] = 255
    mark = load_mark(saved(tmp_path, pixels))
    assert torch.equal(mark.shape, torch.ones(1, 1, 3))


def test_grey_paper_and_pale_ink_become_none_and_all(tmp_path):
    pixels = np.full((5, 5), 200)
    pixels[2, 1:4] = (150, 100, 150)
    assert_close(load_mark(saved(tmp_path, pixels)).shape, torch.tensor([[[0.5, 1, 0.5]]]))


def test_coloured_ink_keeps_its_colour(tmp_path):
    pixels = np.full((5, 5, 3), 255)
    pixels[2, 1:4] = (0, 0, 153)
    assert_close(load_mark(saved(tmp_path, pixels)).colour, torch.tensor([0, 0, 0.6]))


@pytest.mark.parametrize("pixels", [np.full((9, 9), 250), np.zeros((9, 9, 4))])
def test_an_empty_mark_is_refused(tmp_path, pixels):
    path = saved(tmp_path, pixels)
    with pytest.raises(UnreadablePicture) as caught:
        load_mark(path)
    assert str(caught.value) == (
        f"cannot read {path}: no mark: expected a drawing on a plain ground, or a picture with "
        "alpha"
    )


def test_what_is_no_picture_is_refused_as_usual(tmp_path):
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(UnreadablePicture, match=r"^cannot read .*a\.png: "):
        load_mark(tmp_path / "a.png")
    with pytest.raises(UnreadablePicture, match=r"^cannot read .*b\.png: "):
        load_mark(tmp_path / "b.png")


# Places


@pytest.mark.parametrize(
    ("corner", "top", "left"),
    [
        ("top-left", 6, 6),
        ("top-right", 6, 300 - 6 - 24),
        ("bottom-left", 200 - 6 - 24, 6),
        ("bottom-right", 200 - 6 - 24, 300 - 6 - 24),
    ],
)
def test_a_square_has_its_share_of_the_short_side(corner, top, left):
    mask = placed(block(100, 100), (200, 300), corner=corner)
    expected = torch.zeros(1, 200, 300)
    expected[:, top : top + 24, left : left + 24] = 1
    assert_close(mask, expected)


def box(mask):
    rows, columns = mask[0].any(1).nonzero(), mask[0].any(0).nonzero()
    return int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((400, 400), (24, 96)),  # sqrt(24 * 96) = 48, 0.12 of 400
        ((64, 128), (8, 32)),  # 3.84 high would not be read
        ((64, 20), (4, 18)),  # 18 is what fits between margins of 1
        ((1, 1), (1, 1)),
    ],
)
def test_a_name_is_lower_and_wider_but_can_be_read(size, expected):
    mask = placed(block(100, 400), size, corner="bottom-right")
    assert mask.shape == (1, *size)
    assert box(mask) == expected


def test_thin_lines_get_more_ink_when_made_small():
    shape = torch.zeros(1, 400, 400)
    shape[:, 200:203] = 1
    mask = placed(Mark(shape, None, ""), (400, 400), corner="top-left")
    assert 0.8 < float(mask.max()) <= 1  # 0.36 px of ink


# Ink


def test_contrast_is_that_of_the_guidelines():
    # #777777 on white is the best known pair just below 4.5
    grey = torch.full((3,), 0x77 / 255)
    assert float(contrast(luminance(grey), torch.tensor(1.0))) == pytest.approx(4.478, abs=1e-3)
    assert float(luminance(torch.tensor([0.0, 1.0, 0.0]))) == pytest.approx(0.7152)


@pytest.mark.parametrize(
    ("levels", "expected"), [((0.1, 0.3), LIGHT), ((0.9, 0.8), DARK), ((0.0, 0.5), LIGHT)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_ink_is_what_is_seen_on_all_pictures(levels, expected, channels):
    pictures = [plain(level, channels=channels) for level in levels]
    mask = placed(block(9, 9), (40, 60), corner="top-left")
    assert torch.equal(ink_for(mask, pictures), torch.full((channels,), expected))


def test_only_what_is_under_the_mark_counts():
    picture = plain(1.0)
    picture[:, 20:, 30:] = 0
    mark = block(9, 9)
    corners = {corner: stamp(mark, [picture], corner=corner) for corner in CORNERS}
    assert {corner: float(one.ink[0]) for corner, one in corners.items()} == pytest.approx(
        {"top-left": DARK, "top-right": DARK, "bottom-left": DARK, "bottom-right": LIGHT}
    )
    assert all(one.halo is None for one in corners.values())


def test_a_colour_of_its_own_is_kept_where_it_is_seen():
    red = torch.tensor([0.7, 0.0, 0.0])
    mask = placed(block(9, 9), (40, 60), corner="top-left")
    assert torch.equal(ink_for(mask, [plain(1.0)], colour=red), red)
    assert torch.equal(ink_for(mask, [plain(0.1)], colour=red), torch.full((3,), LIGHT))
    assert len(ink_for(mask, [plain(1.0, channels=1)], colour=red)) == 1


def test_where_no_ink_will_do_there_is_a_halo_of_the_opposite():
    made = stamp(block(9, 9), [plain(0.0), plain(1.0)], corner="bottom-right")
    assert made.halo is not None
    light = float(made.ink[0]) == pytest.approx(LIGHT)
    for level in (0.0, 1.0):
        image = made.apply(plain(level)[None])
        inked = image[0][:, made.mask[0] == 1]
        assert_close(inked, torch.full_like(inked, LIGHT if light else DARK))
        beside = image[0, 0][(made.mask[0] == 0) & (made.halo[0] > 0.5)]
        assert len(beside)
        assert (float(beside.max()) < 0.55) if light else (float(beside.min()) > 0.45)
        far = image[0][:, made.halo[0] == 0]
        assert torch.equal(far, torch.full_like(far, level))


def test_what_lies_behind_a_transparent_picture_is_not_known():
    clear = torch.zeros(4, 40, 60)
    assert stamp(block(9, 9), [clear]).halo is not None
    clear[3] = 1
    assert stamp(block(9, 9), [clear]).halo is None


# Stamping


def test_ink_is_laid_over_and_the_rest_stays_to_the_bit():
    mask = torch.tensor([[[0.0, 0.5, 1.0]]])
    made = Stamp(mask, torch.tensor([1.0, 0.5, 0.0]))
    images = torch.tensor([0.1, 0.2, 0.4]).view(1, 3, 1, 1).expand(2, 3, 1, 3)
    kept = images.clone()
    stamped = made.apply(images)
    assert torch.equal(stamped[..., 0], images[..., 0])
    assert_close(stamped[0, :, 0, 1], torch.tensor([0.55, 0.35, 0.2]))
    assert_close(stamped[1, :, 0, 2], made.ink)
    assert torch.equal(images, kept)


def test_transparent_pictures_become_opaque_under_ink_only():
    mask = torch.tensor([[[0.0, 0.5, 1.0]]])
    images = torch.tensor([0.3, 0.3, 0.3, 0.0]).view(1, 4, 1, 1).expand(1, 4, 1, 3).clone()
    stamped = Stamp(mask, torch.ones(3)).apply(images)[0, :, 0].T
    assert torch.equal(stamped[0], images[0, :, 0, 0])
    assert_close(stamped[1], torch.tensor([1, 1, 1, 0.5]))  # ink alone, half of it
    assert_close(stamped[2], torch.ones(4))
    images[:, 3] = 0.5
    half = Stamp(mask, torch.ones(3)).apply(images)[0, :, 0, 1]  # over: 0.5 and 0.25 of 0.75
    assert_close(half, torch.tensor([(0.5 + 0.3 * 0.25) / 0.75] * 3 + [0.75]))


def test_letters_are_read_from_a_file_and_seen_on_a_picture(tmp_path):
    drawing = Image.new("L", (300, 120), 255)
    ImageDraw.Draw(drawing).text((20, 10), "Vera", fill=30, font=ImageFont.load_default(size=90))
    drawing.save(tmp_path / "mark.png")
    mark = load_mark(tmp_path / "mark.png")
    ramp = torch.linspace(0.0, 0.4, 256).expand(3, 256, 256)
    made = stamp(mark, [ramp], corner="bottom-left")
    assert made.halo is None
    image = made.apply(ramp[None])[0]
    changed = (image != ramp).any(0)
    rows, columns = changed.any(1).nonzero(), changed.any(0).nonzero()
    assert int(rows.max()) == 255 - 8  # 0.03 of 256
    assert int(columns.min()) == 8
    assert 10 < int(rows.max() - rows.min()) < 31
    assert float(image[:, changed].max()) == pytest.approx(LIGHT, abs=1e-3)

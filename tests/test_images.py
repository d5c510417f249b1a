"""Ranges, bytes, grids by hand, enlarging, and PNG files with recipes."""

import pytest
import torch
from PIL import Image

from artgan.errors import ShapeError
from artgan.images import (
    RECIPE_KEY,
    Frame,
    Frames,
    Sheet,
    check_images,
    enlarge,
    from_bytes,
    grid,
    laid_on,
    save_png,
    to_bytes,
    to_linear,
    to_pil,
    to_signed,
    to_unit,
)


def test_all_bytes_survive_the_way_to_floats_and_back():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(from_bytes(every)), every)
    assert torch.equal(to_bytes(to_unit(to_signed(from_bytes(every)))), every)


def test_bytes_are_clamped_and_rounded():
    values = torch.tensor([-1.0, 0.0, 0.499 / 255, 0.501 / 255, 1.0, 7.0])
    assert to_bytes(values).tolist() == [0, 0, 0, 1, 255, 255]


def test_the_ranges_do_not_clamp():
    assert to_signed(torch.tensor([0.0, 0.5, 1.0, 2.0])).tolist() == [-1.0, 0.0, 1.0, 3.0]
    assert to_unit(torch.tensor([-1.0, 0.0, 1.0, 3.0])).tolist() == [0.0, 0.5, 1.0, 2.0]


def test_grid_by_hand():
    tiles = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 1, 2) / 10
    sheet = grid(tiles, columns=2, gap=1, level=0.5)
    g = 0.5
    expected = [
        [g, g, g, g, g, g, g],
        [g, 0.0, 0.0, g, 0.1, 0.1, g],
        [g, g, g, g, g, g, g],
        [g, 0.2, 0.2, g, g, g, g],
        [g, g, g, g, g, g, g],
    ]
    torch.testing.assert_close(sheet, torch.tensor([expected]))


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (5, 3, 2), (9, 3, 3)])
def test_grid_is_about_square_and_wider_than_high(count, columns, rows):
    sheet = grid(torch.zeros(count, 3, 4, 6), gap=2)
    assert tuple(sheet.shape) == (3, rows * 6 + 2, columns * 8 + 2)


def test_grid_has_no_more_columns_than_pictures_and_an_opaque_gap():
    sheet = grid(torch.zeros(2, 4, 4, 4), columns=9, gap=1)
    assert tuple(sheet.shape) == (4, 6, 11)
    assert sheet[:, 0, 0].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert sheet[3, 1, 1] == 0


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_sheet_is_a_grid_in_bytes(tmp_path, channels):
    tiles = torch.rand(5, channels, 3, 4, generator=_at(1))
    sheet = Sheet(5, channels, (3, 4), columns=2, gap=1)
    assert sheet.image.dtype == torch.uint8
    for tile in tiles:
        sheet.add(tile)
    assert torch.equal(sheet.image, to_bytes(grid(tiles, columns=2, gap=1)))
    save_png(tmp_path / "a.png", sheet.image)
    save_png(tmp_path / "b.png", grid(tiles, columns=2, gap=1))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_enlarge_with_squares_by_hand():
    image = torch.tensor([[[[0.1, 0.2]]]])
    large = enlarge(image, 2, smooth=False)
    torch.testing.assert_close(large, torch.tensor([[[[0.1, 0.1, 0.2, 0.2]] * 2]]))


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_enlarge_keeps_plain_pictures_plain(smooth, channels):
    large = enlarge(torch.full((2, channels, 3, 4), 0.6), 3, smooth=smooth)
    torch.testing.assert_close(large, torch.full((2, channels, 9, 12), 0.6))


def test_enlarge_by_one_returns_the_same():
    image = torch.rand(1, 3, 4, 4)
    assert enlarge(image, 1) is image


def test_colors_of_invisible_pixels_do_not_bleed():
    image = torch.zeros(1, 4, 4, 4)
    image[:, 0, :, :2] = 1  # red, opaque; beside it invisible green
    image[:, 3, :, :2] = 1
    image[:, 1, :, 2:] = 1
    large = enlarge(image, 4)
    seen = large[:, :3, large[0, 3] > 0.1]
    torch.testing.assert_close(seen[:, 0], torch.ones_like(seen[:, 0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[:, 1], torch.zeros_like(seen[:, 1]), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_to_pil(channels, mode):
    image = torch.zeros(channels, 2, 3)
    image[0, 1, 2] = 1
    picture = to_pil(image)
    assert (picture.mode, picture.size) == (mode, (3, 2))
    pixel = picture.getpixel((2, 1))
    assert (pixel if channels == 1 else pixel[0]) == 255


def test_png_keeps_its_recipe_and_its_bytes_are_repeatable(tmp_path):
    recipe = '{"seeds":[0],"é":"\\u2603"}'
    for name in ("a.png", "b.png"):
        save_png(tmp_path / "new" / name, torch.rand(3, 5, 4, generator=_at(0)), recipe)
    with Image.open(tmp_path / "new" / "a.png") as picture:
        assert picture.text[RECIPE_KEY] == recipe
        assert picture.size == (4, 5)
    first, second = sorted((tmp_path / "new").iterdir())
    assert first.read_bytes() == second.read_bytes()


def _at(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "image",
    [
        torch.zeros(3, 4, 4),
        torch.zeros(1, 2, 4, 4),
        torch.zeros(1, 3, 4, 4, dtype=torch.uint8),
        torch.full((1, 3, 4, 4), float("nan")),
        torch.full((1, 3, 4, 4), 2.5),
    ],
)
def test_wrong_pictures_are_refused(image):
    with pytest.raises(ShapeError, match="it gave"):
        check_images(image, "unit", "it")


def test_frames_can_be_iterated():
    frames = Frames((Frame(torch.zeros(1, 2, 2), str(i)) for i in range(3)), length=3)
    assert [frame.name for frame in frames] == ["0", "1", "2"]
    assert list(frames) == []


def test_laid_on_a_ground():
    """Half of red on white is pink, on grey dull; nothing of it on white is white."""
    image = torch.tensor([1.0, 0, 0, 0.5])[:, None, None]
    assert laid_on(image).flatten().tolist() == [1, 0.5, 0.5]
    assert laid_on(image[None], 0.5).flatten().tolist() == [0.75, 0.25, 0.25]
    clear = torch.tensor([0.3, 0.2, 0.1, 0.0])[:, None, None]
    assert laid_on(clear).flatten().tolist() == [1, 1, 1]
    assert torch.equal(laid_on(image[:3]), image[:3])


def test_linear_light_of_middle_grey():
    """The sRGB value of a linear .2140 is 1/2; below .04045 it is a straight line."""
    light = to_linear(torch.tensor([0.0, 0.02, 0.5, 1.0]))
    torch.testing.assert_close(light, torch.tensor([0, 0.02 / 12.92, 0.2140, 1]), atol=1e-4, rtol=0)

import torch
from torch.testing import assert_close

from artgan_plugins.effects.options import TileOptions
from artgan_plugins.effects.tile import build, tile


def test_tiles_are_means_and_mirrored_by_turns():
    image = torch.tensor([[0.0, 0.2, 0.4, 0.6], [0.0, 0.2, 0.4, 0.6]]).view(1, 1, 2, 4)
    expected = torch.tensor([0.1, 0.5, 0.5, 0.1]).expand(1, 1, 2, 4)
    assert_close(build(TileOptions())(image), expected)


def test_an_odd_side_meets_in_the_middle_of_a_pixel():
    # 1 2 3 3 2 1 in halves of pixels: 1+2, 3+3, 2+1
    image = torch.tensor([0.1, 0.2, 0.3]).view(1, 1, 1, 3)
    assert_close(tile(image, tiles=2).flatten(), torch.tensor([0.15, 0.3, 0.15]))


def test_three_tiles_begin_and_end_the_same_way():
    image = torch.arange(6.0).view(1, 1, 6, 1) / 10
    expected = torch.tensor([0.1, 0.4, 0.4, 0.1, 0.1, 0.4]).view(1, 1, 6, 1)
    assert_close(tile(image, tiles=3), expected)


def test_all_of_the_picture_counts_the_same():
    image = torch.rand(2, 3, 30, 45, generator=torch.Generator().manual_seed(0))
    for tiles in (2, 3, 5, 15):
        assert_close(tile(image, tiles=tiles).mean((2, 3)), image.mean((2, 3)))


def test_hidden_colours_do_not_bleed_in():
    image = torch.tensor([[1.0, 0, 0, 1], [0, 1.0, 0, 0]]).T.reshape(1, 4, 1, 2)
    made = tile(image, tiles=2)  # red beside green that is not seen
    expected = torch.tensor([1.0, 0, 0, 0.5]).view(1, 4, 1, 1).expand(1, 4, 1, 2)
    assert_close(made, expected)


def test_one_picture_and_many_are_the_same_bits():
    images = torch.rand(4, 4, 9, 14, generator=torch.Generator().manual_seed(0))
    together = tile(images, tiles=4)
    assert all(torch.equal(tile(images[i : i + 1], tiles=4)[0], together[i]) for i in range(4))

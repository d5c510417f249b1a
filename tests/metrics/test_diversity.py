"""Diversity: similarity of constants by hand, scales that fit, distances."""

import pytest
import torch
from metric_kit import noise, paintings, repeated, view
from torch.testing import assert_close

from artgan_plugins.metrics import diversity
from artgan_plugins.metrics.diversity import LEVELS, mean_distance, ms_ssim, pair_similarity
from artgan_plugins.metrics.options import DiversityOptions

MEASURE = diversity.build(DiversityOptions(pairs=150))


@pytest.mark.parametrize(
    ("size", "scales"),
    [((16, 16), 1), ((32, 32), 2), ((64, 80), 3), ((128, 128), 4), ((176, 176), 5), ((8, 9), 1)],
)
def test_constants_differ_in_the_luminance_of_the_coarsest_scale(size, scales):
    a, b = torch.full((1, 3, *size), 0.2), torch.full((1, 3, *size), 0.8)
    luminance = (2 * 0.2 * 0.8 + 1e-4) / (0.2**2 + 0.8**2 + 1e-4)
    expected = luminance ** (LEVELS[scales - 1] / sum(LEVELS[:scales]))
    assert ms_ssim(a, b).item() == pytest.approx(expected, abs=2e-3)


def test_a_picture_is_like_itself_and_order_does_not_matter():
    a, b = paintings(6), paintings(6, first=100)
    assert_close(ms_ssim(a, a), torch.ones(6))
    assert_close(ms_ssim(a, b), ms_ssim(b, a))
    assert_close(ms_ssim(a, b)[2:3], ms_ssim(a[2:3], b[2:3]))


def test_opposite_pictures_are_cut_at_0():
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2.0
    board = board[None, None]
    assert ms_ssim(board, 1 - board).item() == 0


def test_the_window_is_a_weighted_mean():
    window = diversity._window(16)
    assert window.shape == (6, 16)
    assert_close(window.sum(1), torch.ones(6))
    assert float(window[0, 5] / window[0, 4]) == pytest.approx(2.71828 ** (0.5 / 1.5**2), rel=1e-4)
    assert diversity._window(7).shape == (1, 7)


def test_pairs_are_of_different_pictures():
    two = torch.stack([torch.zeros(3, 16, 16), torch.ones(3, 16, 16)])
    luminance = 1e-4 / (1 + 1e-4)
    assert pair_similarity(two, pairs=20) == pytest.approx(luminance, rel=1e-3)
    assert pair_similarity(two[:1]) == 1


def test_parts_give_the_same(monkeypatch):
    whole = pair_similarity(paintings(), pairs=40)
    monkeypatch.setattr(diversity, "_CHUNK", 7 * 3 * 32 * 32)
    assert pair_similarity(paintings(), pairs=40) == pytest.approx(whole, rel=1e-5)


def test_distance_is_the_mean_of_all_pairs():
    pictures = torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1, 1).expand(3, 3, 20, 32)
    assert mean_distance(pictures) == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert mean_distance(pictures[:1]) == 0


def test_as_varied_as_the_reals_is_1_and_one_picture_is_0():
    good = MEASURE(view(paintings(first=100)))
    assert good["distance"] == pytest.approx(1, abs=0.1)
    assert good["ms-ssim"] == pytest.approx(good["ms-ssim-reals"], abs=0.05)
    one = MEASURE(view(repeated(paintings()[0])))
    assert one["distance"] == pytest.approx(0, abs=1e-6)
    assert one["ms-ssim"] == pytest.approx(1)
    assert one["ms-ssim-reals"] == good["ms-ssim-reals"]
    few = MEASURE(view(paintings(3)[torch.arange(48) % 3]))
    assert few["ms-ssim"] > good["ms-ssim"] + 0.1
    assert MEASURE(view(noise()))["ms-ssim"] < good["ms-ssim"]


def test_no_variety_at_all_is_as_varied():
    same = repeated(paintings()[0], 4)
    from artgan.api import View

    assert MEASURE(View(same, same))["distance"] == 1
    assert MEASURE(View(same, paintings(4)))["distance"] > 10


def test_long_sides_are_blurred_in_blocks(monkeypatch):
    maps = torch.rand(2, 3, 75, 40)
    blocks = diversity._blurred(maps)
    assert blocks.shape == (2, 3, 65, 30)
    monkeypatch.setattr(diversity, "_BLOCK", 1000)
    assert_close(blocks, diversity._blurred(maps))
    assert_close(blocks, diversity._window(75) @ maps @ diversity._window(40).T)

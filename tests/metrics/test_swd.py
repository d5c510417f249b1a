"""Sliced Wasserstein distance: its parts by hand, and what moves it."""

import pytest
import torch
from metric_kit import blurred, noise, paintings, repeated, view
from torch.testing import assert_close

from artgan.api import View
from artgan_plugins.metrics import swd
from artgan_plugins.metrics.options import SwdOptions

MEASURE = swd.build(SwdOptions(patches=16, directions=64))


def test_sorted_projections_are_compared():
    a, b = torch.tensor([[3.0], [0.0]]), torch.tensor([[1.0], [5.0]])
    assert swd.sliced_wasserstein(a, b, torch.ones(1, 1)) == 1.5  # |0 - 1|, |3 - 5|


def test_a_shift_is_seen_along_each_direction_by_its_projection():
    points = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    directions = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    moved = points[torch.randperm(50)] + torch.tensor([3.0, 1.0])
    assert swd.sliced_wasserstein(points, moved, directions) == pytest.approx((3 + 1 + 2.6) / 3)


def test_chunks_of_directions_change_nothing(monkeypatch):
    a, b = torch.rand(40, 6), torch.rand(40, 6)
    directions = swd.unit_directions(10, 6, torch.Generator().manual_seed(0))
    whole = swd.sliced_wasserstein(a, b, directions)
    monkeypatch.setattr(swd, "_PROJECTIONS", 120)
    assert swd.sliced_wasserstein(a, b, directions) == pytest.approx(whole, rel=1e-5)


def test_arguments_of_the_sort_stay_as_they_are():
    a, b = torch.rand(40, 1), torch.rand(40, 1)
    kept = a.clone(), b.clone()
    swd.sliced_wasserstein(a, b, torch.ones(1, 1))
    assert torch.equal(a, kept[0])
    assert torch.equal(b, kept[1])


def test_directions_have_length_one():
    directions = swd.unit_directions(20, 147, torch.Generator().manual_seed(0))
    assert_close(directions.norm(dim=1), torch.ones(20))


def test_low_pass_is_binomial():
    impulse = torch.zeros(1, 1, 9, 9)
    impulse[..., 4, 4] = 256
    assert_close(
        swd.reduce(impulse)[0, 0, 1:4, 1:4],
        torch.tensor([[1.0, 6, 1], [6, 36, 6], [1, 6, 1]]),
    )


@pytest.mark.parametrize("size", [(16, 16), (17, 24), (8, 33)])
def test_plain_pictures_stay_plain_through_both_steps(size):
    plain = torch.full((2, 3, *size), 0.7)
    low = swd.reduce(plain)
    assert low.shape[-2:] == ((size[0] + 1) // 2, (size[1] + 1) // 2)
    assert_close(low, torch.full_like(low, 0.7))
    assert_close(swd.stretch(low, size), plain)


@pytest.mark.parametrize(
    ("size", "levels"),
    [
        ((32, 32), [32, 16]),
        ((64, 96), [64, 32, 16]),
        ((48, 48), [48, 24]),
        ((70, 75), [70, 35, 18]),
        ((16, 24), [16]),
        ((31, 31), [31]),
        ((9, 6), [6]),
    ],
)
def test_levels_end_at_a_short_side_of_16_at_least(size, levels):
    found = swd.pyramid_distances(
        torch.rand(3, 1, *size), torch.rand(3, 1, *size), patches=2, directions=3
    )
    assert list(found) == levels


def test_each_channel_of_a_set_is_normalised():
    patches = torch.rand(30, 3, 49) * torch.tensor([1.0, 5.0, 0.0]).view(1, 3, 1) + 2
    descriptors = swd.normalised(patches).view(30, 3, 49)
    assert_close(descriptors.mean((0, 2)), torch.zeros(3), atol=1e-5, rtol=0)
    assert_close(descriptors.std((0, 2)), torch.tensor([1.0, 1.0, 0.0]))


def test_a_patch_is_where_it_was_taken():
    band = torch.arange(2 * 8 * 9, dtype=torch.float32).view(1, 2, 8, 9)
    patch = swd._take_patches(band, torch.tensor([[1]]), torch.tensor([[2]]), 7)
    assert torch.equal(patch.view(2, 7, 7), band[0, :, 1:8, 2:9])


def test_pictures_in_parts_give_the_same_patches(monkeypatch):
    pictures = paintings(10)
    whole = swd._descriptors(pictures, 4, torch.Generator().manual_seed(1), coarsest=False)
    monkeypatch.setattr(swd, "_CHUNK", 3 * 3 * 32 * 32)
    parts = swd._descriptors(pictures, 4, torch.Generator().manual_seed(1), coarsest=False)
    assert_close(parts, whole)


def test_colour_is_the_shift_of_grey():
    grey = torch.rand(6, 1, 16, 16) * 0.5
    same = swd.colour_distance(grey, grey, pixels=4096)
    moved = swd.colour_distance(grey, grey + 0.4, pixels=4096)
    assert same < 0.01
    assert moved == pytest.approx(0.4, abs=0.01)


def test_patches_are_blind_to_a_shift_of_colour_and_colour_is_not():
    darker = paintings() * 0.5
    before, after = MEASURE(view(paintings())), MEASURE(view(darker))
    assert after["swd"] == pytest.approx(before["swd"], rel=1e-3)
    assert after["colour"] > 5 * before["colour"]


def test_figures_are_named_by_level_and_swd_is_their_mean():
    figures = MEASURE(view(paintings(first=100)))
    assert list(figures) == ["swd", "swd-32", "swd-16", "colour"]
    assert figures["swd"] == pytest.approx((figures["swd-32"] + figures["swd-16"]) / 2)


def test_other_paintings_are_at_the_floor_and_what_went_wrong_is_above():
    floor = MEASURE(view(paintings(first=100)))
    for wrong in (noise(), repeated(paintings()[0])):
        figures = MEASURE(view(wrong))
        assert all(figures[name] > 1.5 * floor[name] for name in floor)
    soft = MEASURE(view(blurred(paintings(first=100))))
    assert soft["swd-32"] > 1.2 * floor["swd-32"]
    assert soft["swd-16"] < 1.2 * floor["swd-16"]


def test_the_larger_set_is_cut():
    few = MEASURE(view(paintings(20, first=100)))
    assert few == MEASURE(View(paintings(20), paintings(20, first=100)))


def test_a_set_gives_no_more_patches_than_there_is_memory_for(monkeypatch):
    fakes = paintings(first=100)
    whole = MEASURE(view(fakes))
    monkeypatch.setattr(swd, "MOST", 48 * 16)
    assert MEASURE(view(fakes)) == whole
    monkeypatch.setattr(swd, "MOST", 48 * 4 + 7)
    assert MEASURE(view(fakes)) == swd.build(SwdOptions(patches=4, directions=64))(view(fakes))
    monkeypatch.setattr(swd, "MOST", 1)
    assert swd.per_picture(16, 48) == 1


def test_seeds_draw_other_patches():
    one, other = (MEASURE(view(paintings(first=100), seed=seed)) for seed in (0, 1))
    assert one != other
    assert one["swd"] == pytest.approx(other["swd"], rel=0.3)

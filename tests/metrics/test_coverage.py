"""Density and coverage: balls on a line, duplicates, the fixed random network."""

import pytest
import torch
from metric_kit import blurred, noise, paintings, repeated, view
from torch.testing import assert_close

from artgan.api import View
from artgan.neighbours import shrink
from artgan.registry import Registry
from artgan_plugins.metrics import coverage, network
from artgan_plugins.metrics.options import CoverageOptions

MEASURE = coverage.build(CoverageOptions())
LINE = torch.arange(10.0)[:, None]


def test_balls_on_a_line():
    # each ball has radius 1: 0.2 lies in those of 0 and 1, 50 in none
    assert coverage.density_and_coverage(LINE, torch.tensor([[0.2]]), k=1) == (2.0, 0.2)
    fakes = torch.tensor([[0.2], [50.0]])
    assert coverage.density_and_coverage(LINE, fakes, k=1) == (1.0, 0.2)


def test_k_widens_the_balls():
    # the second nearest is at 1 inside and at 2 at both ends: 4.5 is in those of 4 and 5
    assert coverage.density_and_coverage(LINE, torch.tensor([[4.5]]), k=2) == (1.0, 0.2)
    # the third at 2, and at 3 at both ends: 4.5 is in those of 3, 4, 5, 6
    density, share = coverage.density_and_coverage(LINE, torch.tensor([[4.5]]), k=3)
    assert (density, share) == (pytest.approx(4 / 3), 0.4)


def test_a_k_beyond_the_reals_is_all_the_others():
    fakes = torch.tensor([[3.0]])
    every = coverage.density_and_coverage(LINE[:4], fakes, k=3)
    assert coverage.density_and_coverage(LINE[:4], fakes, k=1000) == every


def test_a_single_real_is_covered_by_itself_alone():
    assert coverage.density_and_coverage(LINE[5:6], LINE[5:6], k=5) == (1.0, 1.0)
    assert coverage.density_and_coverage(LINE[5:6], LINE[6:7], k=5) == (0.0, 0.0)


def test_parts_give_the_same(monkeypatch):
    a, b = torch.rand(50, 4), torch.rand(30, 4)
    whole = coverage.density_and_coverage(a, b)
    monkeypatch.setattr(coverage, "_CHUNK", 7)
    assert coverage.density_and_coverage(a, b) == whole


def test_pictures_that_are_the_same_count_once():
    three = paintings(3)
    assert coverage.distinct(three[[0, 1, 0, 0, 2, 1]]).tolist() == [0, 1, 4]
    doubled = View(torch.cat([paintings(), paintings()]), paintings(first=100))
    assert MEASURE(doubled) == MEASURE(view(paintings(first=100)))


def test_other_paintings_cover_and_what_went_wrong_does_not():
    good = MEASURE(view(paintings(first=100)))
    assert min(good["pixel-coverage"], good["network-coverage"]) > 0.8
    wrong = MEASURE(view(noise()))
    assert max(wrong["pixel-coverage"], wrong["network-coverage"]) < 0.3
    one = MEASURE(view(repeated(paintings()[0])))
    assert max(one["pixel-coverage"], one["network-coverage"]) < 0.3
    copies = MEASURE(view(paintings()))
    assert copies["pixel-coverage"] == copies["network-coverage"] == 1
    pale = MEASURE(view(paintings(first=100) * 0.7 + 0.3))
    assert max(pale["pixel-coverage"], pale["network-coverage"]) < 0.6


def test_the_network_sees_a_blur_that_small_pixels_do_not():
    measure = coverage.build(CoverageOptions(k=2))
    sharp, soft = measure(view(paintings(first=100))), measure(view(blurred(paintings(first=100))))
    assert soft["network-coverage"] < 0.85 * sharp["network-coverage"]
    assert soft["pixel-coverage"] >= sharp["pixel-coverage"]


def test_blur_lowers_network_coverage_and_raises_pixel_density():
    others = paintings(first=100)
    padded = torch.nn.functional.pad(others, (2, 2, 2, 2), mode="replicate")
    measure = coverage.build(CoverageOptions(k=2))
    sharp = measure(view(others))
    soft = measure(view(torch.nn.functional.avg_pool2d(padded, 5, 1)))
    assert soft["network-coverage"] < sharp["network-coverage"]
    assert soft["pixel-density"] > sharp["pixel-density"]


def test_neither_way_is_better_for_density():
    ways = dict(Registry(entry_points=()).find("metrics", "coverage").record.figures)
    assert ways == {
        "pixel-density": "",
        "pixel-coverage": "high",
        "network-density": "",
        "network-coverage": "high",
    }


# The network


def test_network_features_are_four_groups():
    assert network.network_features(paintings(3)).shape == (3, 64 + 128 + 256 + 128 * 16)


def test_grey_of_one_half_is_the_origin():
    features = network.network_features(torch.full((2, 3, 16, 16), 0.5))
    assert torch.equal(features, torch.zeros_like(features))


def test_first_group_is_means_and_deviations_of_the_first_stage():
    picture = paintings(1)
    (kernel, *_) = network._weights(3)
    maps = torch.nn.functional.conv2d(picture * 2 - 1, kernel, padding=1)
    maps = torch.nn.functional.avg_pool2d(torch.nn.functional.leaky_relu(maps, 0.2), 2)
    expected = torch.cat([maps.mean((2, 3)), maps.std((2, 3))], 1) / 8
    assert_close(network.network_features(picture)[:, :64], expected)


def test_weights_are_he_scaled_and_always_the_same():
    for kernel, again, fan_in in zip(
        network._weights(3), network._weights(3), (27, 288, 576), strict=True
    ):
        assert torch.equal(kernel, again)
        assert float(kernel.std()) == pytest.approx((2 / fan_in) ** 0.5, rel=0.06)


def test_features_of_one_are_those_among_many(monkeypatch):
    many = network.network_features(paintings(5))
    assert_close(network.network_features(paintings(5)[3:4]), many[3:4])
    monkeypatch.setattr(network, "_CHUNK", 2)
    assert_close(network.network_features(paintings(5)), many)


def test_large_pictures_are_averaged_first_and_tiny_ones_do():
    large = paintings(2, side=128)
    assert_close(network.network_features(large), network.network_features(shrink(large, 64)))
    assert network.network_features(torch.rand(2, 1, 8, 8)).isfinite().all()

"""The contract tests of artgan for all that this package brings, and values worked out by hand."""

from __future__ import annotations

import pytest
import torch
from artgan_confetti.architecture import disc_alpha, over
from artgan_confetti.objective import pearson_d, pearson_g
from artgan_confetti.palette import colour_counts
from artgan_confetti.sampler import lissajous
from torch.testing import assert_close

from artgan.testing import check_component, check_plugins, components, isolated_registry

REGISTRY = isolated_registry("artgan_confetti")


def test_the_plugin_has_no_problems():
    check_plugins(REGISTRY)


@pytest.mark.parametrize("entry", components(REGISTRY), ids=lambda e: e.qualified)
def test_contract(entry):
    check_component(REGISTRY, entry)


def test_a_pixel_in_the_middle_is_covered_and_one_far_off_is_not():
    alpha = disc_alpha(torch.tensor([[0.5, 0.5]]), torch.tensor([0.25]), (65, 65))
    assert alpha[0, 32, 32] > 0.99
    assert alpha[0, 0, 0] < 0.01


def test_the_edge_is_half_covered():
    alpha = disc_alpha(torch.tensor([[0.5, 0.5]]), torch.tensor([0.2]), (5, 5))
    assert_close(alpha[0, 2, 3], torch.tensor(0.5))  # its middle lies 0.2 from the centre


def test_half_covered_paper_is_the_mean():
    paper, color = torch.full((1, 3, 2, 2), -1.0), torch.ones(1, 3)
    assert_close(over(paper, color, torch.full((1, 2, 2), 0.5)), torch.zeros(1, 3, 2, 2))


def test_pearson_values():
    real, fake = torch.tensor([0.0, 3.0]), torch.tensor([0.0, 2.0])
    assert_close(pearson_d(real, fake), torch.tensor([0.0, 0.0]))  # 2^2 / 4 + 2 - 3 = 0
    assert_close(pearson_g(fake), torch.tensor([0.0, -2.0]))


def test_lissajous_meets_its_keys_in_order():
    keys = torch.randn(3, 7, generator=torch.Generator().manual_seed(0))
    assert_close(lissajous(keys, torch.arange(3) / 3), keys)


def test_lissajous_turns_a_pair_by_the_swing_at_a_quarter():
    code = lissajous(torch.tensor([[1.0, 0.0]]), torch.tensor([0.25]), swing=90)
    assert_close(code, torch.tensor([[0.0, 1.0]]))


def test_a_colour_between_two_levels_counts_for_both():
    grey = torch.full((1, 3, 2, 2), 0.25)
    counts = colour_counts(grey, None, steps=2).view(2, 2, 2)
    assert_close(counts[0, 0, 0], torch.tensor(0.75**3))
    assert_close(counts[1, 0, 0], torch.tensor(0.25 * 0.75**2))
    assert_close(counts.sum(), torch.tensor(1.0))


def test_what_is_masked_does_not_count():
    halves = torch.cat([torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)], 3)
    mask = torch.tensor([[[[0.0, 1.0]]]])
    assert_close(colour_counts(halves, mask, steps=2)[0, -1], torch.tensor(1.0))

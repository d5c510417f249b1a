"""Drift: it begins at its key and closes, and is everywhere as likely as the key."""

import math

import pytest
import torch
from torch.testing import assert_close

from artgan.latents import draw
from artgan_plugins.samplers.drift import amplitudes, build, drift
from artgan_plugins.samplers.options import DriftOptions

D = torch.float64


@pytest.mark.parametrize("wander", [0.01, 0.5, 1.5, 4.0, 20.0])
def test_the_squares_of_amplitudes_make_one(wander):
    heights = amplitudes(wander)
    assert float(heights.square().sum()) == pytest.approx(1)
    assert bool((heights.diff() < 0).all())


def test_the_second_wave_is_as_high_as_the_formula_says():
    heights = amplitudes(1.5)
    assert float(heights[1] / heights[0]) == pytest.approx(math.exp(-3 / 4.5))
    assert len(heights) == 3


@pytest.mark.parametrize("prior", ["gaussian", "sphere"])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("wander", [0.1, 1.5, 4.0])
def test_begins_at_the_key_and_closes(prior, seed, wander):
    key = draw([3], 33, prior)
    codes = build(DriftOptions(seed=seed, wander=wander), prior=prior)(key, torch.linspace(0, 1, 9))
    assert_close(codes[:1], key)
    assert torch.equal(codes[0], codes[-1])


def test_every_point_is_as_likely_as_the_key():
    """Each number at u is N(0, 1), and varies with the key's as Σ a_k² cos 2πku.

    Of 400 keys of 16 numbers, 6,400 in all, the mean has a standard deviation of 1 / 80, and the
    means of squares and of products one of √2 / 80 at most: 5 of them are allowed.
    """
    u = torch.tensor([0.0, 0.07, 0.25, 0.5, 0.81], dtype=D)
    keys = draw(range(400), 16, "gaussian").double()
    codes = torch.stack([drift(k, u, wander=1.5, seed=s) for s, k in enumerate(keys)], 1)
    values, at_key = codes.flatten(1), keys.flatten()  # (5, 6400)
    one, two = 5 / 80, 5 * math.sqrt(2) / 80
    assert float(values.mean(1).abs().max()) < one
    assert float((values.square().mean(1) - 1).abs().max()) < two
    heights = amplitudes(1.5)
    waves = torch.arange(1, len(heights) + 1, dtype=D)
    expected = torch.cos(2 * math.pi * torch.outer(u, waves)) @ heights.square()
    assert float(((values * at_key).mean(1) - expected).abs().max()) < two


def test_a_sphere_keeps_the_length_and_a_gaussian_does_not():
    key, u = draw([5], 64, "sphere"), torch.linspace(0, 1, 101)
    lengths = build(DriftOptions(), prior="sphere")(key, u).norm(dim=-1)
    assert_close(lengths, torch.full((101,), 8.0))
    lengths = build(DriftOptions(), prior="gaussian")(key, u).norm(dim=-1)
    assert float(lengths.max() - lengths.min()) > 0.1


def test_goes_far_and_at_a_calm_even_pace():
    codes = build(DriftOptions())(draw([5], 128, "gaussian"), torch.linspace(0, 1, 241))
    steps = codes.diff(dim=0).norm(dim=-1)
    length = float(steps.sum()) / math.sqrt(128)
    waves, squares = torch.arange(1, 4, dtype=D), amplitudes(1.5).square()
    assert length == pytest.approx(2 * math.pi * float(squares @ waves.square()) ** 0.5, rel=0.1)
    assert float(steps.std() / steps.mean()) < 0.1


def test_seeds_go_other_ways_and_more_waves_leave_the_first_as_they_were():
    key, u = draw([5], 16, "gaussian"), torch.tensor([0.3])
    ways = [build(DriftOptions(seed=seed))(key, u) for seed in (0, 0, 1)]
    assert torch.equal(ways[0], ways[1])
    assert float((ways[0] - ways[2]).norm()) > 1
    near = [build(DriftOptions(wander=w))(key, u) for w in (1.4, 1.6)]  # 3 waves and 4
    assert len(amplitudes(1.6)) == len(amplitudes(1.4)) + 1
    assert float((near[0] - near[1]).norm()) < 0.3 * float(key.norm())


def test_does_not_know_the_key_that_has_its_seed():
    """Were ξ drawn as latents are, the first wave of seed 0 would be the key of seed 0."""
    key = draw([0], 512, "gaussian").double()[0]
    half = drift(key, torch.tensor([0.5], dtype=D), wander=0.01, seed=0)[0]
    quarter = drift(key, torch.tensor([0.25], dtype=D), wander=0.01, seed=0)[0]
    assert_close(half, -key)  # one wave: an ellipse about 0
    assert abs(float(torch.cosine_similarity(quarter, key, dim=0))) < 5 / math.sqrt(512)

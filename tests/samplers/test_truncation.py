"""Truncation: how it breathes, by hand, at rest and on the way."""

import pytest
import torch
from torch.testing import assert_close

from artgan.latents import draw
from artgan_plugins.samplers import spline
from artgan_plugins.samplers.options import TruncationOptions
from artgan_plugins.samplers.truncation import breath, build


def test_two_beats_by_hand():
    psi = breath(torch.arange(9) / 8, low=0.2, high=0.8, beats=2)
    expected = torch.tensor([0.8, 0.5, 0.2, 0.5, 0.8, 0.5, 0.2, 0.5, 0.8])
    assert_close(psi, expected, atol=1e-6, rtol=0)


def test_one_key_breathes_on_the_spot_by_hand():
    key, mean = torch.tensor([[3.0, 5.0]]), torch.tensor([1.0, 1.0])
    codes = build(TruncationOptions(low=0.5), mean=mean)(key, torch.tensor([0.0, 0.25, 0.5, 1.0]))
    expected = torch.tensor([[3.0, 5.0], [2.5, 4.0], [2.0, 3.0], [3.0, 5.0]])
    assert_close(codes, expected)


@pytest.mark.parametrize("space", ["z", "w"])
@pytest.mark.parametrize("closed", [True, False])
def test_several_keys_go_the_way_of_a_spline(space, closed):
    keys, u = draw(range(4), 12, "gaussian").unflatten(1, (3, 4)), torch.tensor([0.0, 0.5, 1.0])
    mean = torch.ones(3, 4)
    plain = spline.build(closed=closed, space=space)(keys, u)
    codes = build(TruncationOptions(low=0.25), mean=mean, closed=closed, space=space)(keys, u)
    psi = torch.tensor([1.0, 0.25, 1.0])[:, None, None]
    assert_close(codes, mean + psi * (plain - mean))
    assert_close(codes[0], keys[0])


def test_high_is_where_it_begins():
    key, mean = torch.full((1, 2), 4.0), torch.zeros(2)
    path = build(TruncationOptions(low=0.1, high=0.75, beats=3), mean=mean)
    assert_close(path(key, torch.zeros(1)), torch.full((1, 2), 3.0))

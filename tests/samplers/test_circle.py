"""Circle: values worked by hand, an even pace, closure, and what it refuses."""

import math

import pytest
import torch

from artgan.config import validate
from artgan.errors import ConfigError
from artgan.latents import draw
from artgan_plugins.samplers.circle import build
from artgan_plugins.samplers.options import CircleOptions

D = torch.float64


def positions(count):
    return torch.arange(count, dtype=D) / count


def test_one_key_goes_round_by_hand():
    codes = build(CircleOptions())(torch.tensor([[2.0, 0.0]]), positions(4))
    expected = torch.tensor([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]])
    torch.testing.assert_close(codes, expected, atol=1e-6, rtol=0)


def test_two_keys_are_made_square_before_they_span_the_circle():
    keys = torch.tensor([[1.0, 0.0], [1.0, 1.0]])  # 45° apart: the second lies at 1/8
    codes = build(CircleOptions())(keys, positions(8))
    torch.testing.assert_close(codes[0], keys[0])
    torch.testing.assert_close(codes[1], keys[1])
    angles = torch.atan2(codes[:, 1], codes[:, 0])
    expected = torch.tensor([0, 1, 2, 3, 4, -3, -2, -1]) * math.pi / 4
    torch.testing.assert_close(angles.abs(), expected.abs(), atol=1e-6, rtol=0)
    assert codes.norm(dim=-1).min() >= 1 - 1e-6
    assert codes.norm(dim=-1).max() <= 2**0.5 + 1e-6


@pytest.mark.parametrize("seeds", [[7], [7, 8], [7, 7]])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_every_step_is_as_long_as_any_other_on_a_sphere(seeds, turns):
    keys = draw(seeds, 33, "sphere")
    codes = build(CircleOptions(turns=turns))(keys, positions(240))
    steps = (torch.roll(codes, -1, 0) - codes).norm(dim=-1)
    torch.testing.assert_close(steps, steps[:1].expand(240), atol=1e-4, rtol=0)
    torch.testing.assert_close(codes.norm(dim=-1), torch.full((240,), 33**0.5))


def test_closes_exactly():
    for seeds in ([0], [0, 1]):
        keys = draw(seeds, 10, "gaussian")
        ends = build(CircleOptions(turns=3))(keys, torch.tensor([0.0, 1.0], dtype=D))
        assert torch.equal(ends[0], ends[1])


def test_second_key_is_met():
    keys = draw([4, 5], 32, "gaussian")
    codes = build(CircleOptions())(keys, positions(20000))
    assert float((codes - keys[1]).norm(dim=-1).min()) < 1e-2


def test_one_key_twice_is_the_circle_of_one():
    key = draw([4], 8, "gaussian")
    one = build(CircleOptions())(key, positions(9))
    torch.testing.assert_close(build(CircleOptions())(torch.cat([key, key]), positions(9)), one)


def test_opposite_keys_and_zeros_lose_no_number():
    key = draw([4], 8, "sphere")
    codes = build(CircleOptions())(torch.cat([key, -key]), positions(8))
    torch.testing.assert_close(codes.norm(dim=-1), torch.full((8,), 8**0.5))
    assert torch.equal(build(CircleOptions())(torch.zeros(2, 4), positions(3)), torch.zeros(3, 4))


def test_more_than_two_keys_are_refused():
    with pytest.raises(ConfigError) as caught:
        build(CircleOptions())(draw([1, 2, 3], 4, "sphere"), positions(3))
    assert str(caught.value) == (
        "a circle goes through one or two keys, 3 were given: give fewer, or use --sampler slerp"
    )


@pytest.mark.parametrize("turns", [0, 1.5, -1])
def test_turns_are_whole(turns):
    with pytest.raises(ConfigError, match=r"samplers\.circle\.turns"):
        validate(CircleOptions, {"turns": turns}, "samplers.circle")

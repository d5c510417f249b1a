"""Slerp: values worked by hand, closure, lengths, and keys that span no plane."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from artgan.latents import draw
from artgan_plugins.samplers.slerp import build, quarter_turn, slerp

D = torch.float64


def positions(count):
    return torch.arange(count, dtype=D) / count


def test_halves_a_right_angle():
    a, b = torch.tensor([[2.0, 0.0]], dtype=D), torch.tensor([[0.0, 2.0]], dtype=D)
    middle = slerp(a, b, torch.tensor([0.5], dtype=D))
    torch.testing.assert_close(middle, torch.tensor([[math.sqrt(2), math.sqrt(2)]], dtype=D))


def test_lengths_change_in_log_space():
    a, b = torch.tensor([[1.0, 0.0]], dtype=D), torch.tensor([[0.0, 4.0]], dtype=D)
    middle = slerp(a, b, torch.tensor([0.5], dtype=D))
    assert float(middle.norm()) == pytest.approx(2.0)


def test_four_frames_between_two_keys_go_there_and_back():
    keys = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    half = math.sqrt(0.5)
    expected = torch.tensor([[1.0, 0.0], [half, half], [0.0, 1.0], [half, half]])
    torch.testing.assert_close(build()(keys, positions(4)), expected)


def test_one_key_is_a_still():
    key = draw([0], 5, "gaussian")
    codes = build()(key, positions(7))
    torch.testing.assert_close(codes, key.expand(7, 5))


@pytest.mark.parametrize("count", [1, 2, 3, 6, 49])
def test_passes_through_every_key_and_closes(count):
    keys = draw(range(count), 16, "gaussian")
    path = build()
    torch.testing.assert_close(path(keys, positions(count)), keys, atol=1e-5, rtol=0)
    ends = path(keys, torch.tensor([0.0, 1.0], dtype=D))
    assert torch.equal(ends[0], ends[1])


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_an_open_path_ends_at_its_last_key(count):
    keys = draw(range(count), 16, "gaussian")
    at = torch.linspace(0, 1, count)
    torch.testing.assert_close(build(closed=False)(keys, at), keys, atol=1e-5, rtol=0)


def test_three_keys_of_an_open_path_by_hand():
    keys = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    codes = build(closed=False)(keys, torch.linspace(0, 1, 5))
    half = math.sqrt(0.5)
    expected = torch.tensor([[1, 0], [half, half], [0, 1], [-half, half], [-1, 0]])
    torch.testing.assert_close(codes, expected)


@pytest.mark.parametrize("prior", ["gaussian", "sphere"])
def test_seam_is_an_ordinary_step(prior):
    keys = draw([3, 17, 42, 5], 64, prior)
    codes = build()(keys, positions(240))
    steps = (torch.roll(codes, -1, 0) - codes).norm(dim=-1)
    assert float(steps[-1]) <= 1.2 * float(steps.median())


def test_never_leaves_the_shell():
    sphere = draw(range(5), 64, "sphere")
    lengths = build()(sphere, positions(101)).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.full((101,), 8.0))
    gaussian = draw(range(5), 64, "gaussian")
    lengths = build()(gaussian, positions(101)).norm(dim=-1)
    own = gaussian.norm(dim=-1)
    assert own.min() - 1e-4 <= lengths.min()
    assert lengths.max() <= own.max() + 1e-4


def test_equal_keys_stand_still_and_opposite_ones_stay_on_the_shell():
    key = draw([1], 6, "sphere")
    path = build()
    still = path(torch.cat([key, key]), positions(8))
    torch.testing.assert_close(still, key.expand(8, 6))
    across = path(torch.cat([key, -key]), positions(8))
    torch.testing.assert_close(across.norm(dim=-1), torch.full((8,), 6**0.5))
    torch.testing.assert_close(across[4:5], -key, atol=1e-5, rtol=0)


@pytest.mark.parametrize("offset", [1e-4, 1e-7, 1e-9, 1e-12, 0.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_nearly_equal_and_nearly_opposite_keys_keep_their_length(offset, sign):
    a = torch.tensor([[1.0, 0.0, 0.0, 0.0]], dtype=D)
    b = torch.tensor([[sign, offset, 0.0, 0.0]], dtype=D)
    for t in (0.0, 0.25, 0.5, 1.0):
        assert float(slerp(a, b, torch.tensor([t], dtype=D)).norm()) == pytest.approx(1, abs=1e-6)


def test_zero_keys_make_zeros():
    codes = build()(torch.zeros(3, 4), positions(6))
    assert torch.equal(codes, torch.zeros(6, 4))


def test_codes_of_any_shape_are_one_vector_each():
    keys = draw([1, 2], 12, "gaussian")
    path = build()
    shaped = path(keys.unflatten(1, (3, 4)), positions(5))
    assert torch.equal(shaped.flatten(1), path(keys, positions(5)))
    assert shaped.shape == (5, 3, 4)


def test_quarter_turn_of_an_odd_vector_by_hand():
    turned = quarter_turn(torch.tensor([[3.0, 4.0, 0.0]]))
    torch.testing.assert_close(turned, torch.tensor([[-4.0, 3.0, 0.0]]))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(count=st.integers(1, 8), frames=st.integers(2, 500), width=st.integers(2, 20))
def test_any_walk_is_finite_and_starts_at_its_first_key(count, frames, width):
    keys = draw(range(count), width, "gaussian")
    codes = build()(keys, positions(frames))
    assert codes.shape == (frames, width)
    assert codes.dtype == torch.float32
    assert bool(codes.isfinite().all())
    assert torch.equal(codes[0], build()(keys, torch.ones(1, dtype=D))[0])

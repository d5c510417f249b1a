"""Spline: curves worked out by hand, smooth at keys, on the shell, and keys that span no plane."""

import math

import pytest
import torch
from torch.linalg import vector_norm

from artgan.latents import draw
from artgan_plugins.samplers.spline import (
    build,
    flat_spline,
    pair_circle,
    shell_spline,
    sphere_spline,
)

D = torch.float64


def positions(count):
    return torch.arange(count, dtype=D) / count


def test_the_four_ends_of_a_cross_make_a_circle():
    """Every arc leaves a key as the last one reached it, so that nothing has to be bent."""
    keys = torch.tensor([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]])
    turn = 2 * math.pi * positions(24)
    expected = 2 * torch.stack([turn.cos(), turn.sin()], 1).float()
    torch.testing.assert_close(build()(keys, positions(24)), expected, atol=1e-6, rtol=0)


def test_half_way_the_four_neighbours_count_as_catmull_and_rom_say():
    points = draw(range(4), 5, "gaussian").double()
    middle = flat_spline(points, torch.tensor([3 / 8]), closed=True)[0]
    expected = (-points[0] + 9 * points[1] + 9 * points[2] - points[3]) / 16
    torch.testing.assert_close(middle, expected)


def test_an_open_flat_curve_leaves_as_its_line_does_by_hand():
    points = torch.tensor([[0.0], [1.0], [0.0]], dtype=D)  # velocities 1, 0 and -1 at the keys
    middle = flat_spline(points, torch.tensor([0.25, 0.75]), closed=False)
    torch.testing.assert_close(middle, torch.full((2, 1), 1 / 2 + 1 / 8, dtype=D))


@pytest.mark.parametrize("space", ["z", "w"])
@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 6, 49])
def test_meets_every_key(space, closed, count):
    keys = draw(range(count), 16, "gaussian")
    at = positions(count) if closed else torch.linspace(0, 1, count)
    codes = build(closed=closed, space=space)(keys, at)
    torch.testing.assert_close(codes, keys, atol=1e-5, rtol=0)
    if closed:
        ends = build(space=space)(keys, torch.tensor([0.0, 1.0]))
        assert torch.equal(ends[0], ends[1])


@pytest.mark.parametrize("curve", [flat_spline, shell_spline])
@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_velocity_is_the_same_on_both_sides_of_a_key(curve, closed, count):
    keys, h = draw(range(count), 32, "gaussian").double(), 1e-6
    at = positions(count) if closed else torch.linspace(0, 1, count, dtype=D)[1:-1]
    here = curve(keys, at, closed=closed)
    before = (here - curve(keys, (at - h) % 1, closed=closed)) / h
    after = (curve(keys, at + h, closed=closed) - here) / h
    torch.testing.assert_close(before, after, atol=2e-3, rtol=0)


def test_an_open_curve_does_not_rest_at_its_ends():
    keys = draw(range(4), 32, "sphere")
    steps = build(closed=False)(keys, torch.linspace(0, 1, 301)).diff(dim=0).norm(dim=-1)
    assert float(steps[0]) > 0.7 * float(steps.median())
    assert float(steps[-1]) > 0.7 * float(steps.median())


def test_six_keys_of_128_numbers_keep_their_length_and_never_turn_sharply():
    keys = draw(range(6), 128, "gaussian")
    codes = build()(keys, positions(240)).double()
    lengths = codes.norm(dim=-1) / math.sqrt(128)
    assert lengths.min() > 0.93
    assert lengths.max() < 1.12
    steps = torch.roll(codes, -1, 0) - codes
    sizes = steps.norm(dim=-1)
    assert sizes.std() / sizes.mean() < 0.3
    cosines = torch.cosine_similarity(steps, torch.roll(steps, -1, 0), dim=-1)
    assert float(torch.rad2deg(cosines.clamp(-1, 1).acos()).max()) < 12  # of arcs alone: 90


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("count", [2, 3, 6])
def test_stays_on_a_sphere(closed, count):
    codes = build(closed=closed)(draw(range(count), 64, "sphere"), torch.linspace(0, 1, 101))
    torch.testing.assert_close(codes.norm(dim=-1), torch.full((101,), 8.0))


def test_two_keys_are_opposite_points_of_one_circle_by_hand():
    a, b = torch.eye(4, dtype=D)[:2]
    there, back = pair_circle(a, b, torch.tensor([0.25, 0.75]))
    for point in (there, back):  # half-way: the middle of both, and as much to a side of its own
        torch.testing.assert_close(point[:2], torch.full((2,), 0.5, dtype=D))
    torch.testing.assert_close(there @ back, torch.zeros((), dtype=D))
    codes = build()(draw([3, 4], 64, "sphere"), positions(240))
    steps = (torch.roll(codes, -1, 0) - codes).norm(dim=-1)
    torch.testing.assert_close(steps, steps[:1].expand(240), atol=1e-4, rtol=0)


def test_two_keys_in_a_plane_leave_only_the_way_there_and_back():
    codes = build()(torch.eye(2), torch.tensor([0.25, 0.5, 0.75]))
    half = math.sqrt(0.5)
    expected = torch.tensor([[half, half], [0.0, 1.0], [half, half]])
    torch.testing.assert_close(codes, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("signs", ["+-", "++", "+--", "+-+", "++--", "+-+-", "+--+-+"])
@pytest.mark.parametrize("offset", [0.0, 1e-9, 1e-7, 1e-5])
def test_equal_and_opposite_keys_make_no_jump(closed, signs, offset):
    key = draw([1], 6, "sphere").double()
    aside = offset * draw(range(len(signs)), 6, "gaussian")
    keys = key * torch.tensor([{"+": 1, "-": -1}[s] for s in signs])[:, None] + aside

    def longest(frames):
        codes = shell_spline(keys, torch.linspace(0, 1, frames + 1), closed=closed)
        lengths = vector_norm(codes, dim=-1)
        torch.testing.assert_close(lengths, torch.full_like(lengths, 6**0.5), rtol=1e-4, atol=0)
        return float(codes.diff(dim=0).norm(dim=-1).max())

    assert longest(800) <= 0.3 * longest(200) + 1e-6


def test_the_sharpest_bend_stays_away_from_the_centre():
    """Arcs of 180° in and out along one line: bent by π / 4 at most, so 0.21 is left."""
    units = torch.tensor([[1.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0]], dtype=D).repeat(3, 1)
    points = sphere_spline(units, positions(600), closed=True)
    torch.testing.assert_close(vector_norm(points, dim=-1), torch.ones(600, dtype=D))


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_zero_keys_lose_no_number(closed, count):
    path = build(closed=closed)
    assert torch.equal(path(torch.zeros(count, 4), positions(7)), torch.zeros(7, 4))
    some = torch.cat([torch.zeros(1, 4), draw(range(count), 4, "gaussian")])
    assert bool(path(some, positions(33)).isfinite().all())
    torch.testing.assert_close(path(some, torch.zeros(1)), torch.zeros(1, 4))


@pytest.mark.parametrize("space", ["z", "w"])
def test_codes_of_any_shape_are_one_vector_each(space):
    keys, path = draw([1, 2, 3], 12, "gaussian"), build(space=space)
    shaped = path(keys.unflatten(1, (3, 4)), positions(5))
    assert torch.equal(shaped.flatten(1), path(keys, positions(5)))
    assert shaped.shape == (5, 3, 4)

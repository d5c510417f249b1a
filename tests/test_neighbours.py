"""Nearest pictures: distances by hand, mirrors, shifts, the same ones left out."""

import pytest
import torch
from metric_kit import noise, paintings
from torch.testing import assert_close

from artgan import neighbours as module
from artgan.neighbours import HALF_STEP, alone, nearest, neighbours, shifted, shrink


def levels(*values, size=(4, 5)):
    """Return pictures of one level each."""
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, *size).contiguous()


def brute(pictures, crowd):
    """Return all RMS distances, the smaller of plain and mirrored."""
    both = [
        (pictures[:, None] - version[None]).square().mean((2, 3, 4)).sqrt()
        for version in (crowd, crowd.flip(-1))
    ]
    return torch.minimum(*both)


def test_distances_are_roots_of_mean_squares():
    distances, numbers = nearest(levels(0.1, 0.9), levels(0.0, 0.3, 1.0), 2)
    assert numbers.tolist() == [[0, 1], [2, 1]]
    assert_close(distances, torch.tensor([[0.1, 0.2], [0.1, 0.6]]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("width", [32, 31])
def test_mirror_images_are_as_near(width):
    pictures, crowd = paintings(6)[..., :width], paintings(30, first=100)[..., :width]
    distances, numbers = nearest(pictures, crowd, 5)
    expected, wanted = brute(pictures, crowd).topk(5, largest=False)
    assert_close(distances, expected, atol=1e-4, rtol=1e-4)
    assert torch.equal(numbers, wanted)
    mirrored, _ = nearest(pictures.flip(-1), crowd, 5)
    assert_close(mirrored, distances, atol=1e-4, rtol=1e-4)


def test_parts_give_the_same(monkeypatch):
    whole = nearest(paintings(9), noise(20), 3)
    moved = shifted(paintings(9), noise(20), whole[1])
    monkeypatch.setattr(module, "_QUERIES", 4)
    monkeypatch.setattr(module, "_FEW", 2)
    assert_close(nearest(paintings(9), noise(20), 3), whole)
    assert_close(shifted(paintings(9), noise(20), whole[1]), moved)


def test_no_more_than_there_are():
    distances, numbers = nearest(levels(0.5), levels(0.4, 0.9), 7)
    assert distances.shape == numbers.shape == (1, 2)
    distances, _ = nearest(levels(0.4), levels(0.4, 0.9), 7, apart=HALF_STEP)
    assert_close(distances, torch.tensor([[0.5, torch.inf]]), atol=1e-4, rtol=0)


def test_a_shift_brings_a_moved_picture_back():
    pictures = paintings(8)
    moved = pictures.roll((1, -1), (2, 3))
    numbers = torch.arange(8)[:, None]
    assert float(shifted(moved, pictures, numbers).max()) < 1e-3
    assert float(shifted(moved.flip(-1), pictures, numbers).max()) < 1e-3
    far = pictures.roll((2, 0), (2, 3))
    assert float(shifted(far, pictures, numbers).min()) > 0.01
    assert float(shifted(far, pictures, numbers, 2).max()) < 1e-3


def test_a_shift_compares_all_but_the_margin():
    framed = levels(0.0, size=(6, 6))
    framed[..., 1:-1, 1:-1] = 0.5
    assert shifted(levels(0.5, size=(6, 6)), framed, torch.tensor([[0]])).item() < 1e-3


def test_alone_is_the_distance_to_the_nearest_different_one():
    crowd = torch.cat([levels(0.0, 0.0, 0.4, 1.0), levels(0.4)])
    assert_close(
        alone(crowd, torch.tensor([0, 2, 3])), torch.tensor([0.4, 0.4, 0.6]), atol=1e-4, rtol=0
    )
    mirrored = torch.cat([paintings(5), paintings(5).flip(-1)])
    assert_close(alone(mirrored, torch.arange(5)), alone(paintings(5), torch.arange(5)))
    assert_close(alone(levels(0.3, 0.3), torch.tensor([1])), torch.tensor([HALF_STEP]))


def test_neighbours_begin_with_the_closest():
    # b is .4 for 0 and .4, .6 for 1: the closeness of .1, .9, .5 is .1/.4, .1/.6, .1/.4
    found = neighbours(levels(0.1, 0.9, 0.45), levels(0.0, 0.4, 1.0), 2, 2)
    assert found.pictures.tolist() == [2, 1]
    assert found.reals.tolist() == [[1, 0], [2, 1]]
    assert_close(found.closeness, torch.tensor([0.125, 1 / 6]), atol=1e-3, rtol=0)


def test_neighbours_are_found_among_smaller_pictures():
    large = paintings(12, side=64)
    small = torch.nn.functional.avg_pool2d(large, 2)
    found = neighbours(large[[3, 7]], small, 5, 3)
    assert sorted(found.pictures.tolist()) == [0, 1]
    assert sorted(found.reals[:, 0].tolist()) == [3, 7]


def test_shrink_averages_areas_and_leaves_what_is_small():
    assert torch.equal(shrink(levels(0.5)), levels(0.5))
    large = paintings(2, side=64)
    assert_close(shrink(large), torch.nn.functional.avg_pool2d(large, 2))
    assert shrink(large[..., :48, :], 24).shape[-2:] == (24, 32)
    assert shrink(large, like=levels(0.0)).shape[-2:] == (4, 5)

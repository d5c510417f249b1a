"""Gram matrices, by hand: means over places of products of channels."""

import pytest
import torch
from torch.testing import assert_close

from artgan_plugins.losses.gram import build, gram_matrix, relative_distance
from artgan_plugins.losses.options import LayersOptions

LOSS = build(LayersOptions())


def features(count=1, seed=0, size=(4, 6)):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, *size, generator=random)


def value(given, target):
    return LOSS.compare(LOSS.statistics({"a": given}), LOSS.statistics({"a": target}))


@pytest.mark.parametrize("size", [(1, 1), (4, 6), (5, 3)])
def test_of_ones_it_is_ones(size):
    assert_close(gram_matrix(torch.ones(2, 3, *size)), torch.ones(2, 3, 3))


def test_it_is_the_mean_over_places_of_products():
    two = torch.tensor([[[[1.0, 3.0]], [[2.0, 0.0]]]])  # channels (1, 3) and (2, 0)
    assert_close(gram_matrix(two), torch.tensor([[[5.0, 1.0], [1.0, 2.0]]]))


def test_a_mask_says_which_places_count():
    two = torch.tensor([[[[1.0, 3.0]], [[2.0, 0.0]]]])
    second = torch.tensor([[[[0.0, 1.0]]]])
    assert_close(gram_matrix(two, second), torch.tensor([[[9.0, 0.0], [0.0, 0.0]]]))
    assert_close(gram_matrix(two, torch.full((1, 1, 1, 2), 0.3)), gram_matrix(two))
    assert_close(gram_matrix(two, torch.zeros(1, 1, 1, 2)), torch.zeros(1, 2, 2))


def test_order_of_pictures_and_places_does_not_matter():
    many = features(3)
    assert_close(gram_matrix(many.flip(0)), gram_matrix(many).flip(0))
    places = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    assert_close(gram_matrix(many.flatten(2)[..., places].unflatten(2, (4, 6))), gram_matrix(many))


def test_the_distance_is_in_parts_of_the_targets_norm():
    target = torch.eye(3)[None]
    assert_close(relative_distance(0 * target, target), torch.ones(1))
    assert_close(relative_distance(3 * target, target), torch.tensor([4.0]))
    assert_close(relative_distance(torch.ones(1, 3, 3), target), torch.tensor([2.0]))  # 6 / 3


def test_louder_features_of_both_change_nothing():
    far = value(features(), features(seed=1))
    assert_close(value(10 * features(), 10 * features(seed=1)), far)
    assert_close(value(features(), features()), torch.zeros(1))


def test_layers_count_alike():
    ones = torch.ones(1, 2, 3, 3)
    given = LOSS.statistics({"a": 0 * ones, "b": ones})
    assert_close(LOSS.compare(given, LOSS.statistics({"a": ones, "b": ones})), torch.tensor([0.5]))


def test_gradient():
    given = features(2, 1).double().requires_grad_()
    target = gram_matrix(features().double())
    mask = torch.rand(2, 1, 4, 6).double()
    assert torch.autograd.gradcheck(
        lambda x: relative_distance(gram_matrix(x, mask), target), (given,)
    )

"""Content: 0 where features stay, in parts of how much they vary."""

import pytest
import torch
from pydantic import ValidationError
from torch.testing import assert_close

from artgan_plugins.losses.content import build, content_loss
from artgan_plugins.losses.options import LayersOptions

LOSS = build(LayersOptions())


def features(count=1, seed=0, size=(4, 6)):
    random = torch.Generator().manual_seed(seed)
    return {"a": torch.randn(count, 3, *size, generator=random)}


def value(given, target):
    return LOSS.compare(LOSS.statistics(given), LOSS.statistics(target))


def test_features_that_stay_cost_nothing():
    assert_close(value(features(), features()), torch.zeros(1))


def test_a_shift_by_the_targets_deviation_costs_one():
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).view(1, 1, 2, 2)  # variance 1
    assert_close(value({"a": checks + 1}, {"a": checks}), torch.ones(1))
    assert_close(value({"a": checks + 3}, {"a": checks}), torch.tensor([9.0]))
    assert_close(value({"a": 10 * checks + 10}, {"a": 10 * checks}), torch.ones(1))


def test_where_all_places_are_alike_the_mean_of_the_target_remains():
    target = features()
    flat = {"a": target["a"].mean((2, 3), keepdim=True).expand_as(target["a"])}
    assert_close(value(flat, target), torch.ones(1))


def test_layers_count_alike():
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).view(1, 1, 2, 2)
    target = {"a": checks, "b": checks.repeat(1, 5, 4, 4)}
    given = {"a": target["a"] + 1, "b": target["b"] + 2}
    assert_close(value(given, target), torch.tensor([2.5]))  # 1 and 4


def test_one_target_serves_all():
    many, target = features(3, 1), features()
    alone = [value({"a": many["a"][i : i + 1]}, target) for i in range(3)]
    assert_close(value(many, target), torch.cat(alone))


def test_the_layers_asked_for_are_said():
    assert LOSS.layers == ()
    assert build(LayersOptions(layers=("a", "b"))).layers == ("a", "b")
    with pytest.raises(ValidationError):
        LayersOptions(layer="a")


def test_features_of_another_shape_are_refused():
    with pytest.raises(RuntimeError, match="must match"):
        value(features(), features(size=(4, 5)))


def test_gradient():
    target = features()["a"].double()
    given = features(2, 1)["a"].double().requires_grad_()
    spread = target.var((2, 3), unbiased=False).mean(1)
    assert torch.autograd.gradcheck(lambda x: content_loss(x, target, spread), (given,))

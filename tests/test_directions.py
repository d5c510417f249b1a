"""Directions: worked out by hand, with fixed signs, and refused where there are none."""

import dataclasses

import pytest
import torch
from fakes import MappedGenerator, fake_model, model_of
from torch.testing import assert_close

from artgan.directions import directions
from artgan.errors import ConfigError, ShapeError
from artgan_plugins.architectures.dcgan import build
from artgan_plugins.architectures.dcgan_options import DcganOptions


def model(weight, z_dim=3):
    found = fake_model(z_dim)
    found.generator.latent_weight = lambda: weight
    return found


def test_a_diagonal_weight_by_hand():
    weight = torch.zeros(3, 5)
    weight[0, 1], weight[1, 4], weight[2, 0] = 2.0, -7.0, 1.0
    assert_close(directions(model(weight)), torch.eye(3)[[1, 0, 2]])
    assert_close(directions(model(weight), 2), torch.eye(3)[[1, 0]])
    assert_close(directions(model(weight), 9), torch.eye(3)[[1, 0, 2]])


@pytest.mark.parametrize("sign", [1, -1])
def test_signs_are_fixed(sign):
    skew = torch.tensor([[1.0], [-2.0], [2.0 + 1e-3]]) * sign
    (found,) = directions(model(skew))
    assert found[2] > 0
    assert_close(found, skew[:, 0] * sign / skew.norm(), rtol=1e-5, atol=1e-5)


def test_they_are_square_unit_vectors_and_each_answers_less_than_the_one_before():
    torch.manual_seed(0)
    networks = build(DcganOptions(z_dim=20, base_channels=8), size=(16, 16), channels=3)
    made = dataclasses.replace(fake_model(20), generator=networks.generator.eval())
    found = directions(made)
    assert found.dtype == torch.float32
    assert not found.requires_grad
    assert_close(found @ found.T, torch.eye(20), atol=1e-5, rtol=0)
    answers = (found @ networks.generator.latent_weight().detach()).norm(dim=-1)
    assert bool((answers.diff() <= 1e-6).all())
    assert torch.equal(found, directions(made))


def test_fewer_features_make_fewer_directions():
    assert directions(model(torch.randn(3, 2))).shape == (2, 3)


def test_an_architecture_without_a_weight_is_refused():
    with pytest.raises(ConfigError) as caught:
        directions(fake_model())
    assert str(caught.value) == (
        "architecture 'fake' has no latent_weight(), which directions are found in: "
        "choose another --sampler"
    )


def test_a_weight_that_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"latent_weight\(\) has shape \(5, 3\), expected \(3, f"):
        directions(model(torch.zeros(5, 3)))


@pytest.mark.parametrize("layers", [None, 4])
def test_directions_of_w_move_every_layer_alike(layers):
    mapped = model_of(MappedGenerator(6, 3, (8, 8), layers, width=3))
    weight = torch.zeros(3, 5)
    weight[0, 1], weight[1, 4], weight[2, 0] = 2.0, -7.0, 1.0
    mapped.generator.style_weight = lambda: weight
    expected = torch.eye(3)[[1, 0, 2]]
    if layers is not None:
        expected = expected[:, None].expand(3, 4, 3) / 2
    found = directions(mapped, space="w")
    assert_close(found, expected)
    assert_close(found.flatten(1).norm(dim=1), torch.ones(3))
    assert_close(directions(mapped, 1, space="w"), expected[:1])


def test_a_network_without_a_weight_of_w_is_refused():
    mapped = model_of(MappedGenerator(6, 3, (8, 8), 4))
    with pytest.raises(ConfigError, match=r"has no style_weight\(\), which directions"):
        directions(mapped, space="w")
    mapped.generator.style_weight = lambda: torch.zeros(4, 9)
    with pytest.raises(ShapeError, match=r"style_weight\(\) has shape \(4, 9\), expected \(5, f"):
        directions(mapped, space="w")

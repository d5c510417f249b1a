"""Rendering: the same bytes whatever is asked beside it, the finest scale, and recipes."""

import json

import pytest
import torch
from fakes import FakeGenerator, fake_model

from artgan import __version__
from artgan.errors import ShapeError
from artgan.images import to_bytes
from artgan.latents import draw
from artgan.rendering import RENDER_BATCH, codes_of, describe_truncation, recipe, render
from artgan_plugins.architectures.dcgan import build
from artgan_plugins.architectures.dcgan_options import DcganOptions


def pictures(model, seeds, **how):
    codes = codes_of(model, draw(seeds, model.generator.z_dim, model.prior))
    return torch.stack(list(render(model, codes, **how)))


def convolutional(**how):
    import dataclasses

    torch.manual_seed(0)
    networks = build(DcganOptions(z_dim=20, base_channels=8), size=(16, 24), channels=3)
    return dataclasses.replace(
        fake_model(size=(16, 24)), generator=networks.generator.eval().requires_grad_(False), **how
    )


@pytest.mark.parametrize("model", [fake_model(), convolutional()], ids=["linear", "dcgan"])
def test_a_seed_is_the_same_picture_in_any_company(model):
    many = pictures(model, range(40))
    for seed in (0, 5, 16, 39):
        assert torch.equal(pictures(model, [seed])[0], many[seed])
    assert torch.equal(pictures(model, [39, 7, 5])[2], many[5])


@pytest.mark.parametrize("count", [1, RENDER_BATCH - 1, RENDER_BATCH, RENDER_BATCH + 1, 40])
def test_every_batch_is_of_one_size(count, monkeypatch):
    model = fake_model()
    sizes = []
    original = FakeGenerator.render

    def watched(self, codes):
        sizes.append(len(codes))
        return original(self, codes)

    monkeypatch.setattr(FakeGenerator, "render", watched)
    assert len(pictures(model, range(count))) == count
    assert set(sizes) == {RENDER_BATCH}


def test_pictures_are_unit_and_of_the_finest_scale():
    model = fake_model(size=(8, 12))
    z = draw([3], 8, "gaussian")
    (picture,) = render(model, codes_of(model, z))
    expected = (model.generator.render(z.expand(RENDER_BATCH, -1))[1][0] + 1) / 2
    torch.testing.assert_close(picture, expected)
    assert picture.shape == (3, 8, 12)


def test_psi_scales_codes_and_0_is_the_mean():
    model = fake_model()
    z = draw([1, 2], 8, "gaussian")
    torch.testing.assert_close(codes_of(model, z, psi=0.5), z / 2)
    mean = list(render(model, codes_of(model, z, psi=0.0)))
    assert torch.equal(mean[0], mean[1])
    torch.testing.assert_close(mean[0], torch.full((3, 8, 12), 0.5))


def test_scale():
    model = fake_model(size=(8, 12))
    small, large = pictures(model, [4])[0], pictures(model, [4], scale=3, smooth=False)[0]
    assert torch.equal(large[:, 1::3, 1::3], small)
    assert pictures(model, [4], scale=2)[0].shape == (3, 16, 24)


def test_nothing_in_nothing_out_and_gradients_stay_on_for_others():
    model = fake_model()
    assert list(render(model, torch.empty(0, 8))) == []
    frames = render(model, codes_of(model, draw([1, 2], 8, "gaussian")))
    next(frames)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda codes: (torch.zeros(len(codes), 3, 4, 4),), r"drew pictures \(16, 3, 4, 4\)"),
        (lambda codes: (torch.full((len(codes), 3, 8, 12), float("nan")),), "values from nan"),
    ],
)
def test_a_generator_that_draws_something_else_is_refused(wrong, message):
    model = fake_model()
    model.generator.render = wrong
    with pytest.raises(ShapeError, match=message):
        pictures(model, [0])


def test_bytes_of_seed_0_twice():
    model = fake_model()
    assert torch.equal(to_bytes(pictures(model, [0])), to_bytes(pictures(model, [0])))


def test_recipe_says_what_made_it_and_nothing_of_this_machine():
    text = recipe("walk", fake_model(), {"keys": [0, 1], "psi": 1.0})
    assert json.loads(text) == {
        "schema": 1,
        "artgan": __version__,
        "command": "walk",
        "model": {"run_id": "abc", "arch": "fake", "cur_nimg": 128000, "digest": "00" * 32},
        "walk": {"keys": [0, 1], "psi": 1.0},
    }
    assert text.isascii()


def test_truncation_in_words():
    import dataclasses

    model = fake_model()
    assert describe_truncation(model, 1.0) is None
    assert describe_truncation(model, 0.5) == "truncation 0.5 scales z, since 'fake' has no w"
    sphere = dataclasses.replace(model, prior="sphere")
    assert describe_truncation(sphere, 0.5).endswith("; it was trained at full length")
    mapped = dataclasses.replace(model, spaces=("z", "w"))
    assert describe_truncation(mapped, 0.7) == "truncation 0.7 pulls w towards its mean"

"""Random filters: as loud as each other on the pictures they are scaled on, and seeded."""

from __future__ import annotations

import pytest
import torch

from artgan.latents import generator
from artgan_plugins.extractors.options import RandomOptions
from artgan_plugins.extractors.random_features import build

WIDTHS = (8, 12, 16)


def pictures(count, side=32):
    return [torch.rand(1, 3, side + 8 * i, side, generator=generator(9 + i)) for i in range(count)]


def fitted(seed=0, contents=None, styles=None):
    extractor = build(RandomOptions(widths=WIDTHS))
    extractor.fit(
        pictures(1) if contents is None else contents,
        pictures(2)[1:] if styles is None else styles,
        random=generator(seed),
    )
    return extractor


@pytest.mark.parametrize("seed", [0, 1])
def test_every_channel_is_equally_loud_on_the_pictures(seed):
    extractor = fitted(seed)
    seen = [extractor(image, extractor.layers) for image in pictures(2)]
    for layer in extractor.layers:
        power = torch.stack([features[layer].square().mean((0, 2, 3)) for features in seen]).mean(0)
        torch.testing.assert_close(power.sqrt(), torch.ones_like(power), rtol=1e-4, atol=1e-4)


def test_it_sees_nothing_before_it_is_fitted():
    extractor = build(RandomOptions(widths=WIDTHS))
    features = extractor(pictures(1)[0], ["stage3"])
    assert features["stage3"].shape == (1, 16, 8, 8)
    assert not features["stage3"].any()


def test_the_same_seed_draws_the_same_filters():
    first, second, other = (fitted(seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["stage1_weight"], other["stage1_weight"])


def test_fitting_again_begins_anew():
    extractor = fitted(1)
    extractor.fit(pictures(1), pictures(2)[1:], random=generator(0))
    wanted = fitted(0).state_dict()
    assert all(torch.equal(t, wanted[name]) for name, t in extractor.state_dict().items())


def test_filters_are_gaussian_noise_that_is_only_scaled():
    weight = fitted(0).stage1_weight.flatten(1)
    drawn = torch.randn(8, 3, 5, 5, generator=generator(0)).flatten(1)
    cosines = torch.nn.functional.cosine_similarity(weight, drawn)
    torch.testing.assert_close(cosines, torch.ones(8))


@pytest.mark.parametrize("value", [0.0, 0.45, 1.0])
def test_flat_pictures_give_finite_filters(value):
    flat = [torch.full((1, 3, 32, 32), value)]
    extractor = fitted(contents=flat, styles=flat)
    assert all(t.isfinite().all() for t in extractor.state_dict().values())
    loud = extractor(torch.rand(1, 3, 32, 32, generator=generator(3)), extractor.layers)
    assert all(features.isfinite().all() for features in loud.values())


def test_every_channel_answers_at_about_half_of_the_places():
    extractor = fitted()
    features = extractor(pictures(1)[0], extractor.layers)
    shares = [(each > 0).float().mean((0, 2, 3)) for each in features.values()]
    assert all(share.min() > 0.2 and share.max() < 0.8 for share in shares)


def test_a_channel_that_does_not_answer_is_left_as_it_was_drawn():
    flat = [torch.full((1, 3, 32, 32), 0.7)]
    drawn = torch.randn(8, 3, 5, 5, generator=generator(0)) / 75**0.5
    extractor = fitted(contents=flat, styles=flat)
    torch.testing.assert_close(extractor.stage1_weight, drawn)
    assert extractor(flat[0], ["stage1"])["stage1"].abs().max() < 1e-5


def test_gradients_reach_the_picture_and_nothing_else():
    extractor = fitted()
    image = pictures(1)[0].requires_grad_()
    extractor(image, ["stage2"])["stage2"].square().sum().backward()
    assert image.grad.abs().sum() > 0
    assert list(extractor.parameters()) == []

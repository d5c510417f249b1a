"""Filters learnt from patches: whitening, clusters, scale, chance."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import normalize
from torch.testing import assert_close

from artgan.latents import generator
from artgan_plugins.extractors.options import PatchKmeansOptions
from artgan_plugins.extractors.patch_kmeans import (
    MOST_DIRECTIONS,
    build,
    spherical_kmeans,
    whitening,
)

SMALL = {"widths": (6, 8, 8), "patches": 400, "rounds": 4}


def picture(seed=0, size=(24, 31)):
    coarse = torch.rand(1, 3, 8, 8, generator=generator(seed))
    smooth = torch.nn.functional.interpolate(coarse, size, mode="bicubic", align_corners=False)
    return (smooth + 0.05 * torch.randn(smooth.shape, generator=generator(seed + 100))).clamp(0, 1)


def fitted(contents=None, styles=None, seed=0, **options):
    extractor = build(PatchKmeansOptions(**{**SMALL, **options}))
    given = contents or [picture(1)], styles or [picture(2, (32, 20))]
    extractor.fit(*given, random=generator(seed))
    return extractor


# Whitening


def test_whitened_patches_have_mean_0_and_variance_1_and_do_not_go_together():
    mix = torch.randn(10, 10, generator=generator(0))
    patches = 3 + torch.randn(2000, 10, generator=generator(1)) @ mix
    mean, matrix = whitening(patches, flatten=1e-6)
    white = (patches - mean) @ matrix
    assert_close(white.mean(0), torch.zeros(10), atol=1e-4, rtol=0)
    assert_close(white.T @ white / 2000, torch.eye(10), atol=1e-2, rtol=0)


def test_weak_directions_stay_weak():
    scale = torch.tensor([1.0, 0.01])
    patches = torch.randn(4000, 2, generator=generator(0)) * scale
    mean, matrix = whitening(patches, flatten=0.05)
    deviations = ((patches - mean) @ matrix).std(0)  # weak to strong
    mean_variance = (1 + 1e-4) / 2
    expected = [s / math.sqrt(s * s + 0.05 * mean_variance) for s in (0.01, 1.0)]
    assert deviations.tolist() == pytest.approx(expected, rel=0.05)


def test_the_strongest_directions_are_kept():
    wide = torch.randn(500, 200, generator=generator(0))
    wide[:, 7] *= 50
    _, matrix = whitening(wide, flatten=0.05)
    assert matrix.shape == (200, MOST_DIRECTIONS)
    assert float(matrix[7, -1].abs()) == pytest.approx(float(matrix[:, -1].norm()), rel=1e-2)


@pytest.mark.parametrize("count", [1, 2])
def test_one_patch_and_equal_patches_do_not_break_it(count):
    mean, matrix = whitening(torch.full((count, 5), 0.3), flatten=0.05)
    assert_close(mean, torch.full((5,), 0.3))
    assert matrix.isfinite().all()


# Clusters


def clusters(count, spread=0.05, each=50):
    directions = normalize(torch.randn(count, 12, generator=generator(0)), dim=1)
    noise = torch.randn(count * each, 12, generator=generator(1))
    lengths = 0.5 + torch.rand(count * each, 1, generator=generator(2))
    return directions, lengths * (directions.repeat_interleave(each, 0) + spread * noise)


def test_clusters_are_found():
    directions, points = clusters(5)
    found = spherical_kmeans(points, 20, rounds=10, random=generator(0))
    assert_close(found.norm(dim=1), torch.ones(20))
    nearest = (directions @ found.T).amax(1)
    assert float(nearest.min()) > 0.98


def test_a_centre_is_the_mean_direction_of_its_points():
    _, points = clusters(1)
    (found,) = spherical_kmeans(points, 1, rounds=3, random=generator(0))
    assert_close(found, normalize(normalize(points, dim=1).mean(0), dim=0))


def test_the_seed_decides():
    _, points = clusters(8, spread=0.5)
    one, again = (spherical_kmeans(points, 6, rounds=3, random=generator(3)) for _ in range(2))
    assert torch.equal(one, again)
    other = spherical_kmeans(points, 6, rounds=3, random=generator(4))
    assert not torch.equal(one, other)


def test_fewer_points_than_centres():
    found = spherical_kmeans(torch.eye(3), 10, rounds=4, random=generator(0))
    assert found.shape == (10, 3)
    assert found.isfinite().all()
    assert ((found @ torch.eye(3)).amax(1) > 0.99).all()  # near one of the points each


def test_points_at_the_origin_do_not_break_it():
    found = spherical_kmeans(torch.zeros(5, 3), 2, rounds=3, random=generator(0))
    assert found.isfinite().all()


# The extractor


@pytest.mark.parametrize("pooling", ["box", "binomial"])
def test_every_channel_has_an_rms_of_1_on_what_it_was_fitted_to(pooling):
    contents, styles = [picture(1)], [picture(2, (32, 20)), picture(3)]
    extractor = fitted(contents, styles, pooling=pooling)
    found = [extractor(image, extractor.layers) for image in (*contents, *styles)]
    for layer in extractor.layers:
        power = torch.stack([each[layer].square().mean((0, 2, 3)) for each in found]).mean(0)
        assert_close(power, torch.ones_like(power), atol=1e-3, rtol=0)


def test_the_seed_of_the_fit_decides():
    one, again, other = fitted(seed=1), fitted(seed=1), fitted(seed=2)
    for name, values in one.state_dict().items():
        assert torch.equal(values, again.state_dict()[name])
    assert not torch.equal(one.stage1_weight, other.stage1_weight)


def test_filters_are_of_the_pictures():
    stripes = (torch.arange(24) // 3 % 2).float().expand(1, 3, 24, 24).contiguous()
    extractor = fitted([stripes], [stripes])
    weights = extractor.stage1_weight
    along = weights.diff(dim=2).square().sum((1, 2, 3))  # stripes run down: no change that way
    across = weights.diff(dim=3).square().sum((1, 2, 3))
    assert (along < 0.01 * across).all()


@pytest.mark.parametrize("size", [(8, 8), (8, 40), (9, 11)])
def test_the_smallest_pictures_are_enough(size):
    extractor = fitted([picture(1, size)], [picture(2, size)], widths=(48, 96, 128))
    assert extractor.min_side == 8
    for values in extractor(picture(3, size), extractor.layers).values():
        assert values.isfinite().all()
        assert float(values.square().mean()) < 100


def test_one_colour_is_looked_at_too():
    flat = torch.full((1, 3, 16, 16), 0.5)
    extractor = fitted([picture(1)], [flat])
    for image in (picture(3), flat):
        assert all(v.isfinite().all() for v in extractor(image, extractor.layers).values())
    blind = fitted([flat], [flat])
    assert all(v.isfinite().all() for v in blind(picture(3), blind.layers).values())


@pytest.mark.parametrize(
    "wrong", [{"widths": ()}, {"patches": 1}, {"flatten": 0}, {"pooling": "max"}, {"depth": 3}]
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        PatchKmeansOptions(**wrong)


def test_gradient():
    extractor = fitted(widths=(4, 4)).double()
    image = picture(5, (6, 7)).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: extractor(x, extractor.layers)["stage2"], (image,), atol=1e-4
    )

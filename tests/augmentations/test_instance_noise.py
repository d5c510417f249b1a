import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import avg_pool2d
from torch.testing import assert_close

from artgan.api import ShapeError
from artgan_plugins.augmentations.instance_noise import build, instance_noise, noise_deviation
from artgan_plugins.augmentations.options import InstanceNoiseOptions


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noisy(shown, *, strength=0.0, cur_nimg=0, seed=0, **options):
    augment = build(InstanceNoiseOptions(**options))
    return augment(shown, strength=strength, cur_nimg=cur_nimg, random=seeded(seed))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shapes_and_layouts_stay(channels):
    x = torch.zeros(3, channels, 8, 12)
    last = x.contiguous(memory_format=torch.channels_last)
    (plain,), (turned,) = noisy((x,)), noisy((last,))
    assert plain.shape == x.shape
    assert turned.is_contiguous(memory_format=torch.channels_last)
    assert_close(plain, turned)
    assert (plain != 0).all()  # every channel, alpha too


@pytest.mark.parametrize("wrong", [{"deviation": -0.1}, {"kimg": -1}, {"kimg": "inf"}, {"p": 1}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        InstanceNoiseOptions(**wrong)


def test_scales_that_are_no_halves_are_refused():
    shown = torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 8, 8)
    with pytest.raises(ShapeError):
        instance_noise(shown, deviation=0.1, random=seeded())


def test_the_deviation_falls_along_a_line():
    at = [noise_deviation(n, deviation=0.1, kimg=50) for n in (0, 25_000, 40_000, 50_000, 10**9)]
    assert at == pytest.approx([0.1, 0.05, 0.02, 0.0, 0.0])
    assert noise_deviation(0, deviation=0.1, kimg=0) == 0


@pytest.mark.parametrize(("cur_nimg", "expected"), [(0, 0.1), (25_000, 0.05)])
def test_pictures_have_it(cur_nimg, expected):
    (y,) = noisy((torch.full((16, 3, 32, 32), 0.5),), cur_nimg=cur_nimg)
    assert float(y.std()) == pytest.approx(expected, rel=0.02)
    assert float(y.mean()) == pytest.approx(0.5, abs=2e-3)


def test_once_faded_the_very_same_pictures_come_back():
    shown = (torch.zeros(2, 3, 8, 8),)
    for cur_nimg, options in ((50_000, {}), (0, {"kimg": 0}), (0, {"deviation": 0})):
        assert noisy(shown, cur_nimg=cur_nimg, **options) is shown


def test_strength_does_not_matter():
    shown = (torch.zeros(2, 3, 8, 8),)
    assert_close(noisy(shown, strength=0.0), noisy(shown, strength=1.0), atol=0, rtol=0)


def test_a_pyramid_is_that_of_the_noisy_picture():
    finest = torch.rand(4, 3, 16, 24, generator=seeded(1))
    shown = tuple(avg_pool2d(finest, 2**k) for k in (2, 1, 0))
    changed = noisy(shown, deviation=0.5)
    for scale, factor in zip(changed, (4, 2, 1), strict=True):
        assert_close(scale, avg_pool2d(changed[-1], factor))
    assert_close(changed[-1], noisy((finest,), deviation=0.5)[0])


def test_chance_is_the_generators():
    shown = (torch.zeros(2, 3, 8, 8),)
    assert_close(noisy(shown), noisy(shown), atol=0, rtol=0)
    assert not torch.equal(noisy(shown)[0], noisy(shown, seed=1)[0])


def test_gradients():
    x = torch.zeros(2, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    coarse = torch.zeros(2, 1, 2, 2, dtype=torch.float64, requires_grad=True)

    def change(*shown):
        changed = instance_noise(shown, deviation=0.3, random=seeded())
        return tuple(y.sin() for y in changed)

    assert torch.autograd.gradcheck(change, (coarse, x))
    assert torch.autograd.gradgradcheck(change, (coarse, x))

import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import avg_pool2d
from torch.testing import assert_close

from artgan_plugins.augmentations.diffaugment import (
    DRAWS,
    build,
    cut_out,
    diffaugment,
    recolour,
    translate,
)
from artgan_plugins.augmentations.options import DiffaugmentOptions

FAMILIES = ("colour", "translation", "cutout")
HALF = 0.5
ONE = torch.ones(1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(count=4, channels=3, height=8, width=8, dtype=torch.float32):
    shape = (count, channels, height, width)
    return (torch.rand(shape, generator=seeded()) * 2 - 1).to(dtype)


def pyramid(finest, scales=3):
    return tuple(avg_pool2d(finest, 2**k) for k in reversed(range(scales)))


def only(*families):
    return {name: name in families for name in FAMILIES}


def augmented(shown, *families, strength=1.0, seed=0):
    augment = build(DiffaugmentOptions(**only(*families)))
    return augment(shown, strength=strength, cur_nimg=0, random=seeded(seed))


# Smoke and shapes


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(8, 8), (8, 12), (5, 7)])
def test_shapes_stay(channels, size):
    x = pictures(3, channels, *size)
    (y,) = augmented((x,), *FAMILIES)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert y.isfinite().all()


def test_layouts_stay():
    x = pictures(4, 3, 8, 12)
    last = x.contiguous(memory_format=torch.channels_last)
    (plain,), (turned,) = augmented((x,), *FAMILIES), augmented((last,), *FAMILIES)
    assert plain.is_contiguous()
    assert turned.is_contiguous(memory_format=torch.channels_last)
    assert_close(plain, turned)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_kinds_of_numbers_stay(dtype):
    (y,) = augmented((pictures(dtype=dtype),), *FAMILIES)
    assert y.dtype == dtype


# Refuses


@pytest.mark.parametrize("wrong", [{"color": True}, {"colour": "perhaps"}, {"cutout": 3}])
def test_unknown_options_are_refused(wrong):
    with pytest.raises(ValidationError):
        DiffaugmentOptions(**wrong)


# Values


def test_without_strength_the_very_same_pictures_come_back():
    shown = (pictures(),)
    assert augmented(shown, *FAMILIES, strength=0.0) is shown
    assert augmented(shown, strength=1.0) is shown  # nothing to do


def test_brightness_is_added():
    x = pictures(2)
    y = recolour(x, torch.tensor([0.5, 0.0]), torch.ones(2), torch.ones(2))
    assert_close(y[0], x[0] + 0.5)
    assert_close(y[1], x[1], atol=0, rtol=0)


def test_saturation_scales_the_distance_from_grey():
    x = torch.tensor([0.9, 0.3, -0.6]).view(1, 3, 1, 1).expand(1, 3, 2, 2)  # grey 0.2
    grey, vivid = (
        recolour(x, torch.zeros(1), level * ONE, ONE)[0, :, 0, 0] for level in (0.0, 2.0)
    )
    assert_close(grey, torch.full((3,), 0.2))
    assert_close(vivid, torch.tensor([1.6, 0.4, -1.4]))


def test_contrast_scales_the_distance_from_the_mean():
    x = torch.tensor([1.0, 0.0, 0.0, -0.6]).view(1, 1, 2, 2)  # mean 0.1
    y = recolour(x, torch.zeros(1), ONE, HALF * ONE)
    assert_close(y.flatten(), torch.tensor([0.55, 0.05, 0.05, -0.25]))


def test_colours_are_changed_in_this_order():
    x = pictures(3)
    b, s, c = torch.tensor([0.1, -0.3, 0.5]), torch.tensor([0.0, 1.5, 2.0]), torch.rand(3) + 0.5
    b4, s4, c4 = (each.view(-1, 1, 1, 1) for each in (b, s, c))
    lit = x + b4
    grey = lit.mean(1, keepdim=True)
    vivid = grey + s4 * (lit - grey)
    mean = vivid.mean((1, 2, 3), keepdim=True)
    assert_close(recolour(x, b, s, c), mean + c4 * (vivid - mean))


def test_a_picture_of_one_channel_has_no_saturation():
    x = pictures(2, 1)
    zero, one = torch.zeros(2), torch.ones(2)
    assert_close(recolour(x, zero, zero, one), recolour(x, zero, 2 * one, one))
    assert_close(recolour(x, zero, zero, one), x)


def test_colour_leaves_alpha_alone():
    x = pictures(8, 4)
    (y,) = augmented((x,), "colour")
    assert_close(y[:, 3], x[:, 3], atol=0, rtol=0)
    assert not torch.equal(y[:, :3], x[:, :3])
    (plain,) = augmented((x[:, :3],), "colour")  # and alpha leaves colour alone
    assert_close(y[:, :3], plain)


def test_translation_by_hand():
    x = torch.arange(1.0, 7.0).view(1, 1, 2, 3).expand(4, 1, 2, 3)
    y = translate(x, torch.tensor([0, 1, 0, -1]), torch.tensor([0, 0, -1, 2]))
    expected = [
        [[1, 2, 3], [4, 5, 6]],
        [[0, 0, 0], [1, 2, 3]],
        [[2, 3, 0], [5, 6, 0]],
        [[0, 0, 4], [0, 0, 0]],
    ]
    assert_close(y[:, 0], torch.tensor(expected, dtype=torch.float32))


def test_cutout_by_hand():
    x = torch.ones(4, 2, 4, 8)
    y = cut_out(x, torch.tensor([0.5, 0.0, 0.75, 9.0]), torch.tensor([0.5, 0.0, 1.0, 0.5]))
    expected = torch.ones(4, 4, 8)
    expected[0, 1:3, 2:6] = 0
    expected[1, :1, :2] = 0
    expected[2, 2:, 6:] = 0
    assert_close(y, expected[:, None].expand(4, 2, 4, 8))


def test_what_moves_in_and_what_is_cut_is_mid_grey():
    x = torch.ones(16, 4, 8, 8)
    (y,) = augmented((x,), "translation", "cutout")
    assert set(y.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(y, y[:, :1].expand_as(y))  # in all channels alike, alpha too


def test_ranges_are_the_papers():
    draws = torch.rand(4000, DRAWS, generator=seeded())
    flat = torch.zeros(4000, 3, 1, 1)
    (y,) = diffaugment((flat,), draws, strength=1.0, **only("colour"))
    assert_close(y.min(), torch.tensor(-0.5), atol=2e-3, rtol=0)  # brightness alone
    assert_close(y.max(), torch.tensor(0.5), atol=2e-3, rtol=0)

    dot = torch.zeros(4000, 1, 16, 32)
    dot[:, :, 8, 16] = 1
    (y,) = diffaugment((dot,), draws, strength=1.0, **only("translation"))
    _, _, rows, columns = y.nonzero(as_tuple=True)
    assert rows.unique().tolist() == list(range(6, 11))  # 16 / 8 either way
    assert columns.unique().tolist() == list(range(12, 21))  # 32 / 8 either way
    assert min(columns.bincount(minlength=32)[12:21]) > 4000 / 9 * 0.8

    (y,) = diffaugment((torch.ones(4000, 1, 8, 8),), draws, strength=1.0, **only("cutout"))
    missing = (1 - y).sum((1, 2, 3))
    assert missing.max() == 16  # half of each side
    assert missing.min() == 4  # the middle on a corner


def test_strength_is_the_probability_of_each_family_for_each_picture():
    shown = (pictures(2000, 3, 8, 8),)
    for family in FAMILIES:
        draws = torch.rand(2000, DRAWS, generator=seeded(1))
        (y,) = diffaugment(shown, draws, strength=0.3, **only(family))
        changed = (y != shown[0]).flatten(1).any(1).float().mean()
        assert abs(float(changed) - 0.3) < 0.05  # a move by (0, 0) is no change: 1 in 9


def test_pictures_that_were_spared_are_the_same_to_the_bit():
    x = pictures(64)
    draws = torch.rand(64, DRAWS, generator=seeded(2))
    (y,) = diffaugment((x,), draws, strength=0.2)
    spared = (draws[:, [0, 4, 7]] >= 0.2).all(1)
    assert 0 < spared.sum() < 64
    assert torch.equal(y[spared], x[spared])


def test_families_are_drawn_apart():
    """To leave one out changes nothing about the others."""
    x = pictures(16, 3, 8, 8)
    (both,) = augmented((x,), "colour", "cutout")
    (colour,) = augmented((x,), "colour")
    kept = both != 0
    assert_close(both[kept], colour[kept], atol=0, rtol=0)


def test_colours_agree_at_every_scale():
    shown = pyramid(pictures(8, 3, 16, 16))
    changed = augmented(shown, "colour")
    for scale, expected in zip(changed, pyramid(changed[-1]), strict=True):
        assert_close(scale, expected)


def test_cutouts_agree_at_every_scale():
    """A coarse pixel is cut out if the middle of it is: within half a pixel of the fine hole."""
    shown = pyramid(torch.ones(64, 1, 32, 32), 3)
    coarse, _, fine = augmented(shown, "cutout")
    covered = avg_pool2d(fine, 4)
    assert_close(coarse[covered == 0], torch.zeros_like(coarse[covered == 0]))
    assert_close(coarse[covered == 1], torch.ones_like(coarse[covered == 1]))


def test_translations_are_whole_pixels_at_every_scale():
    fine, middle = torch.zeros(200, 1, 16, 16), torch.zeros(200, 1, 8, 8)
    fine[:, :, 8, 8] = 1
    middle[:, :, 4, 4] = 1
    coarser, finer = augmented((middle, fine), "translation")
    half = finer.nonzero()[:, 2:].float().sub(8).div(2).round() + 4
    assert_close(coarser.nonzero()[:, 2:].float(), half)


def test_chance_is_the_generators():
    shown = (pictures(),)
    assert_close(augmented(shown, *FAMILIES), augmented(shown, *FAMILIES), atol=0, rtol=0)
    assert not torch.equal(augmented(shown, *FAMILIES)[0], augmented(shown, *FAMILIES, seed=1)[0])


# Gradients


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_gradients(channels):
    coarse = pictures(2, channels, 2, 2, torch.float64).requires_grad_()
    fine = (pictures(2, channels, 4, 4, torch.float64) * 0.9).requires_grad_()
    draws = torch.rand(2, DRAWS, generator=seeded(3))

    def change(*shown):
        return tuple(y.sin() for y in diffaugment(shown, draws, strength=1.0))

    assert torch.autograd.gradcheck(change, (coarse, fine))
    assert torch.autograd.gradgradcheck(change, (coarse, fine))


def test_a_moved_picture_moves_its_gradient_back():
    x = pictures(1, 1, 4, 4).requires_grad_()
    weight = torch.arange(16.0).view(1, 1, 4, 4)
    (translate(x, torch.tensor([1]), torch.tensor([-1])) * weight).sum().backward()
    assert_close(x.grad, translate(weight, torch.tensor([-1]), torch.tensor([1])))

"""Patches compared by sorted projections: quantiles, octaves and masks, by hand."""

import pytest
import torch
from pydantic import ValidationError
from torch.testing import assert_close

from artgan_plugins.losses.options import PatchSwdOptions
from artgan_plugins.losses.patch_swd import FLOOR, build, quantile_means, unit_directions

SMALL = PatchSwdOptions(side=3, directions=8, octaves=2, quantiles=16)
LOSS = build(SMALL)


def picture(seed=0, size=(12, 16), count=1):
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed))


def statistics(image, mask=None):
    return LOSS.statistics({"pixels": image}, None if mask is None else {"pixels": mask})


def value(given, target):
    return LOSS.compare(statistics(given), statistics(target))


def test_directions_have_length_one_and_are_the_same_again():
    directions = unit_directions(20, 7)
    assert_close(directions.flatten(1).norm(dim=1), torch.ones(20))
    assert torch.equal(directions, unit_directions(20, 7))


def test_quantiles_are_means_of_equal_parts():
    six = torch.tensor([[[5.0, 0.0, 3.0, 1.0, 4.0, 2.0]]])
    assert_close(quantile_means(six, 3), torch.tensor([[[0.5, 2.5, 4.5]]]))
    assert_close(quantile_means(six, 1), torch.tensor([[[2.5]]]))
    assert_close(quantile_means(six, 12)[0, 0], torch.arange(6.0).repeat_interleave(2))
    # fourths of six: 1.5 values each
    fourths = torch.tensor([(0 + 0.5) / 1.5, (0.5 + 2) / 1.5, (3 + 2) / 1.5, (2 + 5) / 1.5])
    assert_close(quantile_means(six, 4)[0, 0], fourths)


def test_their_mean_is_the_mean_whatever_the_count():
    values = torch.rand(2, 3, 37)
    for count in (1, 5, 37, 100):
        assert_close(quantile_means(values, count).mean(2), values.mean(2))


def test_weights_are_as_many_copies():
    values = torch.tensor([[[4.0, 1.0, 3.0]]])
    weights = torch.tensor([[[2.0, 1.0, 3.0]]])
    copies = torch.tensor([[[4.0, 4.0, 1.0, 3.0, 3.0, 3.0]]])
    for count in (1, 3, 6, 10):
        assert_close(quantile_means(values, count, weights), quantile_means(copies, count))
    without = quantile_means(values, 4, torch.tensor([[[1.0, 0.0, 1.0]]]))
    assert_close(without, torch.tensor([[[3.0, 3.0, 4.0, 4.0]]]))
    assert_close(quantile_means(values, 4, torch.zeros(1, 1, 3)), torch.zeros(1, 1, 4))


def test_a_shift_of_one_colour_is_seen_by_the_sum_of_each_direction():
    target = torch.full((1, 3, 12, 16), 0.4)
    sums = LOSS.directions.sum((1, 2, 3)).square().mean()
    assert_close(value(target + 0.01, target), (1e-4 * sums / FLOOR)[None], rtol=1e-3, atol=0)


def test_a_shift_is_in_parts_of_the_variance():
    target = picture()
    assert_close(value(target, target), torch.zeros(1))
    one, two = (float(value(target + shift, target)) for shift in (0.1, 0.2))
    assert two == pytest.approx(4 * one, rel=1e-3)
    half = float(value((target + 0.1) / 2, target / 2))
    assert half == pytest.approx(one, rel=0.01)


def test_places_do_not_matter():
    target = picture(size=(12, 12))
    turned = build(PatchSwdOptions(side=1, octaves=1, quantiles=16))
    parts = [turned.statistics({"pixels": each}) for each in (target, target.flip(3).mT)]
    assert_close(turned.compare(*parts), torch.zeros(1))


def test_octaves_smaller_than_a_patch_are_left_out():
    found = statistics(picture(size=(5, 9)))  # 2 px high at half the size
    assert_close(found["octave1/there"], torch.ones(1))
    assert_close(found["octave2/there"], torch.zeros(1))
    assert found["octave2"].shape == (1, 8, 16)
    one = build(SMALL.model_copy(update={"octaves": 1}))
    target = picture(1)
    alone = one.compare(
        one.statistics({"pixels": picture(size=(5, 9))}), one.statistics({"pixels": target})
    )
    assert_close(LOSS.compare(found, statistics(target)), alone)


def test_a_picture_smaller_than_a_patch_has_nothing_to_compare():
    tiny = torch.rand(1, 3, 2, 2, requires_grad=True)
    found = value(tiny, picture())
    found.sum().backward()
    assert_close(found, torch.zeros(1))
    assert_close(tiny.grad, torch.zeros_like(tiny))


def test_octaves_are_averaged_over_the_parts_that_have_them():
    whole, low = statistics(picture(size=(12, 16))), statistics(picture(size=(5, 16)))
    mean = {name: (whole[name] + low[name]) / 2 for name in whole}
    assert_close(LOSS.compare(mean, mean), torch.zeros(1))
    only = {**mean, "octave1": whole["octave1"], "octave1/there": torch.ones(1)}
    assert_close(LOSS.compare(only, whole), torch.zeros(1))  # octave 2 is that of `whole` alone


def test_a_half_by_a_mask_is_that_half():
    image = picture(size=(12, 16))
    mask = (torch.arange(16) < 8).float().expand(1, 1, 12, 16)
    half, masked = statistics(image[..., :8]), statistics(image, mask)
    for name, expected in half.items():
        assert_close(masked[name], expected)


def test_a_mask_that_holds_no_patch_counts_for_nothing():
    mask = torch.zeros(1, 1, 12, 16)
    mask[..., :2] = 1  # two columns
    found = statistics(picture(), mask)
    assert_close(found["octave1/there"], torch.zeros(1))
    assert_close(found["octave1"], torch.zeros(1, 8, 16))


def test_two_styles_blend_between_them():
    dark, light = statistics(picture() * 0.2), statistics(picture() * 0.2 + 0.6)
    between = {name: (dark[name] + light[name]) / 2 for name in dark}
    assert_close(
        LOSS.compare(statistics(picture() * 0.2 + 0.3), between), torch.zeros(1), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("wrong", [{"side": 0}, {"octaves": 9}, {"quantiles": 1}, {"p": 1}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        PatchSwdOptions(**wrong)


@pytest.mark.parametrize("masked", [False, True])
def test_gradient(masked):
    loss = build(PatchSwdOptions(side=2, directions=3, octaves=2, quantiles=5))
    target = loss.statistics({"pixels": picture(1, (6, 7)).double()})
    mask = {"pixels": 0.1 + picture(2, (5, 6))[:, :1].double()} if masked else None
    image = picture(3, (5, 6)).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: loss.compare(loss.statistics({"pixels": x}, mask), target), (image,)
    )

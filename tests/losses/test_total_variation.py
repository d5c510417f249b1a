"""Total variation, by hand."""

import pytest
import torch
from pydantic import ValidationError
from torch.testing import assert_close

from artgan_plugins.losses.options import TotalVariationOptions
from artgan_plugins.losses.total_variation import build, total_variation


def checkerboard(side):
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return ((x + y) % 2).float().expand(1, 3, side, side)


def test_of_one_colour_it_is_nothing():
    assert_close(total_variation(torch.full((2, 3, 5, 7), 0.3)), torch.zeros(2))


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0])
def test_checkerboard_differs_by_one_in_both_directions(exponent):
    assert_close(total_variation(checkerboard(8), exponent=exponent), torch.tensor([2.0]))


def test_a_ramp_differs_by_its_slope_in_one_direction():
    ramp = torch.linspace(0, 1, 11).expand(1, 3, 4, 11)
    assert_close(total_variation(ramp), torch.tensor([0.01]))
    assert_close(total_variation(ramp, exponent=1.0), torch.tensor([0.1]))
    assert_close(total_variation(ramp.mT), torch.tensor([0.01]))


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (6, 1)])
def test_a_side_of_one_pixel_has_no_neighbours(size):
    image = torch.rand(2, 3, *size, requires_grad=True)
    value = total_variation(image)
    value.sum().backward()
    assert value.shape == (2,)
    assert image.grad.isfinite().all()
    assert (value > 0).all() == (max(size) > 1)


def test_the_loss_has_no_target():
    loss = build(TotalVariationOptions(exponent=1))
    given = loss.statistics({"pixels": checkerboard(4) / 2})
    assert_close(loss.compare(given, {}), torch.ones(1))


@pytest.mark.parametrize("wrong", [{"exponent": 0.5}, {"exponent": 3}, {"power": 2}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        TotalVariationOptions(**wrong)


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0])
def test_gradient(exponent):
    random = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 4, 5, generator=random, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: total_variation(x, exponent=exponent), (image,))
    flat = torch.ones(1, 3, 4, 5, requires_grad=True)
    total_variation(flat, exponent=exponent).sum().backward()
    assert_close(flat.grad, torch.zeros_like(flat))

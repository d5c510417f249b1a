"""Layers, against the plain formula: weights of their own for each picture, zeros and a blur."""

import math

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from artgan_plugins.architectures.layers import EqualizedLinear, blurred
from artgan_plugins.architectures.style_layers import StyledConv, StyledPicture, demodulation


def plain(layer, features, w):
    """Return convolutions with modulated and demodulated weights, one picture at a time."""
    rows = []
    for picture, style in zip(features, layer.style(w), strict=True):
        weight = layer.conv.weight * layer.conv.scale * style[None, :, None, None]
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if layer.up:
            count, height, width = picture.shape
            spread = picture.new_zeros(count, 2 * height, 2 * width)
            spread[:, ::2, ::2] = picture
            wide = functional.pad(spread, (3, 2, 3, 2))  # a kernel of 3 and a blur of 4
            found = functional.conv2d(wide[None, ...], weight.flip(2, 3))
            taps = torch.tensor([1.0, 3, 3, 1]).double() / 4
            blur = torch.outer(taps, taps).expand(len(weight), 1, 4, 4)
            rows.append(functional.conv2d(found, blur, groups=len(weight)))
        else:
            rows.append(functional.conv2d(picture[None], weight, padding=1))
    return torch.cat(rows)


@pytest.mark.parametrize("up", [True, False])
def test_scaled_features_are_as_good_as_weights_for_each_picture(up):
    torch.manual_seed(0)
    grid = (8, 10) if up else (4, 5)
    layer = StyledConv(3, 6, 7, grid, up=up).double().eval()
    features, w = torch.randn(2, 3, 4, 5).double(), torch.randn(2, 7).double()
    layer.strength.data.fill_(0.5)
    layer.conv.bias.data.normal_()
    shift = layer.conv.bias.view(1, -1, 1, 1) + 0.5 * layer.noise
    expected = functional.leaky_relu(math.sqrt(2) * plain(layer, features, w) + shift, 0.2)
    assert_close(layer(features, w), expected)


def test_demodulation_by_hand():
    weight = torch.tensor([[[[1.0]], [[2.0]]], [[[0.0]], [[1.0]]]])
    style = torch.tensor([[3.0, 2.0], [1.0, -1.0]])  # |(3, 4)|, |2|; |(1, 2)|, |1|
    expected = torch.tensor([[1 / 5, 1 / 2], [1 / math.sqrt(5), 1.0]])
    assert_close(demodulation(weight, style), expected)


def test_any_style_leaves_features_at_their_size():
    torch.manual_seed(0)
    layer = StyledConv(64, 64, 4, (32, 32), noise=False)
    features = torch.randn(4, 64, 32, 32)
    for factor in (0.1, 10.0):
        layer.style.bias.data.fill_(factor)
        square = layer(features, torch.zeros(4, 4))[..., 1:-1, 1:-1].square().mean()
        assert_close(square, torch.tensor(1.04), atol=0.03, rtol=0)  # 2 * (1 + 0.2^2) / 2


def test_a_picture_is_modulated_but_not_demodulated():
    layer = StyledPicture(2, 1, 1, start=1.0)
    layer.conv.weight.data.copy_(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1))
    layer.style.bias.data.copy_(torch.tensor([2.0, 10.0]))
    drawn = layer(torch.ones(1, 2, 1, 1), torch.zeros(1, 1))
    assert_close(drawn.item(), (6 + 40) / math.sqrt(2))


def test_doubling_is_that_of_bilinear_resizing_away_from_the_edge():
    torch.manual_seed(0)
    features = torch.randn(2, 3, 6, 7)
    weight = torch.randn(4, 3, 3, 3)
    up = functional.conv_transpose2d(features, weight.transpose(0, 1), stride=2)
    resized = functional.interpolate(features, scale_factor=2.0, mode="bilinear")
    expected = functional.conv2d(resized, weight.flip(2, 3), padding=1)
    found = blurred(up, pad=1, gain=4.0)
    assert found.shape == expected.shape
    assert_close(found[..., 3:-3, 3:-3], expected[..., 3:-3, 3:-3])


def test_a_blur_by_hand():
    assert_close(
        blurred(torch.full((1, 2, 6, 6), 3.0), pad=0, gain=2.0), torch.full((1, 2, 3, 3), 6.0)
    )
    dot = torch.zeros(1, 1, 4, 4)
    dot[..., 1, 1] = 64.0
    assert blurred(dot, pad=0).item() == 9.0
    assert blurred(dot, pad=1, stride=2).flatten().tolist() == [9.0, 3.0, 3.0, 1.0]
    random = torch.randn(1, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: blurred(x, pad=2, stride=2), random)
    assert torch.autograd.gradgradcheck(lambda x: blurred(x, pad=2, stride=2), random)


def test_a_rate_slows_learning_and_leaves_the_values():
    torch.manual_seed(0)
    layer = EqualizedLinear(50, 40, rate=0.01)
    assert 90 < layer.weight.std() < 110
    assert 0.18 < layer.scaled().std() < 0.22  # sqrt(2 / 50)
    layer.bias.data.fill_(3.0)
    assert_close(layer(torch.zeros(1, 50)), torch.full((1, 40), 0.03))
    optimizer = torch.optim.Adam(layer.parameters(), lr=1.0)
    before = layer.scaled().detach().clone()
    layer(torch.ones(2, 50)).sum().backward()
    optimizer.step()
    assert_close(layer.scaled() - before, torch.full_like(before, -0.01 * 0.2))

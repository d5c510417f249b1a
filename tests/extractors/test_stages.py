"""The body of the extractors that need no file: shapes, strides, margins, halving."""

import pytest
import torch
from torch.testing import assert_close

from artgan.api import ShapeError
from artgan_plugins.extractors.stages import CENTRE, FIRST_KERNEL, KERNEL, SPREAD, Stages

POOLINGS = ("box", "binomial")


def stages(widths=(4, 5, 6), pooling="binomial", seed=0):
    random = torch.Generator().manual_seed(seed)
    network = Stages(widths, pooling=pooling)
    for name, values in network.named_buffers():
        spread = 0.1 if name.endswith("bias") else values[0].numel() ** -0.5
        values.copy_(spread * torch.randn(values.shape, generator=random))
    return network


def picture(size=(24, 31), count=1, seed=0):
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("size", [(8, 8), (9, 15), (24, 31)])
def test_a_stage_is_half_as_large_as_the_one_before_rounded_off(pooling, size):
    network = stages(pooling=pooling)
    found = network(picture(size, 2), network.layers)
    assert list(found) == ["stage1", "stage2", "stage3"]
    for number, (layer, values) in enumerate(found.items()):
        assert network.stride(layer) == 2**number
        assert values.shape == (2, 4 + number, size[0] >> number, size[1] >> number)
        assert (values >= 0).all()


@pytest.mark.parametrize(
    ("widths", "content", "least"),
    [
        ((8,), ("stage1",), 2),
        ((8, 8), ("stage2",), 4),
        ((8, 8, 8), ("stage2", "stage3"), 8),
        ((8, 8, 8, 8), ("stage2", "stage3"), 16),
    ],
)
def test_what_it_proposes(widths, content, least):
    network = Stages(widths, pooling="box")
    assert network.style_layers == network.layers
    assert network.content_layers == content
    assert network.min_side == least


def test_no_deeper_than_asked():
    network = stages()
    network.stage3_weight = torch.full((6, 5, 3, 3), float("nan"))
    found = network(picture(), ["stage2"])
    assert list(found) == ["stage2"]
    assert found["stage2"].isfinite().all()
    assert network(picture(), []) == {}


def test_margins_by_hand():
    # 5x5 reaches 2; binomial halving 1 more of the finer pixels; 3x3 one of the coarser
    assert [stages(pooling="box").margin(f"stage{n}") for n in (1, 2, 3)] == [2, 4, 8]
    assert [stages().margin(f"stage{n}") for n in (1, 2, 3)] == [2, 5, 11]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("layer", ["stage1", "stage2", "stage3"])
def test_a_margin_is_as_far_as_a_gradient_reaches(pooling, layer):
    network = stages(pooling=pooling)
    for name, values in network.named_buffers():
        values.fill_(0.0 if name.endswith("bias") else 1.0)  # no filter hides what it sees
    stride, margin = network.stride(layer), network.margin(layer)
    image = torch.full((1, 3, 64, 64), 0.9).requires_grad_()
    at = 32 // stride
    network(image, [layer])[layer][..., at, at].sum().backward()
    seen = image.grad[0, 0].nonzero()
    assert seen.amin(0).tolist() == [32 - margin] * 2
    assert seen.amax(0).tolist() == [32 + stride + margin - 1] * 2


@pytest.mark.parametrize("pooling", POOLINGS)
def test_halving_keeps_one_colour_and_a_ramp(pooling):
    network = stages(pooling=pooling)
    assert_close(network.halved(torch.full((1, 2, 6, 7), 0.3)), torch.full((1, 2, 3, 3), 0.3))
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    middles = network.halved(ramp)[0, 0, 1, 1:3]
    assert_close(middles, torch.tensor([2.5, 4.5]))


def test_binomial_weights():
    dot = torch.zeros(1, 1, 8, 8)
    dot[..., 4, 4] = 64  # halves cover pixels 1 to 4 and 3 to 6 with weights 1 3 3 1
    found = stages().halved(dot)[0, 0]
    assert_close(found[1:3, 1:3], torch.tensor([[1.0, 3.0], [3.0, 9.0]]))
    assert_close(found.sum(), torch.tensor(16.0))


def test_one_stage_is_a_convolution_of_the_centred_picture():
    network = stages((4,))
    image = picture((9, 9))
    found = network(image, ["stage1"])["stage1"]
    patch = (image[0, :, 2:7, 3:8] - CENTRE) / SPREAD
    assert patch.shape[1:] == (FIRST_KERNEL, FIRST_KERNEL)
    expected = (network.stage1_weight * patch).sum((1, 2, 3)) + network.stage1_bias
    assert_close(found[0, :, 4, 5], expected.relu())
    assert stages().stage2_weight.shape[2:] == (KERNEL, KERNEL)


def test_of_one_colour_all_places_are_alike():
    network = stages()
    found = network(torch.full((1, 3, 16, 17), 0.8), network.layers)
    for values in found.values():
        assert_close(values, values[..., :1, :1].expand_as(values))


def test_a_picture_that_is_too_small_is_refused():
    with pytest.raises(ShapeError) as caught:
        stages()(picture((7, 20)), ["stage1"])
    assert str(caught.value) == (
        "(7, 20) px pictures are too small for 3 stages: expected at least 8 px a side"
    )


@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradient(pooling):
    network = stages((2, 2), pooling).double()
    image = picture((5, 6)).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: network(x, ["stage1", "stage2"])["stage2"], (image,))

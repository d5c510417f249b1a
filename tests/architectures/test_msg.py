import math

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from artgan.config import format_size
from artgan.images import pyramid_like
from artgan.latents import draw
from artgan.registry import Registry
from artgan_plugins.architectures.layers import (
    EqualizedConv,
    EqualizedLinear,
    minibatch_deviation,
    pixel_norm,
    project_and_convolve,
    stack_channels,
)
from artgan_plugins.architectures.msg import Combine
from artgan_plugins.architectures.msg_options import MsgOptions

REGISTRY = Registry(entry_points=[])
COMBINES = ["simple", "lin-cat", "cat-lin"]


def build(size=(16, 16), channels=3, **options):
    torch.manual_seed(0)
    entry = REGISTRY.find("architectures", "msg-gan")
    table = {"z_dim": 8, "full_width_to": 4, **options}
    return REGISTRY.build(entry, REGISTRY.options(entry, table), size=size, channels=channels)


def pictures(size=(16, 16), channels=3, count=4, seed=0):
    """Return a pyramid of noise, of the scales of `build`."""
    finest = torch.rand(count, channels, *size, generator=torch.Generator().manual_seed(seed))
    like = build(size, channels).generator(draw(range(1), 8, "sphere"))
    return pyramid_like(finest * 2 - 1, like)


# Shapes -------------------------------------------------------------------------------------

SIZES = {  # height and width: the scales
    (16, 16): [(4, 4), (8, 8), (16, 16)],
    (48, 48): [(6, 6), (12, 12), (24, 24), (48, 48)],
    (64, 96): [(4, 6), (8, 12), (16, 24), (32, 48), (64, 96)],
    (24, 16): [(6, 4), (12, 8), (24, 16)],
}


@pytest.mark.parametrize("size", SIZES, ids=format_size)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_at_every_scale_from_the_seed_grid(size, channels):
    networks = build(size, channels)
    pyramid = networks.generator(draw(range(2), 8, "sphere"))
    assert [p.shape for p in pyramid] == [(2, channels, *s) for s in SIZES[size]]
    assert networks.discriminator(pyramid).shape == (2,)


@pytest.mark.parametrize("deviation", [True, False])
@pytest.mark.parametrize("combine", COMBINES)
def test_every_option_learns_in_every_parameter(combine, deviation):
    networks = build(combine=combine, minibatch_deviation=deviation)
    fakes = networks.generator(draw(range(4), 8, "sphere"))
    networks.discriminator(fakes).square().sum().backward()
    for module in networks.named().values():
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


def test_another_number_of_scales_is_refused():
    with pytest.raises(ValueError, match="zip"):
        build((32, 32)).discriminator(pictures((16, 16)))


def test_options_refuse():
    with pytest.raises(ValueError, match="'simple', 'lin-cat' or 'cat-lin'"):
        MsgOptions(combine="add")
    with pytest.raises(ValueError, match="'tiny', 'small' or 'base'"):
        MsgOptions(width="huge")
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        MsgOptions(z_dim=0)
    with pytest.raises(ValueError, match="greater than or equal to 4"):
        MsgOptions(full_width_to=2)


# Sizes of the networks ----------------------------------------------------------------------


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("width", "generator", "discriminator"),
    [("tiny", 1.44e6, 1.51e6), ("small", 5.74e6, 6.03e6), ("base", 22.9e6, 24.1e6)],
)
def test_parameter_counts_at_128_px(width, generator, discriminator):
    with torch.device("meta"):
        networks = build((128, 128), width=width, z_dim=None, full_width_to=32)
    assert parameters(networks.generator) == pytest.approx(generator, rel=0.005)
    assert parameters(networks.discriminator) == pytest.approx(discriminator, rel=0.005)


@pytest.mark.parametrize(("combine", "count"), [("simple", 1.46e6), ("lin-cat", 1.17e6)])
def test_parameter_counts_of_the_other_combines(combine, count):
    with torch.device("meta"):
        networks = build((128, 128), combine=combine, full_width_to=32)
    assert parameters(networks.discriminator) == pytest.approx(count, rel=0.005)


def test_latents_are_as_long_as_the_width_unless_said():
    assert build(z_dim=None).generator.z_dim == 128
    assert build(z_dim=5).generator.z_dim == 5
    assert build(z_dim=5).generator.latent_weight().shape == (5, 128 * 4 * 4)


# Values -------------------------------------------------------------------------------------


def test_equalised_weights_are_scaled_by_hes_constant():
    conv = EqualizedConv(8, 2, 3)
    assert_close(conv.scaled(), conv.weight * math.sqrt(2 / 72))
    assert_close(EqualizedLinear(50, 2).scale, 0.2)
    assert_close(EqualizedConv(4, 2, 1, gain=1.0).scale, 0.5)
    assert conv.bias.eq(0).all()
    assert 0.9 < EqualizedConv(64, 64, 3).weight.std() < 1.1


def test_equalised_layers_are_plain_ones_with_scaled_weights():
    features = torch.randn(2, 3, 5, 4)
    conv, linear = EqualizedConv(3, 2, 3), EqualizedLinear(3, 2)
    plain = functional.conv2d(features, conv.weight * conv.scale, conv.bias, padding=1)
    assert_close(conv(features), plain)
    assert_close(linear(features[..., 0, 0]), features[..., 0, 0] @ linear.scaled().T)


@pytest.mark.parametrize(
    ("how", "before", "after"),
    [("simple", 16, 19), ("lin-cat", 8, 16), ("cat-lin", 16, 16)],
)
def test_combine_takes_and_gives_the_channels_it_says(how, before, after):
    combine = Combine(how, 16, 3)
    assert (combine.before, combine.after) == (before, after)
    assert combine(torch.ones(2, before, 4, 6), torch.ones(2, 3, 4, 6)).shape == (2, after, 4, 6)


def test_combine_by_hand():
    features, shown = torch.full((1, 4, 2, 2), 3.0), torch.full((1, 1, 2, 2), -1.0)
    assert_close(
        Combine("simple", 4, 1)(features, shown)[0, :, 0, 0], torch.tensor([3.0] * 4 + [-1])
    )
    before = Combine("lin-cat", 4, 1)
    before.map.weight.data.fill_(2.0)
    assert_close(before(features[:, :2], shown)[0, :, 0, 0], torch.tensor([3.0, 3.0, -2.0, -2.0]))
    after = Combine("cat-lin", 4, 1)
    after.map.weight.data.fill_(1.0)
    assert_close(after(features, shown)[0, :, 0, 0], torch.full((4,), 11 / math.sqrt(5)))


def test_channels_are_stacked_last_in_memory_whatever_the_layouts():
    features = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    stacked = stack_channels(features, torch.randn(2, 2, 4, 5), torch.tensor([1.0, 2.0]))
    assert stacked.is_contiguous(memory_format=torch.channels_last)
    assert stacked[:, 5].flatten(1).tolist() == [[1.0] * 20, [2.0] * 20]
    assert stack_channels(features.bfloat16(), torch.ones(2)).dtype == torch.bfloat16


@pytest.mark.parametrize("deviation", [True, False])
def test_project_and_convolve_is_one_after_the_other(deviation):
    torch.manual_seed(0)
    project = EqualizedConv(3, 5, 1).double()
    conv = EqualizedConv(5 + deviation, 4, 3).double()
    project.bias.data.normal_()
    conv.bias.data.normal_()
    shown = torch.randn(6, 3, 7, 4, dtype=torch.float64)
    mapped = project(shown)
    if deviation:
        mapped = stack_channels(mapped, minibatch_deviation(mapped))
    assert_close(project_and_convolve(shown, project, conv, deviation=deviation), conv(mapped))


@pytest.mark.parametrize("function", [pixel_norm, minibatch_deviation])
def test_gradients(function):
    features = torch.randn(5, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, features)
    assert torch.autograd.gradgradcheck(function, features)


def test_untrained_pictures_are_in_signed_range():
    generator = build((32, 32), z_dim=None, full_width_to=32).generator
    for scale in generator(draw(range(8), 128, "sphere")):
        assert 0.2 < scale.std() < 0.8
        assert scale.abs().max() < 3


def test_stray_pixels_are_cut_in_evaluation_alone():
    generator = build().generator
    generator.to_rgb[-1].bias.data.fill_(7.0)
    z = draw(range(2), 8, "sphere")
    assert generator.train()(z)[-1].max() > 6
    assert generator.eval()(z)[-1].max() == 2
    generator.to_rgb[-1].bias.data.fill_(torch.nan)
    assert generator(z)[-1].isnan().all()


def test_codes_scale_by_psi():
    generator = build().generator.eval()
    z = draw(range(3), 8, "sphere")
    assert_close(generator.codes(z, 0.5), z / 2)
    for one, other in zip(generator.render(generator.codes(z)), generator(z), strict=True):
        assert_close(one, other)


# The discriminator looks everywhere ---------------------------------------------------------


@pytest.mark.parametrize("combine", COMBINES)
def test_gradients_reach_every_scale(combine):
    pyramid = [p.requires_grad_() for p in pictures((32, 32))]
    logits = build((32, 32), combine=combine).discriminator(tuple(pyramid))
    for slope in torch.autograd.grad(logits.sum(), pyramid):
        assert slope.flatten(1).abs().max(1).values.min() > 0


def test_the_gradients_of_all_scales_can_be_differentiated_again():
    discriminator = build().discriminator
    pyramid = [p.requires_grad_() for p in pictures()]
    slopes = torch.autograd.grad(discriminator(tuple(pyramid)).sum(), pyramid, create_graph=True)
    torch.stack([slope.square().sum() for slope in slopes]).sum().backward()
    for name, parameter in discriminator.named_parameters():
        if not name.endswith("bias"):
            assert parameter.grad.any(), name


@pytest.mark.parametrize("scale", [0, 1, 2])
def test_every_block_sees_how_varied_its_scale_is(scale):
    """One picture among equal ones is judged otherwise than among others, scale by scale."""
    random = torch.Generator().manual_seed(0)
    varied = tuple(torch.rand(4, 3, side, side, generator=random) * 2 - 1 for side in (4, 8, 16))
    equal = tuple(p[:1].expand_as(p) for p in varied)
    mixed = tuple(
        v if i == scale else e for i, (v, e) in enumerate(zip(varied, equal, strict=True))
    )
    judge = build().discriminator
    assert (judge(mixed)[0] - judge(equal)[0]).abs() > 1e-3
    alone = build(minibatch_deviation=False).discriminator
    assert_close(alone(mixed)[0], alone(equal)[0])


def test_groups_of_four_do_not_see_each_other():
    judge = build().discriminator
    first, second = pictures(seed=1), pictures(seed=2)
    both = tuple(torch.cat(scales) for scales in zip(first, second, strict=True))
    assert_close(judge(both)[:4], judge(first))
    order = torch.tensor([2, 0, 3, 1])
    assert_close(judge(tuple(p[order] for p in first)), judge(first)[order])


def test_mixed_precision_gives_about_the_same():
    networks = build((32, 32))
    z = draw(range(4), 8, "sphere")
    exact = networks.generator(z)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = networks.generator(z)
        logits = networks.discriminator(exact)
    assert_close(rough[-1].float(), exact[-1], atol=0.1, rtol=0.1)
    assert_close(logits.float(), networks.discriminator(exact), atol=0.1, rtol=0.1)

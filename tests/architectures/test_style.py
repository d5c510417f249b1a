"""The pair as a whole: shapes, counts, style codes, mixing, noise, path lengths."""

import math

import pytest
import torch
from torch.testing import assert_close

from artgan.api import Batch
from artgan.config import format_size
from artgan.latents import draw
from artgan.registry import Registry
from artgan_plugins.architectures.style import path_lengths
from artgan_plugins.architectures.style_options import StyleOptions

REGISTRY = Registry(entry_points=[])


def build(size=(16, 16), channels=3, **options):
    torch.manual_seed(0)
    entry = REGISTRY.find("architectures", "style")
    table = {"z_dim": 8, "full_width_to": 4, **options}
    return REGISTRY.build(entry, REGISTRY.options(entry, table), size=size, channels=channels)


def latents(count, z_dim=8):
    return draw(range(count), z_dim, "gaussian")


# Shapes and sizes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "layers"), [((16, 16), 6), ((48, 48), 8), ((64, 96), 10), ((24, 16), 6)]
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_picture_from_a_code_for_each_layer(size, layers, channels):
    networks = build(size, channels)
    codes = networks.generator.codes(latents(2))
    assert codes.shape == (2, layers, 64)
    (picture,) = networks.generator.render(codes)
    assert picture.shape == (2, channels, *size), format_size(size)
    assert networks.discriminator((picture,)).shape == (2,)


@pytest.mark.parametrize(
    "options",
    [{}, {"noise": True}, {"mixing": 0.0}, {"minibatch_deviation": False}, {"depth": 8}],
    ids=str,
)
def test_every_option_learns_in_every_parameter(options):
    networks = build(**options)
    networks.discriminator(networks.generator(latents(4))).square().sum().backward()
    for module in networks.named().values():
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


def test_options_refuse():
    with pytest.raises(ValueError, match="'tiny', 'small' or 'base'"):
        StyleOptions(width="huge")
    with pytest.raises(ValueError, match="less than or equal to 1"):
        StyleOptions(mixing=1.5)
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        StyleOptions(path_weight=-1.0)
    with pytest.raises(ValueError, match="finite number"):
        StyleOptions(path_weight=math.inf)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_base_has_the_papers_parameters_at_1024_px():
    """Of configuration F: 30,370,060 in the generator and 29,012,513 in the discriminator."""
    with torch.device("meta"):
        networks = build((1024, 1024), width="base", z_dim=None, full_width_to=64)
    assert parameters(networks.generator) == 30_370_060
    assert parameters(networks.discriminator) == 29_012_513
    assert networks.generator.layers == 18


# Style codes --------------------------------------------------------------------------------


def test_only_where_a_latent_points_to_counts():
    generator = build().generator.eval()
    z = latents(3)
    assert_close(generator.codes(5 * z), generator.codes(z))
    assert generator.latent_weight().shape == (8, 64)


def test_psi_pulls_codes_to_their_running_mean():
    generator = build().generator.eval()
    generator.mapping.w_avg.fill_(2.0)
    w = generator.codes(latents(3))
    assert torch.equal(w, w[:, :1].expand_as(w))
    assert torch.equal(generator.codes(latents(3), 0.0), torch.full_like(w, 2.0))
    assert_close(generator.codes(latents(3), 0.25), 1.5 + 0.25 * w)


def test_the_running_mean_is_half_way_after_a_thousand_pictures():
    generator = build().generator
    z = latents(1).expand(100, -1)
    w = generator.mapping(z)[0]
    for _ in range(10):
        generator.train().codes(z)
    assert_close(generator.mapping.w_avg, w / 2)
    generator.eval()(z)
    assert_close(generator.mapping.w_avg, w / 2)
    assert "mapping.w_avg" in generator.state_dict()


def test_finer_layers_get_another_style():
    generator = build(mixing=1.0).generator
    ours, theirs = generator.codes(latents(64)), generator.codes(latents(128)[64:])
    mixed = generator.mixed(ours, latents(128)[64:])
    kept = mixed.eq(ours).all(2)
    assert torch.equal(mixed, torch.where(kept[:, :, None], ours, theirs))
    changes = kept.sum(1)
    assert set(changes.tolist()) == {1, 2, 3, 4, 5}  # of 6 layers
    assert bool((kept[:, :-1] >= kept[:, 1:]).all())


def test_a_share_of_pictures_is_mixed_and_none_in_evaluation():
    generator = build(mixing=0.25).generator
    codes = generator.codes(latents(400))
    kept = generator.mixed(codes, latents(800)[400:]).eq(codes).flatten(1).all(1)
    assert 0.68 < kept.float().mean() < 0.82
    generator.eval()
    assert_close(generator(latents(2)), generator.render(generator.codes(latents(2))))


def test_a_layer_changes_its_own_scale_and_finer_ones():
    """The last code is that of the last picture alone: what it changes is linear in it."""
    generator = build().generator.double()
    codes = generator.codes(latents(1).double())
    step = torch.zeros_like(codes)
    step[:, -1] = torch.randn(64, dtype=torch.float64)
    (here,), (once,), (twice,) = (generator.render(codes + n * step) for n in range(3))
    assert_close(twice - once, once - here)
    assert (once - here).abs().max() > 1e-3
    step = step.roll(1, 1)
    (once,), (twice,) = (generator.render(codes + n * step) for n in (1, 2))
    assert (twice - 2 * once + here).abs().max() > 1e-4


# Noise and range ----------------------------------------------------------------------------


def test_noise_is_new_in_training_and_frozen_in_evaluation():
    generator, again = (build(mixing=0.0, noise=True).generator for _ in range(2))
    other = build((32, 32), noise=True).generator
    z = latents(1).expand(2, -1)
    (plain,) = generator.train()(z)
    assert_close(plain[0], plain[1])  # it begins at a strength of 0
    for conv in (*generator.convs, *again.convs):
        conv.strength.data.fill_(0.3)
    (drawn,) = generator.train()(z)
    assert (drawn[0] - drawn[1]).abs().mean() > 0.02
    (still,) = generator.eval()(z)
    assert_close(still[0], still[1])
    assert torch.equal(still, again.eval()(z)[0])
    assert torch.equal(other.convs[2].noise, generator.convs[2].noise)
    assert not torch.equal(generator.convs[1].noise, generator.convs[2].noise)
    assert 0.8 < generator.convs[4].noise.std() < 1.2


@pytest.mark.parametrize("size", [(16, 16), (64, 64)])
def test_untrained_pictures_are_in_signed_range(size):
    (pictures,) = build(size, z_dim=None).generator(latents(8, 64))
    assert 0.2 < pictures.std() < 0.8
    assert pictures.abs().max() < 3


def test_stray_pixels_are_cut_in_evaluation_alone():
    generator = build().generator
    generator.to_rgb[-1].conv.bias.data.fill_(7.0)
    assert generator.train()(latents(2))[0].max() > 5
    assert generator.eval()(latents(2))[0].max() == 2
    generator.to_rgb[-1].conv.bias.data.fill_(torch.nan)
    assert generator(latents(2))[0].isnan().all()


# Path lengths -------------------------------------------------------------------------------


def test_path_lengths_of_a_linear_map_by_hand():
    """A picture 3 w[0] + 4 w[1] of two pixels, with noise of ones: |J^T y| is 2 * 3 / sqrt 2 ..."""
    codes = torch.ones(5, 2, 1, requires_grad=True)
    pictures = (3 * codes[:, 0] + 4 * codes[:, 1])[:, :, None, None].expand(-1, 1, 1, 2)
    lengths = path_lengths(pictures, codes, torch.ones(5, 1, 1, 2))
    assert_close(lengths, torch.full((5,), math.sqrt((18 + 32) / 2)))


def of(generator, count):
    z = latents(count)
    return Batch("G", 0, z, (), (), lambda p: (), generator)


def test_the_term_draws_lengths_to_their_running_mean():
    networks = build(path_weight=2.0, path_interval=64)
    generator, (term,) = networks.generator, networks.terms
    assert (term.phase, term.interval, term.second_order) == ("G", 64, True)
    torch.manual_seed(1)
    value = term.compute(of(generator, 5))["path"]
    assert value.shape == (5,)
    assert 0 < generator.path_mean < 1
    first = generator.path_mean.item() * 100  # the mean length: 1 % of the way from 0
    assert value[0].item() >= 2 * (0.99 * first) ** 2 * 0.999  # mean square >= squared mean
    value.mean().backward()
    for name in ("constant", "mapping.layers.0.weight", "convs.0.conv.weight"):
        assert generator.get_parameter(name).grad.any(), name
    assert generator.mapping.w_avg.eq(0).all()  # it is no step of the running mean of codes
    assert build().terms == ()
    assert build(width="small", path_weight=0.0).terms == ()
    assert len(build(width="small").terms) == 1


# The discriminator --------------------------------------------------------------------------


def pictures(count=4, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 16, 16, generator=random) * 2 - 1


def test_gradients_at_pictures_can_be_differentiated_again():
    discriminator = build().discriminator
    shown = pictures().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator((shown,)).sum(), shown, create_graph=True)
    assert slope.flatten(1).abs().min(1).values.max() > 0
    slope.square().sum().backward()
    for name, parameter in discriminator.named_parameters():
        if not name.endswith("bias"):
            assert parameter.grad.any(), name


def test_a_picture_is_judged_among_its_group_of_four():
    judge = build().discriminator
    shown, order = pictures(8), torch.tensor([2, 0, 3, 1])
    assert_close(judge((shown,))[:4], judge((shown[:4],)))
    assert_close(judge((shown[order],)), judge((shown[:4],))[order])
    assert (judge((shown[:1],)) - judge((shown[:4],))[0]).abs() > 1e-3
    alone = build(minibatch_deviation=False).discriminator
    assert_close(alone((shown[:1],))[0], alone((shown,))[0])


def test_mixed_precision_gives_about_the_same():
    """Codes are not rounded at all, nor is the sum of the pictures of all scales."""
    networks = build((32, 32))
    networks.generator.eval()
    codes = networks.generator.codes(latents(4))
    (exact,) = networks.generator.render(codes)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(networks.generator.codes(latents(4)), codes)
        (rough,) = networks.generator.render(codes)
        networks.generator(latents(4).bfloat16())  # as another network may have given them
        logits = networks.discriminator((exact,))
    assert rough.dtype == torch.float32
    assert (rough - exact).square().mean().sqrt() < 0.004  # half of a level of 256
    assert_close(rough, exact, atol=0.1, rtol=0.1)
    assert_close(logits.float(), networks.discriminator((exact,)), atol=0.1, rtol=0.1)

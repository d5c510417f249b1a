import itertools

import pytest
import torch
from torch.testing import assert_close

from artgan.config import format_size
from artgan.registry import Registry
from artgan_plugins.architectures.dcgan import (
    MinibatchDeviation,
    PixelNorm,
    _Up,
    resize_and_convolve,
    widths,
)
from artgan_plugins.architectures.dcgan_options import DcganOptions


def build(size=(16, 16), channels=3, **options):
    registry = Registry(entry_points=[])
    entry = registry.find("architectures", "dcgan")
    table = {"z_dim": 6, "base_channels": 4, **options}
    return registry.build(entry, registry.options(entry, table), size=size, channels=channels)


SIZES = [(16, 16), (24, 16), (64, 96), (48, 48), (128, 128)]


@pytest.mark.parametrize("size", SIZES, ids=format_size)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shapes(size, channels):
    networks = build(size, channels)
    (pictures,) = networks.generator(torch.zeros(2, 6))
    assert pictures.shape == (2, channels, *size)
    assert networks.discriminator((pictures,)).shape == (2,)


@pytest.mark.parametrize(
    ("upsample", "g_norm", "d_norm"),
    [
        *itertools.product(["subpixel", "nearest", "bilinear", "transposed"], ["batch"], ["none"]),
        ("nearest", "pixel", "batch"),
        ("transposed", "none", "spectral"),
    ],
)
def test_every_option_learns_in_every_parameter(upsample, g_norm, d_norm):
    torch.manual_seed(0)
    networks = build(upsample=upsample, g_norm=g_norm, d_norm=d_norm)
    fakes = networks.generator(torch.randn(4, 6))
    networks.discriminator(fakes).square().sum().backward()
    for module in networks.named().values():
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name


def test_pictures_are_in_signed_range_and_codes_scale_by_psi():
    generator = build().generator.eval()
    z = torch.randn(3, 6)
    (pictures,) = generator(50 * z)
    assert pictures.abs().max() <= 1
    assert_close(generator.codes(z, 0.5), z / 2)
    assert_close(generator.render(generator.codes(z))[0], generator(z)[0])


def test_parameter_count_of_the_paper_at_64_px():
    # pytorch's tutorial pair: 3.58M and 2.77M; ours projects by a Linear, which counts the same
    networks = build(
        (64, 64),
        z_dim=100,
        depth=0,
        first_grid=4,
        base_channels=64,
        upsample="transposed",
        d_norm="batch",
        minibatch_deviation=False,
    )
    generator, discriminator = (
        sum(p.numel() for p in m.parameters()) for m in networks.named().values()
    )
    assert generator == 3_576_704 + 3  # their last layer has no bias
    assert discriminator == 2_765_568 + 64 + 1  # nor has their first and last


def test_widths_double_and_stop_at_the_most():
    assert widths(3, base=64, most=512) == [256, 128, 64]
    assert widths(6, base=64, most=256) == [256, 256, 256, 256, 128, 64]


def test_minibatch_deviation_by_hand():
    # two of four pictures are 1 above the others everywhere: deviation 1/2
    features = torch.tensor([0.0, 0.0, 1.0, 1.0]).view(4, 1, 1, 1).expand(4, 2, 3, 3)
    out = MinibatchDeviation()(features)
    assert out.shape == (4, 3, 3, 3)
    assert_close(out[:, 2], torch.full((4, 3, 3), (0.25 + 1e-8) ** 0.5))
    assert_close(out[:, :2], features.contiguous())


def test_minibatch_deviation_keeps_to_groups_of_four():
    features = torch.randn(8, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    alone = MinibatchDeviation()(features[:4])
    assert_close(MinibatchDeviation()(features)[:4], alone)
    assert MinibatchDeviation()(features[:3]).shape == (3, 3, 3, 3)
    assert_close(MinibatchDeviation()(features[:7])[:4], alone)  # the last group is smaller
    assert_close(MinibatchDeviation()(features[:7])[4:], MinibatchDeviation()(features[4:7]))
    assert MinibatchDeviation()(features[:1])[0, 2].max() < 1e-3  # one picture differs from none


def test_pixel_norm_by_hand():
    out = PixelNorm()(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1))
    assert_close(out.flatten(), torch.tensor([3.0, 4.0]) / 12.5**0.5)


def test_discriminator_is_permutation_equivariant():
    torch.manual_seed(0)
    discriminator = build().discriminator.eval()
    pictures = torch.randn(4, 3, 16, 16)
    order = torch.tensor([2, 0, 3, 1])
    assert_close(discriminator((pictures[order],)), discriminator((pictures,))[order])


def test_options_refuse():
    with pytest.raises(ValueError, match="nearest"):
        DcganOptions(upsample="cubic")
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        DcganOptions(z_dim=0)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_resize_and_convolve_is_what_it_says(mode, biased):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=generator)
    weight = torch.randn(2, 3, 3, 3, dtype=torch.float64, generator=generator)
    bias = torch.tensor([0.5, -2.0], dtype=torch.float64) if biased else None
    resized = torch.nn.functional.interpolate(features, scale_factor=2, mode=mode)
    plain = torch.nn.functional.conv2d(resized, weight, bias, padding=1)
    ours = resize_and_convolve(features, weight, bias, mode=mode)
    inside = slice(1, -1) if mode == "bilinear" else slice(None)
    assert_close(ours[..., inside, inside], plain[..., inside, inside])


def test_subpixel_shuffles_channels_into_pixels():
    """With a kernel that copies its channels, four channels of a pixel become its four pixels."""
    up = _Up(4, 1, "subpixel", bias=False)
    with torch.no_grad():
        up.conv.weight.zero_()
        for i in range(4):
            up.conv.weight[i, i, 1, 1] = 1.0
    features = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 4, 1, 1)
    assert_close(up(features), torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_heads_judge_smaller_copies(heads):
    networks = build((32, 48), heads=heads)
    pictures = torch.rand(4, 3, 32, 48)
    logits = networks.discriminator((pictures,))
    logits = logits if isinstance(logits, tuple) else (logits,)
    assert [tuple(head.shape) for head in logits] == [(4,)] * heads
    if heads > 1:  # what is gone in a smaller copy is nothing to its head
        checkers = (torch.arange(32)[:, None] + torch.arange(48)) % 2 * 2.0 - 1
        changed = networks.discriminator((pictures + 0.1 * checkers,))
        assert_close(changed[1], logits[1], atol=1e-5, rtol=0)
        assert (changed[0] - logits[0]).abs().max() > 1e-4


def test_no_more_heads_than_halvings():
    assert len(build((16, 16), heads=4).discriminator((torch.zeros(4, 3, 16, 16),))) == 2


def test_hes_weights_keep_signals_at_their_size():
    torch.manual_seed(0)
    pictures = torch.randn(8, 3, 64, 64)
    spread = {}
    for init in ("he", "paper"):
        networks = build((64, 64), base_channels=16, d_init=init, minibatch_deviation=False)
        features = networks.discriminator.blocks[:-1](pictures)
        spread[init] = features.square().mean().sqrt().item()
    assert 0.3 < spread["he"] < 3
    assert spread["paper"] < 0.05

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from artgan.config import format_size
from artgan.registry import Registry
from artgan_plugins.architectures.r3 import _Block, double, halve
from artgan_plugins.architectures.r3_options import R3Options

REGISTRY = Registry(entry_points=[])


def build(size=(16, 16), channels=3, **options):
    torch.manual_seed(0)
    entry = REGISTRY.find("architectures", "r3")
    table = {"z_dim": 6, "full_width_to": 4, "blocks": 1, **options}
    return REGISTRY.build(entry, REGISTRY.options(entry, table), size=size, channels=channels)


def awake(networks):
    """Return networks whose blocks do something, as they do after the first steps."""
    for module in networks.named().values():
        for block in module.modules():
            if isinstance(block, _Block):
                nn.init.normal_(block.shrink.weight, 0.0, 0.1)
    return networks


SIZES = [(8, 8), (24, 16), (48, 48), (64, 96)]


@pytest.mark.parametrize("size", SIZES, ids=format_size)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shapes(size, channels):
    networks = build(size, channels)
    (pictures,) = networks.generator(torch.zeros(2, 6))
    assert pictures.shape == (2, channels, *size)
    assert networks.discriminator((pictures,)).shape == (2,)


@pytest.mark.parametrize(
    "options", [{}, {"blocks": 2}, {"group": 1}, {"group": 32}, {"full_width_to": 32}]
)
def test_every_option_learns_in_every_parameter(options):
    networks = awake(build(**options))
    networks.discriminator(networks.generator(torch.randn(4, 6))).square().sum().backward()
    for module in networks.named().values():
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


# The paper's network ------------------------------------------------------------------------


def by_hand(blocks=2, z_dim=64):
    """Return what the paper's table at 256 px adds up to: weights of G and of D."""
    table = [768, 768, 768, 768, 384, 192, 96]
    body = 0
    for width in table:
        inner = 2 * width
        # two maps of each pixel, a 3x3 that sees 16 channels, and two biases
        body += blocks * (2 * width * inner + inner * 16 * 9 + 2 * inner)
    body += sum(a * b for a, b in itertools.pairwise(table) if a != b)
    basis = 768 * 4 * 4
    return body + basis + z_dim * 768 + 96 * 3, body + basis + 768 + 3 * 96


def test_parameter_counts_of_the_paper_at_256_px():
    with torch.device("meta"):
        networks = build((256, 256), width="base", full_width_to=32, blocks=2, z_dim=64)
    counts = tuple(sum(p.numel() for p in m.parameters()) for m in networks.named().values())
    assert counts == by_hand() == (23_057_952, 23_009_568)
    assert counts == pytest.approx((23.06e6, 23.01e6), rel=0.01)


def test_a_3x3_convolution_has_an_eighth_of_the_width_as_groups():
    for width in (768, 384, 96):
        assert _Block(width, 16, 1).mix.groups == width // 8
    assert _Block(8, 32, 1).mix.groups == 1  # 16 channels inside cannot be grouped by 32


def test_no_scale_is_narrower_than_sixteen():
    scales = build((256, 256), full_width_to=8).generator.scales
    widths = [scale[0].shrink.out_features for scale in scales]
    assert widths == [128, 128, 64, 32, 16, 16, 16]


def test_nothing_normalises_and_neighbours_do_not_matter():
    networks = awake(build())
    kinds = {type(m).__name__ for m in networks.discriminator.modules()}
    assert not [kind for kind in kinds if "Norm" in kind or "Deviation" in kind]
    pictures = torch.rand(4, 3, 16, 16)
    alone = networks.discriminator((pictures[2:3],))
    assert_close(networks.discriminator((pictures,))[2:3], alone)


# The first weights --------------------------------------------------------------------------


def test_blocks_begin_as_nothing_so_that_logits_are_linear_in_pictures():
    discriminator = build((16, 16), blocks=3).discriminator
    one, other = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    mixed = discriminator((2 * one - 3 * other,))
    assert_close(mixed, 2 * discriminator((one,)) - 3 * discriminator((other,)))


@pytest.mark.parametrize(("count", "share"), [(1, 1.0), (16, 0.5)])
def test_weights_within_a_block_shrink_by_the_fourth_root_of_how_many_there_are(count, share):
    torch.manual_seed(0)
    block = _Block(256, 16, count)
    he = (2 / 1.04) ** 0.5  # leaky by 0.2
    for conv, fan_in in ((block.expand, 256), (block.mix, 16 * 9)):
        assert conv.weight.std().item() == pytest.approx(share * he * fan_in**-0.5, rel=0.02)
        assert not conv.bias.any()
    assert not block.shrink.weight.any()
    assert block.shrink.bias is None


def test_untrained_pictures_lie_about_signed_range_and_are_cut_in_evaluation():
    generator = build((64, 64), z_dim=64, width="small").generator
    z = torch.randn(16, 64)
    (pictures,) = generator(z)
    assert 0.2 < pictures.std() < 0.8
    generator.eval()
    assert generator(100 * z)[0].abs().max() == 2
    assert_close(generator.codes(z, 0.5), z / 2)
    assert_close(generator.render(generator.codes(z))[0], generator(z)[0])
    assert generator.latent_weight().shape == (64, 256)


# Resizing -----------------------------------------------------------------------------------


def test_resizing_by_hand():
    rows = torch.tensor([[0.0, 4.0], [8.0, 4.0]]).view(1, 1, 2, 2)
    doubled = torch.tensor(
        [[0.0, 0.0, 2.0, 4.0], [0.0, 0.0, 2.0, 4.0], [4.0, 4.0, 4.0, 4.0], [8.0, 8.0, 6.0, 4.0]]
    )
    assert_close(double(rows)[0, 0], doubled)
    # 0 + 2*2 + 4 above, twice 4 + 2*4 + 4 at the pixel, 8 + 2*6 + 4 below
    assert_close(halve(doubled.view(1, 1, 4, 4))[0, 0, 1, 1], torch.tensor(64.0 / 16))


@pytest.mark.parametrize("resize", [double, halve])
def test_resizing_keeps_constants_and_has_the_papers_kernel_inside(resize):
    constant = torch.full((2, 3, 4, 6), 0.7)
    assert_close(resize(constant), torch.full_like(resize(constant), 0.7))
    features = torch.randn(1, 1, 8, 6)
    line = torch.tensor([1.0, 2.0, 1.0])
    kernel = torch.outer(line, line).view(1, 1, 3, 3)
    if resize is double:
        apart = torch.zeros(1, 1, 16, 12)
        apart[..., 1::2, 1::2] = features
        plain = functional.conv2d(apart, kernel / 4, padding=1)
        assert_close(double(features)[..., 1:-1, 1:-1], plain[..., 1:-1, 1:-1])
    else:
        plain = functional.conv2d(features, kernel / 16, stride=2, padding=1)
        assert_close(halve(features)[..., 1:, 1:], plain[..., 1:, 1:])


def test_resizing_has_second_gradients():
    features = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    for resize in (double, halve):
        assert torch.autograd.gradgradcheck(lambda x, f=resize: f(x).square(), features)


def test_options_refuse():
    with pytest.raises(ValueError, match="'tiny', 'small' or 'base'"):
        R3Options(width="huge")
    with pytest.raises(ValueError, match="1, 2, 4, 8, 16 or 32"):
        R3Options(group=3)
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        R3Options(blocks=0)

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from artgan.config import format_size
from artgan.registry import Registry
from artgan_plugins.architectures.mlp_options import MlpOptions


def build(size=(28, 28), channels=3, **options):
    torch.manual_seed(0)
    registry = Registry(entry_points=[])
    entry = registry.find("architectures", "mlp")
    table = {"z_dim": 6, "hidden": 16, **options}
    return registry.build(entry, registry.options(entry, table), size=size, channels=channels)


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (8, 12), (64, 48)], ids=format_size)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shapes(size, channels):
    networks = build(size, channels)
    (pictures,) = networks.generator(torch.zeros(2, 6))
    assert pictures.shape == (2, channels, *size)
    assert networks.discriminator((pictures,)).shape == (2,)


def test_pictures_are_in_signed_range_and_codes_scale_by_psi():
    generator = build().generator.eval()
    z = torch.randn(3, 6)
    (pictures,) = generator(50 * z)
    assert pictures.abs().max() <= 1
    assert_close(generator.codes(z, 0.5), z / 2)
    assert_close(generator.render(generator.codes(z))[0], generator(z)[0])
    assert generator.latent_weight().shape == (6, 16)


@pytest.mark.parametrize(
    ("depth", "generator", "discriminator"),
    [  # of an 8x8 picture in grey, with 6 latents and 16 hidden numbers; + 1 for each bias
        (1, (6 + 1) * 16 + (16 + 1) * 64, (64 + 1) * 16 + 17),
        (3, (6 + 1) * 16 + 2 * 17 * 16 + (16 + 1) * 64, (64 + 1) * 16 + 2 * 17 * 16 + 17),
    ],
)
def test_parameter_counts_by_hand(depth, generator, discriminator):
    counts = [
        sum(p.numel() for p in module.parameters())
        for module in build((8, 8), 1, depth=depth).named().values()
    ]
    assert counts == [generator, discriminator]


@pytest.mark.parametrize("options", [{"depth": 1}, {"depth": 4}, {"dropout": 0.3}])
def test_every_option_learns_in_every_parameter(options):
    networks = build(**options)
    networks.discriminator(networks.generator(torch.randn(4, 6))).square().sum().backward()
    for module in networks.named().values():
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


def test_there_is_no_convolution():
    """Every pixel is on its own: shuffling them, and the first layer alike, changes no logit."""
    discriminator = build((8, 8), 1).discriminator
    pictures, order = torch.rand(3, 1, 8, 8), torch.randperm(64)
    logits = discriminator((pictures,))
    with torch.no_grad():
        discriminator.hidden[0].weight.copy_(discriminator.hidden[0].weight[:, order])
    shuffled = pictures.flatten(1)[:, order].view(3, 1, 8, 8)
    assert_close(discriminator((shuffled,)), logits)


def test_layers_next_to_pixels_begin_small_and_others_keep_signals_at_their_size():
    networks = build(hidden=512, depth=6)
    features = networks.discriminator.hidden(10 * torch.randn(64, 3 * 28 * 28))
    assert 0.5 < features.square().mean().sqrt() < 2
    (pictures,) = networks.generator(torch.randn(64, 6))
    assert 0.01 < pictures.std() < 0.1  # near grey


def test_dropout_is_the_discriminators_and_rests_in_evaluation():
    networks = build(dropout=0.5)
    discriminator = networks.discriminator
    pictures = (torch.rand(4, 3, 28, 28),)
    assert not torch.equal(discriminator(pictures), discriminator(pictures))
    discriminator.eval()
    assert torch.equal(discriminator(pictures), discriminator(pictures))
    rates = {m.p for m in networks.generator.modules() if isinstance(m, nn.Dropout)}
    assert rates == {0.0}


def test_options_refuse():
    with pytest.raises(ValueError, match="less than 1"):
        MlpOptions(dropout=1.0)
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        MlpOptions(depth=0)

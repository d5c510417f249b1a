import math

import pytest
import torch
from torch.testing import assert_close

from artgan.api import Batch
from artgan.config import format_size
from artgan.images import pyramid_like
from artgan.latents import draw
from artgan.registry import Registry
from artgan_plugins.architectures.fast_decoders import FastDecoders, quarter, reconstruction
from artgan_plugins.architectures.fast_layers import (
    Doubling,
    Excitation,
    Halving,
    Noise,
    SpectralNorm,
    pairs,
    pool_to,
    widths,
)
from artgan_plugins.architectures.fast_options import FastOptions

REGISTRY = Registry(entry_points=[])


def build(size=(16, 16), channels=3, **options):
    torch.manual_seed(0)
    entry = REGISTRY.find("architectures", "fast")
    table = {"z_dim": 8, **options}
    return REGISTRY.build(entry, REGISTRY.options(entry, table), size=size, channels=channels)


def latents(count=4):
    return draw(range(count), 8, "gaussian")


def pictures(size=(16, 16), channels=3, count=4):
    """Return a pyramid of noise, of the two scales of `build`."""
    finest = torch.rand(count, channels, *size, generator=torch.Generator().manual_seed(3))
    return pyramid_like(finest * 2 - 1, build(size, channels).generator(latents(2)))


def batch_of(networks, reals):
    """Return what the host gives the term of `networks` in phase D."""
    logits, features = networks.discriminator(reals, features=True)
    return Batch(
        phase="D",
        cur_nimg=0,
        z=latents(),
        fakes=reals,
        fake_logits=logits,
        discriminate=networks.discriminator,
        generate=networks.generator,
        reals=reals,
        real_logits=logits,
        shown_reals=reals,
        real_features=features,
    )


# Shapes -------------------------------------------------------------------------------------

SIZES = {  # height and width: the small picture; its map of logits; the grid that is judged
    (16, 16): [(8, 8), 25, (8, 8)],
    (32, 32): [(16, 16), 25, (8, 8)],
    (24, 16): [(12, 8), 5 * 7, (12, 8)],
    (48, 48): [(24, 24), 49, (12, 12)],
    (64, 96): [(32, 48), 5 * 7, (8, 12)],
}


@pytest.mark.parametrize("size", SIZES, ids=format_size)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_two_pictures_two_maps_and_what_they_are_drawn_of_again(size, channels):
    small, places, grid = SIZES[size]
    networks = build(size, channels, verdict="places")
    pyramid = networks.generator(latents(2))
    assert [p.shape for p in pyramid] == [(2, channels, *small), (2, channels, *size)]
    logits, features = networks.discriminator(pyramid, features=True)
    assert [head.shape for head in logits] == [(2,)] * (2 * places)
    whole, finer, of_small = (f.shape[-2:] for f in features)
    assert whole == of_small == grid
    assert finer == (2 * grid[0], 2 * grid[1])
    _, decoders = networks.others["decoders"]
    for drawn in decoders(features, 2):
        assert drawn.shape == (2, channels, *small)


@pytest.mark.parametrize(("size", "strides"), [(256, [1]), (512, [2]), (1024, [2, 2])])
def test_large_pictures_as_in_the_paper(size, strides):
    networks = build((size, size), width="base", spectral="none")
    judge = networks.discriminator
    assert networks.generator.small == 5  # 128 px
    entry = [module for module in judge.entry if isinstance(module, torch.nn.Conv2d)]
    assert [layer.stride[0] for layer in entry] == strides  # down to 256 px
    assert entry[-1].out_channels == 32
    halvings = [block.direct[0].out_channels for block in judge.blocks]
    assert halvings == [64, 128, 128, 256, 512]  # 128, 64, 32, 16 and 8 px
    assert judge.gated_by == {3: 0, 4: 1, 5: 2}  # 256 px gate 32, 128 gate 16, 64 gate 8
    gated = [to for to in (4, 5, 6, 7, 8) if 4 << to <= size]  # 64 px and beyond
    assert networks.generator.gated_by == {to: to - 4 for to in gated}


def test_pairs_are_sixteen_times_apart_or_two():
    assert pairs(9, apart=4) == [(0, 4), (1, 5), (2, 6), (3, 7), (4, 8)]
    assert pairs(7, apart=4) == [(0, 4), (1, 5), (2, 6)]  # 4 -> 64, 8 -> 128, 16 -> 256
    assert pairs(6, apart=4) == [(0, 4), (1, 5)]
    assert pairs(4, apart=4) == [(0, 2), (1, 3)]
    assert pairs(3, apart=4) == [(0, 1), (1, 2)]
    assert pairs(2, apart=3) == [(0, 1)]


def test_widths_are_the_papers_and_never_below_eight():
    assert widths(8, width=1024) == [1024, 512, 256, 128, 128, 64, 32, 16, 8]
    assert widths(5, width=128) == [128, 64, 32, 16, 16, 8]


def test_parameters_of_the_generator_by_hand():
    project = 64 * 2 * 128 * 16 + 2 * 256
    to_8 = (128 * 128 * 9 + 2 * 128 + 1) + (64 * 128 * 9 + 2 * 128 + 1)
    to_16 = 64 * 64 * 9 + 2 * 64
    to_32 = (32 * 32 * 9 + 2 * 32 + 1) + (16 * 32 * 9 + 2 * 32 + 1)
    gates = (128 * 32 * 16 + 32 + 32 * 32 + 32) + (64 * 16 * 16 + 16 + 16 * 16 + 16)
    pictures = (32 * 3 + 3) + (16 * 3 * 9 + 3)
    generator = build((32, 32), z_dim=64, width="tiny").generator
    count = sum(p.numel() for p in generator.parameters())
    assert count == project + to_8 + to_16 + to_32 + gates + pictures


def test_options_refuse():
    with pytest.raises(ValueError, match="'places', 'mean' or 'whole'"):
        FastOptions(verdict="sum")
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        FastOptions(reconstruction=-1)


# Learning -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"d_norm": "batch"},
        {"d_norm": "none"},
        {"spectral": "both", "verdict": "places"},
        {"spectral": "discriminator", "verdict": "whole"},
        {"noise": False},
    ],
    ids=str,
)
def test_every_option_learns_in_every_parameter(options):
    networks = build((32, 32), **options)
    reals = pictures((32, 32))
    fakes = networks.generator(latents())
    logits = torch.stack(networks.discriminator(fakes)).square().mean(1).sum()
    (term,) = networks.terms
    (logits + term.compute(batch_of(networks, reals))["reconstruction"].sum()).backward()
    for module in networks.named().values():
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


def test_the_discriminator_learns_to_describe_reals():
    networks = build(spectral="none")
    greys = torch.tensor([-0.8, -0.3, 0.3, 0.8]).view(4, 1, 1, 1)
    reals = (greys.expand(4, 3, 8, 8), greys.expand(4, 3, 16, 16))
    modules = [networks.discriminator, networks.others["decoders"][1]]
    parameters = [p for module in modules for p in module.parameters()]
    (term,) = networks.terms
    losses = []
    for _ in range(20):
        loss = term.compute(batch_of(networks, reals))["reconstruction"].mean()
        losses.append(loss.item())
        slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, slope in zip(parameters, slopes, strict=True):
                if slope is not None:
                    parameter.sub_(3e-3 * slope.sign())
    assert losses[-1] < losses[0] / 3


def test_without_reconstruction_there_are_no_decoders():
    networks = build(reconstruction=0)
    assert networks.terms == ()
    assert networks.others == {}
    assert networks.named().keys() == {"generator", "discriminator"}


# Values -------------------------------------------------------------------------------------


def test_an_excitation_multiplies_channels_by_what_the_coarse_scale_says():
    gate = Excitation(1, 2, (2, 2))
    gate.see.weight.data.fill_(0.25)  # the mean of the coarse scale, 2, of which silu is taken
    gate.say.weight.data.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1).expand(2, 2, 1, 1) / 2)
    silu = 2 / (1 + math.exp(-2))
    fine = torch.ones(1, 2, 8, 8)
    gated = gate(fine, torch.full((1, 1, 4, 4), 2.0))
    assert_close(gated[0, 0], torch.full((8, 8), 1 / (1 + math.exp(-silu))))
    assert_close(gated[0, 1], torch.full((8, 8), 1 / (1 + math.exp(silu))))


@pytest.mark.parametrize(("to", "by"), [(2, 0), (3, 1)])
def test_coarse_scales_of_the_generator_gate_finer_ones(to, by):
    generator = build((32, 32)).generator.eval()
    assert generator.gated_by[to] == by
    before = generator(latents())
    generator.gates[str(to)].say.bias.data.fill_(-100.0)  # closed: nothing comes through
    after = generator(latents())
    reached = after[0] if to == generator.small else after[1]
    bias = (generator.to_small if to == generator.small else generator.to_full).bias
    assert_close(reached, torch.tanh(bias).view(1, -1, 1, 1).expand_as(reached))
    assert not torch.equal(before[1], after[1])


def test_noise_is_new_in_training_and_frozen_in_evaluation():
    noise = Noise((3, 5))
    features = torch.randn(2, 4, 3, 5)
    assert torch.equal(noise(features), features)  # it begins with none
    noise.strength.data.fill_(2.0)
    one, other = noise(features), noise(features)
    assert not torch.equal(one, other)
    assert_close((one - features)[:, :1].expand_as(one), one - features)  # the same a channel
    assert_close(noise.eval()(features), features + 2 * noise.frozen)
    assert "frozen" in noise.state_dict()


def test_pictures_flicker_in_training_alone():
    generator = build().generator
    for module in generator.modules():
        if isinstance(module, Noise):
            module.strength.data.fill_(1.0)
    assert not torch.equal(generator(latents())[1], generator(latents())[1])
    generator.eval()
    assert torch.equal(generator(latents())[1], generator(latents())[1])


def test_doubling_is_nearest_then_a_convolution_norm_and_gate():
    layer = Doubling(3, 2, (8, 6), twice=False, noise=True).eval()
    features = torch.randn(2, 3, 4, 3)
    doubled = torch.nn.functional.interpolate(features, scale_factor=2, mode="nearest")
    wide = layer.first(doubled) / math.sqrt(1 + 1e-5)
    assert_close(layer(features), wide[:, :2] * torch.sigmoid(wide[:, 2:]))
    assert not any(isinstance(module, Noise) for module in layer.modules())


def test_halving_adds_both_ways():
    layer = Halving(1, 1, norm=False)
    layer.main[0].weight.data.fill_(0.0)
    layer.direct[0].weight.data.fill_(2.0)
    halved = layer(torch.tensor([[1.0, 3.0], [5.0, 7.0]]).view(1, 1, 2, 2))
    assert_close(halved, torch.full((1, 1, 1, 1), 8 / math.sqrt(2)))


@pytest.mark.parametrize("size", [(32, 32), (64, 96)], ids=format_size)
def test_mean_is_the_mean_of_the_places(size):
    reals = pictures(size)
    places = build(size, verdict="places").discriminator(reals)
    means = build(size, verdict="mean").discriminator(reals)
    each = len(places) // 2
    assert_close(means[0], torch.stack(places[:each]).mean(0))
    assert_close(means[1], torch.stack(places[each:]).mean(0))
    assert len(build(size, verdict="whole").discriminator(reals)) == 2


def test_spectral_norm_divides_by_the_largest_singular_value():
    weight = torch.diag(torch.tensor([1.0, 4.0, 2.0]))
    norm = SpectralNorm(weight)
    for _ in range(30):
        divided = norm(weight)
    assert_close(divided, weight / 4)
    norm.eval().direction.mul_(0.9)  # as averaging shortens it
    assert_close(norm(weight), weight / 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert norm(weight).dtype == torch.float32


@pytest.mark.parametrize("spectral", ["none", "discriminator", "both"])
def test_which_networks_are_divided(spectral):
    networks = build(spectral=spectral)
    divided = [
        any("original" in name for name, _ in module.named_parameters())
        for module in (networks.generator, networks.discriminator)
    ]
    assert divided == [spectral == "both", spectral != "none"]
    assert not any("original" in name for name, _ in networks.others["decoders"][1].named_buffers())


def test_quarters():
    picture = torch.arange(8.0).view(1, 1, 2, 4)
    assert [quarter(picture, part).flatten().tolist() for part in range(4)] == [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
    ]
    assert_close(pool_to(picture, (1, 2)).flatten(), torch.tensor([2.5, 4.5]))


def test_reconstruction_by_hand():
    """Decoders that draw grey: what is left is the mean square of what was to be drawn."""
    decoders = FastDecoders((4, 4), [8, 8, 8, 8], 1)
    for decoder in (decoders.whole, decoders.part, decoders.small):
        decoder.last.weight.data.zero_()
        decoder.last.bias.data.zero_()
    full = torch.zeros(1, 1, 32, 32)
    for part, level in enumerate([0.1, 0.2, 0.3, 4.0]):  # what is beyond the range is cut
        quarter(full, part).fill_(level)
    networks = build((32, 32), 1)
    batch = batch_of(networks, (torch.full((1, 1, 16, 16), 0.5), full))
    batch.real_features = tuple(torch.ones(1, 8, side, side) for side in (8, 16, 8))
    seen = set()
    for seed in range(20):
        torch.manual_seed(seed)
        value = reconstruction(decoders, weight=2.0).compute(batch)["reconstruction"]
        assert value.shape == (1,)
        seen.add(round(value.item() / 2 - 0.5, 4))
    assert seen == {0.01, 0.04, 0.09, 1.0}


def test_codes_scale_by_psi():
    generator = build().generator.eval()
    assert_close(generator.codes(latents(), 0.5), latents() / 2)
    assert generator.latent_weight().shape == (8, 2 * 128 * 16)
    for one, other in zip(
        generator.render(generator.codes(latents())), generator(latents()), strict=True
    ):
        assert_close(one, other)
        assert one.abs().max() <= 1

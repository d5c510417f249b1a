import pytest
import torch
from torch.testing import assert_close

from artgan.registry import Registry
from artgan_plugins.architectures import layers
from artgan_plugins.architectures.layers import blurred, exact, resize_and_convolve, widths


@pytest.mark.parametrize(
    ("width", "full_width_to", "expected"),
    [
        (512, 32, [512] * 4 + [256, 128, 64, 32, 16]),  # Karras et al. 2018, Table 2
        (512, 64, [512] * 5 + [256, 128, 64, 32]),  # Karras et al. 2020, configuration F
        (768, 32, [768] * 4 + [384, 192, 96, 48, 24]),  # Huang et al. 2024, to 256 px
        (128, 8, [128, 128, 64, 32, 16, 8, 8, 8, 8]),
        (16, 4, [16] + [8] * 8),
    ],
)
def test_widths_are_the_papers_and_never_below_eight(width, full_width_to, expected):
    sides = [4 << stage for stage in range(9)]
    assert widths(sides, width=width, full_width_to=full_width_to) == expected


def test_widths_go_by_sides_and_have_a_least():
    assert widths([6, 12, 24, 48], width=128, full_width_to=32) == [128, 128, 128, 64]
    assert widths([6, 12, 24, 48], width=64, full_width_to=8) == [64, 32, 16, 8]
    assert widths([6, 12, 24, 48], width=64, full_width_to=8, fewest=16) == [64, 32, 16, 16]


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_what_was_used_for_drawing_first_is_learnt_with_later(mode):
    """Tables are kept; those of a first picture, without gradients, serve training too."""
    layers._taps.cache_clear()
    layers._binomial.cache_clear()
    weight = torch.randn(2, 3, 3, 3, dtype=torch.float64)
    features = torch.randn(1, 3, 4, 4, dtype=torch.float64)
    with torch.inference_mode():
        drawn = blurred(resize_and_convolve(features, weight, None, mode=mode), pad=1)
    place = (features.dtype, features.device)
    assert not layers._taps(mode, *place).is_inference()
    assert not layers._binomial(*place).is_inference()
    learnt = blurred(resize_and_convolve(features, weight.requires_grad_(), None, mode=mode), pad=1)
    learnt.sum().backward()
    assert weight.grad.any()
    assert_close(learnt, drawn)


def test_nothing_is_rounded_where_it_has_to_be_exact():
    numbers = torch.randn(4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (numbers @ numbers).dtype == torch.bfloat16
        with exact(numbers):
            assert (numbers @ numbers).dtype == torch.float32
        assert (numbers @ numbers).dtype == torch.bfloat16
    with exact(numbers.to("meta")):
        assert (numbers @ numbers).dtype == torch.float32


@pytest.mark.parametrize("name", ["style", "fast"])
def test_shapes_are_known_without_computing(name):
    registry = Registry(entry_points=[])
    entry = registry.find("architectures", name)
    with torch.device("meta"):
        networks = registry.build(entry, registry.options(entry, {}), size=(64, 96), channels=4)
        pyramid = networks.generator.eval()(torch.randn(2, networks.generator.z_dim))
        networks.discriminator(pyramid)
    assert pyramid[-1].shape == (2, 4, 64, 96)

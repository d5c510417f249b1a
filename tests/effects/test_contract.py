"""The contract test of effects finds what it is there to find, and says it."""

import pytest
import torch

from artgan.api import Effect
from artgan.testing import ContractError, effects

RECORD = Effect("e", "m:f", summary="s")


def in_place(images):
    return images.mul_(0.5)


def once(first):
    """Return an effect that does one thing once and another ever after."""
    calls = []

    def effect(images):
        calls.append(1)
        return images if len(calls) % 2 == first else 1 - images

    return effect


def fading(images):
    return images * torch.linspace(0, 1, images.shape[-1])


def test_good_effects_pass():
    effects.check(RECORD, lambda: torch.clone, "it")
    effects.check(RECORD, lambda: lambda images: 1 - images.flip(-1), "it")


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (3, "it: its target returned a int, expected a function (artgan.api.Alter)"),
        (lambda x: None, "it, 1 channels of (8, 8), pictures of noise: got a NoneType, expected "),
        (lambda x: x[..., :-1], "got shape (3, 1, 8, 7), expected (3, 1, 8, 8)"),
        (lambda x: x.double(), "got torch.float64, expected torch.float32"),
        (lambda x: x / 0, "values are not finite"),
        (lambda x: 2 * x, "expected unit range [0, 1]"),
        (lambda x: x - 1e-3, "black and white pixels: values from -0.001 to 0.999, expected "),
        (in_place, "it changed the pictures it was given in place"),
        (once(1), "the same pictures twice: they differ by up to "),
        (lambda x: torch.rand_like(x) * x, "it draws from torch's global generator, expected "),
        (lambda x: x * x.amax(0), "a picture alone and among others: they differ by up to "),
        (fading, "a picture of one colour and the colour of its corner: they differ by up to "),
    ],
)
def test_a_broken_effect_is_found(alter, message):
    with pytest.raises(ContractError) as caught:
        effects.check(RECORD, lambda: alter, "it")
    assert message in str(caught.value)

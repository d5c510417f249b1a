"""Networks that look right and are not, and what the contract tests say of them."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from test_testing import NET, D, G, complaint, pair
from torch import nn

from artgan.api import Networks, Term
from artgan.testing import architectures
from artgan.testing.expect import ContractError, expect_movable


class Squashed(G):
    """It has no space w, but its codes are not its latents."""

    def codes(self, z, psi=1.0):
        return psi * torch.tanh(z)


class Curved(G):
    """Half of psi is not half of the way."""

    def codes(self, z, psi=1.0):
        return z * math.sqrt(psi)


class Mapped(G):
    """It has a space w, and moves its mean as it should."""

    def __init__(self, size, channels):
        super().__init__(size, channels)
        self.mapping = nn.Linear(3, 3)
        nn.init.constant_(self.mapping.bias, 2.0)
        self.register_buffer("mean", torch.zeros(3))

    def codes(self, z, psi=1.0):
        w = self.mapping(z)
        if self.training:
            self.follow(w)
        return self.mean + psi * (w - self.mean)

    def follow(self, w):
        self.mean = self.mean.lerp(w.detach().float().mean(0), 0.1)

    def style_weight(self):
        return self.layer.weight.T


class Stuck(Mapped):
    def follow(self, w):
        pass


class Restless(Mapped):
    def codes(self, z, psi=1.0):
        self.follow(self.mapping(z))
        return super().codes(z, psi)


class Deep(Mapped):
    def codes(self, z, psi=1.0):
        return super().codes(z, psi)[:, None, None]

    def render(self, codes):
        return super().render(codes[:, 0, 0])


class Upright(G):
    def latent_weight(self):
        return self.layer.weight


class Doubling(G):
    """It knows sides that are powers of two."""

    def render(self, codes):
        (pictures,) = super().render(codes)
        height, width = (2 ** int(math.log2(side)) for side in pictures.shape[2:])
        return (pictures[..., :height, :width],)


class Rooted(G):
    """A constant of it stays on the CPU."""

    def __init__(self, size, channels):
        super().__init__(size, channels)
        self.gain = torch.ones(3)

    def codes(self, z, psi=1.0):
        return psi * z * self.gain


class Counting(D):
    def __init__(self, size, channels):
        super().__init__(size, channels)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, pictures):
        self.calls += 1
        return super().forward(pictures)


class Still(G):
    def __init__(self, size, channels):
        super().__init__(size, channels)
        self.requires_grad_(False)


W = dataclasses.replace(NET, spaces=("z", "w"))


def test_a_good_mapping_passes():
    architectures.check(W, pair(Mapped), "it")


@pytest.mark.parametrize(
    ("record", "networks", "message"),
    [
        (NET, pair(Squashed), "it: codes(z) against z (its record names no space w: return psi * "),
        (NET, pair(Curved), "it: codes(z, 0.5) against half of the way from codes(z, 0) to codes("),
        (W, pair(Stuck), "of the spread of w away from the mean of w, and was no nearer before"),
        (W, pair(Restless), "it: generator's mean changed in evaluation mode, expected it to move"),
        (W, pair(Deep), "it: codes have shape (4, 1, 1, 3), expected (N, w_dim), or (N, layers, w"),
        (NET, pair(Upright), "it: latent_weight() has shape (2048, 3), expected (3, features)"),
        (
            NET,
            pair(Doubling),
            "it, size (24, 24) (height, width), 1 channels: the generator's finest pictures: got "
            "shape (1, 1, 16, 16), expected (1, 1, 24, 24)",
        ),
        (NET, pair(Rooted), "it: Rooted keeps a tensor that does not move to another device with"),
        (NET, pair(G, Counting), "it: discriminator's calls changed in evaluation mode, expected "),
        (NET, pair(Still), "it: in phase G, no parameter requires a gradient, expected some to le"),
    ],
)
def test_networks_that_look_right_are_found(record, networks, message):
    assert message in complaint(architectures, record, networks)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"channels": ()}, "it: its channels are (), expected some of 1, 3 and 4"),
        ({"channels": (2,)}, "it: its channels are (2,), expected some of 1, 3 and 4"),
        ({"min_side": 64, "max_side": 32}, "it: its sides are from 64 to 32 px"),
        ({"spaces": ("w",)}, "it: its spaces are ('w',), expected ('z',) or ('z', 'w')"),
        ({"latent_prior": "even"}, "it: its latent_prior is 'even', expected of ('gaussian', 'sp"),
        ({"default_lr": math.nan}, "it: its default_lr is nan, expected a number above 0"),
        ({"gpu_lr": 0.0}, "it: its gpu_lr is 0.0, expected a number above 0"),
    ],
)
def test_records_of_architectures_that_cannot_be_are_found(said, message):
    assert message in complaint(architectures, dataclasses.replace(NET, **said), pair())


def spread(batch):
    return {"spread": batch.fakes[-1].square().mean((1, 2, 3))}


class Remembering:
    """A term with a memory that no checkpoint holds."""

    def __init__(self):
        self.mean = 0.0

    def __call__(self, batch):
        values = spread(batch)["spread"]
        self.mean = 0.9 * self.mean + 0.1 * float(values.detach().mean())
        return {"spread": (values - self.mean).square()}


@pytest.mark.parametrize(
    ("term", "others", "message"),
    [
        (Term("G", spread, interval=-1), {}, "a term of its own has an interval of -1, expected 0"),
        (Term("G", Remembering()), {}, "it: in phase G, its loss twice with the same state and s"),
        (Term("G", spread), {"e": ("D", nn.Linear(1, 1))}, "but ['e'] learn in phase D, which th"),
    ],
)
def test_terms_without_a_discriminator_that_look_right_are_found(term, others, message):
    def build(*, size, channels):
        return Networks(G(size, channels), None, terms=(term,), others=others)

    alone = dataclasses.replace(NET, adversarial=False)
    assert message in complaint(architectures, alone, build)


def test_only_what_stays_behind_keeps_a_module_from_moving():
    class Odd(nn.Module):
        def forward(self, x):
            return x.tolist()

    odd = Odd()
    expect_movable(odd, lambda: odd(torch.ones(1, device="meta")), "it")
    with pytest.raises(ContractError, match="^it: Odd keeps a tensor .*: register_buffer$"):
        expect_movable(odd, lambda: torch.ones(2) * torch.ones(2, device="meta"), "it")

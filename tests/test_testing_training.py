"""What the contract tests find of networks in training: growth, own terms, chance, precision."""

from __future__ import annotations

import dataclasses
import random as dice

import numpy as np
import pytest
import torch
from torch import nn

from artgan.api import Adversarial, Architecture, Networks, Objective, Regularizer, Stage, Term
from artgan.testing import ContractError, architectures, objectives, regularizers
from artgan.testing.chance import reseeded, untouched

NET = Architecture("net", "m:f", min_side=8, max_side=8, channels=(3,))
SIDE = 8


def complaint(module, record, build):
    """Return what a check says of a component."""
    with pytest.raises(ContractError) as caught:
        module.check(record, build, "it")
    return str(caught.value)


class G(nn.Module):
    """A generator that grows from 4 to 8 pixels, and keeps the contract."""

    def __init__(self):
        super().__init__()
        self.z_dim = 3
        self.coarse, self.fine = nn.Linear(3, 3 * 4 * 4), nn.Linear(3, 3 * SIDE * SIDE)
        self.register_buffer("place", torch.tensor([2.0, 1.0]))

    def grow(self, scales, fade):
        self.place.copy_(torch.tensor([scales, fade]))

    def codes(self, z, psi=1.0):
        return z * psi

    def render(self, codes):
        coarse = self.coarse(codes).view(-1, 3, 4, 4)
        fine = self.fine(codes).view(-1, 3, SIDE, SIDE)
        scales, fade = self.place.tolist()
        pictures = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)
        pictures = pictures + (fade if scales > 1 else 0) * fine
        return (torch.tanh(pictures),)

    def forward(self, z):
        return self.render(self.codes(z))


class D(nn.Module):
    """A discriminator to go with it."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3 * SIDE * SIDE, 1)

    def grow(self, scales, fade):
        pass

    def forward(self, pictures, features=False):
        logits = self.layer(pictures[-1].flatten(1)).squeeze(1)
        return (logits, pictures[-1].mean((2, 3))) if features else logits


def stage(cur_nimg, total_nimg):
    """Return where a run is: the second scale fades in during its second quarter."""
    share = cur_nimg / total_nimg
    return Stage(1, 1.0, 2) if share < 0.25 else Stage(2, min(1.0, 4 * share - 1), 1)


def build(generator=G, discriminator=D, **more):
    more.setdefault("stage", stage)
    return lambda *, size, channels: Networks(
        generator(), None if discriminator is None else discriminator(), **more
    )


# Growth


def test_networks_that_grow_pass():
    architectures.check(NET, build(show_reals=lambda reals: reals * 0.5), "it")


class Stuck(G):
    grow = None


class SmallAtFirst(G):
    def render(self, codes):
        (pictures,) = super().render(codes)
        return (pictures if self.place[0] > 1 else pictures[..., ::2, ::2],)


class NoBuffer(G):
    def __init__(self):
        super().__init__()
        self.place = None
        self.register_buffer("place", torch.tensor([2.0, 1.0]), persistent=False)


class Idle(G):
    def render(self, codes):
        if self.place[0] == 1:
            coarse = self.coarse(codes).view(-1, 3, 4, 4)
            return (torch.tanh(coarse).repeat_interleave(2, 2).repeat_interleave(2, 3),)
        return super().render(codes)


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (build(Stuck), "it, size (8, 8) (height, width), 3 channels: it has stages, but its gener"),
        (
            build(SmallAtFirst),
            "it, 1 scales, fade 0.5: the generator's finest pictures, expected full size at every "
            "stage: got shape (2, 3, 4, 4), expected (2, 3, 8, 8)",
        ),
        (
            build(NoBuffer),
            "it, 2 scales, fade 0.5: pictures after state_dict was loaded (where it is has to be "
            "a buffer of its state): they differ by up to ",
        ),
        (
            build(Idle),
            "it, 1 scales, fade 0.5: in phase G, generator parameter fine.weight gets no gradient",
        ),
        (
            build(stage=lambda cur, total: Stage(2 if cur < total / 2 else 1, 1.0, 1)),
            "it: in a run of 10000 pictures it goes from 2 scales, fade 1, back to 1 scales, fade "
            "1: expected it to grow",
        ),
        (build(stage=lambda cur, total: Stage(1, 1.5, 1)), "is (1, 1.5, 1), expected 1 scale or "),
        (build(stage=lambda cur, total: Stage(1, 1.0, 0)), "is (1, 1.0, 0), expected 1 scale or "),
        (build(stage=lambda cur, total: 3), "stage(1000000000, 1000000000) is 3, expected artgan"),
        (
            build(show_reals=lambda reals: reals[..., ::2]),
            "it: reals after show_reals: got shape (2, 3, 8, 4), expected (2, 3, 8, 8)",
        ),
        (build(show_reals=lambda reals: reals * 3), "leave signed range [-1, 1], expected them in"),
        (build(show_reals=lambda reals: reals.mul_(0.5)), "it: show_reals changed the reals in pl"),
    ],
)
def test_what_is_wrong_with_growth_is_found(networks, message):
    assert message in complaint(architectures, NET, networks)


# Terms of its own


def mean_square(batch):
    return {"square": batch.fakes[-1].square().mean((1, 2, 3))}


ALONE = dataclasses.replace(NET, adversarial=False)


def test_networks_without_a_discriminator_learn_by_their_own_terms():
    terms = (Term("G", mean_square, needs=frozenset({"reals", "codes"})),)
    architectures.check(ALONE, build(discriminator=None, terms=terms), "it")
    assert complaint(architectures, ALONE, build(discriminator=None)) == (
        "it: its record says adversarial=False, expected terms of its own, all of phase G: there "
        "is nothing else that it learns by"
    )
    assert "it has no discriminator, but its record says adversarial=True" in complaint(
        architectures, NET, build(discriminator=None, terms=terms)
    )


def test_terms_see_what_they_need():
    def features(batch):
        assert batch.shown_reals[-1].shape == (4, 3, SIDE, SIDE)
        return {"features": batch.real_features.square().mean(1) + 0 * batch.real_logits[0]}

    term = Term("D", features, needs=frozenset({"features"}))
    architectures.check(NET, build(terms=(term,)), "it")
    early = dataclasses.replace(term, phase="G")
    assert complaint(architectures, NET, build(terms=(early,))) == (
        "it: a term of phase G needs 'features', which are there in phase D alone"
    )


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda b: {"x": b.fakes[-1].mean()}, "'x' of 4 pictures: got shape (), expected (4,)"),
        (lambda b: {"x": b.fakes[-1].mean((1, 2, 3)) / 0}, "'x': 4 of 4 values are not finite"),
        (
            lambda b: {"x": b.z.zero_().sum(1)},
            "it, phase G, a term of its own: it changed the batch's z in place, expected it to ",
        ),
    ],
)
def test_what_is_wrong_with_a_term_is_found(compute, message):
    assert message in complaint(architectures, NET, build(terms=(Term("G", compute),)))


def test_other_networks_have_to_learn_too():
    other = nn.Linear(3, 3)

    def using(batch):
        return {"other": other(batch.z).square().mean(1)}

    networks = {"other": ("G", other)}
    good = build(others=networks, terms=(Term("G", using),))
    with pytest.raises(ContractError, match="in phase G, other parameter weight gets no gradient"):
        architectures.check(NET, build(others=networks), "it")
    architectures.check(NET, good, "it")


# Ranges, seeds, arguments, precision


class UnitG(G):
    def render(self, codes):
        return (super().render(codes)[0] * 0.5 + 0.5,)


class CutG(G):
    def render(self, codes):
        return (super().render(codes)[0].relu(),)


class DicedG(G):
    def __init__(self):
        super().__init__()
        with torch.no_grad():
            self.fine.bias.fill_(dice.random())


class WaveringG(G):
    def render(self, codes):
        (pictures,) = super().render(codes)
        return (pictures * (1 - 1e-3 * dice.random()) if self.training else pictures,)


class DetachedG(G):
    def render(self, codes):
        return (super().render(codes)[0].detach(),)


class TurningG(G):
    def render(self, codes):
        return (super().render(codes)[0] * (1 - 1e-3 * float(torch.rand(()))),)


class SeedingG(G):
    def __init__(self):
        torch.manual_seed(5)
        super().__init__()


class SureD(D):
    """It ends in a sigmoid."""

    def forward(self, pictures, features=False):
        return torch.sigmoid(super().forward(pictures))


class WaveringD(D):
    def forward(self, pictures, features=False):
        return super().forward(pictures) + 0.01 * torch.rand(len(pictures[-1]))


class GreedyG(G):
    def forward(self, z):
        return self.render(z.mul_(0.5))


class GreedyD(D):
    def forward(self, pictures, features=False):
        return super().forward((pictures[-1].mul_(0.5),), features)


class Float32D(D):
    """It multiplies what autocast has made bfloat16 with what it has not."""

    def forward(self, pictures, features=False):
        hidden = nn.functional.linear(pictures[-1].flatten(1), self.layer.weight)  # (N, 1)
        with torch.autocast("cpu", enabled=False):
            return (hidden @ torch.ones(1, 1)).squeeze(1) + self.layer.bias


class CoarseD(D):
    """It takes a small difference of large numbers."""

    def forward(self, pictures, features=False):
        large = self.layer(pictures[-1].flatten(1)) + 3000
        return (large - 3000).squeeze(1)


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (build(UnitG), "none below 0: expected signed range [-1, 1], not unit range [0, 1]"),
        (build(CutG), "none below 0: expected signed range [-1, 1], not unit range [0, 1]"),
        (
            build(DicedG),
            "it: generator's fine.bias is not the same where it was built twice after "
            "torch.manual_seed(0), expected that to be the only source of chance",
        ),
        (build(DetachedG), "it: in phase G, generator parameter coarse.weight gets no gradient"),
        (
            build(WaveringG),
            "it: in training mode it draws from Python's random module, expected torch's global "
            "generator alone, which is seeded before each step",
        ),
        (build(TurningG), "it: pictures of the same latents twice in evaluation mode, where "),
        (build(discriminator=SureD), "no sigmoid"),
        (build(SeedingG), "it seeds torch's global generator while it is built, which is the "),
        (build(discriminator=WaveringD), "it: logits of the same pictures twice in evaluation "),
        (build(GreedyG), "the generator changed the latents it was given in place"),
        (build(discriminator=GreedyD), "the discriminator changed the pictures it was given in "),
        (build(discriminator=Float32D), "it, in bfloat16: it fails: "),
        (build(discriminator=CoarseD), "it: logits in bfloat16 and in float32: they differ by "),
    ],
)
def test_what_networks_do_on_the_quiet_is_found(networks, message):
    assert message in complaint(architectures, NET, networks)


def objective(d):
    return lambda: Adversarial.of(d, lambda f: (f - 1).square(), margin=lambda r, f: r)


def squares(real, fake):
    return (real - 1).square() + (fake + 1).square()


@pytest.mark.parametrize(
    ("d", "message"),
    [
        (
            lambda r, f: squares(r, f) + 0 * np.random.rand(),
            "it draws from NumPy's global generator, expected a pure function of the batch",
        ),
        (
            lambda r, f: squares(r, f) * torch.ones(len(r)).bernoulli_(1.0),
            "it draws from torch's global generator, expected a pure function of the batch",
        ),
        (
            lambda r, f: squares(r.add_(0.5), f),
            "it changed the batch's real_logits in place, expected it to leave its arguments as ",
        ),
        (
            lambda r, f: squares(r.detach(), f.detach()),
            "it: raising the real logits changes the D loss by +0 each, expected less than 0",
        ),
        (
            lambda r, f: squares(r, f) + 0 * (torch.eye(len(r)) @ r.double().float()).double(),
            "got torch.float64, expected torch.float32",
        ),
    ],
)
def test_what_an_objective_does_on_the_quiet_is_found(d, message):
    objectives.check(Objective("o", "m:f"), objective(squares), "it")
    assert message in complaint(objectives, Objective("o", "m:f"), objective(d))


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (
            lambda b: {"r": b.real_logits[0].square() + 0 * dice.random()},
            "it draws from Python's random module, expected a pure function of the batch and of ",
        ),
        (
            lambda b: {"r": b.real_logits[0].detach().square()},
            "it: no gradient flows through it (no detach())",
        ),
        (
            lambda b: {"r": b.real_logits[0].square() + torch.arange(len(b.z))},
            "it: its values of a batch in another order: they differ by up to ",
        ),
        (
            lambda b: {
                "r": (b.real_logits[0].unsqueeze(1) @ torch.ones(1, 1) + 5e3 - 5e3).squeeze(1)
            },
            "it: its values in bfloat16 and in float32: they differ by ",
        ),
    ],
)
def test_what_a_regularizer_does_on_the_quiet_is_found(compute, message):
    term = Term("D", compute, needs=frozenset({"reals"}))
    found = complaint(regularizers, Regularizer("r", "m:f"), lambda: term)
    assert message in found


def test_chance_is_put_back():
    dice.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    expected = dice.random(), np.random.rand(), float(torch.rand(()))
    dice.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    with reseeded(0):
        one = dice.random(), np.random.rand(), float(torch.rand(()))
    with reseeded(0):
        assert (dice.random(), np.random.rand(), float(torch.rand(()))) == one
    with untouched("it", "nothing"):
        pass
    with pytest.raises(ContractError, match="^it draws from NumPy's global generator, expected 1"):
        with untouched("it", "1"):
            np.random.rand()
    assert (dice.random(), np.random.rand(), float(torch.rand(()))) == expected

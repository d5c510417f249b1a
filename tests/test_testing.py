"""The contract tests find what they are there to find, and say it."""

from __future__ import annotations

import dataclasses
import random as dice

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from artgan.api import (
    Action,
    Adversarial,
    Architecture,
    Augmentation,
    ConfigError,
    Networks,
    Objective,
    OutputError,
    Policy,
    Regularizer,
    Sampler,
    Term,
)
from artgan.api import Writer as WriterRecord
from artgan.images import to_pil
from artgan.registry import Registry
from artgan.testing import (
    ContractError,
    architectures,
    augmentations,
    check_component,
    check_plugins,
    components,
    isolated_registry,
    objectives,
    policies,
    regularizers,
    samplers,
    writers,
)


def complaint(module, record, build):
    """Return what a check says of a component."""
    with pytest.raises(ContractError) as caught:
        module.check(record, build, "it")
    return str(caught.value)


# Registries


def test_an_isolated_registry_holds_what_is_given():
    assert components(isolated_registry()) == []
    entries = components(isolated_registry("artgan_plugins"))
    names = {(entry.record.kind, entry.record.name) for entry in entries}
    assert ("architectures", "dcgan") in names
    import artgan_plugins

    assert len(components(isolated_registry(artgan_plugins))) == len(names)
    assert components(isolated_registry(built_in=True))[0].plugin.built_in


def test_check_plugins_says_what_a_user_would_see(strangers):
    strangers("artgan-bad", {"bad": "raise RuntimeError('boom')"})
    with pytest.raises(ContractError) as caught:
        check_plugins(isolated_registry("bad"))
    assert str(caught.value) == (
        "artgan: plug-in 'bad' (bad): it could not be imported: RuntimeError: boom"
    )


def test_a_component_can_be_named():
    known = Registry(entry_points=())
    check_component(known, "samplers/slerp")
    with pytest.raises(ContractError, match="^no kind 'sampler': expected KIND/NAME, kinds: "):
        check_component(known, "sampler/slerp")


def test_options_without_defaults_or_words_are_found(strangers):
    source = """
        from pydantic import BaseModel
        from artgan.api import Sampler, hookimpl
        from artgan.options import Options
        class Loose(BaseModel):
            x: int = 1
        class Needy(Options):
            x: int
        class Mute(Options):
            x: int = 1
        @hookimpl
        def artgan_samplers():
            for name in ("Loose", "Needy", "Mute"):
                yield Sampler(name.lower(), "m:f", summary="s", options=f"odd:{name}")
            yield Sampler("dull", "m:f")
        """
    strangers("artgan-odd", {"odd": source})
    known = isolated_registry("odd")
    for name, message in {
        "loose": "sampler 'loose': its options can change; derive it from artgan.options.Options",
        "needy": "sampler 'needy': option 'x' has no default, expected one",
        "mute": "sampler 'mute': option 'x' has no description",
        "dull": "sampler 'dull' has no summary: expected one line for lists",
    }.items():
        with pytest.raises(ContractError) as caught:
            check_component(known, f"samplers/{name}")
        assert str(caught.value) == message


# Architectures


class G(nn.Module):
    """A generator that keeps the contract."""

    def __init__(self, size, channels):
        super().__init__()
        self.z_dim, self.shape = 3, (channels, *size)
        self.layer = nn.Linear(3, channels * size[0] * size[1])

    def codes(self, z, psi=1.0):
        return z * psi

    def render(self, codes):
        return (torch.tanh(self.layer(codes)).unflatten(1, self.shape),)

    def forward(self, z):
        return self.render(self.codes(z))


class D(nn.Module):
    """A discriminator that keeps the contract."""

    def __init__(self, size, channels):
        super().__init__()
        self.layer = nn.Linear(channels * size[0] * size[1], 1)

    def forward(self, pictures):
        return self.layer(pictures[-1].flatten(1)).squeeze(1)


class TurnedG(G):
    def render(self, codes):
        (pictures,) = super().render(codes)
        return (pictures.transpose(2, 3),)


class BareG(G):
    def render(self, codes):
        return super().render(codes)[0]


class UnitG(G):
    def render(self, codes):
        return (super().render(codes)[0] * 255,)


class OtherG(G):
    def forward(self, z):
        return self.render(z * 2)


class MeanlessG(G):
    def codes(self, z, psi=1.0):
        return z


class CoupledG(G):
    def render(self, codes):
        return super().render(codes - codes.mean(0))


class IdleG(G):
    def __init__(self, size, channels):
        super().__init__(size, channels)
        self.idle = nn.Linear(1, 1)


class TallD(D):
    def forward(self, pictures):
        return super().forward(pictures)[:, None]


class CoupledD(D):
    def forward(self, pictures):
        logits = super().forward(pictures)
        return logits - logits.mean()


class OrderedD(D):
    def forward(self, pictures):
        logits = super().forward(pictures)
        return logits + torch.arange(len(logits))


class FlatD(D):
    def forward(self, pictures):
        return super().forward(tuple(p.detach() for p in pictures))


class ForgetfulD(D):
    def __init__(self, size, channels):
        super().__init__(size, channels)
        self.register_buffer("offset", torch.rand(()), persistent=False)

    def forward(self, pictures):
        return super().forward(pictures) + self.offset


NET = Architecture("net", "m:f", max_side=64)


def pair(generator=G, discriminator=D):
    return lambda *, size, channels: Networks(
        generator(size, channels), discriminator(size, channels)
    )


def test_a_good_architecture_passes():
    architectures.check(NET, pair(), "it")
    architectures.check(dataclasses.replace(NET, batch_coupled=True), pair(G, CoupledD), "it")


@pytest.mark.parametrize(
    ("generator", "discriminator", "message"),
    [
        (TurnedG, D, "the generator's finest pictures: got shape (1, 1, 32, 16), expected "),
        (BareG, D, "the generator returned a Tensor, expected a tuple of pictures, coarse to fine"),
        (OtherG, D, "it: render(codes(z)) against forward(z): they differ by up to "),
        (MeanlessG, D, "it: codes(z, 0), expected one mean for every z: return mean + psi * "),
        (CoupledG, D, "it: in evaluation mode a picture alone and among 4: they differ by up to "),
        (IdleG, D, "it: in phase G, generator parameter idle.weight gets no gradient, expected "),
        (G, TallD, "logits of 1 pictures: got shape (1, 1), expected (1,)"),
        (G, CoupledD, "it: logits of a picture alone and among 4 (say batch_coupled=True in its "),
        (G, ForgetfulD, "it: logits after state_dict was loaded: they differ by up to "),
        (G, FlatD, "it: in phase G, generator parameter layer.weight gets no gradient"),
    ],
)
def test_a_broken_architecture_is_found(generator, discriminator, message):
    assert message in complaint(architectures, NET, pair(generator, discriminator))


def test_pictures_out_of_range_are_found():
    from artgan.api import ShapeError

    with pytest.raises(ShapeError, match=r"expected signed range \[-1, 1\]"):
        architectures.check(NET, pair(UnitG), "it")


def test_an_order_that_matters_is_found():
    record = dataclasses.replace(NET, batch_coupled=True)
    assert "logits of a batch in another order" in complaint(
        architectures, record, pair(G, OrderedD)
    )


def test_a_promise_of_scales_is_checked():
    record = dataclasses.replace(NET, multi_scale=True)
    assert "returned 1 scales, but its record promises several scales" in complaint(
        architectures, record, pair()
    )


def test_no_networks_are_found():
    assert complaint(architectures, NET, lambda **_: (1, 2)) == (
        "it, size (16, 16) (height, width), 1 channels: its target returned a tuple, expected "
        "artgan.api.Networks"
    )


# Objectives


def over(loss, *heads):
    """Return the mean of a loss over heads."""
    return torch.stack([loss(*logits) for logits in zip(*heads, strict=True)]).mean(0)


def objective(d=lambda r, f: softplus(-r) + softplus(f), g=lambda f: softplus(-f), **more):
    more.setdefault("margin", lambda real, fake: real)
    return lambda: Adversarial(
        Term("D", lambda b: {"d": over(d, b.real_logits, b.fake_logits)}),
        Term("G", lambda b: {"g": over(g, b.fake_logits)}),
        **more,
    )


def test_a_good_objective_passes():
    objectives.check(Objective("o", "m:f"), objective(), "it")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            objective(d=lambda r, f: softplus(r) + softplus(-f)),
            "it: raising the real logits changes the D loss by +",
        ),
        (
            objective(d=lambda r, f: softplus(-r) + softplus(-f)),
            "it: raising the fake logits changes the D loss by -",
        ),
        (objective(g=softplus), "it: raising the fake logits changes the G loss by +"),
        (objective(g=lambda f: -f.mean()), "'g' of 5 pictures: got shape (), expected (5,)"),
        (objective(g=lambda f: (-f).exp()), "'g': 5 of 5 values are not finite"),
        (objective(g=lambda f: -f.cumsum(0)), "the losses of a batch in another order: they "),
        (
            objective(margin=lambda real, fake: fake),
            "it: its margin at reals of 2 and fakes of -2 is -2, expected above 0",
        ),
        (
            objective(margin=lambda real, fake: real.sigmoid()),
            "it: its margin at reals of -2 and fakes of 2 is 0.119, expected below 0",
        ),
        (lambda: 3, "it: its target returned a int, expected artgan.api.Adversarial"),
    ],
)
def test_a_broken_objective_is_found(build, message):
    assert message in complaint(objectives, Objective("o", "m:f"), build)


def test_a_relativistic_objective_has_to_ask_for_reals():
    record = Objective("o", "m:f", relativistic=True)
    assert "its generator term does not need reals" in complaint(objectives, record, objective())


def relativistic(d=lambda r, f: softplus(f - r), g=lambda r, f: softplus(r - f)):
    return lambda: Adversarial.of_pairs(d, g)


PAIRS = Objective("o", "m:f", relativistic=True)


def test_relativistic_objectives_pass():
    objectives.check(PAIRS, relativistic(), "it")
    coupled = dataclasses.replace(PAIRS, batch_coupled=True)
    averaged = relativistic(d=lambda r, f: softplus(f.mean() - r) + softplus(f - r.mean()))
    objectives.check(coupled, averaged, "it")
    assert "the loss of a pair alone and among 5 (say batch_coupled=True in its " in complaint(
        objectives, PAIRS, averaged
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            relativistic(g=lambda r, f: softplus(-f) + 0 * r),
            "it: raising the real logits changes the G loss by +0 each, expected more than 0 (its ",
        ),
        (
            relativistic(g=lambda r, f: softplus(-r - f)),
            "it: raising the real logits changes the G loss by -",
        ),
        (
            relativistic(g=lambda r, f: softplus(r.mean() - f)),
            "it, phase G: the loss of a pair alone and among 5",
        ),
        (
            relativistic(d=lambda r, f: softplus(f - r.roll(1))),
            "the losses of a batch in another order",
        ),
    ],
)
def test_a_broken_relativistic_objective_is_found(build, message):
    assert message in complaint(objectives, PAIRS, build)


@pytest.mark.parametrize("coupled", [False, True])
def test_the_order_of_the_batch_matters_to_nobody(coupled):
    record = dataclasses.replace(PAIRS, batch_coupled=coupled)
    build = relativistic(g=lambda r, f: softplus(r - f) * torch.arange(len(f)))
    assert "the losses of a batch in another order" in complaint(objectives, record, build)


def test_a_promise_of_parity_is_checked():
    record = dataclasses.replace(PAIRS, parity=0.6931)
    objectives.check(record, relativistic(), "it")
    assert complaint(objectives, dataclasses.replace(record, parity=1.3863), relativistic()) == (
        "it: its record says parity 1.39, but where all logits are the same the D loss is 0.693 at "
        "best"
    )


# Regularizers


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (
            Term("G", lambda b: {"r": b.real_logits[0]}),
            "it: its phase is 'G', expected 'D'",
        ),
        (
            Term("D", lambda b: {"r": b.real_logits[0]}, needs=frozenset({"faces"})),
            "it: it needs ['faces'], expected some of ['codes', 'fake-gradients', "
            "'gradients', 'reals']",
        ),
        (Term("D", lambda b: {}), "expected name -> value per picture"),
        (
            Term("D", lambda b: {"r": b.real_logits[0] * 0}),
            "it: its gradient at every discriminator parameter is 0",
        ),
        (
            Term("D", lambda b: {"r": b.real_logits[0] / 0}),
            "'r': 5 of 5 values are not finite",
        ),
        (3, "it: got a int, expected artgan.api.Term"),
    ],
)
def test_a_broken_regularizer_is_found(term, message):
    assert message in complaint(regularizers, Regularizer("r", "m:f"), lambda: term)


def test_a_penalty_that_misses_the_last_bias_is_found():
    def penalty(batch):
        (slope,) = torch.autograd.grad(
            batch.real_logits[0].sum(), batch.reals[0], create_graph=True
        )
        return {"r": slope.square().sum((1, 2, 3))}

    term = Term("D", penalty, needs=frozenset({"reals", "gradients"}))
    assert (
        "discriminator parameter heads.bias gets no gradient, expected one, if of 0"
        in complaint(regularizers, Regularizer("r", "m:f"), lambda: term)
    )


def steep(heads, pictures, to=1.0):
    """Return how far D's slope is from a number, a value a picture, with a graph to all of D."""
    slopes = torch.autograd.grad(sum(h.sum() for h in heads), pictures, create_graph=True)
    squares = sum(slope.square().sum((1, 2, 3)) for slope in slopes)
    return (squares.sqrt() - to).square() + 0 * sum(heads)


def between(batch, share):
    """Return D's slope between reals and fakes, by calling it."""
    shown = tuple(
        torch.lerp(r.detach(), f.detach(), share).requires_grad_()
        for r, f in zip(batch.reals, batch.fakes, strict=True)
    )
    return {"r": steep(batch.discriminate(shown), shown)}


def test_good_penalties_pass():
    record = Regularizer("r", "m:f")
    at_fakes = Term(
        "D",
        lambda b: {"r": steep(b.fake_logits, b.fakes)},
        needs=frozenset({"fake-gradients"}),
        second_order=True,
    )
    regularizers.check(record, lambda: at_fakes, "it")
    drawn = Term(
        "D",
        lambda b: between(b, torch.rand(5, 1, 1, 1)),
        needs=frozenset({"reals"}),
        second_order=True,
    )
    regularizers.check(record, lambda: drawn, "it")


def test_a_penalty_on_a_gradient_has_to_say_so():
    term = Term(
        "D", lambda b: {"r": steep(b.fake_logits, b.fakes)}, needs=frozenset({"fake-gradients"})
    )
    assert complaint(regularizers, Regularizer("r", "m:f"), lambda: term) == (
        "it: it differentiates a gradient, but its term says second_order=False: say "
        "second_order=True, and its phase is computed in float32"
    )


def test_a_penalty_at_fakes_that_does_not_ask_for_their_gradients_is_found():
    term = Term("D", lambda b: {"r": steep(b.fake_logits, b.fakes)})
    with pytest.raises(RuntimeError, match="does not require grad"):
        regularizers.check(Regularizer("r", "m:f"), lambda: term, "it")


def test_chance_from_elsewhere_is_found():
    own = torch.Generator().manual_seed(0)
    term = Term("D", lambda b: between(b, torch.rand(5, 1, 1, 1, generator=own)))
    assert (
        "it, 1 heads, 1 scales: its values twice after torch.manual_seed(0), the only source of "
        "chance: they differ by up to "
    ) in complaint(regularizers, Regularizer("r", "m:f"), lambda: term)


def test_a_penalty_that_looks_at_the_finest_scale_only_is_none_of_a_pyramid():
    def penalty(batch):
        (coarse, *_) = batch.reals
        assert len(batch.reals) == 1, "this one was written for one scale"
        return {"r": steep(batch.real_logits, (coarse,))}

    term = Term("D", penalty, needs=frozenset({"reals", "gradients"}))
    with pytest.raises(AssertionError, match="written for one scale"):
        regularizers.check(Regularizer("r", "m:f"), lambda: term, "it")


# Augmentations


def drawn(pictures, random):
    """Return a number in [0, 1) for each picture, (N, 1, 1, 1)."""
    return torch.rand(len(pictures[0]), 1, 1, 1, generator=random)


def lit(pictures, *, strength, cur_nimg, random):
    """Return pictures made lighter or darker: it keeps the contract."""
    light = strength * (drawn(pictures, random) - 0.5)
    return tuple(scale + light for scale in pictures)


def hissing(pictures, *, strength, cur_nimg, random):
    """Return pictures with noise, whatever the strength: it keeps the contract."""
    return tuple(scale + torch.randn(scale.shape, generator=random) for scale in pictures)


class Rounded(torch.autograd.Function):
    """A step that passes gradients on as they are, once."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, slope):
        return slope


class Signs(torch.autograd.Function):
    """A step whose gradient says the same whatever comes back."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, slope):
        return slope.sign().requires_grad_() * 1


def altered(change):
    """Return a build of an augmentation that does something to what `lit` returns."""
    return lambda: lambda pictures, **given: change(lit(pictures, **given), pictures, given)


def in_place(changed, pictures, given):
    pictures[0].mul_(0.5)
    return changed


def from_elsewhere(changed, pictures, given):
    return tuple(scale + given["strength"] * torch.rand(()) for scale in changed)


ADAPTIVE = Augmentation("a", "m:f")
STEADY = Augmentation("a", "m:f", adaptive=False)


def test_good_augmentations_pass():
    augmentations.check(ADAPTIVE, lambda: lit, "it")
    augmentations.check(STEADY, lambda: hissing, "it")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: 3, "it: its target returned a int, expected a function (artgan.api.Augment)"),
        (altered(lambda c, p, g: list(c)), "it returned a list, expected a tuple of pictures"),
        (altered(lambda c, p, g: c[-1:]), "it returned 1 scales of 3"),
        (altered(lambda c, p, g: tuple(s[:, :3] for s in c)), "got shape (4, 3, 8, 8), expected "),
        (altered(lambda c, p, g: tuple(s.double() for s in c)), "got torch.float64, expected "),
        (altered(lambda c, p, g: tuple(s / 0 for s in c)), "values are not finite"),
        (altered(in_place), "it changed the pictures it was given in place"),
        (altered(from_elsewhere), "it draws from torch's global generator, expected the one it "),
        (altered(lambda c, p, g: p), "four seeds at full strength give the same pictures"),
        (lambda: hissing, "pictures at strength 0 and as they were (adaptive): they differ by up "),
        (
            altered(lambda c, p, g: tuple(s + g["strength"] * s.mean() for s in c)),
            "a picture among others and among strangers: they differ by up to ",
        ),
        (
            altered(lambda c, p, g: tuple(s.detach() for s in c)),
            "no gradient flows through it",
        ),
        (
            altered(lambda c, p, g: (*(s.detach() for s in c[:-1]), c[-1])),
            "3 scales up to (16, 24), 1 channels: no gradient flows through one of its scales",
        ),
        (
            altered(lambda c, p, g: tuple(Rounded.apply(s) if g["strength"] else s for s in c)),
            "it cannot be differentiated twice: trying to differentiate twice a function",
        ),
        (
            altered(lambda c, p, g: tuple(Signs.apply(s) if g["strength"] else s for s in c)),
            "its second gradient is 0, expected r1 to see it",
        ),
    ],
)
def test_a_broken_augmentation_is_found(build, message):
    assert message in complaint(augmentations, ADAPTIVE, build)


def test_an_augmentation_by_the_clock_does_not_go_by_strength():
    assert "pictures at strengths 0 and 1 (its record says adaptive=False)" in complaint(
        augmentations, STEADY, lambda: lit
    )


# Policies


class Steady:
    """A policy that keeps the contract: strength follows the mean sign accuracy."""

    def __init__(self, objective):
        self.objective = objective
        self.seen = []

    def observe(self, stats):
        if "sign_accuracy" in stats.values:
            self.seen = [*self.seen, stats.values["sign_accuracy"]][-50:]
        mean = sum(self.seen) / max(len(self.seen), 1)
        return Action(d_rate=1 - mean / 2, strength=max(0.0, mean))

    def state(self):
        return {"seen": list(self.seen)}

    def restore(self, state, *, rolled_back):
        self.seen = list(state["seen"])


def asking(**asked):
    """Return a policy that always asks for the same."""

    class Asking(Steady):
        def observe(self, stats):
            return Action(**asked)

    return Asking


class Forgetting(Steady):
    """Its state is not all of it."""

    def state(self):
        return {"seen": self.seen[-1:]}


class Lossy(Steady):
    """It does not take over all of its state."""

    def restore(self, state, *, rolled_back):
        self.seen = []


class Leaking(Steady):
    """It gives its memory away and goes on writing into it."""

    def observe(self, stats):
        self.seen.append(stats.cur_nimg)
        return Action()

    def state(self):
        return {"seen": self.seen}


class Tensorial(Steady):
    def state(self):
        return {"seen": torch.tensor(self.seen)}


class Demanding(Steady):
    def observe(self, stats):
        return Action(d_rate=1 + abs(stats.values["sign_accuracy"]))


class Meddling(Steady):
    def observe(self, stats):
        stats.values["mine"] = 1.0
        return Action()


class Moody(Steady):
    moods = 0

    def observe(self, stats):
        Moody.moods += 1
        return Action(d_rate=1.0 + Moody.moods)


class Averaging(Steady):
    """It divides by what may not be there."""

    def observe(self, stats):
        if not stats.values:
            return Action(g_rate=float("nan"))
        return Action()


POLICY = Policy("p", "m:f")


def test_a_good_policy_passes():
    policies.check(POLICY, Steady, "it")
    policies.check(dataclasses.replace(POLICY, role="strength"), Steady, "it")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            asking(d_rate=0.0),
            "it, a healthy run, objective logistic, step at 64 pictures: d_rate is 0.0, expected "
            "a finite factor above 0",
        ),
        (asking(g_rate=float("inf")), "g_rate is inf, expected a finite factor above 0"),
        (asking(strength=1.5), "strength is 1.5, expected None or a number in [0, 1]"),
        (asking(strength=float("nan")), "strength is nan, expected None or a number in [0, 1]"),
        (asking(rollback="best"), "rollback is 'best', expected None or one of ('good', 'diverse'"),
        (asking(stop=None), "stop is None, expected text"),
        (asking(notes=(3,)), "notes are (3,), expected sentences"),
        (asking(events=({"x": {1}},)), "an event is {'x': {1}}, expected what JSON can hold: "),
        (Averaging, "it, a run without figures, objective logistic, step at 64 pictures: g_rate "),
        (Forgetting, "resumed from its state it asks for other things than uninterrupted"),
        (Lossy, "its state after restore is {'seen': []}, expected {'seen': ["),
        (Leaking, "the state it returned changed afterwards, while it went on: expected a copy"),
        (Tensorial, "its state is {'seen': tensor("),
        (Meddling, "it changed the statistics that it was shown"),
        (Moody, "two policies shown the same ask for different things"),
        (lambda objective: type("N", (Steady,), {"observe": lambda *_: None})(objective), "it "),
    ],
)
def test_a_broken_policy_is_found(build, message):
    assert message in complaint(policies, POLICY, build)


def test_a_policy_that_needs_figures_is_found():
    with pytest.raises(KeyError, match="sign_accuracy"):
        policies.check(POLICY, Demanding, "it")


def test_a_policy_that_reads_the_loss_is_shown_objectives_that_say_something():
    seen = set()

    def build(objective):
        seen.add(objective.parity is None)
        return Steady(objective)

    policies.check(dataclasses.replace(POLICY, reads_loss=True), build, "it")
    assert seen == {False}
    policies.check(POLICY, build, "it")
    assert seen == {False, True}


def test_a_role_that_is_none_is_found():
    assert complaint(policies, dataclasses.replace(POLICY, role="nurse"), Steady) == (
        "it: its role is 'nurse', expected one of ('balance', 'strength', 'doctor')"
    )


# Samplers


def ring(keys, u):
    """Return a closed path: from the first key around by a small circle."""
    turn = 2 * torch.pi * u[:, None]
    sway = torch.zeros(1, keys.shape[1])
    sway[0, :2] = 1
    return keys[:1] + sway * turn.sin()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (lambda k, u: ring(k, u)[0], "codes at 9 positions: got shape (7,), expected (9, 7)"),
        (lambda k, u: ring(k, u) + 1, "the code at 0 against the first key: they differ by up to "),
        (lambda k, u: k[:1] + u[:, None], "the code at 1 against the one at 0 (closed)"),
        (lambda k, u: ring(k, u) + torch.rand(()) * 1e-2, "it draws from torch's global generator"),
        (lambda k, u: ring(k, u) + dice.random() * 1e-2, "it draws from Python's random module, "),
        (lambda k, u: ring(k, u) + (u > 0.3)[:, None] * (u < 0.6)[:, None], "the path jumps"),
        (lambda k, u: ring(k, u) / (k[0] - k[-1]).norm(), "values are not finite"),
        (lambda k, u: ring(k, u - u.mean()), "alone and among 9: they differ by up to "),
        (3, "it: its target returned a int, not a function"),
    ],
)
def test_a_broken_sampler_is_found(path, message):
    samplers.check(Sampler("s", "m:f", keyed=False), lambda: ring, "it")
    assert message in complaint(samplers, Sampler("s", "m:f", keyed=False), lambda: path)


def test_a_sampler_is_called_as_a_walk_calls_it():
    def path(keys, u):
        assert keys.dtype == u.dtype == torch.float32
        return ring(keys, u).double()

    assert complaint(samplers, Sampler("s", "m:f", keyed=False), lambda: path) == (
        "it, 1 keys: codes at 9 positions: got torch.float64, expected torch.float32"
    )


@pytest.mark.parametrize(("least", "most"), [(1, 1), (1, 2), (2, 2), (3, 4), (4, None)])
def test_a_sampler_gets_as_many_keys_as_its_record_says(least, most):
    seen = set()

    def path(keys, u):
        seen.add(len(keys))
        return ring(keys, u)

    samplers.check(
        Sampler("s", "m:f", keyed=False, min_keys=least, max_keys=most), lambda: path, "it"
    )
    assert min(seen) == least
    assert max(seen) == min(least + 2, most or least + 2)


def test_a_sampler_that_refuses_what_its_record_says_is_found():
    def path(keys, u):
        if len(keys) > 2:
            raise ConfigError("two at most")
        return ring(keys, u)

    samplers.check(Sampler("s", "m:f", keyed=False, max_keys=2), lambda: path, "it")
    assert complaint(samplers, Sampler("s", "m:f", keyed=False), lambda: path) == (
        "it, 3 keys: refused (two at most), but its record says from 1 to any number"
    )
    assert complaint(
        samplers, Sampler("s", "m:f", keyed=False, min_keys=3, max_keys=2), lambda: path
    ) == ("it: max_keys is 2, expected None or at least min_keys, 3")


@pytest.mark.parametrize("least", [1, 3])
def test_degenerate_keys_are_tried(least):
    def path(keys, u):
        if len(keys) > 1 and bool((keys == -keys[:1]).all(1).any()):
            return ring(keys, u) * float("nan")
        return ring(keys, u)

    record = Sampler("s", "m:f", keyed=False, min_keys=least)
    assert "codes between opposite keys" in complaint(samplers, record, lambda: path)


# Writers


class Hasty:
    """A writer that writes at once and forgets to clean up."""

    def __init__(self, path, **_):
        self.path = path
        self.path.write_bytes(b"x")

    def write(self, image, *, name, seconds):
        pass

    def close(self):
        return [self.path]

    def abort(self):
        pass


class Late(Hasty):
    """A writer that writes on close, and says nothing of it."""

    def __init__(self, path, **_):
        self.path = path

    def close(self):
        self.path.write_bytes(b"x")
        return []


class Littering(Late):
    """A writer that leaves something beside its file."""

    def close(self):
        super().close()
        self.path.with_suffix(".bak").write_bytes(b"x")
        return [self.path]


@pytest.mark.parametrize(
    ("writer", "message"),
    [
        (Hasty, "['picture.x'] are there before close, expected nothing yet"),
        (Late, "close returned [], expected the list of files written"),
        (
            Littering,
            "after close there are ['picture.bak', 'picture.x'], but it says ['picture.x']",
        ),
    ],
)
def test_a_broken_writer_is_found(writer, message):
    assert message in complaint(writers, WriterRecord("w", "m:f", suffixes=(".x",)), writer)


class Good:
    """A writer that keeps the contract, of a format that nobody else reads."""

    def __init__(self, path, *, size, recipe, **_):
        self.path, self.size, self.recipe = path, size, recipe
        self.frames = []

    def write(self, image, *, name, seconds):
        if tuple(image.shape[1:]) != self.size:
            raise OutputError("another size")
        self.frames.append(image)

    def close(self):
        if not self.frames:
            raise OutputError("no frames")
        self.path.write_bytes(b"odd" + (self.recipe or "").encode())
        return [self.path]

    def abort(self):
        pass


class Forgetful(Good):
    """It keeps no recipe."""

    def close(self):
        self.recipe = None
        return super().close()


class Dimming(Good):
    """It changes the frame that it is given."""

    def write(self, image, *, name, seconds):
        super().write(image, name=name, seconds=seconds)
        image.mul_(0.5).add_(0.1)


class Lenient(Good):
    """It takes frames of any size."""

    def write(self, image, *, name, seconds):
        self.frames.append(image)


class Idle(Good):
    """It is content without frames."""

    def close(self):
        self.frames.append(None)
        return super().close()


class Gif(Good):
    """It writes a GIF with its recipe, of some of the frames, turned by some degrees."""

    kept, degrees, milliseconds = slice(None), 0, (80, 200)

    def close(self):
        super().close()
        pictures = [to_pil(frame[:3]).convert("RGB") for frame in self.frames[self.kept]]
        first, *rest = (picture.rotate(self.degrees, expand=True) for picture in pictures)
        more = {} if self.recipe is None else {"comment": self.recipe.encode()}
        if rest:
            more["duration"] = self.milliseconds
        first.save(self.path, "GIF", save_all=True, append_images=rest, **more)
        return [self.path]


class FirstOnly(Gif):
    kept = slice(1)


class Turned(Gif):
    degrees = 90


@pytest.mark.parametrize("writer", [Good, Gif])
def test_a_good_writer_passes(writer):
    writers.check(WriterRecord("w", "m:f", suffixes=(".x",)), writer, "it")


@pytest.mark.parametrize(
    ("writer", "message"),
    [
        (Forgetful, "the recipe is not in picture.x, expected it there as it was given"),
        (
            Lenient,
            "it took a frame of size (10, 6), though it was opened for (6, 10): expected an ",
        ),
        (Dimming, "it, suffix .x, 3 channels: write changed the frame in place, expected it to "),
        (Idle, "it, suffix .x: close without a frame did nothing, expected an ArtganError"),
        (FirstOnly, "it, suffix .x, 3 channels: 1 frames can be read, expected the 2 written"),
        (Turned, "picture.x is of size (10, 6), expected (6, 10)"),
    ],
)
def test_what_a_writer_loses_is_found(writer, message):
    assert message in complaint(writers, WriterRecord("w", "m:f", suffixes=(".x",)), writer)


def test_a_suffix_that_is_none_is_found():
    assert complaint(writers, WriterRecord("w", "m:f", suffixes=("PNG",)), Hasty) == (
        "it: suffix 'PNG', expected lower case with its dot, or '/' for a folder"
    )

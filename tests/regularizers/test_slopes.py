import pytest
import torch
from pydantic import ValidationError
from torch.testing import assert_close

from artgan.api import Batch
from artgan_plugins.regularizers import r1, r2
from artgan_plugins.regularizers.options import R1Options, R2Options
from artgan_plugins.regularizers.slopes import slope_penalty

A = torch.tensor([1.0, -2.0, 0.5, 3.0]).view(1, 1, 2, 2)  # |a|^2 = 14.25

TERMS = [
    ("r1", r1.build, R1Options, {"reals", "gradients"}),
    ("r2", r2.build, R2Options, {"fake-gradients"}),
]


def linear(pictures):
    return (A * pictures).sum((1, 2, 3))


def pictures(count=3, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 2, 2, generator=random).requires_grad_()


def batch_of(fakes, reals, bias):
    return Batch(
        "D",
        0,
        fakes,
        (fakes,),
        (linear(fakes) + bias,),
        lambda p: (linear(p[0]) + bias,),
        lambda z: (z,),
        reals=(reals,),
        real_logits=(2 * linear(reals) + bias,),  # steeper: a term that takes the wrong ones shows
    )


def test_linear_critic_has_the_squared_norm_of_its_weight():
    x = pictures()
    assert_close(slope_penalty((linear(x),), (x,), gamma=2.0), torch.full((3,), 14.25))


def test_batch_of_one_is_batch_of_many():
    x = pictures()

    def penalty(part):
        return slope_penalty((part.square().sum((1, 2, 3)),), (part,), gamma=1.0)

    alone = [penalty(x.detach()[i : i + 1].requires_grad_()) for i in range(3)]
    assert_close(penalty(x), torch.cat(alone))
    assert_close(penalty(x), 2 * x.square().sum((1, 2, 3)))  # |2x|^2 / 2


def test_scales_add_up():
    fine, coarse = pictures(), pictures(seed=1)
    logits = (linear(fine) + 2 * linear(coarse),)
    assert_close(slope_penalty(logits, (coarse, fine), gamma=2.0), torch.full((3,), 5 * 14.25))


def test_heads_are_averaged():
    fine, coarse = pictures(), pictures(seed=1)
    logits = (2 * linear(fine), 2 * linear(coarse))  # their mean: a at either scale
    assert_close(slope_penalty(logits, (coarse, fine), gamma=2.0), torch.full((3,), 2 * 14.25))


def test_a_scale_that_d_does_not_look_at_adds_nothing():
    fine, idle = pictures(), pictures(seed=1)
    penalty = slope_penalty((linear(fine),), (idle, fine), gamma=2.0)
    assert_close(penalty, torch.full((3,), 14.25))


def test_double_backward_reaches_the_critic():
    weight = A.clone().double().requires_grad_()

    def penalty(w):
        x = torch.ones(2, 1, 2, 2, dtype=torch.float64, requires_grad=True)
        return slope_penalty(((w * x.square()).sum((1, 2, 3)),), (x,), gamma=1.0)

    assert torch.autograd.gradcheck(penalty, (weight,))


@pytest.mark.parametrize(("gamma", "weight"), [(None, 3e-3 * 4), (6.0, 6.0), (0.0, 0.0)])
@pytest.mark.parametrize(("name", "build", "options", "needs"), TERMS)
def test_term_takes_its_strength_from_the_size_unless_it_is_given(
    name, build, options, needs, gamma, weight
):
    bias = torch.zeros(1, requires_grad=True)
    term = build(options(gamma=gamma, interval=64))
    value = term.compute(batch_of(pictures(), pictures(seed=1), bias))[name]
    slope = 14.25 * (4 if name == "r1" else 1)
    assert_close(value, torch.full((3,), slope / 2 * weight))
    value.sum().backward()
    assert bias.grad is not None  # else data-parallel training would silently not synchronise
    assert (term.phase, term.needs, term.interval) == ("D", needs, 64)
    assert term.second_order


@pytest.mark.parametrize("options", [R1Options, R2Options])
@pytest.mark.parametrize("wrong", [{"gamma": -1}, {"gamma": float("nan")}, {"interval": -1}])
def test_options_out_of_range_are_refused(options, wrong):
    with pytest.raises(ValidationError):
        options(**wrong)


def test_both_have_the_same_options():
    assert R1Options().model_dump() == R2Options().model_dump() == {"gamma": None, "interval": 512}

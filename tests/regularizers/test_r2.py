import pytest
import torch
from pydantic import ValidationError
from torch.testing import assert_close

from artgan.api import Batch
from artgan_plugins.regularizers.options import R1Options, R2Options
from artgan_plugins.regularizers.r1 import r1_penalty
from artgan_plugins.regularizers.r2 import build, r2_penalty

A = torch.tensor([1.0, -2.0, 0.5, 3.0]).view(1, 1, 2, 2)  # |a|^2 = 14.25


def linear(pictures):
    return (A * pictures).sum((1, 2, 3))


def fakes(count=3, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 2, 2, generator=random).requires_grad_()


def batch_of(x, logits):
    return Batch("D", 0, x, (x,), (logits,), lambda p: (linear(p[0]),), lambda z: (z,))


def test_linear_critic_has_the_squared_norm_of_its_weight():
    x = fakes()
    assert_close(r2_penalty((linear(x),), (x,), r2_gamma=2.0), torch.full((3,), 14.25))


def test_batch_of_one_is_batch_of_many():
    x = fakes()

    def penalty(part):
        return r2_penalty((part.square().sum((1, 2, 3)),), (part,), r2_gamma=1.0)

    alone = [penalty(x.detach()[i : i + 1].requires_grad_()) for i in range(3)]
    assert_close(penalty(x), torch.cat(alone))
    assert_close(penalty(x), 2 * x.square().sum((1, 2, 3)))  # |2x|^2 / 2


def test_scales_add_up_and_heads_are_averaged():
    fine, coarse = fakes(), fakes(seed=1)
    logits = (2 * linear(fine), 2 * linear(coarse))  # their mean: a at either scale
    assert_close(r2_penalty(logits, (coarse, fine), r2_gamma=2.0), torch.full((3,), 2 * 14.25))


def test_a_scale_that_d_does_not_look_at_adds_nothing():
    fine, idle = fakes(), fakes(seed=1)
    penalty = r2_penalty((linear(fine),), (idle, fine), r2_gamma=2.0)
    assert_close(penalty, torch.full((3,), 14.25))


def test_it_is_r1_at_the_fakes():
    x = fakes()
    logits = (x.pow(3).sum((1, 2, 3)),)
    assert_close(
        r2_penalty(logits, (x,), r2_gamma=0.7),
        r1_penalty(logits, (x,), r1_gamma=0.7),
        atol=0,
        rtol=0,
    )
    assert R2Options().model_dump() == R1Options().model_dump()


@pytest.mark.parametrize(("gamma", "weight"), [(None, 3e-3 * 4), (6.0, 6.0), (0.0, 0.0)])
def test_term_takes_its_strength_from_the_size_unless_it_is_given(gamma, weight):
    x = fakes()
    bias = torch.zeros(1, requires_grad=True)
    term = build(R2Options(gamma=gamma, interval=64))
    value = term.compute(batch_of(x, linear(x) + bias))["r2"]
    assert_close(value, torch.full((3,), 14.25 / 2 * weight))
    value.sum().backward()
    assert bias.grad is not None  # else data-parallel training would silently not synchronise
    assert (term.phase, term.needs, term.interval) == ("D", {"fake-gradients"}, 64)


@pytest.mark.parametrize("wrong", [{"gamma": -1}, {"gamma": float("nan")}, {"interval": -1}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        R2Options(**wrong)


def test_double_backward_reaches_the_critic():
    weight = A.clone().double().requires_grad_()

    def penalty(w):
        x = torch.ones(2, 1, 2, 2, dtype=torch.float64, requires_grad=True)
        return r2_penalty(((w * x.square()).sum((1, 2, 3)),), (x,), r2_gamma=1.0)

    assert torch.autograd.gradcheck(penalty, (weight,))

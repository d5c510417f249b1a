import torch
from torch.testing import assert_close

from artgan.api import Batch
from artgan_plugins.regularizers.options import R1Options
from artgan_plugins.regularizers.r1 import build, r1_penalty

A = torch.tensor([1.0, -2.0, 0.5, 3.0]).view(1, 1, 2, 2)


def linear(pictures):
    return ((A * pictures).sum((1, 2, 3)),)


def reals(count=3):
    return torch.randn(count, 1, 2, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()


def test_linear_critic_has_the_squared_norm_of_its_weight():
    x = reals()
    # |a|^2 = 1 + 4 + 0.25 + 9, times gamma / 2
    assert_close(r1_penalty(linear(x), (x,), r1_gamma=2.0), torch.full((3,), 14.25))


def test_batch_of_one_is_batch_of_many():
    x = reals()

    def penalty(part):
        return r1_penalty((part.square().sum((1, 2, 3)),), (part,), r1_gamma=1.0)

    whole = penalty(x)
    alone = [penalty(x.detach()[i : i + 1].requires_grad_()) for i in range(3)]
    assert_close(whole, torch.cat(alone))
    assert_close(whole, 2 * x.square().sum((1, 2, 3)))  # |2x|^2 / 2


def test_scales_add_up():
    fine, coarse = reals(), reals()
    logits = (linear(fine)[0] + 2 * linear(coarse)[0],)
    assert_close(r1_penalty(logits, (coarse, fine), r1_gamma=2.0), torch.full((3,), 5 * 14.25))


def test_term_takes_its_strength_from_the_size_and_reaches_every_logit():
    x = reals()
    bias = torch.zeros(1, requires_grad=True)
    logits = (linear(x)[0] + bias,)
    batch = Batch("D", 0, x, (), logits, linear, lambda z: (z,), reals=(x,), real_logits=logits)
    term = build(R1Options())
    value = term.compute(batch)["r1"]
    assert_close(value, torch.full((3,), 14.25 / 2 * 3e-3 * 4))
    value.sum().backward()
    assert bias.grad is not None  # else data-parallel training would silently not synchronise
    assert term.needs == {"reals", "gradients"}
    assert term.interval == 512


def test_double_backward_reaches_the_critic():
    weight = A.clone().double().requires_grad_()

    def penalty(w):
        x = torch.ones(2, 1, 2, 2, dtype=torch.float64, requires_grad=True)
        return r1_penalty(((w * x.square()).sum((1, 2, 3)),), (x,), r1_gamma=1.0)

    assert torch.autograd.gradcheck(penalty, (weight,))

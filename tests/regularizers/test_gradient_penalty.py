import pytest
import torch
from pydantic import ValidationError
from torch.testing import assert_close

from artgan.api import Batch
from artgan_plugins.regularizers.gradient_penalty import build, gradient_penalty, mix
from artgan_plugins.regularizers.options import GradientPenaltyOptions

A = torch.tensor([2.0, -2.0, 0.0, 1.0]).view(1, 1, 2, 2)  # |a| = 3


def linear(pictures):
    return (A * pictures).sum((1, 2, 3))


def pictures(count=3, seed=0):
    return torch.randn(count, 1, 2, 2, generator=torch.Generator().manual_seed(seed))


def batch_of(reals, fakes, discriminate):
    z = torch.zeros(len(reals[0]), 1)
    return Batch("D", 0, z, fakes, (), discriminate, lambda z: (z,), reals=reals)


def computed(discriminate, reals, fakes, *, seed=0, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        term = build(GradientPenaltyOptions(**options))
        return term.compute(batch_of(reals, fakes, discriminate))["gradient-penalty"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 10 * (3 - 1) ** 2),
        ({"weight": 0.5}, 0.5 * (3 - 1) ** 2),
        ({"target": 5.0}, 10 * (3 - 5) ** 2),
        ({"target": 5.0, "one_sided": True}, 0),
        ({"target": 0.0, "one_sided": True}, 10 * 3**2),
    ],
)
def test_linear_critic_by_hand(options, expected):
    value = computed(lambda p: (linear(p[0]),), (pictures(),), (pictures(seed=1),), **options)
    assert_close(value, torch.full((3,), float(expected)))


def test_the_norm_is_over_all_scales_together():
    """Slopes of |3| and |4| make one of |5|, not a sum of two penalties."""
    reals, fakes = (pictures(), pictures(seed=1)), (pictures(seed=2), pictures(seed=3))
    value = computed(lambda p: (linear(p[0]) + linear(p[1]) * 4 / 3,), reals, fakes)
    assert_close(value, torch.full((3,), 10.0 * (5 - 1) ** 2))


def test_heads_are_averaged_before_the_slope_is_taken():
    value = computed(lambda p: (linear(p[0]), 3 * linear(p[0])), (pictures(),), (pictures(),))
    assert_close(value, torch.full((3,), 10.0 * (6 - 1) ** 2))


def test_batch_of_one_is_batch_of_many():
    x = pictures().requires_grad_()

    def penalty(part):
        return gradient_penalty((part.square().sum((1, 2, 3)),), (part,))

    alone = [penalty(x.detach()[i : i + 1].requires_grad_()) for i in range(3)]
    assert_close(penalty(x), torch.cat(alone))
    assert_close(penalty(x), (2 * x.flatten(1).norm(dim=1) - 1).square())


def test_each_pair_is_mixed_by_its_own_share_at_every_scale():
    fine = torch.zeros(3, 1, 4, 4), torch.ones(3, 1, 4, 4)
    coarse = torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2)
    shares = torch.tensor([0.0, 0.25, 1.0])
    for mixed in mix((coarse[0], fine[0]), (coarse[1], fine[1]), shares):
        for picture, share in zip(mixed, shares, strict=True):
            assert_close(picture, torch.full_like(picture, float(share)))


def test_places_are_drawn_for_each_pair_and_again_from_the_same_seed():
    seen = []

    def discriminate(shown):
        seen.append(shown[0].detach())
        return (linear(shown[0]),)

    for seed in (0, 0, 1):
        computed(discriminate, (torch.zeros(8, 1, 2, 2),), (torch.ones(8, 1, 2, 2),), seed=seed)
    first, again, other = seen
    assert_close(first, again, atol=0, rtol=0)
    assert not torch.equal(first, other)
    assert len(first[:, 0, 0, 0].unique()) == 8
    assert first.min() >= 0
    assert first.max() <= 1


def test_nothing_of_it_reaches_the_pictures_it_was_given():
    reals, fakes = pictures().requires_grad_(), pictures(seed=1).requires_grad_()
    weight = A.clone().requires_grad_()
    bias = torch.zeros(1, requires_grad=True)
    value = computed(lambda p: ((weight * p[0]).sum((1, 2, 3)) + bias,), (reals,), (fakes,))
    value.sum().backward()
    assert reals.grad is None
    assert fakes.grad is None
    assert_close(weight.grad, 3 * 10 * 2 * (3 - 1) * A / 3)  # 3 pictures, a / |a|
    assert_close(bias.grad, torch.zeros(1))  # reached, or it would not be synchronised


def test_a_flat_critic_has_a_gradient_that_is_a_number():
    weight = torch.zeros_like(A).requires_grad_()
    value = computed(lambda p: ((weight * p[0]).sum((1, 2, 3)),), (pictures(),), (pictures(),))
    assert_close(value, torch.full((3,), 10.0), atol=1e-4, rtol=0)
    value.sum().backward()
    assert weight.grad.isfinite().all()


def test_it_is_used_in_every_step_of_phase_d():
    term = build(GradientPenaltyOptions())
    assert (term.phase, term.needs, term.interval) == ("D", {"reals"}, 0)


@pytest.mark.parametrize("wrong", [{"weight": -1}, {"target": -1}, {"interval": -1}, {"gamma": 1}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        GradientPenaltyOptions(**wrong)


@pytest.mark.parametrize("one_sided", [False, True])
def test_double_backward_reaches_the_critic(one_sided):
    weight = A.clone().double().requires_grad_()

    def penalty(w):
        x = torch.ones(2, 1, 2, 2, dtype=torch.float64, requires_grad=True)
        return gradient_penalty(((w * x.square()).sum((1, 2, 3)),), (x,), one_sided=one_sided)

    assert torch.autograd.gradcheck(penalty, (weight,))

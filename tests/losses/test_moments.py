"""Gaussians compared by mean and covariance: distances worked out by hand."""

import pytest
import torch
from torch.testing import assert_close

from artgan_plugins.losses.moments import RIDGE, build, gaussian_distance
from artgan_plugins.losses.options import LayersOptions

LOSS = build(LayersOptions())


def second(mean, covariance):
    return covariance + mean[:, :, None] * mean[:, None, :]


def distance(mean, covariance, target_mean, target_covariance):
    pairs = [
        (m.double()[None], c.double()[None])
        for m, c in ((mean, covariance), (target_mean, target_covariance))
    ]
    given = [each for m, c in pairs for each in (m, second(m, c))]
    return float(gaussian_distance(*given))


def features(count=1, seed=0, size=(8, 9), channels=4):
    random = torch.Generator().manual_seed(seed)
    mix = torch.randn(channels, channels, generator=random)
    noise = torch.randn(count, channels, *size, generator=random)
    return torch.einsum("dc,nchw->ndhw", mix, noise).relu()


def value(given, target):
    return LOSS.compare(LOSS.statistics({"a": given}), LOSS.statistics({"a": target}))


def test_two_round_ones():
    # |m - t|^2 + C (s - r)^2, of deviations s = 2 and r = 3 in C = 3 channels
    one = torch.tensor([1.0, 0.0, 0.0]), 4 * torch.eye(3)
    other = torch.tensor([0.0, 2.0, 0.0]), 9 * torch.eye(3)
    energy = 4 + 27
    assert distance(*one, *other) == pytest.approx((5 + 3) / energy, rel=1e-3)
    assert distance(*other, *other) == pytest.approx(0, abs=1e-12)


def test_two_along_the_same_axes():
    one = torch.zeros(2), torch.diag(torch.tensor([16.0, 1.0]))
    other = torch.zeros(2), torch.diag(torch.tensor([1.0, 4.0]))
    assert distance(*one, *other) == pytest.approx((9 + 1) / 5, rel=1e-3)  # (4-1)^2 + (1-2)^2


def test_two_crossed_ones():
    # turned by a right angle, the roots of the product's eigenvalues are 2 and 2
    long, tall = torch.diag(torch.tensor([4.0, 1.0])), torch.diag(torch.tensor([1.0, 4.0]))
    assert distance(torch.zeros(2), long, torch.zeros(2), tall) == pytest.approx(2 / 5, rel=2e-3)


def test_it_is_as_the_definition_says():
    drawn = [torch.randn(5, 5, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    ours, theirs = (x.double() @ x.T.double() for x in drawn)
    ridge = RIDGE * float(theirs.trace()) / 5 * torch.eye(5).double()

    def root(matrix):
        values, vectors = torch.linalg.eigh(matrix)
        return vectors @ values.clamp_min(0).sqrt().diag() @ vectors.T

    ours, theirs = ours + ridge, theirs + ridge
    half = root(theirs)
    expected = ours.trace() + theirs.trace() - 2 * root(half @ ours @ half).trace()
    zero = torch.zeros(5)
    given = distance(zero, ours - ridge, zero, theirs - ridge)
    assert given == pytest.approx(float(expected / (theirs - ridge).trace()), rel=1e-6)


def test_statistics_are_means_over_places():
    two = torch.tensor([[[[1.0, 3.0]], [[2.0, 0.0]]]])
    found = LOSS.statistics({"a": two})
    assert_close(found["a/mean"], torch.tensor([[2.0, 1.0]]))
    assert_close(found["a/second"], torch.tensor([[[5.0, 1.0], [1.0, 2.0]]]))
    first = LOSS.statistics({"a": two}, {"a": torch.tensor([[[[1.0, 0.0]]]])})
    assert_close(first["a/mean"], torch.tensor([[1.0, 2.0]]))
    assert_close(first["a/second"], torch.tensor([[[1.0, 2.0], [2.0, 4.0]]]))


def test_louder_features_of_both_change_nothing():
    far = value(features(), features(seed=1))
    for factor in (0.01, 100.0):
        assert_close(value(factor * features(), factor * features(seed=1)), far)


def test_where_nothing_is_left_it_is_about_one():
    assert_close(value(0 * features(), features()), torch.ones(1), atol=0.1, rtol=0)


@pytest.mark.parametrize("given", [0.0, 1.0])
def test_flat_features_and_one_place_have_finite_gradients(given):
    target = LOSS.statistics({"a": features()})
    for size in ((4, 5), (1, 1)):
        flat = torch.full((1, 4, *size), given, requires_grad=True)
        LOSS.compare(LOSS.statistics({"a": flat}), target).sum().backward()
        assert flat.grad.isfinite().all()
        assert flat.grad.abs().max() < 10


@pytest.mark.parametrize("seed", [0, 1])
def test_gradient_far_away_and_at_the_target(seed):
    target = LOSS.statistics({"a": features().double()})
    given = features(seed=seed).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: LOSS.compare(LOSS.statistics({"a": x}), target), (given,), atol=1e-4
    )


def test_gradient_where_eigenvalues_coincide():
    eye = torch.eye(3).double()[None]
    zero = torch.zeros(1, 3).double()
    given = (2 * eye).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda s: gaussian_distance(zero, (s + s.mT) / 2, zero, eye), (given,)
    )

import math

import pytest
import torch
from torch.testing import assert_close

from artgan.api import Batch
from artgan.registry import Registry
from artgan_plugins.objectives.hinge import hinge_d, hinge_g
from artgan_plugins.objectives.least_squares import least_squares_d, least_squares_g
from artgan_plugins.objectives.non_saturating import non_saturating_d, non_saturating_g
from artgan_plugins.objectives.relativistic_hinge import (
    relativistic_hinge_d,
    relativistic_hinge_g,
)
from artgan_plugins.objectives.relativistic_logistic import (
    relativistic_logistic_d,
    relativistic_logistic_g,
)
from artgan_plugins.objectives.wasserstein import wasserstein_d, wasserstein_g

ZERO = torch.zeros(3)


def test_non_saturating_at_zero():
    assert_close(non_saturating_d(ZERO, ZERO), torch.full((3,), 2 * math.log(2)))
    assert_close(non_saturating_g(ZERO), torch.full((3,), math.log(2)))


def test_smoothed_labels_are_best_where_the_probability_is_the_label():
    logits = torch.linspace(-6, 6, 2001)
    losses = non_saturating_d(logits, torch.full_like(logits, -20.0), real_label=0.9)
    assert logits[losses.argmin()].item() == pytest.approx(math.log(9), abs=0.01)


def test_hinge_by_hand():
    assert_close(
        hinge_d(torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 1.0])), torch.tensor([0.0, 3.0])
    )
    assert_close(hinge_g(torch.tensor([2.0])), torch.tensor([-2.0]))


def test_least_squares_by_hand():
    assert_close(least_squares_d(torch.tensor([3.0]), torch.tensor([2.0])), torch.tensor([4.0]))
    assert_close(least_squares_g(torch.tensor([3.0])), torch.tensor([2.0]))


def test_wasserstein_by_hand():
    real, fake = torch.tensor([2.0]), torch.tensor([5.0])
    assert_close(wasserstein_d(real, fake), torch.tensor([3.0]))
    assert_close(wasserstein_d(real, fake, drift=0.5), torch.tensor([5.0]))
    assert_close(wasserstein_g(fake), torch.tensor([-5.0]))


def test_relativistic_logistic_by_hand():
    parity = torch.full((3,), math.log(2))
    assert_close(relativistic_logistic_d(ZERO + 7, ZERO + 7), parity)  # the offset is free
    assert_close(relativistic_logistic_g(ZERO + 7, ZERO + 7), parity)
    real, fake = torch.tensor([math.log(3)]), torch.zeros(1)
    assert_close(relativistic_logistic_d(real, fake), torch.tensor([math.log(4 / 3)]))
    assert_close(relativistic_logistic_g(real, fake), torch.tensor([math.log(4)]))


def test_relativistic_logistic_judges_pairs_on_their_own():
    real, fake = torch.tensor([0.3, 2.0, -1.0]), torch.tensor([-0.4, 3.0, 0.2])
    for loss in (relativistic_logistic_d, relativistic_logistic_g):
        alone = [loss(real[i : i + 1], fake[i : i + 1]) for i in range(3)]
        assert_close(loss(real, fake), torch.cat(alone))


def test_relativistic_hinge_by_hand():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 2.0])  # means 2 and 0.5
    # D: 1 - (1 - 0.5) and 1 - (3 - 0.5); 1 + (-1 - 2) and 1 + (2 - 2)
    assert_close(relativistic_hinge_d(real, fake), torch.tensor([0.5, 1.0]))
    # G: 1 + (1 - 0.5) and 1 + (3 - 0.5); 1 - (-1 - 2) and 1 - (2 - 2)
    assert_close(relativistic_hinge_g(real, fake), torch.tensor([5.5, 4.5]))
    assert_close(relativistic_hinge_d(real + 5, fake + 5), relativistic_hinge_d(real, fake))


def test_relativistic_hinge_rests_where_d_is_right_by_one():
    assert_close(relativistic_hinge_d(ZERO + 1, ZERO), ZERO)
    assert_close(relativistic_hinge_d(ZERO, ZERO), ZERO + 2)


def test_relativistic_hinge_follows_the_order_of_the_batch():
    real, fake = torch.tensor([0.3, 2.0, -1.0]), torch.tensor([-0.4, 3.0, 0.2])
    order = torch.tensor([2, 0, 1])
    for loss in (relativistic_hinge_d, relativistic_hinge_g):
        assert_close(loss(real[order], fake[order]), loss(real, fake)[order])


def test_relativistic_hinge_pulls_through_the_mean():
    """A logit is pulled by its own term and, a part each, by those of all of the other side."""
    fake = torch.zeros(4, requires_grad=True)
    relativistic_hinge_d(torch.zeros(4), fake).sum().backward()
    assert_close(fake.grad, torch.full((4,), 1 + 4 / 4))


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: non_saturating_d(x, -x, real_label=0.9),
        non_saturating_g,
        lambda x: hinge_d(x, x / 2),
        hinge_g,
        lambda x: least_squares_d(x, 2 * x),
        least_squares_g,
        lambda x: wasserstein_d(x, 3 * x, drift=0.1),
        wasserstein_g,
        lambda x: relativistic_logistic_d(x, x.flip(0).square()),
        lambda x: relativistic_logistic_g(x, x.flip(0).square()),
        lambda x: relativistic_hinge_d(x, x.flip(0).square()),
        lambda x: relativistic_hinge_g(x, x.flip(0).square()),
    ],
)
def test_gradients(loss):
    logits = torch.tensor([0.3, -0.7, 1.9], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (logits,))


def heads(*values):
    return tuple(torch.tensor(value) for value in values)


@pytest.mark.parametrize(
    "name",
    [
        "non-saturating",
        "hinge",
        "least-squares",
        "wasserstein",
        "relativistic-hinge",
        "relativistic-logistic",
    ],
)
def test_heads_are_averaged(name):
    registry = Registry(entry_points=[])
    entry = registry.find("objectives", name)
    objective = registry.build(entry, registry.options(entry, {}))

    def losses(real, fake):
        batch = Batch("D", 0, ZERO, (), fake, lambda p: p, lambda z: (z,), real_logits=real)
        d = objective.discriminator.compute(batch)["adversarial"]
        batch.phase = "G"
        return d, objective.generator.compute(batch)["adversarial"]

    one = losses(heads([0.5, 0.1]), heads([-0.2, 0.4]))
    other = losses(heads([1.5, -1.0]), heads([0.3, 0.0]))
    both = losses(heads([0.5, 0.1], [1.5, -1.0]), heads([-0.2, 0.4], [0.3, 0.0]))
    for first, second, mean in zip(one, other, both, strict=True):
        assert_close(mean, (first + second) / 2)


@pytest.mark.parametrize(
    ("name", "real", "fake", "expected"),
    [
        ("non-saturating", 0.3, 9.0, 0.3),
        ("hinge", -0.3, 9.0, -0.3),
        ("least-squares", 0.7, 9.0, 0.2),
        ("wasserstein", 0.7, 0.9, -0.2),
        ("relativistic-hinge", 0.7, 0.9, -0.2),
        ("relativistic-logistic", 0.7, 0.9, -0.2),
    ],
)
def test_margins(name, real, fake, expected):
    registry = Registry(entry_points=[])
    entry = registry.find("objectives", name)
    objective = registry.build(entry, registry.options(entry, {}))
    assert_close(
        objective.margin(torch.tensor([real]), torch.tensor([fake])), torch.tensor([expected])
    )


@pytest.mark.parametrize("name", ["relativistic-hinge", "relativistic-logistic"])
def test_relativistic_generators_are_shown_reals(name):
    registry = Registry(entry_points=[])
    entry = registry.find("objectives", name)
    objective = registry.build(entry, registry.options(entry, {}))
    assert objective.generator.needs == objective.discriminator.needs == {"reals"}
    assert entry.record.relativistic

"""What is checked of an objective: the direction of its losses, the margin's sign, the shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from artgan.api import Adversarial, Objective, Phase, Term
from artgan.testing.chance import untouched
from artgan.testing.expect import ContractError, expect, expect_close, expect_finite, expect_shape
from artgan.testing.scene import COUNT, Scene, check_bfloat16, check_term, compute

__all__ = ["check"]


def check(record: Objective, build: Callable[..., Any], where: str) -> None:
    """Check an objective on logits between 0 and 1 and far from there, and with two heads."""
    adversarial = build()
    if not isinstance(adversarial, Adversarial):
        raise ContractError(
            f"{where}: its target returned a {type(adversarial).__name__}, expected "
            "artgan.api.Adversarial"
        )
    expect(
        0 < record.accuracy_target <= 1,
        f"{where}: accuracy_target is {record.accuracy_target}, expected a share in (0, 1]",
    )
    with untouched(f"{where}: it", "a pure function of the batch"):
        _check_losses(adversarial, record, where)


def _check_losses(adversarial: Adversarial, record: Objective, where: str) -> None:
    terms: tuple[tuple[Phase, Any], ...] = (
        ("D", adversarial.discriminator),
        ("G", adversarial.generator),
    )
    for phase, given in terms:
        at = f"{where}, phase {phase}"
        term = check_term(given, phase, at)
        for heads in (1, 2):
            compute(term, Scene(phase, term.needs, heads), f"{at}, {heads} heads")
        expect(
            term.interval == 0,
            f"{at}: its interval is {term.interval}, expected 0: a phase is nothing without it",
        )
        _check_far(term, at)
        _check_order(term, at)
        if not record.batch_coupled:
            _check_alone(term, at)
        check_bfloat16(term, at)
    _check_directions(adversarial, record, where)
    _check_heads(adversarial, where)
    _check_margin(adversarial, record, where)
    _check_parity(adversarial, record, where)


def _check_heads(adversarial: Adversarial, where: str) -> None:
    """Check that D learns by all of its heads, over which losses are averaged."""
    term = adversarial.discriminator
    scene = Scene("D", term.needs, heads=2)
    compute(term, scene, f"{where}, phase D, 2 heads").sum().backward()
    slopes = scene.discriminator.heads.weight.grad
    expect(
        slopes is not None and bool(slopes.any(1).all()),
        f"{where}, phase D: one of two heads gets no gradient, expected the mean over all of them",
    )


def _check_far(term: Term, where: str) -> None:
    """Check that a confident D breaks nothing: logits of 100 either way."""
    for real, fake in ((100.0, -100.0), (-100.0, 100.0)):
        scene = Scene(
            term.phase,
            term.needs,
            real_logits=torch.full((COUNT,), real),
            fake_logits=torch.full((COUNT,), fake),
        )
        loss = compute(term, scene, f"{where}, reals at {real:g} and fakes at {fake:g}").sum()
        if loss.requires_grad:
            loss.backward()
        for network in (scene.generator, scene.discriminator):
            for parameter in network.parameters():
                if parameter.grad is not None:
                    expect_finite(parameter.grad, f"{where}, gradient at logits of {real:g}")


def _check_order(term: Term, where: str) -> None:
    """Check that another order of the batch gives the same values in that order."""
    order = torch.tensor([3, 0, 4, 2, 1])
    plain = compute(term, Scene(term.phase, term.needs), where)
    shuffled = compute(term, Scene(term.phase, term.needs, order=order), where)
    expect_close(shuffled, plain[order], f"{where}: the losses of a batch in another order")


def _check_alone(term: Term, where: str) -> None:
    """Check that a pair's loss is its own: a batch of one is as good as a batch of many."""
    among = compute(term, Scene(term.phase, term.needs), where)
    alone = compute(term, Scene(term.phase, term.needs, order=torch.tensor([1])), where)
    expect_close(
        alone,
        among[1:2],
        f"{where}: the loss of a pair alone and among {COUNT} (say batch_coupled=True in its "
        "record if that is meant)",
    )


def _slope(term: Term, where: str, *, of: str) -> float:
    """Return how a term's sum changes when every logit of reals or of fakes is raised."""
    shift = torch.zeros(COUNT, requires_grad=True)
    level = torch.linspace(0.25, 0.75, COUNT)  # no loss of ours rests or turns between 0 and 1
    scene = Scene(
        term.phase,
        term.needs,
        real_logits=level,
        fake_logits=level.flip(0),
        real_shift=shift if of == "real" else None,
        fake_shift=shift if of == "fake" else None,
    )
    total = compute(term, scene, where).sum()
    if not total.requires_grad:
        return 0.0
    (slope,) = torch.autograd.grad(total, shift, allow_unused=True)
    return 0.0 if slope is None else float(slope.sum())


def _check_directions(adversarial: Adversarial, record: Objective, where: str) -> None:
    """Check that higher means more real in every loss."""
    real_d = _slope(adversarial.discriminator, where, of="real")
    expect(
        real_d < 0,
        f"{where}: raising the real logits changes the D loss by {real_d:+.3g} each, expected less "
        "than 0 (higher is more real)",
    )
    fake_d = _slope(adversarial.discriminator, where, of="fake")
    expect(
        fake_d > 0,
        f"{where}: raising the fake logits changes the D loss by {fake_d:+.3g} each, expected more "
        "than 0 (higher is more real)",
    )
    fake_g = _slope(adversarial.generator, where, of="fake")
    expect(
        fake_g < 0,
        f"{where}: raising the fake logits changes the G loss by {fake_g:+.3g} each, expected less "
        "than 0 (G wants its fakes to look real)",
    )
    if not record.relativistic:
        real_g = _slope(adversarial.generator, where, of="real")
        expect(
            real_g == 0,
            f"{where}: raising the real logits changes the G loss by {real_g:+.3g} each, but its "
            "record does not say relativistic=True",
        )
        return
    expect(
        "reals" in adversarial.generator.needs,
        f"{where}: its record says relativistic, but its generator term does not need reals",
    )
    real_g = _slope(adversarial.generator, where, of="real")
    expect(
        real_g > 0,
        f"{where}: raising the real logits changes the G loss by {real_g:+.3g} each, expected more "
        "than 0 (its record says relativistic: G wants its fakes above the reals)",
    )


def _check_margin(adversarial: Adversarial, record: Objective, where: str) -> None:
    """Check that the margin is above 0 where D is right and below where it is wrong."""
    high, low = torch.full((COUNT,), 2.0), torch.full((COUNT,), -2.0)
    right: Tensor = expect_shape(
        adversarial.margin(high, low), (COUNT,), f"{where}: margin of {COUNT} pairs"
    )
    expect(
        bool((right > 0).all()),
        f"{where}: its margin at reals of 2 and fakes of -2 is {float(right[0]):.3g}, expected "
        "above 0",
    )
    wrong = adversarial.margin(low, high)
    expect(
        bool((wrong < 0).all()),
        f"{where}: its margin at reals of -2 and fakes of 2 is {float(wrong[0]):.3g}, expected "
        "below 0",
    )
    if not record.batch_coupled:
        real, fake = torch.linspace(-1, 2, COUNT), torch.linspace(1, -3, COUNT).square()
        expect_close(
            adversarial.margin(real[:1], fake[:1]),
            adversarial.margin(real, fake)[:1],
            f"{where}: the margin of a pair alone and among {COUNT}",
        )


def _check_parity(adversarial: Adversarial, record: Objective, where: str) -> None:
    """Check the D loss that a record promises where D tells nothing: at its best constant."""
    if record.parity is None:
        return
    term = adversarial.discriminator
    losses = []
    for level in torch.linspace(-2, 2, 17):
        flat = level.expand(COUNT)
        scene = Scene(term.phase, term.needs, real_logits=flat, fake_logits=flat)
        losses.append(float(compute(term, scene, where).mean().detach()))
    expect(
        abs(min(losses) - record.parity) <= 0.05 * abs(record.parity),
        f"{where}: its record says parity {record.parity:.3g}, but where all logits are the same "
        f"the D loss is {min(losses):.3g} at best",
    )

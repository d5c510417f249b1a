"""What is checked of a regularizer: its values, its chance, and where its gradient goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from artgan.api import Regularizer, Term
from artgan.testing.chance import TORCH, reseeded, untouched
from artgan.testing.expect import ContractError, expect, expect_close, expect_finite
from artgan.testing.scene import COUNT, Scene, check_bfloat16, check_term, compute

__all__ = ["check"]


def check(record: Regularizer, build: Callable[..., Any], where: str) -> None:
    """Check a regularizer on a toy batch, with one head and two, one scale and two."""
    term = check_term(build(), record.phase, where)
    expected = "a pure function of the batch and of torch's global generator"
    with untouched(f"{where}: it", expected, but=TORCH):
        for heads, scales in ((1, 1), (2, 1), (1, 2)):
            scene = Scene(record.phase, term.needs, heads, scales=scales)
            values = _computed(term, scene, f"{where}, {heads} heads, {scales} scales")
            expect(values.requires_grad, f"{where}: no gradient flows through it (no detach())")
            values.sum().backward()
            _check_gradients(record, scene, where)
    _check_order(term, where)
    _check_second_order(term, where)
    check_bfloat16(term, where)


def _check_gradients(record: Regularizer, scene: Scene, where: str) -> None:
    """Check that its gradient reaches the networks of its phase, and is finite."""
    network = scene.discriminator if record.phase == "D" else scene.generator
    name = "discriminator" if record.phase == "D" else "generator"
    reached = 0.0
    for label, parameter in network.named_parameters():
        if parameter.grad is None:
            if record.phase == "D":
                raise ContractError(
                    f"{where}: {name} parameter {label} gets no gradient, expected one, if of "
                    "0: add 0 * logits, or data-parallel training does not synchronise it"
                )
            continue
        expect_finite(parameter.grad, f"{where}: gradient of {name} parameter {label}")
        reached += float(parameter.grad.abs().sum())
    expect(
        reached > 0,
        f"{where}: its gradient at every {name} parameter is 0, expected something to learn from "
        "(no detached values)",
    )


def _computed(term: Term, scene: Scene, where: str) -> Tensor:
    """Return a term's values, once they are the same a second time from one state of chance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        values = compute(term, scene, where)
        torch.manual_seed(0)
        again = compute(term, scene, where)
    expect_close(
        again,
        values,
        f"{where}: its values twice after torch.manual_seed(0), the only source of chance",
    )
    return values


def _check_order(term: Term, where: str) -> None:
    """Check that another order of the batch gives the same values in that order.

    A term that draws for each picture gives others anyway.
    """
    order = torch.tensor([3, 0, 4, 2, 1])[:COUNT]
    with reseeded(0):
        before = torch.get_rng_state()
        plain = compute(term, Scene(term.phase, term.needs), where)
        draws = not torch.equal(torch.get_rng_state(), before)
        shuffled = compute(term, Scene(term.phase, term.needs, order=order), where)
    if not draws:
        expect_close(shuffled, plain[order], f"{where}: its values of a batch in another order")


def _check_second_order(term: Term, where: str) -> None:
    """Check that one that differentiates a gradient says so: bfloat16 is too coarse for that."""
    grad = torch.autograd.grad
    with reseeded(0), mock.patch("torch.autograd.grad", side_effect=grad) as watched:
        compute(term, Scene(term.phase, term.needs), where)
    twice = any(call.kwargs.get("create_graph") for call in watched.call_args_list)
    expect(
        term.second_order or not twice,
        f"{where}: it differentiates a gradient, but its term says second_order=False: say "
        "second_order=True, and its phase is computed in float32",
    )

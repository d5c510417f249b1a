"""What is checked of a regularizer: its values and where its gradient goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from artgan.api import Regularizer, Term
from artgan.testing.expect import ContractError, expect, expect_close, expect_finite
from artgan.testing.scene import Scene, check_term, compute

__all__ = ["check"]


def check(record: Regularizer, build: Callable[..., Any], where: str) -> None:
    """Check a regularizer on a toy batch, with one head and two, one scale and two."""
    term = check_term(build(), record.phase, where)
    for heads, scales in ((1, 1), (2, 1), (1, 2)):
        scene = Scene(record.phase, term.needs, heads, scales=scales)
        _computed(term, scene, f"{where}, {heads} heads, {scales} scales").sum().backward()
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
        expect(reached > 0, f"{where}: its gradient at every {name} parameter is 0")


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

"""What is checked of a regularizer: its values and where its gradient goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from artgan.api import Regularizer
from artgan.testing.expect import ContractError, expect, expect_finite
from artgan.testing.scene import Scene, check_term, compute

__all__ = ["check"]


def check(record: Regularizer, build: Callable[..., Any], where: str) -> None:
    """Check a regularizer on a toy batch, with one head and with two."""
    term = check_term(build(), record.phase, where)
    for heads in (1, 2):
        scene = Scene(record.phase, term.needs, heads)
        compute(term, scene, f"{where}, {heads} heads").sum().backward()
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

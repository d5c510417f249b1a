"""A tiny training batch for the checks of terms: shallow networks and a say in their logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from artgan.api import Batch, Phase, Term
from artgan.testing.expect import ContractError, expect, expect_finite, expect_shape

if TYPE_CHECKING:
    from artgan.api import Logits, Pyramid

__all__ = ["COUNT", "Scene", "check_term", "compute"]

COUNT = 5
Z_DIM = 6
SHAPE = (3, 4, 6)


class _Generator(nn.Module):
    """Pictures from latents by one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(Z_DIM, 3 * 4 * 6)

    def forward(self, z: Tensor) -> Pyramid:
        return (torch.tanh(self.layer(z)).unflatten(1, SHAPE),)


class _Discriminator(nn.Module):
    """Heads from pictures by two layers, smooth, so that every penalty on gradients bites."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * 4 * 6, 8)
        self.heads = nn.Linear(8, heads)

    def forward(self, pictures: Pyramid) -> Logits:
        logits: Tensor = self.heads(torch.tanh(self.layer(pictures[-1].flatten(1))))
        return logits.unbind(1)


@dataclass
class Scene:
    """A phase of training at toy size.

    Attributes:
        phase: whose turn it is.
        needs: what the term asked for; nothing else is given.
        heads: how many heads D has.
        real_shift, fake_shift: added to every logit of a head, (N,), to see what that does.
        real_logits, fake_logits: logits to be used instead of D's.
        order: another order of the batch.
    """

    phase: Phase
    needs: frozenset[str]
    heads: int = 1
    real_shift: Tensor | None = None
    fake_shift: Tensor | None = None
    real_logits: Tensor | None = None
    fake_logits: Tensor | None = None
    order: Tensor | None = None

    def __post_init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.generator = _Generator()
            self.discriminator = _Discriminator(self.heads)
            self.z = torch.randn(COUNT, Z_DIM)
            self.reals = torch.rand(COUNT, *SHAPE) * 2 - 1
        if self.order is not None:
            self.z, self.reals = self.z[self.order], self.reals[self.order]

    def _judged(self, pictures: Pyramid, fixed: Tensor | None, shift: Tensor | None) -> Logits:
        heads = self.discriminator(pictures)
        if fixed is not None:
            heads = tuple(0 * head + fixed for head in heads)
        return tuple(head if shift is None else head + shift for head in heads)

    def batch(self) -> Batch:
        """Return the batch that a pipeline would give to a term of this phase."""
        fakes = self.generator(self.z)
        if self.phase == "D":
            fakes = tuple(f.detach() for f in fakes)
        batch = Batch(
            phase=self.phase,
            cur_nimg=0,
            z=self.z,
            fakes=fakes,
            fake_logits=self._judged(fakes, self.fake_logits, self.fake_shift),
            discriminate=self.discriminator,
            generate=self.generator,
        )
        if self.phase == "D" or "reals" in self.needs or "gradients" in self.needs:
            batch.reals = (self.reals.clone().requires_grad_("gradients" in self.needs),)
            batch.real_logits = self._judged(batch.reals, self.real_logits, self.real_shift)
        if "codes" in self.needs:
            batch.codes = self.z.clone().requires_grad_()
        return batch


def check_term(term: object, phase: Phase, where: str) -> Term:
    """Return a term, once it is one of a phase and asks for what there is."""
    if not isinstance(term, Term):
        raise ContractError(f"{where}: got a {type(term).__name__}, expected artgan.api.Term")
    expect(term.phase == phase, f"{where}: its phase is {term.phase!r}, expected {phase!r}")
    expect(
        term.needs <= Term.NEEDS,
        f"{where}: it needs {sorted(term.needs)}, expected some of {sorted(Term.NEEDS)}",
    )
    expect(term.interval >= 0, f"{where}: its interval is {term.interval}, expected 0 or more")
    return term


def compute(term: Term, scene: Scene, where: str) -> Tensor:
    """Return the sum of a term's parts per picture, (N,), each part checked."""
    parts = term.compute(scene.batch())
    if not isinstance(parts, Mapping) or not parts:
        raise ContractError(f"{where}: got {parts!r}, expected name -> value per picture")
    total = torch.zeros(COUNT)
    for name, value in parts.items():
        expect(isinstance(name, str), f"{where}: a part is named {name!r}, expected text")
        expect_shape(value, (COUNT,), f"{where}: '{name}' of {COUNT} pictures")
        expect_finite(value.detach(), f"{where}: '{name}'")
        total = total + value
    return total

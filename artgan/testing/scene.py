"""A tiny training batch for the checks of terms: shallow networks and a say in their logits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from artgan.api import Batch, Phase, Term
from artgan.testing.chance import reseeded
from artgan.testing.expect import (
    ContractError,
    expect,
    expect_finite,
    expect_kept,
    expect_near,
    expect_shape,
)

if TYPE_CHECKING:
    from artgan.api import Logits, Pyramid

__all__ = ["COUNT", "Scene", "check_bfloat16", "check_term", "compute", "parts_of"]

COUNT = 5
Z_DIM = 6
SHAPES = ((3, 2, 3), (3, 4, 6))


class _Generator(nn.Module):
    """Pictures from latents by one layer a scale."""

    def __init__(self, scales: int) -> None:
        super().__init__()
        self.shapes = SHAPES[-scales:]
        self.layers = nn.ModuleList(nn.Linear(Z_DIM, math.prod(shape)) for shape in self.shapes)

    def forward(self, z: Tensor) -> Pyramid:
        pairs = zip(self.layers, self.shapes, strict=True)
        return tuple(torch.tanh(layer(z)).unflatten(1, shape).float() for layer, shape in pairs)


class _Discriminator(nn.Module):
    """Heads from pictures by two layers, smooth, so that every penalty on gradients bites."""

    def __init__(self, heads: int, scales: int) -> None:
        super().__init__()
        self.layer = nn.Linear(sum(math.prod(shape) for shape in SHAPES[-scales:]), 8)
        self.heads = nn.Linear(8, heads)

    def forward(self, pictures: Pyramid) -> Logits:
        pixels = torch.cat([scale.flatten(1) for scale in pictures], 1)
        logits: Tensor = self.heads(torch.tanh(self.layer(pixels)))
        return logits.float().unbind(1)


@dataclass
class Scene:
    """A phase of training at toy size.

    Attributes:
        phase: whose turn it is.
        needs: what the term asked for; nothing else is given.
        heads: how many heads D has.
        real_shift, fake_shift: added to every logit of a head, (N,), to see what that does.
        real_logits, fake_logits: logits to be used instead of D's.
        order: another order of the batch, or some of it.
        scales: of the pyramid, 1 or 2.
    """

    phase: Phase
    needs: frozenset[str]
    heads: int = 1
    real_shift: Tensor | None = None
    fake_shift: Tensor | None = None
    real_logits: Tensor | None = None
    fake_logits: Tensor | None = None
    order: Tensor | None = None
    scales: int = 1

    def __post_init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.generator = _Generator(self.scales)
            self.discriminator = _Discriminator(self.heads, self.scales)
            self.z = torch.randn(COUNT, Z_DIM)
            finest = torch.rand(COUNT, *SHAPES[-1]) * 2 - 1
        if self.order is not None:
            self.z, finest = self.z[self.order], finest[self.order]
        self.reals: Pyramid = (finest,)
        if self.scales == 2:
            self.reals = (avg_pool2d(finest, 2), finest)

    def _judged(self, pictures: Pyramid, fixed: Tensor | None, shift: Tensor | None) -> Logits:
        heads = tuple(head.clone() for head in self.discriminator(pictures))
        if fixed is not None:
            heads = tuple(0 * head + fixed for head in heads)
        return tuple(head if shift is None else head + shift for head in heads)

    def batch(self) -> Batch:
        """Return the batch that a pipeline would give to a term of this phase."""
        fakes = self.generator(self.z)
        if self.phase == "D":
            slopes = "fake-gradients" in self.needs
            fakes = tuple(f.detach().requires_grad_(slopes) for f in fakes)
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
            slopes = "gradients" in self.needs
            batch.reals = tuple(r.clone().requires_grad_(slopes) for r in self.reals)
            batch.real_logits = self._judged(batch.reals, self.real_logits, self.real_shift)
        if "codes" in self.needs:
            batch.codes = self.z.clone().requires_grad_()
        return batch


def check_term(term: object, phase: Phase, where: str) -> Term:
    """Return a term, once it is one of a phase and asks for what there is."""
    if not isinstance(term, Term):
        raise ContractError(f"{where}: got a {type(term).__name__}, expected artgan.api.Term")
    expect(term.phase == phase, f"{where}: its phase is {term.phase!r}, expected {phase!r}")
    known = Term.NEEDS - {"features"}  # which only an architecture's own terms know of
    expect(
        term.needs <= known,
        f"{where}: it needs {sorted(term.needs)}, expected some of {sorted(known)}",
    )
    expect(term.interval >= 0, f"{where}: its interval is {term.interval}, expected 0 or more")
    return term


def compute(term: Term, scene: Scene, where: str) -> Tensor:
    """Return the sum of a term's parts per picture, (N,), each part checked."""
    return torch.stack([*parts_of(term, scene.batch(), where).values()]).sum(0)


def parts_of(term: Term, batch: Batch, where: str, *, rough: bool = False) -> dict[str, Tensor]:
    """Return a term's parts, name -> value per picture, (N,), each checked.

    Args:
        term: what is computed.
        batch: what it looks at; the term has to leave it as it is.
        where: begins every message.
        rough: whether values may be bfloat16 too.
    """
    shown = _tensors(batch)
    kept = {name: [tensor.detach().clone() for tensor in each] for name, each in shown.items()}
    parts = term.compute(batch)
    for name, each in shown.items():
        expect_kept(each, kept[name], f"{where}: it changed the batch's {name}")
    if not isinstance(parts, Mapping) or not parts:
        raise ContractError(f"{where}: got {parts!r}, expected name -> value per picture")
    count = len(batch.z)
    for name, value in parts.items():
        expect(isinstance(name, str), f"{where}: a part is named {name!r}, expected text")
        at = f"{where}: '{name}'"
        if rough and isinstance(value, Tensor):
            value = value.float()
        expect_finite(expect_shape(value, (count,), f"{at} of {count} pictures").detach(), at)
    return dict(parts)


def _tensors(batch: Batch) -> dict[str, Sequence[Tensor]]:
    """Return the tensors of a batch by the name of their field."""
    found: dict[str, Sequence[Tensor]] = {}
    for each in fields(batch):
        value = getattr(batch, each.name)
        if isinstance(value, Tensor):
            value = (value,)
        if isinstance(value, tuple) and all(isinstance(one, Tensor) for one in value):
            found[each.name] = value
    return found


def check_bfloat16(term: Term, where: str) -> None:
    """Check that a term is about the same where networks compute in bfloat16.

    One that differentiates a gradient is computed in float32 whatever the run has.
    """
    if term.second_order:
        return
    values = []
    for rough in (False, True):
        with reseeded(0), torch.autocast("cpu", torch.bfloat16, enabled=rough):
            at = f"{where}, in bfloat16" if rough else where
            try:
                parts = parts_of(term, Scene(term.phase, term.needs).batch(), at, rough=rough)
            except RuntimeError as error:
                raise ContractError(f"{at}: it fails: {error}") from error
            values.append(torch.stack([value.float() for value in parts.values()]).sum(0))
    expect_near(values[1], values[0], f"{where}: its values in bfloat16 and in float32")

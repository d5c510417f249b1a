"""What is checked of an architecture in training: its terms, gradients, and bfloat16."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from artgan.api import Architecture, Batch, Networks, Phase, Term
from artgan.latents import draw
from artgan.testing.chance import TORCH, reseeded, untouched
from artgan.testing.expect import (
    ContractError,
    expect,
    expect_close,
    expect_finite,
    expect_near,
    expect_shape,
)
from artgan.testing.scene import parts_of

__all__ = [
    "COUNT",
    "check_bfloat16",
    "check_phases",
    "check_terms",
    "heads_of",
    "latents",
    "made_up",
    "total",
]

COUNT = 4  # one group of a minibatch deviation, so that any order of the batch is a fair one


def latents(record: Architecture, networks: Networks, count: int = COUNT) -> Tensor:
    """Return latents of an architecture's prior, (count, z_dim)."""
    z_dim: int = networks.generator.z_dim  # type: ignore[assignment]
    return draw(range(count), z_dim, record.latent_prior)


def made_up(pictures: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return pictures of noise, shaped like others; signed range."""
    generator = torch.Generator().manual_seed(7)
    return tuple(torch.rand(scale.shape, generator=generator) * 2 - 1 for scale in pictures)


def heads_of(logits: object, count: int, where: str) -> tuple[Tensor, ...]:
    """Return logits as a tuple of heads, each checked to be (N,)."""
    heads = logits if isinstance(logits, tuple) else (logits,)
    expect(bool(heads), f"{where}: the discriminator returned no logits")
    return tuple(expect_shape(h, (count,), f"{where}: logits of {count} pictures") for h in heads)


def total(logits: Tensor | tuple[Tensor, ...], sign: float) -> Tensor:
    """Return the sum over heads of the mean softplus of logits times a sign."""
    heads = logits if isinstance(logits, tuple) else (logits,)
    return torch.stack([softplus(sign * head.float()).mean() for head in heads]).sum()


def check_terms(record: Architecture, networks: Networks, where: str) -> None:
    """Check what an architecture's own terms and further networks say of themselves."""
    for term in networks.terms:
        expect(
            isinstance(term, Term) and term.phase in {"D", "G"} and term.needs <= Term.NEEDS,
            f"{where}: a term of its own is {term!r}, expected a Term of phase D or G",
        )
        expect(
            term.phase == "D" or "features" not in term.needs,
            f"{where}: a term of phase G needs 'features', which are there in phase D alone",
        )
        expect(
            term.interval >= 0,
            f"{where}: a term of its own has an interval of {term.interval}, expected 0 or more",
        )
    for name, (phase, _) in networks.others.items():
        expect(
            phase in {"D", "G"} and name not in {"generator", "discriminator"},
            f"{where}: further network '{name}' has phase {phase!r}, expected D or G and its own "
            "name",
        )
    if not record.adversarial:
        idle = [name for name, (phase, _) in networks.others.items() if phase == "D"]
        expect(
            not idle,
            f"{where}: its record says adversarial=False, but {idle} learn in phase D, which there "
            "is not",
        )
        expect(
            bool(networks.terms) and all(term.phase == "G" for term in networks.terms),
            f"{where}: its record says adversarial=False, expected terms of its own, all of phase G"
            ": there is nothing else that it learns by",
        )


def check_phases(record: Architecture, networks: Networks, where: str) -> None:
    """Check that each phase's backward reaches every parameter it trains with finite numbers."""
    phases: tuple[Phase, ...] = ("G", "D") if record.adversarial else ("G",)
    for phase in phases:
        at = f"{where}: in phase {phase},"
        modules = networks.of_phase(phase)
        expected = "torch's global generator alone, which is seeded before each step"
        with untouched(f"{where}: in training mode it", expected, but=TORCH):
            loss = _loss(record, networks, phase, f"{where}, phase {phase}")
        expect(loss.requires_grad, f"{at} no gradient flows from its loss to anything")
        loss.backward()
        for name, module in modules.items():
            _expect_gradients(module, f"{at} {name}")
        learning = [p for m in modules.values() for p in m.parameters() if p.requires_grad]
        expect(bool(learning), f"{at} no parameter requires a gradient, expected some to learn")
        for module in networks.named().values():
            module.zero_grad(set_to_none=True)
        _check_pure(record, networks, phase, at)


def _check_pure(record: Architecture, networks: Networks, phase: Phase, where: str) -> None:
    """Check that all that terms remember is in the state of networks, which checkpoints hold."""
    kept = {
        name: {key: values.clone() for key, values in module.state_dict().items()}
        for name, module in networks.named().items()
    }
    losses = []
    for _ in range(2):
        for name, module in networks.named().items():
            module.load_state_dict(kept[name])
        with reseeded(0):
            losses.append(_loss(record, networks, phase, where).detach())
    expect_close(
        losses[1],
        losses[0],
        f"{where} its loss twice with the same state and seed (what a term remembers belongs into "
        "a buffer)",
        atol=1e-6,
    )


def _loss(record: Architecture, networks: Networks, phase: Phase, where: str) -> Tensor:
    """Return the loss of a phase: a plain adversarial one, and the architecture's own terms."""
    for module in networks.named().values():
        module.train()
    terms = [term for term in networks.terms if term.phase == phase]
    needs = frozenset[str]().union(*(term.needs for term in terms))
    batch = _batch(record, networks, phase, needs)
    losses = []
    if networks.discriminator is not None:
        losses.append(total(batch.fake_logits, 1.0 if phase == "D" else -1.0))
        if phase == "D" and batch.real_logits is not None:
            losses.append(total(batch.real_logits, -1.0))
    for term in terms:
        parts = parts_of(term, batch, f"{where}, a term of its own", rough=True)
        losses += [value.float().mean() for value in parts.values()]
    return torch.stack(losses).sum()


def _batch(record: Architecture, networks: Networks, phase: Phase, needs: frozenset[str]) -> Batch:
    """Return the batch that a run would give to the terms of a phase."""
    generator: Any = networks.generator

    def generate(z: Tensor) -> tuple[Tensor, ...]:
        return tuple(scale.float() for scale in generator(z))

    def judge(pictures: tuple[Tensor, ...], **more: bool) -> tuple[tuple[Tensor, ...], Any]:
        if networks.discriminator is None:
            return (), None
        given = networks.discriminator(pictures, **more)
        logits, features = given if more else (given, None)
        heads = logits if isinstance(logits, tuple) else (logits,)
        return tuple(head.float() for head in heads), features

    z = latents(record, networks)
    fakes = generate(z)
    reals = made_up(fakes)
    if phase == "D":
        fakes = tuple(f.detach().requires_grad_("fake-gradients" in needs) for f in fakes)
    reals = tuple(scale.requires_grad_("gradients" in needs) for scale in reals)
    with_reals = phase == "D" or not needs.isdisjoint({"reals", "gradients"})
    batch = Batch(
        phase=phase,
        cur_nimg=0,
        z=z,
        fakes=fakes,
        fake_logits=(),
        discriminate=lambda pictures: judge(pictures)[0],
        generate=generate,
        reals=reals if with_reals else None,
        codes=generator.codes(z) if "codes" in needs else None,
    )
    if batch.reals is not None:
        more = {"features": True} if "features" in needs else {}
        batch.real_logits, features = judge(batch.reals, **more)
        if more:
            batch.shown_reals, batch.real_features = batch.reals, features
    batch.fake_logits = judge(fakes)[0]
    return batch


def _expect_gradients(module: nn.Module, where: str) -> None:
    reached, learns = 0.0, False
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            learns = True
            if parameter.grad is None:
                raise ContractError(f"{where} parameter {name} gets no gradient, expected one")
            expect_finite(parameter.grad, f"{where} parameter {name}, gradient")
            reached += float(parameter.grad.abs().sum())
    expect(reached > 0 or not learns, f"{where} gets a gradient of 0 everywhere, expected to learn")


def check_bfloat16(record: Architecture, networks: Networks, where: str) -> None:
    """Check that networks draw, judge and learn about the same where they compute in bfloat16."""
    for module in networks.named().values():
        module.eval()
    z = latents(record, networks)

    def draw_and_judge() -> list[tuple[str, Tensor]]:
        with torch.no_grad():
            fakes = tuple(scale.float() for scale in networks.generator(z))
            found = [("pictures", scale) for scale in fakes]
            if networks.discriminator is not None:
                logits = networks.discriminator(made_up(fakes))
                heads = logits if isinstance(logits, tuple) else (logits,)
                found += [("logits", head.float()) for head in heads]
        return found

    plain = draw_and_judge()
    for (what, expected), (_, given) in zip(plain, _rough(draw_and_judge, where), strict=True):
        expect_finite(given, f"{where}, in bfloat16: {what}")
        expect_near(given, expected, f"{where}: {what} in bfloat16 and in float32", share=0.2)
    phases: tuple[Phase, ...] = ("G", "D") if record.adversarial else ("G",)
    for phase in phases:
        if any(term.second_order for term in networks.terms if term.phase == phase):
            continue
        at = f"{where}, in bfloat16"
        with reseeded(0):
            loss: Tensor = _rough(lambda: _loss(record, networks, phase, at), where)  # noqa: B023
        loss.backward()
        for name, module in networks.of_phase(phase).items():
            _expect_gradients(module, f"{at}: in phase {phase}, {name}")
        for module in networks.named().values():
            module.zero_grad(set_to_none=True)


def _rough(call: Callable[[], Any], where: str) -> Any:
    """Return what a call returns under bfloat16, once it does not fail there."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            return call()
    except RuntimeError as error:
        raise ContractError(f"{where}, in bfloat16: it fails: {error}") from error

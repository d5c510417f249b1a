"""One training step and what it keeps: networks, optimizers, the averaged generator, counters.

Here backward, step, averaging and the refusal of non-finite gradients happen, and nowhere else.
Everything random in a step is derived from (seed, purpose, cur_nimg, attempt), so the state at
the end of a step is all that is needed to go on as if nothing had happened.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from artgan.api import (
    Adversarial,
    Architecture,
    Batch,
    CheckpointError,
    Networks,
    Objective,
    Phase,
    Regularizer,
    RunError,
    ShapeError,
    Term,
)
from artgan.engine import adam, place
from artgan.images import from_bytes, pyramid_like, to_signed
from artgan.latents import derive, draw, draw_batch
from artgan.plugins import blaming
from artgan.screen import safe
from artgan.weights import load_state, optimizer_tensors, restore_optimizer, under

if TYPE_CHECKING:
    from artgan.api import Logits, Pyramid
    from artgan.config import TrainConfig
    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = [
    "Trainer",
    "build_networks",
    "measure_speed",
    "term_is_due",
]

BETAS = (0.0, 0.99)
"""Adam's momenta: none for the gradient, as in Karras et al. 2018, arXiv:1710.10196 A.1."""

MAX_BAD_STEPS = 3
"""Steps with a non-finite loss or gradient in a row after which a run is given up."""


def build_networks(registry: Registry, config: TrainConfig) -> tuple[Entry, Networks]:
    """Return an architecture's entry and its networks, their weights drawn from the run's seed.

    Raises:
        ComponentError: the architecture is unknown or cannot be built.
        ShapeError: it breaks its contract.
    """
    entry, options = registry.configure(Architecture.kind, config.arch, config.components)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(config.seed, "weights"))
        networks = registry.build(entry, options, size=config.side, channels=config.channels)
    where = f"architecture '{safe(entry.qualified)}'"
    if not isinstance(networks, Networks):
        raise ShapeError(f"{where} built a {type(networks).__name__}: expected Networks")
    z_dim = getattr(networks.generator, "z_dim", None)
    if not isinstance(z_dim, int) or z_dim < 1:
        raise ShapeError(f"{where}: its generator has no z_dim, the length of a latent")
    return entry, networks


def term_is_due(interval: int, cur_nimg: int, batch: int) -> bool:
    """Return whether a term with an interval, in pictures, is used in the step at cur_nimg."""
    return interval <= batch or cur_nimg // interval != (cur_nimg - batch) // interval


class Trainer:
    """The state of a run between two steps, and the step.

    Args:
        config: resolved (nothing left to choose).
        registry: where the components are.
        device: where the networks live.

    Attributes:
        cur_nimg: reals shown to D so far.
        attempt: how many times the run was taken back.
        total_nimg: where it ends; None until it is known.
        bad_steps: steps in a row whose loss or gradient was not finite.
        suppliers: component -> the plug-in and version that supplied it.
    """

    def __init__(self, config: TrainConfig, registry: Registry, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.entry, self.networks = build_networks(registry, config)
        self.record: Architecture = self.entry.record  # type: ignore[assignment]
        for module in self.networks.named().values():
            place(module, device)
        self.suppliers: dict[str, str] = {}
        self._supplied(self.entry)
        self.objective, terms = self._build_terms(registry)
        self.terms: dict[Phase, list[Term]] = {
            "D": [t for t in terms if t.phase == "D"],
            "G": [t for t in terms if t.phase == "G"],
        }
        self.optimizers: dict[Phase, torch.optim.Adam] = {
            "D": adam(self._parameters("D"), lr=_set(config.d_lr), betas=BETAS),
            "G": adam(self._parameters("G"), lr=_set(config.g_lr), betas=BETAS),
        }
        self.generator_ema = copy.deepcopy(self.networks.generator).eval().requires_grad_(False)
        self.cur_nimg = 0
        self.attempt = 0
        self.total_nimg: int | None = None
        self.bad_steps = 0

    def _build_terms(self, registry: Registry) -> tuple[Adversarial, list[Term]]:
        objective: Adversarial
        entry, objective = self._built(registry, Objective.kind, self.config.objective, Adversarial)
        terms = [_blamed(entry, objective.discriminator), _blamed(entry, objective.generator)]
        for name in self.config.regularizers or ():
            terms.append(_blamed(*self._built(registry, Regularizer.kind, name, Term)))
        own = [_blamed(self.entry, term) for term in self.networks.terms]
        return objective, [*terms, *own]

    def _built(
        self, registry: Registry, kind: str, name: str, wanted: type[Any]
    ) -> tuple[Entry, Any]:
        """Return a component of the config and what it builds, once that is of the right type."""
        entry, options = registry.configure(kind, name, self.config.components)
        self._supplied(entry)
        built = registry.build(entry, options)
        if not isinstance(built, wanted):
            raise ShapeError(
                f"{kind.removesuffix('s')} '{safe(entry.qualified)}' built a "
                f"{type(built).__name__}: expected {wanted.__name__}"
            )
        return entry, built

    def _supplied(self, entry: Entry) -> None:
        name = f"{entry.record.kind}.{entry.record.name}"
        self.suppliers[name] = f"{entry.plugin.distribution} {entry.plugin.version}"

    def _parameters(self, phase: Phase) -> list[nn.Parameter]:
        modules = self.networks.of_phase(phase).values()
        return [parameter for module in modules for parameter in module.parameters()]

    # The step

    def step(self, reals: Tensor) -> dict[str, float]:
        """Train D, then G, on one batch and return what there is to log.

        Args:
            reals: uint8, (N, C, H, W), on the CPU.

        Raises:
            RunError: losses were not finite several steps in a row.
        """
        count = reals.shape[0]
        torch.manual_seed(derive(self.config.seed, "step", self.cur_nimg, self.attempt))
        self.networks.generator.train()
        self.networks.discriminator.train()
        kept = [buffer.clone() for buffer in self._buffers()]
        z = self._latents(count)
        fakes = self._generate(z)
        pictures = to_signed(from_bytes(reals.to(self.device, non_blocking=True)))
        pyramid = pyramid_like(pictures, fakes)

        # D on reals and fakes, then G through a frozen D, on the same fakes
        values, sound_d = self._phase("D", z, fakes, pyramid)
        more, sound_g = self._phase("G", z, fakes, pyramid)
        sound = sound_d and sound_g

        self.cur_nimg += count
        if sound:
            self._average(count)
        else:  # running statistics of a bad step would stay bad
            self._restore_buffers(kept)
        self._count_bad(sound)
        values = {n: v for n, v in {**values, **more}.items() if math.isfinite(v)}
        return {**values, "bad": float(not sound)}

    def _buffers(self) -> list[Tensor]:
        return [b for module in self.networks.named().values() for b in module.buffers()]

    @torch.no_grad()
    def _restore_buffers(self, kept: list[Tensor]) -> None:
        for buffer, before in zip(self._buffers(), kept, strict=True):
            buffer.copy_(before)

    def _latents(self, count: int) -> Tensor:
        seed = derive(self.config.seed, "latents", self.cur_nimg, self.attempt)
        z_dim: int = self.networks.generator.z_dim  # type: ignore[assignment]
        return draw_batch(seed, count, z_dim, self.record.latent_prior).to(self.device)

    def _discriminate(self, pictures: Pyramid) -> Logits:
        with blaming(self.entry):
            logits = self.networks.discriminator(pictures)
        return logits if isinstance(logits, tuple) else (logits,)

    def _generate(self, z: Tensor) -> Pyramid:
        with blaming(self.entry):
            pictures: Pyramid = self.networks.generator(z)
        return pictures

    def _phase(
        self, phase: Phase, z: Tensor, fakes: Pyramid, reals: Pyramid
    ) -> tuple[dict[str, float], bool]:
        count = z.shape[0]
        due = [t for t in self.terms[phase] if term_is_due(t.interval, self.cur_nimg, count)]
        if not due:
            return {}, True
        needs = frozenset[str]().union(*(term.needs for term in due))
        if phase == "D":
            fakes = tuple(scale.detach() for scale in fakes)
        if "gradients" in needs:
            reals = tuple(scale.detach().requires_grad_(True) for scale in reals)
        with_reals = phase == "D" or not needs.isdisjoint({"reals", "gradients"})
        self._freeze(phase)
        batch = Batch(
            phase=phase,
            cur_nimg=self.cur_nimg,
            z=z,
            fakes=fakes,
            reals=reals if with_reals else None,
            real_logits=self._discriminate(reals) if with_reals else None,
            fake_logits=self._discriminate(fakes),
            codes=self.networks.generator.codes(z) if "codes" in needs else None,  # type: ignore[operator]
            discriminate=self._discriminate,
            generate=self._generate,
        )
        loss = torch.zeros((), device=self.device)
        means: dict[str, Tensor] = {}
        for term in due:
            for name, value in term.compute(batch).items():
                if value.shape != (count,):
                    raise ShapeError(
                        f"loss term '{safe(name)}' has shape {tuple(value.shape)}: "
                        f"expected one value a picture, ({count},)"
                    )
                mean = value.mean()
                loss = loss + mean * max(1.0, term.interval / count)
                means[f"{phase}/{name}"] = mean.detach()
        if phase == "D" and batch.real_logits is not None:
            means["sign_accuracy"] = self._sign_accuracy(batch.real_logits, batch.fake_logits)
        return self._descend(phase, loss, means)

    def _freeze(self, phase: Phase) -> None:
        """Let gradients reach the networks of a phase only."""
        other: Phase = "G" if phase == "D" else "D"
        for parameter in self._parameters(phase):
            parameter.requires_grad_(True)
        for parameter in self._parameters(other):
            parameter.requires_grad_(False)

    @torch.no_grad()
    def _sign_accuracy(self, real_logits: Logits, fake_logits: Logits) -> Tensor:
        heads = zip(real_logits, fake_logits, strict=True)
        signs = [self.objective.margin(real, fake).sign().mean() for real, fake in heads]
        return torch.stack(signs).mean()

    def _descend(
        self, phase: Phase, loss: Tensor, means: dict[str, Tensor]
    ) -> tuple[dict[str, float], bool]:
        """Take one optimizer step, unless the loss or its gradient is not finite.

        Returns:
            What there is to log, read from the device at once, and whether a step was taken.
        """
        optimizer = self.optimizers[phase]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        gradients = [p.grad for p in self._parameters(phase) if p.grad is not None]
        means[f"{phase}/gradient"] = nn.utils.get_total_norm(gradients)
        numbers = torch.stack([loss.detach(), *(mean.float() for mean in means.values())]).tolist()
        values = dict(zip(means, numbers[1:], strict=True))
        sound = math.isfinite(numbers[0]) and math.isfinite(values[f"{phase}/gradient"])
        if sound:
            optimizer.step()
        return values, sound

    def _count_bad(self, sound: bool) -> None:
        self.bad_steps = 0 if sound else self.bad_steps + 1
        if self.bad_steps >= MAX_BAD_STEPS:
            raise RunError(
                f"training diverged at {self.cur_nimg:,} pictures: {self.bad_steps} steps in a "
                "row had a loss that is not finite; try lower --g-lr and --d-lr"
            )

    @torch.no_grad()
    def _average(self, count: int) -> None:
        """Move the averaged generator towards the trained one.

        It reaches half-way after one half-life, which grows with the pictures seen until it is
        the set one (Karras et al. 2020, arXiv:2006.06676, reference implementation's ramp-up).
        """
        halflife = _set(self.config.ema_kimg) * 1000
        if self.config.ema_rampup is not None:
            halflife = min(halflife, self.cur_nimg * self.config.ema_rampup)
        share = 1 - 0.5 ** (count / max(halflife, 1e-8))
        averaged, trained = _tensors(self.generator_ema), _tensors(self.networks.generator)
        floating = [i for i, tensor in enumerate(trained) if tensor.is_floating_point()]
        torch._foreach_lerp_([averaged[i] for i in floating], [trained[i] for i in floating], share)
        for i, tensor in enumerate(trained):
            if not tensor.is_floating_point():
                averaged[i].copy_(tensor)

    # Drawing

    @torch.inference_mode()
    def sample(self, count: int, batch: int = 16) -> Tensor:
        """Return unit pictures (count, C, H, W) of the averaged generator at seeds 0, 1, 2 ..."""
        seeds = range(count)
        z_dim: int = self.generator_ema.z_dim  # type: ignore[assignment]
        z = draw(seeds, z_dim, self.record.latent_prior)
        parts = []
        for start in range(0, count, batch):
            codes = self.generator_ema.codes(z[start : start + batch].to(self.device))  # type: ignore[operator]
            parts.append(self.generator_ema.render(codes)[-1].float().cpu())  # type: ignore[operator]
        return ((torch.cat(parts) + 1) / 2).clamp(0, 1)

    # State

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return all that is learned, by checkpoint file and name."""
        networks = {
            f"{name}.{key}": value
            for name, module in self.networks.named().items()
            for key, value in module.state_dict().items()
        }
        optimizers = {
            f"{phase}.{name}": value
            for phase, optimizer in self.optimizers.items()
            for name, value in optimizer_tensors(optimizer).items()
        }
        ema = self.generator_ema.state_dict()
        return {"ema": ema, "networks": networks, "optimizers": optimizers}

    def counters(self) -> dict[str, Any]:
        """Return the numbers that belong to the state, JSON-able."""
        return {
            "cur_nimg": self.cur_nimg,
            "attempt": self.attempt,
            "total_nimg": self.total_nimg,
            "bad_steps": self.bad_steps,
        }

    def restore(
        self, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]
    ) -> None:
        """Take over a state that `tensors` and `counters` returned.

        Raises:
            CheckpointError: it does not fit these networks.
        """
        load_state(self.generator_ema, tensors["ema"], "ema.safetensors")
        for name, module in self.networks.named().items():
            own = under(tensors["networks"], f"{name}.")
            load_state(module, own, f"networks.safetensors, {name}")
        for phase, optimizer in self.optimizers.items():
            restore_optimizer(optimizer, under(tensors["optimizers"], f"{phase}."))
        try:
            self.cur_nimg = int(state["cur_nimg"])
            self.attempt = int(state["attempt"])
            self.bad_steps = int(state["bad_steps"])
            total = state["total_nimg"]
            self.total_nimg = None if total is None else int(total)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"state.json lacks a counter: {safe(error)}") from None

    def start_from(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> list[str]:
        """Take over weights to fine-tune and return which networks they were found for.

        Args:
            tensors: "ema", and "networks" where they are known. The trained generator starts as
                the averaged one, which draws better.

        Raises:
            CheckpointError: they do not fit these networks.
        """
        load_state(self.generator_ema, tensors["ema"], "ema.safetensors")
        load_state(self.networks.generator, tensors["ema"], "ema.safetensors")
        found = ["generator"]
        for name, module in self.networks.named().items():
            own = under(tensors.get("networks", {}), f"{name}.")
            if name != "generator" and own:
                load_state(module, own, f"networks.safetensors, {name}")
                found.append(name)
        return found


def _blamed(entry: Entry, term: Term) -> Term:
    """Return a term whose failures name the component that it is of."""

    def compute(batch: Batch) -> Mapping[str, Tensor]:
        with blaming(entry):
            return term.compute(batch)

    return dataclasses.replace(term, compute=compute)


def _set(value: float | None) -> float:
    assert value is not None, "the config is not resolved"
    return value


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def measure_speed(trainer: Trainer, steps: int = 6) -> float:
    """Return pictures a second over a few steps with made-up pictures, after one to warm up.

    Batches of pictures above 128 px are made smaller for it. The trainer is spoilt by it.
    """
    config = trainer.config
    assert config.batch is not None
    height, width = config.side
    batch = min(config.batch, max(2, config.batch * 128 * 128 // (height * width)))
    reals = torch.randint(0, 256, (batch, config.channels, height, width), dtype=torch.uint8)
    with torch.random.fork_rng(devices=[]):
        trainer.step(reals)
        began = time.monotonic()
        for _ in range(steps):
            trainer.step(reals)
        return steps * batch / max(time.monotonic() - began, 1e-9)

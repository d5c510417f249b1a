"""One training step and what it keeps: networks, optimizers, the averaged generator, counters.

Here backward, step, averaging and the refusal of non-finite gradients happen, and nowhere else;
what steers them (rates, strength, who learns) comes from `artgan.steering`.
Everything random in a step is derived from (seed, purpose, cur_nimg, attempt), so the state at
the end of a step is all that is needed to go on as if nothing had happened.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from artgan.api import (
    Architecture,
    Batch,
    CheckpointError,
    Phase,
    RunError,
    ShapeError,
    Term,
)
from artgan.building import build_parts
from artgan.engine import adam, autocast, place
from artgan.images import from_bytes, pyramid_like, to_signed
from artgan.latents import derive, draw, draw_batch, generator
from artgan.plugins import blaming
from artgan.screen import safe
from artgan.steering import Steering, rate_factor
from artgan.weights import load_state, optimizer_tensors, restore_optimizer, under

if TYPE_CHECKING:
    from artgan.api import Logits, Pyramid
    from artgan.config import TrainConfig
    from artgan.registry import Registry

__all__ = [
    "Trainer",
    "term_is_due",
]

BETAS = (0.0, 0.99)
"""Adam's momenta: none for the gradient, as in Karras et al. 2018, arXiv:1710.10196 A.1."""

MAX_BAD_STEPS = 3
"""Steps with a non-finite loss or gradient in a row after which a run that nobody looks after is
given up."""


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
        parts: what is trained, and by what.
        steering: the policies, and what they asked for last.
    """

    def __init__(self, config: TrainConfig, registry: Registry, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.parts = build_parts(registry, config)
        self.entry, self.networks = self.parts.entry, self.parts.networks
        self.record: Architecture = self.entry.record  # type: ignore[assignment]
        for module in self.networks.named().values():
            place(module, device)
        self.objective, self.terms = self.parts.objective, self.parts.terms
        self._own: dict[Phase, list[nn.Parameter]] = {}
        self.steering = Steering.build(config, registry, self.parts.supplied)
        self.optimizers: dict[Phase, torch.optim.Adam] = {
            "D": adam(self._parameters("D"), lr=_set(config.d_lr), betas=BETAS),
            "G": adam(self._parameters("G"), lr=_set(config.g_lr), betas=BETAS),
        }
        self.generator_ema = copy.deepcopy(self.networks.generator).eval().requires_grad_(False)
        self.cur_nimg = 0
        self.attempt = 0
        self.total_nimg: int | None = None
        self.bad_steps = 0
        self._random = generator(0)

    @property
    def suppliers(self) -> dict[str, str]:
        """Return which plug-in and version supplied each component."""
        return self.parts.suppliers

    def _parameters(self, phase: Phase) -> list[nn.Parameter]:
        if phase not in self._own:  # once: looking for them takes as long as a small layer
            modules = self.networks.of_phase(phase).values()
            self._own[phase] = [p for module in modules for p in module.parameters()]
        return self._own[phase]

    # The step

    def step(self, reals: Tensor) -> dict[str, float]:
        """Train D, then G, on one batch, ask the policies, and return what there is to log.

        Args:
            reals: uint8, (N, C, H, W), on the CPU.

        Raises:
            RunError: losses were not finite several steps in a row, and no doctor acts on it.
        """
        count = reals.shape[0]
        torch.manual_seed(derive(self.config.seed, "step", self.cur_nimg, self.attempt))
        self._random = generator(derive(self.config.seed, "augment", self.cur_nimg, self.attempt))
        self._set_rates()
        self.networks.generator.train()
        self.networks.discriminator.train()
        kept = [buffer.clone() for buffer in self._buffers()]
        z = self._latents(count)
        with autocast(self.device, self.config.precision):
            fakes = self._generate(z)
        pyramid = pyramid_like(self._pictures(reals), fakes)

        # D on reals and fakes, then G through a frozen D, on the same fakes
        action = self.steering.action
        values, sound_d = self._phase("D", z, fakes, pyramid, learns=action.train_d)
        more, sound_g = self._phase("G", z, fakes, pyramid, learns=action.train_g)
        sound = sound_d and sound_g

        self.cur_nimg += count
        if sound:
            self._average(count)
        else:  # running statistics of a bad step would stay bad
            self._restore_buffers(kept)
        values = {n: v for n, v in {**values, **more}.items() if math.isfinite(v)}
        values = {**values, "strength": self.steering.strength, "bad": float(not sound)}
        self.bad_steps = 0 if sound else self.bad_steps + 1
        self.steering.after_step(
            values, cur_nimg=self.cur_nimg, total_nimg=self.total_nimg, batch=count, sound=sound
        )
        if self.bad_steps >= MAX_BAD_STEPS and not self.steering.acted:
            raise self._diverged()
        return values

    def _diverged(self) -> RunError:
        return RunError(
            f"training diverged at {self.cur_nimg:,} pictures: {self.bad_steps} steps in a row "
            "had a loss that is not finite; try lower --g-lr and --d-lr"
        )

    def _set_rates(self) -> None:
        """Set the learning rates: as configured, times the schedule, times the policies' factor."""
        action = self.steering.action
        factor = rate_factor(self.cur_nimg, self.total_nimg, self.config.decay)
        rates = {
            "D": _set(self.config.d_lr) * action.d_rate,
            "G": _set(self.config.g_lr) * action.g_rate,
        }
        for phase, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[phase] * factor

    def _pictures(self, reals: Tensor) -> Tensor:
        """Return uint8 reals in signed range on the device, half of them mirrored where wanted."""
        if self.config.xflip:
            seed = derive(self.config.seed, "xflip", self.cur_nimg, self.attempt)
            mirrored = torch.rand(reals.shape[0], generator=generator(seed)) < 0.5
            reals = torch.where(mirrored.view(-1, 1, 1, 1), reals.flip(-1), reals)
        pictures = to_signed(from_bytes(reals.to(self.device, non_blocking=True)))
        return pictures.contiguous(memory_format=torch.channels_last)

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
        """Return D's heads, float32, of pictures as D is shown them: augmented."""
        for entry, augment in self.parts.augments:
            with blaming(entry):
                pictures = augment(
                    pictures,
                    strength=self.steering.strength,
                    cur_nimg=self.cur_nimg,
                    random=self._random,
                )
        with blaming(self.entry):
            logits = self.networks.discriminator(pictures)
        heads = logits if isinstance(logits, tuple) else (logits,)
        return tuple(head.float() for head in heads)

    def _generate(self, z: Tensor) -> Pyramid:
        with blaming(self.entry):
            pictures: Pyramid = self.networks.generator(z)
        return tuple(scale.float() for scale in pictures)

    def _phase(
        self, phase: Phase, z: Tensor, fakes: Pyramid, reals: Pyramid, *, learns: bool
    ) -> tuple[dict[str, float], bool]:
        """Return what there is to log of a phase, and whether all of it was finite.

        A network that rests is looked at all the same, by the objective alone and without
        gradients: policies want to know when it may learn again.
        """
        count = z.shape[0]
        due = [t for t in self.terms[phase] if term_is_due(t.interval, self.cur_nimg, count)]
        if not learns:
            due = self.terms[phase][:1]
        if not due:
            return {}, True
        needs = frozenset[str]().union(*(term.needs for term in due))
        if phase == "D":
            fakes = tuple(scale.detach() for scale in fakes)
            if "fake-gradients" in needs:
                fakes = tuple(scale.requires_grad_(True) for scale in fakes)
        if "gradients" in needs:
            reals = tuple(scale.detach().requires_grad_(True) for scale in reals)
        with_reals = phase == "D" or not needs.isdisjoint({"reals", "gradients"})
        self._freeze(phase)
        precise = any(term.second_order for term in due)
        precision = "float32" if precise else self.config.precision
        with torch.set_grad_enabled(learns), autocast(self.device, precision):
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
            loss, means = self._loss(phase, due, batch)
        if phase == "D" and batch.real_logits is not None:
            means.update(self._margins(batch.real_logits, batch.fake_logits))
        if learns:
            return self._descend(phase, loss, means)
        numbers = torch.stack([loss, *means.values()]).tolist()
        return dict(zip(means, numbers[1:], strict=True)), math.isfinite(numbers[0])

    def _loss(
        self, phase: Phase, due: list[Term], batch: Batch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the sum of a phase's terms, each weighted for its interval, and their means."""
        count = batch.z.shape[0]
        loss = torch.zeros((), device=self.device)
        means: dict[str, Tensor] = {}
        for term in due:
            for name, value in term.compute(batch).items():
                if value.shape != (count,):
                    raise ShapeError(
                        f"loss term '{safe(name)}' has shape {tuple(value.shape)}: "
                        f"expected one value a picture, ({count},)"
                    )
                mean = value.float().mean()
                loss = loss + mean * max(1.0, term.interval / count)
                means[f"{phase}/{name}"] = mean.detach()
        return loss, means

    def _freeze(self, phase: Phase) -> None:
        """Let gradients reach the networks of a phase only."""
        other: Phase = "G" if phase == "D" else "D"
        for parameter in self._parameters(phase):
            parameter.requires_grad_(True)
        for parameter in self._parameters(other):
            parameter.requires_grad_(False)

    @torch.no_grad()
    def _margins(self, real_logits: Logits, fake_logits: Logits) -> dict[str, Tensor]:
        """Return how often D is right, as a mean of signs, and by how much."""
        heads = zip(real_logits, fake_logits, strict=True)
        margins = torch.stack([self.objective.margin(real, fake) for real, fake in heads])
        return {"sign_accuracy": margins.sign().mean(), "margin": margins.mean()}

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
            "steering": self.steering.state(),
        }

    def restore(
        self,
        tensors: Mapping[str, Mapping[str, Tensor]],
        state: Mapping[str, Any],
        *,
        rolled_back: bool = False,
        fresh: bool = False,
    ) -> None:
        """Take over a state that `tensors` and `counters` returned.

        Args:
            tensors, state: of a checkpoint.
            rolled_back: whether the run is taken back to it. Then what comes next is drawn anew
                (`attempt`), so that the batch that broke is not met again, and policies keep what
                they asked for.
            fresh: whether the optimizers forget what they remember.

        Raises:
            CheckpointError: it does not fit these networks.
        """
        load_state(self.generator_ema, tensors["ema"], "ema.safetensors")
        for name, module in self.networks.named().items():
            own = under(tensors["networks"], f"{name}.")
            load_state(module, own, f"networks.safetensors, {name}")
        for phase, optimizer in self.optimizers.items():
            if fresh:
                optimizer.state.clear()
            else:
                restore_optimizer(optimizer, under(tensors["optimizers"], f"{phase}."))
        try:
            self.cur_nimg = int(state["cur_nimg"])
            if rolled_back:
                self.attempt += 1
                self.bad_steps = 0
            else:
                self.attempt = int(state["attempt"])
                self.bad_steps = int(state["bad_steps"])
                total = state["total_nimg"]
                self.total_nimg = None if total is None else int(total)
            held = state.get("steering")
            if held is not None:  # there was none before there were policies
                self.steering.restore(held, rolled_back=rolled_back)
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


def _set(value: float | None) -> float:
    assert value is not None, "the config is not resolved"
    return value


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]

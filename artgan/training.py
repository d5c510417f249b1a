"""One training step. What it keeps is `artgan.trainstate`'s.

Here backward, step, averaging and the refusal of non-finite gradients happen, and nowhere else;
what steers them (rates, strength, who learns) comes from `artgan.steering`.
Everything random in a step is derived from (seed, purpose, cur_nimg, attempt), so the state at
the end of a step is all that is needed to go on as if nothing had happened.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from artgan.api import Batch, Phase, RunError, ShapeError, Term
from artgan.engine import autocast
from artgan.images import from_bytes, pyramid_like, to_signed
from artgan.latents import derive, draw_batch, generator
from artgan.plugins import blaming
from artgan.screen import safe
from artgan.steering import rate_factor
from artgan.trainstate import TrainState

if TYPE_CHECKING:
    from artgan.api import Logits, Pyramid
    from artgan.config import TrainConfig
    from artgan.registry import Registry

__all__ = [
    "Trainer",
    "term_is_due",
]

MAX_BAD_STEPS = 3
"""Steps with a non-finite loss or gradient in a row after which a run that nobody looks after is
given up."""


def term_is_due(interval: int, cur_nimg: int, batch: int) -> bool:
    """Return whether a term with an interval, in pictures, is used in the step at cur_nimg."""
    return interval <= batch or cur_nimg // interval != (cur_nimg - batch) // interval


class Trainer(TrainState):
    """The step, on the state of a run.

    Args:
        config, registry, device: see `TrainState`.
    """

    def __init__(self, config: TrainConfig, registry: Registry, device: torch.device) -> None:
        super().__init__(config, registry, device)
        self._random = generator(0)

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
        self._grow()
        for module in self.networks.named().values():
            module.train()
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

    def _grow(self) -> None:
        """Bring networks that grow to where they are by now, the averaged one too."""
        stage = self.stage_at(self.cur_nimg)
        if stage is None:
            return
        for module in (
            self.networks.generator,
            self.networks.discriminator,
            self.generator_ema,
        ):
            if module is not None:
                with blaming(self.entry):
                    module.grow(stage.scales, stage.fade)  # type: ignore[operator]

    def _set_rates(self) -> None:
        """Set the learning rates: as configured, times the schedule, times the policies' factor."""
        action = self.steering.action
        factor = rate_factor(self.cur_nimg, self.total_nimg, self.config.decay)
        rates: dict[Phase, float] = {
            "D": _set(self.config.d_lr) * action.d_rate,
            "G": _set(self.config.g_lr) * action.g_rate,
        }
        for phase, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[phase] * factor

    def _pictures(self, reals: Tensor) -> Tensor:
        """Return uint8 reals as networks see them: signed range, on the device.

        Half of them are mirrored where that is wanted.
        """
        if self.config.xflip:
            seed = derive(self.config.seed, "xflip", self.cur_nimg, self.attempt)
            mirrored = torch.rand(reals.shape[0], generator=generator(seed)) < 0.5
            reals = torch.where(mirrored.view(-1, 1, 1, 1), reals.flip(-1), reals)
        pictures = to_signed(from_bytes(reals.to(self.device, non_blocking=True)))
        if self.networks.show_reals is not None:
            with blaming(self.entry), torch.no_grad():
                pictures = self.networks.show_reals(pictures)
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
        return self._judge(self._augment(pictures))[0]

    def _augment(self, pictures: Pyramid) -> Pyramid:
        """Return pictures as D is shown them."""
        for entry, augment in self.parts.augments:
            with blaming(entry):
                pictures = augment(
                    pictures,
                    strength=self.steering.strength,
                    cur_nimg=self.cur_nimg,
                    random=self._random,
                )
        return pictures

    def _judge(self, shown: Pyramid, *, features: bool = False) -> tuple[Logits, Any]:
        """Return D's heads, float32, of what it is shown, and its features if asked for.

        Without a discriminator there are no heads.
        """
        discriminator = self.networks.discriminator
        if discriminator is None:
            return (), None
        found = None
        with blaming(self.entry):
            logits = discriminator(shown, features=True) if features else discriminator(shown)
            if features:
                logits, found = logits
        heads = logits if isinstance(logits, tuple) else (logits,)
        return tuple(head.float() for head in heads), found

    def _generate(self, z: Tensor) -> Pyramid:
        with blaming(self.entry):
            pictures: Pyramid = self.networks.generator(z)
        if not isinstance(pictures, tuple) or not all(isinstance(p, Tensor) for p in pictures):
            raise ShapeError(
                f"architecture '{safe(self.entry.qualified)}' drew a {type(pictures).__name__}: "
                "expected a tuple of pictures, coarse to fine"
            )
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
                fake_logits=(),
                codes=self.networks.generator.codes(z) if "codes" in needs else None,  # type: ignore[operator]
                discriminate=self._discriminate,
                generate=self._generate,
            )
            self._look(batch, with_features="features" in needs)
            loss, means = self._loss(phase, due, batch)
        if phase == "D" and batch.real_logits:
            means.update(self._margins(batch.real_logits, batch.fake_logits))
        if learns:
            return self._descend(phase, loss, means)
        numbers = torch.stack([loss, *means.values()]).tolist()
        return dict(zip(means, numbers[1:], strict=True)), math.isfinite(numbers[0])

    def _look(self, batch: Batch, *, with_features: bool) -> None:
        """Add to a batch what D makes of it, reals first."""
        if batch.reals is not None:
            shown = self._augment(batch.reals)
            batch.real_logits, features = self._judge(shown, features=with_features)
            if with_features:
                batch.shown_reals, batch.real_features = shown, features
        batch.fake_logits = self._discriminate(batch.fakes)

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
        assert self.objective is not None
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
        optimizer = self.optimizers.get(phase)
        if optimizer is None:  # nothing of it learns
            return {}, True
        optimizer.zero_grad(set_to_none=True)
        with blaming(self.entry):
            loss.backward()
        gradients = [p.grad for p in self._parameters(phase) if p.grad is not None]
        means[f"{phase}/gradient"] = nn.utils.get_total_norm(gradients)
        numbers = torch.stack([loss.detach(), *(mean.float() for mean in means.values())]).tolist()
        values = dict(zip(means, numbers[1:], strict=True))
        sound = math.isfinite(numbers[0]) and math.isfinite(values[f"{phase}/gradient"])
        if sound:
            if self.networks.stage is not None:
                self._let_rest(phase, optimizer)
            optimizer.step()
        return values, sound

    def _let_rest(self, phase: Phase, optimizer: torch.optim.Adam) -> None:
        """Leave parameters out of a step that were never used: those of scales yet to come.

        Else Adam would count their steps, and take its first ones with them up to ten times as far.
        """
        new = [
            p for p in self._parameters(phase) if p.grad is not None and p not in optimizer.state
        ]
        if new:
            largest = torch.stack([p.grad.abs().amax() for p in new if p.grad is not None]).tolist()
            for parameter, size in zip(new, largest, strict=True):
                if size == 0:
                    parameter.grad = None

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


def _set(value: float | None) -> float:
    assert value is not None, "the config is not resolved"
    return value


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]

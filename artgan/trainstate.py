"""The state of a run between two steps: networks, optimizers, averages, counters. Takes no step."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from artgan.api import Architecture, CheckpointError, Phase, ShapeError, Stage
from artgan.building import build_parts
from artgan.engine import adam, place
from artgan.latents import draw
from artgan.plugins import blaming
from artgan.screen import safe
from artgan.steering import Steering
from artgan.weights import load_state, optimizer_tensors, restore_optimizer, under

if TYPE_CHECKING:
    from artgan.config import TrainConfig
    from artgan.registry import Registry

__all__ = ["TrainState"]

BETAS = (0.0, 0.99)
"""Adam's momenta: none for the gradient, as in Karras et al. 2018, arXiv:1710.10196 A.1."""

ENDLESS = 10**10
"""Pictures that a run is taken to have while its length is not known: more than there can be."""


def _set_batch(batch: int | None) -> int:
    assert batch is not None, "the config is not resolved"
    return batch


class TrainState:
    """All that a run is between two steps.

    Args:
        config: resolved (nothing left to choose).
        registry: where the components are.
        device: where the networks live.

    Attributes:
        cur_nimg: reals shown to D so far.
        attempt: how many times the run was taken back.
        total_nimg: where it ends; None until it is known.
        planned_nimg: where it was first said to end, which is what growing goes by, so that a run
            that is prolonged stays as it is; 0 for one that is grown from the start.
        held_at: a stage to stay at whatever was shown, None to grow as planned.
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
        rates: dict[Phase, float | None] = {"D": config.d_lr, "G": config.g_lr}
        self.optimizers: dict[Phase, torch.optim.Adam] = {
            phase: adam(self._parameters(phase), lr=rate, betas=BETAS)
            for phase, rate in rates.items()
            if rate is not None and self._parameters(phase)
        }
        self.generator_ema = copy.deepcopy(self.networks.generator).eval().requires_grad_(False)
        self.cur_nimg = 0
        self.attempt = 0
        self.total_nimg: int | None = None
        self.planned_nimg: int | None = None
        self.bad_steps = 0
        self.held_at: Stage | None = None

    @property
    def suppliers(self) -> dict[str, str]:
        """Return which plug-in and version supplied each component."""
        return self.parts.suppliers

    def _parameters(self, phase: Phase) -> list[nn.Parameter]:
        if phase not in self._own:  # once: looking for them takes as long as a small layer
            modules = self.networks.of_phase(phase).values()
            self._own[phase] = [p for module in modules for p in module.parameters()]
        return self._own[phase]

    def stage_at(self, cur_nimg: int) -> Stage | None:
        """Return where networks that grow are at a number of pictures, None where none grows.

        Raises:
            ShapeError: what the architecture says is no stage.
        """
        if self.networks.stage is None or self.held_at is not None:
            return self.held_at
        planned = ENDLESS if self.planned_nimg is None else self.planned_nimg
        return self.planned_stage(cur_nimg, planned)

    def planned_stage(self, cur_nimg: int, planned_nimg: int) -> Stage:
        """Return where networks that grow are in a run that was planned to end somewhere.

        Args:
            cur_nimg: pictures shown so far.
            planned_nimg: see `TrainState`.

        Raises:
            ShapeError: what the architecture says is no stage.
        """
        assert self.networks.stage is not None
        if planned_nimg == 0:
            cur_nimg = planned_nimg = ENDLESS
        with blaming(self.entry):
            stage = Stage(*self.networks.stage(cur_nimg, planned_nimg))
            if stage.scales < 1 or not 0 <= stage.fade <= 1 or stage.batch < 1:
                raise ShapeError(
                    f"architecture '{safe(self.entry.qualified)}' is at {stage} at {cur_nimg:,} "
                    "pictures: expected scales and batch of 1 or more, and a fade in [0, 1]"
                )
        return stage

    @property
    def grown(self) -> Stage | None:
        """Return where networks that grow end, None where none grows."""
        return None if self.networks.stage is None else self.planned_stage(ENDLESS, ENDLESS)

    def ends_at(self, total_nimg: int) -> None:
        """Set where the run ends."""
        self.total_nimg = total_nimg
        if self.planned_nimg is None and self.networks.stage is not None:
            self.planned_nimg = total_nimg

    def batch_at(self, cur_nimg: int) -> int:
        """Return how many pictures the step at cur_nimg takes."""
        stage = self.stage_at(cur_nimg)
        return _set_batch(self.config.batch) * (1 if stage is None else stage.batch)

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
            **({} if self.planned_nimg is None else {"planned_nimg": self.planned_nimg}),
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
                planned = state.get("planned_nimg")
                self.planned_nimg = None if planned is None else int(planned)
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
        if self.networks.stage is not None:
            self.planned_nimg = 0
        found = ["generator"]
        for name, module in self.networks.named().items():
            own = under(tensors.get("networks", {}), f"{name}.")
            if name != "generator" and own:
                load_state(module, own, f"networks.safetensors, {name}")
                found.append(name)
        return found

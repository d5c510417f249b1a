"""A generator whose weights lie between those of several checkpoints."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from artgan.api import CheckpointError, ConfigError
from artgan.checkpoints import load_tensors
from artgan.weights import load_state

if TYPE_CHECKING:
    from artgan.models import Model, Weights

__all__ = ["Morph"]


class Morph:
    """Gives a model's generator the weights at a share of the way through checkpoints.

    Between two neighbours all numbers are mixed linearly. That goes well between checkpoints of one
    run, or of a run and the one it was begun from; strangers meet in a fog half-way. What share it
    was given before changes nothing, and the generator keeps the weights it was given last.

    Args:
        model: its generator is changed in place.
        stages: the checkpoints in order, two or more; each is loaded when it is come to, and two
            are held at a time.

    Raises:
        ConfigError: there are too few.
    """

    def __init__(self, model: Model, stages: Sequence[Callable[[], Weights]]) -> None:
        if len(stages) < 2:
            raise ConfigError(
                f"a network changes from one checkpoint to others, {len(stages)} were given: "
                "expected two or more"
            )
        self._model = model
        self.count = len(stages)

        @functools.lru_cache(maxsize=2)
        def tensors(number: int) -> dict[str, Tensor]:
            weights = stages[number]()
            found = load_tensors(weights.ema, weights.label)
            try:
                load_state(model.generator, found, weights.label)
            except CheckpointError as error:
                raise CheckpointError(
                    f"{error}: a network turns into one of the same architecture, size and options"
                ) from error
            return found

        self._tensors = tensors

    def at(self, share: float) -> Model:
        """Return the model with the weights at a share in [0, 1] of the way.

        Raises:
            CheckpointError: one of the two that it is between does not fit the generator.
        """
        place = min(max(share, 0.0), 1.0) * (self.count - 1)
        before = min(int(place), self.count - 2)
        part = place - before
        first, second = self._tensors(before), self._tensors(before + 1)
        mixed = {}
        for name, tensor in first.items():
            if tensor.is_floating_point():
                mixed[name] = torch.lerp(tensor, second[name], part)
            else:
                mixed[name] = tensor if part < 0.5 else second[name]
        self._model.generator.load_state_dict(mixed)
        return self._model

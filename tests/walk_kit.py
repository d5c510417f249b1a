"""A scene in a line, for tests of walks: its frames from a fake network and a few settings."""

from __future__ import annotations

from typing import Any

import torch
from fakes import MappedGenerator, fake_model, model_of
from torch import Tensor

from artgan.keys import Key
from artgan.models import Model
from artgan.registry import Registry
from artgan.scene import Scene
from artgan.staging import build_scene
from artgan.walkplan import WalkPlan

__all__ = ["KEYS", "REGISTRY", "drawn", "frames", "mapped", "plan", "scene"]

REGISTRY = Registry(entry_points=())
KEYS = (3, 17, 42)


def plan(keys: Any = KEYS, **settings: Any) -> WalkPlan:
    """Return a walk through seeds or keys: twelve frames on a spline, at an even pace."""
    made = {"sampler": "spline", "frames": 12, "fps": 12.0, **settings}
    return WalkPlan(keys=tuple(k if isinstance(k, Key) else Key(seed=k) for k in keys), **made)


def scene(model: Model | None = None, keys: Any = KEYS, loads: Any = (), **settings: Any) -> Scene:
    """Return its scene, see `plan`; of a linear network if none is given."""
    return build_scene(plan(keys, **settings), model or fake_model(), REGISTRY, stages=loads)


def frames(*args: Any, **settings: Any) -> Tensor:
    """Return its frames once it keeps pace, see `scene`: unit range, (N, C, H, W)."""
    made = scene(*args, **settings)
    made.keep_pace()
    return torch.stack([frame.image for frame in made.frames()])


def drawn(model: Model, codes: Tensor) -> Tensor:
    """Return what a network draws of codes: unit range, (N, C, H, W)."""
    return (model.generator.render(codes)[-1].detach() + 1) / 2


def mapped(layers: int | None = 4) -> Model:
    """Return a network with a space w, of so many layers, or of one code for all."""
    return model_of(MappedGenerator(8, 3, (8, 12), layers))

"""From the plan of a walk to its scene: paths, codes, effects, each asked for what it promised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from artgan.api import Alter, ConfigError, Path2Codes, PluginError, Sampler
from artgan.directions import directions
from artgan.keys import Key
from artgan.morph import Morph
from artgan.plugins import blaming
from artgan.rendering import codes_of, mean_code
from artgan.scene import Scene, Track, frame_size
from artgan.screen import plural, safe
from artgan.walkplan import MAX_TILES, WalkPlan

if TYPE_CHECKING:
    from artgan.models import Model, Weights
    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = ["MAX_PIXELS", "build_scene"]

MAX_PIXELS = 64_000_000
"""The most pixels that a frame has."""

Stage = Callable[[], "Weights"]


def build_scene(
    plan: WalkPlan,
    model: Model,
    components: Registry,
    *,
    stages: Sequence[Stage] = (),
) -> Scene:
    """Return what the frames of a walk come from; nothing is drawn yet.

    Args:
        plan: the walk.
        model: what draws; where it morphs it is changed in place.
        components: where components are found.
        stages: the checkpoints of `plan.stages`.

    Raises:
        ConfigError: the walk and the network do not suit each other, or it has no time to move.
        CheckpointError: the first two of `stages` do not fit the network.
        PluginError: a third party's component failed, here or later on.
    """
    height, width = frame_size(plan, model.size)
    if plan.tiles > MAX_TILES:
        raise ConfigError(f"{plan.columns}x{plan.rows} tiles are more than {MAX_TILES}")
    if height * width > MAX_PIXELS:
        raise ConfigError(
            f"a frame of {width}x{height} px is {height * width / 1e6:,.0f} million pixels, "
            f"{MAX_PIXELS // 10**6} at most: give a smaller --scale or --grid"
        )
    effects = []
    for used in plan.effects:
        entry, options = components.configure(
            "effects", used.name, {"effects": {used.name: used.options}}
        )
        effects.append(_named(components.build(entry, options), entry))
    morph = None
    if plan.morph is not None:
        morph = Morph(model, stages)
        morph.at(0.0)  # what does not fit is said before anything is drawn
    scene = Scene(
        plan,
        model,
        _tracks(plan, model, components),
        morph=morph,
        mixed=_mixed(plan, model),
        effects=effects,
    )
    scene.check()
    return scene


def _tracks(plan: WalkPlan, model: Model, components: Registry) -> list[Track]:
    """Return the path that all tiles share, or one for each."""
    entry, options = components.configure(
        "samplers", plan.sampler, {"samplers": {plan.sampler: plan.options}}
    )
    record = entry.record
    assert isinstance(record, Sampler)
    closed = plan.shape == "loop" if "closed" in record.needs else record.closed
    path = components.build(entry, options, **_needed(record, plan, model, closed))
    keys = _lifted(plan.keys, model, plan)
    if plan.own and len(keys) % plan.tiles:
        raise ConfigError(f"{plural(len(keys), 'key')} for {plural(plan.tiles, 'tile')}")
    tracks = []
    for part in keys.chunk(plan.tiles) if plan.own else [keys]:
        tracks.append(Track(_path(path, part, entry), _knots(record, len(part), closed), closed))
        tracks[-1].path(torch.zeros(1))  # what is wrong with it is said before anything is opened
    return tracks


def _path(path: Path2Codes, keys: Tensor, entry: Entry) -> Callable[[Tensor], Tensor]:
    return lambda u: _ask(path, keys, u, entry)


def _knots(record: Sampler, count: int, closed: bool) -> Any:
    """Return the positions of keys, of both ends where keys are not met evenly."""
    ways = (count if closed else count - 1) if record.keyed else 1
    return np.linspace(0.0, 1.0, max(ways, 1) + 1)


def _needed(record: Sampler, plan: WalkPlan, model: Model, closed: bool) -> dict[str, Any]:
    """Return what a sampler's target is called with."""
    values: dict[str, Callable[[], Any]] = {
        "closed": lambda: closed,
        "space": lambda: plan.space,
        "prior": lambda: model.prior,
        "mean": lambda: torch.zeros(model.z_dim) if plan.space == "z" else mean_code(model),
        "directions": lambda: directions(model, space=plan.space),
    }
    return {name: values[name]() for name in record.needs}


def _shape_in(space: str, model: Model) -> tuple[int, ...]:
    """Return the shape of one code of a space."""
    z = torch.zeros(1, model.z_dim)
    return tuple((z if space == "z" else codes_of(model, z)).shape[1:])


def _code(key: Key, model: Model) -> Tensor:
    """Return the code of a key in its own space, once it is one of this network."""
    code = key.tensor(model.z_dim, model.prior)
    expected = _shape_in(key.space, model)
    if tuple(code.shape) != expected:
        raise ConfigError(
            f"key {safe(key.label)} has a code of shape {tuple(code.shape)}, this network has "
            f"{expected}: it was found with another run"
        )
    return code


def _lifted(keys: Sequence[Key], model: Model, plan: WalkPlan) -> Tensor:
    """Return the codes of keys in the space that is walked in, (K, ...)."""
    codes = []
    for key in keys:
        code = _code(key, model)
        if plan.space == "w" and key.space == "z":
            code = codes_of(model, code[None], psi=plan.psi)[0]
        elif plan.space != key.space:
            raise ConfigError(f"key {safe(key.label)} is of {key.space}, the walk of {plan.space}")
        codes.append(code)
    return torch.stack(codes)


def _mixed(plan: WalkPlan, model: Model) -> Callable[[], Tensor] | None:
    """Return what gives the code that some layers get, (layers, d), of the network as it is."""
    if plan.mix is None:
        return None
    arch = safe(model.origin.get("arch"))
    layers = _shape_in("w", model)
    if len(layers) != 2:
        raise ConfigError(f"--mix is of layers, and '{arch}' has one code for all: leave it out")
    if plan.mix.first >= layers[0]:
        raise ConfigError(
            f"--mix-layers begins at {plan.mix.first}, the last layer of '{arch}' is "
            f"{layers[0] - 1}"
        )
    code = _code(plan.mix.key, model)
    if plan.mix.key.space == "w":
        return lambda: code

    def lifted() -> Tensor:
        return codes_of(model, code[None], psi=plan.psi)[0]

    if plan.morph is not None:  # the mapping changes with the network
        return lifted
    fixed = lifted()
    return lambda: fixed


def _ask(path: Path2Codes, keys: Tensor, u: Tensor, entry: Entry) -> Tensor:
    """Return a sampler's codes at positions, float32, once they are what its contract says."""
    expected = (len(u), *keys.shape[1:])
    sampler: Callable[[Tensor, Tensor], object] = path  # what it promises has to be seen
    with blaming(entry):
        codes = sampler(keys, u)
    if not isinstance(codes, torch.Tensor):
        got = f"a {safe(type(codes).__name__)}"
    elif tuple(codes.shape) != expected or codes.is_complex():
        got = f"{codes.dtype} codes of shape {tuple(codes.shape)}"
    elif not bool(codes.isfinite().all()):
        got = "codes that are not finite"
    else:
        return codes.detach().to("cpu", torch.float32)
    raise PluginError(
        f"sampler '{safe(entry.qualified)}' gave {got}, "
        f"expected finite float32 codes of shape {expected}"
    )


def _named(effect: Alter, entry: Entry) -> Alter:
    """Return an effect whose faults name it."""

    def checked(images: Tensor) -> Tensor:
        call: Callable[[Tensor], object] = effect
        with blaming(entry):
            changed = call(images)
        if not isinstance(changed, torch.Tensor) or changed.shape != images.shape:
            shape = tuple(getattr(changed, "shape", ()))
            raise PluginError(
                f"effect '{safe(entry.qualified)}' gave a {safe(type(changed).__name__)} of shape "
                f"{shape}, expected pictures of shape {tuple(images.shape)}"
            )
        return changed

    return checked

"""Walk: from keys to the frames of a path through latents. Writes nothing. No torch at import."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import ConfigError, Extractor, Loss, Sampler
from artgan.batches import digest
from artgan.config import validate
from artgan.keys import Key
from artgan.screen import safe
from artgan.studio import Studio
from artgan.stylesettings import FULL, StylizeConfig
from artgan.walkplan import Mix, Origin, Sign, Styled, Used, WalkPlan
from artgan.walksettings import (
    AUTO_SIDE,
    WalkConfig,
    grid_of,
    is_own,
    keys_a_tile,
    shape_of,
    usual_sampler,
)

if TYPE_CHECKING:
    from artgan.models import Model
    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = [
    "frame_studio",
    "plan_walk",
    "walk_scale",
    "walk_studio",
]


# The plan ---------------------------------------------------------------------------------------


def plan_walk(
    config: WalkConfig,
    model: Model,
    components: Registry,
    keys: Sequence[Key],
    *,
    mixed: Key | None = None,
    stages: Sequence[Origin] = (),
) -> WalkPlan:
    """Return a walk with nothing left open.

    Args:
        config: settings, checked by `artgan.walksettings.check_walk`.
        model: what draws.
        components: where components are found.
        keys: what it goes through.
        mixed: the key that some layers always get.
        stages: the checkpoints that the network goes through, in order.

    Raises:
        ConfigError: the walk and the network do not suit each other.
    """
    columns, rows = grid_of(config, len(keys))
    each = keys_a_tile(config, len(keys), columns * rows)
    name = usual_sampler(config, each, model.spaces)
    entry, options = components.configure("samplers", name, config.components)
    record = entry.record
    assert isinstance(record, Sampler)
    effects = []
    for effect in config.effects:
        found, chosen = components.configure("effects", effect, config.components)
        effects.append(Used(name=_name(found), options=_dump(chosen)))
    sign = None
    if config.sign is not None:
        sign = Sign(digest=digest(Path(config.sign)), corner=config.corner)
    styled = None
    if config.stylize:
        styles = tuple(digest(Path(style)) for style in config.stylize)
        kinds = (Extractor.kind, Loss.kind)
        tables = {kind: config.components[kind] for kind in kinds if kind in config.components}
        styled = Styled(styles=styles, strength=config.strength, components=tables)
    return WalkPlan(
        keys=tuple(keys),
        space=_space(config, record, model, keys),
        psi=config.psi,
        sampler=_name(entry),
        options=_dump(options),
        shape=shape_of(config, record),
        rounds=config.rounds,
        frames=config.count,
        fps=config.fps,
        pace=config.pace,
        ease=config.ease,
        hold=config.hold,
        beats=config.beat_count,
        columns=columns,
        rows=rows,
        wave=config.wave,
        own=is_own(config),
        morph="growth" if config.growth else "blend" if config.blend else None,
        stages=tuple(stages),
        mix=_mix(config, mixed),
        effects=tuple(effects),
        scale=walk_scale(config, model, columns * rows),
        pixels=config.pixels,
        sign=sign,
        plays=config.plays,
        stylize=styled,
    )


def walk_scale(config: WalkConfig, model: Model, tiles: int = 1) -> int:
    """Return how many times as large as the model's pictures they are; in grids half of that."""
    if config.scale is not None:
        return config.scale
    side = AUTO_SIDE if tiles == 1 else AUTO_SIDE // 2
    return max(1, math.ceil(side / min(model.size)))


def _name(entry: Entry) -> str:
    return entry.record.name if entry.plugin.built_in else entry.qualified


def _dump(options: Any) -> dict[str, Any]:
    return {} if options is None else dict(options.model_dump(mode="json"))


def _space(config: WalkConfig, record: Sampler, model: Model, keys: Sequence[Key]) -> Any:
    """Return the highest space that both the network and the sampler have, and no key is above.

    It is z where the network changes, and its w with it, and where directions are asked for of a
    network that has none of w.
    """
    shared = [space for space in model.spaces if space in record.spaces]
    name = safe(record.name)
    directed = hasattr(model.generator, "style_weight")  # in w, too
    only_z = config.growth or config.blend is not None
    if only_z or ("directions" in record.needs and not directed):
        shared = [space for space in shared if space == "z"]
        if not shared:
            raise ConfigError(
                f"sampler '{name}' walks in {', '.join(map(safe, record.spaces))}, and here only z "
                "is shared: choose another --sampler"
            )
        if "mean" in record.needs and "w" in model.spaces:
            raise ConfigError(
                f"sampler '{name}' pulls codes to their mean, which is in w, and while the network "
                "changes a walk is in z: leave out --growth or --blend, or choose another --sampler"
            )
    if not shared:
        raise ConfigError(
            f"sampler '{name}' walks in {', '.join(map(safe, record.spaces))}, this network has "
            f"{', '.join(model.spaces)}: choose another --sampler"
        )
    for key in keys:
        if key.space not in model.spaces:
            raise ConfigError(
                f"key {safe(key.label)} is of {key.space}, this network has "
                f"{', '.join(model.spaces)}: it was found with another kind of network"
            )
        if model.spaces.index(key.space) > model.spaces.index(shared[-1]):
            raise ConfigError(
                f"key {safe(key.label)} is of {key.space}, and sampler '{name}' walks in "
                f"{shared[-1]} here: "
                + (
                    "leave out --growth or --blend, or give another key"
                    if only_z
                    else "give another key, or another --sampler"
                )
            )
    return shared[-1]


def _mix(config: WalkConfig, mixed: Key | None) -> Mix | None:
    if mixed is None:
        return None
    first, dash, last = config.mix_layers.partition("-")
    table = {"key": mixed, "first": first.strip()}
    table["last"] = (last.strip() or 1000) if dash else first.strip()
    return validate(Mix, table, "")


def walk_studio(config: WalkConfig, components: Registry) -> Studio | None:
    """Return what draws the frames of a walk in a style, None if that is not asked for.

    Styles are not read yet.

    Raises:
        ConfigError: settings of its components that do not go together.
    """
    if not config.stylize:
        return None
    return frame_studio(
        config.run,
        config.stylize,
        components,
        strength=config.strength,
        device=config.device,
        tables=config.components,
    )


def frame_studio(
    what: str,
    styles: tuple[str, ...],
    components: Registry,
    *,
    strength: float,
    device: str,
    tables: dict[str, dict[str, dict[str, Any]]],
    settings: Mapping[str, Any] | None = None,
) -> Studio:
    """Return what draws frames of any size in styles, which are not read yet.

    Args:
        what: they are of.
        styles: pictures, or a fast style.
        components: where losses and extractors are found.
        strength: of the styles.
        device: see `artgan.engine.pick_device`.
        tables: options of components.
        settings: further ones of the redrawing, of `artgan.stylesettings.OF_FRAMES`.

    Raises:
        ConfigError: settings that cannot be, or do not go together.
    """
    own = {
        "images": (what,),
        "styles": styles,
        "size": FULL,
        "strength": strength,
        "device": device,
        "components": tables,
    }
    return Studio(validate(StylizeConfig, {**own, **(settings or {})}, "stylize"), components)

"""Walk: from keys to the frames of a path through latents. Writes nothing. No torch at import."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from artgan.api import ConfigError, Path2Codes, PluginError, Sampler
from artgan.batches import digest
from artgan.images import Frame, Frames
from artgan.latents import draw, parse_seeds
from artgan.options import Options
from artgan.plugins import blaming
from artgan.rendering import RENDER_BATCH, codes_of, recipe, render
from artgan.screen import plural, safe
from artgan.studio import Studio
from artgan.stylesettings import FULL, StylizeConfig

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.models import Model
    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = [
    "AUTO_SIDE",
    "WalkConfig",
    "check_walk",
    "restyled",
    "walk",
    "walk_keys",
    "walk_recipe",
    "walk_scale",
    "walk_studio",
]

AUTO_SIDE = 256
"""Pixels that the short side of an animation has at least, unless its scale is given."""

MAX_FRAMES = 1_000_000
MAX_KEYS = 10_000
USUAL_KEYS = 6
"""How many seeds a walk goes through, from 0 on, unless they are given."""

SPACE = "z"


class WalkConfig(Options):
    """The settings of a walk."""

    run: str = Field(
        description="run folder, its number, latest, or a .artgan file; with @PICTURES"
    )
    keys: str | None = Field(
        None,
        description="seeds that the walk goes through, such as 3,17,40-43; none given: 0-5, "
        "or as many of them as suit the sampler",
    )
    seconds: float = Field(6.0, gt=0, le=86400, description="length of the loop")
    fps: float = Field(25.0, ge=0.1, le=1000, description="frames a second")
    frames: int | None = Field(
        None, ge=1, le=MAX_FRAMES, description="number of frames, instead of a length in seconds"
    )
    sampler: str = Field("slerp", description="path through the keys")
    psi: float = Field(
        1.0, ge=0, le=1, description="truncation: below 1 is less varied; 1 is none, 0 the mean"
    )
    scale: int | None = Field(
        None,
        ge=1,
        le=64,
        description=f"times as large; none given: a short side of at least {AUTO_SIDE} px",
    )
    pixels: bool = Field(False, description="enlarge with square pixels, not smoothly")
    loop: int = Field(0, ge=0, le=65535, description="times it plays; 0 is for ever")
    stylize: tuple[str, ...] = Field(
        (), description="picture in whose style the frames are drawn; several are blended"
    )
    strength: float = Field(0.5, ge=0, le=1, description="of that style; 0 changes nothing")
    out: tuple[str, ...] = Field(
        ("walk.gif",), min_length=1, description="output; its suffix is the format, / a folder"
    )
    overwrite: bool = Field(False, description="replace what exists")
    meta: bool = Field(True, description="keep the recipe in the file")
    runs: str = Field("runs", description="folder that runs are in")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    components: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="kind -> name -> options"
    )

    @field_validator("keys")
    @classmethod
    def _seeds(cls, value: str | None) -> str | None:
        if value is not None:
            parse_seeds(value)
        return value

    @property
    def count(self) -> int:
        """Return the number of frames."""
        return self.frames if self.frames is not None else max(1, round(self.seconds * self.fps))


def walk_keys(config: WalkConfig, record: Sampler) -> list[int]:
    """Return the seeds of the keys; none given, the first from 0 on that suit the sampler."""
    if config.keys is not None:
        return parse_seeds(config.keys)
    most = USUAL_KEYS if record.max_keys is None else min(USUAL_KEYS, record.max_keys)
    return list(range(max(most, record.min_keys)))


def check_walk(config: WalkConfig, components: Registry) -> None:
    """Check all of a walk that can be told without a model.

    Raises:
        ConfigError: the sampler cannot make a path of these keys, or there are too many frames.
    """
    entry, _ = components.configure("samplers", config.sampler, config.components)
    record = entry.record
    assert isinstance(record, Sampler)
    name, count = safe(config.sampler), len(walk_keys(config, record))
    if SPACE not in record.spaces:
        raise ConfigError(
            f"sampler '{name}' walks in {', '.join(map(safe, record.spaces))}, "
            f"expected {SPACE}: choose another --sampler"
        )
    most = MAX_KEYS if record.max_keys is None else min(record.max_keys, MAX_KEYS)
    if not record.min_keys <= count <= most:
        were = "was" if count == 1 else "were"
        needs = "" if record.min_keys == most else f"{record.min_keys:,} to "
        raise ConfigError(
            f"sampler '{name}' goes through {needs}{plural(most, 'key')}, {count:,} {were} given: "
            "change --keys, or choose another --sampler"
        )
    if config.count > MAX_FRAMES:
        raise ConfigError(
            f"{config.count:,} frames were asked for, {MAX_FRAMES:,} are the most: "
            "give fewer --seconds or --fps"
        )


def walk(config: WalkConfig, model: Model, components: Registry) -> Frames:
    """Return the frames of a walk; they are rendered while they are read.

    Args:
        config: what to walk; frame i of n stands at i / n of a closed path, at i / (n - 1) of an
            open one.
        model: what draws them.
        components: where the sampler is found.

    Raises:
        ConfigError: see `check_walk`.
        PluginError: a third party's sampler failed or broke its contract, here or later on.
    """
    import torch

    entry, options = components.configure("samplers", config.sampler, config.components)
    record = entry.record
    assert isinstance(record, Sampler)
    check_walk(config, components)
    seeds = walk_keys(config, record)
    path: Path2Codes = components.build(entry, options)
    keys = draw(seeds, int(model.generator.z_dim), model.prior)  # type: ignore[arg-type]
    scale = walk_scale(config, model)
    last = config.count if record.closed else max(config.count - 1, 1)
    positions = (torch.arange(config.count, dtype=torch.float64) / last).to(torch.float32)
    _ask(path, keys, positions[:1], entry)

    def made() -> Iterator[Frame]:
        number = 0
        for part in positions.split(RENDER_BATCH):
            codes = codes_of(model, _ask(path, keys, part, entry), psi=config.psi)
            for image in render(model, codes, scale=scale, smooth=not config.pixels):
                yield Frame(image, f"frame{number:06d}")
                number += 1

    height, width = model.size
    return Frames(made(), (height * scale, width * scale), config.fps, config.count)


def restyled(config: WalkConfig, frames: Frames, studio: Studio, components: Registry) -> Frames:
    """Return the frames of a walk redrawn while they are read, so that the loop still closes.

    Args:
        config: the walk.
        frames: see `walk`.
        studio: what draws them, see `walk_studio`.
        components: where the sampler is found.
    """
    entry = components.find("samplers", config.sampler)
    assert isinstance(entry.record, Sampler)
    return studio.redraw_frames(frames, studio.shares(0, 1), closed=entry.record.closed)


def walk_studio(config: WalkConfig, components: Registry) -> Studio | None:
    """Return what draws the frames of a walk in a style, None if that is not asked for.

    Styles are not read yet.

    Raises:
        ConfigError: settings of its components that do not go together.
    """
    if not config.stylize:
        return None
    settings = StylizeConfig(
        images=(config.run,),
        styles=config.stylize,
        size=FULL,
        strength=config.strength,
        device=config.device,
        components=config.components,
    )
    return Studio(settings, components)


def walk_scale(config: WalkConfig, model: Model) -> int:
    """Return how many times as large as the model's pictures the frames are."""
    if config.scale is not None:
        return config.scale
    return max(1, math.ceil(AUTO_SIDE / min(model.size)))


def walk_recipe(config: WalkConfig, model: Model, components: Registry) -> str | None:
    """Return the recipe of a walk, None if none is to be kept."""
    if not config.meta:
        return None
    entry, options = components.configure("samplers", config.sampler, config.components)
    assert isinstance(entry.record, Sampler)
    settings = {
        "keys": walk_keys(config, entry.record),
        "space": SPACE,
        "psi": config.psi,
        "sampler": entry.record.name if entry.plugin.built_in else entry.qualified,
        "options": options.model_dump(mode="json") if options is not None else {},
        "frames": config.count,
        "fps": config.fps,
        "scale": walk_scale(config, model),
        "pixels": config.pixels,
        "loop": config.loop,
    }
    if config.stylize:
        styles = [digest(Path(style)) for style in config.stylize]
        settings["stylize"] = {"styles": styles, "strength": config.strength}
    return recipe("walk", model, settings)


def _ask(path: Path2Codes, keys: Tensor, u: Tensor, entry: Entry) -> Tensor:
    """Return a sampler's codes at positions, float32, once they are what its contract says."""
    import torch

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

"""The settings of a walk, and all of them that can be judged without a network. No torch."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import BeforeValidator, Field, field_validator

from artgan.api import ConfigError, Sampler
from artgan.config import parse_size
from artgan.keys import MAX_KEYS, Key
from artgan.options import Options
from artgan.screen import parse_bytes, plural, safe
from artgan.walkplan import MAX_FRAMES, MAX_TILES, Corner, Ease, Shape, Wave, passings_of

if TYPE_CHECKING:
    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = [
    "AUTO_SIDE",
    "USUAL_KEYS",
    "MaxSize",
    "WalkConfig",
    "check_walk",
    "grid_of",
    "is_own",
    "keys_a_tile",
    "shape_of",
    "usual_keys",
    "usual_sampler",
]

AUTO_SIDE = 256
"""Pixels that the short side of an animation has at least, unless its scale is given."""

USUAL_KEYS = 6
"""How many seeds a walk goes through, from 0 on, unless they are given."""

PACES = {"perceptual": 1.0, "even": 0.0}


def _pace(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return PACES[value] if value in PACES else float(value)
    except ValueError:
        raise ValueError(f"expected {', '.join(PACES)}, or a number from 0 to 1") from None


def _tiles(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        rows, columns = parse_size(value)
    except ValueError:
        raise ValueError("expected COLUMNSxROWS, such as 3x2") from None
    return columns, rows


def _bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    count = parse_bytes(value)
    if not count:
        raise ValueError("expected a size, such as 8MB or 500kB")
    return count


MaxSize = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_bytes)]
"""A number of bytes, given in words; None is no limit."""


class WalkConfig(Options):
    """The settings of a walk."""

    run: str = Field(
        description="run folder, its number, latest, or a .artgan file; with @PICTURES"
    )
    keys: str | None = Field(
        None,
        description="what the walk goes through: seeds and ranges (3,40-43), photos, files of "
        "keys, favourites, what artgan made; none given: seeds from 0 on",
    )
    seconds: float = Field(6.0, gt=0, le=86400, description="length")
    fps: float = Field(25.0, ge=0.1, le=1000, description="frames a second")
    frames: int | None = Field(
        None, ge=1, le=MAX_FRAMES, description="number of frames, instead of a length in seconds"
    )
    bpm: float | None = Field(
        None,
        ge=1,
        le=1000,
        description="beats a minute: the length is whole beats, keys land on them",
    )
    beats: int | None = Field(None, ge=1, le=MAX_FRAMES, description="how many beats long it is")
    sampler: str | None = Field(
        None, description="path through the keys; none given: spline, or circle of one or two"
    )
    shape: Shape | None = Field(
        None, description="loop, open (ends at the last key) or boomerang (there and back)"
    )
    rounds: int = Field(1, ge=1, le=1000, description="times the path is gone along")
    pace: Annotated[float, BeforeValidator(_pace)] = Field(
        1.0,
        ge=0,
        le=1,
        description="perceptual (1): each frame differs by as much; even (0): latents move evenly; "
        "or between",
    )
    ease: Ease = Field("linear", description=f"speed from key to key: {', '.join(get_args(Ease))}")
    hold: float = Field(0.0, ge=0, le=86400, description="seconds at rest on each key")
    psi: float = Field(
        1.0,
        ge=0,
        le=1,
        description="truncation: below 1 is less varied, 1 is none; of w where the network has "
        "it, else z is scaled",
    )
    grid: Annotated[tuple[int, int] | None, BeforeValidator(_tiles)] = Field(
        None, description="tiles, COLUMNSxROWS, each ahead of the one before"
    )
    wave: Wave = Field("rows", description="order in which tiles are ahead: rows, wave or spiral")
    own_keys: bool = Field(False, description="give each tile keys of its own, in their order")
    growth: bool = Field(
        False, description="show the keys through all checkpoints that the run keeps"
    )
    blend: str | None = Field(
        None, description="another checkpoint that the network turns into on the way"
    )
    mix: str | None = Field(
        None, description="a key that some layers always get, where the network has layers"
    )
    mix_layers: str = Field("4-", description="which layers, such as 4- or 2-5")
    effects: tuple[str, ...] = Field((), description="change to each tile, such as a symmetry")
    scale: int | None = Field(
        None,
        ge=1,
        le=64,
        description=f"times as large; none given: a short side of at least {AUTO_SIDE} px",
    )
    pixels: bool = Field(False, description="enlarge with square pixels, not smoothly")
    sign: str | None = Field(None, description="picture of a signature to put on every frame")
    corner: Corner = Field("bottom-right", description="where the signature stands")
    plays: int = Field(0, ge=0, le=65535, description="times it plays; 0 is for ever")
    stylize: tuple[str, ...] = Field(
        (), description="picture in whose style the frames are drawn; several are blended"
    )
    strength: float = Field(0.5, ge=0, le=1, description="of that style; 0 changes nothing")
    max_size: MaxSize = Field(
        None, description="the most that each file may take, such as 8MB; quality gives way"
    )
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

    @field_validator("mix_layers")
    @classmethod
    def _layers(cls, value: str) -> str:
        match = re.fullmatch(r"\s*([0-9]{1,3})\s*(?:-\s*([0-9]{1,3})?\s*)?", value, re.ASCII)
        if match is None:
            raise ValueError("expected layers, such as 4- or 2-5")
        if match[2] is not None and int(match[2]) < int(match[1]):
            raise ValueError("expected the lower layer first, such as 2-5")
        return value

    @property
    def beat_count(self) -> int | None:
        """Return how many beats it has, whole ones each time the path is gone along; or None.

        None is where it goes by seconds.
        """
        if self.bpm is None or self.beats is not None:
            return self.beats if self.bpm is not None else None
        passings = passings_of(self.shape, self.rounds)
        return passings * max(1, round(self.seconds * self.bpm / 60 / passings))

    @property
    def length(self) -> float:
        """Return how long it is in seconds, unless its frames are counted."""
        beats = self.beat_count
        return self.seconds if beats is None or self.bpm is None else beats * 60 / self.bpm

    @property
    def count(self) -> int:
        """Return the number of frames."""
        return self.frames if self.frames is not None else max(1, round(self.length * self.fps))


# What follows from them -------------------------------------------------------------------------


def usual_sampler(config: WalkConfig, keys: int, spaces: Sequence[str] = ("z",)) -> str:
    """Return the name of the sampler: the one asked for, else what suits the keys of a tile.

    Args:
        config: settings.
        keys: how many keys one tile has.
        spaces: of the network.
    """
    if config.sampler is not None:
        return config.sampler
    timed = config.ease != "linear" or config.hold > 0 or config.bpm is not None
    still = config.growth or config.shape in ("open", "boomerang") or "w" in spaces
    return "spline" if timed or still or keys > 2 else "circle"


def check_walk(config: WalkConfig, components: Registry, keys: Sequence[object]) -> None:
    """Check all of a walk that can be told without a model.

    Args:
        config: settings.
        components: where components are found.
        keys: what they are, or will be.

    Raises:
        ConfigError: the sampler cannot make a path of these keys, or settings do not go together.
        ComponentError: a component is unknown.
    """
    tiles = grid_of(config, len(keys))
    each = keys_a_tile(config, len(keys), tiles[0] * tiles[1])
    entry = _sampler(config, components, each)
    record = entry.record
    assert isinstance(record, Sampler)
    name = safe(record.name)
    most = MAX_KEYS if record.max_keys is None else min(record.max_keys, MAX_KEYS)
    if not record.min_keys <= each <= most:
        were = "was" if each == 1 else "were"
        needs = "" if record.min_keys == most else f"{record.min_keys:,} to "
        raise ConfigError(
            f"sampler '{name}' goes through {needs}{plural(most, 'key')}, {each:,} {were} given: "
            "change --keys, or choose another --sampler"
        )
    _check_shape(config, record)
    _check_morph(config)
    _check_time(config, record, each)
    for effect in config.effects:
        components.configure("effects", effect, config.components)


def _check_time(config: WalkConfig, record: Sampler, keys: int) -> None:
    """Check that beats are whole, that there are not too many frames, and holds leave time."""
    if config.beats is not None and config.bpm is None:
        raise ConfigError("--beats says how many, not how fast: add --bpm")
    if config.bpm is not None and config.frames is not None:
        raise ConfigError("--bpm says how long it is: leave out --frames")
    passings = passings_of(config.shape, config.rounds)
    if config.beats is not None and config.beats % passings:
        raise ConfigError(
            f"the path is gone along {passings:,} times in {plural(config.beats, 'beat')}: give a "
            f"multiple of {passings:,} --beats"
        )
    if config.count > MAX_FRAMES:
        long = "--seconds" if config.beats is None else "--beats"
        raise ConfigError(
            f"{config.count:,} frames were asked for, {MAX_FRAMES:,} are the most: "
            f"give fewer {long} or --fps"
        )
    if config.hold > 0:
        from artgan.timing import moving_share

        shape = shape_of(config, record)
        ways = max(1, keys if shape == "loop" else keys - 1)
        seconds = config.count / config.fps / passings_of(shape, config.rounds)
        ends = shape == "open" and config.bpm is None
        moving_share(ways, min(1.0, config.hold / seconds), ends=ends)


def _check_shape(config: WalkConfig, record: Sampler) -> None:
    """Check that a sampler can make a path of the shape, and that timing has keys to go by."""
    name, shape = safe(record.name), shape_of(config, record)
    both = "closed" in record.needs
    if shape == "loop" and not record.closed and not both:
        raise ConfigError(f"sampler '{name}' does not close: use --open or --boomerang")
    if shape != "loop" and record.closed and not both:
        if config.shape is None:
            raise ConfigError(
                f"sampler '{name}' closes by itself, and a growing network does not come back: "
                "choose another --sampler"
            )
        raise ConfigError(f"sampler '{name}' closes by itself: leave out --{shape}")
    if not record.keyed:
        for flag, is_set in (
            ("--ease", config.ease != "linear"),
            ("--hold", config.hold > 0),
        ):
            if is_set:
                raise ConfigError(
                    f"{flag} goes by keys, and sampler '{name}' does not meet them evenly: leave "
                    "it out, or use --sampler spline"
                )
    if shape == "open" and config.grid is not None and not is_own(config):
        instead = "use --boomerang" if config.growth else "leave out --open"
        raise ConfigError(
            "the tiles of --grid are ahead of each other, which an open walk has no room for: "
            f"{instead}, or add --own-keys"
        )
    if shape == "open" and config.rounds > 1:
        raise ConfigError("an open walk has one round: leave out --open or --rounds")


def _check_morph(config: WalkConfig) -> None:
    if config.growth and config.blend is not None:
        raise ConfigError("--growth and --blend both change the network: give one of them")
    if config.growth and config.shape == "loop":
        raise ConfigError(
            "a growing network does not come back: leave out --loop, or give --boomerang instead"
        )
    if (config.growth or config.blend) and config.rounds > 1:
        raise ConfigError("--rounds does not go with --growth and --blend: leave it out")


def shape_of(config: WalkConfig, record: Sampler) -> Shape:
    """Return the shape asked for, else a loop where the sampler closes and nothing grows."""
    if config.shape is not None:
        return config.shape
    if config.growth:
        return "open"
    return "loop" if record.closed or "closed" in record.needs else "open"


def grid_of(config: WalkConfig, keys: int) -> tuple[int, int]:
    """Return the tiles side by side and below each other; those of growth follow from its keys."""
    if config.grid is not None:
        columns, rows = config.grid
        if not (columns >= 1 and rows >= 1 and columns * rows <= MAX_TILES):
            raise ConfigError(f"--grid is {columns}x{rows}: expected 1 to {MAX_TILES} tiles")
        return columns, rows
    if config.growth and config.sampler is None:  # a rectangle without a gap
        columns = next(n for n in range(math.isqrt(keys - 1) + 1, keys + 1) if keys % n == 0)
        return columns, keys // columns
    return 1, 1


def is_own(config: WalkConfig) -> bool:
    """Return whether each tile has keys of its own: growing ones have, if they do not walk."""
    return config.own_keys or (config.growth and config.sampler is None)


def keys_a_tile(config: WalkConfig, keys: int, tiles: int) -> int:
    """Return how many keys each tile goes through.

    Raises:
        ConfigError: they cannot be dealt evenly.
    """
    if not is_own(config):
        return keys
    if keys % tiles:
        raise ConfigError(
            f"{plural(keys, 'key')} cannot be dealt to {plural(tiles, 'tile')} evenly: give a "
            f"multiple of {tiles} --keys"
        )
    return keys // tiles


def _sampler(config: WalkConfig, components: Registry, keys: int) -> Entry:
    name = usual_sampler(config, keys)
    entry, _ = components.configure("samplers", name, config.components)
    return entry


def usual_keys(config: WalkConfig, components: Registry) -> list[Key]:
    """Return the keys where none are asked for: the first seeds that suit the sampler, or tiles."""
    if config.grid is not None and is_own(config):
        columns, rows = grid_of(config, 1)
        return [Key(seed=seed) for seed in range(columns * rows)]
    count = USUAL_KEYS
    if config.sampler is not None:
        record = components.find("samplers", config.sampler).record
        assert isinstance(record, Sampler)
        most = count if record.max_keys is None else min(count, record.max_keys)
        count = max(most, record.min_keys)
    return [Key(seed=seed) for seed in range(count)]

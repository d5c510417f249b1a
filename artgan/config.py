"""Settings: typed models, TOML in and out, plain sentences for what is wrong. No torch."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, ValidationError

from artgan.api import Architecture, ConfigError, PathError, Size
from artgan.errors import nearest
from artgan.options import Options
from artgan.screen import safe

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "Channels",
    "Doctor",
    "Fit",
    "Options",
    "Precision",
    "SizeSetting",
    "TrainConfig",
    "check_size",
    "component_tables",
    "dump_toml",
    "format_size",
    "load_toml",
    "merge",
    "nearest_sizes",
    "parse_set",
    "parse_size",
    "size_unit",
    "validate",
]

M = TypeVar("M", bound=BaseModel)

_LONGEST = 200
"""Characters of a value that a message repeats."""


# Sizes --------------------------------------------------------------------------------------


def parse_size(text: object) -> Size:
    """Return (height, width) in pixels of "64" or "96x64" (WIDTHxHEIGHT).

    Raises:
        ValueError: it is neither.

    >>> parse_size("96x64")
    (64, 96)
    """
    match = re.fullmatch(r"\s*([0-9]{1,5})(?:\s*[xX×]\s*([0-9]{1,5}))?\s*", str(text), re.ASCII)
    if match is None:
        raise ValueError("expected a number of pixels or WIDTHxHEIGHT, such as 64 or 96x64")
    width = int(match[1])
    return (int(match[2]) if match[2] else width), width


def format_size(size: Size) -> str:
    """Return a size as written on the command line: "64", or "96x64" for 96 wide and 64 high."""
    height, width = size
    return str(width) if height == width else f"{width}x{height}"


def size_unit(short_side: int) -> int:
    """Return what both sides must be multiples of: 2^n, n = floor(log2(short side / 4))."""
    return 1 << max(0, math.floor(math.log2(max(short_side, 4) / 4)))


def _is_legal(size: Size, low: int, high: int) -> bool:
    unit = size_unit(min(size))
    return all(low <= side <= high and side % unit == 0 for side in size)


def nearest_sizes(size: Size, low: int, high: int) -> list[Size]:
    """Return up to two legal sizes next to one, the nearer first.

    Args:
        size: (height, width) in pixels.
        low, high: legal sides, both included.
    """
    reach = 2 * size_unit(min(max(min(size), low), high))

    def around(side: int) -> range:
        near = min(max(side, low), high)
        return range(max(low, near - reach), min(high, near + reach) + 1)

    if size[0] == size[1]:
        candidates = [(side, side) for side in around(size[0])]
    else:
        candidates = [(h, w) for h in around(size[0]) for w in around(size[1])]
    legal = [c for c in candidates if _is_legal(c, low, high)]
    legal.sort(key=lambda c: (abs(c[0] - size[0]) + abs(c[1] - size[1]), c))
    return legal[:2]


def check_size(size: Size, record: Architecture) -> None:
    """Check that an architecture can draw pictures of a size.

    Raises:
        ConfigError: it cannot; names the nearest sizes it can.
    """
    if _is_legal(size, record.min_side, record.max_side):
        return
    unit = size_unit(min(size))
    if min(size) < record.min_side or max(size) > record.max_side:
        why = f"sides run from {record.min_side} to {record.max_side} px"
    else:
        why = f"at this size both sides must be multiples of {unit} px"
    near = [format_size(s) for s in nearest_sizes(size, record.min_side, record.max_side)]
    hint = f": try {' or '.join(near)}" if near else ""
    raise ConfigError(f"size {format_size(size)} does not suit '{record.name}': {why}{hint}")


def _size_or_none(value: object) -> object:
    if value is None or isinstance(value, tuple):
        return value
    return parse_size(value)


SizeSetting = Annotated[
    Size, BeforeValidator(_size_or_none), PlainSerializer(format_size, return_type=str)
]


# The settings of a run ----------------------------------------------------------------------

Fit = Literal["crop", "pad", "squash"]
Channels = Literal[1, 3, 4]
Doctor = Literal["off", "watch", "act"]
Precision = Literal["auto", "float32", "bfloat16"]


class TrainConfig(Options):
    """The settings of a training run. None means: chosen from the pictures and the machine."""

    images: str = Field(description="folder of pictures")
    arch: str | None = Field(None, description="architecture")
    objective: str = Field("relativistic-logistic", description="adversarial loss")
    regularizers: tuple[str, ...] | None = Field(
        None, description="further loss terms; none given: those the objective asks for"
    )
    augmentations: tuple[str, ...] | None = Field(
        None, description="changes to all that the discriminator is shown, against few pictures"
    )
    strength: float | None = Field(
        None, ge=0, le=1, description="strength of the augmentations to begin with"
    )
    policies: tuple[str, ...] | None = Field(
        None, description="balance of the two networks, and what steers the strength"
    )
    doctor: Doctor = Field(
        "act", description="whether the run is watched, and acted on when it goes wrong"
    )
    metrics: tuple[str, ...] = Field(
        ("swd", "coverage", "diversity", "copying"),
        description="what is measured while training, and chooses the best checkpoint",
    )
    callbacks: tuple[str, ...] = Field((), description="what is told while it trains")
    losses: tuple[str, ...] = Field(
        (), description="loss of pictures that the generator learns by too, such as moments:0.3"
    )
    styles: tuple[str, ...] = Field(
        (), description="picture whose style those losses pull to; several are blended"
    )
    style_scale: float = Field(
        2.0, ge=0.25, le=64, description="short side of the styles, in parts of the pictures'"
    )
    extractor: str = Field("patch-kmeans", description="network that those losses look through")
    xflip: bool = Field(
        False, description="show pictures mirrored too: only where a mirrored one is a picture too"
    )
    size: SizeSetting | None = Field(None, description="pixels, WIDTH or WIDTHxHEIGHT")
    channels: Channels = Field(3, description="1 grey, 3 colour, 4 colour with alpha")
    fit: Fit = Field("crop", description="how a picture is brought to the size")
    background: str = Field("white", description="colour that transparent pictures are laid on")
    kimg: float | None = Field(None, gt=0, le=1e6, description="length, thousands of pictures")
    minutes: float | None = Field(None, gt=0, le=1e5, description="length, minutes of training")
    batch: int | None = Field(None, ge=2, le=4096, description="pictures in a step")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of everything random")
    g_lr: float | None = Field(None, gt=0, le=1, description="learning rate of the generator")
    d_lr: float | None = Field(None, gt=0, le=1, description="learning rate of the discriminator")
    decay: float | None = Field(
        None, ge=0, le=1, description="share of the run over which both rates fall to 0"
    )
    precision: Precision = Field(
        "auto", description="of the networks' arithmetic; auto: bfloat16 where it is quick"
    )
    ema_kimg: float | None = Field(
        None, ge=0, le=1e5, description="half-life of the averaged generator, thousands of pictures"
    )
    ema_rampup: float | None = Field(
        0.05, ge=0, le=1, description="its half-life is at most this share of the pictures seen"
    )
    tick_kimg: int = Field(1, ge=1, le=10000, description="thousands of pictures between log lines")
    save_minutes: float = Field(5.0, gt=0, le=1e5, description="minutes between checkpoints")
    keep: int = Field(3, ge=1, le=1000, description="checkpoints kept")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    components: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="kind -> name -> options"
    )

    @property
    def side(self) -> Size:
        """Return the size once it is chosen, (height, width)."""
        assert self.size is not None
        return self.size


# Checking -----------------------------------------------------------------------------------


def validate(model: type[M], table: Mapping[str, Any], where: str) -> M:
    """Return a model filled from a table of settings.

    Args:
        model: what to fill.
        table: name -> value.
        where: what the table is called in a message; "" for flags.

    Raises:
        ConfigError: a name is unknown or a value cannot be taken; one sentence for the first.
    """
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        raise ConfigError(_sentence(error.errors()[0], model, where)) from None


def _sentence(problem: ErrorDetails, model: type[BaseModel], where: str) -> str:
    parts = [str(part) for part in problem["loc"]]
    name = safe(".".join(parts))
    label = f"{where}.{name}" if where else f"--{name.replace('_', '-')}"
    if problem["type"] == "extra_forbidden":
        return f"{label} is not a setting: {nearest(parts[0], model.model_fields)}"
    if problem["type"] == "missing":
        return f"{label} is missing"
    expected = problem["msg"].removeprefix("Value error, ")
    expected = expected.removeprefix("Input should be ").replace("Input should ", "must ")
    if not expected.startswith(("expected", "must")):
        expected = f"expected {expected}"
    given = safe(repr(problem["input"]))
    given = given if len(given) <= _LONGEST else f"{given[:_LONGEST]}..."
    return f"{label} is {given}: {expected}"


# TOML ---------------------------------------------------------------------------------------


def load_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        PathError: it cannot be read.
        ConfigError: it is not TOML; names the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        from artgan.files import explain

        raise PathError(f"cannot read settings from {safe(path)}: {explain(error)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{safe(path)} is not a TOML file: {safe(error)}") from error


def dump_toml(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML text; None values are left out."""
    import tomli_w

    return tomli_w.dumps(_without_none(tables))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(v) for v in value]
    return value


def parse_set(assignments: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the component tables that "kind.name.option=value" assignments make.

    A value is read as TOML where it is some, else as text.

    Raises:
        ConfigError: an assignment has another form.

    >>> parse_set(["architectures.dcgan.z_dim=32"])
    {'architectures': {'dcgan': {'z_dim': 32}}}
    """
    from artgan.api import KINDS

    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        parts = path.strip().split(".")
        if not equals or len(parts) != 3 or not all(parts):
            raise ConfigError(
                f"--set {safe(assignment)}: expected KIND.NAME.OPTION=VALUE, "
                "such as architectures.dcgan.z_dim=64"
            )
        kind, name, option = parts
        if kind not in KINDS:
            raise ConfigError(
                f"--set {safe(assignment)}: no kind '{safe(kind)}': {nearest(kind, KINDS)}"
            )
        try:
            read = tomllib.loads(f"value = {text}")
        except tomllib.TOMLDecodeError:
            read = {}
        value = read["value"] if list(read) == ["value"] else text.strip()
        tables.setdefault(kind, {}).setdefault(name, {})[option] = value
    return tables


def component_tables(settings: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the component tables of a settings file: its tables that are called after a kind.

    Raises:
        ConfigError: one of them is not made of tables.
    """
    from artgan.api import KINDS

    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in KINDS:
        for name, table in _table(settings.get(kind, {}), kind).items():
            tables.setdefault(kind, {})[name] = dict(_table(table, f"{kind}.{name}"))
    return tables


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"{safe(where)} is {safe(repr(value))}: expected a table, [{safe(where)}]"
        )
    return value


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested tables laid over each other; the later ones win.

    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
                merged[key] = merge(merged[key], value)
            else:
                merged[key] = dict(value) if isinstance(value, Mapping) else value
    return merged

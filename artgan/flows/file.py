"""Pipeline files: their tables read and checked, each stage as it was written. No torch.

A stage is a table `[train]`, `[sample]`, `[walk]` or `[stylize]`; where there are several of a
kind, each is a table within, such as `[walk.slow]`. No setting is a table, so a table is a stage.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from artgan.api import KINDS, ConfigError
from artgan.config import component_tables, load_toml, validate
from artgan.errors import nearest
from artgan.flows.schema import CONFIGS, STAGES, VERSION, as_written, setting_names
from artgan.screen import safe

__all__ = ["PipelineFile", "Stage", "read_pipeline"]

_TOP = ("version", "out")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")


@dataclass(frozen=True)
class Stage:
    """A stage as it was written.

    Attributes:
        name: "walk", or "walk.slow".
        kind: "train", "sample", "walk" or "stylize".
        given: setting -> value, without `from` and `out`.
        source: the stage that it takes from; "" for none, None where that is left open.
        out: where its results go, () where that is left open.
    """

    name: str
    kind: str
    given: Mapping[str, Any] = field(hash=False)
    source: str | None = None
    out: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """Return what its results are called if nothing is said: "walk-slow" for "walk.slow"."""
        return self.name.replace(".", "-")


@dataclass(frozen=True)
class PipelineFile:
    """What a pipeline file says.

    Attributes:
        path: the file; paths in it are relative to its folder.
        out: the folder of results.
        stages: in the order of the file.
        components: options, kind -> name -> option.
    """

    path: Path
    out: Path
    stages: tuple[Stage, ...]
    components: Mapping[str, Any] = field(hash=False)

    @property
    def base(self) -> Path:
        """Return the folder that paths in the file are relative to."""
        return self.path.parent


def read_pipeline(path: Path) -> PipelineFile:
    """Return what a pipeline file says, each value checked on its own.

    Raises:
        PathError: it cannot be read.
        ConfigError: it is no such file; a name is unknown or a value cannot be taken.
    """
    tables = load_toml(path)
    where = safe(path)
    if _has_null(tables):
        raise ConfigError(f"{where} holds a text with \\u0000, which no name has: leave it out")
    _check_top(tables, where)
    positions = _positions(path.read_text(encoding="utf-8"))
    found: list[tuple[int, Stage]] = []
    for kind in tables:
        if kind in STAGES:
            for names, table in _stages(kind, tables[kind], where):
                place = positions.get(names, positions.get((kind,), -1))
                found.append((place, _stage(names, table, where)))
    if not found:
        raise ConfigError(f"{where} has no stages: add [train], [sample], [walk] or [stylize]")
    found.sort(key=lambda pair: pair[0])
    out = tables.get("out", path.stem)
    if not isinstance(out, str) or not out:
        raise ConfigError(f"{where}: out is {safe(repr(out))}: expected a folder")
    try:
        components = component_tables(tables)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    stages = tuple(stage for _, stage in found)
    return PipelineFile(path, path.parent / out, stages, MappingProxyType(components))


def _has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_null(key) or _has_null(inner) for key, inner in value.items())
    return any(map(_has_null, value)) if isinstance(value, list) else "\0" in str(value)


def _check_top(tables: Mapping[str, Any], where: str) -> None:
    for name, value in tables.items():
        known = [*_TOP, *STAGES, *KINDS]
        if name not in known:
            what = "a stage or a kind of component" if isinstance(value, dict) else "a setting"
            raise ConfigError(f"{where}: {safe(name)} is not {what}: {nearest(name, known)}")
    version = tables.get("version", VERSION)
    if type(version) is not int or version != VERSION:
        raise ConfigError(
            f"{where}: version is {safe(repr(version))[:40]}, this artgan reads {VERSION}: use a "
            "newer one"
        )


def _stages(
    kind: str, table: object, where: str
) -> list[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Return the stages of a kind's table; beside named ones, what stands in it is of them all."""
    if not isinstance(table, dict):
        what = safe(repr(table))[:80]
        raise ConfigError(f"{where}: {kind} is {what}: expected a table, [{kind}]")
    named = {name: value for name, value in table.items() if isinstance(value, dict)}
    shared = {name: value for name, value in table.items() if name not in named}
    for name in named:
        if name in {*CONFIGS[kind].model_fields, *setting_names(kind)}:
            raise ConfigError(
                f"{where}: [{kind}.{safe(name)}] is called like a setting: give the stage another "
                "name"
            )
        if _NAME.fullmatch(name) is None:
            raise ConfigError(
                f"{where}: [{kind}.{safe(name)[:80]}] is no name of a stage: expected letters, "
                "digits, - and _"
            )
    if not named:
        return [((kind,), shared)]
    return [((kind, name), {**shared, **value}) for name, value in named.items()]


def _stage(names: tuple[str, ...], table: Mapping[str, Any], where: str) -> Stage:
    kind, name = names[0], ".".join(names)
    for setting in table:
        known = setting_names(kind)
        if setting not in known:
            raise ConfigError(
                f"{where}: {name}.{safe(setting)} is not a setting: {nearest(setting, known)}"
            )
    label = f"{where}: {name}"
    try:
        validate(STAGES[kind], table, label)
    except ConfigError as error:
        text = str(error)
        raise ConfigError(text if text.startswith(label) else f"{label}: {text}") from None
    given = as_written(STAGES[kind], table)
    source, out = given.pop("from", None), given.pop("out", None)
    outs = () if out is None else (out,) if isinstance(out, str) else tuple(out)
    if not all(outs):
        raise ConfigError(f"{label}.out is empty: give a place, or leave it out")
    return Stage(name, kind, MappingProxyType(given), source, outs)


def _positions(text: str) -> dict[tuple[str, ...], int]:
    """Return the line on which each table begins; TOML keeps the order within a table alone."""
    lines = text.replace("\r\n", "\n").split("\n")
    found: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("["):
            continue
        with contextlib.suppress(tomllib.TOMLDecodeError):
            tomllib.loads("\n".join(lines[: number + 1]))  # fails within a string or a list
            found.setdefault(_names(tomllib.loads(line)), number)
    return found


def _names(header: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names in a header that was read on its own.

    >>> _names({"walk": {"slow": {}}})
    ('walk', 'slow')
    """
    names: list[str] = []
    inner: object = header
    while isinstance(inner, dict) and inner:
        name, inner = next(iter(inner.items()))
        names.append(name)
    return tuple(names)

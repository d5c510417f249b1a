"""Recipes as they are found in files: read, checked, told. Nothing in them is believed, or run."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import FailFast, Field

from artgan.animations import is_video, kept_recipe
from artgan.api import ConfigError, PathError
from artgan.config import validate
from artgan.films import package
from artgan.keys import (
    FAVOURITES,
    KEYS_SUFFIX,
    MAX_KEYS,
    Key,
    favourites_of,
    parse_keys,
    read_keys,
)
from artgan.options import Options
from artgan.rendering import RECIPE_SCHEMA
from artgan.screen import safe
from artgan.walkplan import Origin, Used, WalkPlan

__all__ = [
    "Made",
    "SamplePlan",
    "gather_keys",
    "keys_in",
    "keys_of_run",
    "made_by",
    "model_of",
    "read_made",
    "writer_of",
]

MAX_DEPTH = 32
"""Tables and lists that are within each other, at most."""

MAX_NAMES = 1000
"""The most names in one table, and the most characters of each."""

_NUMBERS = ("code", "seeds")
"""Names of the lists that may be longer than `MAX_KEYS`: nothing but numbers is in them."""

MAX_PICTURES = 200_000
"""The most seeds of one file; no grid has more pictures."""

_Seed = Annotated[int, Field(ge=0, lt=10**18)]


class SamplePlan(Options):
    """What a picture that was sampled depends on, besides its network."""

    seeds: Annotated[tuple[_Seed, ...], FailFast()] = Field(
        min_length=1, max_length=MAX_PICTURES, description="in order"
    )
    psi: float = Field(1.0, ge=0, le=1, description="truncation")
    scale: int = Field(1, ge=1, le=64, description="times as large as the network draws")
    pixels: bool = Field(False, description="enlarged with square pixels")
    grid: bool = Field(False, description="all in one picture")
    columns: int | None = Field(None, ge=1, le=10_000, description="pictures in a row")
    label: bool = Field(False, description="each with its seed below it")


class Made(Options):
    """A recipe: what made a file."""

    schema_: int = Field(alias="schema", description="version of the form")
    artgan: str = Field(max_length=100, description="version of artgan")
    command: str = Field(max_length=100, description="what was called")
    model: dict[str, Any] = Field(default_factory=dict, description="the checkpoint")
    writer: Used | None = Field(None, description="what wrote the file")
    walk: dict[str, Any] | None = Field(None, description="settings of a walk")
    sample: dict[str, Any] | None = Field(None, description="settings of samples")
    stylize: dict[str, Any] | None = Field(None, description="settings of a restyled picture")
    evaluate: dict[str, Any] | None = Field(None, description="what a sheet of measurements shows")


def read_made(path: Path) -> dict[str, Any]:
    """Return the recipe that a file keeps, as it is there.

    Raises:
        PathError: there is no such file, it cannot be read, or it keeps none.
        UnreadablePicture: it is a video, and PyAV is not installed.
        ConfigError: what it keeps is no recipe that this artgan can read.
    """
    name = safe(path)
    if path.is_dir():
        raise PathError(f"{name} is a folder: give a picture or animation that artgan made")
    if not path.is_file():
        raise PathError(f"there is no file {name}: give a picture or animation that artgan made")
    if not os.access(path, os.R_OK):
        raise PathError(f"cannot read {name}: permission is denied")
    text = kept_recipe(path)
    if text is None:
        if is_video(path):
            package(path)
        raise PathError(
            f"{name} keeps no recipe: it was not made by artgan, or with --no-meta, or another "
            "program has removed it"
        )
    try:
        table = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        raise ConfigError(f"the recipe in {name} is damaged: it is no JSON") from None
    if not isinstance(table, dict) or type(table.get("schema")) is not int:
        raise ConfigError(f"the recipe in {name} is damaged: it does not say its schema")
    if table["schema"] != RECIPE_SCHEMA:
        raise ConfigError(
            f"the recipe in {name} has schema {str(table['schema'])[:20]}, this artgan reads "
            f"{RECIPE_SCHEMA}: use the artgan that made it, or a newer one"
        )
    if not _is_sane(table):
        raise ConfigError(f"the recipe in {name} is damaged: there is far more in it than can be")
    return table


def _finite(text: str) -> float:
    """Return a number of a JSON document, which has to be one: NaN and 1e999 are none."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _is_sane(table: dict[str, Any]) -> bool:
    """Return whether nothing is so deep or long that to look at it closely would take long."""
    level: list[tuple[str, Any]] = [("", table)]
    for _ in range(MAX_DEPTH):
        inner: list[tuple[str, Any]] = []
        for name, value in level:
            if isinstance(value, dict):
                if len(value) > MAX_NAMES or any(len(each) > MAX_NAMES for each in value):
                    return False
                inner += value.items()
            elif name in _NUMBERS and all(type(each) in (int, float) for each in value):
                continue
            elif len(value) > MAX_KEYS:
                return False
            else:
                inner += [("", each) for each in value]
        level = [pair for pair in inner if isinstance(pair[1], dict | list)]
        if not level:
            return True
    return False


def made_by(path: Path) -> Made:
    """Return the recipe that a file keeps, checked.

    Raises:
        PathError, ConfigError: see `read_made`; or something in it cannot be.
    """
    return validate(Made, read_made(path), f"{safe(path)}: recipe")


def model_of(made: Made, path: Path) -> Origin:
    """Return the checkpoint that a recipe names."""
    return validate(Origin, made.model, f"{safe(path)}: recipe.model")


def writer_of(made: Made) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Return the options of the writer as tables kind -> name -> option; {} if none are kept."""
    if made.writer is None:
        return {}
    return {"writers": {made.writer.name: made.writer.options}}


def keys_in(path: Path) -> list[Key] | None:
    """Return the keys of a walk, or the seeds of samples, that a file keeps; None of a photo.

    Raises:
        ConfigError: it keeps a recipe that is damaged.
    """
    if kept_recipe(path) is None:
        return None
    made = made_by(path)
    where = f"{safe(path)}: recipe.{safe(made.command)}"
    if made.walk is not None:
        return list(validate(WalkPlan, made.walk, where).keys)
    if made.sample is not None:
        plan = validate(SamplePlan, made.sample, where)
        return [Key(seed=seed) for seed in plan.seeds]
    return None


def keys_of_run(text: str, run: str, runs: Path) -> list[Key | Path]:
    """Return the keys of a list, see `gather_keys`, where favourites are a run's.

    Args:
        text: see there.
        run: RUN of a command line.
        runs: the folder that runs are in.
    """
    named = FAVOURITES in [part.strip() for part in text.split(",")]
    return gather_keys(text, favourites_of(run, runs) if named else None)


def gather_keys(text: str, favourites: Path | None = None) -> list[Key | Path]:
    """Return the keys of a list, files of them and files that keep some opened.

    What is left as a path is a photo, which has to be looked for in the latent space.

    Args:
        text: see `artgan.keys.parse_keys`.
        favourites: the file that the word "favourites" stands for.

    Raises:
        ConfigError, PathError: see `artgan.keys.parse_keys` and `read_keys`.
    """
    found: list[Key | Path] = []
    for part in parse_keys(text, {} if favourites is None else {FAVOURITES: favourites}):
        if isinstance(part, Key):
            found.append(part)
        elif part.suffix.lower() == KEYS_SUFFIX:
            found += read_keys(part).keys
        else:
            kept = keys_in(part)
            found += [part] if kept is None else kept
    if not found:
        raise ConfigError(f"there are no keys in {safe(text)}: give at least one")
    if len(found) > MAX_KEYS:
        raise ConfigError(f"{len(found):,} keys were given, {MAX_KEYS:,} are the most")
    return found

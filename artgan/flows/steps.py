"""The steps of a pipeline: each stage's settings as its command has them, and where results go.

Paths in a pipeline file are relative to its folder; here they are relative to where artgan runs.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artgan.api import ArtganError, ConfigError
from artgan.config import validate
from artgan.flows.file import PipelineFile, Stage
from artgan.flows.graph import joined
from artgan.flows.schema import CONFIGS, TAKEN, setting_names
from artgan.keys import FAVOURITES
from artgan.options import Options
from artgan.runs import PACK_SUFFIX
from artgan.screen import safe

__all__ = ["FREE", "RUNS", "Step", "naming", "steps_of"]

RUNS = "runs"
"""The folder of run folders, in that of results."""

FREE = ("keep", "save_minutes", "callbacks")
"""Settings of training that change nothing that is learned: a run goes on with others."""

_PATHS = ("images", "styles", "mask", "stylize", "sign", "runs")
_REFERENCES = ("run", "blend")
_KEYS = ("keys", "mix")
_FLAG = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)")
_OUT = re.compile(r"(?<!\S)-o(?![\w-])")
_SETTINGS = {
    "style": "styles", "loss": "losses", "effect": "effects", "augment": "augmentations",
    "regularizer": "regularizers", "policy": "policies", "metric": "metrics", "no-guide": "guide",
    "open": "shape", "loop": "shape", "boomerang": "shape",
}  # fmt: skip
"""Flags that are not called like their settings."""

_SEEDS = re.compile(r"[\s0-9-]+", re.ASCII)


@dataclass(frozen=True)
class Step:
    """A stage that can be made.

    Attributes:
        stage: as it was written.
        config: the settings of its command. What comes from another stage is "" in it.
        source: the step that it takes from, None for none.
        outs: where its results go: a folder of runs, files, or folders with a / at the end. () for
            a walk whose frames only other stages take.
    """

    stage: Stage
    config: Any = field(hash=False)
    source: Step | None = None
    outs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the stage's name."""
        return self.stage.name

    @property
    def kind(self) -> str:
        """Return the stage's kind."""
        return self.stage.kind

    @property
    def is_film(self) -> bool:
        """Return whether it draws the frames of a walk in a style, straight into files."""
        return self.kind == "stylize" and self.source is not None and self.source.kind == "walk"


def steps_of(file: PipelineFile) -> tuple[Step, ...]:
    """Return the steps of a pipeline in the order they are made in.

    Raises:
        ConfigError: stages do not go together, see `artgan.flows.graph.joined`.
    """
    stages = joined(file.stages)
    fed = {stage.source for stage in stages}
    found: dict[str, Step] = {}
    for stage in stages:
        source = found.get(stage.source or "")
        film = source is not None and source.kind == "walk"
        outs = _outs(stage, file.out, film=film, fed=stage.name in fed)
        config = _config(stage, file, outs, film=film)
        if film and source is not None:
            _check_film(stage, source)
        found[stage.name] = Step(stage, config, source, outs)
    _check_outs(found)
    return tuple(found.values())


def _outs(stage: Stage, folder: Path, *, film: bool, fed: bool) -> tuple[str, ...]:
    outs = stage.out
    if not outs:
        if stage.kind == "walk" and fed:
            return ()
        films = film or stage.kind == "walk"
        suffix = stage.given.get("suffix") or ".gif"
        outs = (RUNS if stage.kind == "train" else stage.stem + (suffix if films else "/"),)
    return tuple(_join(folder, out) for out in outs)


def _config(stage: Stage, file: PipelineFile, outs: tuple[str, ...], *, film: bool) -> Options:
    table: dict[str, Any] = _placed(stage.given, file.base)
    if stage.kind in ("sample", "walk"):
        table.setdefault("runs", _join(file.base, RUNS))
    taken = TAKEN.get(stage.kind)
    if taken is not None:
        table.setdefault(taken, [""] if taken == "images" else "")
    if stage.kind != "train" and outs:
        table["out"] = list(outs) if stage.kind == "walk" else outs[0]
    if stage.kind != "sample":
        table["components"] = file.components
    if film:
        table.setdefault("size", "full")  # a walk says itself how large it is
    return validate(CONFIGS[stage.kind], table, f"{safe(file.path)}: {stage.name}")


def _check_film(stage: Stage, walk: Step) -> None:
    if walk.config.stylize:
        raise ConfigError(
            f"{stage.name}: {walk.name} is drawn in a style of its own: leave out its stylize"
        )
    if stage.given.get("sweep"):
        raise ConfigError(
            f"{stage.name}: sweep goes from picture to picture, and {walk.name} is one film: "
            "leave it out"
        )


def _check_outs(found: Mapping[str, Step]) -> None:
    taken: dict[str, Step] = {}
    for step in found.values():
        for out in step.outs:
            other = taken.setdefault(os.path.realpath(out), step)
            if other is not step and not step.kind == other.kind == "train":
                raise ConfigError(
                    f"{step.name}: {other.name} goes to {safe(out)} too: give each its own out"
                )


@contextlib.contextmanager
def naming(step: Step) -> Iterator[None]:
    """Let what is refused in the block name the step, and settings instead of flags.

    Raises:
        ArtganError: what was raised, with the same exit code.
    """
    known = setting_names(step.kind)

    def setting(match: re.Match[str]) -> str:
        name = _SETTINGS.get(match[1], match[1].replace("-", "_"))
        return name if name in known else match[0]

    try:
        yield
    except ArtganError as error:
        kinds = (kind for kind in type(error).__mro__ if kind.__module__ == ArtganError.__module__)
        text = _OUT.sub("out", _FLAG.sub(setting, str(error)))
        text = text if text.startswith(f"{step.name}.") else f"{step.name}: {text}"
        raise next(kinds)(text) from error


# Paths ------------------------------------------------------------------------------------------


def _placed(given: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Return settings with paths relative to where artgan runs."""
    placed = dict(given)
    for name, value in given.items():
        if name in _PATHS:
            several = isinstance(value, list)
            paths = [_join(base, each) for each in (value if several else [value])]
            placed[name] = paths if several else paths[0]
        elif name in _REFERENCES:
            placed[name] = _reference(value, base)
        elif name in _KEYS:
            placed[name] = ",".join(_key(part.strip(), base) for part in value.split(","))
    return placed


def _reference(text: str, base: Path) -> str:
    """Return RUN with its path put right; a number, latest and a name are of the folder of runs."""
    bare = text.rpartition("@")[0] if "@" in text else text
    is_path = "/" in text or os.sep in text or bare.endswith(PACK_SUFFIX)
    there = (base / text).exists() or (base / bare).exists()
    is_word = bare.isascii() and (bare.isdigit() or bare == "latest")
    return _join(base, text) if is_path or (there and not is_word) else text


def _key(part: str, base: Path) -> str:
    if part in ("", FAVOURITES) or _SEEDS.fullmatch(part):
        return part
    return _join(base, part)


def _join(base: Path, path: str) -> str:
    """Return a path below a folder; a / at its end stays, and nothing is put before it for "."."""
    return path if base == Path() else os.path.join(base, path)

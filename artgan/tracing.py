"""Which checkpoints a walk needs besides its own, and those that a recipe means, found again."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from artgan.api import CheckpointError, ConfigError, PathError, RunError
from artgan.checkpoints import Generation, generations, on_the_way, read_json
from artgan.models import Weights, find_weights, weights_of
from artgan.runs import RunFolder, all_runs, parse_reference
from artgan.screen import safe
from artgan.walkplan import Origin

if TYPE_CHECKING:
    from artgan.walksettings import WalkConfig

__all__ = ["Stage", "find_again", "growth_of", "origin_of", "stages_of"]

Stage = tuple[Origin, Callable[[], Weights]]
"""A checkpoint, and a function that loads it."""


def origin_of(weights: Weights) -> Origin:
    """Return a checkpoint as a recipe names it."""
    return Origin(
        run_id=weights.run_id,
        arch=weights.config.arch,
        cur_nimg=weights.cur_nimg,
        digest=weights.digest,
    )


def growth_of(text: str, runs: Path) -> list[Stage]:
    """Return the checkpoints that led to the one that RUN stands for, and it, the youngest first.

    Args:
        text: RUN of a command line.
        runs: the folder that runs are in.

    Raises:
        PathError: there is no such run.
        CheckpointError: it is a packed file, or it keeps fewer than two checkpoints.
    """
    reference = parse_reference(text, runs)
    run = reference.run
    if run is None:
        raise CheckpointError(
            f"{safe(text)} is packed and holds one checkpoint: to show growth, give the run's "
            "folder"
        )
    last = find_weights(text, runs)
    assert last.generation is not None
    known = {g.cur_nimg: g for g in _known(run, last.generation)}
    if not known:
        raise CheckpointError(
            f"run {safe(run.name)} keeps no checkpoint before {last.cur_nimg:,} pictures: "
            "there is no growth to show"
        )
    stages = []
    for number in sorted(known):
        load = functools.partial(weights_of, run, known[number])
        stages.append((origin_of(load()), load))
    return [*stages, (origin_of(last), lambda: last)]


def stages_of(config: WalkConfig) -> list[Stage]:
    """Return the checkpoints that a walk's network goes through, none if it stays as it is.

    Raises:
        PathError, RunError, CheckpointError: there is no such run, or nothing sound in it.
        ConfigError: see `growth_of`.
    """
    runs = Path(config.runs)
    if config.growth:
        return growth_of(config.run, runs)
    if config.blend is None:
        return []
    first, second = find_weights(config.run, runs), find_weights(config.blend, runs)
    return [(origin_of(first), lambda: first), (origin_of(second), lambda: second)]


def _known(run: RunFolder, last: Generation) -> list[Generation]:
    there = [*generations(run.checkpoints), *generations(run.snapshots)]
    return on_the_way(there, last)


def find_again(origin: Origin, runs: Path, what: str) -> Weights:
    """Return the very weights that a recipe names, from whichever run has them.

    Args:
        origin: what the recipe says of them.
        runs: the folder that runs are in.
        what: was made with them, for the message.

    Raises:
        PathError: the run is not there.
        CheckpointError: the run is there, but has other weights now.
    """
    found: RunFolder | None = None
    for run in all_runs(runs):
        with contextlib.suppress(RunError, CheckpointError, ConfigError, PathError):
            facts = run.config().get("run")
            if not isinstance(facts, dict) or str(facts.get("id", "")) != origin.run_id:
                continue
            found = run
            for generation in _alike(run, origin):
                with contextlib.suppress(CheckpointError):
                    return weights_of(run, generation)
    where = f"{origin.cur_nimg:,} pictures"
    if origin.arch is not None:
        where = f"{safe(origin.arch)} at {where}"
    if found is None:
        raise PathError(
            f"{safe(what)} was made with run {safe(origin.run_id) or '?'} ({where}), which is not "
            f"in {safe(runs)}: say where it is with --runs, or give a --run to make it anew with"
        )
    raise CheckpointError(
        f"{safe(what)} was made with run {safe(found.name)} ({where}), and no checkpoint of it "
        "has these weights any more: give a --run, such as "
        f"{safe(found.name)}@latest, to make it anew with others"
    )


def _alike(run: RunFolder, origin: Origin) -> Iterator[Generation]:
    """Yield the generations whose averaged generator has the digest."""
    for generation in [*generations(run.snapshots), *generations(run.checkpoints)]:
        if generation.cur_nimg != origin.cur_nimg:
            continue
        with contextlib.suppress(CheckpointError, KeyError, TypeError):
            listed = read_json(generation.path / "manifest.json")["files"]["ema.safetensors"]
            if listed["sha256"] != origin.digest:
                continue
            yield generation

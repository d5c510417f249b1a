"""What the results of a step depend on: settings, options, versions, the bytes of what it takes.

Facts are flat and JSON-able, so that what changed can be told by its name. Where things are, and on
which machine they are made, is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan import __version__
from artgan.api import KINDS, Architecture, Extractor, Loss, Objective, Policy
from artgan.batches import digest, gather
from artgan.checkpoints import digest as digest_of_bytes
from artgan.config import TrainConfig
from artgan.data.intake import survey
from artgan.flows.ledger import Ledger
from artgan.flows.steps import FREE, Step
from artgan.keys import FAVOURITES, favourites_of, parse_keys
from artgan.outputs import find_outputs, moving_suffixes
from artgan.steering import DOCTOR
from artgan.studio import Studio
from artgan.stylesettings import named_losses
from artgan.walksettings import grid_of, keys_a_tile, usual_sampler

if TYPE_CHECKING:
    from pydantic import BaseModel

    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = ["facts_of", "run_of"]

_NOWHERE = {"components", "device", "overwrite", "runs", "strict", "jobs", "out"}
"""Settings that change where and how fast, not what."""

_CONTENTS = {"images", "run", "blend", "sign", "stylize", "styles", "mask"}
"""Settings that are files: what is in them counts, not what they are called."""

_LISTS = tuple(kind for kind in KINDS if kind in {*TrainConfig.model_fields} - {*FREE})
"""Kinds of component that training names in lists; where it names none, they may be chosen."""

_OF_FRAMES = {"out", "meta"}
"""Facts of a walk that its frames do not depend on."""


def facts_of(step: Step, ledger: Ledger, components: Registry) -> dict[str, Any] | None:
    """Return all that a step's results depend on, None while what it takes is not made yet.

    Args:
        step: which.
        ledger: what was made before.
        components: where components are found.

    Raises:
        ArtganError: a file that it takes cannot be read, or a component is unknown.
    """
    own = {"train": _train, "sample": _drawn, "walk": _walk, "stylize": _stylize}[step.kind]
    found = own(step, ledger, components)
    if found is None:
        return None
    left_out = _NOWHERE | _CONTENTS | (set(FREE) if step.kind == "train" else set())
    settings = step.config.model_dump(mode="json", exclude=left_out)
    facts = {"out": list(step.stage.out), **settings, **found, "artgan": __version__}
    if "keys" in step.stage.given:
        facts["keys"] = step.stage.given["keys"]  # without the folder that it is in
    if "mix" in step.stage.given:
        facts["mix"] = step.stage.given["mix"]
    plain: dict[str, Any] = json.loads(json.dumps(facts, default=str))  # dates of TOML
    return plain


def run_of(step: Step, ledger: Ledger) -> Path | None:
    """Return the run folder of a finished training, None if there is none."""
    entry = ledger.entry(step.name)
    if entry is None or not entry.done or entry.run is None:
        return None
    path = ledger.place(entry.run)
    return path if (path / "config.toml").is_file() else None


# By kind ----------------------------------------------------------------------------------------


def _train(step: Step, ledger: Ledger, components: Registry) -> dict[str, Any]:
    config = step.config
    named, open_ = [(Objective.kind, config.objective)], []
    if config.arch is not None:
        named.append((Architecture.kind, config.arch))
    else:
        open_.append(Architecture.kind)
    for kind in _LISTS:
        names = getattr(config, kind)
        if names is None:
            open_.append(kind)
            continue
        named += [(kind, name) for name in (named_losses(names) if kind == Loss.kind else names)]
    if config.doctor != "off":
        named.append((Policy.kind, DOCTOR))
    if config.losses:
        named.append((Extractor.kind, config.extractor))
    folder = Path(config.images)
    names = [found.name for found in survey(folder).pictures]
    used = [components.configure(kind, name, config.components) for kind, name in named]
    return {
        "images": _together((name, digest(folder / name)) for name in names),
        "styles": [digest(Path(style)) for style in config.styles],
        **_tables(config.components, open_),
        **_options(used),
    }


def _drawn(step: Step, ledger: Ledger, components: Registry) -> dict[str, Any] | None:
    weights = _weights(step, ledger)
    return None if weights is None else weights


def _walk(step: Step, ledger: Ledger, components: Registry) -> dict[str, Any] | None:
    config, weights = step.config, _weights(step, ledger)
    if weights is None:
        return None
    found = {**weights, **_tables(config.components, ("samplers",))}
    for name in ("sign", "stylize"):
        paths = getattr(config, name) or ()
        paths = (paths,) if isinstance(paths, str) else paths
        found[name] = [digest(Path(path)) for path in paths]
    if config.blend is not None:
        found["blend"] = _digest_of_run(config.blend, Path(config.runs))
    found["files of keys"] = _key_files(config)
    used = [components.configure("effects", name, config.components) for name in config.effects]
    keys = len(parse_keys(config.keys, _words(config))) if config.keys is not None else 6
    columns, rows = grid_of(config, keys)
    sampler = usual_sampler(config, keys_a_tile(config, keys, columns * rows))
    used.append(components.configure("samplers", sampler, config.components))
    used += _writers(step.outs, config, components)
    if config.stylize:
        from artgan.pipelines.walk import walk_studio

        used += _of_studio(walk_studio(config, components))
    return {**found, **_options(used)}


def _stylize(step: Step, ledger: Ledger, components: Registry) -> dict[str, Any] | None:
    config = step.config
    found: dict[str, Any] = {
        name: [digest(Path(path)) for path in getattr(config, name)] for name in ("styles", "mask")
    }
    used = _of_studio(Studio(config, components))
    if step.source is None:
        moving = moving_suffixes(components)
        batch = gather(config.images, out=config.out, suffix=config.suffix, moving=moving)
        found["images"] = _together((str(i.name), digest(i.path)) for i in batch.items)
        found |= _tables(config.components, ("writers",))
    elif step.is_film:
        walk = facts_of(step.source, ledger, components)
        if walk is None:
            return None
        writers = ("writers.", "artgan")
        for name, value in walk.items():
            if name not in _OF_FRAMES and not name.startswith(writers):
                found[f"{step.source.name}.{name}"] = value
        used += _writers(step.outs, step.source.config, components)
    else:
        entry = ledger.entry(step.source.name)
        if entry is None or not entry.done or not entry.outputs:
            return None
        found[step.source.name] = _together(sorted(entry.outputs.items()))
        found |= _tables(config.components, ("writers",))
    return {**found, **_options(used)}


# Parts ------------------------------------------------------------------------------------------


def _weights(step: Step, ledger: Ledger) -> dict[str, Any] | None:
    """Return the digest of what draws, None if it is not trained yet."""
    config, growth = step.config, getattr(step.config, "growth", False)
    if step.source is None:
        return {"run": _digest_of_run(config.run, Path(config.runs), growth=growth)}
    run = run_of(step.source, ledger)
    if run is None:
        return None
    return {step.source.name: _digest_of_run(str(run), run.parent, growth=growth)}


def _digest_of_run(text: str, runs: Path, *, growth: bool = False) -> Any:
    from artgan.models import find_weights

    if growth:
        from artgan.tracing import growth_of

        return [origin.digest for origin, _ in growth_of(text, runs)]
    return find_weights(text, runs).digest


def _words(config: Any) -> dict[str, Path]:
    """Return the file that the word for favourites stands for, where it is used."""
    asked = [part.strip() for part in f"{config.keys or ''},{config.mix or ''}".split(",")]
    if FAVOURITES not in asked:
        return {}
    return {FAVOURITES: favourites_of(config.run, Path(config.runs))}


def _key_files(config: Any) -> list[str]:
    words, found = _words(config), []
    for text in (config.keys, config.mix):
        if text is not None:
            found += [digest(k) for k in parse_keys(text, words) if isinstance(k, Path)]
    return found


def _writers(
    outs: Sequence[str], config: Any, components: Registry
) -> list[tuple[Entry, BaseModel | None]]:
    found = find_outputs(
        outs, fps=config.fps, overwrite=True, components=components, tables=config.components
    )
    return [(output.entry, output.options) for output in found]


def _of_studio(studio: Studio | None) -> list[tuple[Entry, BaseModel | None]]:
    if studio is None or studio.is_fast:
        return []
    losses = [(each.entry, each.options) for each in studio.losses]
    return [(studio.extractor, studio.extractor_options), *losses]


def _options(used: Iterable[tuple[Entry, BaseModel | None]]) -> dict[str, Any]:
    """Return the options of components, and who supplied each, by name."""
    found: dict[str, Any] = {}
    for entry, options in used:
        name = f"{entry.record.kind}.{entry.record.name}"
        found[name] = entry.stamp
        for option, value in ({} if options is None else options.model_dump(mode="json")).items():
            found[f"{name}.{option}"] = value
    return found


def _tables(tables: Mapping[str, Any], kinds: Iterable[str]) -> dict[str, Any]:
    """Return options as they were written, where it is not known yet what will be used."""
    return {
        f"{kind}.{name}.{option}": value
        for kind in kinds
        for name, table in tables.get(kind, {}).items()
        for option, value in table.items()
    }


def _together(pairs: Iterable[tuple[str, str]]) -> str:
    """Return one digest of many, each with its name."""
    return digest_of_bytes("".join(f"{name}\0{each}\n" for name, each in pairs).encode())

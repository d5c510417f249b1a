"""What is looked at before a pipeline begins: all that can be refused without making anything."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from artgan.api import KINDS, ConfigError, PathError
from artgan.batches import Batch, gather, plan, refuse, single_output
from artgan.flows.ledger import Ledger
from artgan.flows.steps import Step
from artgan.keys import FAVOURITES, Key
from artgan.outputs import FOLDER, check_place, find_outputs, moving_suffixes
from artgan.screen import safe
from artgan.studio import Studio
from artgan.walksettings import check_walk, usual_keys

if TYPE_CHECKING:
    from artgan.registry import Registry

__all__ = ["check_components", "check_step", "check_styles", "planned_files"]


def check_components(tables: dict[str, dict[str, dict[str, object]]], components: Registry) -> None:
    """Check the options of components, also of those that no stage names.

    Raises:
        ComponentError: a component is unknown.
        ConfigError: an option is, or has a value that it cannot take.
    """
    for kind in KINDS:
        for name in tables.get(kind, {}):
            components.configure(kind, name, tables)


def check_step(step: Step, ledger: Ledger, components: Registry) -> None:
    """Check a step as far as that goes before those it takes from are made.

    Raises:
        ArtganError: it cannot be made as it is written, or something is in the way of its results.
    """
    check_place(ledger.folder, folder=True, overwrite=True)
    if step.kind == "train":
        _check_train(step, ledger, components)
    elif step.kind == "sample":
        _check_run(step)
    elif step.kind == "walk":
        _check_run(step)
        _check_walk(step, components)
    else:
        _check_stylize(step, ledger, components)
    owned = ledger.owned(step.name)
    for path, folder in planned_files(step, components):
        mine = any(_is_in(each, path) for each in owned)
        check_place(path, folder=folder, overwrite=mine or step.config.overwrite)


def check_styles(step: Step, components: Registry) -> None:
    """Read the styles and the mark of a step that is about to be made; this takes a moment.

    Raises:
        ArtganError: one of them cannot be used, or an extractor's weights are missing; the machine
            lacks the device.
    """
    from artgan.engine import pick_device

    pick_device(step.config.device)
    if step.kind == "stylize":
        Studio(step.config, components).check()
    elif step.kind == "walk":
        from artgan.pipelines.walk import walk_studio
        from artgan.stamp import load_mark

        studio = walk_studio(step.config, components)
        if studio is not None:
            studio.check()
        if step.config.sign is not None:
            load_mark(Path(step.config.sign))


def planned_files(step: Step, components: Registry) -> list[tuple[Path, bool]]:
    """Return the files that a step will write, and whether each is a folder of them.

    Of pictures to redraw it is not known yet what they are called: () is returned.

    Raises:
        ConfigError: nothing writes the suffix, or there are several pictures for one file.
    """
    config = step.config
    if step.kind == "sample":
        from artgan.pipelines.sample import sample_paths

        free = config.model_copy(update={"overwrite": True})
        return [(path, False) for path in sample_paths(free)]
    if step.kind == "walk" or step.is_film:
        walk = config if step.source is None or step.kind == "walk" else step.source.config
        outputs = find_outputs(
            step.outs,
            fps=walk.fps,
            overwrite=True,
            components=components,
            tables=config.components,
            count=walk.count,
        )
        suffixes = [getattr(output.entry.record, "suffixes", ()) for output in outputs]
        return [(o.path, FOLDER in s) for o, s in zip(outputs, suffixes, strict=True)]
    return []


def _is_in(path: str, place: Path) -> bool:
    real = os.path.realpath(place)
    return path == real or path.startswith(real + os.sep)


def _check_train(step: Step, ledger: Ledger, components: Registry) -> None:
    from artgan.pipelines.train import check_settings

    check_settings(step.config, components)
    check_place(Path(step.outs[0]), folder=True, overwrite=True)
    images = Path(step.config.images)
    if not images.is_dir():
        what = "is a file" if images.exists() else "does not exist"
        raise PathError(f"images {safe(images)} {what}: give a folder of pictures")
    if _is_in(os.path.realpath(ledger.folder), images):
        raise PathError(
            f"the results in {safe(ledger.folder)} would be among the pictures in {safe(images)}: "
            "give another out"
        )


def _check_run(step: Step) -> None:
    if step.source is None:
        from artgan.models import find_weights

        find_weights(step.config.run, Path(step.config.runs))


def _check_walk(step: Step, components: Registry) -> None:
    from artgan.pipelines.walk import walk_studio

    config = step.config
    sources: Sequence[Key | Path] = usual_keys(config, components)
    if config.keys is not None:
        sources = _asked(step, config.keys)
    mixed = [] if config.mix is None else _asked(step, config.mix)
    if len(mixed) > 1:
        raise ConfigError(f"mix is {safe(config.mix)}: expected one key, {len(mixed):,} were given")
    check_walk(config, components, sources)
    walk_studio(config, components)
    if config.sign is not None and not Path(config.sign).is_file():
        raise PathError(f"there is no picture {safe(config.sign)} to sign with: give another")
    if config.blend is not None:
        from artgan.models import find_weights

        find_weights(config.blend, Path(config.runs))


def _asked(step: Step, text: str) -> list[Key | Path]:
    """Return the keys of a list; those of a run that is not trained yet are none."""
    from artgan.recipes import gather_keys, keys_of_run

    if step.source is None:
        return keys_of_run(text, step.config.run, Path(step.config.runs))
    if FAVOURITES in [part.strip() for part in text.split(",")]:
        raise ConfigError(
            f"{FAVOURITES} are chosen from a run that is there, and {step.source.name} makes one: "
            "give seeds"
        )
    return gather_keys(text)


def _check_stylize(step: Step, ledger: Ledger, components: Registry) -> None:
    studio = Studio(step.config, components)
    if step.source is not None:
        return
    moving = moving_suffixes(components)
    config = step.config
    batch = gather(config.images, out=config.out, suffix=config.suffix, moving=moving)
    file = single_output(config.out, batch, moving=moving)
    if file is None:
        check_place(Path(config.out), folder=True, overwrite=True)
    _check_blocked(studio, batch, file, ledger.owned(step.name))


def _check_blocked(studio: Studio, batch: Batch, file: Path | None, owned: Iterable[str]) -> None:
    folder = Path(studio.config.out) if file is None else file.parent
    if file is not None or studio.config.overwrite:
        if file is not None and not studio.config.overwrite and os.path.realpath(file) not in owned:
            check_place(file, folder=False, overwrite=False)
        return
    found = plan(batch, folder, lambda item: None)
    refuse([path for path in found.blocked if os.path.realpath(path) not in owned])

"""Whether the plug-ins that a run was made with are here, and one sentence where they are not."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from artgan import __version__
from artgan.api import (
    KINDS,
    Architecture,
    Augmentation,
    Callback,
    CheckpointError,
    ComponentError,
    Extractor,
    Loss,
    Metric,
    Objective,
    Policy,
    Regularizer,
)
from artgan.checkpoints import generations, read_sound
from artgan.discovery import LOCAL, ONLY, normal_name
from artgan.records import noun
from artgan.screen import safe
from artgan.stylesettings import named_losses

if TYPE_CHECKING:
    from artgan.config import TrainConfig
    from artgan.plugins import Entry, Plugin
    from artgan.registry import Registry
    from artgan.runs import RunFolder

__all__ = ["as_named_here", "suppliers_of"]

FIELDS = {
    Architecture.kind: "arch",
    Objective.kind: "objective",
    Regularizer.kind: "regularizers",
    Augmentation.kind: "augmentations",
    Policy.kind: "policies",
    Metric.kind: "metrics",
    Callback.kind: "callbacks",
}
"""Kind -> the setting that names its members."""

_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])? [A-Za-z0-9][A-Za-z0-9.+!_-]*\Z")


def suppliers_of(run: RunFolder) -> dict[str, str]:
    """Return what a run's newest checkpoint remembers: component -> its plug-in and version."""
    for generation in reversed(generations(run.checkpoints)):
        try:
            found = json.loads(read_sound(generation, "state.json")).get("plugins")
        except (CheckpointError, ValueError, AttributeError):  # said where it is gone on from
            continue
        return found if isinstance(found, dict) else {}
    return {}


def as_named_here(
    config: TrainConfig,
    suppliers: Mapping[str, Any],
    components: Registry,
    run: str,
    kinds: Iterable[str] = KINDS,
) -> tuple[TrainConfig, list[str]]:
    """Return a run's settings with the names that its components have here, and warnings.

    A component is taken from the package that the run had it from, whoever else claims its name
    now; a former name is replaced by the present one.

    Args:
        config: the run's settings.
        suppliers: what its checkpoint remembers, see `suppliers_of`.
        components: what there is.
        run: what the run is called in messages.
        kinds: those that are needed.

    Returns:
        The settings, and a line for each plug-in that is not as it was.

    Raises:
        CheckpointError: a component is not here; says of which package it was, and what to do.
    """
    changes: dict[str, Any] = {}
    tables = dict(config.components)
    lines: list[str] = []
    wanted = set(kinds)
    if Loss.kind in wanted:
        names = tuple(named_losses(config.losses))
        pulls = {Loss.kind: names, Extractor.kind: (config.extractor,) if names else ()}
        for kind, own in pulls.items():
            for name in own:
                supplier = _recorded(suppliers, kind, name)
                lines += _differs(_find(components, kind, name, supplier, run), name, supplier, run)
    for kind in [kind for kind in FIELDS if kind in wanted]:
        given = getattr(config, FIELDS[kind])
        if given is None:
            continue
        names = (given,) if isinstance(given, str) else given
        here: dict[str, str] = {}
        for name in names:
            supplier = _recorded(suppliers, kind, name)
            entry = _find(components, kind, name, supplier, run)
            lines += _differs(entry, name, supplier, run)
            here[name] = components.written(entry)
        if all(name == new for name, new in here.items()):
            continue
        changes[FIELDS[kind]] = here[given] if isinstance(given, str) else tuple(here.values())
        tables[kind] = {here.get(key, key): table for key, table in tables.get(kind, {}).items()}
    if changes:
        config = config.model_copy(update={**changes, "components": tables})
    return config, list(dict.fromkeys(lines))


def _recorded(suppliers: Mapping[str, Any], kind: str, name: str) -> tuple[str, str]:
    """Return the package and the version, or LOCAL and the plug-in, that a component was of."""
    text = suppliers.get(f"{kind}.{name.rpartition(':')[2]}")
    if not isinstance(text, str) or not _PACKAGE.match(text):
        return "", ""
    package, _, version = text.partition(" ")
    return package, version


def _find(components: Registry, kind: str, name: str, supplier: tuple[str, str], run: str) -> Entry:
    package, version = supplier
    owner = version if package == LOCAL else package
    if owner:
        with contextlib.suppress(ComponentError):  # its package may have another name now
            return components.find(kind, f"{owner}:{name.rpartition(':')[2]}")
    try:
        return components.find(kind, name)
    except ComponentError as error:
        if not owner:
            raise CheckpointError(f"{run} needs what is not here: {error}") from error
        raise CheckpointError(_missing(components, kind, name, supplier, run)) from error


def _missing(
    components: Registry, kind: str, name: str, supplier: tuple[str, str], run: str
) -> str:
    """Return the sentence that says whose component is missing, why, and what to do."""
    package, version = supplier
    what = f"{noun(kind)} '{safe(name.rpartition(':')[2])}'"
    if package == "artgan":
        return (
            f"{run} needs {what} of artgan {version}, and this is artgan {__version__}: "
            f"pip install artgan=={version}"
        )
    local = package == LOCAL
    of = f"the local plug-in '{version}'" if local else f"{package} {version}"
    needs = f"{run} needs {what} of {of}"
    if local:
        mine = [p for p in components.plugins if p.is_local and p.name == version]
        remedy = "give its folder with --plugins-dir"
    else:
        wanted = normal_name(package)
        mine = [p for p in components.plugins if normal_name(p.distribution) == wanted]
        remedy = f"pip install {package}=={version}, or install it from where you had it"
    if not mine:
        if not local and os.environ.get(ONLY) == "":
            return f"{needs}, and plug-ins are off: unset {ONLY}, which is empty"
        return f"{needs}, which is not {'here' if local else 'installed'}: {remedy}"
    if all(plugin.off for plugin in mine):
        return f"{needs}, which --no-plugin or {ONLY} leaves out: take it in again"
    if (faulty := [plugin for plugin in mine if plugin.problems]) and not any(
        plugin.components for plugin in mine
    ):
        return f"{needs}, which is here but broken: {faulty[0].problems[0]}"
    return _renamed(components, kind, what, supplier, mine, run)


def _renamed(
    components: Registry,
    kind: str,
    what: str,
    supplier: tuple[str, str],
    mine: list[Plugin],
    run: str,
) -> str:
    own = [e.record.name for e in components.entries(kind) if e.plugin in mine]
    has = f"it has: {', '.join(sorted(own))}" if own else f"it has no {kind}"
    package, version = supplier
    if package == LOCAL:
        return (
            f"{run} needs {what}, which the local plug-in '{version}' does not have any more "
            f"({has}): bring it back, or let its record name it among its aliases"
        )
    now = mine[0].version
    if now == version:
        return (
            f"{run} needs {what}, which {package} {version} does not have any more ({has}): bring "
            "it back, or let its record name it among its aliases"
        )
    return (
        f"{safe(package)} {safe(now)} has no {what} any more (the run was made with {version}; "
        f"{has}): pip install {package}=={version} to use {run}"
    )


def _differs(entry: Entry, name: str, supplier: tuple[str, str], run: str) -> list[str]:
    """Return the line that says what is not as it was when the run was made."""
    package, version = supplier
    plugin = entry.plugin
    if not package or package == plugin.distribution == "artgan":
        return []
    if package == LOCAL and plugin.is_local and version == plugin.name:
        return []
    if package != LOCAL and normal_name(package) == normal_name(plugin.distribution):
        if version == plugin.version:
            return []
        return [
            f"{run} was made with {package} {version}, here is {safe(plugin.version)}: pictures "
            "may differ"
        ]
    was = f"the local plug-in '{version}'" if package == LOCAL else f"{package} {version}"
    what = f"{noun(entry.record.kind)} '{safe(name.rpartition(':')[2])}'"
    return [
        f"{run} was made with {what} of {was}, here it is of {safe(plugin.supplier)}: pictures may "
        "differ"
    ]

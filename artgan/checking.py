"""Contract tests of plug-ins by name or path: what is meant, and how each component did.

A path may be the folder of a package that need not be installed, a module, or a folder of modules
as `--plugins-dir` takes it. What it brings is loaded beside nothing else, and is forgotten again.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from artgan.api import KINDS, ArtganError, ComponentError, ConfigError, PathError
from artgan.discovery import FOLDERS, GROUP, LOCAL, LOCAL_PACKAGE, ONLY, look, normal_name
from artgan.errors import nearest
from artgan.plugins import Entry, Plugin, cause_of, place_of
from artgan.records import noun
from artgan.registry import Registry, registry
from artgan.screen import safe

__all__ = ["Outcome", "check"]


@dataclass(frozen=True)
class Outcome:
    """How a component did, or a plug-in that could not be loaded.

    Attributes:
        kind: the component's kind, "plug-ins" for a plug-in.
        name: what it is called.
        plugin: the plug-in it is of.
        seconds: how long it took.
        fault: what is wrong, in a sentence; "" where nothing is.
    """

    kind: str
    name: str
    plugin: str
    seconds: float
    fault: str

    @property
    def what(self) -> str:
        """Return what was checked, "KIND/NAME"."""
        return f"{self.kind}/{self.name}"


def check(targets: Iterable[str] = (), kind: str | None = None) -> Iterator[Outcome]:
    """Yield how each component did, in loading order; plug-ins with faults come first.

    Args:
        targets: names, see `_named`, and paths; none means everything that is registered.
        kind: the only kind that counts, None for all.

    Raises:
        ComponentError: a name stands for nothing.
        PathError: a path has no plug-in.
    """
    wanted = list(targets)
    if not wanted:
        known = registry()
        yield from _check_all(known, known.plugins, _entries(known, kind))
    for target in wanted:
        if _is_path(target):
            yield from _check_path(Path(target), kind)
            continue
        known = registry()
        try:
            named = _named(known, target, kind)
        except ComponentError:
            if not Path(target).exists():
                raise
            yield from _check_path(Path(target), kind)
        else:
            yield from _check_all(known, *named)


def _check_path(path: Path, kind: str | None) -> Iterator[Outcome]:
    with _at(path) as (own, problems):
        for plugin, problem in problems.items():
            yield Outcome("plug-ins", plugin, plugin, 0.0, problem)
        yield from _check_all(own, own.plugins, _entries(own, kind))


def _entries(known: Registry, kind: str | None) -> list[Entry]:
    return [e for each in KINDS if kind in {None, each} for e in known.entries(each)]


# Checking -----------------------------------------------------------------------------------


def _check_all(
    known: Registry, plugins: Iterable[Plugin], entries: Iterable[Entry]
) -> Iterator[Outcome]:
    for plugin in plugins:
        for problem in plugin.problems:
            yield Outcome("plug-ins", plugin.name, plugin.name, plugin.import_seconds, problem)
    for entry in entries:
        begun = time.monotonic()
        fault = _fault(known, entry)
        seconds = time.monotonic() - begun
        yield Outcome(entry.record.kind, entry.record.name, entry.plugin.name, seconds, fault)


def _fault(known: Registry, entry: Entry) -> str:
    """Return what is wrong with a component, "" if it keeps its contract."""
    from artgan.testing import ContractError, check_component

    try:
        with contextlib.redirect_stdout(sys.stderr):
            check_component(known, entry)
    except (ContractError, ArtganError) as error:
        text = " ".join(str(error).split())
        for name in (entry.record.name, entry.qualified):
            text = text.removeprefix(f"{noun(entry.record.kind)} '{name}'")
        return text.lstrip(":, ")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plug-in may raise anything, SystemExit too
        where = place_of(entry, error)
        return f"raised {cause_of(error)}{where}, expected it to take what is given to it"
    return ""


# Names --------------------------------------------------------------------------------------


def _named(known: Registry, target: str, kind: str | None) -> tuple[list[Plugin], list[Entry]]:
    """Return the plug-ins and components that a name stands for.

    It is KIND/NAME, a component's name (also "distribution:name"), a plug-in's or a package's.
    What several claim are all of them.

    Raises:
        ComponentError: it stands for nothing.
    """
    first, slash, rest = target.partition("/")
    if slash:
        singular = {noun(each): each for each in KINDS}
        if (found := singular.get(first, first)) not in KINDS:
            raise ConfigError(
                f"'{safe(target)}' is no path here, and there is no kind '{safe(first)}': "
                f"{nearest(first, [*singular, *KINDS])}"
            )
        return [], [known.find(found, rest)]
    owner, _, bare = target.rpartition(":")
    called = normal_name(target)
    plugins = [
        p for p in known.plugins if called in {normal_name(p.name), normal_name(p.distribution)}
    ]
    entries = [
        entry
        for entry in _entries(known, kind)
        if entry.plugin in plugins
        or (entry.record.name == bare and (not owner or entry.is_of(owner)))
    ]
    if entries or plugins:
        return plugins, entries
    kinds = list(KINDS) if kind is None else [kind]
    names = [name for each in kinds for name in known.names(each)]
    names += [plugin.name for plugin in known.plugins]
    raise ComponentError(
        f"'{safe(target)}' is no component, plug-in or path of one: {nearest(target, names)}"
    )


# Paths --------------------------------------------------------------------------------------


def _is_path(target: str) -> bool:
    """Return whether a word is meant as a path and not as a name or KIND/NAME."""
    if target.endswith(".py") or target.startswith((".", "~", os.sep)):
        return True
    if "/" in target or os.sep in target:
        is_kind = target.partition("/")[0] in {*KINDS, *map(noun, KINDS)}
        return not is_kind and (Path(target).exists() or target.count("/") > 1)
    return Path(target, "pyproject.toml").is_file()


@contextlib.contextmanager
def _at(path: Path) -> Iterator[tuple[Registry, dict[str, str]]]:
    """Yield a registry of the plug-ins at a path, and what keeps others there from being loaded."""
    path = Path(os.path.abspath(os.path.expanduser(path)))
    if not path.exists():
        raise PathError(f"{safe(path)} does not exist: expected a plug-in's folder or module")
    if (path / "pyproject.toml").is_file():
        points = _declared(path / "pyproject.toml")
        source = path / "src" if (path / "src").is_dir() else path
        tops = {point.value.partition(":")[0].partition(".")[0] for point in points}
        with _on_path(source), _forgotten(*tops):
            yield Registry((), points), {}
        return
    if path.is_file() or (path / "__init__.py").is_file():
        folder, only = path.parent, path.stem if path.is_file() else path.name
    else:
        folder, only = path, None
    with _folder_named(folder), _forgotten(LOCAL_PACKAGE):
        found = [c for c in look().plugins if c.distribution == LOCAL and only in {None, c.name}]
        if not found:
            raise PathError(
                f"{safe(path)} holds no plug-in: expected NAME.py or NAME/__init__.py with a hook, "
                "or a package with a pyproject.toml; begin one with 'artgan plugins new'"
            )
        problems = {c.name: c.problem for c in found if c.problem is not None}
        yield Registry((), [c.entry_point for c in found if c.problem is None]), problems


def _declared(pyproject: Path) -> list[EntryPoint]:
    """Return the plug-ins that a package declares.

    Raises:
        PathError: there are none.
    """
    from artgan.config import load_toml

    table: Any = load_toml(pyproject)
    for key in ("project", "entry-points", GROUP):
        table = table.get(key) if isinstance(table, dict) else None
    if not isinstance(table, dict) or not table:
        raise PathError(
            f"{safe(pyproject)} declares no plug-in: expected a table [project.entry-points."
            f'{GROUP}] with a line such as my-loss = "artgan_my_loss"'
        )
    return [EntryPoint(name, str(value), GROUP) for name, value in table.items()]


@contextlib.contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """Look for modules in a folder first, for a while."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))


@contextlib.contextmanager
def _folder_named(folder: Path) -> Iterator[None]:
    """Let the environment name one folder of plug-ins, for a while."""
    kept = {name: os.environ.get(name) for name in (FOLDERS, ONLY)}
    os.environ.update({FOLDERS: str(folder), ONLY: ""})  # "": what is installed is not looked at
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _forgotten(*packages: str) -> Iterator[None]:
    """Import what is in packages anew, and then go back to the modules that were there before."""

    def taken() -> dict[str, Any]:
        inside = [
            name
            for name in sys.modules
            if any(
                name.startswith(f"{package}.") or (name == package and package != LOCAL_PACKAGE)
                for package in packages
            )
        ]
        return {name: sys.modules.pop(name) for name in inside}

    before = taken()
    try:
        yield
    finally:
        taken()
        sys.modules.update(before)

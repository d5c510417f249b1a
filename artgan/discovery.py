"""Where third parties' plug-ins and commands are found, and which are left out. Imports none.

Three variables say it, so that processes which artgan starts find the same:

    ARTGAN_PLUGINS      the only plug-ins that are used, by name or distribution; empty: none
    ARTGAN_NO_PLUGIN    plug-ins that are left out (--no-plugin)
    ARTGAN_PLUGINS_DIR  folders of plug-ins without packaging (--plugins-dir)
"""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from artgan.errors import ConfigError, PathError, nearest
from artgan.local_plugins import _VARIABLE as FOLDERS
from artgan.local_plugins import _folders as _named_folders
from artgan.screen import safe

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "COMMAND_GROUP",
    "FOLDERS",
    "GROUP",
    "LEFT_OUT",
    "LOCAL",
    "LOCAL_PACKAGE",
    "ONLY",
    "Candidate",
    "Found",
    "check_folder",
    "check_names",
    "distribution_of",
    "folders",
    "join_folders",
    "look",
    "normal_name",
]

GROUP = "artgan"
"""The entry-point group of plug-ins."""

COMMAND_GROUP = "artgan.commands"
"""The entry-point group of commands: name = "module:typer_application"."""

ONLY, LEFT_OUT = "ARTGAN_PLUGINS", "ARTGAN_NO_PLUGIN"
"""The first two variables above; `FOLDERS` is the third."""

LOCAL = "local"
"""What stands for the distribution of a plug-in that is only a module in a folder."""

LOCAL_PACKAGE = "artgan.local_plugins"
"""The package that such modules are imported from."""


@dataclass(frozen=True)
class Candidate:
    """A plug-in or a command as it was found, before anything of it is imported.

    Attributes:
        name: its entry point's name, or its module's in a folder.
        distribution: the package that brings it, `LOCAL` for one in a folder.
        version: that package's version, "" for one in a folder.
        entry_point: what imports it.
        files: where it is, for one in a folder; more than one where folders claim one name.
        off: whether it is left out.
    """

    name: str
    distribution: str
    version: str
    entry_point: EntryPoint
    files: tuple[Path, ...] = ()
    off: bool = False

    @classmethod
    def of(cls, entry_point: EntryPoint) -> Candidate:
        """Return what an entry point stands for."""
        return cls(entry_point.name, *distribution_of(entry_point), entry_point)

    @property
    def module(self) -> str:
        """Return the module that is imported."""
        return self.entry_point.value.partition(":")[0].strip()

    @property
    def names(self) -> set[str]:
        """Return the names that it is left out or let in by, as they are compared."""
        return {normal_name(self.name), normal_name(self.distribution)}

    @property
    def problem(self) -> str | None:
        """Return why it cannot be imported, None if nothing is known to be in the way."""
        if len(self.files) > 1:
            places = " and ".join(safe(path) for path in self.files)
            return f"its name is claimed by {places}: neither is used until one is renamed"
        if self.files and (not self.name.isidentifier() or keyword.iskeyword(self.name)):
            better = re.sub(r"\W", "_", self.name, flags=re.ASCII).strip("_")
            better = better if better.isidentifier() else f"plugin_{better}".rstrip("_")
            better += "_" if keyword.iskeyword(better) else ""
            return f"its file has a name that Python cannot import: rename it to '{better}'"
        if self.entry_point.pattern.match(self.entry_point.value) is None:
            return (
                f"its entry point is {safe(repr(self.entry_point.value))}, expected the module "
                "with its hooks, such as 'artgan_mine'"
            )
        return None


@dataclass(frozen=True)
class Found:
    """What third parties bring, in loading order, and why not all of it is known.

    Attributes:
        plugins: those that are left out too.
        commands: likewise.
        problem: what is wrong with the list of what is installed, None if nothing is.
    """

    plugins: list[Candidate]
    commands: list[Candidate]
    problem: Exception | None = None


def normal_name(distribution: str) -> str:
    """Return a distribution's name as it is compared: "A.b_c" is "a-b-c"."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def distribution_of(entry_point: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the package that brings an entry point."""
    if entry_point.value.startswith(f"{LOCAL_PACKAGE}."):
        return LOCAL, ""
    module = entry_point.value.partition(":")[0].partition(".")[0]
    try:
        metadata = None if entry_point.dist is None else entry_point.dist.metadata
    except (OSError, ValueError):  # its METADATA cannot be read
        metadata = None
    if metadata is None:  # not of a package, or of one without its METADATA
        return module, ""
    return metadata["Name"] or module, metadata["Version"] or ""


# Looking ------------------------------------------------------------------------------------


def look(*, in_folders: bool = True) -> Found:
    """Return what is installed and what lies in the folders that were named.

    Where ARTGAN_PLUGINS is empty, what is installed is not even looked at.

    Args:
        in_folders: whether folders are looked at; commands come with packages alone.

    Raises:
        PathError: a folder of plug-ins cannot be used.
    """
    only = _names(ONLY) if ONLY in os.environ else None
    left_out = _names(LEFT_OUT)

    def off(candidate: Candidate, names: set[str]) -> Candidate:
        out = bool(names & left_out.keys()) or (only is not None and not names & only.keys())
        return replace(candidate, off=out)

    problem: Exception | None = None
    points: tuple[list[EntryPoint], list[EntryPoint]] = ([], [])
    if only != {}:
        try:
            points = _installed()
        except Exception as error:  # what is installed is damaged: work without it
            problem = error
    plugins = [Candidate.of(point) for point in points[0]]
    plugins.sort(key=lambda c: (c.distribution, c.name, c.entry_point.value))
    plugins += _in_folders() if in_folders else ()
    plugins = [off(candidate, candidate.names) for candidate in plugins]
    commands = []
    for candidate in sorted(map(Candidate.of, points[1]), key=lambda c: (c.name, c.distribution)):
        beside = [p for p in plugins if p.distribution == candidate.distribution]
        if beside:  # a command goes with the plug-ins of its package
            commands.append(replace(candidate, off=all(p.off for p in beside)))
        else:
            commands.append(off(candidate, {normal_name(candidate.distribution)}))
    return Found(plugins, commands, problem)


def _installed() -> tuple[list[EntryPoint], list[EntryPoint]]:
    from importlib.metadata import entry_points

    points = entry_points()
    return list(points.select(group=GROUP)), list(points.select(group=COMMAND_GROUP))


def _names(variable: str) -> dict[str, str]:
    """Return the names in a variable: as they are compared -> as they were written."""
    written = re.split(r"[,\s]+", os.environ.get(variable, ""))
    return {normal_name(name): name for name in written if name}


def check_names(found: Found, built_in: Iterable[str]) -> None:
    """Refuse names of plug-ins to leave out, or to use alone, that stand for none.

    Raises:
        ConfigError: there is no such plug-in, or it comes with artgan.
    """
    if found.problem is not None:
        return  # what is not known cannot be missed
    own = {normal_name(name) for name in ("artgan", *built_in)}
    known = {p.name for p in found.plugins}
    known |= {c.distribution for c in (*found.plugins, *found.commands)}
    compared = {normal_name(name) for name in known}
    for name, written in _names(LEFT_OUT).items():
        if name in own:
            raise ConfigError(
                f"--no-plugin {safe(written)}: it comes with artgan and cannot be left out"
            )
        if name not in compared and (ONLY not in os.environ or _names(ONLY)):
            raise ConfigError(
                f"--no-plugin {safe(written)}: there is no such plug-in: {nearest(written, known)}"
            )
    for name, written in _names(ONLY).items():
        if name not in compared | own:
            raise ConfigError(
                f"{ONLY} names '{safe(written)}', which is no plug-in here: "
                f"{nearest(written, known)}"
            )


# Folders ------------------------------------------------------------------------------------


def folders() -> list[Path]:
    """Return the folders of plug-ins that the environment names, absolute, each once.

    Raises:
        PathError: one cannot be used.
    """
    return list(dict.fromkeys(check_folder(Path(text)) for text in _named_folders()))


def join_folders(given: Iterable[Path]) -> str:
    """Return folders as the environment names them.

    Raises:
        PathError: one cannot be used.
    """
    return os.pathsep.join(dict.fromkeys(str(check_folder(folder)) for folder in given))


def check_folder(folder: Path) -> Path:
    """Return a folder of plug-ins as an absolute path.

    Raises:
        PathError: it is none.
    """
    path = Path(os.path.abspath(os.path.expanduser(folder)))
    where = f"folder of plug-ins {safe(folder)}"
    if os.pathsep in str(path):
        raise PathError(f"{where}: its path has a '{os.pathsep}' in it: rename it or move it")
    if not path.exists():
        raise PathError(f"{where}: there is none: correct --plugins-dir or {FOLDERS}, or make it")
    if not path.is_dir():
        raise PathError(f"{where} is a file: give the folder that it is in")
    if (path / "__init__.py").exists():
        raise PathError(
            f"{where} is a plug-in itself, a package: give the folder that it is in, "
            f"{safe(path.parent)}"
        )
    return path


def _in_folders() -> Iterator[Candidate]:
    """Yield the plug-ins in the folders that were named, sorted by name."""
    from importlib.metadata import EntryPoint

    places: dict[str, list[Path]] = {}
    for folder in folders():
        try:
            inside = sorted(folder.iterdir())
        except OSError as error:
            from artgan.files import explain

            raise PathError(f"folder of plug-ins {safe(folder)}: {explain(error)}") from error
        for path in inside:
            if name := _module_name(path):
                places.setdefault(name, []).append(path)
    for name, files in sorted(places.items()):
        point = EntryPoint(name, f"{LOCAL_PACKAGE}.{name}", GROUP)
        yield Candidate(name, LOCAL, "", point, tuple(files))


def _module_name(path: Path) -> str:
    """Return the name of the module at a path in a folder of plug-ins, "" where there is none."""
    if path.name.startswith(("_", ".")):
        return ""
    if path.suffix == ".py" and path.is_file():
        return path.stem
    return path.name if (path / "__init__.py").is_file() else ""

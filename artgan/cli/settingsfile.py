"""The settings file: its tables, checked against what they are for, and folders of plug-ins."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from artgan.discovery import ONLY
from artgan.errors import ConfigError, nearest
from artgan.screen import safe, say

__all__ = ["of_components", "read_settings", "trusted_folders"]

RUN = {"id", "artgan"}
"""What a run's own config.toml says in [run] of the run that it was; else that is the command's."""


def of_components(name: str) -> bool:
    """Return whether a table holds options of components, not settings of a command."""
    from artgan.api import KINDS

    return name in KINDS


def read_settings(
    file: Path,
    commands: Collection[str],
    strangers: Callable[[], Collection[str]],
    load: Callable[[str], Any],
) -> tuple[dict[str, Any], list[Path]]:
    """Return the tables of a settings file, and the folders in its `[plugins] dirs`.

    Args:
        file: what to read.
        commands: artgan's own.
        strangers: returns third parties'; called where a table is for neither of the others.
        load: name -> the command, imported; None where its table is not looked at now.

    Raises:
        ConfigError: it has a table or a setting that nothing has.
        PathError: it cannot be read.
    """
    from artgan.api import KINDS
    from artgan.config import load_toml

    tables = load_toml(file)
    if isinstance(run := tables.get("run"), dict) and run.keys() <= RUN:
        del tables["run"]
    folders = _pop_folders(file, tables)
    for name, table in tables.items():
        if name not in {*commands, *KINDS} and name not in (others := strangers()):
            off = f"; plug-ins are off, {ONLY} is empty" if os.environ.get(ONLY) == "" else ""
            raise ConfigError(
                f"{safe(file)}: [{safe(name)}] is not a table of settings: "
                f"{nearest(name, [*commands, *KINDS, *others])}{off}"
            )
        if not isinstance(table, dict):
            raise ConfigError(f"{safe(file)}: {safe(name)} must be a table, [{safe(name)}]")
        if name not in KINDS and (command := load(name)) is not None:
            _check_table(file, name, table, command)
    return tables, folders


def trusted_folders(file: Path, folders: list[Path], *, asked: bool) -> list[Path]:
    """Return the folders of plug-ins that a settings file names, if somebody asked for that file.

    Plug-ins are code, and a settings file may lie in a folder that was downloaded.
    """
    if asked or not folders:
        return folders
    say(
        f"artgan: {safe(file)} names folders of plug-ins, which are code and run only where you "
        f"ask for it: add --config {safe(file)}, or --plugins-dir {safe(folders[0])}"
    )
    return []


def _pop_folders(file: Path, tables: dict[str, Any]) -> list[Path]:
    """Return the folders in `[plugins] dirs`, relative to the file; they are taken out."""
    table = tables.get("plugins")
    if not isinstance(table, dict) or "dirs" not in table:
        return []
    dirs = table.pop("dirs")
    if not isinstance(dirs, list) or not all(isinstance(each, str) and each for each in dirs):
        raise ConfigError(
            f"{safe(file)}: plugins.dirs is {safe(repr(dirs))}: expected a list of folders, such "
            'as ["my-plugins"]'
        )
    if not table:
        del tables["plugins"]
    return [file.parent / each for each in dirs]


def _check_table(file: Path, where: str, table: dict[str, Any], command: Any) -> None:
    """Refuse what a command, or a command of a group, has no setting for."""
    inner: dict[str, Any] = getattr(command, "commands", {})
    known = [*(parameter.name or "" for parameter in command.params), *inner]
    for key, value in table.items():
        if key not in known:
            raise ConfigError(
                f"{safe(file)}: [{where}] {safe(key)} is not a setting: {nearest(key, known)}"
            )
        if key in inner:
            if not isinstance(value, dict):
                raise ConfigError(f"{safe(file)}: {where}.{key} must be a table, [{where}.{key}]")
            _check_table(file, f"{where}.{key}", value, inner[key])

"""Plug-ins as they are found, what is wrong with them, and who is to blame. Loads none itself."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from artgan.api import PLUGIN_API, ArtganError, Component, PluginError
from artgan.files import explain
from artgan.records import noun
from artgan.screen import safe, say

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "GROUP",
    "Entry",
    "Plugin",
    "blaming",
    "broken",
    "cause_of",
    "check_record",
    "distribution_of",
    "import_object",
    "installed",
    "no_memory",
    "normal_name",
]

GROUP = "artgan"
"""The entry-point group that third parties use."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")


@dataclass
class Plugin:
    """A plug-in as it was found: where it is from and what is wrong with it.

    Attributes:
        name: its entry point's name, or its module for one that comes with artgan.
        distribution: the installed package that brings it.
        version: that package's version.
        problems: what is wrong, a clause each.
        broken: whether nothing of it could be loaded.
        import_seconds: how long its module took to import.
        components: how many records it supplied.
    """

    name: str
    distribution: str
    version: str
    built_in: bool = False
    problems: list[str] = field(default_factory=list)
    broken: bool = False
    import_seconds: float = 0.0
    components: int = 0

    @property
    def status(self) -> str:
        """Return "ok", "faulty" (some of it works) or "broken" (nothing does)."""
        return "broken" if self.broken else "faulty" if self.problems else "ok"

    def faults(self) -> Iterable[str]:
        """Yield one line for each problem."""
        where = f"{safe(self.distribution)} {safe(self.version)}".strip()
        for problem in self.problems:
            yield f"artgan: plug-in '{safe(self.name)}' ({where}): {problem}"


@dataclass(frozen=True)
class Entry:
    """A record and the plug-in that supplied it."""

    record: Component
    plugin: Plugin

    @property
    def qualified(self) -> str:
        """Return "distribution:name", which is never ambiguous."""
        return f"{self.plugin.distribution}:{self.record.name}"


def import_object(path: str) -> Any:
    """Return the object that "package.module:Attribute" names."""
    module, _, attribute = path.partition(":")
    return functools.reduce(getattr, attribute.split("."), importlib.import_module(module))


def installed() -> list[EntryPoint]:
    """Return the entry points that third parties installed; none if ARTGAN_NO_PLUGINS is set."""
    if os.environ.get("ARTGAN_NO_PLUGINS", "") not in {"", "0"}:
        return []
    from importlib.metadata import entry_points

    try:
        return list(entry_points(group=GROUP))
    except Exception as error:  # what is installed is damaged: work without it
        say(
            f"artgan: plug-ins are off, the list of what is installed is damaged: {cause_of(error)}"
        )
        return []


def distribution_of(entry_point: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the package that brings an entry point."""
    module = entry_point.value.partition(":")[0].partition(".")[0]
    metadata = None if entry_point.dist is None else entry_point.dist.metadata
    if metadata is None:  # not of a package, or of one without its METADATA
        return module, ""
    return metadata["Name"] or module, metadata["Version"] or ""


def normal_name(distribution: str) -> str:
    """Return a distribution's name as it is compared: "A.b_c" is "a-b-c"."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def cause_of(error: BaseException) -> str:
    """Return an exception as a clause: its type and its text, in one line."""
    text = safe(str(error).strip().replace("\n", " "))[:200]
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def check_record(record: object, record_type: type[Component]) -> str | None:
    """Return what is wrong with a record, None if nothing is."""
    hook = record_type.hook
    if not isinstance(record, record_type):
        return (
            f"its hook '{hook}' returned a {safe(type(record).__name__)}, "
            f"expected {record_type.__name__} records"
        )
    if not isinstance(record.name, str) or not _NAME.match(record.name):
        return f"its hook '{hook}' names a component {safe(repr(record.name))}, expected kebab-case"
    if record.api != PLUGIN_API:
        return (
            f"'{record.name}' was written for plug-in API {safe(record.api)}, this artgan has "
            f"{PLUGIN_API}: install a matching version of it"
        )
    for label, path in (("target", record.target), ("options", record.options)):
        if path is None and label == "options":
            continue
        if not isinstance(path, str) or not _TARGET.match(path):
            return f"'{record.name}' has {label} {safe(repr(path))}, expected 'module:Attribute'"
    return None


def no_memory(error: BaseException) -> bool:
    """Return whether an exception says that memory ran out, also as torch says it."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("allocate" in text and "memory" in text)


@contextlib.contextmanager
def blaming(entry: Entry) -> Iterator[None]:
    """Name a third party's component where it raises what no plain sentence explains.

    Raises:
        PluginError: it did; names it and the cause.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if (
            entry.plugin.built_in
            or isinstance(error, ArtganError | MemoryError)
            or no_memory(error)
        ):
            raise
        cause = explain(error) if isinstance(error, OSError) else cause_of(error)
        raise broken(entry, f"failed: {cause}") from error


def broken(entry: Entry, what: str) -> PluginError:
    """Return the error that names a component and says what is wrong with it."""
    return PluginError(f"{noun(entry.record.kind)} '{safe(entry.qualified)}' {what}")

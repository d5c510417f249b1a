"""Plug-ins as they are found, what is wrong with them, and who is to blame. Loads none itself."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import importlib
import importlib.util
import re
import traceback
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.util import resolve_name
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from artgan.api import PLUGIN_API, ArtganError, Component, PluginError
from artgan.discovery import GROUP, LOCAL, LOCAL_PACKAGE, normal_name
from artgan.files import explain
from artgan.records import noun
from artgan.screen import safe

__all__ = [
    "GROUP",
    "SUPPORTED",
    "Entry",
    "Plugin",
    "blaming",
    "broken",
    "cause_of",
    "check_record",
    "code_digest",
    "import_object",
    "no_memory",
    "place_of",
    "placed",
]

SUPPORTED = (PLUGIN_API,)
"""Versions of the contracts whose records are accepted: this one and, once there is one, the one
before it."""

_R = TypeVar("_R", bound=Component)
MOST_FILES = 500
"""Files of a package that its digest is made of, at most."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_DOTTED = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
_TARGET = re.compile(rf"(\.?{_DOTTED}|\.?):{_DOTTED}\Z")


@dataclass
class Plugin:
    """A plug-in as it was found: where it is from and what is wrong with it.

    Attributes:
        name: its entry point's name, or its module for one that comes with artgan.
        distribution: the installed package that brings it, "local" for a module in a folder.
        version: that package's version, "" for a module in a folder.
        module: what is imported; targets that begin with a dot or a colon are relative to it.
        file: where it is, for a module in a folder.
        off: whether it was left out.
        problems: what is wrong, a clause each.
        broken: whether nothing of it could be loaded.
        import_seconds: how long its module took to import.
        components: how many records it supplied.
    """

    name: str
    distribution: str
    version: str
    built_in: bool = False
    module: str = ""
    file: Path | None = None
    off: bool = False
    problems: list[str] = field(default_factory=list)
    broken: bool = False
    import_seconds: float = 0.0
    components: int = 0

    @property
    def status(self) -> str:
        """Return "ok", "faulty" (some of it works), "broken" (nothing does) or "off"."""
        if self.off:
            return "off"
        return "broken" if self.broken else "faulty" if self.problems else "ok"

    @property
    def supplier(self) -> str:
        """Return what a checkpoint remembers: "DISTRIBUTION VERSION", or "local PLUG-IN"."""
        return f"{self.distribution} {self.name if self.is_local else self.version}"

    @property
    def is_local(self) -> bool:
        """Return whether it is a module in a folder."""
        return self.distribution == LOCAL

    def faults(self) -> Iterable[str]:
        """Yield one line for each problem."""
        where = f"{safe(self.distribution)} {safe(self.version)}".strip()
        if self.file is not None:
            where = f"{where}, {safe(self.file)}"
        for problem in self.problems:
            yield f"artgan: plug-in '{safe(self.name)}' ({where}): {problem}"


@dataclass(frozen=True)
class Entry:
    """A record and the plug-in that supplied it."""

    record: Component
    plugin: Plugin

    @property
    def qualified(self) -> str:
        """Return "distribution:name", or "plug-in:name" for one in a folder."""
        return f"{self.owner}:{self.record.name}"

    @property
    def owner(self) -> str:
        """Return what stands before the colon of its qualified name."""
        return self.plugin.name if self.plugin.is_local else self.plugin.distribution

    @property
    def stamp(self) -> str:
        """Return who supplied it, and for a third party's a digest of its code.

        What is made by a component depends on both: one that is being written changes without a new
        version.
        """
        code = "" if self.plugin.built_in else code_digest(self.record.target)
        return f"{self.plugin.supplier} {code}".strip()

    def is_of(self, owner: str) -> bool:
        """Return whether a distribution, or a plug-in, is the one that supplied it."""
        plugin = self.plugin
        return normal_name(owner) in {normal_name(plugin.distribution), normal_name(plugin.name)}


def import_object(path: str) -> Any:
    """Return the object that "package.module:Attribute" names."""
    module, _, attribute = path.partition(":")
    return functools.reduce(getattr, attribute.split("."), importlib.import_module(module))


@functools.cache
def code_digest(target: str) -> str:
    """Return the first digits of a SHA-256 of the code that a target is part of; "" if unknown.

    It is of all modules of its package, or of its one module.
    """
    module = target.partition(":")[0]
    top = module.partition(".")[0]
    try:
        if top == LOCAL_PACKAGE.partition(".")[0]:  # in a folder: below artgan.local_plugins
            top = ".".join(module.split(".")[: LOCAL_PACKAGE.count(".") + 2])
        spec = importlib.util.find_spec(top)
        origin = None if spec is None else spec.origin
        if spec is None or origin is None:
            return ""
        file = Path(origin)
        files = sorted(file.parent.rglob("*.py")) if spec.submodule_search_locations else [file]
        found = hashlib.sha256()
        for each in files[:MOST_FILES]:
            found.update(f"{each.relative_to(file.parent)}\0".encode())
            found.update(each.read_bytes())
    except (ImportError, OSError, ValueError):
        return ""
    return found.hexdigest()[:12]


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
    if record.api not in SUPPORTED:
        newer = isinstance(record.api, int) and record.api > PLUGIN_API
        remedy = "a newer artgan, or an older version of it" if newer else "a newer version of it"
        known = " and ".join(map(str, SUPPORTED))
        return (
            f"'{record.name}' was written for plug-in API {safe(record.api)}, this artgan has "
            f"{known}: install {remedy}"
        )
    if not isinstance(record.aliases, tuple) or not all(
        isinstance(alias, str) and _NAME.match(alias) for alias in record.aliases
    ):
        return f"'{record.name}' has aliases {safe(repr(record.aliases))}, expected former names"
    for label, path in (("target", record.target), ("options", record.options)):
        if path is None and label == "options":
            continue
        if not isinstance(path, str) or not _TARGET.match(path):
            return (
                f"'{record.name}' has {label} {safe(repr(path))}, expected 'module:Attribute', or "
                "':Attribute' of its own module"
            )
    return _field_problem(record)


def _field_problem(record: Component) -> str | None:
    """Return which field of a record holds what it cannot hold, None if none does.

    What is done with records meets those of all plug-ins: a wrong one would break it for everybody.
    """
    kinds = get_type_hints(type(record))
    for each in dataclasses.fields(record):
        value, kind = getattr(record, each.name), kinds[each.name]
        if not _fits(value, kind):
            expected = kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
            return f"'{record.name}' has {each.name} {safe(repr(value))}, expected {expected}"
    return None


def _fits(value: object, kind: Any) -> bool:
    """Return whether a value is of a type as fields of records have them.

    >>> _fits((1, 3), tuple[int, ...]), _fits(1, float), _fits(True, int), _fits("x", str | None)
    (True, True, False, True)
    """
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in args
    if origin is types.UnionType:
        return any(_fits(value, arg) for arg in args)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if args[-1] is Ellipsis:
            return all(_fits(each, args[0]) for each in value)
        return len(value) == len(args) and all(map(_fits, value, args))
    if kind in {int, float}:
        return isinstance(value, int | kind) and not isinstance(value, bool)
    return isinstance(value, kind)


def placed(record: _R, module: str, package: str) -> _R:
    """Return a record whose target and options name their modules in full.

    ":build" and ".:build" are in the plug-in's own module, ".other:build" is in its package.

    Args:
        record: one that `check_record` finds nothing wrong with.
        module: the plug-in's.
        package: the package that the module is in, or is; "" for none.

    Raises:
        ImportError: a path is relative to a package, and there is none.
    """

    def full(path: str) -> str:
        where, _, attribute = path.partition(":")
        if where in {"", "."}:
            return f"{module}:{attribute}"
        return f"{resolve_name(where, package)}:{attribute}" if where[0] == "." else path

    target = full(record.target)
    options = None if record.options is None else full(record.options)
    if (target, options) == (record.target, record.options):
        return record
    return replace(record, target=target, options=options)


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
        what = f"{entry.record.kind}/{safe(entry.record.name)}"
        raise broken(
            entry,
            f"failed: {cause}{place_of(entry, error)}; artgan plugins check {what} may say why",
        ) from error


def place_of(entry: Entry, error: BaseException) -> str:
    """Return where in a component's own code an exception was raised, "" if it was not there."""
    package = entry.record.target.partition(":")[0].rpartition(".")[0]
    own = package or entry.record.target.partition(":")[0]
    found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module == own or module.startswith(f"{own}."):
            found = f" ({safe(Path(frame.f_code.co_filename).name)}, line {line})"
    return found


def broken(entry: Entry, what: str) -> PluginError:
    """Return the error that names a component and says what is wrong with it."""
    return PluginError(f"{noun(entry.record.kind)} '{safe(entry.qualified)}' {what}")

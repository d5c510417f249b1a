"""Loads plug-ins one at a time and finds components by name; imports a component on use."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from artgan import hookspecs
from artgan.api import KINDS, ComponentError, ConfigError, PluginError
from artgan.discovery import Candidate, check_names, look, normal_name
from artgan.errors import nearest
from artgan.plugins import Entry, Plugin, cause_of, check_record, import_object, placed
from artgan.records import noun
from artgan.screen import plural, safe, say

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pydantic import BaseModel

    from artgan.api import Component

__all__ = ["BUILT_IN", "Registry", "registry"]

BUILT_IN = ("artgan_plugins",)
SLOW_IMPORT_S = 5.0
STRICT = "ARTGAN_STRICT_PLUGINS"


class Registry:
    """Every component there is, by kind and name.

    Args:
        built_in: modules that come with artgan.
        entry_points: what third parties bring; None finds what is installed and what lies in
            folders, see `artgan.discovery`.

    Raises:
        ConfigError: a plug-in is to be left out, or used alone, that there is not.
        PathError: a folder of plug-ins cannot be used.
    """

    def __init__(
        self,
        built_in: Iterable[str] = BUILT_IN,
        entry_points: Iterable[EntryPoint] | None = None,
    ) -> None:
        self.plugins: list[Plugin] = []
        self._entries: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
        self._manager = pluggy.PluginManager("artgan")
        self._manager.add_hookspecs(hookspecs)
        self._said: set[str] = set()
        built_in = tuple(built_in)
        for module in built_in:
            self._load_built_in(module)
        for candidate in _candidates(entry_points, built_in):
            self._load(candidate)
        self._name_clashes()

    # Loading

    def _load_built_in(self, module: str) -> None:
        from artgan import __version__

        plugin = Plugin(module, "artgan", __version__, built_in=True, module=module)
        self.plugins.append(plugin)
        started = time.monotonic()
        imported = importlib.import_module(module)
        plugin.import_seconds = time.monotonic() - started
        self._register(plugin, imported)

    def _load(self, candidate: Candidate) -> None:
        plugin = Plugin(
            candidate.name,
            candidate.distribution,
            candidate.version,
            module=candidate.module,
            file=candidate.files[0] if len(candidate.files) == 1 else None,
            off=candidate.off,
        )
        self.plugins.append(plugin)
        if plugin.off:
            return
        if candidate.problem is not None:
            plugin.broken = True
            plugin.problems.append(candidate.problem)
            return
        started = time.monotonic()
        try:
            with contextlib.redirect_stdout(sys.stderr):
                module = candidate.entry_point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plug-in may raise anything, SystemExit too
            plugin.broken = True
            plugin.problems.append(f"it could not be imported: {cause_of(error)}")
            return
        finally:
            plugin.import_seconds = time.monotonic() - started
        if plugin.import_seconds > SLOW_IMPORT_S:
            plugin.problems.append(
                f"its import took {plugin.import_seconds:.0f} s: heavy packages should come late"
            )
        self._register(plugin, module)

    def _register(self, plugin: Plugin, module: object) -> None:
        if (twin := self._manager.get_name(module)) is not None:
            plugin.broken = True
            plugin.problems.append(f"its module is that of '{safe(twin)}', which is there already")
            return
        try:
            self._manager.register(module, f"{plugin.distribution}:{plugin.name}")
            callers = self._manager.get_hookcallers(module) or []
        except Exception as error:
            plugin.broken = True
            plugin.problems.append(f"it could not be registered: {cause_of(error)}")
            return
        known = [record.hook for record in KINDS.values()]
        for caller in callers:
            if not caller.has_spec():
                plugin.problems.append(
                    f"it implements a hook '{safe(caller.name)}' that does not exist; "
                    f"{nearest(caller.name, known)}"
                )
        for kind, record_type in KINDS.items():
            for caller in callers:
                if caller.name == record_type.hook:
                    for impl in caller.get_hookimpls():
                        if impl.plugin is module:
                            self._collect(plugin, kind, impl.function)
        if not callers:
            hint = "; begin its name with _ if it is no plug-in" if plugin.is_local else ""
            plugin.problems.append(f"it implements no hook of artgan{hint}")
        plugin.broken = plugin.broken or bool(plugin.problems and not plugin.components)

    def _collect(self, plugin: Plugin, kind: str, hook: Any) -> None:
        record_type = KINDS[kind]
        try:
            with contextlib.redirect_stdout(sys.stderr):
                records = list(hook())
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            hint = _field_hint(error, record_type)
            plugin.problems.append(f"its hook '{record_type.hook}' failed: {cause_of(error)}{hint}")
            return
        package = getattr(sys.modules.get(plugin.module), "__package__", "") or ""
        for record in records:
            problem = check_record(record, record_type)
            if problem is None:
                try:
                    record = placed(record, plugin.module, package)
                except ImportError:
                    problem = (
                        f"'{record.name}' names a neighbour of its module, "
                        f"'{safe(plugin.module)}', which is in no package: leave out the first dot"
                    )
            own = [e.record.name for e in self._entries[kind] if e.plugin is plugin]
            if problem is None and record.name in own:
                problem = f"it supplies {noun(kind)} '{safe(record.name)}' twice; the first is used"
            if problem is not None:
                plugin.problems.append(problem)
                continue
            self._entries[kind].append(Entry(record, plugin))
            plugin.components += 1

    def _name_clashes(self) -> None:
        for kind in KINDS:
            for entry in self._entries[kind]:
                rivals = self._claimants(kind, entry.record.name)
                if len(rivals) < 2 or entry.plugin.built_in:
                    continue
                others = [e for e in rivals if e is not entry]
                if others[0].plugin.built_in:
                    verdict = "the one that comes with artgan is used"
                else:
                    verdict = "neither is used"
                entry.plugin.problems.append(
                    f"its {noun(kind)} '{entry.record.name}' clashes with "
                    f"{', '.join(safe(e.qualified) for e in others)}: {verdict} unless you write "
                    f"'{safe(entry.qualified)}'"
                )

    # Finding

    def _claimants(self, kind: str, name: str) -> list[Entry]:
        """Return those that a name stands for; former names count where it is nobody's now."""
        owner, _, bare = name.rpartition(":")
        entries = self._entries[kind]
        if owner:
            wanted = normal_name(owner)
            entries = [e for e in entries if normal_name(e.plugin.distribution) == wanted] or [
                e for e in entries if normal_name(e.plugin.name) == wanted
            ]
        now = [entry for entry in entries if entry.record.name == bare]
        return now or [entry for entry in entries if bare in entry.record.aliases]

    def entries(self, kind: str) -> list[Entry]:
        """Return every component of a kind, clashing ones too, in loading order."""
        return list(self._entries[kind])

    def names(self, kind: str) -> list[str]:
        """Return the names a user may write for a kind: bare where that is unambiguous."""
        return [self.written(entry) for entry in self._entries[kind]]

    def written(self, entry: Entry) -> str:
        """Return the name that a user writes for a component."""
        usable = self._usable(self._claimants(entry.record.kind, entry.record.name))
        return entry.record.name if usable is entry else entry.qualified

    @staticmethod
    def _usable(claimants: list[Entry]) -> Entry | None:
        built_in = [entry for entry in claimants if entry.plugin.built_in]
        if built_in:
            return built_in[0]
        return claimants[0] if len(claimants) == 1 else None

    def find(self, kind: str, name: str) -> Entry:
        """Return the component of a kind that a name stands for.

        Args:
            kind: one of `KINDS`.
            name: "name", "distribution:name" or "plug-in:name"; a former name does, too.

        Raises:
            ComponentError: the name is unknown, or several plug-ins claim it.
        """
        claimants = self._claimants(kind, name)
        entry = self._usable(claimants)
        if entry is not None:
            return entry
        if claimants:
            choices = " or ".join(f"'{safe(e.qualified)}'" for e in claimants)
            raise ComponentError(
                f"{noun(kind)} '{safe(name)}' is claimed by several plug-ins: write {choices}"
            )
        owner = name.rpartition(":")[0]
        if owner and not any(entry.is_of(owner) for entry in self._all()):
            raise ComponentError(
                f"no {noun(kind)} '{safe(name)}': no plug-in of {safe(owner)} is here: install it, "
                "or give the folder that it is in with --plugins-dir"
            )
        raise ComponentError(f"no {noun(kind)} '{safe(name)}': {nearest(name, self.names(kind))}")

    def _all(self) -> list[Entry]:
        return [entry for entries in self._entries.values() for entry in entries]

    def find_any(self, name: str) -> list[Entry]:
        """Return the components of every kind that a name stands for.

        Raises:
            ComponentError: there are none.
        """
        found = []
        for kind in KINDS:
            with contextlib.suppress(ComponentError):
                found.append(self.find(kind, name))
        if not found:
            known = [known for kind in KINDS for known in self.names(kind)]
            clashing = [e for kind in KINDS for e in self._claimants(kind, name)]
            if clashing:
                choices = " or ".join(f"'{safe(e.qualified)}'" for e in clashing)
                raise ComponentError(
                    f"component '{safe(name)}' is claimed by several plug-ins: write {choices}"
                )
            raise ComponentError(f"no component '{safe(name)}': {nearest(name, known)}")
        return found

    # Using

    def options_model(self, entry: Entry) -> type[BaseModel] | None:
        """Return the pydantic model of a component's options, None if it has none.

        Raises:
            PluginError: the model cannot be imported, or is none.
        """
        if entry.record.options is None:
            return None
        from pydantic import BaseModel

        model = self._import(entry, entry.record.options, "options")
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise PluginError(
                f"{noun(entry.record.kind)} '{safe(entry.qualified)}' cannot be "
                f"loaded: its options {safe(entry.record.options)} are no pydantic model: derive "
                "them from artgan.options.Options"
            )
        return model

    def options(self, entry: Entry, table: Mapping[str, object]) -> BaseModel | None:
        """Return a component's options, checked, from a table of settings.

        Raises:
            ConfigError: an option is unknown or has a value it cannot take.
            PluginError: the options cannot be imported.
        """
        from artgan.config import validate

        model = self.options_model(entry)
        where = f"{entry.record.kind}.{entry.record.name}"
        if model is None:
            if table:
                raise ConfigError(f"{where} has no options, but '{next(iter(table))}' was set")
            return None
        return validate(model, table, where)

    def configure(
        self, kind: str, name: str, tables: Mapping[str, Mapping[str, Mapping[str, object]]]
    ) -> tuple[Entry, BaseModel | None]:
        """Return a component and its options, checked, from tables kind -> name -> option.

        A table under "distribution:name" is laid over one under the bare name, and that over one
        under a former name.

        Raises:
            ComponentError, ConfigError: see `find` and `options`.
        """
        entry = self.find(kind, name)
        own = tables.get(kind, {})
        table: dict[str, object] = {}
        keys = [key for key in own if self._is_for(entry, key)]
        for key in sorted(
            keys, key=lambda k: (":" in k, k.rpartition(":")[2] == entry.record.name)
        ):
            table.update(own[key])
        return entry, self.options(entry, table)

    def _is_for(self, entry: Entry, key: str) -> bool:
        """Return whether a table of options is a component's."""
        owner, _, bare = key.rpartition(":")
        if bare == entry.record.name:
            return not owner or entry.is_of(owner)
        return bare in entry.record.aliases and self._claimants(entry.record.kind, key) == [entry]

    def target(self, entry: Entry) -> Any:
        """Return what a component's record points to, imported now.

        Raises:
            PluginError: it cannot be imported.
        """
        return self._import(entry, entry.record.target, "target")

    def build(self, entry: Entry, options: BaseModel | None, *args: Any, **kwargs: Any) -> Any:
        """Return a component's target called with its options and what its kind gets besides.

        Raises:
            PluginError: a third party's target raised; names the plug-in and the cause.
        """
        target = self.target(entry)
        if entry.plugin.built_in:
            return target(options, *args, **kwargs)
        try:
            return target(options, *args, **kwargs)
        except (Exception, SystemExit) as error:
            if isinstance(error, ConfigError):
                raise
            raise PluginError(
                f"{noun(entry.record.kind)} '{safe(entry.qualified)}' "
                f"could not be built: {cause_of(error)}"
            ) from error

    def _import(self, entry: Entry, path: str, what: str) -> Any:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                return import_object(path)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            own = entry.plugin.is_local and getattr(error, "name", None) == entry.plugin.name
            hint = f"; for its own module write ':{path.rpartition(':')[2]}'" if own else ""
            raise PluginError(
                f"{noun(entry.record.kind)} '{safe(entry.qualified)}' cannot be "
                f"loaded: its {what} {safe(path)} failed: {cause_of(error)}{hint}"
            ) from error

    def report(self) -> None:
        """Write one line to stderr for each fault of a plug-in."""
        for plugin in self.plugins:
            for line in plugin.faults():
                say(line)

    def say_once(self, line: str) -> None:
        """Write a line to stderr, unless this registry did already."""
        if line not in self._said:
            self._said.add(line)
            say(line)


def _candidates(
    entry_points: Iterable[EntryPoint] | None, built_in: tuple[str, ...]
) -> list[Candidate]:
    """Return the plug-ins to load, in order."""
    if entry_points is not None:
        candidates = map(Candidate.of, entry_points)
        return sorted(candidates, key=lambda c: (c.distribution, c.name, c.entry_point.value))
    found = look()
    if found.problem is not None:
        say(
            "artgan: plug-ins are off, the list of what is installed is damaged: "
            f"{cause_of(found.problem)}"
        )
    check_names(found, built_in)
    importlib.invalidate_caches()  # what lies in folders may have come a moment ago
    return found.plugins


def _field_hint(error: BaseException, record_type: type[Component]) -> str:
    """Return what to do about a record that was made with a field that it has not, "" otherwise."""
    match = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    if not isinstance(error, TypeError) or match is None:
        return ""
    fields = [field.name for field in dataclasses.fields(record_type)]
    return (
        f"; a record of {record_type.__name__} has no '{match[1]}' ({nearest(match[1], fields)}), "
        "unless it was written for a newer artgan"
    )


@functools.cache
def registry() -> Registry:
    """Return the process's registry, loaded on first use; faults are written to stderr once.

    Raises:
        PluginError: a plug-in has a fault, and ARTGAN_STRICT_PLUGINS is set.
    """
    loaded = Registry()
    loaded.report()
    faulty = [plugin for plugin in loaded.plugins if plugin.problems]
    if faulty and os.environ.get(STRICT, "") not in {"", "0"}:
        names = " ".join(f"--no-plugin {safe(plugin.name)}" for plugin in faulty)
        raise PluginError(
            f"{plural(len(faulty), 'plug-in')} with faults, and {STRICT} is set: mend what is "
            f"named above, or leave it out with {names}"
        )
    return loaded

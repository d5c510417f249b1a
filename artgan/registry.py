"""Loads plug-ins one at a time and finds components by name; imports a component on use."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from artgan import hookspecs
from artgan.api import KINDS, ComponentError, ConfigError, PluginError
from artgan.errors import nearest
from artgan.plugins import (
    Entry,
    Plugin,
    cause_of,
    check_record,
    distribution_of,
    import_object,
    installed,
    normal_name,
)
from artgan.records import noun
from artgan.screen import safe, say

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pydantic import BaseModel

__all__ = ["BUILT_IN", "Registry", "registry"]

BUILT_IN = ("artgan_plugins",)
SLOW_IMPORT_S = 5.0


class Registry:
    """Every component there is, by kind and name.

    Args:
        built_in: modules that come with artgan.
        entry_points: what third parties installed; None reads the environment's metadata, or
            nothing when ARTGAN_NO_PLUGINS is set.
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
        for module in built_in:
            self._load_built_in(module)
        found = installed() if entry_points is None else entry_points
        for entry_point in sorted(found, key=lambda e: (distribution_of(e)[0], e.name, e.value)):
            self._load_entry_point(entry_point)
        self._name_clashes()

    # Loading

    def _load_built_in(self, module: str) -> None:
        from artgan import __version__

        plugin = Plugin(module, "artgan", __version__, built_in=True)
        self.plugins.append(plugin)
        self._register(plugin, importlib.import_module(module))

    def _load_entry_point(self, entry_point: EntryPoint) -> None:
        distribution, version = distribution_of(entry_point)
        plugin = Plugin(entry_point.name, distribution, version)
        self.plugins.append(plugin)
        started = time.monotonic()
        try:
            with contextlib.redirect_stdout(sys.stderr):
                module = entry_point.load()
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
        try:
            registered = self._manager.register(module, f"{plugin.distribution}:{plugin.name}")
            callers = self._manager.get_hookcallers(module) or []
        except Exception as error:
            plugin.broken = True
            plugin.problems.append(f"it could not be registered: {cause_of(error)}")
            return
        if registered is None:
            plugin.broken = True
            plugin.problems.append("it could not be registered: its name is blocked")
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
            plugin.problems.append("it implements no hook of artgan")
        plugin.broken = plugin.broken or bool(plugin.problems and not plugin.components)

    def _collect(self, plugin: Plugin, kind: str, hook: Any) -> None:
        record_type = KINDS[kind]
        try:
            with contextlib.redirect_stdout(sys.stderr):
                records = list(hook())
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            plugin.problems.append(f"its hook '{record_type.hook}' failed: {cause_of(error)}")
            return
        for record in records:
            problem = check_record(record, record_type)
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
        return [entry for entry in self._entries[kind] if entry.record.name == name]

    def entries(self, kind: str) -> list[Entry]:
        """Return every component of a kind, clashing ones too, in loading order."""
        return list(self._entries[kind])

    def names(self, kind: str) -> list[str]:
        """Return the names a user may write for a kind: bare where that is unambiguous."""
        names = []
        for entry in self._entries[kind]:
            usable = self._usable(self._claimants(kind, entry.record.name))
            names.append(entry.record.name if usable is entry else entry.qualified)
        return names

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
            name: "name" or "distribution:name".

        Raises:
            ComponentError: the name is unknown, or several plug-ins claim it.
        """
        distribution, _, bare = name.rpartition(":")
        claimants = self._claimants(kind, bare)
        if distribution:
            wanted = normal_name(distribution)
            claimants = [e for e in claimants if normal_name(e.plugin.distribution) == wanted]
        entry = self._usable(claimants)
        if entry is not None:
            return entry
        if claimants:
            choices = " or ".join(f"'{safe(e.qualified)}'" for e in claimants)
            raise ComponentError(
                f"{noun(kind)} '{safe(name)}' is claimed by several plug-ins: write {choices}"
            )
        raise ComponentError(f"no {noun(kind)} '{safe(name)}': {nearest(name, self.names(kind))}")

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

        A table under "distribution:name" is laid over one under the bare name.

        Raises:
            ComponentError, ConfigError: see `find` and `options`.
        """
        entry = self.find(kind, name)
        own = tables.get(kind, {})
        table = {**own.get(entry.record.name, {}), **own.get(entry.qualified, {})}
        return entry, self.options(entry, table)

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
            raise PluginError(
                f"{noun(entry.record.kind)} '{safe(entry.qualified)}' cannot be "
                f"loaded: its {what} {safe(path)} failed: {cause_of(error)}"
            ) from error

    def report(self) -> None:
        """Write one line to stderr for each fault of a plug-in."""
        for plugin in self.plugins:
            for line in plugin.faults():
                say(line)


@functools.cache
def registry() -> Registry:
    """Return the process's registry, loaded on first use; faults are written to stderr once."""
    loaded = Registry()
    loaded.report()
    return loaded

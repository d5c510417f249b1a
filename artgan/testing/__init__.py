"""The contract tests, for the components of artgan and of others alike. Needs no pytest.

A plug-in's own tests need three lines for everything it brings:

    REGISTRY = isolated_registry("artgan_confetti")

    @pytest.mark.parametrize("entry", components(REGISTRY), ids=lambda entry: entry.qualified)
    def test_contract(entry):
        check_component(REGISTRY, entry)

`artgan plugins check` does the same for a name, a package's folder or a module.

What a contract is stands in `artgan.api`; what is checked of it stands here, a module a kind.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from types import ModuleType

from artgan.api import KINDS
from artgan.plugins import GROUP, Entry
from artgan.registry import BUILT_IN, Registry
from artgan.testing.expect import ContractError, expect
from artgan.testing.importing import check_imports
from artgan.testing.settings import check_options, check_presets

__all__ = [
    "ContractError",
    "check_component",
    "check_plugins",
    "components",
    "isolated_registry",
]


def isolated_registry(*plugins: str | ModuleType | EntryPoint, built_in: bool = False) -> Registry:
    """Return a registry of the plug-ins given and no others; what is installed is not looked at.

    Args:
        plugins: importable modules, by name or imported, or entry points.
        built_in: whether the components that come with artgan are in it too.
    """
    points = []
    for plugin in plugins:
        if isinstance(plugin, EntryPoint):
            points.append(plugin)
        else:
            module = plugin.__name__ if isinstance(plugin, ModuleType) else plugin
            points.append(EntryPoint(module.rpartition(".")[2], module, GROUP))
    return Registry(BUILT_IN if built_in else (), points)


def components(registry: Registry) -> list[Entry]:
    """Return every component of a registry, kind after kind."""
    return [entry for kind in KINDS for entry in registry.entries(kind)]


def check_plugins(registry: Registry) -> None:
    """Check that every plug-in loaded without a problem and supplies something.

    Raises:
        ContractError: one did not; holds the lines that a user would see.
    """
    faults = [line for plugin in registry.plugins for line in plugin.faults()]
    expect(not faults, "\n".join(faults))
    for plugin in registry.plugins:
        expect(
            plugin.components > 0,
            f"plug-in '{plugin.name}' supplies no component: expected its hooks to return records",
        )


def check_component(
    registry: Registry, entry: Entry | str, options: Mapping[str, object] | None = None
) -> None:
    """Check that a component keeps the contract of its kind.

    Args:
        registry: where it is from.
        entry: which; or "kind/name", such as "samplers/slerp".
        options: settings to check it with; None is its defaults.

    Raises:
        ContractError: it breaks its contract; says what was given and what was expected.
        ArtganError: it cannot be found, loaded or built at all.
    """
    if isinstance(entry, str):
        kind, _, name = entry.partition("/")
        expect(kind in KINDS, f"no kind '{kind}': expected KIND/NAME, kinds: {', '.join(KINDS)}")
        entry = registry.find(kind, name)
    record = entry.record
    where = f"{type(record).__name__.lower()} '{record.name}'"
    expect(bool(record.summary.strip()), f"{where} has no summary: expected one line for lists")
    expect("\n" not in record.summary, f"{where}: its summary has several lines, expected one")
    check_options(registry, entry, where)
    check_presets(registry, entry, where)
    check_imports(registry, entry, where)
    module = importlib.import_module(f"artgan.testing.{record.kind}")
    check: Callable[..., None] = module.check
    settings = registry.options(entry, options or {})
    check(record, lambda *args, **given: registry.build(entry, settings, *args, **given), where)

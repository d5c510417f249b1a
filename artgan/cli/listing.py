"""What `artgan plugins` lists: components, who supplies them, what can be set. No torch."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

from artgan import __version__
from artgan.api import KINDS, Component
from artgan.cli.strangers import Stranger, strangers
from artgan.discovery import normal_name
from artgan.errors import ConfigError, nearest
from artgan.plugins import Entry, Plugin
from artgan.records import noun
from artgan.registry import Registry, registry
from artgan.screen import safe, say

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo
    from rich.console import Console

__all__ = ["app", "list_", "option_rows", "show"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="List plug-ins and components, begin a plug-in, and check what there is.",
)

Kind = Annotated[
    str | None,
    typer.Option("--kind", metavar="KIND", show_envvar=False, help=f"One of: {', '.join(KINDS)}."),
]
Json = Annotated[
    bool, typer.Option("--json", show_envvar=False, help="Print JSON instead of a table.")
]


@app.command("list")
def list_(
    kind: Kind = None,
    as_json: Json = False,
    requirements: Annotated[
        bool,
        typer.Option(
            "--requirements",
            show_envvar=False,
            help="Print the packages that supply something, as pip takes them.",
        ),
    ] = False,
) -> None:
    """List the components and the plug-ins that supply them."""
    wanted = _kinds(kind)
    known = registry()
    commands = _commands()
    if requirements:
        _print_requirements(known, commands)
        return
    entries = [entry for name in wanted for entry in known.entries(name)]
    if as_json:
        _print_json(
            components=[_summary(known, entry) for entry in entries],
            plugins=[_plugin(plugin) for plugin in known.plugins],
            commands=[_command(command) for command in commands],
        )
        return
    _table(
        ("kind", "name", "summary", "supplied by", "status"),
        (
            (
                e.record.kind,
                known.written(e),
                e.record.summary,
                _supplier(e.plugin),
                _status(known, e),
            )
            for e in entries
        ),
    )
    print()
    _print_plugins(known.plugins)
    if commands:
        print()
        _table(
            ("command", "supplied by", "status", "problems"),
            ((c.name, c.supplier, c.status, c.problem) for c in commands),
        )


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name, or DISTRIBUTION:NAME.")],
    kind: Kind = None,
    as_json: Json = False,
) -> None:
    """Show what a component does, its options, its source, and who supplies it."""
    known = registry()
    wanted = _kinds(kind)
    found = known.find_any(name) if kind is None else [known.find(wanted[0], name)]
    if as_json:
        _print_json(components=[_details(known, entry) for entry in found])
        return
    for number, entry in enumerate(found):
        if number:
            print()
        _print_details(known, entry)


def _kinds(kind: str | None) -> list[str]:
    if kind is None:
        return list(KINDS)
    if kind not in KINDS:
        raise ConfigError(f"no kind '{safe(kind)}': {nearest(kind, KINDS)}")
    return [kind]


# What there is to say ------------------------------------------------------------------------


def _commands() -> list[Stranger]:
    """Return third parties' commands, those that cannot be run too."""
    from artgan.cli.app import COMMANDS

    return strangers(COMMANDS)


def _supplier(plugin: Plugin) -> str:
    return f"{plugin.distribution} {plugin.version}".strip()


def _status(known: Registry, entry: Entry) -> str:
    """Return "ok", or "clash" where another plug-in claims the bare name."""
    return "ok" if known.written(entry) == entry.record.name else "clash"


def _facts(record: Component) -> dict[str, Any]:
    """Return what the record says beyond what every record says."""
    common = {field.name for field in dataclasses.fields(Component)}
    fields = (field.name for field in dataclasses.fields(record))
    return {name: getattr(record, name) for name in fields if name not in common}


def _summary(known: Registry, entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.record.kind,
        "name": entry.record.name,
        "write": known.written(entry),
        "summary": entry.record.summary,
        "distribution": entry.plugin.distribution,
        "version": entry.plugin.version,
        "plugin": entry.plugin.name,
        "built_in": entry.plugin.built_in,
        "status": _status(known, entry),
    }


def _plugin(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "built_in": plugin.built_in,
        "status": plugin.status,
        "components": plugin.components,
        "import_ms": _import_ms(plugin),
        "file": None if plugin.file is None else str(plugin.file),
        "problems": plugin.problems,
    }


def _import_ms(plugin: Plugin) -> float:
    """Return how long a plug-in took to import, milliseconds."""
    return round(plugin.import_seconds * 1000, 1)


def _command(command: Stranger) -> dict[str, Any]:
    return {
        "name": command.name,
        "distribution": command.candidate.distribution,
        "version": command.candidate.version,
        "status": command.status,
        "problem": command.problem,
    }


def _details(known: Registry, entry: Entry) -> dict[str, Any]:
    model = known.options_model(entry)
    return {
        **_summary(known, entry),
        "source": entry.record.source,
        "aliases": entry.record.aliases,
        "import_ms": _import_ms(entry.plugin),
        "target": entry.record.target,
        "facts": _facts(entry.record),
        "options": [] if model is None else option_rows(model),
    }


# Options, read from their model --------------------------------------------------------------


def option_rows(model: type[BaseModel]) -> list[dict[str, Any]]:
    """Return a row of facts for each option of a model: name, type, default, range, description."""
    return [
        {
            "name": name,
            "type": _type_text(field.annotation),
            "default": None
            if field.is_required()
            else field.get_default(call_default_factory=True),
            "required": field.is_required(),
            "range": _range_text(field),
            "description": field.description or "",
        }
        for name, field in model.model_fields.items()
    ]


def _type_text(annotation: Any) -> str:
    """Return a type as a person would write it.

    >>> _type_text(Literal["nearest", "bilinear"] | None)
    'nearest | bilinear | none'
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is None or annotation is type(None):
        return "none"
    if origin is Annotated:
        return _type_text(args[0])
    if origin is Literal:
        return " | ".join(str(arg) for arg in args)
    if origin in {Union, types.UnionType}:
        return " | ".join(_type_text(arg) for arg in args)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " | ".join(str(member.value) for member in annotation)
    if origin is not None:
        inner = ", ".join("..." if arg is Ellipsis else _type_text(arg) for arg in args)
        return f"{getattr(origin, '__name__', origin)}[{inner}]"
    return str(getattr(annotation, "__name__", annotation))


_BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "multiple_of": "multiple of"}


def _range_text(field: FieldInfo) -> str:
    """Return the bounds of a field, such as ">= 1, <= 4096", or ""."""
    bounds = []
    for item in [*field.metadata, *_nested_metadata(field.annotation)]:
        for attribute, sign in _BOUNDS.items():
            value = getattr(item, attribute, None)
            if value is not None:
                bounds.append(f"{sign} {value}")
    return ", ".join(bounds)


def _nested_metadata(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        items = annotation.__metadata__  # bounds, or a Field that holds some
        return [bound for item in items for bound in getattr(item, "metadata", [item])]
    if get_origin(annotation) in {Union, types.UnionType}:
        return [item for arg in get_args(annotation) for item in _nested_metadata(arg)]
    return []


# Printing ------------------------------------------------------------------------------------


def _print_json(**parts: Any) -> None:
    print(json.dumps({"version": 1, "artgan": __version__, **parts}, indent=2, default=str))


def _console() -> Console:
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows under a header on stdout; what came from outside is escaped here."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, title in enumerate(header):
        table.add_column(title, overflow="fold", no_wrap=number < 2)
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    _console().print(table)


def _print_plugins(plugins: list[Plugin]) -> None:
    """Print a row for each plug-in, with its import time where some are third parties'."""
    timed = any(not plugin.built_in for plugin in plugins)
    header = ("plug-in", "supplied by", "components", "status", "problems")
    rows = []
    for plugin in plugins:
        row = (
            plugin.name,
            _supplier(plugin),
            str(plugin.components),
            plugin.status,
            "; ".join(plugin.problems),
        )
        rows.append((*row[:4], f"{_import_ms(plugin):.0f}", *row[4:]) if timed else row)
    _table((*header[:4], "import ms", *header[4:]) if timed else header, rows)


def _print_requirements(known: Registry, commands: list[Stranger]) -> None:
    """Print "name==version" of each package that supplies a component or a command, sorted."""
    useful = [p for p in known.plugins if p.components and not p.built_in]
    packages = {(p.distribution, p.version) for p in useful if not p.is_local} | {
        (c.candidate.distribution, c.candidate.version) for c in commands if c.status == "ok"
    }
    for name, version in sorted(packages, key=lambda package: normal_name(package[0])):
        if version:
            print(safe(f"{name}=={version}"))
        else:
            say(f"artgan: {safe(name)} is left out: it does not say which package it is of")
    for plugin in useful:
        if plugin.is_local:
            say(
                f"artgan: {safe(plugin.name)} is left out: it is no package but "
                f"{safe(plugin.file)}, found by --plugins-dir"
            )


def _print_details(known: Registry, entry: Entry) -> None:
    record = entry.record
    options = _details(known, entry)["options"]
    print(f"{noun(record.kind)} {safe(known.written(entry))}")
    lines: dict[str, str] = {
        "summary": record.summary,
        "supplied by": _supplier(entry.plugin)
        + ("" if entry.plugin.file is None else f", {safe(entry.plugin.file)}"),
        "source": record.source,
        "former names": ", ".join(record.aliases),
    }
    lines.update({label.replace("_", " "): _fact(label, v) for label, v in _facts(record).items()})
    if not options:
        lines["options"] = "none"
    width = max(len(label) for label, text in lines.items() if text)
    for label, text in lines.items():
        if text:
            print(f"  {label:<{width}}  {safe(text)}")
    if options:
        print(f"\noptions, set with --set {record.kind}.{safe(record.name)}.OPTION=VALUE")
        for option in options:
            default = "required" if option["required"] else _plain(option["default"])
            limits = ", ".join(filter(None, (option["type"], option["range"])))
            print(f"  {safe(option['name'])} = {safe(default)}  ({safe(limits)})")
            if option["description"]:
                print(f"      {safe(option['description'])}")


def _fact(label: str, value: object) -> str:
    """Return what a record says under a label, in words; pairs as pairs.

    >>> _fact("figures", (("swd", "low"), ("finest", ""))), _fact("quick", (("patches", 16),))
    ('swd (low is better), finest', 'patches = 16')
    """
    if not isinstance(value, tuple) or not value or not all(map(_is_pair, value)):
        return _plain(value)
    if label == "figures":
        return ", ".join(f"{name} ({way} is better)" if way else name for name, way in value)
    return ", ".join(f"{name} = {_plain(what)}" for name, what in value)


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def _plain(value: object) -> str:
    """Return a value in words.

    >>> _plain((1, 3)), _plain(True), _plain(None)
    ('1, 3', 'yes', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (tuple, list, frozenset)):
        return ", ".join(map(_plain, value))
    return str(value)

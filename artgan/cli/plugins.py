"""`artgan plugins`: which components there are, who supplies them, what can be set. No torch."""

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
from artgan.errors import ComponentError, ConfigError, nearest
from artgan.plugins import Entry, Plugin
from artgan.records import noun
from artgan.registry import Registry, registry
from artgan.screen import safe

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo
    from rich.console import Console

__all__ = ["app", "list_", "show"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List plug-ins and components.")

Kind = Annotated[
    str | None,
    typer.Option("--kind", metavar="KIND", show_envvar=False, help=f"One of: {', '.join(KINDS)}."),
]
Json = Annotated[
    bool, typer.Option("--json", show_envvar=False, help="Print JSON instead of a table.")
]


@app.command("list")
def list_(kind: Kind = None, as_json: Json = False) -> None:
    """List the components and the plug-ins that supply them."""
    wanted = _kinds(kind)
    known = registry()
    entries = [entry for name in wanted for entry in known.entries(name)]
    if as_json:
        _print_json(
            components=[_summary(known, entry) for entry in entries],
            plugins=[_plugin(plugin) for plugin in known.plugins],
        )
        return
    _table(
        ("kind", "name", "summary", "supplied by", "status"),
        (
            (
                e.record.kind,
                _written(known, e),
                e.record.summary,
                _supplier(e.plugin),
                _status(known, e),
            )
            for e in entries
        ),
    )
    print()
    _table(
        ("plug-in", "supplied by", "components", "status", "problems"),
        (
            (p.name, _supplier(p), str(p.components), p.status, "; ".join(p.problems))
            for p in known.plugins
        ),
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


def _written(known: Registry, entry: Entry) -> str:
    """Return the name that a user writes for a component."""
    try:
        usable = known.find(entry.record.kind, entry.record.name) is entry
    except ComponentError:
        usable = False
    return entry.record.name if usable else entry.qualified


def _supplier(plugin: Plugin) -> str:
    return f"{plugin.distribution} {plugin.version}".strip()


def _status(known: Registry, entry: Entry) -> str:
    """Return "ok", or "clash" where another plug-in claims the bare name."""
    return "ok" if _written(known, entry) == entry.record.name else "clash"


def _facts(record: Component) -> dict[str, Any]:
    """Return what the record says beyond what every record says."""
    common = {field.name for field in dataclasses.fields(Component)}
    fields = (field.name for field in dataclasses.fields(record))
    return {name: getattr(record, name) for name in fields if name not in common}


def _summary(known: Registry, entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.record.kind,
        "name": entry.record.name,
        "write": _written(known, entry),
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
        "import_seconds": round(plugin.import_seconds, 3),
        "problems": plugin.problems,
    }


def _details(known: Registry, entry: Entry) -> dict[str, Any]:
    model = known.options_model(entry)
    return {
        **_summary(known, entry),
        "source": entry.record.source,
        "target": entry.record.target,
        "facts": _facts(entry.record),
        "options": [] if model is None else _options(model),
    }


# Options, read from their model --------------------------------------------------------------


def _options(model: type[BaseModel]) -> list[dict[str, Any]]:
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


def _print_details(known: Registry, entry: Entry) -> None:
    record = entry.record
    options = _details(known, entry)["options"]
    print(f"{noun(record.kind)} {safe(_written(known, entry))}")
    lines: dict[str, str] = {
        "summary": record.summary,
        "supplied by": _supplier(entry.plugin),
        "source": record.source,
    }
    lines.update({label.replace("_", " "): _fact(label, v) for label, v in _facts(record).items()})
    if not options:
        lines["options"] = "none"
    width = max(map(len, lines))
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

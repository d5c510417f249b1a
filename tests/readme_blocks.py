"""The generated tables of README.md and docs/: `make readme` rewrites them from the code."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from artgan import api, errors
from artgan.api import KINDS, Component
from artgan.cli.app import COMMANDS
from artgan.cli.listing import option_rows
from artgan.config import TrainConfig
from artgan.plugins import Entry, import_object
from artgan.registry import Registry

__all__ = ["BLOCKS", "DOCUMENTS", "README", "rewritten"]

_ROOT = Path(__file__).resolve().parent.parent
README = _ROOT / "README.md"
DOCUMENTS = (README, *sorted((_ROOT / "docs").glob("*.md")))


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _table(head: list[str], rows: list[str]) -> str:
    return "\n".join([_row(*head), "|" + "---|" * len(head), *rows])


def commands() -> str:
    """Return the table of commands."""
    rows = [_row(f"`artgan {name}`", command.summary) for name, command in COMMANDS.items()]
    return _table(["command", "what it does"], rows)


def _default(field: Any) -> str:
    if field.default is PydanticUndefined or field.default is None:
        return "chosen" if field.default is None else ""
    if isinstance(field.default, tuple):
        return ", ".join(f"`{name}`" for name in field.default)
    return f"`{field.default}`"


_FLAGS = {
    "regularizers": "--regularizer",
    "augmentations": "--augment",
    "policies": "--policy",
    "metrics": "--metric",
    "callbacks": "--callback",
    "losses": "--loss",
    "styles": "--style",
}
"""Settings that are lists: each flag adds one."""


def settings() -> str:
    """Return the table of settings of `train`."""
    rows = []
    for name, field in TrainConfig.model_fields.items():
        if name in {"images", "components"}:
            continue
        flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
        default = "" if name == "minutes" else _default(field)
        rows.append(_row(f"`{flag}`", default, field.description))
    return _table(["`train`", "default", "meaning"], rows)


def components() -> str:
    """Return the table of components that come with artgan."""
    rows = [
        _row(entry.record.kind, f"`{entry.record.name}`", entry.record.summary, entry.record.source)
        for _, entry in _entries()
    ]
    return _table(["kind", "name", "what it is", "source"], rows)


def _entries() -> Iterator[tuple[Registry, Entry]]:
    registry = Registry(entry_points=[])
    for kind in KINDS:
        for entry in registry.entries(kind):
            yield registry, entry


def component_options() -> str:
    """Return every component with its facts and options, a section a kind."""
    lines: list[str] = []
    kind = ""
    for registry, entry in _entries():
        record = entry.record
        if record.kind != kind:
            kind = record.kind
            doc = (KINDS[kind].__doc__ or "").partition("\n\n")[0]
            lines += [f"## {kind.capitalize()}", "", " ".join(doc.split()).replace("``", "`"), ""]
        lines += [f"### `{record.name}`", "", record.summary[:1].upper() + record.summary[1:] + "."]
        if record.source:
            lines += ["", f"Source: {record.source}."]
        model = registry.options_model(entry)
        if model is not None:
            rows = [
                _row(
                    f"`{option['name']}`",
                    "" if option["default"] is None else f"`{option['default']}`",
                    ", ".join(filter(None, (option["type"], option["range"]))),
                    option["description"],
                )
                for option in option_rows(model)
            ]
            lines += ["", _table(["option", "default", "values", "meaning"], rows)]
        lines.append("")
    return "\n".join(lines).rstrip()


def command_options() -> str:
    """Return every command with its arguments and flags."""
    import typer

    lines: list[str] = []
    for name, command in COMMANDS.items():
        found: Any = typer.main.get_command(import_object(command.target))
        inner = getattr(found, "commands", None)
        lines += [f"## `artgan {name}`", ""]
        each = {f"{name} {sub}": it for sub, it in inner.items()} if inner else {name: found}
        for words, one in each.items():
            if inner:
                lines += [f"### `artgan {words}`", ""]
            lines += [_plain(one.help or command.summary), ""]
            rows = [
                _row(f"`{_spelling(param)}`", _plain(getattr(param, "help", "") or ""))
                for param in one.params
                if param.name not in {"help", "install_completion", "show_completion"}
            ]
            lines += [_table(["argument or flag", "meaning"], rows), ""] if rows else []
    return "\n".join(lines).rstrip()


def _spelling(param: Any) -> str:
    """Return an argument's name, or a flag's in all its spellings."""
    if not hasattr(param, "is_flag"):  # an argument
        return str(param.metavar or param.name).strip("[]")
    kind = getattr(param.type_descriptor.annotation, "__name__", "")
    words = {"int": "INTEGER", "float": "NUMBER", "Path": "PATH"}
    value = "" if param.is_flag else f" {param.metavar or words.get(kind, 'TEXT')}"
    return ", ".join([*param.opts, *param.secondary_opts]) + value


def _plain(help_text: str) -> str:
    """Return a help text without its escapes, a line for each paragraph."""
    text = help_text.replace("\\[", "[").replace("\\]", "]")
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def hooks() -> str:
    """Return every hook with its signature, what it returns, and what its target is."""
    rows = []
    for kind, record in KINDS.items():
        own = [entry for _, entry in _entries() if entry.record.kind == kind]
        doc = " ".join((record.__doc__ or "").partition("\n\n")[0].split())
        target = doc.partition("Target: ")[2].rstrip(".")
        members = ", ".join(f"`{entry.record.name}`" for entry in own[:3])
        rows.append(
            _row(
                f"`{record.hook}() -> Iterable[{record.__name__}]`",
                doc.partition(" Target: ")[0].rstrip("."),
                target.replace("``", "`"),
                members + (" ..." if len(own) > 3 else ""),
            )
        )
    return _table(["hook", "a record is", "its target", "members"], rows)


def record_fields() -> str:
    """Return what each kind's record says beyond what every record says."""
    common = "\n".join(_attributes(Component))
    lines = ["Every record:", "", common, ""]
    for record in KINDS.values():
        own = _attributes(record)
        if own:
            lines += [f"`{record.__name__}`:", "", *own, ""]
    return "\n".join(lines).rstrip()


def _attributes(record: type[Component]) -> list[str]:
    """Return the attributes that a record's docstring explains, as list items."""
    part = (record.__doc__ or "").partition("Attributes:\n")[2]
    items: list[str] = []
    for line in part.splitlines():
        if not line.strip():
            break
        indent = len(line) - len(line.lstrip())
        if indent <= 8 or not items:
            name, _, meaning = line.strip().partition(": ")
            names = ", ".join(f"`{each}`" for each in name.split(", "))
            items.append(f"- {names}: {meaning}")
        else:
            items[-1] += f" {line.strip()}"
    return items


def contracts() -> str:
    """Return the signatures and docstrings of what targets build."""
    lines: list[str] = []
    for name in CONTRACTS:
        contract = getattr(api, name)
        lines += [f"### `{name}`", "", _docstring(contract), ""]
        for method, function in vars(contract).items():
            if method.startswith("_") and method != "__call__":
                continue
            if callable(function) and not isinstance(function, type):
                signature = str(inspect.signature(function)).replace("'", "")
                lines += [f"`{method}{signature}`", "", _docstring(function), ""]
    return "\n".join(lines).rstrip()


def _docstring(thing: Any) -> str:
    text = inspect.getdoc(thing) or ""
    return "```text\n" + text + "\n```" if "\n" in text else text


def error_list() -> str:
    """Return the exit codes and the tree of errors."""
    tree = re.search(r"\n\n((?:    .*\n)+)", errors.__doc__ or "")
    assert tree is not None
    return (
        "Bad input is one sentence on stderr: what was given, what was expected, what to do. Exit\n"
        "codes: 0 done, 1 the work failed, 2 wrong call or settings, 130 and 143 interrupted "
        "(saved\nfirst).\n\n" + tree[1].rstrip()
    )


CONTRACTS = (
    "Generator",
    "Discriminator",
    "Networks",
    "Stage",
    "Term",
    "Batch",
    "Adversarial",
    "Augment",
    "Controller",
    "Statistics",
    "Action",
    "Measure",
    "View",
    "PictureLoss",
    "FeatureExtractor",
    "Path2Codes",
    "Alter",
    "FrameWriter",
    "Listener",
    "RunFacts",
)
"""What targets build and are shown, in the order of the kinds."""

BLOCKS = {
    "command-options": command_options,
    "component-options": component_options,
    "contracts": contracts,
    "hooks": hooks,
    "record-fields": record_fields,
    "commands": commands,
    "settings": settings,
    "components": components,
    "errors": error_list,
}


def rewritten(text: str) -> str:
    """Return a document with every generated block made anew."""
    for name in re.findall(r"<!-- begin ([a-z-]+) -->", text):
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        assert found, f"{begin} has no end"
        text = f"{before}{begin}\n{BLOCKS[name]()}\n{end}{after}"
    return text


if __name__ == "__main__":
    for document in DOCUMENTS:
        old = document.read_text(encoding="utf-8")
        document.write_text(rewritten(old), encoding="utf-8")
    sys.exit(0)

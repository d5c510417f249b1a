"""The README's generated tables: `python tests/readme_blocks.py` rewrites them from the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from artgan import errors
from artgan.api import KINDS
from artgan.cli.app import COMMANDS
from artgan.config import TrainConfig
from artgan.registry import Registry

__all__ = ["BLOCKS", "README", "rewritten"]

README = Path(__file__).resolve().parent.parent / "README.md"


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
    registry = Registry(entry_points=[])
    rows = []
    for kind in KINDS:
        for entry in registry.entries(kind):
            model = registry.options_model(entry)
            options = ", ".join(f"`{name}`" for name in model.model_fields) if model else ""
            record = entry.record
            rows.append(_row(kind, f"`{record.name}`", record.summary, options, record.source))
    return _table(["kind", "name", "what it is", "options", "source"], rows)


def error_list() -> str:
    """Return the exit codes and the tree of errors."""
    tree = re.search(r"\n\n((?:    .*\n)+)", errors.__doc__ or "")
    assert tree is not None
    return (
        "Bad input is one sentence on stderr: what was given, what was expected, what to do. Exit\n"
        "codes: 0 done, 1 the work failed, 2 wrong call or settings, 130 and 143 interrupted "
        "(saved\nfirst).\n\n" + tree[1].rstrip()
    )


BLOCKS = {
    "commands": commands,
    "settings": settings,
    "components": components,
    "errors": error_list,
}


def rewritten(text: str) -> str:
    """Return the README with every generated block made anew."""
    for name, make in BLOCKS.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        assert rest, f"README.md lacks {begin}"
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


if __name__ == "__main__":
    old = README.read_text(encoding="utf-8")
    new = rewritten(old)
    README.write_text(new, encoding="utf-8")
    sys.exit(0)

"""Pieces of Python put together as the formatter would have them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

__all__ = ["import_block", "joined", "public_names"]

WIDTH = 100


def public_names(*code: str) -> str:
    """Return a list of what is defined at the top of pieces of code, as it is written in Python.

    >>> public_names("def b(x):\\n    y = 1", "A = 1")
    '["A", "b"]'
    """
    pattern = re.compile(r"^(?:def |class )?([A-Za-z]\w*)(?: = |\(|:)", re.MULTILINE)
    names = sorted(pattern.findall("\n".join(code)))
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def joined(docstring: str, imports: str, *pieces: str) -> str:
    """Return a module of pieces: two blank lines around what is defined, else one."""
    text, defined = f"{docstring}\n\n{imports}", False
    for piece in pieces:
        defines = piece.startswith(("def ", "class ", "@"))
        text += ("\n\n\n" if defines or defined else "\n\n") + piece
        defined = defines
    return text + "\n"


def import_block(runtime: Iterable[str], typing: Iterable[str], *, own: str = "") -> str:
    """Return import lines sorted: Python's own, others', those of a package, relative ones.

    Args:
        runtime: such lines, a module each.
        typing: those that only annotations need.
        own: the package whose imports come last.
    """
    lines = list(runtime)
    types = _sorted(typing, own)
    if types:
        lines.append("from typing import TYPE_CHECKING")
    block = f"from __future__ import annotations\n\n{_sorted(lines, own)}"
    if types:
        block += "\n\nif TYPE_CHECKING:\n" + "\n".join(f"    {line}" for line in types.splitlines())
    return block


def _sorted(lines: Iterable[str], own: str) -> str:
    names: dict[str, set[str]] = {}
    modules: set[str] = set()
    for line in lines:
        if line.startswith("import "):
            modules.add(line.removeprefix("import "))
        else:
            module, _, imported = line.removeprefix("from ").partition(" import ")
            names.setdefault(module, set()).update(imported.split(", "))
    groups: list[list[str]] = [[], [], [], []]
    for module in sorted(modules):
        groups[_group(module, own)].append(f"import {module}")
    for module in sorted(names):
        groups[_group(module, own)].append(_from(module, sorted(names[module], key=_rank)))
    return "\n\n".join("\n".join(group) for group in groups if group)


def _group(module: str, own: str) -> int:
    top = module.partition(".")[0]
    if not top:
        return 3
    return 0 if top in sys.stdlib_module_names else 2 if top == own else 1


def _rank(name: str) -> tuple[int, str]:
    """Return what names are sorted by: constants, classes, functions."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)


def _from(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"

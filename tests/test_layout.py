"""The house in order: __all__ is exact, every module says what it holds, doctests hold."""

from __future__ import annotations

import ast
import doctest
import importlib

import pytest
from helpers import COMPONENTS, HOST, ROOT

MODULES = [
    name for name in (*HOST, *COMPONENTS) if not name.endswith("__main__")
]  # __main__ ends the process
EMPTY = {"artgan", "artgan.cli", "artgan.data", "artgan.flows", "artgan.pipelines"}


def defined(tree):
    """Return the public names that a module's top level defines itself."""
    names = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", MODULES)
def test_all_is_exact(name):
    """Whatever is listed exists, is listed once, in order, and no function or class is left out."""
    path = {**HOST, **COMPONENTS}[name]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    listed = getattr(importlib.import_module(name), "__all__", None)
    if listed is None:
        assert not defined(tree), f"{name} has no __all__"
        return
    module = importlib.import_module(name)
    assert len(set(listed)) == len(listed)
    assert all(hasattr(module, entry) for entry in listed)
    public = {
        node.name
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    }
    assert public <= set(listed), f"{name}: {public - set(listed)} not in __all__"


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_holds(name):
    doc = ast.get_docstring(ast.parse({**HOST, **COMPONENTS}[name].read_text(encoding="utf-8")))
    assert doc
    assert doc.splitlines()[0].endswith(".")


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


def test_no_file_is_longer_than_it_should_be():
    long = {
        name: lines
        for name, path in {**HOST, **COMPONENTS}.items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert long == {}


def test_the_command_line_knows_each_of_its_modules():
    from artgan.cli.app import COMMANDS

    for name, command in COMMANDS.items():
        module, _, attribute = command.target.partition(":")
        assert (module, attribute) == (f"artgan.cli.{name.replace('-', '_')}", "app")
        assert command.summary.endswith(".")


def test_the_package_is_typed():
    assert (ROOT / "artgan" / "py.typed").exists()
    assert (ROOT / "plugins" / "artgan_plugins" / "py.typed").exists()

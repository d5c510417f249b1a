"""What may import what, and what must not be imported early."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import pytest
from helpers import COMPONENTS, HOST, ROOT

HEAVY = ("torch", "numpy", "PIL", "torchvision", "imageio", "matplotlib")

LAYERS = [
    {"__init__"},
    {"errors", "screen", "files", "options", "vision"},
    {"control", "looks", "records"},
    {"learning"},
    {"api"},
    {"images", "pictures", "colours", "formats", "latents", "config", "engine", "hookspecs"}
    | {"stylesettings", "neighbours", "picturefiles", "animations", "films", "framing"},
    {"data", "discovery", "local_plugins", "plugins", "registry", "runs", "checkpoints", "weights"},
    {"building", "keeping", "measuring", "suppliers", "models", "monitor", "rendering", "steering"}
    | {"keys", "timing", "walkplan", "walksettings", "scene", "staging", "morph", "recipes"}
    | {"filming", "fitting", "inversion", "remakesettings", "tracing"}
    | {"lookalikes", "choose", "curves", "history", "loop", "outputs", "paintings", "panels"}
    | {"meter", "stamp"}
    | {
        "artstyle",
        "batches",
        "choices",
        "criterion",
        "directions",
        "fastnet",
        "forecast",
        "guides",
        "judge",
        "lessons",
        "likeness",
        "motion",
        "mover",
        "moving",
        "redraw",
        "sources",
        "studio",
        "stylist",
        "toning",
        "workers",
        "speed",
        "testing",
        "checking",
        "scaffold",
        "callbacks",
        "grids",
        "pull",
        "lengths",
        "training",
        "trainstate",
        "watching",
    },
    {"pipelines"},
    {"compose", "remaking", "comparing", "comparesheet", "comparetable", "flows"},
    {"cli"},
    {"__main__"},
]
"""The parts of artgan, lowest first: each imports from its own row and the rows above it here."""

RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}

FOR_COMPONENTS = {"api", "options", "errors", "screen", "files", "images", "latents"} | {
    "neighbours",
    "data",  # where a cache is
    "vision",
}
"""What a component may import of artgan."""


def imported(path):
    """Return the modules that a source file imports anywhere, as dotted names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def part(dotted):
    """Return the part of artgan that a dotted name is in, None if in none.

    >>> part("artgan.cli.app.run"), part("artgan.__version__"), part("torch")
    ('cli', '__init__', None)
    """
    top, _, rest = dotted.partition(".")
    if top != "artgan":
        return None
    first = rest.partition(".")[0]
    return "__init__" if first in {"", "__version__"} else first


def test_every_part_has_its_place():
    parts = {part(name) for name in HOST}
    assert parts <= set(RANK), f"give {parts - set(RANK)} a place in LAYERS"


@pytest.mark.parametrize("name", HOST)
def test_imports_go_one_way(name):
    own = RANK[part(name)]
    for target in imported(HOST[name]):
        other = part(target)
        if other in RANK:  # `from artgan import api` and `from artgan.api import x` alike
            assert RANK[other] <= own, f"{name} imports {target}, which stands above it"


@pytest.mark.parametrize("name", [name for name in HOST if name.startswith("artgan.pipelines.")])
def test_pipelines_do_not_import_each_other(name):
    others = {t for t in imported(HOST[name]) if t.startswith("artgan.pipelines.")}
    assert all(target.startswith(f"{name}.") for target in others)


@pytest.mark.parametrize("name", COMPONENTS)
def test_components_import_the_contracts_only(name):
    for target in imported(COMPONENTS[name]):
        assert part(target) in {None, *FOR_COMPONENTS}, f"{name} imports {target}"


def test_the_host_names_its_plugins_once():
    found = [
        (name, line)
        for name, path in HOST.items()
        for line in path.read_text(encoding="utf-8").splitlines()
        if "artgan_plugins" in line
    ]
    assert found == [("artgan.registry", 'BUILT_IN = ("artgan_plugins",)')]


PROBE = """
import contextlib, io, json, os, sys
from artgan.cli.app import run

def loaded():
    return [name for name in {heavy!r} if name in sys.modules]

found = {{}}
def step(name, *args):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            code = run(list(args))
        except SystemExit as end:
            code = end.code
    found[name] = [code or 0, loaded(), out.getvalue()]

step("--help", "--help")
os.environ["_ARTGAN_COMPLETE"] = "complete_bash"
os.environ.update(COMP_WORDS="artgan pl", COMP_CWORD="1")
step("complete command")
os.environ.update(COMP_WORDS="artgan train --arc", COMP_CWORD="2")
step("complete flag")
del os.environ["_ARTGAN_COMPLETE"]
step("plugins list", "plugins", "list")
step("plugins list --json", "plugins", "list", "--json")
step("plugins show", "plugins", "show", "dcgan")
for command in {commands!r}:
    step(command, *command.split())
for args in (["nope"], ["train"], ["train", "x", "--kimg", "nan"], ["train", "x", "--batch", "x"]):
    with contextlib.redirect_stderr(io.StringIO()):
        step(" ".join(args), *args)
print(json.dumps(found))
"""


def test_light_commands_import_nothing_heavy(tmp_path):
    from artgan.cli.app import COMMANDS

    commands = [
        f"{name} --help"
        for name, command in COMMANDS.items()
        if (ROOT / (command.target.partition(":")[0].replace(".", "/") + ".py")).exists()
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY, commands=commands)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert done.stderr == ""
    found = json.loads(done.stdout)
    early = {name: modules for name, (_, modules, _) in found.items() if modules}
    assert early == {}
    codes = {name: code for name, (code, _, _) in found.items()}
    wrong = {"nope", "train", "train x --kimg nan", "train x --batch x"}
    assert codes == {name: 2 if name in wrong else 0 for name in codes}
    assert found["complete command"][2] == "plugins\n"
    assert found["complete flag"][2] == "--arch\n"

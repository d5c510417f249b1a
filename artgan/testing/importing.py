"""What is checked of the modules that every command imports: no torch, and quick."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys

from artgan.api import KINDS
from artgan.discovery import FOLDERS
from artgan.plugins import Entry, Plugin
from artgan.registry import Registry
from artgan.testing.expect import ContractError, expect

__all__ = ["SLOW_S", "check_imports"]

Groups = tuple[tuple[str, tuple[str, ...]], ...]
Environment = tuple[tuple[str, str], ...]
Found = dict[str, tuple[float, bool]] | str
"""Module -> seconds to import it, and whether torch came with it; or what went wrong."""

SLOW_S = 1.0
"""How long the import of a plug-in may take, in seconds."""

PROBE = """
import contextlib, importlib, json, os, sys, time
import artgan.api, artgan.options

def look(modules):
    found = {}
    for name in modules:
        begun, there = time.perf_counter(), "torch" in sys.modules
        try:
            importlib.import_module(name)
        except BaseException as error:
            return f"{type(error).__name__}: {error}"
        heavy = "torch" in sys.modules and not there
        found[name] = [time.perf_counter() - begun, heavy]
    return found

for plugin, modules in json.loads(sys.argv[1]).items():
    child = os.fork() if hasattr(os, "fork") else -1
    if child > 0:
        os.waitpid(child, 0)
        continue
    with contextlib.redirect_stdout(sys.stderr):
        found = look(modules)
    print(json.dumps([plugin, found]), flush=True)
    if child == 0:
        sys.stderr.flush()
        os._exit(0)
"""


def check_imports(registry: Registry, entry: Entry, where: str) -> None:
    """Check that a component's record and options can be read without torch, and soon.

    A fresh process imports the plug-in's module and all its options: in this one torch is there
    already. It looks at all plug-ins of the registry at once, in a child for each.
    """
    record, options = entry.plugin.module, entry.record.options
    own = [record] if options is None else [record, _module(options)]
    groups = tuple((p.module, _modules(registry, p)) for p in registry.plugins if p.components)
    found = _imported(groups, _surroundings()).get(record, "the process ended without a word")
    if isinstance(found, str):
        raise ContractError(f"{where}: its modules cannot be imported afresh: {found}")
    for name in dict.fromkeys(own):
        what = "the module of its record" if name == record else "the module of its options"
        seconds, heavy = found[name]
        expect(
            not heavy,
            f"{where}: {what}, {name}, imports torch, which every command would wait for: expected "
            "torch in the module that the record's target names, or inside functions",
        )
        if seconds > SLOW_S:
            _confirm(record, _modules(registry, entry.plugin), name, f"{where}: {what}, {name},")


def _module(path: str) -> str:
    return path.partition(":")[0]


def _modules(registry: Registry, plugin: Plugin) -> tuple[str, ...]:
    """Return the module of a plug-in and those of its components' options."""
    records = [e.record for kind in KINDS for e in registry.entries(kind) if e.plugin is plugin]
    options = [_module(record.options) for record in records if record.options is not None]
    return tuple(dict.fromkeys([plugin.module, *options]))


def _surroundings() -> Environment:
    """Return what a process needs to know to find the modules that this one finds."""
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return (("PYTHONPATH", path), (FOLDERS, os.environ.get(FOLDERS, "")))


def _run(groups: Groups, env: Environment, *flags: str) -> tuple[dict[str, Found], str]:
    """Return how imports went by plug-in, and what the process said on stderr."""
    command = [sys.executable, *flags, "-c", PROBE, json.dumps(dict(groups))]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **dict(env)}
    )
    return dict(json.loads(line) for line in done.stdout.splitlines()), done.stderr


@functools.lru_cache(maxsize=16)
def _imported(groups: Groups, env: Environment) -> dict[str, Found]:
    """Return how the imports of each plug-in went, by its module."""
    return _run(groups, env)[0]


def _confirm(plugin: str, modules: tuple[str, ...], name: str, subject: str) -> None:
    """Measure a slow import again, and say which import inside it is the slowest."""
    again, said = _run(((plugin, modules),), _surroundings(), "-X", "importtime")
    found = again.get(plugin, "")
    seconds = 0.0 if isinstance(found, str) else found[name][0]
    if seconds <= SLOW_S:
        return  # the machine was busy
    slowest, takes = _slowest(said, name)
    reason = (
        f"most of it in the import of {slowest}: import that inside functions"
        if takes > seconds / 2
        else "most of it in what its own code does: do that when the component is used"
    )
    raise ContractError(
        f"{subject} takes {seconds:.1f} s to import, expected at most {SLOW_S:g} s, {reason}"
    )


def _slowest(report: str, name: str) -> tuple[str, float]:
    """Return the import of another package that takes the longest, and its seconds.

    Args:
        report: what Python writes with -X importtime.
        name: the module, whose own package is not meant, nor artgan.
    """
    rows = re.findall(r"^import time:\s*\d+ \|\s*(\d+) \|\s*(\S+)$", report, re.MULTILINE)
    tops = {name.partition(".")[0], "artgan"}
    others = [
        (int(us) / 1e6, module) for us, module in rows if module.partition(".")[0] not in tops
    ]
    seconds, module = max(others, default=(0.0, ""))
    return module, seconds

"""What tests share: the repository's root, made-up distributions, the command line as a call."""

from __future__ import annotations

import signal
import textwrap
from collections.abc import Mapping
from pathlib import Path

__all__ = ["COMPONENTS", "HOST", "ROOT", "fake_distribution", "hear_interrupts", "plugin_source"]

ROOT = Path(__file__).resolve().parent.parent


def _sources(folder: str) -> dict[str, Path]:
    """Return every module of a package in the repository: dotted name -> path."""
    base = ROOT / folder
    names = {}
    for path in sorted(base.rglob("*.py")):
        parts = path.relative_to(base.parent).with_suffix("").parts
        names[".".join(parts).removesuffix(".__init__")] = path
    return names


HOST = _sources("artgan")
COMPONENTS = _sources("plugins/artgan_plugins")


def hear_interrupts() -> None:
    """Let a process that is about to begin be interrupted, also by tests run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def fake_distribution(
    folder: Path,
    name: str,
    modules: Mapping[str, str],
    entry_points: Mapping[str, str] | None = None,
    *,
    version: str = "1.0",
    commands: Mapping[str, str] | None = None,
) -> Path:
    """Write an installed package by hand: modules and the metadata that pip would leave.

    Args:
        folder: a folder on sys.path.
        name: the distribution's name.
        modules: module name -> source.
        entry_points: name -> value, in group `artgan`; None makes one for the first module.
        version: the distribution's version.
        commands: name -> value, in group `artgan.commands`.

    Returns:
        The folder of its metadata.
    """
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    if entry_points is None:
        first = next(iter(modules))
        entry_points = {first: first}
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{key} = {value}\n" for key, value in entry_points.items()]
    lines.append("[artgan.commands]\n")
    lines += [f"{key} = {value}\n" for key, value in (commands or {}).items()]
    (info / "entry_points.txt").write_text("[artgan]\n" + "".join(lines))
    return info


def plugin_source(name: str, *, kind: str = "sampler", target: str = "m:f", more: str = "") -> str:
    """Return the source of a plug-in that supplies one component."""
    record = kind.capitalize()
    return textwrap.dedent(
        f"""
        from artgan.api import {record}, hookimpl

        @hookimpl
        def artgan_{kind}s():
            return [{record}({name!r}, {target!r}, summary="of a stranger"{more})]
        """
    )

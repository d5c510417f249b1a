"""Commands that third parties bring: listed from what is installed, imported when they are run."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import typer

from artgan.discovery import Candidate, look
from artgan.errors import ArtganError, ComponentError, PluginError
from artgan.screen import safe

__all__ = ["PANEL", "Stranger", "load", "strangers", "summaries", "without_completion"]

PANEL = "Plug-ins"
"""Where the help lists them."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_OURS = {"install_completion", "show_completion"}  # of the whole program, not of a command


@dataclass(frozen=True)
class Stranger:
    """A third party's command.

    Attributes:
        name: as it is typed.
        candidate: what brings it.
        problem: why it cannot be run, "" where it can.
        status: "ok", "off", "taken" (artgan has one itself), "clash" or "broken".
    """

    name: str
    candidate: Candidate
    status: str = "ok"
    problem: str = ""

    @property
    def supplier(self) -> str:
        """Return the package that brings it and its version."""
        return f"{self.candidate.distribution} {self.candidate.version}".strip()


def strangers(own: Collection[str]) -> list[Stranger]:
    """Return every command of third parties, those that cannot be run too, sorted by name.

    Args:
        own: the names of artgan's own commands, which nobody else can have.
    """
    commands = look(in_folders=False).commands
    return [_judged(candidate, own, commands) for candidate in commands]


def _judged(candidate: Candidate, own: Collection[str], others: list[Candidate]) -> Stranger:
    name = candidate.name
    if candidate.off:
        return Stranger(name, candidate, "off")
    if not _NAME.match(name):
        problem = f"command {safe(repr(name))} has a name that is not kebab-case"
        return Stranger(name, candidate, "broken", problem)
    if name in own:
        problem = f"artgan has a command '{name}' itself, which is the one that is run"
        return Stranger(name, candidate, "taken", problem)
    rivals = [c for c in others if c.name == name and not c.off]
    if len(rivals) > 1:
        claimed = " and ".join(safe(c.distribution) for c in rivals)
        out = " or ".join(f"--no-plugin {safe(c.distribution)}" for c in rivals)
        problem = f"command '{name}' is claimed by {claimed}: leave one out with {out}"
        return Stranger(name, candidate, "clash", problem)
    return Stranger(name, candidate)


def summaries(known: list[Stranger]) -> dict[str, str]:
    """Return the line in the help for each command that can be typed."""
    lines = {}
    for stranger in known:
        if stranger.status == "clash":
            names = (safe(s.candidate.distribution) for s in known if s.name == stranger.name)
            lines[stranger.name] = f"claimed by {' and '.join(names)}: neither is used"
        elif stranger.status == "ok":
            lines[stranger.name] = f"from {safe(stranger.supplier)}"
    return {name: line.replace("[", "(") for name, line in lines.items()}  # no markup


def without_completion(command: Any) -> Any:
    """Return a command that does not offer to install completion."""
    command.params = [p for p in command.params if p.name not in _OURS]
    return command


def load(stranger: Stranger) -> Any:
    """Return the command, imported now, that blames its package for what goes wrong.

    Raises:
        ComponentError: several packages claim its name.
        PluginError: it says no module, cannot be imported, or is none.
    """
    if stranger.problem:
        raise ComponentError(stranger.problem)
    where = f"command '{stranger.name}' of {safe(stranger.supplier)}"
    leave = f"mend it, or leave it out with --no-plugin {safe(stranger.candidate.distribution)}"
    point = stranger.candidate.entry_point
    if point.pattern.match(point.value) is None:
        raise PluginError(
            f"{where} is {safe(repr(point.value))}, expected 'module:typer_application': {leave}"
        )
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found = point.load()
            if isinstance(found, typer.Typer):
                found = typer.main.get_command(found)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plug-in may raise anything, SystemExit too
        from artgan.plugins import cause_of

        raise PluginError(f"{where} cannot be loaded: {cause_of(error)}: {leave}") from error
    if not callable(getattr(found, "make_context", None)):
        kind = type(found).__name__
        raise PluginError(f"{where} is a {safe(kind)}, expected a typer.Typer: {leave}")
    found.name = stranger.name
    found.invoke = _blaming(found.invoke, where)
    return without_completion(found)


def _blaming(invoke: Callable[[Any], Any], where: str) -> Callable[[Any], Any]:
    """Return what runs a command, with its package named where it breaks."""

    def run(ctx: Any) -> Any:
        try:
            return invoke(ctx)
        except (ArtganError, typer.Exit, typer.Abort, OSError, MemoryError):
            raise
        except Exception as error:
            from artgan.plugins import cause_of, no_memory

            if hasattr(error, "format_message") or no_memory(error):  # a wrong call is no fault
                raise
            raise PluginError(
                f"{where} failed: {cause_of(error)}; ARTGAN_DEBUG=1 shows where"
            ) from error

    return run

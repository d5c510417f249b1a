"""`artgan plugins` for those who write them: begin a plug-in, and check what there is. No torch."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from artgan import __version__
from artgan.checking import Outcome, check
from artgan.cli.listing import app
from artgan.records import KINDS, noun
from artgan.registry import registry
from artgan.scaffold import Scaffold, create, kind_named
from artgan.screen import plural, safe, say

__all__ = ["app", "check_", "new"]

_KINDS = f"One of: {', '.join(map(noun, KINDS))}."


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the component, in-small-letters.")
    ],
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", show_envvar=False, help=_KINDS)
    ] = "loss",
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", show_envvar=False, help="Where it is written.")
    ] = Path(),
    folder: Annotated[
        bool,
        typer.Option(
            "--folder", show_envvar=False, help="A module for --plugins-dir, not a package."
        ),
    ] = False,
) -> None:
    """Begin a plug-in: a small package with one component that works."""
    wanted = kind_named(kind)
    taken = [entry.record.name for entry in registry().entries(wanted)]
    made = create(name, wanted, out=out, folder=folder, taken=taken)
    for path in made.paths:
        print(safe(path))
    for line in _next(made, out, folder=folder):
        say(line)


def _next(made: Scaffold, out: Path, *, folder: bool) -> list[str]:
    """Return what to do now, a command a line."""
    use = made.use.removeprefix("artgan ")
    if not folder:
        root = shlex.quote(str(made.root))
        return [
            f"install it:  pip install -e {root}",
            f"check it:    artgan plugins check {made.kind}/{made.name}",
            f"use it:      artgan {use}",
        ]
    root = shlex.quote(str(made.root))
    return [
        f"check it:    artgan plugins check {root}",
        f"see it:      artgan --plugins-dir {shlex.quote(str(out))} plugins show {made.name}",
        f"use it:      artgan --plugins-dir {shlex.quote(str(out))} {use}",
    ]


@app.command("check")
def check_(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|KIND/NAME|PATH]...",
            help="A component, a plug-in or package, or a path of one; none: all there are.",
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", show_envvar=False, help=_KINDS)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", show_envvar=False, help="Print JSON instead of lines.")
    ] = False,
) -> None:
    """Check that components keep the contracts of their kinds."""
    outcomes = []
    for outcome in check(targets or (), None if kind is None else kind_named(kind)):
        outcomes.append(outcome)
        if not as_json:
            print(_line(outcome), flush=True)
    failed = sum(bool(outcome.fault) for outcome in outcomes)
    if as_json:
        print(json.dumps(_report(outcomes, failed), indent=2))
    elif not outcomes:
        say("artgan: there is no component of that kind: nothing was checked")
    elif failed:
        say(f"artgan: {failed} of {plural(len(outcomes), 'check')} failed")
    if failed:
        raise typer.Exit(1)


def _line(outcome: Outcome) -> str:
    """Return an outcome as a line."""
    if outcome.fault:
        return safe(f"FAIL  {outcome.what}: {outcome.fault}")
    return safe(f"ok    {outcome.what}  {outcome.seconds:.1f} s")


def _report(outcomes: list[Outcome], failed: int) -> dict[str, object]:
    """Return outcomes as a table for JSON."""
    return {
        "version": 1,
        "artgan": __version__,
        "failed": failed,
        "checked": [
            {
                "kind": outcome.kind,
                "name": outcome.name,
                "plugin": outcome.plugin,
                "ok": not outcome.fault,
                "seconds": round(outcome.seconds, 3),
                "fault": outcome.fault,
            }
            for outcome in outcomes
        ],
    }

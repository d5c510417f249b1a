"""`artgan compare`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from artgan.cli.progress import progress
from artgan.cli.settings import argument, flag, given, option_of_components
from artgan.cli.training import watched
from artgan.comparetable import cells
from artgan.comparing import CompareConfig, contestants, document
from artgan.config import component_tables, format_size, merge, parse_set, validate
from artgan.registry import registry
from artgan.screen import duration, plural, safe, say

__all__ = ["app", "compare"]

app = typer.Typer()

C = CompareConfig


@app.command()
def compare(
    ctx: typer.Context,
    images: Annotated[str, argument(C, "images", metavar="DIR")],
    arch: Annotated[str | None, flag(C, "arch", metavar="A,B,...")] = None,
    minutes: Annotated[float | None, flag(C, "minutes")] = None,
    size: Annotated[str | None, flag(C, "size", metavar="PX")] = None,
    seed: Annotated[int | None, flag(C, "seed")] = None,
    device: Annotated[str | None, flag(C, "device")] = None,
    set_: Annotated[
        list[str] | None,
        option_of_components(),
    ] = None,
    out: Annotated[str | None, flag(C, "out", "--out", "-o", metavar="DIR")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.", show_envvar=False)
    ] = False,
) -> None:
    """Train several architectures on the same pictures for the same time, and measure them.

    Ends with one table, the best first, beside what real pictures score among
    themselves, and a sheet with a row of pictures each. Ctrl-C saves; the same
    command goes on where it was, and does nothing twice.
    """
    names = None if arch is None else tuple(filter(None, map(str.strip, arch.split(","))))
    settings = given(
        images=images, arch=names, minutes=minutes, size=size, seed=seed, device=device, out=out,
        components=merge(component_tables(ctx.obj or {}), parse_set(set_ or [])),
    )  # fmt: skip
    config = validate(CompareConfig, settings, "")
    known = contestants(config, registry())
    say(
        f"{plural(len(known), 'architecture')} at {format_size(config.size)} px: "
        f"{', '.join(map(safe, known))}; about {duration(len(known) * 60 * config.minutes)} in all"
    )
    from artgan.comparing import SHEET, TABLE
    from artgan.comparing import compare as run

    with watched() as (watcher, stop):
        found = run(config, watcher, stop.asked, progress, registry())
    if as_json:
        print(json.dumps(document(found), indent=2))
    else:
        _print(cells(found))
        for name in (TABLE, SHEET):
            if (found.folder / name).is_file():
                print(safe(found.folder / name))
    if not found.finished:
        say("saved; the same command goes on")
        raise typer.Exit(stop.exit_code)


def _print(rows: list[tuple[str, ...]]) -> None:
    """Print rows in columns; a row that is told in words takes the rest of its line."""
    full = [row for row in rows if row[-1] or any(row[2:])]
    widths = [max(len(row[i]) for row in full) for i in range(len(rows[0]))]
    for row in rows:
        if row in full:
            cells_ = [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
            print("  ".join(cells_).rstrip())
        else:
            print(f"{row[0].ljust(widths[0])}  {row[1]}")

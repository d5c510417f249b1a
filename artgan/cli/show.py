"""`artgan show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from artgan.config import dump_toml
from artgan.screen import plural, safe

__all__ = ["app", "show"]

app = typer.Typer(add_completion=False)

LONGEST = 12
"""Numbers of a code that are written out; it has hundreds."""

MOST = 400
"""Characters of a text, names of a table and members of a list that are written out."""


@app.command()
def show(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Pictures and animations that artgan made."),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole recipes, one JSON object a line.")
    ] = False,
) -> None:
    """Print how pictures and animations were made, from the recipe that each keeps."""
    from artgan.recipes import read_made

    for number, path in enumerate(files):
        made = read_made(path)
        if as_json:
            print(json.dumps(made))
            continue
        if number:
            print()
        print(f"# {safe(path)}")
        print("\n".join(map(safe, dump_toml(_short(made)).rstrip("\n").split("\n"))))


def _short(value: Any) -> Any:
    """Return a recipe as it is told: codes by their length, and no more of anything than `MOST`."""
    if isinstance(value, dict):
        shown = list(value.items())[:MOST]
        return {_short(key): _short(inner) for key, inner in shown}
    if isinstance(value, list):
        numbers = all(isinstance(each, float) for each in value)
        if numbers and len(value) > LONGEST:
            return plural(len(value), "number")
        more = [f"and {len(value) - MOST:,} more"] if len(value) > MOST else []
        return ["none" if each is None else _short(each) for each in value[:MOST]] + more
    if isinstance(value, str) and len(value) > MOST:
        return f"{value[:MOST]}..."
    return value

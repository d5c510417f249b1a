"""`artgan runs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from artgan.screen import safe, say

__all__ = ["app", "runs"]

app = typer.Typer()


@app.command()
def runs(
    root: Annotated[
        Path, typer.Option("--runs", help="Folder that runs are in.", show_envvar=False)
    ] = Path("runs"),
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Remove all but the newest checkpoints of every run, and leftovers.",
            show_envvar=False,
        ),
    ] = False,
    keep: Annotated[
        int, typer.Option(min=1, help="Checkpoints that --prune leaves.", show_envvar=False)
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", show_envvar=False)] = False,
) -> None:
    """List runs with their state and size, or remove old checkpoints.

    States: training (a process holds it), finished, stopped (it can go on), empty (nothing was
    saved), damaged.
    """
    from artgan.runs import all_runs

    found = all_runs(root)
    if prune:
        _prune(found, keep)
    rows = [_describe(run) for run in found]
    if as_json:
        print(json.dumps({"version": 1, "runs": rows}, indent=1))
    elif rows:
        _table(rows)
    else:
        say(f"no runs in {safe(root)} yet: artgan train DIR makes one")


def _prune(found: list[Any], keep: int) -> None:
    from artgan.checkpoints import prune as prune_generations
    from artgan.errors import RunError
    from artgan.runs import folder_bytes, locked

    freed = 0
    for run in found:
        if not (run.path / "config.toml").is_file() and not run.checkpoints.is_dir():
            continue  # nothing was begun in it
        before = folder_bytes(run.path)
        try:
            with locked(run, lambda line: say(f"artgan: {line}")):  # sweeps leftovers too
                prune_generations(run.checkpoints, keep, run.marks().values())
        except RunError as error:
            say(f"artgan: {error}: left as it is")
            continue
        freed += before - folder_bytes(run.path)
    say(f"freed {freed / 1e6:,.1f} MB")


def _describe(run: Any) -> dict[str, Any]:
    from artgan.errors import ArtganError
    from artgan.runs import folder_bytes, is_locked, run_progress

    row: dict[str, Any] = {
        "number": run.number,
        "name": safe(run.name),
        "state": "empty",
        "cur_nimg": 0,
        "total_nimg": None,
        "bytes": folder_bytes(run.path),
    }
    try:
        settings = run.config().get("train", {})
        row |= {"arch": safe(settings.get("arch", "")), "size": safe(settings.get("size", ""))}
        progress = run_progress(run)
    except (ArtganError, KeyError, ValueError, TypeError):
        return row | {"state": "damaged"}
    if progress is not None:
        done, total = progress
        finished = total is not None and done >= total
        row |= {
            "cur_nimg": done,
            "total_nimg": total,
            "state": "finished" if finished else "stopped",
        }
    if is_locked(run):
        row["state"] = "training"
    return row


def _table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("run", "state"):
        table.add_column(column, overflow="fold")
    for column in ("kimg", "of", "size", "MB"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        total = row["total_nimg"]
        table.add_row(
            row["name"],
            row["state"],
            f"{row['cur_nimg'] / 1000:.1f}",
            "" if total is None else f"{total / 1000:.1f}",
            row.get("size", ""),
            f"{row['bytes'] / 1e6:,.1f}",
        )
    Console(markup=False, highlight=False, emoji=False).print(table)

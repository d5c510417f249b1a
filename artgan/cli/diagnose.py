"""`artgan diagnose`."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artgan.cli.settings import argument, flag, given
from artgan.config import validate
from artgan.pipelines.diagnose import DiagnoseConfig
from artgan.screen import safe, say

if TYPE_CHECKING:
    from artgan.pipelines.diagnose import Diagnosis, Standing

__all__ = ["app", "diagnose"]

app = typer.Typer(add_completion=False)

D = DiagnoseConfig


@app.command()
def diagnose(
    run: Annotated[str, argument(D, "run", metavar="RUN")],
    out: Annotated[str | None, flag(D, "out", "--out", "-o", metavar="FILE")] = None,
    overwrite: Annotated[bool | None, flag(D, "overwrite", "--overwrite")] = None,
    runs: Annotated[str | None, flag(D, "runs", metavar="DIR")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.", show_envvar=False)
    ] = False,
) -> None:
    """Say how a run went: its states, what was done about them, its best checkpoint, and advice.

    The run may be finished, interrupted or training. Its curves are drawn to a PNG.
    """
    config = validate(DiagnoseConfig, given(run=run, out=out, overwrite=overwrite, runs=runs), "")
    from artgan.pipelines import diagnose as pipeline

    folder = pipeline.find_run_folder(config)
    path = pipeline.curves_path(config, folder)  # refuses before any work
    from artgan.registry import registry

    diagnosis = pipeline.diagnose(folder, registry())
    if as_json:
        print(json.dumps(_document(diagnosis), indent=1))
    else:
        _show(diagnosis)
    if not diagnosis.ticks:
        say("no curves: nothing was logged but what was done")
        return
    from artgan.curves import draw_curves

    draw_curves(path, pipeline.curves_of(diagnosis))
    if as_json:
        say(f"curves: {safe(path)}")
    else:
        print(f"Curves: {safe(path)}")


# For people -----------------------------------------------------------------------------------


def _show(diagnosis: Diagnosis) -> None:
    from artgan.runs import is_locked

    total = diagnosis.total_nimg
    of = f" of {total / 1000:.1f}" if total is not None else ""
    now = ", training" if is_locked(diagnosis.run) else ""
    print(f"Run {safe(diagnosis.run.name)}: {diagnosis.cur_nimg / 1000:.1f}{of} kimg{now}\n")
    _say(_sentence(diagnosis.found.state, diagnosis.found.evidence))
    if diagnosis.advice:
        _say(diagnosis.advice)
    print("\nStates (kimg)")
    attempt = 0
    for found in diagnosis.timeline:
        if found.attempt != attempt:
            attempt = found.attempt
            _say("(taken back)", at="")
        _say(_sentence(found.state, found.evidence), at=f"{found.cur_nimg / 1000:.1f}")
    print("\nActions (kimg)")
    for done in diagnosis.treatments:
        _say(str(done), at=f"{done.cur_nimg / 1000:.1f}")
    if not diagnosis.treatments:
        print("  none were taken")
    _show_checkpoints(diagnosis)


def _sentence(state: str, evidence: str) -> str:
    return f"{state}: {evidence}" if evidence else state


def _say(text: str, at: str | None = None) -> None:
    """Print a text, wrapped to the screen, beside when it was so."""
    columns = shutil.get_terminal_size().columns
    head = "" if at is None else f"{at:>8}  "
    print(textwrap.fill(safe(text), max(columns, 40), initial_indent=head,
                        subsequent_indent=" " * len(head)))  # fmt: skip


def _show_checkpoints(diagnosis: Diagnosis) -> None:
    from rich.console import Console
    from rich.table import Table

    best, last = diagnosis.best, diagnosis.last
    print()
    if last is None:
        print("No checkpoint was saved.")
        return
    shown: dict[str, Standing] = {"last": last}
    if best is not None:
        shown = {"best": best, "last": last} if best.name != last.name else {"best, last": best}
    table = Table(box=None, pad_edge=False)
    table.add_column("checkpoint", overflow="fold")
    for name in (*shown, "among reals"):
        table.add_column(name, justify="right", no_wrap=True)
    kimg = [f"{each.cur_nimg / 1000:.1f}" for each in shown.values()]
    table.add_row("kimg", *kimg, "")
    measured = {"score": "score", **{figure.key: figure.key for figure in diagnosis.figures}}
    arrows = {figure.key: figure.better for figure in diagnosis.figures} | {"score": "low"}
    for key in measured:
        values = [each.figures.get(key) for each in shown.values()]
        if any(value is not None for value in values):
            better = f", {arrows[key]} is better" if arrows[key] else ""
            floor = last.figures.get(f"{key}/floor")
            table.add_row(safe(key) + better, *map(_short, values), _short(floor))
    Console(markup=False, highlight=False, emoji=False).print(table)
    if not last.figures:
        print("Nothing was measured yet.")


def _short(value: float | None) -> str:
    """Return a figure with three digits.

    >>> _short(12.3456), _short(1234.5), _short(None)
    ('12.3', '1,234', '')
    """
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


# For programs ---------------------------------------------------------------------------------


def _document(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "version": 1,
        "run": safe(diagnosis.run.name),
        "cur_nimg": diagnosis.cur_nimg,
        "total_nimg": diagnosis.total_nimg,
        "state": diagnosis.found.state,
        "evidence": diagnosis.found.evidence,
        "timeline": [vars(found) for found in diagnosis.timeline],
        "actions": [vars(treatment) for treatment in diagnosis.treatments],
        "best": None if diagnosis.best is None else _checkpoint(diagnosis.best),
        "last": None if diagnosis.last is None else _checkpoint(diagnosis.last),
        "advice": diagnosis.advice,
    }


def _checkpoint(standing: Standing) -> dict[str, Any]:
    return {
        "checkpoint": standing.name,
        "attempt": standing.attempt,
        "cur_nimg": standing.cur_nimg,
        "measured_nimg": standing.measured,
        "score": standing.figures.get("score"),
        "figures": {name: v for name, v in standing.figures.items() if name != "score"},
    }

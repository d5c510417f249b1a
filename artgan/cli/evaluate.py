"""`artgan evaluate`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from artgan.api import ConfigError, Metric
from artgan.cli.progress import progress
from artgan.cli.scores import arrows, compare
from artgan.cli.settings import argument, flag, given, option_of_components
from artgan.cli.stopping import terminable
from artgan.cli.telling import publish
from artgan.config import component_tables, merge, parse_set, validate
from artgan.measuring import Figure
from artgan.pipelines.evaluate import (
    EvaluateConfig,
    check_outputs,
    document,
    evaluate_run,
    not_measured,
)
from artgan.pipelines.score import ScoreConfig
from artgan.registry import registry
from artgan.screen import plural, safe, say

__all__ = ["app", "evaluate", "table"]

app = typer.Typer(add_completion=False)

E = EvaluateConfig

OF_RUNS = {
    "images": "DIR",
    "count": "--count",
    "metrics": "--metric",
    "sheet": "--sheet",
    "runs": "--runs",
    "device": "--device",
    "set_": "--set",
}
"""Parameters that do nothing to redrawn pictures."""


@app.command()
def evaluate(
    ctx: typer.Context,
    run: Annotated[str, argument(E, "run", metavar="RUN")],
    images: Annotated[str | None, argument(E, "images", metavar="DIR")] = None,
    count: Annotated[int | None, flag(E, "count")] = None,
    metrics: Annotated[list[str] | None, flag(E, "metrics", "--metric", metavar="NAME")] = None,
    sheet: Annotated[str | None, flag(E, "sheet", metavar="FILE")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.", show_envvar=False)
    ] = False,
    out: Annotated[str | None, flag(E, "out", "--out", "-o", metavar="FILE")] = None,
    overwrite: Annotated[bool | None, flag(E, "overwrite", "--overwrite")] = None,
    runs: Annotated[str | None, flag(E, "runs", metavar="DIR")] = None,
    device: Annotated[str | None, flag(E, "device")] = None,
    content: Annotated[str | None, flag(ScoreConfig, "content", metavar="DIR")] = None,
    style: Annotated[
        list[str] | None, flag(ScoreConfig, "style", "--style", "-s", metavar="FILE")
    ] = None,
    set_: Annotated[
        list[str] | None,
        option_of_components("An option of a metric, such as metrics.coverage.k=3."),
    ] = None,
) -> None:
    """Measure a run's pictures against the real ones, or judge redrawn ones.

    Beside each figure stands what real pictures score among themselves: as
    near to that as possible is good. Nothing is downloaded, unless a metric
    is asked for that says so.

    With --content and --style RUN is a folder that 'artgan stylize' wrote, or
    one picture: how near to the style it is, how near to the content, how
    noisy, and how much of it is copied.
    """
    if content is not None or style:
        others = [word for name, word in OF_RUNS.items() if _is_typed(ctx, name)]
        settings = given(out=out, overwrite=overwrite)
        compare(run, content, style or [], settings, others, as_json=as_json)
        return
    assigned = parse_set(set_ or [])
    for kind in assigned:
        if kind != Metric.kind:
            raise ConfigError(f"--set {safe(kind)}: an evaluation has options of metrics only")
    settings = given(
        run=run, images=images, count=count, metrics=metrics or None, sheet=sheet, out=out,
        overwrite=overwrite, runs=runs, device=device,
        components=merge(component_tables(ctx.obj or {}), assigned),
    )  # fmt: skip
    config = validate(EvaluateConfig, settings, "")
    check_outputs(config)  # refuses before anything heavy is loaded
    for name in not_measured(config, assigned.get(Metric.kind, {}), registry()):
        say(f"--set metrics.{safe(name)} changes nothing here: it is not among what is measured")
    with terminable():
        found = evaluate_run(config, say, progress, registry())
    text = json.dumps(document(found), indent=2)
    say(f"{plural(found.count, 'picture')} against as many real ones")
    publish(text, table(found.figures), as_json=as_json, out=config.out)
    if config.sheet is not None:
        say(f"sheet drawn to {safe(config.sheet)}")


def _is_typed(ctx: typer.Context, name: str) -> bool:
    """Return whether a parameter was given in this very call, not in a settings file."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _number(value: float) -> str:
    """Return a number with three digits.

    >>> _number(1234.6), _number(1), _number(12), _number(0.0123), _number(1e-5)
    ('1,235', '1.00', '12.0', '0.0123', '0')
    """
    if abs(value) < 5e-4:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:#.3g}".rstrip(".")


def _verdict(figure: Figure, signs: tuple[str, str]) -> str:
    """Return which way is better, and how far a figure is from its floor."""
    if not figure.better:
        return ""
    arrow = signs[figure.better == "high"]
    if figure.better == "high" or figure.floor is None:
        return arrow
    if figure.value < figure.floor or figure.value == figure.floor == 0:
        return f"{arrow} at the floor"
    return f"{arrow} {figure.value / figure.floor:.1f} x floor" if figure.floor > 0 else arrow


def table(figures: dict[str, Figure]) -> list[str]:
    """Return figures as lines: name, value, floor, and which way is better."""
    signs = arrows()
    rows = [("figure", "value", "floor", "better")]
    for name, figure in figures.items():
        floor = "" if figure.floor is None else _number(figure.floor)
        rows.append((safe(name), _number(figure.value), floor, _verdict(figure, signs)))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {floor:>{widths[2]}}  {verdict}".rstrip()
        for name, value, floor, verdict in rows
    ]

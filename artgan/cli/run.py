"""`artgan run`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artgan.cli.progress import progress
from artgan.cli.stopping import terminable
from artgan.cli.telling import tell_skipped
from artgan.cli.training import watched
from artgan.errors import ConfigError
from artgan.registry import registry
from artgan.screen import duration, file_size, plural, safe, say

if TYPE_CHECKING:
    from artgan.flows.plan import Look, Pipeline
    from artgan.flows.work import Bench
    from artgan.outputs import Output

__all__ = ["app", "run"]

app = typer.Typer(add_completion=False)


@app.command()
def run(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Pipeline file.", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="STAGE",
            help="Make this stage, and what it needs, but no others.",
            show_default=False,
            show_envvar=False,
        ),
    ] = None,
    force: Annotated[
        list[str] | None,
        typer.Option(
            "--force",
            metavar="STAGE",
            help="Make this stage again though it is finished.",
            show_default=False,
            show_envvar=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be done and why.", show_envvar=False),
    ] = False,
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Print the JSON schema of FILE.", show_envvar=False),
    ] = False,
) -> None:
    """Run a pipeline: train, sample, walk and stylize, as one file says.

    What is finished is left; a change makes what depends on it again. Ctrl-C saves and ends, and
    the same call goes on.
    """
    if schema:
        from artgan.flows.schema import json_schema

        print(json.dumps(json_schema(registry()), indent=1))
        return
    if file is None:
        raise ConfigError("no pipeline file was given: artgan run FILE.toml")
    from artgan.flows.plan import Pipeline

    pipeline = Pipeline(file, registry(), only=only or (), force=force or ())
    looks = pipeline.looks()
    if dry_run:
        print("\n".join(_graph(pipeline, looks)))
        return
    if all(look.verdict == "skip" for look in _real(looks)):
        say(f"nothing to do: {plural(len(_real(looks)), 'stage')} finished before")
        return
    pipeline.check_styles(looks)
    try:
        _make_all(pipeline)
    except (KeyboardInterrupt, typer.Exit):
        say(f"to go on: artgan run {safe(file)}")
        raise


def _real(looks: Sequence[Look]) -> list[Look]:
    return [look for look in looks if look.verdict != "within"]


def _graph(pipeline: Pipeline, looks: Sequence[Look]) -> list[str]:
    """Return what each stage takes from where, what it makes, and what would happen to it."""
    words = {"make": "run", "resume": "resume", "skip": "skip", "within": "within"}
    rows = [("stage", "takes", "makes", "", "because")]
    for look in looks:
        step = look.step
        config = step.config
        given = config.images if step.kind in ("train", "stylize") else getattr(config, "run", "")
        own = given if isinstance(given, str) else ", ".join(given)
        takes = step.source.name if step.source is not None else safe(own)
        makes = ", ".join(map(safe, step.outs)) or "frames"
        rows.append((step.name, takes, makes, words[look.verdict], look.why))
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        "  ".join([*(cell.ljust(size) for cell, size in zip(row, wide, strict=False)), row[4]])
        for row in rows
    ]


def _make_all(pipeline: Pipeline) -> None:
    from artgan.flows.steps import naming
    from artgan.flows.work import Bench
    from artgan.runs import RunFolder, locked

    pipeline.folder.mkdir(parents=True, exist_ok=True)
    with locked(RunFolder(pipeline.folder), lambda line: say(f"artgan: {line}")):
        pipeline.reread()
        bench = Bench(pipeline.ledger, registry(), say)
        for look in pipeline.left():
            if look.verdict == "within":
                continue
            if look.verdict == "skip":
                say(f"{look.step.name}: finished before")
                continue
            say(f"{look.step.name}: {look.why}")
            with naming(look.step):
                _make(bench, look)


def _make(bench: Bench, look: Look) -> None:
    step = look.step
    assert look.facts is not None
    if step.kind == "train":
        _train(bench, look, look.facts)
    elif step.kind == "sample":
        from artgan.flows.work import draw

        with terminable(), progress(f"{step.name}: drawing") as show:
            files = draw(bench, step, look.facts, show)
        _print(step.outs, files)
    elif step.kind == "walk" or step.is_film:
        _film(bench, look, look.facts)
    else:
        _redraw(bench, look, look.facts)


def _print(outs: Sequence[str], files: Sequence[Path]) -> None:
    say(f"{plural(len(files), 'file')}, {file_size(sum(path.stat().st_size for path in files))}")
    for out in outs:
        print(safe(out))


def _train(bench: Bench, look: Look, facts: Any) -> None:
    from artgan.flows.work import train

    with watched() as (watcher, stop):
        result = train(bench, look.step, facts, watcher, stop.asked, anew=look.verdict != "resume")
    how = "ended" if result.reason else "finished" if result.finished else "saved"
    say(f"{how} at {result.cur_nimg / 1000:.1f} kimg after {duration(result.seconds)}")
    if result.reason:
        say(f"because: {safe(result.reason)}")
    print(safe(os.path.relpath(result.run.path)))
    if not result.finished:
        raise typer.Exit(stop.exit_code)


def _film(bench: Bench, look: Look, facts: Any) -> None:
    from artgan.cli.filming import end_card
    from artgan.filming import film
    from artgan.flows.films import film_of

    step = look.step
    walk = step.source if step.is_film and step.source is not None else step
    with terminable():
        with progress(f"{step.name}: looking for photos") as show:
            taken, outputs = film_of(bench, step, show)
        with progress(f"{step.name}: looking along the path") as show:
            scene = taken.scene()
            scene.keep_pace(show)
        bench.begun(step, facts, [output.path for output in outputs])
        with progress(f"{step.name}: rendering") as show:
            filmed = film(taken, outputs, most=walk.config.max_size, scene=scene, told=show)
    end_card(filmed)
    _remove_surplus(outputs, filmed.files)
    bench.made(step, facts, filmed.files)
    for output in outputs:
        print(safe(output.path))


def _remove_surplus(outputs: Sequence[Output], files: Sequence[Path]) -> None:
    from artgan.outputs import remove_surplus

    surplus = remove_surplus(outputs, files)
    if surplus:
        say(f"removed {plural(surplus, 'frame')} of an older, longer walk")


def _redraw(bench: Bench, look: Look, facts: Any) -> None:
    from artgan.flows.redraw import redraw

    with terminable(), progress(f"{look.step.name}: redrawing") as show:
        came = redraw(bench, look.step, facts, show)
    tell_skipped(came.skipped)
    _print(look.step.outs, came.files)

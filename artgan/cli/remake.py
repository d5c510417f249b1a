"""`artgan remake`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artgan.cli.filming import shoot
from artgan.cli.progress import progress
from artgan.cli.settings import argument, flag, given, option_of_components
from artgan.cli.stopping import terminable
from artgan.config import component_tables, merge, parse_set, validate
from artgan.errors import ConfigError
from artgan.outputs import Output, find_outputs
from artgan.registry import registry
from artgan.remakesettings import RemakeConfig, usual_out
from artgan.screen import safe, say

if TYPE_CHECKING:
    from artgan.recipes import Made

__all__ = ["app", "remake"]

app = typer.Typer(add_completion=False)

R = RemakeConfig


@app.command()
def remake(
    ctx: typer.Context,
    file: Annotated[str, argument(R, "file", metavar="FILE")],
    out: Annotated[list[str] | None, flag(R, "out", "--out", "-o", metavar="PATH")] = None,
    fps: Annotated[float | None, flag(R, "fps")] = None,
    seconds: Annotated[float | None, flag(R, "seconds")] = None,
    frames: Annotated[int | None, flag(R, "frames")] = None,
    scale: Annotated[int | None, flag(R, "scale")] = None,
    plays: Annotated[int | None, flag(R, "plays")] = None,
    run: Annotated[str | None, flag(R, "run", metavar="RUN")] = None,
    sign: Annotated[str | None, flag(R, "sign", metavar="FILE")] = None,
    stylize: Annotated[list[str] | None, flag(R, "stylize", metavar="FILE")] = None,
    max_size: Annotated[str | None, flag(R, "max_size", metavar="SIZE")] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Play it in the terminal first.", show_envvar=False)
    ] = False,
    overwrite: Annotated[bool | None, flag(R, "overwrite", "--overwrite")] = None,
    meta: Annotated[bool | None, flag(R, "meta", "--meta/--no-meta")] = None,
    runs: Annotated[str | None, flag(R, "runs", metavar="DIR")] = None,
    device: Annotated[str | None, flag(R, "device")] = None,
    set_: Annotated[
        list[str] | None,
        option_of_components("An option of a writer, such as writers.gif.quality=small."),
    ] = None,
) -> None:
    """Make a picture or an animation again from the recipe in it: the same bytes, or larger.

    Nothing but the recipe and the run it names is used; a recipe holds no paths and no code.
    """
    settings = given(
        file=file, out=out or None, fps=fps, seconds=seconds, frames=frames, scale=scale,
        plays=plays, run=run, sign=sign, stylize=stylize or None, max_size=max_size,
        overwrite=overwrite, meta=meta, runs=runs, device=device,
        components=merge(component_tables(ctx.obj or {}), parse_set(set_ or [])),
    )  # fmt: skip
    config = validate(RemakeConfig, settings, "")
    from artgan.recipes import made_by

    made = made_by(Path(config.file))
    assigned = parse_set(set_ or [])
    if made.walk is not None:
        _film(config, made, assigned, preview=preview)
    elif made.sample is not None:
        if assigned or preview:
            raise ConfigError(
                f"{safe(file)} is a picture: leave out --{'preview' if preview else 'set'}"
            )
        _sample(config, made)
    else:
        raise ConfigError(
            f"{safe(file)} was made by artgan {safe(made.command)}, from pictures that are not in "
            "the recipe: call that again; artgan show tells its settings"
        )


def _film(config: RemakeConfig, made: Made, assigned: dict[str, Any], *, preview: bool) -> None:
    from artgan.remaking import film_again, replanned, writer_tables

    plan = replanned(config, made)
    components = registry()
    outputs = find_outputs(
        config.out or (str(usual_out(Path(config.file))),),
        fps=plan.fps,
        overwrite=config.overwrite,
        components=components,
        tables=writer_tables(config, made),
        count=plan.frames,
    )
    _check_used(assigned, outputs, made)
    film = film_again(config, made, plan, components, lambda line: say(f"artgan: {line}"))
    say(f"walking through {film.model.label} again")
    shoot(film, outputs, most=config.max_size, overwrite=config.overwrite, preview=preview)


def _check_used(assigned: dict[str, Any], outputs: list[Output], made: Made) -> None:
    """Refuse --set of what changes nothing: all but writers, and styles, are in the recipe."""
    writers = {n for o in outputs for n in (o.entry.record.name, o.entry.qualified)}
    for kind, tables in assigned.items():
        if kind in ("extractors", "losses") and (made.walk or {}).get("stylize"):
            continue
        for name in tables:
            if kind != "writers" or name not in writers:
                used = ", ".join(dict.fromkeys(f"writers.{o.entry.record.name}" for o in outputs))
                raise ConfigError(
                    f"--set {safe(kind)}.{safe(name)}: the recipe says the rest, only {used} can "
                    "be set"
                )


def _sample(config: RemakeConfig, made: Made) -> None:
    from artgan.pipelines.sample import sample
    from artgan.remaking import sample_again

    outs = config.out or (str(usual_out(Path(config.file))),)
    if len(outs) > 1:
        raise ConfigError(f"{safe(config.file)} is a picture: give one --out")
    settings, model = sample_again(config, made, outs[0], lambda line: say(f"artgan: {line}"))
    say(f"drawing from {model.label} again")
    with terminable(), progress("drawing") as show:
        for path in sample(settings, model, show):
            print(safe(path))

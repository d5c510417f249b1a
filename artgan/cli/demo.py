"""`artgan demo`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from artgan.cli.settings import flag, given
from artgan.cli.training import finish, watched
from artgan.compose import DemoConfig
from artgan.config import validate
from artgan.screen import plural, safe, say

__all__ = ["app", "demo"]

app = typer.Typer()

D = DemoConfig


@app.command()
def demo(
    out: Annotated[str | None, flag(D, "out", "--out", "-o", metavar="DIR")] = None,
    minutes: Annotated[float | None, flag(D, "minutes")] = None,
    count: Annotated[int | None, flag(D, "count")] = None,
    size: Annotated[str | None, flag(D, "size", metavar="PX")] = None,
    seed: Annotated[int | None, flag(D, "seed")] = None,
    overwrite: Annotated[bool | None, flag(D, "overwrite", "--overwrite")] = None,
) -> None:
    """See what artgan does, with pictures that it draws itself.

    Draws small paintings, trains a GAN on them for about a minute, draws new pictures from it,
    renders a looping walk, and paints some of them anew in brush strokes.
    """
    settings = given(
        out=out, minutes=minutes, count=count, size=size, seed=seed, overwrite=overwrite
    )
    config = validate(DemoConfig, settings, "")
    from artgan.compose import demo as run_demo

    with watched() as (watcher, stop):
        result = run_demo(config, watcher, stop.asked, stop.rest)
    if not result.training.finished:
        finish(result.training, stop)
    run = safe(os.path.relpath(result.training.run.path))
    say("")
    say(f"{plural(config.count, 'painting')} to learn from are in {safe(result.pictures)}")
    say(f"after {result.training.cur_nimg / 1000:.1f} kimg of training it draws:")
    for path in (result.grid, result.walk, result.painted):
        print(safe(path))
    say("")
    say("what to try next:")
    say(f"  artgan walk {run} --keys 3,17,42 -o another.gif   (numbers are places in grid.png)")
    say(f"  artgan train --resume {run} --minutes 5   (it gets better)")
    say(f"  artgan stylize ./myimages --style {safe(result.folder / 'brushwork.png')} -o painted/")
    say("  artgan check ./myimages --sheet sheet.png   (what your own pictures would become)")
    say("  artgan train ./myimages")

"""`artgan sample`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from artgan.cli.progress import progress
from artgan.cli.settings import argument, flag, given
from artgan.cli.stopping import terminable
from artgan.config import validate
from artgan.pipelines.sample import SampleConfig, sample_paths
from artgan.rendering import describe_truncation
from artgan.screen import file_size, plural, safe, say

__all__ = ["app", "sample"]

app = typer.Typer(add_completion=False)

S = SampleConfig


@app.command()
def sample(
    run: Annotated[str, argument(S, "run", metavar="RUN")],
    seeds: Annotated[str | None, flag(S, "seeds", metavar="LIST")] = None,
    psi: Annotated[float | None, flag(S, "psi", "--psi", "--truncation-psi")] = None,
    grid: Annotated[bool | None, flag(S, "grid", "--grid")] = None,
    columns: Annotated[int | None, flag(S, "columns")] = None,
    label: Annotated[bool | None, flag(S, "label", "--label")] = None,
    scale: Annotated[int | None, flag(S, "scale")] = None,
    pixels: Annotated[bool | None, flag(S, "pixels", "--pixels")] = None,
    out: Annotated[str | None, flag(S, "out", "--out", "-o", metavar="PATH")] = None,
    overwrite: Annotated[bool | None, flag(S, "overwrite", "--overwrite")] = None,
    meta: Annotated[bool | None, flag(S, "meta", "--meta/--no-meta")] = None,
    runs: Annotated[str | None, flag(S, "runs", metavar="DIR")] = None,
    device: Annotated[str | None, flag(S, "device")] = None,
) -> None:
    """Draw pictures from a run: one a seed, or all in a grid.

    A seed is always the same picture, byte for byte, whatever is drawn beside it.
    """
    settings = given(
        run=run, seeds=seeds, psi=psi, grid=grid, columns=columns, label=label,
        scale=scale, pixels=pixels, out=out, overwrite=overwrite, meta=meta, runs=runs,
        device=device,
    )  # fmt: skip
    config = validate(SampleConfig, settings, "")
    sample_paths(config)  # refuses before anything heavy is loaded
    from artgan.models import open_model
    from artgan.pipelines.sample import sample as draw

    model = open_model(config.run, runs=Path(config.runs), device=config.device)
    say(f"drawing from {model.label}")
    note = describe_truncation(model, config.psi)
    if note is not None:
        say(note)
    started = time.monotonic()
    with terminable(), progress("drawing") as show:
        paths = draw(config, model, show)
    size = sum(path.stat().st_size for path in paths)
    seconds = time.monotonic() - started
    say(f"{plural(len(config.wanted), 'picture')}, {file_size(size)}, in {seconds:.1f} s")
    for path in paths:
        print(safe(path))

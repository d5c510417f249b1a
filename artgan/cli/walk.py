"""`artgan walk`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from artgan.cli.progress import progress
from artgan.cli.settings import argument, flag, given
from artgan.cli.stopping import terminable
from artgan.config import component_tables, merge, parse_set, validate
from artgan.errors import ConfigError
from artgan.outputs import Output, find_outputs, remove_surplus
from artgan.pipelines.walk import WalkConfig, check_walk, walk_studio
from artgan.registry import Registry, registry
from artgan.rendering import describe_truncation
from artgan.screen import file_size, plural, safe, say
from artgan.studio import Studio

__all__ = ["app", "walk"]

app = typer.Typer(add_completion=False)

W = WalkConfig


@app.command()
def walk(
    ctx: typer.Context,
    run: Annotated[str, argument(W, "run", metavar="RUN")],
    keys: Annotated[str | None, flag(W, "keys", "--keys", "--seeds", metavar="LIST")] = None,
    seconds: Annotated[float | None, flag(W, "seconds")] = None,
    fps: Annotated[float | None, flag(W, "fps")] = None,
    frames: Annotated[int | None, flag(W, "frames")] = None,
    sampler: Annotated[str | None, flag(W, "sampler", metavar="NAME")] = None,
    psi: Annotated[float | None, flag(W, "psi", "--psi", "--truncation-psi")] = None,
    scale: Annotated[int | None, flag(W, "scale")] = None,
    pixels: Annotated[bool | None, flag(W, "pixels", "--pixels")] = None,
    loop: Annotated[int | None, flag(W, "loop")] = None,
    stylize: Annotated[list[str] | None, flag(W, "stylize", metavar="FILE")] = None,
    strength: Annotated[float | None, flag(W, "strength")] = None,
    out: Annotated[
        list[str] | None,
        flag(
            W,
            "out",
            "--out",
            "-o",
            metavar="PATH",
            help="Output, several from one rendering: the suffix is the format, a / at the end "
            "makes a folder of PNGs. [default: walk.gif]",
        ),
    ] = None,
    overwrite: Annotated[bool | None, flag(W, "overwrite", "--overwrite")] = None,
    meta: Annotated[bool | None, flag(W, "meta", "--meta/--no-meta")] = None,
    runs: Annotated[str | None, flag(W, "runs", metavar="DIR")] = None,
    device: Annotated[str | None, flag(W, "device")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="An option of what the walk uses, such as samplers.slerp.easing=sine.",
            metavar="KIND.NAME.OPTION=VALUE",
            show_envvar=False,
        ),
    ] = None,
) -> None:
    """Render a looping walk through the pictures of a run, from key to key.

    The loop closes by construction; the same call gives the same bytes.
    """
    assigned = parse_set(set_ or [])
    settings = given(
        run=run, keys=keys, seconds=seconds, fps=fps, frames=frames, sampler=sampler, psi=psi,
        scale=scale, pixels=pixels, loop=loop, stylize=stylize or None, strength=strength,
        out=out or None, overwrite=overwrite, meta=meta, runs=runs, device=device,
        components=merge(component_tables(ctx.obj or {}), assigned),
    )  # fmt: skip
    config = validate(WalkConfig, settings, "")
    if strength is not None and not config.stylize:
        raise ConfigError("--strength is of a style: give --stylize FILE, or leave it out")
    components = registry()
    outputs = find_outputs(
        config.out,
        fps=config.fps,
        overwrite=config.overwrite,
        components=components,
        tables=config.components,
        count=config.count,
    )
    check_walk(config, components)
    studio = walk_studio(config, components)
    _check_used(assigned, config, outputs, components, studio)
    started = time.monotonic()
    files = _render(config, outputs, components, studio)
    _report(config, files, time.monotonic() - started)
    if config.overwrite:
        surplus = remove_surplus(outputs, files)
        if surplus:
            say(f"removed {plural(surplus, 'frame')} of an older, longer walk")
    for output in outputs:
        print(safe(output.path))


def _render(
    config: WalkConfig, outputs: list[Output], components: Registry, studio: Studio | None
) -> list[Path]:
    from artgan.models import open_model
    from artgan.outputs import deliver
    from artgan.pipelines.walk import restyled, walk_recipe
    from artgan.pipelines.walk import walk as walk_frames

    if studio is not None:
        studio.check()
    model = open_model(config.run, runs=Path(config.runs), device=config.device)
    say(f"walking through {model.label}")
    note = describe_truncation(model, config.psi)
    if note is not None:
        say(note)
    frames = walk_frames(config, model, components)
    if studio is not None:
        frames = restyled(config, frames, studio, components)
        say(f"drawing it in the style of {', '.join(map(safe, config.stylize))}")
    with terminable(), progress("rendering") as show:
        return deliver(
            frames,
            outputs,
            components=components,
            loop=config.loop,
            recipe=walk_recipe(config, model, components),
            progress=show,
        )


def _check_used(
    assigned: dict[str, Any],
    config: WalkConfig,
    outputs: list[Output],
    components: Registry,
    studio: Studio | None,
) -> None:
    """Refuse --set of a component that this walk does not use: it would change nothing."""
    sampler = components.find("samplers", config.sampler)
    used = {"samplers": [sampler], "writers": [output.entry for output in outputs]}
    if studio is not None:
        used["extractors"] = [studio.extractor]
        used["losses"] = [each.entry for each in studio.losses]
    for kind, tables in assigned.items():
        names = {n for e in used.get(kind, []) for n in (e.record.name, e.qualified)}
        for name in tables:
            if name not in names:
                raise ConfigError(
                    f"--set {safe(kind)}.{safe(name)}: this walk uses "
                    + ", ".join(f"{k}.{e.record.name}" for k, found in used.items() for e in found)
                )


def _report(config: WalkConfig, files: list[Path], seconds: float) -> None:
    size = sum(path.stat().st_size for path in files)
    say(
        f"{plural(config.count, 'frame')}, {config.count / config.fps:.2f} s at {config.fps:g} "
        f"frames a second, {file_size(size)}, in {seconds:.1f} s"
    )

"""`artgan stylize`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from artgan.batches import Batch, Item, Plan, gather, plan, refuse, single_output
from artgan.cli.progress import progress
from artgan.cli.settings import argument, flag, given, option_of_components
from artgan.cli.stopping import terminable
from artgan.cli.telling import tell_losses, tell_skipped
from artgan.config import component_tables, merge, parse_set, validate
from artgan.errors import ConfigError, ImageError
from artgan.images import save_png
from artgan.outputs import check_place, moving_suffixes
from artgan.pipelines.animate import animate, writer_facts
from artgan.pipelines.stylize import (
    STRENGTHS,
    STROKES,
    Job,
    Redrawn,
    Room,
    choices,
    find_room,
    redraw_all,
    write_result,
)
from artgan.registry import registry
from artgan.screen import console, duration, file_size, is_terminal, plural, safe, say
from artgan.studio import Studio
from artgan.stylesettings import StylizeConfig

__all__ = ["app", "stylize"]

app = typer.Typer(add_completion=False)

S = StylizeConfig

PREVIEW = 48
"""Long edge of a preview, columns or half lines."""


@app.command()
def stylize(
    ctx: typer.Context,
    images: Annotated[list[str], argument(S, "images", metavar="PICTURES...")],
    styles: Annotated[list[str], flag(S, "styles", "--style", "-s", metavar="FILE")],
    shares: Annotated[str | None, flag(S, "shares", "--shares", metavar="NUMBERS")] = None,
    out: Annotated[str | None, flag(S, "out", "--out", "-o", metavar="PATH")] = None,
    size: Annotated[str | None, flag(S, "size", metavar="PX|full")] = None,
    strength: Annotated[float | None, flag(S, "strength")] = None,
    stroke: Annotated[float | None, flag(S, "stroke")] = None,
    losses: Annotated[
        list[str] | None, flag(S, "losses", "--loss", metavar="NAME[:WEIGHT]")
    ] = None,
    extractor: Annotated[str | None, flag(S, "extractor", metavar="NAME")] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Weights of the extractor, where it has any.",
            show_envvar=False,
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Fetch the extractor's published weights if they are not there.",
            show_envvar=False,
        ),
    ] = False,
    start: Annotated[str | None, flag(S, "start", metavar="content|noise|style")] = None,
    optimizer: Annotated[str | None, flag(S, "optimizer", metavar="lbfgs|adam")] = None,
    effort: Annotated[float | None, flag(S, "effort")] = None,
    guide: Annotated[bool | None, flag(S, "guide", "--guide/--no-guide")] = None,
    match_colours: Annotated[
        bool | None, flag(S, "match_colours", "--match-colours/--no-match-colours")
    ] = None,
    keep_colours: Annotated[bool | None, flag(S, "keep_colours", "--keep-colours")] = None,
    mask: Annotated[list[str] | None, flag(S, "mask", "--mask", metavar="FILE")] = None,
    sweep: Annotated[bool | None, flag(S, "sweep", "--sweep")] = None,
    steadiness: Annotated[float | None, flag(S, "steadiness")] = None,
    seed: Annotated[int | None, flag(S, "seed")] = None,
    suffix: Annotated[str | None, flag(S, "suffix", metavar="SUFFIX")] = None,
    quality: Annotated[int | None, flag(S, "quality")] = None,
    jobs: Annotated[int | None, flag(S, "jobs", "--jobs", "-j")] = None,
    overwrite: Annotated[bool | None, flag(S, "overwrite", "--overwrite")] = None,
    meta: Annotated[bool | None, flag(S, "meta", "--meta/--no-meta")] = None,
    strict: Annotated[bool | None, flag(S, "strict", "--strict")] = None,
    device: Annotated[str | None, flag(S, "device")] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            metavar="FILE.png",
            help="Draw the first picture small, at several strengths and strokes, and stop.",
            show_envvar=False,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        option_of_components(
            "An option of a loss or the extractor, such as losses.gram.layers=stage1,stage2."
        ),
    ] = None,
) -> None:
    """Redraw pictures in the style of another.

    Works on folders, downloads nothing, keeps names and sub-folders, and leaves out what it has
    finished before. GIFs, WebPs and videos that move become such again, without flicker. Ctrl-C
    keeps what is done; the same call goes on.
    """
    tables = merge(component_tables(ctx.obj or {}), parse_set(set_ or []))
    settings = given(
        images=images, styles=styles, shares=_numbers(shares), out=out, size=size,
        strength=strength, stroke=stroke, losses=losses or None, extractor=extractor,
        start=start, optimizer=optimizer, effort=effort, guide=guide,
        match_colours=match_colours, keep_colours=keep_colours, mask=mask or None, sweep=sweep,
        steadiness=steadiness, seed=seed, suffix=suffix, quality=quality, jobs=jobs,
        overwrite=overwrite, meta=meta, strict=strict, device=device, components=tables,
    )  # fmt: skip
    config = validate(StylizeConfig, settings, "")
    config = _with_weights(config, weights, download=download)
    moving = moving_suffixes(registry())
    batch = gather(config.images, out=config.out, suffix=config.suffix, moving=moving)
    if sheet is not None:
        first = min(batch.items, key=lambda item: item.moving)
        _draw_sheet(config, first.path, sheet)
        return
    file = single_output(config.out, batch, moving=moving)
    folder = Path(config.out) if file is None else file.parent
    if file is not None:
        batch.items[0] = replace(batch.items[0], name=Path(file.name))
    else:
        check_place(folder, folder=True, overwrite=True)
    studio = Studio(config, registry())
    jobs_ = _jobs(studio, batch)
    found = plan(batch, folder, lambda item: jobs_[item].recipe, overwrite=config.overwrite)
    refuse(found.blocked)
    studio.check()
    todo = [jobs_[item] for item in found.todo if not item.moving]
    films = [jobs_[item] for item in found.todo if item.moving]
    room = find_room(studio, todo) if todo else None
    _tell(batch, found, config, room)
    skipped = list(batch.skipped)
    began = time.monotonic()
    parts: list[Mapping[str, float]] = []
    processes = room.processes if room is not None else 1
    written = _run(studio, todo, folder, skipped, parts, processes)
    _report(len(written), time.monotonic() - began, parts)
    written += _animate(studio, films, folder, skipped)
    if skipped:
        say(f"{plural(len(skipped), 'picture')} skipped")
    for path in written if file is not None or not written else [folder]:
        print(safe(path))
    if skipped and (config.strict or not (written or found.done)):
        raise ImageError(f"{plural(len(skipped), 'picture')} could not be redrawn, see above")


def _numbers(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]


def _with_weights(config: StylizeConfig, weights: str | None, *, download: bool) -> StylizeConfig:
    """Return settings whose extractor has the weights that the flags say."""
    if weights is None and not download:
        return config
    entry = registry().find("extractors", config.extractor)
    if not getattr(entry.record, "weights", ""):
        flagged = "--weights" if weights is not None else "--download"
        raise ConfigError(
            f"{flagged}: extractor '{safe(config.extractor)}' has no weights to load: leave it out"
        )
    table: dict[str, Any] = {} if weights is None else {"file": weights}
    if download:
        table["download"] = True
    own = {"extractors": {config.extractor: table}}
    return config.model_copy(update={"components": merge(config.components, own)})


def _jobs(studio: Studio, batch: Batch) -> dict[Item, Job]:
    from artgan.pictures import UnreadablePicture

    found: dict[Item, Job] = {}
    for number, item in enumerate(list(batch.items)):
        shares = tuple(studio.shares(number, len(batch.items)))
        try:
            writer = writer_facts(studio, item) if item.moving else None
            recipe = studio.recipe_text(item, shares, writer=writer)
        except UnreadablePicture as error:
            if error.path != item.path:
                raise
            batch.skipped.append((item.path, error.reason))
            batch.items.remove(item)
            continue
        found[item] = Job(item, shares, recipe)
    return found


def _tell(batch: Batch, found: Plan, config: StylizeConfig, room: Room | None) -> None:
    for note in batch.notes:
        say(note)
    tell_skipped(batch.skipped)
    if found.done:
        say(f"{_counts(found.done)} finished before")
    if found.todo:
        names = ", ".join(safe(os.path.basename(style)) for style in config.styles)
        say(f"redrawing {_counts(found.todo)} in the style of {names}")
    if room is not None:
        once = f", {room.processes} at once" if room.processes > 1 else ""
        say(f"about {file_size(room.each)} of memory a picture{once}")
        if room.free is not None and room.each * room.processes > room.free:
            say(f"only {file_size(room.free)} is free: a smaller --size takes less")


def _counts(items: list[Item]) -> str:
    """Return how many pictures and animations there are, in words."""
    moving = sum(item.moving for item in items)
    found = [(len(items) - moving, "picture"), (moving, "animation")]
    return " and ".join(plural(count, noun) for count, noun in found if count)


def _run(
    studio: Studio,
    jobs: list[Job],
    folder: Path,
    skipped: list[tuple[Path, str]],
    shown: list[Mapping[str, float]],
    processes: int,
) -> list[Path]:
    """Redraw and write, each as soon as it is done, and return what was written."""
    written: list[Path] = []
    with terminable(), progress("redrawing") as show:
        told = _counted(show, len(jobs))
        for redrawn in redraw_all(studio, jobs, told, processes=processes):
            if redrawn.pixels is None:
                skipped.append((redrawn.job.item.path, redrawn.reason))
                say(f"skipped {safe(redrawn.job.item.path)}: {safe(redrawn.reason)}")
                continue
            written.append(write_result(folder, redrawn, studio.config))
            shown.append(redrawn.parts)
            if is_terminal():
                _preview(redrawn)
    return written


def _animate(
    studio: Studio, jobs: list[Job], folder: Path, skipped: list[tuple[Path, str]]
) -> list[Path]:
    """Redraw animations, one after the other, and return what was written."""
    written: list[Path] = []
    for job in jobs:
        item, began = job.item, time.monotonic()
        with terminable(), progress(f"frames of {safe(item.name)}") as show:
            came = animate(studio, item, folder, shares=job.shares, recipe=job.recipe, told=show)
        if came.path is None:
            skipped.append((item.path, came.reason))
            say(f"skipped {safe(item.path)}: {safe(came.reason)}")
            continue
        written.append(came.path)
        seconds = time.monotonic() - began
        frames = f"{plural(came.frames, 'frame')} of {safe(item.name)}"
        say(f"{frames} redrawn in {duration(seconds)}, {seconds / came.frames:.1f} s a frame")
    return written


def _preview(redrawn: Redrawn) -> None:
    """Show a finished picture in the terminal, with its name."""
    import torch
    from torch.nn.functional import interpolate

    from artgan.cli.live import half_blocks
    from artgan.images import from_bytes

    image = from_bytes(torch.from_numpy(redrawn.pixels))[None]
    height, width = image.shape[-2:]
    share = PREVIEW / max(height, width)
    size = (max(2, round(height * share)), max(2, round(width * share)))
    screen = console()
    screen.print(half_blocks(interpolate(image, size, mode="area")[0]))
    screen.print(safe(redrawn.job.item.name))


def _counted(
    show: Callable[[int, int | None], None], count: int
) -> Callable[[int, int, int], None]:
    """Return what turns evaluations of each picture into those of all."""
    parts: dict[int, tuple[int, int]] = {}

    def told(number: int, done: int, total: int) -> None:
        parts[number] = (min(done, total), total)
        whole = max(total for _, total in parts.values()) * count
        show(sum(done for done, _ in parts.values()), whole)

    return told


def _draw_sheet(config: StylizeConfig, path: Path, sheet: Path) -> None:
    if sheet.suffix.lower() != ".png":
        raise ConfigError(f"--sheet {safe(sheet)}: sheets are .png, not '{safe(sheet.suffix)}'")
    check_place(sheet, folder=False, overwrite=config.overwrite)
    say(f"drawing {safe(path)} at {len(STRENGTHS)} strengths and {len(STROKES)} strokes")
    with terminable(), progress("drawing") as show:
        told = _counted(show, len(STRENGTHS) * len(STROKES))
        save_png(sheet, choices(Studio(config, registry()), path, told))
    print(safe(sheet))


def _report(count: int, seconds: float, parts: list[Mapping[str, float]]) -> None:
    if count:
        each = f", {seconds / count:.1f} s a picture" if count > 1 else ""
        say(f"{plural(count, 'picture')} redrawn in {duration(seconds)}{each}")
    names = list(parts[0]) if parts else []
    tell_losses({name: sum(p[name] for p in parts) / len(parts) for name in names})

"""`artgan fit-style`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artgan.batches import gather
from artgan.cli.progress import progress
from artgan.cli.settings import argument, flag, given, option_of_components
from artgan.cli.stopping import terminable
from artgan.cli.telling import tell_losses, tell_skipped
from artgan.config import component_tables, merge, parse_set, validate
from artgan.errors import ConfigError
from artgan.images import save_png
from artgan.outputs import check_place
from artgan.pipelines.fit import Fitted, fit, specimens
from artgan.registry import registry
from artgan.screen import duration, file_size, plural, safe, say
from artgan.studio import Studio
from artgan.stylesettings import FAST, StylizeConfig

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["app", "fit_style"]

app = typer.Typer(add_completion=False)

S = StylizeConfig


@app.command()
def fit_style(
    ctx: typer.Context,
    style: Annotated[
        str,
        typer.Argument(metavar="STYLE", help="Picture whose style is learned.", show_envvar=False),
    ],
    images: Annotated[
        list[str],
        argument(
            S, "images", metavar="PICTURES...", help="Pictures such as it will be given, folders."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar=f"NAME{FAST}", help="The file.", show_envvar=False),
    ],
    size: Annotated[
        str | None,
        flag(
            S,
            "size",
            metavar="PX",
            help="Long edge in pixels that it is made for; others are drawn too. "
            f"\\[default: {S.model_fields['size'].default}]",
        ),
    ] = None,
    stroke: Annotated[float | None, flag(S, "stroke")] = None,
    losses: Annotated[
        list[str] | None, flag(S, "losses", "--loss", metavar="NAME[:WEIGHT]")
    ] = None,
    extractor: Annotated[str | None, flag(S, "extractor", metavar="NAME")] = None,
    effort: Annotated[
        float | None, flag(S, "effort", help="Steps, in parts of the usual. \\[default: 1.0]")
    ] = None,
    guide: Annotated[bool | None, flag(S, "guide", "--guide/--no-guide")] = None,
    seed: Annotated[int | None, flag(S, "seed")] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            metavar="FILE.png",
            help="Draw some of the pictures in the new style, too.",
            show_envvar=False,
        ),
    ] = None,
    overwrite: Annotated[bool | None, flag(S, "overwrite", "--overwrite")] = None,
    device: Annotated[str | None, flag(S, "device")] = None,
    set_: Annotated[
        list[str] | None,
        option_of_components(
            "An option of a loss or the extractor, such as losses.gram.layers=stage1,stage2."
        ),
    ] = None,
) -> None:
    """Fit a fast style: a small network that redraws pictures at once.

    It learns in minutes, by what `stylize` optimises pictures with, and is used like a picture:
    artgan stylize photos/ --style NAME.artstyle. How strong it is is chosen then.
    """
    tables = merge(component_tables(ctx.obj or {}), parse_set(set_ or []))
    settings = given(
        images=images, styles=[style], size=size, stroke=stroke, losses=losses or None,
        extractor=extractor, effort=effort, guide=guide, seed=seed, overwrite=overwrite,
        device=device, components=tables,
    )  # fmt: skip
    config = validate(StylizeConfig, settings, "")
    if config.edge is None:
        raise ConfigError("--size full: a fast style is made for one size, give its pixels")
    _check_outputs(style, out, sheet, overwrite=config.overwrite)
    batch = gather(config.images)
    for note in batch.notes:
        say(note)
    studio = Studio(config, registry())
    studio.check()
    began = time.monotonic()
    say(f"fitting {safe(Path(style).name)}")
    with terminable(), progress("fitting") as show:
        fitted = fit(studio, [item.path for item in batch.items], _told(show))
    tell_skipped([*batch.skipped, *fitted.skipped])
    _report(fitted, time.monotonic() - began)
    from artgan.artstyle import write_artstyle

    written = write_artstyle(out, fitted.style)
    say(f"{file_size(written)} in {safe(out)}: artgan stylize PICTURES --style {safe(out)}")
    if sheet is not None:
        drawn: Image.Image = specimens(studio, fitted, [item.path for item in batch.items])
        save_png(sheet, drawn)
        print(safe(sheet))
    print(safe(out))


def _check_outputs(style: str, out: Path, sheet: Path | None, *, overwrite: bool) -> None:
    if Path(style).suffix.lower() == FAST:
        raise ConfigError(f"{safe(style)} is a fast style already: give the picture it is to be of")
    if out.suffix.lower() != FAST:
        raise ConfigError(f"-o {safe(out)}: fast styles are called NAME{FAST}")
    check_place(out, folder=False, overwrite=overwrite)
    if sheet is not None:
        if sheet.suffix.lower() != ".png":
            raise ConfigError(f"--sheet {safe(sheet)}: sheets are .png, not '{safe(sheet.suffix)}'")
        check_place(sheet, folder=False, overwrite=overwrite)


def _told(
    show: Callable[[int, int | None], None],
) -> Callable[[int, int, dict[str, float]], None]:
    return lambda done, total, losses: show(done, total)


def _report(fitted: Fitted, seconds: float) -> None:
    say(f"fitted to {plural(fitted.count, 'picture')} in {duration(seconds)}")
    total = sum(fitted.losses.values()) or 1.0
    tell_losses({name: value / total for name, value in fitted.losses.items()})

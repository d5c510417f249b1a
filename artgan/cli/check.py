"""`artgan check`: what training would make of a folder of pictures."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artgan.cli.settings import argument, flag, given
from artgan.config import TrainConfig, validate

if TYPE_CHECKING:
    from artgan.pipelines.check import Report

__all__ = ["app", "check"]

app = typer.Typer()

T = TrainConfig

NAMED = 10
"""Skipped files that are named in the report; --json names all."""


@app.command()
def check(
    images: Annotated[Path, argument(T, "images", metavar="DIR")],
    size: Annotated[str | None, flag(T, "size", metavar="PX")] = None,
    fit: Annotated[str | None, flag(T, "fit", metavar="crop|pad|squash")] = None,
    channels: Annotated[int | None, flag(T, "channels", metavar="1|3|4")] = None,
    background: Annotated[str | None, flag(T, "background", metavar="COLOUR")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.", show_envvar=False)
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="Draw what training sees to this PNG.", metavar="FILE", show_envvar=False
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a sheet that exists.", show_envvar=False),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if a file is skipped.", show_envvar=False)
    ] = False,
) -> None:
    """Say what training would make of a folder: which pictures, at what size, and what is lost."""
    from artgan.api import ImageError
    from artgan.cli.progress import progress
    from artgan.compose import estimate
    from artgan.pipelines.check import check as check_folder
    from artgan.pipelines.check import check_sheet_path, draw_sheet
    from artgan.screen import plural, say

    settings = given(size=size, fit=fit, channels=channels, background=background)
    config = validate(TrainConfig, {"images": os.fspath(images), **settings}, "")
    if sheet is not None:
        check_sheet_path(sheet, images, overwrite=overwrite)
    report, pictures = check_folder(
        images,
        size=config.size,
        channels=config.channels,
        fit=config.fit,
        background=config.background,
        estimate=estimate,
        announce=progress,
    )
    with contextlib.closing(pictures) if pictures is not None else contextlib.nullcontext():
        if as_json:
            print(json.dumps(_document(report), indent=2))
        else:
            _show(report)
        if report.problem:
            raise ImageError(report.problem)
        if sheet is not None and pictures is not None:
            count = draw_sheet(sheet, pictures, report.spec)
            say(f"{plural(count, 'picture')} drawn to {_name(sheet)}")
    if strict and report.skipped:
        raise ImageError(f"{plural(len(report.skipped), 'file')} skipped, and --strict was given")


def _name(path: object) -> str:
    from artgan.screen import safe

    return safe(path)


def _show(report: Report) -> None:
    from rich.console import Console

    from artgan.config import format_size
    from artgan.pipelines.check import summary
    from artgan.screen import file_size, plural

    console = Console(markup=False, highlight=False, emoji=False)
    print(f"{_name(report.folder)}: {summary(report)}")
    for note in report.notes:
        print(f"  {note}")
    _show_skipped(report)
    if not report.usable:
        return
    print("\nShort side")
    console.print(_bars(report.sides))
    print("\nShape")
    console.print(_bars(report.aspects))
    kinds = ", ".join(f"{count:,} {name}" for name, count in report.formats.items())
    print(f"\nFormats: {kinds}")
    size = format_size(report.spec.size)
    lost = f"a crop to {size} loses {report.crop_loss:.0%} of the area (median)"
    fits = {"crop": lost, "pad": "padded, nothing is lost", "squash": "squashed, nothing is lost"}
    print(f"At {size} px: {fits[report.spec.fit]}")
    if report.spec.fit == "crop" and report.crop_loss >= 0.2:
        print("  that is much: --fit pad keeps it all, or choose a --size of their shape")
    if report.enlarged:
        print(f"  {plural(report.enlarged, 'picture')} smaller than that: enlarged")
    kept = "" if report.stored else ", not stored (ARTGAN_CACHE_LIMIT sets the limit)"
    print(f"Prepared pictures: {file_size(report.prepared_bytes)}{kept}")
    if report.estimate:
        print(report.estimate)
    print(f"Recommended: {_command(report)}")


def _command(report: Report) -> str:
    """Return the command that trains on the folder as a shell takes it."""
    from artgan.config import format_size

    words = [_shell_word(os.fspath(report.folder)), "--size", format_size(report.recommended)]
    for name in ("fit", "channels", "background"):
        chosen = getattr(report.spec, name)
        if chosen != T.model_fields[name].default:
            words += [f"--{name}", _shell_word(str(chosen))]
    return " ".join(["artgan train", *words])


def _shell_word(text: str) -> str:
    """Return a text as one word of a shell, printable.

    >>> _shell_word("my cats"), _shell_word("-x")
    ("'my cats'", './-x')
    """
    text = f"./{text}" if text.startswith("-") else text
    if _name(text) == text:
        return shlex.quote(text)
    plain = (c if _name(c) == c and c not in "\\'" else None for c in text)
    coded = ("".join(f"\\x{byte:02x}" for byte in os.fsencode(c)) for c in text)
    return "$'" + "".join(p or c for p, c in zip(plain, coded, strict=True)) + "'"


def _show_skipped(report: Report) -> None:
    if not report.skipped:
        return
    print("\nSkipped")
    for path, reason in report.skipped[:NAMED]:
        print(f"  {_name(path)}: {_name(reason)}")
    if len(report.skipped) > NAMED:
        print(f"  and {len(report.skipped) - NAMED:,} more (--json names all)")


def _bars(counts: dict[str, int]) -> Any:
    """Return a table of labels, bars and counts, without the empty rows at both ends."""
    from rich.table import Table

    rows = list(counts.items())
    while rows and not rows[-1][1]:
        rows.pop()
    while rows and not rows[0][1]:
        rows.pop(0)
    most = max(count for _, count in rows)
    block = "█" if "utf" in (sys.stdout.encoding or "").lower() else "#"
    table = Table.grid(padding=(0, 1))
    for justify in ("left", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    for label, count in rows:
        bar = block * max(round(30 * count / most), count > 0)
        table.add_row(f"  {label}", bar, f"{count:,}")
    return table


def _document(report: Report) -> dict[str, Any]:
    from artgan.config import format_size

    spec = report.spec
    return {
        "version": 1,
        "folder": _path(report.folder),
        "looked_at": report.looked_at,
        "usable": report.usable,
        "ignored": report.ignored,
        "skipped": [_path(path) | {"reason": reason} for path, reason in report.skipped],
        "duplicates": [_path(twin) | {"same_as": _path(kept)} for twin, kept in report.twins],
        "notes": report.notes,
        "formats": report.formats,
        "modes": report.modes,
        "short_sides": report.sides,
        "aspects": report.aspects,
        "enlarged": report.enlarged,
        "crop_loss": round(report.crop_loss, 4),
        "settings": {
            "size": format_size(spec.size),
            "channels": spec.channels,
            "fit": spec.fit,
            "background": spec.background,
        },
        "recommended": {"size": format_size(report.recommended)},
        "prepared_bytes": report.prepared_bytes,
        "stored": report.stored,
        "estimate": report.estimate,
        "fingerprint": report.fingerprint,
        "problem": report.problem,
    }


def _path(path: object) -> dict[str, str]:
    """Return a name as JSON can hold it; one that is not UTF-8 with its bytes in hexadecimal."""
    raw = os.fsencode(os.fspath(path))  # type: ignore[call-overload]
    try:
        return {"path": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"path": raw.decode("utf-8", "backslashreplace"), "path_hex": raw.hex()}

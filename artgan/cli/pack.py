"""`artgan pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artgan.errors import PathError
from artgan.screen import safe, say

__all__ = ["app", "pack"]

app = typer.Typer()


@app.command()
def pack(
    run: Annotated[str, typer.Argument(help="A run: folder, number or latest.", show_envvar=False)],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The file, NAME.artgan.", show_envvar=False),
    ],
    root: Annotated[
        Path, typer.Option("--runs", help="Folder that runs are in.", show_envvar=False)
    ] = Path("runs"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file.", show_envvar=False)
    ] = False,
) -> None:
    """Make one safe file of a trained run: its averaged generator and settings, no pictures.

    The file is accepted wherever a run is. It holds numbers and text only: nothing in it can run.
    """
    from artgan.models import find_weights, tables_of
    from artgan.models import pack as write_pack
    from artgan.runs import PACK_SUFFIX

    if out.suffix != PACK_SUFFIX:
        raise PathError(f"{safe(out)} should end in {PACK_SUFFIX}")
    if out.exists() and not overwrite:
        raise PathError(f"{safe(out)} exists: choose another name, or give --overwrite")
    tables = tables_of(run, root)
    weights = find_weights(run, root)
    size = write_pack(weights, out, tables)
    say(f"packed {weights.label}, {size / 1e6:.1f} MB")
    print(safe(out))

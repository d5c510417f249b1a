"""`artgan like`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artgan.errors import ConfigError
from artgan.keys import MAX_KEYS, Key, favourites_of, read_keys, write_keys
from artgan.screen import plural, safe, say

__all__ = ["app", "like"]

app = typer.Typer(add_completion=False)


@app.command()
def like(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", show_envvar=False, help="Run folder, its number, latest, or a .artgan."
        ),
    ],
    keys: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY...",
            show_envvar=False,
            help="Seeds and ranges, such as 3 17 40-43, files of keys, or what artgan made.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            show_envvar=False,
            show_default=False,
            help="File of keys; none given: the run's own, which walks know as 'favourites'.",
        ),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take them out again.", show_envvar=False)
    ] = False,
    runs: Annotated[
        Path, typer.Option("--runs", metavar="DIR", help="Folder that runs are in.")
    ] = Path("runs"),
) -> None:
    """Remember seeds and other keys of a run: artgan walk RUN --keys favourites.

    Seeds are those of the grids that training shows, and of artgan sample --grid --label.
    """
    from artgan.models import find_weights
    from artgan.recipes import gather_keys
    from artgan.tracing import origin_of

    own = favourites_of(run, runs)
    path = out if out is not None else own
    chosen: list[Key] = []
    for source in gather_keys(",".join(keys), own):
        if not isinstance(source, Key):
            raise ConfigError(
                f"{safe(source)} is a photo: find it first, artgan invert {safe(source)} --run "
                f"{safe(run)}, and like the file that this writes"
            )
        chosen.append(source)
    there = list(read_keys(path).keys) if path.is_file() else []
    if remove:
        gone = set(chosen)
        kept = [key for key in there if key not in gone]
        done = f"{plural(len(there) - len(kept), 'key')} taken out, {len(kept):,} left"
    else:
        kept = list(dict.fromkeys([*there, *chosen]))
        done = f"{plural(len(kept) - len(there), 'key')} more, {len(kept):,} in all"
    if len(kept) > MAX_KEYS:
        raise ConfigError(
            f"{safe(path)} would have {len(kept):,} keys, {MAX_KEYS:,} are the most: take some "
            "out with --remove, or give another --out"
        )
    weights = find_weights(run, runs)
    write_keys(path, kept, origin_of(weights).model_dump(mode="json"))
    say(done)
    print(safe(path))

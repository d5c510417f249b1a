"""`artgan cache`: the prepared pictures that are kept between runs."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from artgan.data.cache import CachedFile

__all__ = ["app", "cache"]

app = typer.Typer()


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove it all.")] = False,
) -> None:
    """Show the prepared pictures, those used last first, or remove them; nothing else is lost."""
    import datetime

    from artgan.data.cache import cache_folder, cached_files
    from artgan.data.cache import clear as clear_files
    from artgan.screen import file_size, plural, safe

    folder = cache_folder()
    if clear:
        removed = clear_files(folder)
        freed = file_size(sum(file.size for file in removed))
        print(f"{plural(len(removed), 'file')} removed from {safe(folder)}: {freed} freed")
        busy = len(cached_files(folder))
        if busy:
            print(f"{plural(busy, 'file')} kept: written to within the last hour, or not removable")
        return
    files = cached_files(folder)
    for file in files:
        used = datetime.datetime.fromtimestamp(file.used).strftime("%Y-%m-%d %H:%M")
        name = safe(file.path.relative_to(folder))
        print(f"{file_size(file.size):>9}  {used}  {_contents(file)} ({name})")
    total = file_size(sum(file.size for file in files))
    print(f"{plural(len(files), 'file')}, {total} in {safe(folder)}")


def _contents(file: CachedFile) -> str:
    """Return in words what a file of the cache holds."""
    from artgan.config import format_size
    from artgan.data.store import read_table
    from artgan.screen import plural, safe

    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if file.kind == "survey":
            return f"survey of {safe(json.loads(file.path.read_bytes())['folder'])}"
        table = read_table(file.path) if file.kind == "prepared" else None
        if table is not None:
            _, height, width = table["shape"]
            size = format_size((height, width))
            count = plural(len(table["names"]), "picture")
            return f"{count} at {size} px of {safe(table['folder'])}"
    return "being written" if file.fresh else "left unfinished or damaged"

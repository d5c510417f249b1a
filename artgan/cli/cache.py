"""`artgan cache`: the prepared pictures that are kept between runs."""

from __future__ import annotations

from typing import Annotated

import typer

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
    from artgan.screen import plural, safe

    folder = cache_folder()
    files = cached_files(folder)
    if clear:
        freed = clear_files(folder)
        print(f"{plural(len(files), 'file')} removed from {safe(folder)}: {_size(freed)} freed")
        return
    for file in files:
        used = datetime.datetime.fromtimestamp(file.used).strftime("%Y-%m-%d %H:%M")
        print(f"{_size(file.size):>9}  {used}  {safe(file.path)}")
    total = _size(sum(file.size for file in files))
    print(f"{plural(len(files), 'file')}, {total} in {safe(folder)}")


def _size(count: float) -> str:
    """Return a number of bytes as a person reads it.

    >>> _size(1536)
    '1.5 KB'
    """
    for unit in ("bytes", "KB", "MB"):
        if count < 1024:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} GB"

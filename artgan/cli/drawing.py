"""What `sample` and `walk` share: progress on the screen, and an orderly end when asked to."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

import typer

from artgan.screen import console, is_terminal, say

if TYPE_CHECKING:
    from artgan.outputs import Progress

__all__ = ["file_size", "progress", "terminable"]

LINE_SECONDS = 10.0


@contextlib.contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Yield a function that shows how many are done: a bar on a terminal, else a line at times."""
    if not is_terminal():
        yield _lines(what)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TimeRemainingColumn(), console=console(), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> Progress:
    due = time.monotonic() + LINE_SECONDS

    def show(done: int, total: int | None) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + LINE_SECONDS
            say(f"{what}: {done:,}" + (f" of {total:,}" if total is not None else ""))

    return show


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the block as an exception would, so that nothing temporary stays behind."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise typer.Exit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not in the main thread: signals are not ours
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def file_size(count: int) -> str:
    """Return a number of bytes in words.

    >>> file_size(1_234_567)
    '1.2 MB'
    """
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"

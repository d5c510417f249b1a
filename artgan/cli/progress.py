"""Progress on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from artgan.screen import console, is_terminal, say

__all__ = ["progress"]

QUIET_SECONDS = 10.0
"""Time between two lines where there is no terminal; what takes less says nothing."""

Tell = Callable[[int, int | None], None]


@contextlib.contextmanager
def progress(label: str) -> Iterator[Tell]:
    """Yield a function to be told how many are done and how many there are, None if unknown.

    Args:
        label: what is being done, e.g. "reading pictures".
    """
    if not is_terminal():
        yield _lines(label)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(label: str) -> Tell:
    last = time.monotonic()

    def tell(done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= QUIET_SECONDS:
            last = time.monotonic()
            say(f"{label}: {done:,}" + (f" of {total:,}" if total is not None else ""))

    return tell

"""An orderly end of `sample` and `walk` when the system asks for it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import typer

__all__ = ["terminable"]


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that nothing temporary stays behind.

    Raises:
        typer.Exit: it came; 143, the exit code of what was terminated.
    """
    came = False

    def leave(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt  # which nothing on the way takes for a failure

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not in the main thread: signals are not ours
        yield
        return
    try:
        yield
    except KeyboardInterrupt:
        if not came:
            raise
        raise typer.Exit(128 + signal.SIGTERM) from None
    finally:
        signal.signal(signal.SIGTERM, before)

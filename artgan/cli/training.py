"""What commands that train share: stopping in order, and the last words."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

import typer

from artgan.screen import is_terminal, safe, say

if TYPE_CHECKING:
    from artgan.cli.live import ScreenWatcher
    from artgan.loop import TrainResult

__all__ = ["Stop", "duration", "finish", "watched"]


class Stop:
    """Notes the signal that asks to end; the second one ends at once."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def asked(self) -> bool:
        """Return whether a signal came."""
        return self.signal is not None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number


@contextlib.contextmanager
def watched() -> Iterator[tuple[ScreenWatcher, Stop]]:
    """Yield a watcher for the screen and a stop that signals ask; both end with the block."""
    from artgan.cli.live import LineWatcher, LiveWatcher

    stop = Stop()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)
    before = {}
    with contextlib.suppress(ValueError):  # not in the main thread: signals are not ours
        before = {number: signal.signal(number, stop) for number in numbers}
    watcher: ScreenWatcher = LiveWatcher() if is_terminal() else LineWatcher()
    try:
        with watcher:
            yield watcher, stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def finish(result: TrainResult, stop: Stop) -> None:
    path = safe(os.path.relpath(result.run.path))
    say(
        f"{'finished' if result.finished else 'saved'} at {result.cur_nimg / 1000:.1f} kimg "
        f"after {duration(result.seconds)}"
    )
    if result.finished:
        say(f"next: artgan walk {path} --keys 0,1,2,3 -o walk.gif")
    else:
        say(f"to go on: artgan train --resume {path}")
    print(path)
    if not result.finished:
        raise typer.Exit(143 if stop.signal != signal.SIGINT else 130)


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"

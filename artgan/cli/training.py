"""What commands that train share: stopping in order, and the last words."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from artgan.screen import duration, is_terminal, safe, say

if TYPE_CHECKING:
    from artgan.cli.live import ScreenWatcher
    from artgan.watching import TrainResult

__all__ = ["Stop", "finish", "watched"]


class Stop:
    """Notes the signal that asks to end.

    While somebody asks, training that is, the first signal is noted and the second ends at once;
    before that there is nothing to save, and the first one does.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._heard = False

    def asked(self) -> bool:
        """Return whether a signal came."""
        self._heard = True
        return self.signal is not None

    def rest(self) -> None:
        """Take it that nobody asks any more: the next signal acts at once."""
        self._heard = False

    @property
    def exit_code(self) -> int:
        """Return 130 for an interrupt, 143 for the others."""
        return 130 if self.signal == signal.SIGINT else 143

    def __call__(self, number: int, frame: FrameType | None) -> None:
        at_once = self.signal is not None or not self._heard
        self.signal = number
        if at_once:
            raise KeyboardInterrupt


@contextlib.contextmanager
def watched() -> Iterator[tuple[ScreenWatcher, Stop]]:
    """Yield a watcher for the screen and a stop that signals ask; both end with the block."""
    from artgan.cli.live import LineWatcher, LiveWatcher

    stop = Stop()
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)
    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not in the main thread: signals are not ours
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks for
                before[number] = signal.signal(number, stop)
    watcher: ScreenWatcher = LiveWatcher() if is_terminal() else LineWatcher()
    try:
        with watcher:
            yield watcher, stop
    except KeyboardInterrupt:
        if stop.signal is None:
            raise
        raise typer.Exit(stop.exit_code) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def finish(result: TrainResult, stop: Stop) -> None:
    """Say how training ended and what to do next; end with 130 or 143 if it was stopped."""
    path = safe(os.path.relpath(result.run.path))
    how = "ended" if result.reason else "finished" if result.finished else "saved"
    say(f"{how} at {result.cur_nimg / 1000:.1f} kimg after {duration(result.seconds)}")
    if result.reason:
        say(f"because: {safe(result.reason)}")
    if result.best is not None and result.best != result.cur_nimg:
        say(
            f"its best checkpoint is the one at {result.best / 1000:.1f} kimg, which sample and "
            f"walk use; {path}@latest is the last one"
        )
    if result.finished:
        say(f"next: artgan walk {path} --keys 0,1,2,3 -o walk.gif")
    else:
        say(f"to go on: artgan train --resume {path}")
    print(path)
    if not result.finished:
        raise typer.Exit(stop.exit_code)

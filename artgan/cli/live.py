"""What training shows: a live display on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, Protocol, Self

from artgan.screen import console, safe, say

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text
    from torch import Tensor

    from artgan.watching import Status

__all__ = ["LineWatcher", "LiveWatcher", "ScreenWatcher", "clock", "figures", "half_blocks"]

LINE_SECONDS = 20.0
TILE = 16
"""Side of a previewed picture, in half-blocks."""
ROWS = 2


class ScreenWatcher(Protocol):
    """A watcher that holds the screen while it is open."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def note(self, line: str) -> None: ...

    def warn(self, line: str) -> None: ...

    def working(self, what: str, done: int, total: int) -> None: ...

    def step(self, status: Status) -> None: ...

    def preview(self, pictures: Tensor) -> None: ...

    @property
    def preview_count(self) -> int: ...


def clock(seconds: float | None) -> str:
    """Return a time as h:mm:ss, or dashes where it is not known.

    >>> clock(3725)
    '1:02:05'
    """
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def figures(values: Mapping[str, float]) -> str:
    """Return the logged values in a line: each loss term, then how often D is right."""
    shown = [f"{n} {v:.3f}" for n, v in sorted(values.items()) if n[:2] in {"D/", "G/"}]
    if "sign_accuracy" in values:
        shown.append(f"sign accuracy {values['sign_accuracy']:+.2f}")
    if values.get("bad"):
        shown.append("non-finite steps skipped")
    return "  ".join(shown)


def half_blocks(image: Tensor) -> Text:
    """Return a unit picture (C, H, W), C of 1, 3 or 4, as text: two pixels a character."""
    from rich.style import Style
    from rich.text import Text

    from artgan.images import laid_on, to_bytes

    image = laid_on(image)  # on white, as a page would show it
    pixels = to_bytes(image.expand(3, -1, -1)).permute(1, 2, 0).tolist()
    pixels += [pixels[-1]] * (len(pixels) % 2)
    text = Text(no_wrap=True, end="")
    for top, bottom in zip(pixels[::2], pixels[1::2], strict=True):
        for (r, g, b), (r2, g2, b2) in zip(top, bottom, strict=True):
            text.append("▀", Style.parse(f"rgb({r},{g},{b}) on rgb({r2},{g2},{b2})"))
        text.append("\n")
    return text


def _going_on() -> AbstractContextManager[None]:
    """Let training outlive the terminal or the pipe that it tells things to."""
    return suppress(OSError)


class LineWatcher:
    """Writes a line now and then: for logs and pipes."""

    preview_count = 0

    def __init__(self) -> None:
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def note(self, line: str) -> None:
        """Write a line."""
        with _going_on():
            say(line)

    def warn(self, line: str) -> None:
        """Write a line that begins with the program's name."""
        self.note(f"artgan: {line}")

    def _due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + LINE_SECONDS
        return True

    def working(self, what: str, done: int, total: int) -> None:
        """Write the progress now and then."""
        if done < total and self._due():
            self.note(f"{what}: {done:,} of {total:,}" if total else f"{what}: {done:,}")

    def step(self, status: Status) -> None:
        """Write the state now and then."""
        if self._due():
            total = f" of {status.total_nimg / 1000:.1f}" if status.total_nimg else ""
            self.note(
                f"{status.cur_nimg / 1000:.1f}{total} kimg  {status.rate:.0f} pictures/s  "
                f"left {clock(status.seconds_left)}  {figures(status.values)}"
                + (f"  {safe(status.state)}" if status.state else "")
            )

    def preview(self, pictures: Tensor) -> None:
        """Take pictures nobody asked for."""


class LiveWatcher:
    """A display that is redrawn: progress, losses, and the newest pictures as half-blocks."""

    def __init__(self, screen: Console | None = None) -> None:
        from rich.live import Live

        self._console = screen if screen is not None else console()
        self._work: tuple[str, int, int] | None = None
        self._status: Status | None = None
        self._preview: Text | None = None
        self._live = Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=4,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with _going_on():
            self._live.stop()
            if self._preview is not None:
                self._console.print(self._preview)

    @property
    def preview_count(self) -> int:
        """Return how many pictures fit the terminal, 0 where it shows no colours."""
        if self._console.color_system not in {"truecolor", "256"}:
            return 0
        return ROWS * max(1, (self._console.width - 1) // (TILE + 1))

    def note(self, line: str) -> None:
        """Write a line above the display."""
        with _going_on():
            self._console.print(line)

    def warn(self, line: str) -> None:
        """Write a line that begins with the program's name above the display."""
        with _going_on():
            self._console.print(f"artgan: {line}", style="yellow")

    def working(self, what: str, done: int, total: int) -> None:
        """Show the progress of something that precedes training."""
        self._work = (what, done, total) if done < total or not total else None

    def step(self, status: Status) -> None:
        """Show the state after a step."""
        self._work = None
        self._status = status

    def preview(self, pictures: Tensor) -> None:
        """Show pictures, unit range, (N, C, H, W)."""
        from torch.nn.functional import interpolate

        from artgan.images import grid

        height, width = pictures.shape[-2:]
        share = TILE / max(height, width)
        tiles = interpolate(
            pictures,
            (max(2, round(height * share)), max(2, round(width * share))),
            mode="area",
        )
        columns = max(1, len(tiles) // ROWS)
        self._preview = half_blocks(grid(tiles, columns=columns, gap=1, level=0.0))

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        parts: list[Any] = []
        if self._work is not None:
            what, done, total = self._work
            label = f"{what} {done:,}" + (f" of {total:,}" if total else "")
            parts.append(_bar(label, done, total))
        if self._status is not None:
            status = self._status
            kimg = f"{status.cur_nimg / 1000:.1f}"
            total_nimg = status.total_nimg or 0
            label = f"{kimg} of {total_nimg / 1000:.1f} kimg" if total_nimg else f"{kimg} kimg"
            label += (
                f"  {status.rate:.0f} pictures/s  {clock(status.seconds)} done  "
                f"{clock(status.seconds_left)} left"
            )
            parts.append(_bar(label, status.cur_nimg, total_nimg))
            parts.append(Text(figures(status.values), style="dim"))
            if status.state:
                parts.append(Text(safe(status.state)))
            if self._preview is not None:
                parts.append(self._preview)
            parts.append(Text("Ctrl-C saves and ends", style="dim"))
        return Group(*parts)


def _bar(label: str, done: int, total: int) -> RenderableType:
    from rich.columns import Columns
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    bar = ProgressBar(total=total or None, completed=done, width=24, pulse=not total)
    return Columns([bar, Text(label)])

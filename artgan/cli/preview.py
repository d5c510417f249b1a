"""A film played on the terminal before it is drawn: small, in half-blocks, in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from artgan.api import Size
from artgan.cli.live import half_blocks
from artgan.screen import console, is_terminal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment
    from torch import Tensor

__all__ = ["play", "preview_side"]

EDGE = 48
"""The long side of a preview in pixels."""

MAX_FPS = 10.0
"""Frames a second that a terminal is asked for at most."""

LEVELS = 32
"""Of each channel: so colours come again, and rich, which is slow at new ones, knows them."""

COLOURS = {"truecolor", "256"}
"""What rich calls the terminals that half-blocks look good on."""


def preview_side(size: Size, screen: Console | None = None) -> Size:
    """Return the (height, width) in pixels that pictures are played at: even, at least 2.

    Args:
        size: (height, width) of the pictures; they are not enlarged.
        screen: where they are played, None for stderr.
    """
    screen = console() if screen is None else screen
    rows, columns = max(1, screen.height - 2), max(2, screen.width - 1)
    share = min(1.0, EDGE / max(size), 2 * rows / size[0], columns / size[1])
    high, wide = (max(2, 2 * round(side * share / 2)) for side in size)
    return min(high, 2 * rows), min(wide, columns // 2 * 2)


def play(
    images: Sequence[Tensor],
    *,
    seconds: float,
    times: int = 1,
    screen: Console | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Play pictures on a terminal, in their own time; return whether that could be done.

    A terminal that is too slow misses some of them. Nothing is left on it. Where there is no
    terminal, or none with colours, nothing is written.

    Args:
        images: unit range, each (C, H, W), C of 1, 3 or 4, all of one size; see `preview_side`.
        seconds: how long they are shown, all together.
        times: how often.
        screen: where, None for stderr.
        clock, sleep: of time.
    """
    if screen is None:
        if not is_terminal():
            return False
        screen = console()
    if not images or not screen.is_terminal or screen.color_system not in COLOURS:
        return False
    from rich.live import Live

    count = max(1, min(len(images), int(seconds * MAX_FPS)))
    rate = count / seconds
    shown: dict[int, _Drawn] = {}
    with Live(console=screen, auto_refresh=False, transient=True) as live:
        begin = clock()
        while (due := int((clock() - begin) * rate)) < count * times:
            number = due % count
            if number not in shown:
                shown[number] = _drawn(images[number * len(images) // count], screen)
            live.update(shown[number], refresh=True)
            passed = (clock() - begin) * rate
            sleep((int(passed) + 1 - passed) / rate)
    return True


class _Drawn:
    """Text that was rendered once: doing so for each frame would be too slow."""

    def __init__(self, segments: list[Segment]) -> None:
        self._segments = segments

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield from self._segments


def _drawn(image: Tensor, screen: Console) -> _Drawn:
    """Return a picture as half-blocks, at the size that fits."""
    from torch.nn.functional import interpolate

    from artgan.images import laid_on

    image = laid_on(image)  # on white, before colours that are not seen bleed in
    size = preview_side((image.shape[1], image.shape[2]), screen)
    small = interpolate(image[None].float(), size, mode="area")[0].clamp(0, 1)
    small = (small * (LEVELS - 1)).round() / (LEVELS - 1)
    return _Drawn(list(screen.render(half_blocks(small))))

"""Animate: animations of a batch, each redrawn frame by frame and written. No torch at import."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from artgan.api import Writer
from artgan.batches import Item
from artgan.outputs import Output, deliver, moving_suffixes
from artgan.screen import safe, say
from artgan.studio import Studio

if TYPE_CHECKING:
    from artgan.plugins import Entry

__all__ = ["Animated", "animate", "writer_facts"]

USUAL_FPS = 25.0
"""Frames a second that a file is opened with, where each frame says itself how long it is shown."""

Told = Callable[[int, int | None], None]
"""Called with how many frames are done, and of how many where that is known."""


class Animated(NamedTuple):
    """What came of an animation.

    Attributes:
        path: what was written; None if there is nothing.
        frames: how many.
        reason: why there is nothing.
    """

    path: Path | None
    frames: int = 0
    reason: str = ""


def writer_facts(studio: Studio, item: Item) -> dict[str, Any]:
    """Return which writer an animation gets, and its options, as a recipe tells them.

    Raises:
        ConfigError: its options cannot be used.
    """
    output = _output(studio, item.name)
    return {
        "name": output.entry.record.name,
        "options": output.options.model_dump(mode="json") if output.options is not None else {},
    }


def animate(
    studio: Studio,
    item: Item,
    folder: Path,
    *,
    shares: tuple[float, ...],
    recipe: str | None,
    told: Told,
    tell: Callable[[str], None] = say,
) -> Animated:
    """Redraw an animation, write it, and return what came of it.

    Frames keep their times, and it is played as often as before.

    Args:
        studio: what the animations of a batch share.
        item: which, and what it is called then.
        folder: where it goes.
        shares: how much of each style.
        recipe: what its file keeps; None for nothing.
        told: hears how far it is.
        tell: is told in a sentence what is missing of it.

    Raises:
        OutputError: it cannot be written.
        ArtganError: a component or an option does not work.
    """
    from artgan.animations import is_video, plays, read_frames
    from artgan.moving import is_loop
    from artgan.pictures import UnreadablePicture

    output = _output(studio, folder / item.name)
    count = 0

    def hear(number: int) -> None:
        nonlocal count
        count = number + 1
        told(count, frames.length)

    try:
        frames = read_frames(item.path, tell=tell)
        closed = not is_video(item.path) and is_loop(read_frames(item.path, tell=lambda _: None))
        drawn = studio.redraw_frames(frames, shares, closed=closed, told=hear)
        refused = _too_quick(output.entry, drawn.fps)
        if refused:
            return Animated(None, reason=refused)
        files = deliver(
            dataclasses.replace(drawn, fps=drawn.fps or USUAL_FPS),
            [output],
            components=studio.components,
            loop=plays(item.path),
            recipe=recipe,
        )
    except UnreadablePicture as error:
        if error.path != item.path:
            raise  # a style, without which nothing goes on
        return Animated(None, reason=error.reason)
    except MemoryError:
        reason = "too large: it does not fit into memory, give a smaller --size"
        return Animated(None, reason=reason)
    return Animated(files[0], count)


def _output(studio: Studio, path: Path) -> Output:
    entry = moving_suffixes(studio.components)[path.suffix.lower()]
    tables = studio.config.components
    _, options = studio.components.configure("writers", entry.qualified, tables)
    return Output(path, entry, options)


def _too_quick(entry: Entry, fps: float | None) -> str:
    """Return why a writer cannot show so many frames a second, "" if it can."""
    record = entry.record
    assert isinstance(record, Writer)
    if fps is None or record.max_fps is None or fps <= record.max_fps:
        return ""
    return (
        f"{fps:g} frames a second, and '{safe(record.name)}' shows at most {record.max_fps:g}: "
        "choose another --suffix"
    )

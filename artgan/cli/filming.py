"""What `walk` and `remake` have in common on the screen: the look ahead, the shot, the end card."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from artgan.cli.progress import progress
from artgan.cli.stopping import terminable
from artgan.outputs import Output, remove_surplus
from artgan.screen import file_size, plural, safe, say

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.filming import Film, Filmed
    from artgan.walkplan import WalkPlan

__all__ = ["PREVIEW_FPS", "end_card", "shoot"]

PREVIEW_FPS = 10
"""Frames a second that a terminal is asked to show."""

MOST_PREVIEWED = 300


def shoot(
    film: Film,
    outputs: Sequence[Output],
    *,
    most: int | None = None,
    overwrite: bool = False,
    preview: bool = False,
) -> None:
    """Film a walk, and say what came of it: files on stdout, the rest on stderr.

    Args:
        film: the walk.
        outputs: where it goes.
        most: the most bytes that each file may take.
        overwrite: whether what is left of an older, longer sequence is removed.
        preview: whether it is played in the terminal before.

    Raises:
        typer.Exit, KeyboardInterrupt: it was interrupted; nothing is left of the outputs.
        ArtganError: see `artgan.filming.film`.
    """
    from artgan.filming import film as take

    with terminable():
        with progress("looking along the path") as show:
            scene = film.scene()
            scene.keep_pace(show)
        if preview:
            _play(film.plan, scene.thumbnails)
        with progress("rendering") as show:
            filmed = take(film, outputs, most=most, scene=scene, told=show)
    end_card(filmed)
    if overwrite:
        surplus = remove_surplus(outputs, filmed.files)
        if surplus:
            say(f"removed {plural(surplus, 'frame')} of an older, longer walk")
    for output in outputs:
        print(safe(output.path))


def _play(plan: WalkPlan, thumbnails: Callable[[int], list[Tensor]]) -> None:
    from artgan.cli.preview import play

    count = min(plan.frames, max(2, math.ceil(plan.seconds * PREVIEW_FPS)), MOST_PREVIEWED)
    if not play(thumbnails(count), seconds=plan.seconds):
        say("no preview: this is no terminal that shows colours")


def end_card(filmed: Filmed) -> None:
    """Say on stderr what came of a film: frames, length, rate, steadiness, sizes, time."""
    for frames, fps in dict.fromkeys((plan.frames, plan.fps) for plan in filmed.plans):
        say(f"{plural(frames, 'frame')}, {frames / fps:.2f} s at {fps:g} frames a second")
    parts = []
    if filmed.variation is not None:
        parts.append(f"steps vary by {filmed.variation:.0%}")
    if filmed.seam is not None:
        parts.append(f"the seam is {filmed.seam:.2f} of a usual step")
    if parts:
        say(", ".join(parts))
    for line in filmed.gave_way:
        say(line)
    total = sum(path.stat().st_size for path in filmed.files)
    spent = filmed.spent
    say(
        f"{file_size(total)}; rendering took {spent.rendering:.1f} s, encoding "
        f"{spent.encoding:.1f} s, both together {spent.whole:.1f} s"
    )

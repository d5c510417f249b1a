"""Redraws pictures that follow each other, scene by scene, without flicker. Reads no files.

How a scene is redrawn is in `mover`. The last frames of a loop go over to the first result, as far
as they agree with the first frame, so that the loop closes.
"""

from __future__ import annotations

import itertools
import statistics
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from artgan.images import Frame, Frames
from artgan.motion import agreement, carried, motion
from artgan.mover import Mover, Shot
from artgan.stylist import Style, Stylist
from artgan.toning import resize, size_within

__all__ = ["FrameTold", "Painter", "flicker", "is_cut", "is_loop", "redraw_frames"]

AHEAD = 3
"""Frames of a scene, its first ones, that the network and the map of colours are made for."""

CUT = 0.25
"""A scene ends where no greater part of a picture is in the one before."""

CUT_EDGE = 64
"""Pixels on the long edge at which that is looked at: fine patterns that move do not count."""

LOOP = 2.0
"""The step from the last frame of a loop to its first is at most so many times the usual one."""

CALM = 0.005
"""A mean difference of colour, unit range, that is no step at all."""

CLOSING = 8
"""Frames at the end that go over to the first result, at most half of all."""

FrameTold = Callable[[int, dict[str, float]], None]
"""Called with the number of a frame that is done, and its weighted losses."""


class Painter(Protocol):
    """Whatever redraws a picture, the same always in the same way, as a fast style does."""

    def redraw(
        self, image: Tensor, styles: Sequence[Style], *, alpha: Tensor | None = None
    ) -> Tensor:
        """Return a picture redrawn, see `Stylist.redraw`."""
        ...


def redraw_frames(
    stylist: Stylist | Painter,
    frames: Frames,
    styles: Sequence[Style],
    *,
    edge: int | None = None,
    mask: Tensor | None = None,
    steadiness: float,
    closed: bool = False,
    told: FrameTold = lambda *_: None,
) -> Frames:
    """Return frames redrawn while they are read, of the same names and times; few are kept.

    Args:
        stylist: how, and with what; one that does not optimise draws each frame for itself.
        frames: unit range, (C, H, W), C of 1, 3 or 4; alpha stays as it is.
        styles: one or more.
        edge: long edge in pixels that they are brought to; None, or a larger one, changes nothing.
        mask: how much of each frame is redrawn, (1, 1, h, w) at any size; None is all of it.
        steadiness: what the difference to the last result counts; 0 lets go of it.
        closed: whether the first frame follows the last, and so is to fit; it needs their number.
        told: hears of each frame.

    Raises:
        ConfigError: a loss asks for layers that the extractor does not have.
        PluginError: a third party's component broke its contract.
    """

    def made() -> Iterator[Frame]:
        mover: Mover | _Alone
        if isinstance(stylist, Stylist):
            mover = Mover(stylist, styles, steadiness)
        else:
            mover = _Alone(stylist, styles)
        closing = min(CLOSING, (frames.length or 0) // 2) if closed else 0
        number = 0
        for scene in _scenes(_opened(frame, edge, mask) for frame in frames):
            mover.begin()
            for shot, ahead in scene:
                drawn, losses = mover.draw(shot, ahead, pull=_pull(number, frames.length, closing))
                told(number, losses)
                number += 1
                if shot.mask is not None:
                    drawn = torch.lerp(shot.image, drawn, shot.mask)
                if shot.alpha is not None:
                    drawn = torch.cat([drawn, shot.alpha], 1)
                yield Frame(drawn[0].clamp(0, 1), shot.frame.name, shot.frame.seconds)

    size = frames.size
    if size is not None and edge is not None:
        size = size_within(size, edge)
    return Frames(made(), size, frames.fps, frames.length)


class _Alone:
    """Draws frames of which none depends on another."""

    def __init__(self, painter: Painter, styles: Sequence[Style]) -> None:
        self._painter, self._styles = painter, styles

    def begin(self) -> None:
        """Nothing is to be forgotten."""

    def draw(
        self, shot: Shot, ahead: Sequence[Shot], *, pull: float = 0.0
    ) -> tuple[Tensor, dict[str, float]]:
        """Return a frame redrawn, unit range (1, 3, H, W), and no losses."""
        return self._painter.redraw(shot.image, self._styles, alpha=shot.counts), {}


def is_cut(content: Tensor, before: Tensor) -> bool:
    """Return whether a frame shows something else than the one before, wherever that has moved.

    Args:
        content, before: unit range, (1, 3, H, W); of different sizes they are never of one scene.
    """
    if content.shape != before.shape:
        return True
    small = size_within((content.shape[-2], content.shape[-1]), CUT_EDGE)
    content, before = resize(content, small), resize(before, small)
    return float(agreement(content, carried(before, motion(before, content))).mean()) < CUT


def is_loop(frames: Iterable[Frame]) -> bool:
    """Return whether the first of some frames could follow the last: the step is like the others.

    Args:
        frames: unit range, (C, H, W), at least one.
    """
    first: Tensor | None = None
    last: Tensor | None = None
    steps = []
    for frame in frames:
        image = frame.image[None]
        small = resize(image, size_within((image.shape[-2], image.shape[-1]), CUT_EDGE))
        if last is not None:
            steps.append(float((small - last).abs().mean()))
        first, last = small if first is None else first, small
    if first is None or last is None or not steps:
        return False
    return float((first - last).abs().mean()) <= LOOP * statistics.median(steps) + CALM


def flicker(contents: Iterable[Tensor], results: Iterable[Tensor]) -> float:
    """Return the mean difference of consecutive results where the content stands still, unit range.

    0 where nothing ever stands still.

    Args:
        contents: the frames that were redrawn, (C, H, W).
        results: what they became, of the same size.
    """
    total, count = 0.0, 0.0
    pairs = itertools.pairwise(zip(contents, results, strict=True))
    for (content, result), (next_content, next_result) in pairs:
        still = (next_content == content).all(0)
        total += float((next_result - result).abs().mean(0)[still].sum())
        count += float(still.sum())
    return total / max(count, 1.0)


def _pull(number: int, length: int | None, closing: int) -> float:
    """Return how far a frame goes over to the first result, in [0, 1): evenly, over the last."""
    return max(0.0, 1 - (length - number) / (closing + 1)) if length and closing else 0.0


# Frames to scenes ---------------------------------------------------------------------------


def _opened(frame: Frame, edge: int | None, mask: Tensor | None) -> Shot:
    image, alpha = frame.image[None].clamp(0, 1), None
    if image.shape[1] == 4:
        image, alpha = image[:, :3], image[:, 3:]
    image = image.expand(-1, 3, -1, -1)
    if edge is not None:
        size = size_within((image.shape[-2], image.shape[-1]), edge)
        image = resize(image, size)
        alpha = None if alpha is None else resize(alpha, size)
    if mask is not None:
        mask = resize(mask, (image.shape[-2], image.shape[-1]))
    return Shot(frame, image, alpha, mask)


_Scene = Iterator[tuple[Shot, list[Shot]]]


def _scenes(shots: Iterable[Shot]) -> Iterator[_Scene]:
    """Yield scenes: each yields its frames, every one with those of the scene that are at hand.

    A scene has to be read to its end before the next is asked for.
    """
    source = iter(shots)
    at_hand = deque(itertools.islice(source, AHEAD))

    def scene() -> _Scene:
        while True:
            shot = at_hand[0]
            yield shot, [shot, *_before_cut(list(at_hand))]
            at_hand.popleft()
            at_hand.extend(itertools.islice(source, 1))
            if not at_hand or is_cut(at_hand[0].image, shot.image):
                return

    while at_hand:
        yield scene()


def _before_cut(shots: Sequence[Shot]) -> list[Shot]:
    """Return the frames after the first that are of its scene."""
    pairs = itertools.takewhile(
        lambda pair: not is_cut(pair[1].image, pair[0].image), itertools.pairwise(shots)
    )
    return [after for _, after in pairs]

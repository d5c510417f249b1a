"""Redraws the frames of a scene one after the other, each from the last. Reads and writes no files.

What is learnt and what is wanted is shared by all frames of a scene: the network, the targets of
the styles, the map of colours. Each frame begins as the last result, carried along with what moves,
and is held to that; where something new comes into sight it begins as the frame itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from artgan.api import FeatureExtractor, Size
from artgan.criterion import Criterion
from artgan.engine import release_memory
from artgan.images import Frame
from artgan.motion import agreement, average, carried, inside, motion
from artgan.redraw import budgets, optimise
from artgan.stylist import Style, Stylist, Wanted
from artgan.toning import Colours, keep_colours, resize, size_within

__all__ = ["Mover", "Shot", "Steady", "continued"]

LIGHT = 9
"""Side in pixels of the square over which what moves may change its light."""

AGAIN = 1 / 3
"""Evaluations of each frame after the first at its own size, in parts of that one's. At coarser
sizes, where they take part, there are as many: new strokes begin there, and they cost little."""

NEAR = 8
"""What is new gets the colours that drawing gave to what is near: to a part of the long edge."""

NEW = 0.005
"""The part of a picture that is still to be drawn, from which on coarser sizes take part."""

LEAST = 1.0
"""What a place that is done counts beside one that is not, when pictures are compared with styles:
a little that is new would not be missed in the statistics of all."""

DONE = 0.5
"""How much of what is still to be drawn one frame does."""

GLANCE = 96
"""Long edge in pixels of the frames that the map of colours is made from."""

TINY = 1e-6


@dataclass(frozen=True)
class Shot:
    """A frame as it is worked on.

    Attributes:
        frame: as it came.
        image: colours, (1, 3, H, W).
        alpha: (1, 1, H, W), None where it is opaque.
        mask: how much of it is redrawn, (1, 1, H, W), None for all of it.
    """

    frame: Frame
    image: Tensor
    alpha: Tensor | None = None
    mask: Tensor | None = None

    @property
    def counts(self) -> Tensor | None:
        """Return how much each pixel counts, (1, 1, H, W); None counts all."""
        if self.alpha is None or self.mask is None:
            return self.mask if self.alpha is None else self.alpha
        return self.alpha * self.mask


def continued(last: Tensor, before: Tensor, content: Tensor, done: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a frame begins as, unit range, and how far that is done, (1, 1, H, W).

    What was drawn is carried along with what moves, and gets the light that has changed smoothly;
    what is new begins as the frame, in colours as they became nearby, and is not done at all.

    Args:
        last: what was drawn of the frame before, unit range, (1, 3, H, W).
        before, content: that frame and this one.
        done: how far that was done, in [0, 1], (1, 1, H, W).
    """
    flow = motion(before, content)
    moved = carried(before, flow)
    known = agreement(content, moved) * inside(flow)
    light = average(known * (content - moved), LIGHT) / average(known, LIGHT).clamp_min(TINY)
    drawn = (carried(last, flow) + light).clamp(0, 1)
    done = known * carried(done, flow)
    side = max(content.shape[-2:]) // NEAR // 2 * 2 + 1
    near = average(done * (drawn - content), side) / average(done, side).clamp_min(TINY)
    return torch.lerp((content + near).clamp(0, 1), drawn, known), done


@dataclass(frozen=True)
class Steady:
    """A criterion that also keeps a picture as it was, where its content is what it was.

    Attributes:
        criterion: what else it is judged by.
        last: what it is held to, unit range, (1, 3, H, W).
        done: how much, pixel by pixel, in [0, 1], (1, 1, H, W).
        weight: of that.
    """

    criterion: Criterion
    last: Tensor
    done: Tensor
    weight: float

    def evaluate(self, image: Tensor) -> tuple[dict[str, float], Tensor]:
        """Return each part's value times its weight, "steady" among them, and the gradient.

        The mean squared difference, in parts of the picture's own variance.

        Args:
            image: unit range, (1, 3, H, W), without a graph.
        """
        losses, slope = self.criterion.evaluate(image)
        scale = self.weight / (float(self.last.var((2, 3), correction=0).mean()) + TINY)
        away = image - self.last
        value = scale * float((self.done * away.square()).mean())
        slope = slope + 2 * scale / image.numel() * self.done * away
        return {**losses, "steady": value}, slope


class Mover(Stylist):
    """A stylist that redraws the frames of one scene after the other, and remembers."""

    def __init__(self, stylist: Stylist, styles: Sequence[Style], steadiness: float) -> None:
        super().__init__(stylist.recipe, stylist.components, stylist.device)
        self._extractor = stylist._extractor
        self._goal = super()._colours(styles)
        self._styles, self._steadiness = styles, steadiness
        self._first: tuple[Tensor, Tensor] | None = None  # like the last one, see `begin`
        self.begin()

    def begin(self) -> None:
        """Forget the scene before."""
        self._last: tuple[Tensor, Tensor] | None = None  # what was drawn, and its toned content
        self._others: list[Tensor] = []  # what the network learns from beside the first frame
        self._scene: dict[Size, tuple[FeatureExtractor, list[Wanted]]] = {}  # coarse to fine

    def draw(
        self, shot: Shot, ahead: Sequence[Shot], *, pull: float = 0.0
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the next frame of a scene redrawn, unit range (1, 3, H, W), and its losses.

        Args:
            shot: the frame.
            ahead: the frames of its scene that are at hand, itself the first.
            pull: how far it goes over to the first of all results, where it may.
        """
        if self.recipe.strength == 0:
            return shot.image, {}
        if self._last is not None:
            return self._follow(shot, *self._last, pull)
        losses: dict[str, float] = {}
        self._glance = _glance(ahead)
        self._others = [self._toned(other.image, None, ())[0] for other in ahead[1:]]
        drawn = self.redraw(
            shot.image, self._styles, alpha=shot.counts, told=lambda *heard: losses.update(heard[2])
        )
        self._others = []
        size = self._work
        content, _ = self._toned(resize(shot.image, size), None, ())
        self._last = resize(drawn, size), content
        self._done = torch.ones_like(content[:, :1])
        self._first = self._first or self._last
        return drawn, losses

    def _follow(
        self, shot: Shot, last: Tensor, before: Tensor, pull: float
    ) -> tuple[Tensor, dict[str, float]]:
        """Return a frame redrawn from the last result and what that was made from."""
        recipe, size = self.recipe, self._work
        losses: dict[str, float] = {}
        work = resize(shot.image, size)
        toned, _ = self._toned(work, None, ())
        content = toned.to(self.device)
        counted = shot.counts
        shown = None if counted is None else resize(counted, size).to(self.device)
        begin, done = continued(
            last.to(self.device), before.to(self.device), content, self._done.to(self.device)
        )
        if pull > 0 and self._first is not None and self._first[1].shape == content.shape:
            drawn, before = (each.to(self.device) for each in self._first)
            first, agreed = continued(drawn, before, content, torch.ones_like(done))
            begin = torch.lerp(begin, first, pull * agreed)
            done = torch.lerp(done, torch.ones_like(done), pull * agreed)
        sizes = list(self._scene)
        plan = budgets(len(sizes), effort=recipe.effort)
        plan[-1] = max(1, round(AGAIN * plan[-1]))
        if float(1 - done.mean()) < NEW:
            sizes, plan = sizes[-1:], plan[-1:]
        drawn = begin
        for size, evaluations in zip(sizes, plan, strict=True):
            small, held = resize(begin, size), resize(done, size)
            counts = LEAST + 1 - held if shown is None else (LEAST + 1 - held) * resize(shown, size)
            criterion = self._criterion(resize(content, size), counts, (), self._scene[size][0])
            drawn = optimise(
                torch.lerp(resize(drawn, size), small, held),
                Steady(criterion, small, held, self._steadiness).evaluate,
                evaluations=evaluations,
                method=recipe.method,
                told=lambda _, heard: losses.update(heard),
            )
            release_memory()
        drawn = drawn.cpu()
        if recipe.keep:
            drawn = keep_colours(drawn, work)
        self._last = drawn, toned
        self._done = torch.lerp(done, torch.ones_like(done), DONE).cpu()
        return resize(drawn, (shot.image.shape[-2], shot.image.shape[-1])), losses

    # What is shared -------------------------------------------------------------------------

    def _colours(self, styles: Sequence[Style]) -> Colours:
        return self._goal

    def _toned(
        self, work: Tensor, seen: Tensor | None, styles: Sequence[Style]
    ) -> tuple[Tensor, Sequence[Style]]:
        """Return a frame toned by the map of its scene: only the glance's pixels are counted."""
        pixels, weights = self._glance
        row = work.flatten(2).unsqueeze(2)  # (1, 3, 1, H * W)
        counted = torch.cat([weights, torch.zeros_like(row[:, :1])], 3)
        toned, styles = super()._toned(torch.cat([pixels, row], 3), counted, styles)
        return toned[..., pixels.shape[-1] :].reshape(work.shape), styles

    def _fit(
        self,
        extractor: FeatureExtractor,
        contents: Sequence[Tensor],
        styles: Sequence[Style],
        random: torch.Generator,
    ) -> None:
        size = (contents[0].shape[-2], contents[0].shape[-1])
        others = [resize(other, size).to(self.device) for other in self._others]
        super()._fit(extractor, [*contents, *others], styles, random)

    def _wanted(self, criterion: Criterion, styles: Sequence[Style]) -> list[Wanted]:
        """Return what is wanted at a size; without styles, what was wanted there before."""
        if styles:
            self._scene[self._work] = criterion.extractor, super()._wanted(criterion, styles)
        return self._scene[self._work][1]

    def _criterion(
        self,
        content: Tensor,
        shown: Tensor | None,
        styles: Sequence[Style],
        extractor: FeatureExtractor,
    ) -> Criterion:
        self._work = (content.shape[-2], content.shape[-1])
        return super()._criterion(content, shown, styles, extractor)


def _glance(shots: Sequence[Shot]) -> tuple[Tensor, Tensor]:
    """Return pixels of frames in a row, (1, 3, 1, n), and how much each counts, (1, 1, 1, n)."""
    rows, weights = [], []
    for shot in shots:
        size = size_within((shot.image.shape[-2], shot.image.shape[-1]), GLANCE)
        rows.append(resize(shot.image, size).flatten(2).unsqueeze(2))
        counts = torch.ones_like(shot.image[:, :1]) if shot.counts is None else shot.counts
        weights.append(resize(counts, size).flatten(2).unsqueeze(2))
    return torch.cat(rows, 3), torch.cat(weights, 3)

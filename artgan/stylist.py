"""Redraws one picture in the style of others: sizes, colours, filters, targets, optimisation.

Reads and writes no files; `artgan.pipelines.stylize` does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from artgan.api import FeatureExtractor, Loss, Size
from artgan.criterion import TILE, Criterion, Part, Region, Statistics, blend, layers_of
from artgan.engine import place, release_memory
from artgan.guides import guides
from artgan.latents import generator
from artgan.redraw import Method, budgets, level_sizes, optimise
from artgan.toning import (
    Colours,
    colours_of,
    keep_colours,
    match_colours,
    mean_colours,
    resize,
    size_within,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = ["Recipe", "Start", "Style", "Stylist", "Told", "Wanted", "WeighedLoss", "content_factor"]

FIT_EDGE = 512
"""Long edge in pixels up to which an extractor learns anew at each size."""

RANGE = 2.0
"""Powers of ten between the weights of content at full strength and at none."""

Start = Literal["content", "noise", "style"]

Wanted = tuple[list[dict[str, Statistics]], Tensor | None]
"""Targets by name of the part, of calm places and of busy ones (or of all), and a group's mask."""

Told = Callable[[int, int, dict[str, float]], None]
"""Called with evaluations made, of how many, and the weighted losses."""


@dataclass(frozen=True)
class Style:
    """A picture whose style is taken.

    Attributes:
        image: unit range, (1, 3, H, W).
        alpha: how much each pixel counts, (1, 1, H, W); None counts all.
        share: how much of the result is like it, above 0.
        mask: where it is wanted, (1, 1, h, w) at any size; None is everywhere.
    """

    image: Tensor
    alpha: Tensor | None = None
    share: float = 1.0
    mask: Tensor | None = None


@dataclass(frozen=True)
class WeighedLoss:
    """A loss that takes part, and what it counts."""

    entry: Entry
    options: BaseModel | None
    weight: float


@dataclass(frozen=True)
class Recipe:
    """How pictures are redrawn.

    Attributes:
        extractor, extractor_options: the feature network.
        losses: what takes part.
        strength: of the style, in [0, 1]; 0 changes nothing.
        stroke: size of the style's marks; 1 as they are in its picture, brought to the same size.
        start: what the coarsest size begins with.
        method: how it is optimised.
        effort: evaluations, in parts of the usual number.
        guide: whether calm and busy parts are each drawn like such parts of the style.
        match: whether the picture gets the colours of the style first.
        keep: whether it keeps its own colours in the end.
        seed: of everything random.
        tile: pixels on a side beyond which a picture is worked on in tiles.
    """

    extractor: Entry
    extractor_options: BaseModel | None
    losses: tuple[WeighedLoss, ...]
    strength: float = 0.5
    stroke: float = 1.0
    start: Start = "content"
    method: Method = "lbfgs"
    effort: float = 1.0
    guide: bool = True
    match: bool = True
    keep: bool = False
    seed: int = 0
    tile: int = TILE


@dataclass
class Stylist:
    """Redraws pictures, one after the other; the same picture always in the same way.

    Args:
        recipe: how.
        components: where extractors and losses are built.
        device: where it is computed.
    """

    recipe: Recipe
    components: Registry
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        self._built: list[tuple[WeighedLoss, Any]] = [
            (each, self.components.build(each.entry, each.options))
            for each in self.recipe.losses
            if each.weight > 0
        ]
        self._extractor: Any = None

    def redraw(
        self,
        image: Tensor,
        styles: Sequence[Style],
        *,
        alpha: Tensor | None = None,
        told: Told = lambda *_: None,
    ) -> Tensor:
        """Return a picture redrawn, unit range, of the same size.

        Args:
            image: unit range, (1, 3, H, W).
            styles: one or more.
            alpha: how much each pixel counts, (1, 1, H, W); None counts all.
            told: hears how far it is.

        Raises:
            ConfigError: a loss asks for layers that the extractor does not have.
            PluginError: a third party's component broke its contract.
        """
        recipe = self.recipe
        if recipe.strength == 0:
            return image
        extractor = self._network()
        given = (image.shape[-2], image.shape[-1])
        work = resize(image, _at_least(given, extractor.min_side))
        seen = None if alpha is None else resize(alpha, (work.shape[-2], work.shape[-1]))
        toned, styles = self._toned(work, seen, styles)
        sizes = level_sizes((work.shape[-2], work.shape[-1]), shortest=extractor.min_side)
        plan = budgets(len(sizes), effort=recipe.effort)
        random = generator(recipe.seed)
        current: Tensor | None = None
        done, fitted = 0, False
        for size, evaluations in zip(sizes, plan, strict=True):
            content = resize(toned, size).to(self.device)
            drawn = [self._at(style, size, extractor.min_side) for style in styles]
            if not fitted or max(size) <= FIT_EDGE:
                if fitted:
                    extractor = self._network()
                self._fit(extractor, [content], drawn, random)
                fitted = True
            shown = None if seen is None else resize(seen, size).to(self.device)
            criterion = self._criterion(content, shown, drawn, extractor)
            begin = self._start(content, drawn, random) if current is None else current

            def tell(made: int, losses: dict[str, float], before: int = done) -> None:
                told(before + made, sum(plan), losses)

            current = optimise(
                resize(begin, size),
                criterion.evaluate,
                evaluations=evaluations,
                method=recipe.method,
                told=tell,
            )
            done += evaluations
            del criterion, content, drawn, shown
            release_memory()
        assert current is not None
        result = current.cpu()
        if recipe.keep:
            result = keep_colours(result, work)
        return resize(result, given)

    def check(self) -> None:
        """Build the extractor, and look whether every loss finds its layers.

        Raises:
            ArtganError: it cannot be built, or a layer does not exist.
        """
        self._parts(self._network(), (FIT_EDGE, FIT_EDGE))

    def trial(self, image: Tensor, styles: Sequence[Style]) -> Criterion:
        """Return what a picture would be judged by at its own size alone.

        Args:
            image: unit range, (1, 3, H, W).
            styles: one or more.
        """
        extractor = self._network()
        size = (image.shape[-2], image.shape[-1])
        drawn = [self._at(style, size, extractor.min_side) for style in styles]
        extractor.fit([image], [each.image for each in drawn], random=generator(self.recipe.seed))
        return self._criterion(image, None, drawn, extractor)

    def lesson(
        self, contents: Sequence[Tensor], styles: Sequence[Style], edge: int
    ) -> tuple[Criterion, list[dict[str, Statistics]]]:
        """Return what pictures of a size are judged by, and what the styles want of them.

        Targets of contents are left out, and masks: the styles count together.

        Args:
            contents: what the feature network learns from, unit range, (1, 3, H, W), of one size.
            styles: one or more.
            edge: long edge of the pictures in pixels, to which the styles are brought.
        """
        extractor = self._network()
        drawn = [self._at(style, (edge, edge), extractor.min_side) for style in styles]
        self._fit(extractor, contents, drawn, generator(self.recipe.seed))
        size = (contents[0].shape[-2], contents[0].shape[-1])
        parts = self._parts(extractor, size)
        criterion = Criterion(extractor, parts, tile=self.recipe.tile)
        return criterion, self._wanted(criterion, drawn)[0][0]

    def colours(self, styles: Sequence[Style]) -> Colours:
        """Return the colours of styles together, each as much as its share."""
        return self._colours(styles)

    # Preparation ----------------------------------------------------------------------------

    def _network(self) -> FeatureExtractor:
        """Return a feature network; one that learns is a new one each time."""
        record: Any = self.recipe.extractor.record
        if self._extractor is None or record.learns:
            built = self.components.build(self.recipe.extractor, self.recipe.extractor_options)
            self._extractor = built.eval()
            place(self._extractor, self.device)
        return self._extractor  # type: ignore[no-any-return]

    def _fit(
        self,
        extractor: FeatureExtractor,
        contents: Sequence[Tensor],
        styles: Sequence[Style],
        random: torch.Generator,
    ) -> None:
        """Let a feature network learn; several contents of one size, side by side, count as one."""
        content = torch.cat([_cut_to(each, FIT_EDGE) for each in contents], 3)
        small = [_cut_to(style.image, FIT_EDGE) for style in styles]
        extractor.fit([content], small, random=random)

    def _toned(
        self, work: Tensor, seen: Tensor | None, styles: Sequence[Style]
    ) -> tuple[Tensor, Sequence[Style]]:
        """Return the picture in the colours of the styles, or the other way round."""
        if self.recipe.keep:
            own = colours_of(work, seen)
            return work, [
                dataclasses.replace(style, image=match_colours(style.image, own))
                for style in styles
            ]
        share = min(1.0, 2 * self.recipe.strength) if self.recipe.match else 0.0
        return match_colours(work, self._colours(styles), share=share, mask=seen), styles

    def _colours(self, styles: Sequence[Style]) -> Colours:
        """Return the colours of styles together."""
        total = sum(style.share for style in styles)
        return mean_colours(
            [(colours_of(style.image, style.alpha), style.share / total) for style in styles]
        )

    def _at(self, style: Style, size: Size, least: int) -> Style:
        """Return a style at a size of the work; it is never enlarged but to what can be seen."""
        own = (style.image.shape[-2], style.image.shape[-1])
        wanted = size_within(own, max(1, round(max(size) * self.recipe.stroke)))
        wanted = _at_least(wanted, least)
        alpha = None if style.alpha is None else resize(style.alpha, wanted).to(self.device)
        mask = None if style.mask is None else resize(style.mask, size).to(self.device)
        image = resize(style.image, wanted).to(self.device)
        return Style(image, alpha, style.share, mask)

    def _start(self, content: Tensor, styles: Sequence[Style], random: torch.Generator) -> Tensor:
        size = (content.shape[-2], content.shape[-1])
        if self.recipe.start == "noise":
            return torch.rand(content.shape, generator=random).to(content)
        if self.recipe.start == "style":
            return resize(styles[0].image, size)
        return content

    # The criterion --------------------------------------------------------------------------

    def _criterion(
        self,
        content: Tensor,
        shown: Tensor | None,
        styles: Sequence[Style],
        extractor: FeatureExtractor,
    ) -> Criterion:
        parts = self._parts(extractor, (content.shape[-2], content.shape[-1]))
        criterion = Criterion(extractor, parts, tile=self.recipe.tile)
        criterion.content = criterion.targets(content, "content")
        wanted = self._wanted(criterion, styles)
        criterion.regions = self._regions(content, shown, wanted)
        return criterion

    def _parts(self, extractor: FeatureExtractor, size: Size) -> list[Part]:
        parts = []
        for each, loss in self._built:
            record = each.entry.record
            assert isinstance(record, Loss)
            layers = layers_of(record, loss, extractor, size, self.recipe.extractor.qualified)
            weight = each.weight
            if record.target_from == "content":
                weight *= content_factor(self.recipe.strength)
            parts.append(Part(record.name, each.entry, loss, weight, layers))
        return parts

    def _wanted(self, criterion: Criterion, styles: Sequence[Style]) -> list[Wanted]:
        """Return what styles want: of those without a mask together, and of each other apart."""
        everywhere = [style for style in styles if style.mask is None]
        groups = [everywhere] if everywhere else []
        groups += [[style] for style in styles if style.mask is not None]
        found = []
        for group in groups:
            total = sum(style.share for style in group)
            shares = [style.share / total for style in group]
            theirs = [guides(s.image) if self.recipe.guide else [None] for s in group]
            blended: list[dict[str, Statistics]] = []
            for number in range(len(theirs[0])):
                targets = [
                    criterion.targets(style.image, "style", _both(guide[number], style.alpha))
                    for style, guide in zip(group, theirs, strict=True)
                ]
                names = targets[0].keys()
                blended.append({name: blend([t[name] for t in targets], shares) for name in names})
            found.append((blended, group[0].mask))
        return found

    def _regions(
        self, content: Tensor, shown: Tensor | None, wanted: Sequence[Wanted]
    ) -> list[Region]:
        """Return what is to look like what: a region for each mask, and calm and busy apart."""
        ours = guides(content) if self.recipe.guide else [None]
        return [
            Region(targets, _both(_both(guide, shown), mask))
            for blended, mask in wanted
            for guide, targets in zip(ours, blended, strict=True)
        ]


def content_factor(strength: float) -> float:
    """Return what the weights of content are multiplied by at a strength in (0, 1].

    >>> content_factor(0.5)
    1.0
    """
    return float(10 ** (RANGE * (0.5 - strength)))


def _both(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return one * other


def _at_least(size: Size, least: int) -> Size:
    """Return a size enlarged until no side is shorter than what can be looked at."""
    return max(least, size[0]), max(least, size[1])


def _cut_to(image: Tensor, edge: int) -> Tensor:
    return resize(image, size_within((image.shape[-2], image.shape[-1]), edge))

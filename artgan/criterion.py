"""What a picture is judged by: losses over an extractor's layers, whole or tile by tile.

Of a picture that is too large for one piece every tile is looked at twice: once for its statistics,
whose mean over all tiles is compared with the target, once more for its gradient. Tiles see as far
beyond their rim as the network does. So the gradient is that of the whole, and there are no seams.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from artgan.api import ConfigError, FeatureExtractor, Loss, PictureLoss, PluginError, Size
from artgan.engine import release_memory
from artgan.errors import nearest
from artgan.plugins import blaming
from artgan.screen import safe

if TYPE_CHECKING:
    from artgan.plugins import Entry

__all__ = [
    "FEWEST_PLACES",
    "PIXELS",
    "TILE",
    "Criterion",
    "Part",
    "Region",
    "Statistics",
    "blend",
    "largest_tile",
    "layers_of",
]

FEWEST_PLACES = 150
"""A layer with fewer places says where things are in the style and not what they are like. It is
left out, unless a loss asks for it by name, or a style would be copied place by place."""

PIXELS = "pixels"
"""The layer that is the picture itself."""

TILE = 640
"""Pixels on a side of a tile, unless that is said."""

Statistics = dict[str, Tensor]
"""What one loss compares, by name; of one picture, (1, ...)."""


@dataclass(frozen=True)
class Part:
    """A loss that takes part.

    Attributes:
        name: as it is shown.
        entry: where it comes from, for blame.
        loss: built.
        weight: above 0.
        layers: what it is given.
    """

    name: str
    entry: Entry
    loss: PictureLoss
    weight: float
    layers: tuple[str, ...]

    @property
    def record(self) -> Loss:
        """Return its record."""
        assert isinstance(self.entry.record, Loss)
        return self.entry.record


@dataclass(frozen=True)
class Region:
    """A place and the style that it is to have.

    Attributes:
        targets: name of the part -> its target.
        mask: how much each pixel belongs to it, (1, 1, H, W); None is everywhere.
    """

    targets: Mapping[str, Statistics]
    mask: Tensor | None = None


@dataclass(frozen=True)
class _Tile:
    """A part of a picture, in pixels: what it covers, and what has to be seen for that."""

    top: int
    left: int
    bottom: int
    right: int
    seen: tuple[int, int, int, int]  # top, left, bottom, right
    share: float  # of the picture's area

    def cut(self, image: Tensor) -> Tensor:
        """Return all that has to be seen, a view."""
        top, left, bottom, right = self.seen
        return image[..., top:bottom, left:right]

    def inner(self, values: Tensor, stride: int) -> Tensor:
        """Return what it covers of a map of all that is seen."""
        y, x = (self.top - self.seen[0]) // stride, (self.left - self.seen[1]) // stride
        height = self.bottom // stride - self.top // stride
        width = self.right // stride - self.left // stride
        return values[..., y : y + height, x : x + width]

    def place(self, values: Tensor, stride: int) -> Tensor:
        """Return what it covers of a map of the whole picture, a view."""
        rows = slice(self.top // stride, self.bottom // stride)
        return values[..., rows, self.left // stride : self.right // stride]


def blend(targets: Sequence[Statistics], shares: Sequence[float]) -> Statistics:
    """Return the mean of several statistics; shares sum to 1."""
    return {
        name: torch.stack([s * t[name] for t, s in zip(targets, shares, strict=True)]).sum(0)
        for name in targets[0]
    }


@dataclass
class Criterion:
    """Losses of one size of a picture.

    Attributes:
        extractor: what they look through.
        parts: the losses.
        content: targets of the parts that compare with the picture itself.
        regions: targets of the parts that compare with a style; empty where there are none.
        tile: pixels on a side of a tile; a picture with no longer side is looked at whole.
    """

    extractor: FeatureExtractor
    parts: Sequence[Part]
    content: Mapping[str, Statistics] = field(default_factory=dict)
    regions: Sequence[Region] = ()
    tile: int = TILE

    # Targets --------------------------------------------------------------------------------

    @torch.no_grad()
    def targets(
        self, image: Tensor, kind: str, mask: Tensor | None = None
    ) -> dict[str, Statistics]:
        """Return what the parts of a kind want of pictures like one, by their name.

        Args:
            image: unit range, (1, 3, H, W).
            kind: "content" or "style".
            mask: how much each pixel counts, (1, 1, H, W).
        """
        parts = [part for part in self.parts if part.record.target_from == kind]
        return self._gather(image, parts, mask) if parts else {}

    def _gather(
        self, image: Tensor, parts: Sequence[Part], mask: Tensor | None
    ) -> dict[str, Statistics]:
        size = (image.shape[-2], image.shape[-1])
        found: dict[str, Statistics] = {part.name: {} for part in parts}
        for tile in self._tiles(size):
            features = self._features(tile.cut(image), parts, tile)
            share = _share(tile, mask)
            masks = self._masks(tile, mask, parts)
            for part in parts:
                gathered = found[part.name]
                for name, values in self._statistics(part, features, masks).items():
                    if part.record.local and values.ndim == 4:
                        _put(gathered, name, values, tile, size)
                    elif name in gathered:
                        gathered[name] += share * values
                    else:
                        gathered[name] = share * values
        return found

    # Values and gradients -------------------------------------------------------------------

    def evaluate(self, image: Tensor) -> tuple[dict[str, float], Tensor]:
        """Return each part's value times its weight, and the gradient of their sum.

        Args:
            image: unit range, (1, 3, H, W), without a graph.

        Raises:
            PluginError: a third party's loss broke its contract.
        """
        size = (image.shape[-2], image.shape[-1])
        tiles = list(self._tiles(size))
        if len(tiles) == 1:
            leaf = image.detach().requires_grad_()
            features = self._features(leaf, self.parts, tiles[0])
            values = self._whole(features, tiles[0])
            if not values:  # every place is masked
                return {}, torch.zeros_like(image)
            (gradient,) = torch.autograd.grad(torch.stack(list(values.values())).sum(), leaf)
            return {name: float(value.detach()) for name, value in values.items()}, gradient
        return self._by_tiles(image, tiles)

    def _whole(self, features: Mapping[str, Tensor], tile: _Tile) -> dict[str, Tensor]:
        values: dict[str, Tensor] = {}
        for part in self.parts:
            if part.record.target_from != "style":
                target = self.content.get(part.name, {})
                statistics = self._statistics(part, features, None)
                values[part.name] = part.weight * self._compare(part, statistics, target)
        for region, amount in self._amounts():
            for part in self._style_parts():
                masks = self._masks(tile, region.mask, [part])
                statistics = self._statistics(part, features, masks)
                weight = part.weight * amount
                value = weight * self._compare(part, statistics, region.targets[part.name])
                values[part.name] = values[part.name] + value if part.name in values else value
        return values

    def _by_tiles(self, image: Tensor, tiles: Sequence[_Tile]) -> tuple[dict[str, float], Tensor]:
        pooled = [part for part in self.parts if not part.record.local]
        values: dict[str, float] = {}
        slopes: list[tuple[Part, Region | None, Statistics]] = []
        for region, amount in self._amounts():
            parts = [part for part in pooled if part.record.target_from == "style"]
            with torch.no_grad():
                means = self._gather(image, parts, region.mask)
            for part in parts:
                target = region.targets[part.name]
                value, slope = self._slope(part, means[part.name], target, part.weight * amount)
                values[part.name] = values.get(part.name, 0.0) + value
                slopes.append((part, region, slope))
        rest = [part for part in pooled if part.record.target_from != "style"]
        with torch.no_grad():
            means = self._gather(image, rest, None) if rest else {}
        for part in rest:
            target = dict(self.content.get(part.name, {}))
            value, slope = self._slope(part, means[part.name], target, part.weight)
            values[part.name] = value
            slopes.append((part, None, slope))

        size = (image.shape[-2], image.shape[-1])
        gradient = torch.zeros_like(image)
        local = [part for part in self.parts if part.record.local and part.layers != (PIXELS,)]
        for part in self.parts:
            if part.record.local and part not in local:  # cheap, and it may compare neighbours
                whole = image.detach().requires_grad_()
                statistics = self._statistics(part, {PIXELS: whole}, None)
                value_all = part.weight * self._compare(
                    part, statistics, self.content.get(part.name, {})
                )
                values[part.name] = float(value_all.detach())
                gradient += torch.autograd.grad(value_all, whole)[0]
        tiled = [part for part in self.parts if part in local or not part.record.local]
        for tile in tiles if tiled else ():
            leaf = tile.cut(image).detach().requires_grad_()
            features = self._features(leaf, tiled, tile)
            terms: list[Tensor] = []
            for part, place, slope in slopes:
                mask = None if place is None else place.mask
                statistics = self._statistics(part, features, self._masks(tile, mask, [part]))
                share = _share(tile, mask)
                terms += [share * (slope[name] * statistics[name]).sum() for name in slope]
            for part in local:
                statistics = self._statistics(part, features, None)
                target = _cut(self.content.get(part.name, {}), tile, size)
                value_here = part.weight * tile.share * self._compare(part, statistics, target)
                values[part.name] = values.get(part.name, 0.0) + float(value_here.detach())
                terms.append(value_here)
            (slope_here,) = torch.autograd.grad(torch.stack(terms).sum(), leaf)
            tile.cut(gradient).add_(slope_here)
            del leaf, features, terms, slope_here
            release_memory()
        return values, gradient

    def _slope(
        self, part: Part, statistics: Statistics, target: Statistics, weight: float
    ) -> tuple[float, Statistics]:
        """Return a weighted value and its gradient at the statistics."""
        leaves = {name: value.detach().requires_grad_() for name, value in statistics.items()}
        value = weight * self._compare(part, leaves, target)
        slopes = torch.autograd.grad(value, list(leaves.values()), materialize_grads=True)
        return float(value.detach()), dict(zip(leaves, slopes, strict=True))

    # Features -------------------------------------------------------------------------------

    def _style_parts(self) -> list[Part]:
        return [part for part in self.parts if part.record.target_from == "style"]

    def _amounts(self) -> Iterator[tuple[Region, float]]:
        """Yield the regions and how much of the picture each one is."""
        sizes = [1.0 if r.mask is None else float(r.mask.mean()) for r in self.regions]
        total = sum(sizes)
        for region, size in zip(self.regions, sizes, strict=True):
            if size > 0:
                yield region, size / total

    def _stride(self, layer: str) -> int:
        return 1 if layer == PIXELS else self.extractor.stride(layer)

    def _features(self, seen: Tensor, parts: Sequence[Part], tile: _Tile) -> dict[str, Tensor]:
        """Return the features that a tile covers, of all that has to be seen for it."""
        layers = {layer for part in parts for layer in part.layers}
        found = self.extractor(seen, layers - {PIXELS}) if layers - {PIXELS} else {}
        if PIXELS in layers:
            found[PIXELS] = seen
        return {layer: tile.inner(found[layer], self._stride(layer)) for layer in layers}

    def _masks(
        self, tile: _Tile, mask: Tensor | None, parts: Sequence[Part]
    ) -> dict[str, Tensor] | None:
        if mask is None:
            return None
        part = mask[..., tile.top : tile.bottom, tile.left : tile.right]
        layers = {layer for each in parts if not each.record.local for layer in each.layers}
        return {layer: avg_pool2d(part, self._stride(layer)) for layer in layers}

    def _tiles(self, size: Size) -> Iterator[_Tile]:
        """Yield tiles that cover a picture; each begins where every layer has a position."""
        height, width = size
        layers = {layer for part in self.parts for layer in part.layers} - {PIXELS}
        step = max([self._stride(layer) for layer in layers], default=1)
        reach = max([self.extractor.margin(layer) for layer in layers], default=1)
        reach = -(-reach // step) * step
        side = max(step, self.tile // step * step)
        for top, bottom in _spans(height, side):
            for left, right in _spans(width, side):
                seen = (
                    max(0, top - reach),
                    max(0, left - reach),
                    min(height, bottom + reach),
                    min(width, right + reach),
                )
                share = (bottom - top) * (right - left) / (height * width)
                yield _Tile(top, left, bottom, right, seen, share)

    # Calls of plug-ins ----------------------------------------------------------------------

    def _statistics(
        self,
        part: Part,
        features: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None,
    ) -> Statistics:
        given = {layer: features[layer] for layer in part.layers}
        mask = None if masks is None or part.record.local else masks
        with blaming(part.entry):
            return dict(part.loss.statistics(given, mask))

    def _compare(
        self, part: Part, statistics: Mapping[str, Tensor], target: Mapping[str, Tensor]
    ) -> Tensor:
        with blaming(part.entry):
            value = part.loss.compare(statistics, target)
        if not isinstance(value, Tensor) or value.shape != (1,):
            got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise PluginError(
                f"loss '{safe(part.entry.qualified)}' gave {safe(got)} for one picture, "
                "expected a tensor of shape (1,)"
            )
        return value[0]


def layers_of(
    record: Loss, loss: PictureLoss, extractor: FeatureExtractor, size: Size, name: str
) -> tuple[str, ...]:
    """Return the layers that a loss is given.

    Args:
        record, loss: the loss, and what it built.
        extractor: what it looks through.
        size: of the pictures, (height, width).
        name: the extractor's, for the message.

    Raises:
        ConfigError: the loss asks for a layer that the extractor does not have.
    """
    usual = {
        "style": extractor.style_layers,
        "content": extractor.content_layers,
        "pixels": (PIXELS,),
    }[record.looks_at]
    layers = tuple(loss.layers) or usual
    if record.looks_at == "style" and not loss.layers:
        area = size[0] * size[1]
        kept = [each for each in layers if area / extractor.stride(each) ** 2 >= FEWEST_PLACES]
        layers = tuple(kept) or layers[:1]
    unknown = [layer for layer in layers if layer not in {*extractor.layers, PIXELS}]
    if unknown:
        raise ConfigError(
            f"losses.{safe(record.name)}.layers names '{safe(unknown[0])}', which "
            f"'{safe(name)}' does not have: {nearest(unknown[0], extractor.layers)}"
        )
    return layers


def largest_tile(size: Size, side: int) -> Size:
    """Return the size of the largest tile that a picture is cut into, (height, width)."""
    height, width = (max(end - begin for begin, end in _spans(one, side)) for one in size)
    return height, width


def _spans(length: int, side: int) -> Iterator[tuple[int, int]]:
    """Yield where tiles begin and end along one side; none is shorter than half of the others."""
    if length <= side:
        yield 0, length
        return
    starts = list(range(0, length - side // 2, side))
    yield from zip(starts, [*starts[1:], length], strict=True)


def _share(tile: _Tile, mask: Tensor | None) -> float:
    """Return how much of all that counts a tile covers."""
    if mask is None:
        return tile.share
    part = mask[..., tile.top : tile.bottom, tile.left : tile.right]
    return float(part.sum() / mask.sum().clamp_min(1e-9))


def _stride(part: int, whole: int) -> int:
    """Return how many pixels a position of a map is wide, from its length and the pixels'."""
    return 1 << max(0, round(math.log2(max(1, whole) / max(1, part))))


def _put(gathered: Statistics, name: str, values: Tensor, tile: _Tile, size: Size) -> None:
    """Put a tile's map into that of the whole picture."""
    if (tile.bottom - tile.top, tile.right - tile.left) == size:
        gathered[name] = values
        return
    stride = _stride(values.shape[-2], tile.bottom - tile.top)
    if name not in gathered:
        whole = (size[0] // stride, size[1] // stride)
        # half precision: such maps are large, and only compared with
        gathered[name] = values.new_zeros(*values.shape[:2], *whole, dtype=torch.float16)
    covered = tile.place(gathered[name], stride)
    covered.copy_(values[..., : covered.shape[-2], : covered.shape[-1]])


def _cut(target: Mapping[str, Tensor], tile: _Tile, size: Size) -> Statistics:
    """Return what a tile has of the target of a local loss."""
    return {
        name: tile.place(values, _stride(values.shape[-2], size[0])).float()
        if values.ndim == 4
        else values
        for name, values in target.items()
    }

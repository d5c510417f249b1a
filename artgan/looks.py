"""The contracts of stylizing: feature networks, and the losses that look through them. No torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Generator as Random
    from torch import Tensor

__all__ = ["FeatureExtractor", "PictureLoss"]


class PictureLoss(Protocol):
    """A built loss of pictures; everything about it is a pure function.

    It is relative: 0 at its target and about 1 where pictures have nothing to do with each other,
    so that weights mean the same at any size, layer and extractor. One without a target is a mean
    over pixels in unit range.
    """

    layers: tuple[str, ...]
    """The layers that its options ask for; empty for those that its record says."""

    def statistics(
        self, features: Mapping[str, Tensor], mask: Mapping[str, Tensor] | None = None
    ) -> Mapping[str, Tensor]:
        """Return what is compared, each (N, ...), float32.

        A local loss returns maps (N, C, h, w), which can be cut to parts, and numbers (N, k),
        which are means over places. Any
        other returns means over places: then those of a whole are the mean of those of its parts,
        and those of several styles at once are the mean of theirs.

        One that looks at neighbours leaves out those that are not there: a part of a picture ends
        where it ends, and only those of local losses see beyond.

        Args:
            features: layer -> (N, C, h, w); of "pixels" unit pictures.
            mask: layer -> how much each place counts, in [0, 1], (N, 1, h, w); None counts all.
                Never given to a local loss.
        """
        ...

    def compare(self, statistics: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """Return one value a picture, (N,), at least 0.

        Args:
            statistics: of the pictures.
            target: what `statistics` returned of one picture, (1, ...); {} where there is none.
        """
        ...


class FeatureExtractor(Protocol):
    """A built extractor: a module, frozen, that pictures are compared through.

    Attributes:
        layers: names of all its layers, shallow to deep.
        style_layers, content_layers: those it proposes for the two.
        min_side: the shortest side of a picture it can look at, in pixels.
    """

    layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    content_layers: tuple[str, ...]
    min_side: int

    def stride(self, layer: str) -> int:
        """Return how many pixels a position of a layer is wide and high, a power of two."""
        ...

    def margin(self, layer: str) -> int:
        """Return how many pixels beyond itself a position of a layer depends on, at most."""
        ...

    def fit(self, contents: Sequence[Tensor], styles: Sequence[Tensor], *, random: Random) -> None:
        """Learn from the pictures at hand; one that does not learn does nothing.

        Args:
            contents, styles: unit pictures, (1, 3, H, W) of any sizes from `min_side` on. There
                may be no contents: a generator that is pulled to a style has none.
            random: a generator on the CPU, the only source of chance.
        """
        ...

    def __call__(self, images: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return features by layer, (N, C, H // stride, W // stride), of unit pictures.

        It normalises inside, and computes nothing beyond the deepest layer asked for.
        """
        ...

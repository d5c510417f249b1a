"""Judges redrawn pictures: five figures each, one by a network that nothing was optimised with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from artgan.latents import derive, generator
from artgan.likeness import JUDGED, Target, at_edge, copied, scores
from artgan.toning import resize

if TYPE_CHECKING:
    from artgan.registry import Registry

__all__ = ["JUDGED", "Judge", "Verdict"]

NETWORK, STATISTICS = "patch-kmeans", "gram"
"""The extractor and the loss that judge."""

OPTIONS = {"widths": [32, 64, 96, 96], "patches": 2000}
"""Of the extractor: smaller than `artgan stylize` has it, so that it learns in a moment."""

SEED = 20_011
"""What the network that judges is fitted with; 1 is added for a picture redrawn with this one."""

CROP = 256
"""Pixels on a side of the parts of pictures that it learns from."""

_TINY = 1e-9


@dataclass(frozen=True)
class Verdict:
    """What is found of a redrawn picture.

    Attributes:
        style: distance of its patches to the style's, in parts of the content's own; 0 is none.
        edges: correlation of its edges with the content's, at most 1.
        fine: energy of its finest detail, in parts of the style's; noise where it is well above 1.
        copied: share of it that is there in the style, piece by piece, in [0, 1].
        copied_content: the same of the content: what comes by chance.
        network: distance of its Gram matrices to the style's, in parts of the content's own.
    """

    style: float
    edges: float
    fine: float
    copied: float
    copied_content: float
    network: float


class Judge:
    """Judges pictures that were redrawn in one style, the same ones always in the same way.

    Args:
        style: unit range, (1, 3, H, W).
        components: where the network is from that judges.
    """

    def __init__(self, style: Tensor, components: Registry) -> None:
        self._target = Target(style)
        self._components = components
        self._gram: Any = components.build(*components.configure("losses", STATISTICS, {}))

    @torch.no_grad()
    def verdict(self, drawn: Tensor, content: Tensor, *, seed: int | None = None) -> Verdict:
        """Return what is found of a redrawn picture.

        Args:
            drawn: the redrawn one, unit range, (1, 3, H, W).
            content: what it was made of, the same at any size.
            seed: it was redrawn with; the network is fitted with another.
        """
        found = scores(drawn, content, self._target)
        content = at_edge(content)
        drawn = resize(drawn, (content.shape[-2], content.shape[-1]))
        style = self._target.image
        return Verdict(
            **found,
            copied=copied(drawn, style),
            copied_content=copied(content, style),
            network=self._network(drawn, content, SEED if seed != SEED else SEED + 1),
        )

    def _network(self, drawn: Tensor, content: Tensor, seed: int) -> float:
        """Return how far Gram matrices are from the style's, in parts of the content's own.

        The network learns from parts of all three: what only one of them has, and the network
        never saw, would answer many thousand times as much as the rest. So a verdict depends on
        these pictures alone, and not on others that are judged with them.

        Source: Gatys, Ecker and Bethge 2015, arXiv:1508.06576 (Gram matrices); Ustyuzhaninov et
            al. 2016, arXiv:1606.00021 §3 (relative to the style's, mean over layers).
        """
        components = self._components
        tables = {"extractors": {NETWORK: OPTIONS}}
        entry, options = components.configure("extractors", NETWORK, tables)
        built: Any = components.build(entry, options).eval()
        style = self._target.image
        random = generator(derive(seed, "judge"))
        parts = [_part(image, random) for image in (content, drawn, style)]
        built.fit(parts[:2], parts[2:], random=random)
        layers = built.style_layers
        target = self._gram.statistics(built(style, layers))
        own, found = (
            float(self._gram.compare(self._gram.statistics(built(image, layers)), target))
            for image in (content, drawn)
        )
        return found / max(own, _TINY)


def _part(image: Tensor, random: torch.Generator) -> Tensor:
    """Return a part of a picture at a random place, at most `CROP` on a side."""
    for axis in (2, 3):
        length = image.shape[axis]
        begin = int(torch.randint(max(1, length - CROP + 1), (1,), generator=random))
        image = image.narrow(axis, begin, min(CROP, length))
    return image

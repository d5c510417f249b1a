"""What a network that redraws pictures learns from: losses of many pictures at once, with a graph.

The losses, the layers and the targets are those of `artgan.stylist`, by which single pictures are
optimised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from artgan.criterion import PIXELS, Criterion, Part, Statistics
from artgan.plugins import blaming

__all__ = ["Lesson"]


@dataclass(frozen=True)
class Lesson:
    """Judges pictures of one size.

    Attributes:
        criterion: the network to look through, and the losses.
        wanted: what calm places and busy ones of the style are like, or all of it.
    """

    criterion: Criterion
    wanted: Sequence[Mapping[str, Statistics]]

    def losses(
        self,
        images: Tensor,
        contents: Tensor,
        guides: Sequence[Tensor | None],
        factors: Tensor,
    ) -> dict[str, Tensor]:
        """Return each loss's value times its weight, the mean over pictures, by its name.

        Args:
            images: what was drawn, unit range, (N, 3, H, W).
            contents: of what, of the same shape.
            guides: how calm each pixel is and how busy, (N, 1, H, W), or None; as `wanted` is.
            factors: what losses that compare with the content are multiplied by, (N,).

        Raises:
            PluginError: a third party's loss broke its contract.
        """
        seen = self._features(images, None)
        with torch.no_grad():
            given = self._features(contents, "content")
        values: dict[str, Tensor] = {}
        for part in self.criterion.parts:
            if part.record.target_from == "style":
                each = sum(
                    self._compared(part, seen, guide, target[part.name])
                    for guide, target in zip(guides, self.wanted, strict=True)
                )
            else:
                target = {}
                if part.record.target_from == "content":
                    with torch.no_grad():
                        target = self._statistics(part, given, None)
                each = self._compared(part, seen, None, target)
                each = each * factors if part.record.target_from == "content" else each
            values[part.name] = part.weight * torch.as_tensor(each).mean()
        return values

    def _features(self, images: Tensor, kind: str | None) -> dict[str, Tensor]:
        parts = [p for p in self.criterion.parts if kind in (None, p.record.target_from)]
        layers = {layer for part in parts for layer in part.layers}
        extractor = self.criterion.extractor
        found = extractor(images, layers - {PIXELS}) if layers - {PIXELS} else {}
        return {**found, PIXELS: images}

    def _compared(
        self,
        part: Part,
        features: Mapping[str, Tensor],
        guide: Tensor | None,
        target: Mapping[str, Tensor],
    ) -> Tensor:
        """Return the loss of each picture, (N,), times how much of it a guide is about."""
        statistics = self._statistics(part, features, guide)
        with blaming(part.entry):
            value = part.loss.compare(statistics, target)
        return value if guide is None else value * guide.mean((1, 2, 3))

    def _statistics(
        self, part: Part, features: Mapping[str, Tensor], guide: Tensor | None
    ) -> Statistics:
        given = {layer: features[layer] for layer in part.layers}
        masks = None
        if guide is not None and not part.record.local:
            stride = self.criterion.extractor.stride
            masks = {
                layer: guide if layer == PIXELS else avg_pool2d(guide, stride(layer))
                for layer in given
            }
        with blaming(part.entry):
            return dict(part.loss.statistics(given, masks))

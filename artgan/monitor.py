"""Measures a run while it trains: the averaged generator's pictures against held-back reals.

The same latents, reals and directions every time, so that what changes is the generator alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artgan.api import Metric
from artgan.config import TrainConfig
from artgan.measuring import Meter, Reals, build_meters, load_reals, measure

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.registry import Registry

__all__ = ["COUNT", "Monitor", "score"]

COUNT = 256
"""The most pictures on either side of a measurement."""

COPIED = 4000
"""The most reals that the pictures are looked for among."""

FEWEST = 8
"""With fewer reals than this nothing is measured."""


def score(values: Mapping[str, float], records: Mapping[str, Metric]) -> float | None:
    """Return one number for how good pictures are, lower is better; None if nothing counts.

    Each figure that a metric's record has in its score counts by itself: ln(value / floor) where
    low is better, 2 (1 - value / floor) where high is, neither better than at the floor.

    Args:
        values: metric/figure and metric/figure/floor -> number.
        records: by metric.
    """
    total, found = 0.0, False
    for name, record in records.items():
        better = dict(record.figures)
        for figure in record.score:
            value, floor = (values.get(f"{name}/{figure}{end}") for end in ("", "/floor"))
            if value is None or floor is None or floor <= 0:
                continue
            found = True
            if better[figure] == "low":
                total += math.log(max(value / floor, 1.0))
            else:
                total += 2 * max(0.0, 1 - value / floor)
    return total if found else None


class Monitor:
    """What a run is measured by while it trains.

    Args:
        config: the run's settings.
        registry: where the metrics are.
        pictures: the prepared set.

    Attributes:
        count: pictures that it wants drawn, 0 where it cannot measure.
    """

    def __init__(self, config: TrainConfig, registry: Registry, pictures: Any) -> None:
        self.count = 0
        self._pictures = pictures
        self._reals: Reals | None = None
        self._floors: dict[str, float] = {}
        self.meters: list[Meter] = []
        if len(pictures) < FEWEST:
            return
        tables = {Metric.kind: _quick(config, registry)}
        self.meters = build_meters(config.metrics, registry, tables)
        if self.meters:
            self.count = min(COUNT, len(pictures) // 2)

    def measure(self, fakes: Tensor) -> dict[str, float]:
        """Return the figures of pictures, their floors and their score.

        Args:
            fakes: unit range, (count, C, H, W).
        """
        if self._reals is None:
            self._reals = load_reals(self._pictures, self.count, training=COPIED)
            floored = [meter for meter in self.meters if meter.record.floor]
            floors = measure(floored, self._reals.floor())
            self._floors = {f"{name}/floor": value for name, value in floors.items()}
        values = {**measure(self.meters, self._reals.view(fakes)), **self._floors}
        total = score(values, self._records)
        return values if total is None else {**values, "score": total}

    @property
    def _records(self) -> dict[str, Metric]:
        return {meter.name: meter.record for meter in self.meters}

    def vetoed(self, values: Mapping[str, float]) -> bool:
        """Return whether a record rules a checkpoint with these figures out as the best one."""
        for name, record in self._records.items():
            for figure, share in record.veto:
                value, floor = (values.get(f"{name}/{figure}{end}") for end in ("", "/floor"))
                if value is not None and floor is not None and value < share * floor:
                    return True
        return False


def _quick(config: TrainConfig, registry: Registry) -> dict[str, dict[str, object]]:
    """Return options of the metrics as they are while training: quick ones, where none are set."""
    set_ = config.components.get(Metric.kind, {})
    tables: dict[str, dict[str, object]] = {name: dict(table) for name, table in set_.items()}
    for name in config.metrics:
        record = registry.find(Metric.kind, name).record
        assert isinstance(record, Metric)
        tables[record.name] = {**dict(record.quick), **set_.get(record.name, {})}
    return tables

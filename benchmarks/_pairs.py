"""Ratios from interleaved pairs: both sides in turn, in one process, so that load hits both."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Two sides measured in turn; a number each a pair.

    Attributes:
        name: what was compared.
        unit: of the measurements.
        ours, theirs: measurements, one of each a pair.
    """

    name: str
    unit: str
    ours: list[float]
    theirs: list[float]

    @property
    def ratios(self) -> list[float]:
        """Return ours / theirs of each pair."""
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    def summary(self) -> dict[str, object]:
        """Return medians, the ratio's median and spread, and all measurements."""
        ratios = self.ratios
        quartiles = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        return {
            "name": self.name,
            "unit": self.unit,
            "pairs": len(ratios),
            "ours_median": statistics.median(self.ours),
            "theirs_median": statistics.median(self.theirs),
            "ratio_median": statistics.median(ratios),
            "ratio_quartiles": [quartiles[0], quartiles[2]],
            "ratio_range": [min(ratios), max(ratios)],
            "ours": self.ours,
            "theirs": self.theirs,
        }

    def line(self) -> str:
        """Return the summary in words."""
        ratios = self.ratios
        return (
            f"{self.name}: {statistics.median(ratios):.2f}x "
            f"(from {min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} pairs; medians "
            f"{statistics.median(self.ours):.4g} against "
            f"{statistics.median(self.theirs):.4g} {self.unit})"
        )


def measure(
    name: str, unit: str, ours: Callable[[], float], theirs: Callable[[], float], pairs: int
) -> Comparison:
    """Return what pairs of measurements gave; the side that goes first changes each time."""
    found: tuple[list[float], list[float]] = ([], [])
    for pair in range(pairs):
        for side in (0, 1) if pair % 2 == 0 else (1, 0):
            found[side].append((ours, theirs)[side]())
        print(
            f"{name}, pair {pair + 1} of {pairs}: {found[0][-1]:.4g} against "
            f"{found[1][-1]:.4g} {unit}",
            file=sys.stderr,
            flush=True,
        )
    return Comparison(name, unit, *found)


def report(comparisons: list[Comparison], *, as_json: bool) -> None:
    """Print what was found to stdout."""
    if as_json:
        print(json.dumps([comparison.summary() for comparison in comparisons], indent=2))
    else:
        for comparison in comparisons:
            print(comparison.line())

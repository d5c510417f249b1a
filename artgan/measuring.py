"""What metrics look at and what they find: reals in two halves, figures beside their floor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from artgan.api import ImageError, Measure, Metric, View
from artgan.images import from_bytes, laid_on, to_bytes
from artgan.latents import derive, generator
from artgan.neighbours import SIDE
from artgan.plugins import Entry, blaming, broken
from artgan.screen import plural, safe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.api import Better
    from artgan.registry import Registry

__all__ = [
    "FEWEST",
    "MAX_TRAINING",
    "Figure",
    "Halves",
    "Meter",
    "Reals",
    "build_meters",
    "default_metrics",
    "evaluate",
    "halves",
    "load_reals",
    "measure",
    "quantised",
    "split_reals",
    "training_numbers",
    "training_reals",
]

FEWEST = 4
"""Reals that are needed: two halves, and two pictures in each."""

MAX_TRAINING = 20_000
"""Reals that fakes are compared with one by one; of more, so many are picked evenly."""

_LOAD = 256  # pictures read at once


# Figures ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Meter:
    """A metric, built.

    Attributes:
        entry: where it is from.
        measure: the metric.
    """

    entry: Entry
    measure: Measure

    @property
    def name(self) -> str:
        """Return what it is called in figures and settings."""
        return self.entry.record.name

    @property
    def record(self) -> Metric:
        """Return its record."""
        assert isinstance(self.entry.record, Metric)
        return self.entry.record

    @property
    def enough(self) -> int:
        """Return how many pictures a set it says it needs to mean much; 0 if it does not say."""
        return int(getattr(self.measure, "enough", 0))

    def lacks(self, view: View) -> list[str]:
        """Return the parts of a view that it needs and that are not there."""
        return [part for part in self.record.needs if getattr(view, part, None) is None]

    def better(self, figure: str) -> Better:
        """Return which way a figure is better; "" where neither is.

        A further figure goes the way of the one that its name begins or ends with: `swd-32` as
        `swd`, `midpoint-ratio` as `ratio`.
        """
        ways = dict(self.record.figures)
        if figure in ways:
            return ways[figure]
        for known in sorted(ways, key=len, reverse=True):
            if figure.startswith(f"{known}-") or figure.endswith(f"-{known}"):
                return ways[known]
        return ""


@dataclass(frozen=True)
class Figure:
    """A number that a metric found.

    Attributes:
        value: of the fakes.
        floor: of reals in their place, which is good to be near to; None where it has none.
        better: which way is better; "" where neither is.
    """

    value: float
    floor: float | None
    better: Better


def default_metrics(components: Registry) -> list[str]:
    """Return the metrics that are measured unless others are named: those that need no extra."""
    entries = components.entries(Metric.kind)
    names = components.names(Metric.kind)
    return [
        name
        for name, entry in zip(names, entries, strict=True)
        if isinstance(entry.record, Metric) and not entry.record.extra
    ]


def build_meters(
    names: Iterable[str],
    components: Registry,
    tables: Mapping[str, Mapping[str, Mapping[str, object]]],
) -> list[Meter]:
    """Return metrics by their names, each once, with their options from tables.

    Raises:
        ComponentError: one is unknown.
        ConfigError: an option cannot be taken, or a package that one needs is not installed.
    """
    meters = []
    for name in dict.fromkeys(names):
        entry, options = components.configure(Metric.kind, name, tables)
        with blaming(entry):
            built = components.build(entry, options)
        if not callable(built):
            raise broken(entry, f"built a {type(built).__name__}, expected a function of a view")
        meters.append(Meter(entry, built))
    return meters


def measure(meters: Iterable[Meter], view: View) -> dict[str, float]:
    """Return the figures of a view, "metric/figure" -> number.

    A metric that needs what the view lacks is left out.

    Raises:
        PluginError: a metric failed or did not return what its record promises.
    """
    import torch

    figures: dict[str, float] = {}
    for meter in meters:
        if meter.lacks(view):
            continue
        with torch.no_grad(), blaming(meter.entry):
            found = _checked(meter, meter.measure(view))
        figures.update({f"{meter.name}/{figure}": value for figure, value in found.items()})
    return figures


def _checked(meter: Meter, found: Any) -> dict[str, float]:
    if not isinstance(found, Mapping):
        raise broken(meter.entry, f"returned a {type(found).__name__}, expected figures by name")
    for figure, _ in meter.record.figures:
        if figure not in found:
            raise broken(meter.entry, f"returned no '{figure}', which its record promises")
    figures = {str(figure): float(value) for figure, value in found.items()}
    for figure, value in figures.items():
        if not math.isfinite(value):
            raise broken(meter.entry, f"returned {value} for '{safe(figure)}', expected a number")
    return figures


def evaluate(meters: Sequence[Meter], view: View, floor: View | None = None) -> dict[str, Figure]:
    """Return the figures of a view beside those of another, "metric/figure" -> figure.

    Args:
        meters: what measures; see `measure`.
        view: of fakes.
        floor: of other reals in place of the fakes; None for no floors.

    Raises:
        PluginError: see `measure`.
    """
    values = measure(meters, view)
    floors = measure([m for m in meters if m.record.floor], floor) if floor is not None else {}
    ways = {meter.name: meter for meter in meters}
    figures = {}
    for name, value in values.items():
        metric, _, figure = name.partition("/")
        figures[name] = Figure(value, floors.get(name), ways[metric].better(figure))
    return figures


# Reals --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Halves:
    """Two sets of reals, equally many and none in both.

    Attributes:
        reals: what fakes are compared with, (n, C, H, W), unit range, 1 or 3 channels.
        others: what stands in the fakes' place for a floor, the same shape.
        numbers: which pictures the reals are; then which the others are.
    """

    reals: Tensor
    others: Tensor
    numbers: tuple[list[int], list[int]]


@dataclass(frozen=True)
class Reals:
    """All that pictures are measured by.

    Attributes:
        halves: the reals, and those in place of fakes.
        training: all that could be copied, see `training_reals`; None where nothing asks for it.
        numbers: which pictures those are.
        seed: of what is random in a metric.
        apart: whether those are other pictures than the halves are of.
    """

    halves: Halves
    training: Tensor | None = None
    numbers: Sequence[int] = ()
    seed: int = 0
    apart: bool = False

    def __len__(self) -> int:
        """Return how many there are in each half."""
        return len(self.halves.reals)

    def view(
        self, fakes: Tensor, *, midpoints: Tensor | None = None, earlier: Tensor | None = None
    ) -> View:
        """Return the view of fakes.

        Args:
            fakes: unit range, (m, C, H, W), with 1, 3 or 4 channels, as the next two.
            midpoints: pictures half-way between latents.
            earlier: what the first latents looked like at an earlier checkpoint.
        """
        return View(
            self.halves.reals,
            quantised(fakes),
            self.training,
            None if midpoints is None else quantised(midpoints),
            None if earlier is None else quantised(earlier),
            self.seed,
        )

    def floor(self) -> View:
        """Return the view of the other half in place of fakes; it is not among what to copy."""
        import torch

        training = self.training
        if training is not None and not self.apart:
            others = set(self.halves.numbers[1])
            training = training[torch.tensor([number not in others for number in self.numbers])]
        return View(self.halves.reals, self.halves.others, training, seed=self.seed)


def halves(total: int, count: int, *, seed: int = 0) -> tuple[list[int], list[int]]:
    """Return the numbers of two sets of pictures, equally many and none in both.

    Args:
        total: pictures there are.
        count: the most that each set has.
        seed: which they are.

    Raises:
        ImageError: there are fewer than four.

    >>> [len(half) for half in halves(9, 1024)]
    [4, 4]
    """
    import torch

    if total < FEWEST:
        raise ImageError(
            f"{plural(total, 'picture')} cannot be split into two halves to measure by: "
            f"expected at least {FEWEST}"
        )
    count = max(2, min(count, total // 2))
    order = torch.randperm(total, generator=generator(derive(seed, "halves"))).tolist()
    return order[:count], order[count : 2 * count]


def split_reals(pictures: Any, count: int, *, seed: int = 0) -> Halves:
    """Return two sets of reals, equally many and none in both; no other pictures are read.

    Args:
        pictures: `artgan.data.prepared.Pictures`, or bytes (uint8), (N, C, H, W); with alpha they
            are laid on white.
        count: the most that each set has.
        seed: which they are.

    Raises:
        ImageError: there are fewer than four pictures.
    """
    import torch

    numbers = halves(len(pictures), count, seed=seed)
    first, second = (torch.cat(list(_read(pictures, half))) for half in numbers)
    return Halves(first, second, numbers)


def training_numbers(total: int, most: int = MAX_TRAINING) -> list[int]:
    """Return the numbers of all pictures, or of so many of them, evenly picked."""
    size = min(most, total)
    return [i * total // size for i in range(size)]


def training_reals(pictures: Any, most: int = MAX_TRAINING) -> Tensor:
    """Return the reals that could have been copied: unit range, (N, 1 or 3, h, w).

    They are averaged over whole squares of pixels, to no less than 32 px on the short side, since
    copies are looked for among small pictures and all of them have to be in memory.

    Args:
        pictures: see `split_reals`.
        most: see `training_numbers`, which says which they are.
    """
    import torch

    parts = _read(pictures, training_numbers(len(pictures), most))
    return torch.cat([_averaged(part) for part in parts])


def load_reals(
    pictures: Any,
    count: int,
    *,
    seed: int = 0,
    training: int = MAX_TRAINING,
    learned: Any = None,
) -> Reals:
    """Return all of a set of pictures that pictures are measured by; see `split_reals`.

    Args:
        pictures, count, seed: see there.
        training: the most that could have been copied; 0 leaves that out.
        learned: other pictures, that could have been copied; None for the same ones.
    """
    split = split_reals(pictures, count, seed=seed)
    if not training:
        return Reals(split, seed=seed)
    copied = pictures if learned is None else learned
    numbers = training_numbers(len(copied), training)
    everything = training_reals(copied, training)
    return Reals(split, everything, numbers, seed, apart=learned is not None)


def _read(pictures: Any, numbers: Sequence[int]) -> Iterable[Tensor]:
    for start in range(0, len(numbers), _LOAD):
        some = list(numbers[start : start + _LOAD])
        read = from_bytes(pictures.batch(some) if hasattr(pictures, "batch") else pictures[some])
        yield quantised(read) if read.shape[1] == 4 else read


def _averaged(pictures: Tensor) -> Tensor:
    from torch.nn import functional

    height, width = pictures.shape[-2:]
    for factor in range(min(height, width) // SIDE, 1, -1):
        if height % factor == 0 and width % factor == 0:
            return functional.avg_pool2d(pictures, factor)
    return pictures


def quantised(pictures: Tensor) -> Tensor:
    """Return pictures as they are seen: on white where they have alpha, with 8-bit values.

    Args:
        pictures: unit range, (N, C, H, W), C of 1, 3 or 4 (straight alpha).

    Returns:
        Unit range, (N, 1 or 3, H, W).
    """
    pictures = from_bytes(to_bytes(pictures))
    if pictures.shape[1] != 4:
        return pictures
    return from_bytes(to_bytes(laid_on(pictures)))

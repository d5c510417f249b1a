"""One panel of a run's curves: lines over pictures seen, on axes that suit them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from artgan.screen import safe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "FAINT",
    "INK",
    "PALE",
    "Level",
    "Line",
    "Panel",
    "Point",
    "add_legend",
    "draw_panel",
    "tick_label",
]

COLOURS = ("#2f6db3", "#e07a2d", "#3d9a5b", "#8c5bb0", "#c2438a", "#7b6a4f", "#1f9aa8", "#9a9a2d")
INK, FAINT = "#333333", "#8c8c8c"

PALE = 0.45
"""How much is left of the colour of what was taken back."""

DOTS = 60
"""Points of a line up to which each is drawn as a dot too."""

FAR = 30
"""How many times the median a value is that an even axis would leave no room for the rest."""

_TICKS = (
    (2.5, (1.0,)),
    (1.2, (1.0, 3.0)),
    (0.8, (1.0, 2.0, 5.0)),
    (0.0, (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)),
)
"""What of a decade is written at a logarithmic axis of more than so many decades."""

BUSY = 200
"""Points of a line above which its running mean is drawn over it."""


@dataclass(frozen=True)
class Point:
    """A value at a number of pictures seen, in one of the attempts of a run."""

    attempt: int
    cur_nimg: int
    value: float


@dataclass(frozen=True)
class Line:
    """Values over pictures seen; a floor, where there is one, is drawn beside them, dashed."""

    label: str
    points: tuple[Point, ...]
    floor: float | None = None


@dataclass(frozen=True)
class Level:
    """A value that a panel is to be read against."""

    value: float
    label: str


@dataclass(frozen=True)
class Panel:
    """Lines that share a y axis.

    Attributes:
        title: what they show.
        lines: one or more.
        level: drawn across, dotted.
        log: whether the axis is to be logarithmic, where all is positive and far apart.
        best: a point worth a star.
    """

    title: str
    lines: tuple[Line, ...]
    level: Level | None = None
    log: bool = False
    best: Point | None = None


def add_legend(
    ax: Axes, handles: list[Any], labels: list[str], columns: int = 1, **how: Any
) -> None:
    """Name what is drawn, to the right of the axes."""
    corner = (1.015, 1.0)
    ax.legend(handles, labels, loc="upper left", bbox_to_anchor=corner, ncols=columns, **how)


def draw_panel(ax: Axes, panel: Panel, until: Mapping[int, float]) -> None:
    """Draw a panel.

    Args:
        ax: where.
        panel: what.
        until: up to how many pictures each attempt was not taken back, by attempt.
    """
    from matplotlib.lines import Line2D

    ax.set_title(safe(panel.title), loc="left", fontsize=9, fontweight="bold", pad=4)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True)
    ax.set_axisbelow(True)
    handles: list[Any] = []
    names: list[str] = []
    for line, colour in zip(panel.lines, itertools.cycle(COLOURS), strict=False):
        _draw_line(ax, line, until, colour)
        handles.append(Line2D([], [], color=colour, linewidth=1.8))
        names.append(safe(line.label))
        if line.floor is not None and math.isfinite(line.floor):
            ax.axhline(line.floor, color=colour, linewidth=1.0, linestyle=(0, (4, 2)), alpha=0.75)
    if any(line.floor is not None for line in panel.lines):
        handles.append(Line2D([], [], color=FAINT, linewidth=1.0, linestyle=(0, (4, 2))))
        names.append("among reals")
    if panel.level is not None:
        ax.axhline(panel.level.value, color=INK, linewidth=1.0, linestyle=":", zorder=3.5)
        handles.append(Line2D([], [], color=INK, linewidth=1.0, linestyle=":"))
        names.append(safe(panel.level.label))
    if panel.best is not None:
        spot = ([panel.best.cur_nimg / 1000], [panel.best.value])
        style: dict[str, Any] = {"color": "#d6a400", "marker": "*", "linestyle": "none"}
        ax.plot(*spot, markersize=11, markeredgecolor="white", zorder=4, clip_on=False, **style)
        handles.append(Line2D([], [], markersize=9, **style))
        names.append("best checkpoint")
    _scale(ax, panel)
    add_legend(ax, handles, names, columns=1 if len(handles) <= 8 else 2)


def _draw_line(ax: Axes, line: Line, until: Mapping[int, float], colour: str) -> None:
    dots = "o" if len(line.points) <= DOTS else ""
    for points, holds in _strands(line.points, until):
        x = [point.cur_nimg / 1000 for point in points]
        y = [point.value for point in points]
        busy = len(points) > BUSY
        alpha, width, order = (1.0, 1.4, 3.0) if holds and not busy else (PALE, 0.9, 2.5)
        style: dict[str, Any] = {"marker": dots, "markersize": 2.8, "color": colour}
        ax.plot(x, y, linewidth=width, alpha=alpha, zorder=order, **style)
        if busy and holds:
            ax.plot(x, _smooth(y, len(y) // 100), linewidth=1.6, zorder=3, color=colour)


def _smooth(values: Sequence[float], reach: int) -> list[float]:
    """Return the mean around each value, so many values to both sides, fewer near the ends.

    >>> _smooth([0.0, 3.0, 6.0, 0.0], 1)
    [0.0, 3.0, 3.0, 0.0]
    """
    sums = [0.0, *itertools.accumulate(values)]
    means = []
    for i in range(len(values)):
        near = min(reach, i, len(values) - 1 - i)
        means.append((sums[i + near + 1] - sums[i - near]) / (2 * near + 1))
    return means


def _strands(points: Sequence[Point], until: Mapping[int, float]) -> list[tuple[list[Point], bool]]:
    """Return what is drawn as one line each, and whether it still holds.

    First what was taken back, from where it parted; last the way to where the run is now. Points
    without a finite value are left out.
    """
    finite = [point for point in points if math.isfinite(point.value)]
    kept = [point for point in finite if point.cur_nimg < until[point.attempt]]
    strands: list[tuple[list[Point], bool]] = []
    for attempt in until:
        gone = [p for p in finite if p.attempt == attempt and p.cur_nimg >= until[attempt]]
        root = [point for point in kept if point.attempt <= attempt][-1:]
        if gone:
            strands.append(([*root, *gone], False))
    return [*strands, (kept, True)]


def _scale(ax: Axes, panel: Panel) -> None:
    """Choose how the y axis runs: evenly, by powers, or evenly around 0 and by powers beyond."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    values = [p.value for line in panel.lines for p in line.points if math.isfinite(p.value)]
    values += [ln.floor for ln in panel.lines if ln.floor is not None and math.isfinite(ln.floor)]
    if panel.level is not None:
        values.append(panel.level.value)
    low, high = min(values, default=0.0), max(values, default=0.0)
    usual = _usual(values)
    far = max(-low, high) > FAR * usual > 0
    if low > 0 and (far or (panel.log and high / low >= 4)):
        ax.set_yscale("log")
        decades = math.log10(high / low)
        subs = next(subs for least, subs in _TICKS if decades > least)
        ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=5 if decades > 2.5 else 12))
    elif far:
        ax.set_yscale("symlog", linthresh=10 ** math.ceil(math.log10(3 * usual)))
        ax.set_ylim(2 * low if low < 0 else 0, 2 * max(high, 0))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=3))
        ax.margins(y=0.12)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_label(value)))
    ax.yaxis.set_minor_locator(NullLocator())


def tick_label(value: float) -> str:
    """Return a number as it stands at an axis.

    >>> tick_label(0.5), tick_label(20000), tick_label(1e6)
    ('0.5', '20,000', '1e6')
    """
    size = abs(value)
    if value == 0 or 1e-4 <= size < 1e5:
        text = f"{value:,.0f}" if size >= 1000 else f"{value:g}"
    else:
        digits, power = f"{value:e}".split("e")
        text = f"{float(digits):g}e{int(power)}"
    return text.replace("-", "\u2212")


def _usual(values: Sequence[float]) -> float:
    """Return the median size of values, 0 for none."""
    sizes = sorted(abs(value) for value in values)
    return sizes[len(sizes) // 2] if sizes else 0.0

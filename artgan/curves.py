"""Curves of a run as one PNG: panels over pictures seen, states and actions. Reads no run."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.files import atomic_write
from artgan.panels import FAINT, INK, PALE, Panel, add_legend, draw_panel, tick_label
from artgan.screen import safe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Band", "Curves", "Mark", "draw_curves"]

DPI = 100
WIDTH, LEFT, RIGHT = 12.0, 0.85, 2.25
"""Of the page and of what is left and right of the panels, in inches."""

HEAD, BADGES, LANE, GAP, PANEL, AXIS, ROW = 0.48, 0.26, 0.17, 0.36, 1.1, 0.5, 0.165
"""Heights in inches: title, numbers of actions, an attempt's states, space above a panel, a panel,
the x axis, a row of the key."""

GOOD = "#bfe0c4"
STATES = ("#f0b43c", "#d6493f", "#8c5bb0", "#e07a2d", "#4f82c2", "#8a8a8a", "#b36a8c")
"""Colours of states that call for something, in the order in which a run gets into them."""

KEY_ROWS, KEY_WIDTH = 14, 165
"""The most rows of the key of actions, and the characters in one."""

LANES = 6
"""The most attempts whose states are shown: the last ones."""

_STYLE = {
    "font.size": 8.5,
    "text.parse_math": False,  # a name may hold a dollar
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.0,
    "legend.labelspacing": 0.35,
}


@dataclass(frozen=True)
class Band:
    """A state of a run from one number of pictures to another, in one of its attempts."""

    attempt: int
    begin: int
    end: int
    state: str
    good: bool = False


@dataclass(frozen=True)
class Mark:
    """Something that was done at a number of pictures, in words."""

    cur_nimg: int
    text: str


@dataclass(frozen=True)
class Curves:
    """What is drawn.

    Attributes:
        title: one line.
        panels: from top to bottom.
        bands: in the order of time.
        marks: in the order of time.
    """

    title: str
    panels: tuple[Panel, ...]
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()


def draw_curves(path: Path, curves: Curves) -> None:
    """Write curves as PNG, 1200 pixels wide and as high as the panels need.

    Nothing of the user's matplotlib settings matters.

    Raises:
        OutputError: it cannot be written.
    """
    import warnings

    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name may hold a letter that the font lacks
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams
        settings.update(_STYLE)
        figure = Figure(dpi=DPI, facecolor="white")
        canvas = FigureCanvasAgg(figure)
        _Page(figure, curves).draw()
        with atomic_write(path) as file:
            canvas.print_png(file, metadata={"Software": None})


class _Page:
    """The layout of a figure, from top to bottom in inches."""

    def __init__(self, figure: Figure, curves: Curves) -> None:
        self.figure = figure
        self.curves = curves
        self.until = _survived(curves)
        self.lanes = sorted({band.attempt for band in curves.bands})[-LANES:]
        self.colours = _state_colours(curves.bands)
        self.key = _key(curves.marks)
        strip = max(len(self.lanes) * LANE, math.ceil(len(self.colours) / 2) * 0.17, 0.0)
        self.strip = max(strip, LANE) if curves.marks else strip
        self.badges = BADGES if curves.marks else 0.0
        panels = len(curves.panels) * (GAP + PANEL)
        key = ROW * (len(self.key) + 1) if self.key else 0.0
        self.height = HEAD + self.badges + self.strip + panels + AXIS + key
        figure.set_size_inches(WIDTH, self.height)

    def draw(self) -> None:
        """Draw everything."""
        self._text(0.2, 0.17, self.curves.title, size=11, weight="bold")
        if len(self.until) > 1:
            note = "pale: what was taken back"
            self._text(WIDTH - 0.2, 0.2, note, ha="right", color=FAINT)
        top = HEAD + self.badges
        strip = self._axes(top, self.strip) if self.strip else None
        top += self.strip
        axes = []
        for panel in self.curves.panels:
            top += GAP
            axes.append(self._axes(top, PANEL))
            draw_panel(axes[-1], panel, self.until)
            top += PANEL
        self._share_x([*([strip] if strip is not None else []), *axes])
        if strip is not None:
            self._draw_states(strip)
            self._draw_marks(strip, axes)
        for ax in axes:
            self._tint(ax)
        top += AXIS
        for row, line in enumerate(self.key):
            self._text(LEFT, top + row * ROW, line, size=8.5)

    def _text(self, x: float, y: float, text: str, **style: Any) -> None:
        style.setdefault("va", "top")
        self.figure.text(x / WIDTH, 1 - y / self.height, safe(text), **style)

    def _axes(self, top: float, height: float) -> Axes:
        bottom = 1 - (top + height) / self.height
        width = (WIDTH - LEFT - RIGHT) / WIDTH
        return self.figure.add_axes((LEFT / WIDTH, bottom, width, height / self.height))

    def _share_x(self, axes: Sequence[Axes]) -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        ends = [p.cur_nimg for panel in self.curves.panels for ln in panel.lines for p in ln.points]
        ends += [band.end for band in self.curves.bands]
        ends += [mark.cur_nimg for mark in self.curves.marks]
        end = max(ends, default=0) / 1000 or 1.0
        for ax in axes:
            ax.set_xlim(0, end * 1.012)
            ax.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10]))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_label(value)))
            ax.tick_params(axis="x", length=0, labelbottom=ax is axes[-1])
        if axes:
            axes[-1].set_xlabel("pictures seen, kimg")

    def _draw_states(self, ax: Axes) -> None:
        from matplotlib.patches import Patch

        for band, holds in self._parts():
            if band.attempt in self.lanes:
                lane = len(self.lanes) - 1 - self.lanes.index(band.attempt)
                ax.broken_barh(
                    [(band.begin / 1000, (band.end - band.begin) / 1000)],
                    (lane + 0.08, 0.84),
                    facecolors=self.colours[band.state],
                    alpha=1.0 if holds else PALE,
                    linewidth=0,
                )
        ax.set_ylim(0, max(len(self.lanes), 1))
        ax.spines[:].set_visible(False)
        ax.set_yticks([])
        if len(self.lanes) > 1:
            names = [f"attempt {attempt}" for attempt in reversed(self.lanes)]
            ax.set_yticks([lane + 0.5 for lane in range(len(names))], names, fontsize=7.5)
            ax.tick_params(axis="y", length=0)
        elif self.lanes:
            ax.set_yticks([0.5], ["state"])
            ax.tick_params(axis="y", length=0)
        patches = [Patch(color=colour) for colour in self.colours.values()]
        names = [safe(state) for state in self.colours]
        add_legend(ax, patches, names, columns=2 if len(names) > 1 else 1, handlelength=0.9)

    def _draw_marks(self, strip: Axes, axes: Sequence[Axes]) -> None:
        for ax in (strip, *axes):
            for mark in self.curves.marks:
                x = mark.cur_nimg / 1000
                ax.axvline(x, color=INK, linewidth=0.7, linestyle=(0, (3, 3)), zorder=1.5)
        span = strip.get_xlim()[1]
        for x, text in _badges(self.curves.marks, span):
            strip.annotate(
                text,
                (x, 1),
                (0, 4),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=7.5,
                color="white",
                bbox={"boxstyle": "round,pad=0.25", "facecolor": INK, "edgecolor": "none"},
                annotation_clip=False,
            )

    def _parts(self) -> Iterator[tuple[Band, bool]]:
        """Yield the bands, cut where something was taken back, and whether each still holds."""
        for band in self.curves.bands:
            cut = min(max(self.until.get(band.attempt, math.inf), band.begin), band.end)
            if band.begin < cut:
                yield dataclasses.replace(band, end=int(cut)), True
            if cut < band.end:
                yield dataclasses.replace(band, begin=int(cut)), False

    def _tint(self, ax: Axes) -> None:
        for band, holds in self._parts():
            if holds and not band.good:
                colour = self.colours[band.state]
                ax.axvspan(band.begin / 1000, band.end / 1000, color=colour, alpha=0.1, lw=0)


def _survived(curves: Curves) -> dict[int, float]:
    """Return up to how many pictures each attempt was not taken back, by attempt.

    >>> from artgan.panels import Line, Point
    >>> points = (Point(0, 1, 0.0), Point(0, 2, 0.0), Point(0, 3, 0.0), Point(1, 2, 0.0))
    >>> _survived(Curves("", (Panel("", (Line("", points),)),)))
    {0: 2, 1: inf}
    """
    first: dict[int, float] = {}
    for panel in curves.panels:
        for point in (point for line in panel.lines for point in line.points):
            now = first.get(point.attempt, math.inf)
            first[point.attempt] = min(now, point.cur_nimg)
    until = {}
    before = math.inf
    for attempt in sorted(first, reverse=True):
        until[attempt] = before
        before = min(before, first[attempt])
    return dict(sorted(until.items()))


def _state_colours(bands: Sequence[Band]) -> dict[str, str]:
    """Return a colour for each state, in the order in which they come."""
    good = {band.state: GOOD for band in bands if band.good}
    bad = dict.fromkeys(band.state for band in bands if not band.good)
    return {**good, **{state: STATES[i % len(STATES)] for i, state in enumerate(bad)}}


def _badges(marks: Sequence[Mark], span: float) -> list[tuple[float, str]]:
    """Return where numbers of marks stand and what they say; close ones stand as one.

    Args:
        marks: in the order of time.
        span: of the axis, in kimg.
    """
    groups: list[list[tuple[float, int]]] = []
    for x, number in sorted((mark.cur_nimg / 1000, i) for i, mark in enumerate(marks, 1)):
        if groups and x - groups[-1][-1][0] < 0.035 * span:
            groups[-1].append((x, number))
        else:
            groups.append([(x, number)])
    return [
        (sum(x for x, _ in group) / len(group), _numbers(sorted(number for _, number in group)))
        for group in groups
    ]


def _numbers(numbers: Sequence[int]) -> str:
    """Return numbers in short: a range where they follow each other.

    >>> _numbers([2]), _numbers([2, 3, 4]), _numbers([2, 5])
    ('2', '2-4', '2, 5')
    """
    if len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}-{numbers[-1]}"
    if len(numbers) > 3:
        return f"{numbers[0]} ... {numbers[-1]}"
    return ", ".join(map(str, numbers))


def _key(marks: Sequence[Mark]) -> list[str]:
    """Return the rows that say what was done, numbered, no more than there is room for."""
    rows: list[str] = []
    for number, mark in enumerate(marks, 1):
        head = f"{number}   {mark.cur_nimg / 1000:.1f} kimg   "
        more = textwrap.wrap(head + mark.text, KEY_WIDTH, subsequent_indent=" " * 10)
        if len(rows) + len(more) > KEY_ROWS:
            return [*rows, f"... and {len(marks) - number + 1} more"]
        rows += more
    return rows

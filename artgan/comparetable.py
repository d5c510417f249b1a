"""The table of a comparison, in columns and as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from artgan.screen import plural, safe

if TYPE_CHECKING:
    from artgan.comparing import Comparison, Contestant

__all__ = ["cells", "markdown", "news"]

COLUMNS = {
    "swd/swd": "swd",
    "swd/colour": "colour",
    "coverage/pixel-coverage": "coverage",
    "coverage/network-coverage": "(network)",
    "diversity/distance": "diversity",
    "copying/ratio": "copying",
}
"""Figures that have a column, and its head."""


def news(row: Contestant) -> str:
    """Return how an architecture did, in a few words."""
    if row.failed:
        return f"failed: {row.failed}"
    score = "" if row.score is None else f", score {row.score:.2f}"
    return f"{row.cur_nimg / 1000:.1f} kimg{score}"


def cells(found: Comparison) -> list[tuple[str, ...]]:
    """Return the table's rows of text: the head, the architectures, best first, the reals."""
    heads = ("architecture", "score", *COLUMNS.values(), "kimg", "pictures/s", "M parameters")
    rows: list[tuple[str, ...]] = [heads]
    for row in found.ranked():
        if not row.figures:
            why = row.failed or "not done yet"
            rows.append((safe(row.arch), safe(why), *[""] * (len(heads) - 2)))
            continue
        rows.append(
            (
                safe(row.arch),
                "" if row.score is None else f"{row.score:.2f}",
                *(_figure(row.figures.get(name)) for name in COLUMNS),
                f"{row.cur_nimg / 1000:.1f}",
                f"{row.cur_nimg / max(row.seconds, 1e-9):.0f}",
                f"{sum(row.parameters.values()) / 1e6:.2f}",
            )
        )
    if found.floors:
        figures = (_figure(found.floors.get(name)) for name in COLUMNS)
        rows.append(("real pictures", "0.00", *figures, "", "", ""))
    return rows


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(found: Comparison, sheet: str) -> str:
    """Return the table as a page, with the picture of a sheet below."""
    head, *rows = cells(found)
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *escaped)]
    counted = plural(found.count, "picture")
    return "\n".join(
        [
            "# Architectures at equal time",
            "",
            f"Each figure is of {counted} against as many real ones; `docs/metrics.md` says what "
            "they mean. Score: how far from real pictures all told, lower is better.",
            "",
            *lines,
            "",
            f"![Rows of pictures, real ones first]({sheet})",
            "",
        ]
    )

"""`artgan evaluate OUT --content DIR --style FILE`: redrawn pictures, a line each."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from artgan.cli.progress import progress
from artgan.cli.stopping import terminable
from artgan.cli.telling import publish
from artgan.config import validate
from artgan.errors import ConfigError
from artgan.pipelines.score import ScoreConfig, Scored, Scores, check, document, score
from artgan.registry import registry
from artgan.screen import plural, safe, say

__all__ = ["arrows", "compare", "table"]

MOST = 20
"""Pictures that have a line each; of more the worst do."""

WORST = 5
"""Lines that there are then."""

_COLUMNS = (
    ("style", "style", "low"),
    ("edges", "edges", "high"),
    ("fine", "fine", "low"),
    ("copied", "copied", "low"),
    ("copied_content", "(content)", ""),
    ("network", "network", "low"),
)
"""Figures of a verdict, their heads, and which way is better."""


def arrows() -> tuple[str, str]:
    """Return the signs of "lower is better" and "higher is better" that stdout can show."""
    return ("↓", "↑") if "utf" in (sys.stdout.encoding or "").lower() else ("lower", "higher")


def compare(
    redrawn: str,
    content: str | None,
    styles: Sequence[str],
    settings: dict[str, Any],
    others: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Judge redrawn pictures and print a table, or JSON.

    Args:
        redrawn: a picture or a folder.
        content: what they were made of.
        styles: the style; there must be one.
        settings: what else `ScoreConfig` has.
        others: flags that were given and are of runs alone.
        as_json: whether one JSON document is printed.

    Raises:
        ConfigError: these flags do not go together.
        ArtganError: see `artgan.pipelines.score.score`.
    """
    if content is None or not styles:
        given, lacking = ("--style", "--content") if content is None else ("--content", "--style")
        raise ConfigError(
            f"{given} needs {lacking}: give both to judge redrawn pictures, "
            "neither to measure a run"
        )
    if len(styles) > 1:
        raise ConfigError(
            f"--style was given {len(styles)} times: pictures are compared with one style at a time"
        )
    if others:
        raise ConfigError(
            f"{others[0]} is of runs: leave it out where redrawn pictures are judged, "
            "as --content and --style ask for"
        )
    own = {"redrawn": redrawn, "content": content, "style": styles[0]}
    config = validate(ScoreConfig, {**own, **settings}, "")
    check(config)  # refuses before anything heavy is loaded
    with terminable():
        found = score(config, say, progress, registry())
    text = json.dumps(document(found), indent=2)
    say(f"{plural(len(found.pictures), 'picture')} judged")
    publish(text, table(found), as_json=as_json, out=config.out)


def table(scores: Scores) -> list[str]:
    """Return scores as lines: a picture each, or the worst of many, and the median."""
    low, high = arrows()
    signs = {"low": f" {low}", "high": f" {high}", "": ""}
    heads = ["picture", *(head + signs[better] for _, head, better in _COLUMNS)]
    shown = scores.pictures
    last = "median"
    if len(shown) > MOST:
        last = f"median of {len(shown):,}, the worst above"
        shown = _worst(shown)
    named = [(safe(each.pair.name), each.verdict) for each in shown]
    rows = [heads]
    for name, verdict in [*named, (last, scores.median())]:
        rows.append([name, *(f"{getattr(verdict, key) + 0.0:.2f}" for key, _, _ in _COLUMNS)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    return [
        "  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])])
        for name, *cells in rows
    ]


def _worst(pictures: Sequence[Scored]) -> list[Scored]:
    """Return the few pictures that come last by the sum of their places in every column."""
    places = dict.fromkeys(range(len(pictures)), 0)
    for key, _, better in _COLUMNS:
        if not better:
            continue
        values = [getattr(each.verdict, key) * (-1 if better == "high" else 1) for each in pictures]
        for number, value in enumerate(values):
            places[number] += sum(other < value for other in values)
    order = sorted(places, key=lambda number: -places[number])
    return [pictures[number] for number in order[:WORST]]

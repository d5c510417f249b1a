"""Score: redrawn pictures beside the pictures they were made of and the style. No torch at import.

Pairs are found by name, as `artgan stylize` keeps it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from artgan.api import ConfigError, ImageError, PathError
from artgan.batches import Batch, gather
from artgan.options import Options
from artgan.outputs import Progress, check_place
from artgan.picturefiles import read_picture, read_recipe
from artgan.screen import plural, safe
from artgan.stylesettings import is_fast

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.judge import Verdict
    from artgan.registry import Registry

__all__ = [
    "Pair",
    "ScoreConfig",
    "Scored",
    "Scores",
    "check",
    "document",
    "find_pairs",
    "score",
]

SHOWN = 3
"""Names of pictures that a note has."""

Announce = Callable[[str], AbstractContextManager[Progress]]
"""Begins something that takes time, by its name; yields what is told how much of it is done."""

Note = Callable[[str], None]
"""Told what is worth knowing."""


class ScoreConfig(Options):
    """The settings of a comparison of redrawn pictures."""

    redrawn: str = Field(min_length=1, description="redrawn picture, or a folder of them")
    content: str = Field(
        min_length=1,
        description="the pictures that redrawn ones were made of, a folder or a file; RUN is then "
        "what 'artgan stylize' wrote, and --style is needed too",
    )
    style: str = Field(min_length=1, description="the picture whose style they were redrawn in")
    out: str | None = Field(None, description="file that the figures are written to as JSON")
    overwrite: bool = Field(False, description="replace what exists")


@dataclass(frozen=True)
class Pair:
    """A redrawn picture and what it was made of.

    Attributes:
        name: of the redrawn one, below its folder.
        drawn: its file.
        content: the file of the other.
    """

    name: Path
    drawn: Path
    content: Path


@dataclass(frozen=True)
class Scored:
    """A pair, and how it was judged."""

    pair: Pair
    verdict: Verdict


@dataclass(frozen=True)
class Scores:
    """What was found.

    Attributes:
        style: the file of the style.
        pictures: all that could be judged, by name.
        without: files that have no partner.
    """

    style: Path
    pictures: list[Scored]
    without: list[Path] = field(default_factory=list)

    def median(self) -> Verdict:
        """Return the median of each figure."""
        from artgan.judge import Verdict

        rows = [dataclasses.astuple(each.verdict) for each in self.pictures]
        return Verdict(*(statistics.median(column) for column in zip(*rows, strict=True)))


# Pairs --------------------------------------------------------------------------------------


def check(config: ScoreConfig) -> None:
    """Check that the style is a picture and that the file of figures may be written.

    Raises:
        ConfigError: it is none, or figures go to a folder.
        PathError: there is no such file, or something is in the way.
    """
    style, out = config.style, config.out
    if is_fast(style):
        raise ConfigError(
            f"--style {safe(style)} is a fast style, no picture to compare with: "
            "give the picture that it was fitted to"
        )
    if not Path(style).is_file():
        what = "is a folder, expected" if Path(style).is_dir() else "does not exist: give"
        raise PathError(f"--style {safe(style)} {what} a picture")
    for flag, path in (("", config.redrawn), ("--content ", config.content)):
        if not os.path.lexists(path):
            raise PathError(f"{flag}{safe(path)} does not exist: give a picture, or a folder")
    if out is None:
        return
    if out.endswith(("/", os.sep)):
        raise ConfigError(f"--out {safe(out)}: figures are one file: give a name such as a.json")
    check_place(Path(out), folder=False, overwrite=config.overwrite)


def find_pairs(config: ScoreConfig, note: Note) -> tuple[list[Pair], list[Path]]:
    """Return redrawn pictures with what each was made of, and the files without a partner.

    Two belong together that have the same path below their folders, but for the suffix; two files
    that are given alone do whatever their names are.

    Args:
        config: where they are.
        note: told which are left out.

    Raises:
        ImageError: there are no pictures, or none belong together.
    """
    drawn = _pictures(config.redrawn, "redrawn", note)
    content = _pictures(config.content, "content", note, out=config.redrawn)
    if not Path(config.redrawn).is_dir() and not Path(config.content).is_dir():
        name = drawn.items[0].name
        return [Pair(name, drawn.items[0].path, content.items[0].path)], []
    exact = {item.name.as_posix(): item.path for item in content.items}
    loose: dict[str, Path] = {}
    for item in content.items:
        loose.setdefault(_stem(item.name), item.path)
    pairs, without = [], []
    for item in drawn.items:
        name = _below(item.path, config.redrawn)
        partner = exact.get(name.as_posix()) or loose.get(_stem(name))
        if partner is None:
            without.append(item.path)
        else:
            pairs.append(Pair(name, item.path, partner))
    if not pairs:
        raise ImageError(
            f"no picture of {safe(config.redrawn)} has the name of one of {safe(config.content)}: "
            f"expected such as {safe(content.items[0].name)}, found {safe(drawn.items[0].name)}"
        )
    taken = {pair.content for pair in pairs}
    without += [item.path for item in content.items if item.path not in taken]
    if without:
        names = ", ".join(safe(path) for path in without[:SHOWN])
        more = f" and {len(without) - SHOWN:,} more" if len(without) > SHOWN else ""
        note(f"left out, for want of a partner of the same name: {names}{more}")
    return pairs, without


def _pictures(given: str, what: str, note: Note, out: str | None = None) -> Batch:
    found = gather([given], out=out)
    for sentence in found.notes:
        note(f"{what} pictures: {sentence}")
    for path, reason in found.skipped[:SHOWN]:
        note(f"skipped {safe(path)}: {safe(reason)}")
    if len(found.skipped) > SHOWN:
        note(f"and {len(found.skipped) - SHOWN:,} more skipped")
    return found


def _below(path: Path, given: str) -> Path:
    return path.relative_to(given) if Path(given).is_dir() else Path(path.name)


def _stem(name: Path) -> str:
    return name.with_suffix("").as_posix()


# Judging ------------------------------------------------------------------------------------


def score(config: ScoreConfig, note: Note, announce: Announce, components: Registry) -> Scores:
    """Return how redrawn pictures are judged, one after the other; nothing is written.

    Args:
        config: what to judge.
        note: told what is worth knowing.
        announce: told what is going on, e.g. `artgan.cli.progress.progress`.
        components: where the network is from that judges.

    Raises:
        ConfigError, PathError: see `check`.
        ImageError: there are no pairs, or the style or all of them cannot be read.
    """
    from artgan.judge import Judge
    from artgan.pictures import UnreadablePicture

    check(config)
    pairs, without = find_pairs(config, note)
    judge = Judge(_seen(Path(config.style)), components)
    scored = []
    with announce("judging") as tell:
        for done, pair in enumerate(pairs, 1):
            try:
                drawn, content = _seen(pair.drawn), _seen(pair.content)
            except UnreadablePicture as error:
                note(f"skipped {safe(error.path)}: {safe(error.reason)}")
                continue
            verdict = judge.verdict(drawn, content, seed=_seed(pair.drawn))
            scored.append(Scored(pair, verdict))
            tell(done, len(pairs))
    if not scored:
        raise ImageError(f"none of {plural(len(pairs), 'pair')} can be read, see above")
    return Scores(Path(config.style), scored, without)


def _seen(path: Path) -> Tensor:
    """Return a picture as it is seen, on white where it has alpha: unit range, (1, 3, H, W)."""
    image, alpha = read_picture(path)
    return image if alpha is None else image * alpha + (1 - alpha)


def _seed(path: Path) -> int | None:
    """Return the seed that a picture was redrawn with, None if it does not say."""
    try:
        seed = json.loads(read_recipe(path) or "{}")["stylize"]["seed"]
    except (ValueError, KeyError, TypeError):
        return None
    return seed if type(seed) is int else None


def document(scores: Scores) -> dict[str, Any]:
    """Return what was found as it is written: JSON-able."""
    from artgan.judge import JUDGED

    return {
        "version": 1,
        "style": str(scores.style),
        "edge": JUDGED,
        "pictures": [
            {
                "picture": str(each.pair.drawn),
                "content": str(each.pair.content),
                **dataclasses.asdict(each.verdict),
            }
            for each in scores.pictures
        ],
        "median": dataclasses.asdict(scores.median()),
        "without": [str(path) for path in scores.without],
    }

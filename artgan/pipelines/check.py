"""What training would make of a folder: counts, sizes, losses, and a sheet of what it would see."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from artgan.api import Architecture, ImageError, PathError, Size
from artgan.data.intake import Found, Intake, Progress, survey
from artgan.screen import plural, safe

if TYPE_CHECKING:
    from artgan.config import Channels, Fit
    from artgan.data.prepared import Pictures
    from artgan.pictures import PictureSpec

__all__ = [
    "Report",
    "check",
    "check_sheet_path",
    "crop_loss",
    "draw_sheet",
    "recommend_size",
    "summary",
]

SHEET_PICTURES = 100
FEW = 100
"""With fewer pictures than this a network mostly learns to repeat them."""

_SHEET_SIDE = 4096  # pixels that a sheet's sides stay below, where one picture does
_SIDES = (32, 64, 128, 256, 512, 1024)
_ASPECTS = (  # label, from which width / height on
    ("tall, beyond 2:3", 0.0),
    ("upright", 2 / 3),
    ("about square", 0.9),
    ("lying", 1 / 0.9),
    ("wide, beyond 3:2", 3 / 2),
)

Announce = Callable[[str], AbstractContextManager[Progress | None]]
"""Called with what begins now; its context is told the progress."""


@dataclass(frozen=True)
class Report:
    """What a folder holds, as training sees it.

    Attributes:
        folder: the folder.
        spec: what pictures are brought to.
        looked_at: number of files that are pictures or were meant to be.
        usable: number of different pictures that training would use.
        skipped: relative path and reason of each file that cannot be used.
        ignored: number of hidden files and other kinds.
        twins: relative paths of each duplicate and of the picture used instead.
        notes: sentences worth telling.
        formats, modes: Pillow's name -> number of pictures.
        sides: range of the short side in pixels -> number of pictures.
        aspects: shape -> number of pictures.
        enlarged: number of pictures that are smaller than what they are brought to.
        crop_loss: median share of the area that a crop to the size loses, in [0, 1].
        recommended: (height, width) that suits the folder and this machine.
        fingerprint: digest of the pictures; "" if there are none.
        prepared_bytes: how many bytes the prepared pictures take.
        stored: whether they are kept in the cache; if not, they are decoded while they are used.
        estimate: how long training would take, as a sentence; "" if nobody said.
        problem: why there is nothing to train on; "" otherwise.
    """

    folder: Path
    spec: PictureSpec
    looked_at: int
    usable: int
    skipped: list[tuple[Path, str]]
    ignored: int
    twins: list[tuple[str, str]]
    notes: list[str]
    formats: dict[str, int]
    modes: dict[str, int]
    sides: dict[str, int]
    aspects: dict[str, int]
    enlarged: int
    crop_loss: float
    recommended: Size
    fingerprint: str = ""
    prepared_bytes: int = 0
    stored: bool = False
    estimate: str = ""
    problem: str = ""


def check(
    folder: Path,
    *,
    size: Size | None = None,
    channels: Channels = 3,
    fit: Fit = "crop",
    background: str = "white",
    recommend: Callable[[Intake], Size] | None = None,
    estimate: Callable[[int, PictureSpec], str] | None = None,
    announce: Announce = lambda label: nullcontext(None),
) -> tuple[Report, Pictures | None]:
    """Return a report of a folder and its prepared pictures, None if there are none.

    Args:
        folder: the folder of pictures.
        size: (height, width) they are brought to; None is the recommended one.
        channels, fit, background: as in `PictureSpec`.
        recommend: what recommends a size; None is `recommend_size`.
        estimate: says how long training takes, from the number of pictures and their spec.
        announce: opens a progress display.

    Raises:
        PathError: the folder cannot be used.
        ConfigError: the background is no colour, ARTGAN_CACHE_LIMIT no size, or the default
            architecture cannot draw the size.
    """
    from artgan.config import check_size
    from artgan.data.prepared import prepare, storage_limit
    from artgan.pictures import PictureSpec

    if size is not None:
        check_size(size, _default_architecture(size))
    spec = PictureSpec(size or (64, 64), channels, fit, background)
    limit = storage_limit()
    with announce("looking at files") as progress:
        intake = survey(folder, progress=progress)
    recommended = (recommend or recommend_size)(intake)
    spec = spec if size is not None else replace(spec, size=recommended)
    pictures, problem = None, ""
    try:
        with announce("reading pictures") as progress:
            pictures = prepare(intake, spec, progress=progress, limit_bytes=limit)
    except ImageError as error:
        problem = str(error)
    try:
        report = _report(intake, pictures, spec, recommended, problem)
        if estimate is not None and pictures is not None:
            report = replace(report, estimate=estimate(len(pictures), spec))
    except BaseException:
        if pictures is not None:
            pictures.close()
        raise
    return report, pictures


def _report(
    intake: Intake, pictures: Pictures | None, spec: PictureSpec, recommended: Size, problem: str
) -> Report:
    from artgan.data.prepared import forecast_bytes

    undecodable = pictures.skipped if pictures is not None else []
    bad = {str(path) for path, _ in undecodable}
    good = [f for f in intake.pictures if f.name not in bad] if pictures is not None else []
    notes = list(intake.notes)
    if pictures is not None and not pictures.on_disk:
        notes.append("too much to store: pictures are decoded while they are used")
    if pictures is not None and len(pictures) < FEW:
        notes.append(f"{plural(len(pictures), 'picture')} only: expect near copies of them")
    rows, columns = spec.size
    return Report(
        folder=intake.folder,
        spec=spec,
        looked_at=len(intake.pictures) + len(intake.skipped),
        usable=len(pictures) if pictures is not None else 0,
        skipped=sorted([*intake.skipped, *undecodable]),
        ignored=intake.ignored,
        twins=pictures.twins if pictures is not None else [],
        notes=notes,
        formats=dict(Counter(found.format for found in good).most_common()),
        modes=dict(Counter(found.mode for found in good).most_common()),
        sides=_count_sides(good),
        aspects=_count_aspects(good),
        enlarged=sum(_is_enlarged(found, spec) for found in good),
        crop_loss=median([crop_loss(f.width / f.height, columns / rows) for f in good] or [0.0]),
        recommended=recommended,
        fingerprint=pictures.fingerprint if pictures is not None else "",
        prepared_bytes=forecast_bytes(len(pictures), spec) if pictures is not None else 0,
        stored=pictures is not None and pictures.on_disk,
        problem=problem,
    )


def _is_enlarged(found: Found, spec: PictureSpec) -> bool:
    across, down = found.width / spec.size[1], found.height / spec.size[0]
    return max(across, down) < 1 if spec.fit == "pad" else min(across, down) < 1


def crop_loss(aspect: float, wanted: float) -> float:
    """Return the share of a picture's area that a crop to another aspect loses.

    Args:
        aspect, wanted: width / height.

    >>> crop_loss(4 / 3, 1.0)
    0.25
    """
    return 1 - min(aspect, wanted) / max(aspect, wanted)


def _count_sides(pictures: Sequence[Found]) -> dict[str, int]:
    edges = (0, *_SIDES)
    labels = [f"{low} to {high - 1} px" for low, high in zip(edges[1:], _SIDES[1:], strict=False)]
    labels = [f"under {_SIDES[0]} px", *labels, f"{_SIDES[-1]} px and more"]
    counts = dict.fromkeys(labels, 0)
    for found in pictures:
        short = min(found.width, found.height)
        counts[labels[sum(short >= edge for edge in _SIDES)]] += 1
    return counts


def _count_aspects(pictures: Sequence[Found]) -> dict[str, int]:
    counts = dict.fromkeys((label for label, _ in _ASPECTS), 0)
    for found in pictures:
        aspect = found.width / found.height
        label = [label for label, start in _ASPECTS if aspect >= start][-1]
        counts[label] += 1
    return counts


def recommend_size(intake: Intake, *, gpu: bool | None = None) -> Size:
    """Return the size that training would choose for a folder.

    Args:
        intake: what the folder holds.
        gpu: whether there is one; None looks for it without importing torch.
    """
    from artgan import choose

    if gpu is None:
        gpu = sys.platform == "darwin" or Path("/dev/nvidia0").exists()
    sides = [(found.width, found.height) for found in intake.pictures]
    return choose.recommend_size(sides, None, gpu=gpu)


def _default_architecture(size: Size) -> Architecture:
    from artgan.choose import pick_architecture
    from artgan.config import TrainConfig
    from artgan.registry import registry

    arch, _ = pick_architecture(TrainConfig(images=".", size=size), [], gpu=False)
    record = registry().find(Architecture.kind, arch).record
    assert isinstance(record, Architecture)
    return record


def check_sheet_path(sheet: Path, folder: Path, *, overwrite: bool = False) -> None:
    """Check that a sheet can be drawn where it is wanted.

    Args:
        sheet: where.
        folder: the folder of pictures.
        overwrite: whether a file that exists may be replaced.

    Raises:
        PathError: it is no PNG, a folder, exists, or would be among the pictures.
    """
    from artgan.outputs import check_place

    if sheet.suffix.lower() != ".png":
        raise PathError(f"--sheet {safe(sheet)}: expected a name that ends in .png")
    if sheet.is_dir():
        raise PathError(f"--sheet {safe(sheet)}: it is a folder, give the name of a file")
    if folder.resolve() in sheet.resolve().parents:
        raise PathError(
            f"--sheet {safe(sheet)}: it would be one of the pictures, give a place elsewhere"
        )
    check_place(sheet, folder=False, overwrite=overwrite)


def draw_sheet(path: Path, pictures: Pictures, spec: PictureSpec) -> int:
    """Write a PNG of up to 100 evenly picked pictures, and return how many there are on it.

    Raises:
        OutputError: it cannot be written.
    """
    from artgan.images import from_bytes, grid, save_png

    rows, columns = (max(1, _SHEET_SIDE // (side + 2)) for side in spec.size)
    count = min(SHEET_PICTURES, rows * columns, len(pictures))
    picked = [i * len(pictures) // count for i in range(count)]
    across = min(columns, math.ceil((count * spec.size[0] / spec.size[1]) ** 0.5))
    images = from_bytes(pictures.batch(picked))
    save_png(path, grid(images, columns=across, level=0.5))
    return count


def summary(report: Report) -> str:
    """Return the counts of a report in one sentence."""
    parts = [f"{plural(report.usable, 'usable picture')} of {plural(report.looked_at, 'file')}"]
    if report.twins:
        parts.append(f"{plural(len(report.twins), 'exact duplicate')} left out")
    if report.skipped:
        parts.append(f"{len(report.skipped):,} skipped")
    if report.ignored:
        parts.append(f"{plural(report.ignored, 'other file')} ignored")
    return ", ".join(parts)

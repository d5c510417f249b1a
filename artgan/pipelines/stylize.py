"""Stylize: pictures of a batch, each redrawn in the style of others. No torch at import."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import ImageError
from artgan.batches import Item
from artgan.picturefiles import write_picture
from artgan.screen import safe
from artgan.studio import Studio
from artgan.stylesettings import StylizeConfig
from artgan.workers import cores, spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = [
    "STRENGTHS",
    "STROKES",
    "Job",
    "Redrawn",
    "Room",
    "Told",
    "choices",
    "find_room",
    "redraw_all",
    "write_result",
]


@dataclass(frozen=True)
class Job:
    """One picture to redraw.

    Attributes:
        item: which, and what it is called then.
        shares: how much of each style.
        recipe: what its file keeps; None for nothing.
        changes: settings that differ from those of the batch.
    """

    item: Item
    shares: tuple[float, ...]
    recipe: str | None
    changes: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Redrawn:
    """What came of one picture.

    Attributes:
        job: what was asked for.
        pixels: bytes (uint8), (C, H, W); None if there are none.
        parts: each loss's part of their sum in the end.
        reason: why there are no pixels.
    """

    job: Job
    pixels: NDArray[np.uint8] | None
    parts: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


Told = Callable[[int, int, int], None]
"""Called with the number of the job, evaluations made, and of how many."""


@dataclass(frozen=True)
class Room:
    """What memory allows.

    Attributes:
        each: bytes that a picture takes, forecast.
        free: bytes that there are; None if that is not known.
        processes: how many pictures at once.
    """

    each: int
    free: int | None
    processes: int


SPARE = 0.9
"""The share of the free memory that is used."""


def find_room(studio: Studio, jobs: Sequence[Job]) -> Room:
    """Return how much memory a picture takes, and how many can be redrawn at once.

    Raises:
        ArtganError: a style cannot be read, or the extractor cannot be built.
    """
    from artgan.engine import free_bytes

    each = studio.forecast([job.item.path for job in jobs])
    free = free_bytes()
    usual = 1 if studio.is_fast else cores()  # quicker than it takes to start another process
    wanted = min(studio.config.jobs or usual, max(1, len(jobs)))
    if free is not None and studio.config.jobs is None:
        wanted = max(1, min(wanted, int(SPARE * free / each)))
    return Room(each, free, wanted)


def redraw_all(
    studio: Studio, jobs: Sequence[Job], told: Told, *, processes: int = 1
) -> Iterator[Redrawn]:
    """Yield what comes of pictures as they are finished.

    Args:
        studio: what they share.
        jobs: the pictures.
        told: hears how far they are.
        processes: how many at once, each by one thread; 1 works here, by all threads.

    Raises:
        ArtganError: a component or an option does not work.
    """
    processes = min(processes, len(jobs))
    if processes > 1 and not _has_gpu(studio.config.device):
        studio.check()
        make = partial(_studio, studio.config)
        yield from spread(make, _work, jobs, processes=processes, told=told)
        return
    for number, job in enumerate(jobs):
        yield _redraw_one(studio, job, partial(told, number))


def _has_gpu(name: str) -> bool:
    from artgan.engine import pick_device

    return pick_device(name).type != "cpu"


def _studio(config: StylizeConfig) -> Studio:
    from artgan.registry import registry

    return Studio(config, registry())


def _work(studio: Studio, job: Job, tell: Callable[[int, int], None]) -> Redrawn:
    return _redraw_one(studio, job, tell)


def _redraw_one(studio: Studio, job: Job, tell: Callable[[int, int], None]) -> Redrawn:
    """Return what comes of one picture; what is wrong with it alone becomes a reason."""
    from artgan.images import to_bytes
    from artgan.pictures import UnreadablePicture

    if job.changes:
        studio = Studio(studio.config.model_copy(update=job.changes), studio.components)
    try:
        drawn, parts = studio.redraw(job.item.path, job.shares, tell)
        return Redrawn(job, to_bytes(drawn).numpy(), parts)
    except UnreadablePicture as error:
        if error.path != job.item.path:
            raise  # a style, without which nothing goes on
        return Redrawn(job, None, reason=error.reason)
    except MemoryError:
        reason = "too large: it does not fit into memory, give a smaller --size"
        return Redrawn(job, None, reason=reason)


def write_result(folder: Path, redrawn: Redrawn, config: StylizeConfig) -> Path:
    """Write one picture and return its path.

    Raises:
        OutputError: it cannot be written.
    """
    import torch

    from artgan.images import from_bytes

    assert redrawn.pixels is not None
    path = folder / redrawn.job.item.name
    image = from_bytes(torch.from_numpy(redrawn.pixels))
    write_picture(path, image, recipe=redrawn.job.recipe, quality=config.quality)
    return path


STRENGTHS = (0.2, 0.4, 0.6, 0.8)
STROKES = (0.5, 1.0, 2.0)
SHEET = {"size": "192", "effort": 0.4}
"""Strengths and strokes of a sheet to choose from, and what makes its pictures quick."""


def choices(studio: Studio, path: Path, told: Told) -> Image.Image:
    """Return one picture at several strengths and strokes, small, as a table to choose from.

    A fast style has one stroke.

    Raises:
        ArtganError: a component or an option does not work.
    """
    import torch

    from artgan.choices import table_of

    strokes = (1.0,) if studio.is_fast else STROKES
    jobs = [
        Job(
            Item(path, Path(path.name)),
            tuple(studio.shares(0, 1)),
            None,
            {"strength": strength}
            if studio.is_fast
            else {"strength": strength, "stroke": stroke, **SHEET},
        )
        for stroke in strokes
        for strength in STRENGTHS
    ]
    found = {}
    processes = studio.config.jobs or (1 if studio.is_fast else cores())
    for redrawn in redraw_all(studio, jobs, told, processes=processes):
        if redrawn.pixels is None:
            raise ImageError(f"cannot read {safe(path)}: {safe(redrawn.reason)}")
        changes = redrawn.job.changes
        place = (changes.get("stroke", 1.0), changes["strength"])
        found[place] = torch.from_numpy(redrawn.pixels)
    rows = [[found[stroke, strength] for strength in STRENGTHS] for stroke in strokes]
    across = [f"strength {strength:g}" for strength in STRENGTHS]
    return table_of(rows, across, [f"stroke {stroke:g}" for stroke in strokes])

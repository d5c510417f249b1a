"""The work of steps that redraw pictures, and files that move."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import ImageError
from artgan.batches import Batch, gather, plan, refuse, single_output
from artgan.flows.steps import Step
from artgan.flows.work import Bench, Told
from artgan.outputs import moving_suffixes
from artgan.screen import plural, safe
from artgan.studio import Studio

if TYPE_CHECKING:
    from artgan.pipelines.stylize import Job

__all__ = ["Redrawing", "redraw"]


@dataclass
class Redrawing:
    """What came of pictures that were redrawn.

    Attributes:
        files: all that there are now, made or finished before.
        made: how many were made.
        skipped: path and reason of each that was not.
    """

    files: list[Path] = field(default_factory=list)
    made: int = 0
    skipped: list[tuple[Path, str]] = field(default_factory=list)


def redraw(bench: Bench, step: Step, facts: Mapping[str, Any], told: Told) -> Redrawing:
    """Redraw pictures, those that are finished left out, and return what came of it.

    Raises:
        ImageError: none could be, or one was skipped and the step is strict.
        PathError: something is in the way.
    """
    from artgan.pipelines.stylize import find_room, redraw_all, write_result

    config = step.config
    if step.source is not None:
        entry = bench.ledger.entry(step.source.name)
        assert entry is not None
        files = tuple(str(bench.ledger.place(noted)) for noted in entry.outputs)
        config = config.model_copy(update={"images": files})
    studio = Studio(config, bench.components)
    moving = moving_suffixes(bench.components)
    batch = gather(config.images, out=config.out, suffix=config.suffix, moving=moving)
    file = single_output(config.out, batch, moving=moving)
    folder = Path(config.out) if file is None else file.parent
    if file is not None:
        batch.items[0] = replace(batch.items[0], name=Path(file.name))
    came = Redrawing(skipped=list(batch.skipped))
    jobs = _jobs(studio, batch, came)
    todo = _todo(bench, step, batch, folder, jobs)
    came.files = [folder / item.name for item in batch.items if jobs[item] not in todo]
    bench.begun(step, facts, [folder / item.name for item in batch.items])
    still = [job for job in todo if not job.item.moving]
    share: dict[int, float] = {}

    def hear(number: int, done: int, total: int) -> None:
        share[number] = done / max(total, 1)
        told(int(sum(share.values())), len(still))

    processes = find_room(studio, still).processes if still else 1
    for redrawn in redraw_all(studio, still, hear, processes=processes):
        if redrawn.pixels is None:
            came.skipped.append((redrawn.job.item.path, redrawn.reason))
            continue
        came.files.append(write_result(folder, redrawn, config))
        came.made += 1
    _animate(bench, studio, [job for job in todo if job.item.moving], folder, came, told)
    if came.skipped and (config.strict or not came.files):
        path, reason = came.skipped[0]
        count = plural(len(came.skipped), "picture")
        raise ImageError(f"{count} could not be redrawn, the first is {safe(path)}: {safe(reason)}")
    bench.made(step, facts, sorted(came.files))
    return came


def _jobs(studio: Studio, batch: Batch, came: Redrawing) -> dict[Any, Job]:
    from artgan.pictures import UnreadablePicture
    from artgan.pipelines.animate import writer_facts
    from artgan.pipelines.stylize import Job

    found: dict[Any, Job] = {}
    for number, item in enumerate(list(batch.items)):
        shares = tuple(studio.shares(number, len(batch.items)))
        try:
            writer = writer_facts(studio, item) if item.moving else None
            found[item] = Job(item, shares, studio.recipe_text(item, shares, writer=writer))
        except UnreadablePicture as error:
            if error.path != item.path:
                raise
            came.skipped.append((item.path, error.reason))
            batch.items.remove(item)
    return found


def _todo(
    bench: Bench, step: Step, batch: Batch, folder: Path, jobs: Mapping[Any, Job]
) -> list[Job]:
    """Return what is left to be redrawn; what is in the way is refused if it is not the step's."""
    owned = bench.ledger.owned(step.name)
    found = plan(batch, folder, lambda item: jobs[item].recipe, overwrite=step.config.overwrite)
    refuse([path for path in found.blocked if os.path.realpath(path) not in owned])
    mine = [item for item in batch.items if folder / item.name in found.blocked]
    return [jobs[item] for item in batch.items if item in found.todo or item in mine]


def _animate(
    bench: Bench, studio: Studio, jobs: list[Job], folder: Path, came: Redrawing, told: Told
) -> None:
    from artgan.pipelines.animate import animate

    for job in jobs:
        result = animate(
            studio, job.item, folder, shares=job.shares, recipe=job.recipe, told=told,
            tell=bench.tell,
        )  # fmt: skip
        if result.path is None:
            came.skipped.append((job.item.path, result.reason))
        else:
            came.files.append(result.path)
            came.made += 1

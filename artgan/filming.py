"""Filming: a walk's scene into files, each with its recipe; and a size that none may exceed."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import Alter, ConfigError, OutputError, Writer
from artgan.files import gathered_files
from artgan.fitting import PIECE, TRIES, Look, choose, looks
from artgan.images import Frames
from artgan.meter import Meter
from artgan.outputs import FOLDER, Output, Spent, deliver
from artgan.rendering import recipe
from artgan.scene import Scene
from artgan.screen import file_size, safe
from artgan.staging import build_scene
from artgan.stamp import Mark, stamp
from artgan.timing import film_times
from artgan.walkplan import Used, WalkPlan

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.models import Model, Weights
    from artgan.registry import Registry
    from artgan.studio import Studio

__all__ = ["Film", "Filmed", "film", "walk_recipe"]

INK_PROBES = 8
"""Frames that a signature's ink is chosen on."""

Told = Callable[[int, int | None], None]


def _unheard(done: int, total: int | None) -> None:
    """Take progress that nobody asked for."""


@dataclass(frozen=True)
class Film:
    """A walk that is about to be filmed.

    Attributes:
        plan: the walk.
        model: what draws it; where it morphs it is changed in place.
        components: where components are found.
        stages: loaders of the checkpoints of `plan.stages`.
        mark: a signature for every frame, at `plan.sign`.
        studio: what redraws its frames, None for nothing.
        meta: whether files keep their recipe.
    """

    plan: WalkPlan
    model: Model
    components: Registry
    stages: Sequence[Callable[[], Weights]] = ()
    mark: Mark | None = None
    studio: Studio | None = None
    meta: bool = True

    def scene(self) -> Scene:
        """Return what its frames come from, see `artgan.staging.build_scene`."""
        return build_scene(self.plan, self.model, self.components, stages=self.stages)

    def frames(self, scene: Scene) -> Frames:
        """Return the frames of its scene, in their style, with the signature over it."""
        frames = scene.frames()
        if self.studio is not None:
            shares = self.studio.shares(0, 1)
            frames = self.studio.redraw_frames(frames, shares, closed=self.plan.closed)
        if self.mark is None or self.plan.sign is None:
            return frames
        times = film_times(INK_PROBES, closed=self.plan.closed)
        seen = [picture.clamp(0, 1) for picture in scene.pictures(times)]
        return _signed(frames, stamp(self.mark, seen, corner=self.plan.sign.corner).apply)


@dataclass
class Filmed:
    """What came of it.

    Attributes:
        files: what was written, in the order of the outputs.
        plans: the walk of each file: to be small enough it may have become another one.
        spent: how long it took.
        seam: the step from the last frame to the first, in parts of the median step; None where
            it is none, or nothing moves.
        variation: of the steps, their standard deviation over their mean; None where nothing moves.
        gave_way: what is other than asked for, so that files are small enough, a sentence a file.
    """

    files: list[Path] = field(default_factory=list)
    plans: list[WalkPlan] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    seam: float | None = None
    variation: float | None = None
    gave_way: list[str] = field(default_factory=list)


def walk_recipe(film: Film, output: Output) -> str | None:
    """Return the recipe of a walk for one of its files, None if none is to be kept."""
    if not film.meta:
        return None
    entry = output.entry
    name = entry.record.name if entry.plugin.built_in else entry.qualified
    options = {} if output.options is None else output.options.model_dump(mode="json")
    writer = Used(name=name, options=options).model_dump(mode="json")
    return recipe("walk", film.model, film.plan.table(), writer=writer)


def film(
    film: Film,
    outputs: Sequence[Output],
    *,
    most: int | None = None,
    scene: Scene | None = None,
    looking: Told = _unheard,
    told: Told = _unheard,
) -> Filmed:
    """Write a walk to files and return what came of it.

    Args:
        film: the walk.
        outputs: where it goes, see `artgan.outputs.find_outputs`.
        most: the most bytes that each file may take; None is no limit.
        scene: its scene, if there is one that keeps pace already.
        looking: hears how far the look along the path is.
        told: hears how many frames are done.

    Raises:
        ConfigError: a limit for what is no file.
        OutputError: a file cannot be written, or not so small.
    """
    if most is not None:
        for output in outputs:
            if FOLDER in getattr(output.entry.record, "suffixes", ()):
                raise ConfigError(f"--max-size is of files, and {safe(output.path)} is a folder")
    if scene is None:
        scene = film.scene()
        scene.keep_pace(looking)
    if most is None:
        return _filmed(film, scene, outputs, told)
    whole = Filmed()
    with contextlib.ExitStack() as stack:  # all of them are there, or none
        folders: dict[Path, Path] = {}
        for output in outputs:
            parent = output.path.parent.resolve()
            if parent not in folders:
                folders[parent] = stack.enter_context(gathered_files(output.path.parent))
            one = _within(film, scene, output, folders[parent], most, told)
            whole.files += one.files
            whole.plans += one.plans
            whole.gave_way += one.gave_way
            whole.seam, whole.variation = one.seam, one.variation
            for name in ("rendering", "encoding", "whole"):
                setattr(whole.spent, name, getattr(whole.spent, name) + getattr(one.spent, name))
    return whole


def _filmed(film: Film, scene: Scene, outputs: Sequence[Output], told: Told) -> Filmed:
    meter = Meter()
    frames = meter.watch(film.frames(scene))
    spent = Spent()
    files = deliver(
        frames,
        outputs,
        components=film.components,
        loop=film.plan.plays,
        recipe=lambda output: walk_recipe(film, output),
        progress=told,
        spent=spent,
    )
    seam = meter.seam_ratio if film.plan.closed else None
    plans = [film.plan] * len(outputs)
    resting = film.plan.hold > 0
    variation = meter.pace_variation(closed=film.plan.closed, holds=resting)
    return Filmed(files, plans, spent, seam, variation)


def _signed(frames: Frames, sign: Alter) -> Frames:
    """Return frames that are signed while they are read."""

    def signed(image: Tensor) -> Tensor:
        return sign(image[None].clamp(0, 1))[0]

    probe = frames.probe
    return dataclasses.replace(
        frames,
        frames=(dataclasses.replace(frame, image=signed(frame.image)) for frame in frames),
        probe=None if probe is None else lambda count: map(signed, probe(count)),
    )


# Small enough -----------------------------------------------------------------------------------


def _within(
    film: Film, scene: Scene, output: Output, folder: Path, most: int, told: Told
) -> Filmed:
    """Write one output into a folder so that it takes no more than so many bytes."""
    place = dataclasses.replace(output, path=folder / output.path.name)
    made = _filmed(film, scene, [place], told)
    size = first = least = made.files[0].stat().st_size
    found: list[Look] = []
    failed: list[tuple[Look, float]] = []
    for _ in range(TRIES - 1):
        if size <= most:
            break
        if not found:
            found = looks(film.plan.fps, film.plan.scale, _steps(film, scene, place, folder))
        # what came out larger than expected last time will do so again
        worse = max((share / look.share for look, share in failed), default=1.0)
        tried = [found[0], *(look for look, _ in failed)]
        look = choose(found, most / first / worse, tried=tried.__contains__)
        if look is None:
            break
        made, size = _retried(film, place, look, told)
        least = min(least, size)
        failed.append((look, size / first))
    if size > most:
        raise OutputError(
            f"{safe(output.path)} cannot be made to fit into {file_size(most)}, it took "
            f"{file_size(least)} at least: give fewer --seconds, or another format"
        )
    words = [_lost(film, output, failed[-1][0])] if failed else []
    return dataclasses.replace(made, files=[output.path], gave_way=words)


def _lost(film: Film, output: Output, look: Look) -> str:
    """Return in words what a look is worse in than what was asked for."""
    record = output.entry.record
    assert isinstance(record, Writer)
    parts = []
    if look.step:
        parts += [f"{name} {value}" for name, value in record.smaller[look.step - 1]]
    if look.fps != film.plan.fps:
        parts.append(f"{look.fps:g} frames a second instead of {film.plan.fps:g}")
    if look.scale != film.plan.scale:
        parts.append(f"scale {look.scale} instead of {film.plan.scale}")
    return f"to fit, {safe(output.path)} has {', '.join(parts)}"


def _retried(film: Film, place: Output, look: Look, told: Told) -> tuple[Filmed, int]:
    plan = film.plan.model_copy(
        update={
            "fps": look.fps,
            "frames": max(1, round(film.plan.seconds * look.fps)),
            "scale": look.scale,
        }
    )
    smaller = dataclasses.replace(film, plan=plan)
    scene = smaller.scene()
    scene.keep_pace()
    output = dataclasses.replace(place, options=_options(film, place, look.step))
    made = _filmed(smaller, scene, [output], told)
    return made, made.files[0].stat().st_size


def _options(film: Film, output: Output, step: int) -> Any:
    """Return a writer's options after so many steps towards smaller files."""
    record = output.entry.record
    assert isinstance(record, Writer)
    if step == 0 or output.options is None:
        return output.options
    table = {**output.options.model_dump(mode="json"), **dict(record.smaller[step - 1])}
    return film.components.options(output.entry, table)


def _steps(film: Film, scene: Scene, place: Output, folder: Path) -> list[float]:
    """Return how large a piece is after each step of the writer's options, the first being 1."""
    record = place.entry.record
    assert isinstance(record, Writer)
    count = min(PIECE, film.plan.frames)
    frames = scene.frames()
    piece = [
        dataclasses.replace(frame, image=frame.image.clamp(0, 1))
        for frame in itertools.islice(frames, count)
    ]
    sizes = []
    for step in range(len(record.smaller) + 1):
        path = folder / f"piece{step}-{place.path.name}"
        output = dataclasses.replace(place, path=path, options=_options(film, place, step))
        short = dataclasses.replace(frames, frames=iter(piece), length=count)
        deliver(short, [output], components=film.components)
        sizes.append(path.stat().st_size)
        path.unlink()
    return [size / sizes[0] for size in sizes]

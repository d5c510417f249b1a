"""Evaluate: a run's pictures against real ones, in figures and on a sheet. No torch at import."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from artgan.api import (
    CheckpointError,
    ConfigError,
    ImageError,
    Metric,
    PathError,
    PluginError,
    Size,
)
from artgan.latents import draw, to_prior
from artgan.measuring import (
    FEWEST,
    MAX_TRAINING,
    Figure,
    Meter,
    Reals,
    build_meters,
    default_metrics,
    evaluate,
    load_reals,
    quantised,
)
from artgan.options import Options
from artgan.outputs import Progress, check_place
from artgan.rendering import codes_of, render
from artgan.screen import plural, safe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.data.prepared import Pictures
    from artgan.models import Model, Weights
    from artgan.registry import Registry

__all__ = [
    "EvaluateConfig",
    "Evaluation",
    "check_outputs",
    "document",
    "draw_fakes",
    "draw_midpoints",
    "evaluate_run",
    "most_pictures",
    "not_measured",
]

SET_BYTES = 1 << 30
"""A set of pictures to measure takes no more memory than this, as float32."""

SOME = 256
"""Midpoints, and pictures of an earlier checkpoint, that are drawn."""

Announce = Callable[[str], AbstractContextManager[Progress]]
"""Begins something that takes time, by its name; yields what is told how much of it is done."""


class EvaluateConfig(Options):
    """The settings of an evaluation."""

    run: str = Field(
        description="run folder, its number, latest, or a .artgan file; with @PICTURES"
    )
    images: str | None = Field(
        None, description="folder of real pictures; none given: the one that the run learned from"
    )
    count: int = Field(
        1024, ge=2, le=100_000, description="pictures to compare with as many real ones"
    )
    metrics: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="what is measured; none given: all that need no optional package",
    )
    sheet: str | None = Field(
        None,
        description="PNG of the pictures closest to a real one: leftmost the drawn picture, then "
        "those reals",
    )
    out: str | None = Field(None, description="file that the figures are written to as JSON")
    overwrite: bool = Field(False, description="replace what exists")
    runs: str = Field("runs", description="folder that runs are in")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    components: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="kind -> name -> options"
    )


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Attributes:
        run: the run's or the packed file's name.
        cur_nimg: pictures that the generator had seen.
        count: pictures compared with as many real ones.
        figures: "metric/figure" -> its value and floor.
        earlier: pictures that it had seen at the checkpoint that drift is measured since, None
            where it is not measured.
    """

    run: str
    cur_nimg: int
    count: int
    figures: dict[str, Figure]
    earlier: int | None = None


def check_outputs(config: EvaluateConfig) -> None:
    """Check that the sheet and the file of figures may be written.

    Raises:
        ConfigError: the sheet is no PNG, the figures go to a folder, or both are one file.
        PathError: something is in the way.
    """
    sheet, out, ends = config.sheet, config.out, ("/", os.sep)
    if sheet is not None and (Path(sheet).suffix.lower() != ".png" or sheet.endswith(ends)):
        raise ConfigError(f"--sheet {safe(sheet)}: expected a name that ends in .png")
    if out is not None and out.endswith(ends):
        raise ConfigError(f"--out {safe(out)}: figures are one file: give a name such as a.json")
    if sheet is not None and out is not None and os.path.realpath(sheet) == os.path.realpath(out):
        raise ConfigError(f"--sheet and --out are both {safe(out)}: give two names")
    for path in (sheet, out):
        if path is not None:
            check_place(Path(path), folder=False, overwrite=config.overwrite)


def not_measured(
    config: EvaluateConfig, tables: Mapping[str, object], components: Registry
) -> list[str]:
    """Return those of the metrics that options were set for that will not be measured.

    Args:
        config: what to measure.
        tables: the metrics' options by their names.
        components: where the metrics are.

    Raises:
        ComponentError: one is unknown.
    """
    measured = [components.find(Metric.kind, name) for name in _named(config, components)]
    return [name for name in tables if components.find(Metric.kind, name) not in measured]


def _named(config: EvaluateConfig, components: Registry) -> Sequence[str]:
    return config.metrics if config.metrics is not None else default_metrics(components)


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Return what was found as it is written: JSON-able."""
    return {
        "version": 1,
        "run": evaluation.run,
        "checkpoint": evaluation.cur_nimg,
        "count": evaluation.count,
        "drift_since": evaluation.earlier,
        "figures": {
            name: dataclasses.asdict(figure) for name, figure in evaluation.figures.items()
        },
    }


def evaluate_run(
    config: EvaluateConfig, note: Callable[[str], None], announce: Announce, components: Registry
) -> Evaluation:
    """Return how good a run's pictures are; the sheet is drawn if it is wanted.

    The reals are split into two halves that share nothing: a metric's value is of the fakes of
    seeds 0, 1, 2 ... against the first half, its floor of the second half against the first.

    Args:
        config: what to measure.
        note: told what is worth knowing.
        announce: told what is going on, e.g. `artgan.cli.progress.progress`.
        components: where the metrics are.

    Raises:
        ConfigError, ComponentError: a setting cannot be used, or a metric's package is missing.
        PathError: there is no such run, or no such folder of pictures.
        CheckpointError: nothing sound is in the run.
        ImageError: there are too few pictures.
    """
    from artgan.engine import pick_device
    from artgan.lookalikes import draw_sheet
    from artgan.models import build_model, find_weights

    check_outputs(config)
    not_measured(config, config.components.get(Metric.kind, {}), components)  # all are known
    meters = _meters(config, components, note)
    weights = find_weights(config.run, Path(config.runs))
    folder = _folder(config, weights)
    model = build_model(weights, pick_device(config.device), components)
    note(f"measuring {model.label}")
    needs = {need for meter in meters for need in meter.record.needs}
    copied = "training" in needs or config.sheet is not None
    with contextlib.ExitStack() as stack:
        pictures = stack.enter_context(contextlib.closing(_pictures(folder, weights, announce)))
        count = _count(config.count, pictures, model, note)
        learned = None
        if copied and config.images is not None:
            learned = _learned(folder, weights, announce, note)
        if learned is not None:
            stack.enter_context(contextlib.closing(learned))
        reals = _reals(pictures, learned, count, copied, note)
        with announce("drawing") as tell:
            fakes = draw_fakes(model, len(reals), tell)
        between = not needs.isdisjoint({"training", "midpoints"})
        before = _earlier(weights, model, components) if "earlier" in needs else None
        view = reals.view(
            fakes,
            midpoints=draw_midpoints(model, min(SOME, len(reals))) if between else None,
            earlier=None if before is None else before[1],
        )
        if before is not None:
            note(f"drift is measured since {before[0] / 1000:g} kimg")
        meters = _able(meters, view, note)
        floor = reals.floor()
        figures: dict[str, Figure] = {}
        with announce("measuring") as tell:
            for done, meter in enumerate(meters, 1):
                figures |= evaluate([meter], view, floor)
                tell(done, len(meters))
        if config.sheet is not None:
            among = pictures if learned is None else learned
            draw_sheet(Path(config.sheet), view.fakes, reals, among, model, note)
    since = None if before is None else before[0]
    return Evaluation(_name(config, weights), weights.cur_nimg, len(reals), figures, since)


def _meters(
    config: EvaluateConfig, components: Registry, note: Callable[[str], None]
) -> list[Meter]:
    """Return the metrics; of those that nobody named one that cannot be built is left out."""
    if config.metrics is not None:
        return build_meters(config.metrics, components, config.components)
    meters: list[Meter] = []
    for name in default_metrics(components):
        try:
            meters += build_meters([name], components, config.components)
        except PluginError as error:
            note(f"'{safe(name)}' is left out: {error}")
    return meters


# Reals --------------------------------------------------------------------------------------


def _name(config: EvaluateConfig, weights: Weights) -> str:
    if weights.generation is not None:
        return safe(weights.generation.path.parent.parent.name)
    return safe(Path(config.run).name)


def _folder(config: EvaluateConfig, weights: Weights) -> Path:
    """Return the folder of real pictures."""
    if config.images is not None:
        return Path(config.images)
    hint = f"give the folder: artgan evaluate {safe(config.run)} DIR"
    if weights.generation is None:
        raise ConfigError(f"{weights.label} is packed without its pictures: {hint}")
    folder = Path(weights.config.images)
    if not folder.is_dir():
        raise PathError(f"the pictures of {weights.label} are not in {safe(folder)}: {hint}")
    return folder


def _pictures(folder: Path, weights: Weights, announce: Announce) -> Pictures:
    """Return the real pictures, brought to what the run was trained on."""
    from artgan.data.intake import survey
    from artgan.data.prepared import prepare
    from artgan.pictures import PictureSpec

    spec = PictureSpec.of(weights.config)
    with announce("looking at files") as tell:
        intake = survey(folder, progress=tell)
    with announce("preparing pictures") as tell:
        pictures = prepare(intake, spec, progress=tell)
    if len(pictures) < FEWEST:
        raise ImageError(
            f"{safe(folder)} holds {plural(len(pictures), 'usable picture')}: "
            f"to measure takes at least {FEWEST}"
        )
    return pictures


def _learned(
    folder: Path, weights: Weights, announce: Announce, note: Callable[[str], None]
) -> Pictures | None:
    """Return what the run learned from, where that is another folder that is still there."""
    if weights.generation is not None:
        own = Path(weights.config.images)
        if os.path.realpath(own) == os.path.realpath(folder):
            return None
        if own.is_dir():
            with contextlib.suppress(ImageError, PathError):  # little or nothing is left in it
                return _pictures(own, weights, announce)
    note(f"copies are looked for among {safe(folder)}, not among what the run learned from")
    return None


def most_pictures(size: Size, channels: int) -> int:
    """Return how many pictures of a size, (height, width), a set to measure may have.

    >>> most_pictures((256, 256), 3)
    1365
    """
    return max(2, SET_BYTES // (4 * min(channels, 3) * size[0] * size[1]))


def _count(wanted: int, pictures: Pictures, model: Model, note: Callable[[str], None]) -> int:
    """Return how many pictures to compare, and say why it is fewer than wanted."""
    there, room = len(pictures) // 2, most_pictures(model.size, model.channels)
    count = min(wanted, there, room)
    if count < wanted and there <= room:
        note(f"{plural(len(pictures), 'real picture')} make two halves of {there:,}")
    elif count < wanted:
        note(f"{plural(room, 'picture')} of this size at most are compared, for want of memory")
    return count


def _reals(
    pictures: Pictures,
    learned: Pictures | None,
    count: int,
    copied: bool,
    note: Callable[[str], None],
) -> Reals:
    """Return what to measure by; copies are looked for among what was learned, or all pictures."""
    total = len(learned if learned is not None else pictures)
    if copied and total > MAX_TRAINING:
        note(f"copies are looked for among {MAX_TRAINING:,} of {total:,} real pictures")
    return load_reals(pictures, count, training=MAX_TRAINING if copied else 0, learned=learned)


def _able(meters: Sequence[Meter], view: Any, note: Callable[[str], None]) -> list[Meter]:
    """Return the metrics that can be computed, and say which cannot, or mean little."""
    words = {"earlier": "an earlier checkpoint"}
    able = []
    for meter in meters:
        lacking = meter.lacks(view)
        if lacking:
            missing = " and ".join(words.get(part, part) for part in lacking)
            note(f"'{meter.name}' is left out: it needs {missing}")
            continue
        able.append(meter)
        if len(view.fakes) < meter.enough:
            note(
                f"'{meter.name}' means little with {plural(len(view.fakes), 'picture')}: "
                f"it takes {meter.enough:,}, and as many real ones in each half"
            )
    if not able:
        raise ConfigError("nothing of what was asked for can be measured")
    return able


# Fakes --------------------------------------------------------------------------------------


def draw_fakes(model: Model, count: int, progress: Progress | None = None) -> Tensor:
    """Return the pictures of seeds 0, 1, 2 ... as they are seen, (count, 1 or 3, H, W).

    A seed's picture is the same whatever the count.
    """
    return _drawn(model, draw(range(count), model.z_dim, model.prior), progress)


def draw_midpoints(model: Model, count: int) -> Tensor:
    """Return the pictures half-way between seeds 0 and 1, 1 and 2 ..., (count, 1 or 3, H, W).

    The latent between a and b is (a + b) / sqrt(2), which has the same Gaussian distribution, and
    for a sphere the point of it in that direction: the middle of the arc from a to b.
    """
    z = draw(range(count + 1), model.z_dim, model.prior)
    return _drawn(model, to_prior((z[:-1] + z[1:]) / 2**0.5, model.prior))


def _drawn(model: Model, z: Tensor, progress: Progress | None = None) -> Tensor:
    import torch

    pictures = []
    for picture in render(model, codes_of(model, z)):
        pictures.append(quantised(picture[None]))
        if progress is not None:
            progress(len(pictures), len(z))
    return torch.cat(pictures)


def _earlier(weights: Weights, model: Model, components: Registry) -> tuple[int, Tensor] | None:
    """Return what the last checkpoint or snapshot on the way to this one draws, and its pictures.

    Returns:
        Pictures that it had seen, and (e, 1 or 3, H, W); None if there is none.
    """
    from artgan.checkpoints import generations, on_the_way, read_sound
    from artgan.models import build_model
    from artgan.runs import RunFolder

    if weights.generation is None:
        return None
    run = RunFolder(weights.generation.path.parent.parent)
    known = [*generations(run.snapshots), *generations(run.checkpoints)]
    for generation in reversed(on_the_way(known, weights.generation)):
        with contextlib.suppress(CheckpointError):
            ema = read_sound(generation, "ema.safetensors")
            past = dataclasses.replace(weights, ema=ema, cur_nimg=generation.cur_nimg)
            drawn = draw_fakes(build_model(past, model.device, components), SOME)
            return generation.cur_nimg, drawn
    return None

"""Diagnose: a run's statistics -> what its doctor says of it, and its curves. No torch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from artgan.api import (
    Augmentation,
    CheckpointError,
    ComponentError,
    ConfigError,
    Metric,
    Objective,
    PathError,
    Policy,
    RunError,
)
from artgan.checkpoints import Generation, generations, read_json
from artgan.curves import Band, Curves, Mark
from artgan.history import (
    PHASES,
    Finding,
    Replay,
    Tick,
    Treatment,
    is_figure,
    natural,
    read_rows,
    treatments,
)
from artgan.options import Options
from artgan.outputs import check_place
from artgan.panels import Level, Line, Panel, Point
from artgan.runs import RunFolder, parse_reference
from artgan.screen import safe
from artgan.steering import DOCTOR

if TYPE_CHECKING:
    from artgan.api import Better
    from artgan.config import TrainConfig
    from artgan.registry import Registry

__all__ = [
    "Diagnosis",
    "DiagnoseConfig",
    "Figure",
    "Standing",
    "curves_of",
    "curves_path",
    "diagnose",
    "find_run_folder",
]

CURVES_NAME = "curves.png"

FIGURES = 4
"""The most figures of a metric that are shown where its record does not say which count."""

_USUAL = ("D/adversarial", "G/adversarial", "D/gradient", "G/gradient")


class DiagnoseConfig(Options):
    """The settings of a diagnosis."""

    run: str = Field(description="run folder, its number, or latest")
    out: str | None = Field(
        None, min_length=1, description=f"PNG of the curves; none given: {CURVES_NAME} in the run"
    )
    overwrite: bool = Field(False, description="replace what exists")
    runs: str = Field("runs", description="folder that runs are in")


@dataclass(frozen=True)
class Standing:
    """A checkpoint and how good its pictures are.

    Attributes:
        name: of its folder.
        attempt, cur_nimg: see `Tick`.
        measured: pictures shown before its figures were taken, None if they never were.
        figures: as in the statistics: metric/figure, metric/figure/floor, score.
    """

    name: str
    attempt: int
    cur_nimg: int
    measured: int | None
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Figure:
    """What a metric finds, by the name it has in the statistics, and which way is better."""

    metric: str
    name: str
    better: Better = ""

    @property
    def key(self) -> str:
        """Return what it is called in the statistics."""
        return f"{self.metric}/{self.name}"


@dataclass(frozen=True)
class Diagnosis:
    """What is said of a run.

    Attributes:
        run: its folder.
        cur_nimg, total_nimg: pictures shown, and where it ends or None.
        found: the state it is in, with the evidence of the last moment.
        timeline: the states it got into, in the order of time.
        treatments: what was done about it, in the order it happened.
        best, last: checkpoints, None where there is none.
        advice: what to try, "" for nothing.
        ticks: the statistics it is said from.
        bands: the state at each moment.
        figures: those of the metrics that are worth showing.
        objective: the run's.
    """

    run: RunFolder
    cur_nimg: int
    total_nimg: int | None
    found: Finding
    timeline: tuple[Finding, ...]
    treatments: tuple[Treatment, ...]
    best: Standing | None
    last: Standing | None
    advice: str
    ticks: tuple[Tick, ...]
    bands: tuple[Band, ...]
    figures: tuple[Figure, ...]
    objective: Objective


# What is asked for ----------------------------------------------------------------------------


def find_run_folder(config: DiagnoseConfig) -> RunFolder:
    """Return the run folder that RUN stands for.

    Raises:
        PathError: there is none, or a checkpoint or a packed file was asked for.
    """
    reference = parse_reference(config.run, Path(config.runs))
    if reference.run is None:
        raise PathError(f"{safe(config.run)} is packed, without statistics: give its run folder")
    if reference.which:
        raise PathError(
            f"run {safe(config.run)}: a run is diagnosed as a whole: "
            f"leave @{safe(reference.which)} out"
        )
    return reference.run


def curves_path(config: DiagnoseConfig, run: RunFolder) -> Path:
    """Return where the curves go, once they may be written there.

    Raises:
        ConfigError: it is no .png.
        PathError: something is in the way.
    """
    if config.out is None:
        path = run.path / CURVES_NAME
        check_place(path, folder=False, overwrite=True)
        return path
    out = Path(config.out)
    if out.suffix.lower() != ".png" or config.out.endswith(("/", os.sep)):
        raise ConfigError(f"{safe(config.out)}: curves are a .png: give a name that ends in .png")
    check_place(out, folder=False, overwrite=config.overwrite)
    return out


# The doctor -----------------------------------------------------------------------------------


def diagnose(run: RunFolder, components: Registry) -> Diagnosis:
    """Return what the doctor says of a run from its statistics, whoever looked after it.

    Raises:
        RunError: it has no statistics yet.
        ConfigError, ComponentError: its settings are not to be understood here.
    """
    from artgan.models import run_config

    config = run_config(run.config(), safe(run.name))
    rows = read_rows(run)
    known = generations(run.checkpoints)
    state = _newest_state(known)
    total = natural(state.get("total_nimg"))
    if total is None and config.kimg is not None:
        total = round(config.kimg * 1000)
    if not rows:
        first = f"{config.tick_kimg:,},000 pictures"
        if total is not None and (natural(state.get("cur_nimg")) or 0) >= total:
            raise RunError(
                f"run {safe(run.name)} has no statistics: it ended before the first {first}"
            )
        raise RunError(f"run {safe(run.name)} has no statistics yet: they come with every {first}")
    objective = components.find(Objective.kind, config.objective).record
    assert isinstance(objective, Objective)
    entry, options = components.configure(Policy.kind, DOCTOR, config.components)
    ticks = tuple(row for row in rows if isinstance(row, Tick))
    pictures = state.get("pictures")
    replay = Replay(
        lambda: components.build(entry, options, objective=objective),
        entry,
        {
            "batch": config.batch or 0,
            "total_nimg": total,
            "pictures": natural(pictures.get("count")) or 0 if isinstance(pictures, dict) else 0,
            "augments": _augments(config, components),
        },
        config.tick_kimg * 1000,
    )
    replay.play(rows)
    marked = run.marks().get("best")
    best = next((each for each in known if each.name == marked), None)
    ends = [(each.attempt, each.cur_nimg) for each in (*rows, *known)]
    return Diagnosis(
        run,
        max(ends)[1],
        total,
        replay.now,
        tuple(replay.timeline),
        tuple(treatments(rows, config.tick_kimg * 1000)),
        _standing(best, ticks) if best is not None else None,
        _standing(known[-1], ticks) if known else None,
        replay.advice(replay.now.state),
        ticks,
        tuple(replay.bands),
        tuple(_figures(ticks, components)),
        objective,
    )


def _newest_state(known: Sequence[Generation]) -> dict[str, Any]:
    """Return the state of the newest checkpoint that can be read, {} for none."""
    for generation in reversed(known):
        with contextlib.suppress(CheckpointError):
            return read_json(generation.path / "state.json")
    return {}


def _augments(config: TrainConfig, components: Registry) -> bool:
    """Return whether a run has an augmentation whose strength matters."""
    for name in config.augmentations or ():
        with contextlib.suppress(ComponentError):  # it may have been uninstalled
            if getattr(components.find(Augmentation.kind, name).record, "adaptive", False):
                return True
    return False


def _standing(generation: Generation, ticks: Sequence[Tick]) -> Standing:
    """Return a checkpoint with the newest figures that were taken on the way to it."""
    attempt, cur_nimg = generation.attempt, generation.cur_nimg
    until: list[Tick] = []
    for tick in ticks:
        if tick.attempt <= attempt:
            until = [t for t in until if t.attempt == tick.attempt or t.cur_nimg < tick.cur_nimg]
            if tick.measured and tick.cur_nimg <= cur_nimg:
                until.append(tick)
    values = until[-1].values if until else {}
    return Standing(
        generation.name,
        attempt,
        cur_nimg,
        until[-1].cur_nimg if until else None,
        {name: value for name, value in values.items() if name == "score" or is_figure(name)},
    )


# Curves ---------------------------------------------------------------------------------------


def _figures(ticks: Sequence[Tick], components: Registry) -> list[Figure]:
    """Return the figures worth showing: those that count, or those with a better way."""
    there = dict.fromkeys(name for tick in ticks for name in tick.values if is_figure(name))
    keys = [name for name in there if not name.endswith("/floor")]
    records = {entry.record.name: entry.record for entry in components.entries(Metric.kind)}
    metrics = dict.fromkeys(key.partition("/")[0] for key in keys)
    found = []
    for metric in metrics:
        record = records.get(metric)
        own = [key.partition("/")[2] for key in keys if key.partition("/")[0] == metric]
        if not isinstance(record, Metric):  # it may have been uninstalled
            found += [Figure(metric, name) for name in own[:FIGURES]]
            continue
        better = dict(record.figures)
        names = [*record.score] or [name for name, way in record.figures if way][:FIGURES]
        names += [name for name, _ in record.veto]
        found += [Figure(metric, n, better.get(n, "")) for n in dict.fromkeys(names) if n in own]
    return found


def curves_of(diagnosis: Diagnosis) -> Curves:
    """Return the curves of a run: losses, balance, gradients, further terms, metrics, score."""
    ticks = diagnosis.ticks
    names = dict.fromkeys(name for tick in ticks for name in tick.values)
    further = [n for n in names if n.partition("/")[0] in PHASES and n not in _USUAL]
    parity = diagnosis.objective.parity
    level = Level(parity, "D if it cannot tell") if parity is not None else None
    panels = [
        Panel(
            "adversarial loss of discriminator D and generator G",
            _lines(ticks, {"D/adversarial": "D", "G/adversarial": "G"}),
            level,
        ),
        Panel(
            "sign accuracy: how often D is right, from \u22121 to 1",
            _lines(ticks, {"sign_accuracy": "D"}),
            Level(diagnosis.objective.accuracy_target, "target"),
        ),
        Panel("gradient norm", _lines(ticks, {"D/gradient": "D", "G/gradient": "G"}), log=True),
        Panel(
            "further loss terms",
            _lines(ticks, {name: name.replace("/", " ") for name in further}),
            log=True,
        ),
    ]
    if any(tick.values.get("strength") for tick in ticks):
        panels.append(Panel("strength of augmentations", _lines(ticks, {"strength": "strength"})))
    arrows = {"low": " \u2193", "high": " \u2191", "": ""}
    for metric in dict.fromkeys(figure.metric for figure in diagnosis.figures):
        own = [figure for figure in diagnosis.figures if figure.metric == metric]
        labels = {figure.key: figure.name + arrows[figure.better] for figure in own}
        low = all(figure.better == "low" for figure in own)
        panels.append(Panel(metric, _lines(ticks, labels), log=low))
    panels.append(_score_panel(diagnosis))
    return Curves(
        f"{diagnosis.run.name}   {_progress(diagnosis)}   {diagnosis.found.state}",
        tuple(panel for panel in panels if panel.lines),
        diagnosis.bands,
        tuple(Mark(each.cur_nimg, str(each)) for each in diagnosis.treatments),
    )


def _progress(diagnosis: Diagnosis) -> str:
    total = diagnosis.total_nimg
    of = f" of {total / 1000:.1f}" if total is not None else ""
    return f"{diagnosis.cur_nimg / 1000:.1f}{of} kimg"


def _lines(ticks: Sequence[Tick], labels: Mapping[str, str]) -> tuple[Line, ...]:
    """Return a line for each name that there are values of, with its newest floor."""
    lines = []
    for name, label in labels.items():
        points = tuple(
            Point(t.attempt, t.cur_nimg, t.values[name]) for t in ticks if name in t.values
        )
        floors = [t.values[f"{name}/floor"] for t in ticks if f"{name}/floor" in t.values]
        if points:
            lines.append(Line(label, points, floors[-1] if floors else None))
    return tuple(lines)


def _score_panel(diagnosis: Diagnosis) -> Panel:
    best, spot = diagnosis.best, None
    if best is not None and best.measured is not None and "score" in best.figures:
        spot = Point(best.attempt, best.measured, best.figures["score"])
    lines = _lines(diagnosis.ticks, {"score": "score \u2193"})
    return Panel("score of all metrics", lines, best=spot)

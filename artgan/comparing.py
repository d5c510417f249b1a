"""Compare: several architectures trained on the same pictures for the same time, in one table."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from artgan.api import (
    Architecture,
    CheckpointError,
    ConfigError,
    ImageError,
    Metric,
    PathError,
    PluginError,
    RunError,
    ShapeError,
)
from artgan.comparetable import markdown, news
from artgan.config import SizeSetting, TrainConfig, check_size, format_size
from artgan.files import write_text
from artgan.options import Options
from artgan.pipelines.evaluate import Announce, EvaluateConfig, evaluate_run
from artgan.runs import RunFolder, all_runs, is_locked, locked, run_progress
from artgan.screen import duration, plural, safe
from artgan.watching import TrainResult, Watcher

if TYPE_CHECKING:
    from artgan.measuring import Figure
    from artgan.registry import Registry

__all__ = [
    "CompareConfig",
    "Comparison",
    "Contestant",
    "compare",
    "contestants",
    "document",
]

LEDGER = "compare.json"
TABLE = "compare.md"
SHEET = "compare.png"
"""What it makes in its folder, beside `runs`."""

COUNT = 1024
"""The most pictures that are measured against as many real ones."""


class CompareConfig(Options):
    """The settings of a comparison."""

    images: str = Field(description="folder of pictures")
    arch: tuple[str, ...] = Field(
        (), description="architectures; none given: all that can draw the size"
    )
    minutes: float = Field(5.0, gt=0, le=1e5, description="minutes of training for each")
    size: SizeSetting = Field((32, 32), description="pixels, WIDTH or WIDTHxHEIGHT")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of everything random")
    out: str = Field("comparison", min_length=1, description="folder for all that it makes")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    components: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="kind -> name -> options"
    )


@dataclass
class Contestant:
    """How an architecture did.

    Attributes:
        arch: its name.
        run: the name of its run folder, "" before it has one.
        seconds: of training, all told.
        cur_nimg: pictures shown.
        best: pictures that its best checkpoint, which was measured, had seen.
        parameters: network -> how many numbers it has.
        figures: metric/figure -> value; of its best checkpoint.
        score: how far from the reals it is all told, see `artgan.monitor.score`; lower is better.
        failed: why it has no figures; "" if it has.
        done: whether it is through.
    """

    arch: str
    run: str = ""
    seconds: float = 0.0
    cur_nimg: int = 0
    best: int = 0
    parameters: dict[str, int] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    score: float | None = None
    failed: str = ""
    done: bool = False


@dataclass
class Comparison:
    """All of them.

    Attributes:
        folder: where it is.
        rows: in the order of the settings.
        floors: metric/figure -> what real pictures score among themselves.
        count: pictures measured against as many real ones.
        finished: whether all are through.
    """

    folder: Path
    rows: list[Contestant]
    floors: dict[str, float] = field(default_factory=dict)
    count: int = 0
    finished: bool = True

    def ranked(self) -> list[Contestant]:
        """Return them, the best first; those without figures come last."""
        return sorted(self.rows, key=lambda row: (row.score is None, row.score or 0.0))


def contestants(config: CompareConfig, components: Registry) -> tuple[str, ...]:
    """Return the architectures that are compared.

    Raises:
        ComponentError: one is unknown.
        ConfigError: one is named twice, or cannot draw the size; or none can.
    """
    if config.arch:
        for name in config.arch:
            if config.arch.count(name) > 1:
                raise ConfigError(f"--arch {safe(name)} was given twice: leave one out")
            record = components.find(Architecture.kind, name).record
            assert isinstance(record, Architecture)
            check_size(config.size, record)
        return config.arch
    able = []
    for name in components.names(Architecture.kind):
        record = components.find(Architecture.kind, name).record
        assert isinstance(record, Architecture)
        with contextlib.suppress(ConfigError):
            check_size(config.size, record)
            able.append(name)
    if not able:
        raise ConfigError(f"no architecture draws {format_size(config.size)} px: give another size")
    return tuple(able)


def compare(
    config: CompareConfig,
    watcher: Watcher,
    stop: Callable[[], bool],
    announce: Announce,
    components: Registry,
) -> Comparison:
    """Train each architecture for the same time, measure it, and write a table and a sheet.

    What is through is not done again, and a run that was stopped goes on. One whose code failed is
    told, and tried again the next time.

    Args:
        config: settings.
        watcher: told what happens.
        stop: asked after every training step whether to save and end.
        announce: see `artgan.pipelines.evaluate.evaluate_run`.
        components: where everything is.

    Raises:
        ComponentError, ConfigError: a setting cannot be used.
        PathError: the folder holds another comparison.
        ImageError: there are too few pictures that can be used.
        OutputError: something cannot be written.
        RunError: another process is at it.
    """
    from artgan.pipelines.train import check_settings

    names = contestants(config, components)
    for name in names:
        check_settings(_training(config, name), components)
    folder = _open(config, names).folder
    _check_pictures(Path(config.images), folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(RunFolder(folder), watcher.warn):
        found = _open(config, names)
        _fill(config, names, found, watcher, stop, announce, components)
        if any(row.figures for row in found.rows):
            from artgan.comparesheet import draw

            write_text(found.folder / TABLE, markdown(found, SHEET))
            draw(found.folder / SHEET, [row for row in found.ranked() if row.figures], folder)
    return found


def _check_pictures(images: Path, out: Path) -> None:
    """Refuse pictures that are too few, or would have the results among them."""
    from artgan.data.intake import survey
    from artgan.measuring import FEWEST

    if out.resolve().is_relative_to(images.resolve()):
        raise PathError(
            f"the results in {safe(out)} would be among the pictures in {safe(images)}: give "
            "another --out"
        )
    count = len(survey(images).pictures)
    if 0 < count < FEWEST:  # of none at all, training tells more
        raise ImageError(
            f"{safe(images)} holds {plural(count, 'usable picture')}: to measure takes at least "
            f"{FEWEST}"
        )


def _fill(
    config: CompareConfig,
    names: Sequence[str],
    found: Comparison,
    watcher: Watcher,
    stop: Callable[[], bool],
    announce: Announce,
    components: Registry,
) -> None:
    """Train and measure those that were asked for and are not through."""
    for number, row in enumerate(found.rows[: len(names)], 1):
        if row.done:
            watcher.note(f"{row.arch} is done: {news(row)}")
            continue
        watcher.note(f"{row.arch}, {number} of {len(names)}: {duration(60 * config.minutes)}")
        if not _train(config, row, found, watcher, stop, components):
            found.finished = False
            break
        if not row.failed:
            _measure(config, row, found, watcher.note, announce, components)
            row.done = True
        _write(config, found)
        watcher.note(f"{row.arch}: {news(row)}")


def _training(config: CompareConfig, arch: str) -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "images": config.images,
            "arch": arch,
            "minutes": config.minutes,
            "size": config.size,
            "seed": config.seed,
            "device": config.device,
            "components": config.components,
        }
    )


# The ledger -----------------------------------------------------------------------------------


def _settings(config: CompareConfig) -> dict[str, Any]:
    """Return what makes a comparison another one."""
    table = config.model_dump(mode="json", exclude={"out", "arch", "device"})
    table["images"] = str(Path(config.images).absolute())
    return table


def _open(config: CompareConfig, names: Sequence[str]) -> Comparison:
    """Return what a folder holds of this comparison already."""
    folder = Path(config.out)
    if folder.exists() and not folder.is_dir():
        raise PathError(f"{safe(folder)} is a file: give another --out")
    path = folder / LEDGER
    if not path.is_file():
        if (folder / "runs").exists():
            raise PathError(f"{safe(folder)} holds runs of something else: give another --out")
        return Comparison(folder, [Contestant(name) for name in names])
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        same = held["settings"] == _settings(config)
        rows = {row["arch"]: Contestant(**row) for row in held["rows"]}
        floors, count = dict(held["floors"]), int(held["count"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PathError(f"{safe(path)} is damaged: give another --out") from error
    if not same:
        raise PathError(
            f"{safe(folder)} holds a comparison with other settings: give another --out"
        )
    order = [rows.pop(name, Contestant(name)) for name in names]
    return Comparison(folder, [*order, *rows.values()], floors, count)


def _write(config: CompareConfig, found: Comparison) -> None:
    table = {"version": 1, "settings": _settings(config), **document(found)}
    write_text(found.folder / LEDGER, json.dumps(table, indent=1) + "\n")


def document(found: Comparison) -> dict[str, Any]:
    """Return a comparison as it is written: JSON-able."""
    return {
        "count": found.count,
        "floors": found.floors,
        "rows": [asdict(row) for row in found.rows],
    }


# One of them ----------------------------------------------------------------------------------


def _train(
    config: CompareConfig,
    row: Contestant,
    found: Comparison,
    watcher: Watcher,
    stop: Callable[[], bool],
    components: Registry,
) -> bool:
    """Train one, or go on with it; return whether it is through."""
    from artgan.models import run_config
    from artgan.pipelines.train import resume, start

    runs = found.folder / "runs"
    run = _begun(runs, row.arch)
    if run is not None and is_locked(run):
        raise RunError(f"run {safe(run.name)} is in use: let it end first")
    row.failed = ""
    result: TrainResult
    try:
        if run is None:
            _write(config, found)  # so that the folder is known before there are runs in it
            result = start(
                _training(config, row.arch), watcher, stop, out=runs, components=components
            )
        else:
            settings = run_config(run.config(), safe(run.name))
            result = resume(run, settings, watcher, stop, components=components)
    except (RunError, PluginError, ShapeError) as error:
        row.failed, row.done = str(error), isinstance(error, RunError)
        return True
    row.run, row.cur_nimg = result.run.name, result.cur_nimg
    row.seconds += result.seconds
    _write(config, found)
    return result.finished


def _begun(runs: Path, arch: str) -> RunFolder | None:
    """Return the run of an architecture that was begun here and has a checkpoint."""
    for run in all_runs(runs):
        with contextlib.suppress(RunError, CheckpointError):  # it ended before it held anything
            if run.config().get("train", {}).get("arch") == arch and run_progress(run) is not None:
                return run
    return None


def _measure(
    config: CompareConfig,
    row: Contestant,
    found: Comparison,
    note: Callable[[str], None],
    announce: Announce,
    components: Registry,
) -> None:
    from artgan.building import build_networks
    from artgan.models import run_config
    from artgan.monitor import score

    runs = found.folder / "runs"
    folder = runs / row.run
    wanted = EvaluateConfig(
        run=str(folder), runs=str(runs), count=COUNT, device=config.device,
        metrics=TrainConfig.model_fields["metrics"].default,
    )  # fmt: skip
    measured = evaluate_run(wanted, note, announce, components)
    found.count, row.best = measured.count, measured.cur_nimg
    row.figures = {name: figure.value for name, figure in measured.figures.items()}
    found.floors = {name: f.floor for name, f in measured.figures.items() if f.floor is not None}
    records = {name: components.find(Metric.kind, name).record for name in wanted.metrics or ()}
    values = dict(_with_floors(measured.figures))
    total = score(values, {n: r for n, r in records.items() if isinstance(r, Metric)})
    row.score = total if total is not None and math.isfinite(total) else None
    networks = build_networks(components, run_config(RunFolder(folder).config(), row.run))[1]
    row.parameters = {
        name: sum(parameter.numel() for parameter in module.parameters())
        for name, module in networks.named().items()
    }


def _with_floors(figures: Mapping[str, Figure]) -> Iterator[tuple[str, float]]:
    for name, figure in figures.items():
        yield name, figure.value
        if figure.floor is not None:
            yield f"{name}/floor", figure.floor

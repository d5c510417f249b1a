"""Train: a folder of pictures -> a run folder with checkpoints."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan import __version__
from artgan.api import (
    Architecture,
    Augmentation,
    Callback,
    ConfigError,
    Metric,
    Objective,
    Policy,
    Regularizer,
)
from artgan.callbacks import Listeners
from artgan.checkpoints import load_tensors
from artgan.choose import Choice, Facts, choose, pick_architecture
from artgan.config import TrainConfig, check_size
from artgan.data.intake import Intake, survey
from artgan.data.prepared import prepare
from artgan.loop import Loop
from artgan.pictures import PictureSpec
from artgan.pull import Pull, check_pull, keep_styles, kept_styles, pull_names
from artgan.registry import Registry, registry
from artgan.runs import RunFolder, create_run, locked, new_run_id
from artgan.screen import plural, safe
from artgan.steering import DOCTOR, named_policies
from artgan.suppliers import as_named_here, suppliers_of
from artgan.watching import TrainResult, Watcher

if TYPE_CHECKING:
    import torch

    from artgan.training import Trainer

__all__ = ["Forecast", "check_settings", "forecast", "resume", "run_tables", "settled", "start"]

BEFORE: dict[str, Any] = {
    "augmentations": (),
    "strength": 0.0,
    "policies": ("one-to-one",),
    "decay": 0.0,
}
"""What settings were before they existed: a run that does not name them goes on without them."""

NAMED = 50
"""Skipped files that are named on the screen; log.txt in the run folder names all."""


# What is settled before any work --------------------------------------------------------------


def check_settings(config: TrainConfig, components: Registry) -> tuple[Architecture, Objective]:
    """Check all that can be checked without pictures and torch; return what the settings name.

    An architecture that is open is taken for the one that goes with the size.

    Raises:
        ConfigError, ComponentError: a setting cannot be used.
    """
    arch = pick_architecture(config, [], gpu=False)[0]
    architecture = components.configure(Architecture.kind, arch, config.components)[0].record
    objective = components.configure(Objective.kind, config.objective, config.components)[0].record
    assert isinstance(architecture, Architecture)
    assert isinstance(objective, Objective)
    for kind, names in _lists(config).items():
        for name in names:
            components.configure(kind, name, config.components)
    named_policies(config, components)
    _check_strength(config, components)
    check_pull(config, components)
    for kind, tables in config.components.items():
        for name in tables:
            components.find(kind, name)  # a misspelt name would else be ignored
    if config.channels not in architecture.channels:
        legal = " or ".join(str(c) for c in architecture.channels)
        raise ConfigError(f"--channels {config.channels}: '{safe(arch)}' draws {legal}")
    if config.size is not None:
        check_size(config.size, architecture)
    if config.kimg is not None and config.minutes is not None:
        raise ConfigError("--kimg and --minutes were both given: give one of them")
    return architecture, objective


def _lists(config: TrainConfig) -> dict[str, tuple[str, ...]]:
    """Return the components that settings name in lists: kind -> names."""
    return {
        Regularizer.kind: config.regularizers or (),
        Augmentation.kind: config.augmentations or (),
        Policy.kind: config.policies or (),
        Metric.kind: config.metrics,
        Callback.kind: config.callbacks,
        **pull_names(config),
    }


def _check_strength(config: TrainConfig, components: Registry) -> None:
    """Refuse a strength, or what steers it, where nothing has one."""
    names = config.augmentations
    if names is None:
        return  # chosen later, to go with the rest
    records = [components.find(Augmentation.kind, name).record for name in names]
    if any(getattr(record, "adaptive", False) for record in records):
        return
    if config.strength:
        raise ConfigError(
            f"--strength {config.strength:g}: no augmentation is used that has a strength; "
            "add --augment diffaugment, or leave it out"
        )
    for name in config.policies or ():
        if getattr(components.find(Policy.kind, name).record, "role", "") == "strength":
            raise ConfigError(
                f"policy '{safe(name)}' steers the strength of augmentations, and none is used "
                "that has one: add --augment diffaugment, or leave the policy out"
            )


def _with_options(config: TrainConfig, components: Registry) -> TrainConfig:
    """Return settings that spell out every option of the components that they name.

    Metrics are left as they are: while training they are measured with options of their own.
    """
    assert config.arch is not None
    named = [(Architecture.kind, config.arch), (Objective.kind, config.objective)]
    lists = _lists(config)
    if config.doctor != "off":
        lists[Policy.kind] = (*lists[Policy.kind], DOCTOR)
    named += [(k, name) for k, names in lists.items() if k != Metric.kind for name in names]
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, name in named:
        entry, options = components.configure(kind, name, config.components)
        if options is not None:
            tables.setdefault(kind, {})[name] = options.model_dump(mode="json")
    if Metric.kind in config.components:
        tables[Metric.kind] = config.components[Metric.kind]
    return config.model_copy(update={"components": tables})


def settled(
    config: TrainConfig,
    components: Registry,
    sides: Sequence[tuple[int, int]],
    variety: float | None = None,
) -> tuple[Choice, torch.device]:
    """Return settings with nothing left open, and the device of the run.

    Args:
        config: what the user set.
        components: what there is.
        sides: (width, height) of each usable picture in pixels.
        variety: how different pictures are; None if unknown.

    Raises:
        ConfigError, ComponentError: a setting cannot be used.
    """
    from artgan.engine import has_quick_bfloat16, pick_device

    device = pick_device(config.device)
    gpu = device.type != "cpu"
    arch, why = pick_architecture(config, sides, gpu=gpu)
    config = config.model_copy(update={"arch": arch})
    record, objective = check_settings(config, components)
    regularizers = _regularizers(config, objective, components)
    facts = Facts(sides, gpu, has_quick_bfloat16(device), variety)
    choice = choose(config, record, objective, regularizers, facts)
    return (replace(choice, reasons=(why, *choice.reasons)) if why else choice), device


def _settle(
    config: TrainConfig, components: Registry, watcher: Watcher
) -> tuple[Choice, Intake, torch.device]:
    check_settings(config, components)
    intake = survey(Path(config.images), progress=_counting(watcher, "looking at files"))
    sides = [(found.width, found.height) for found in intake.pictures]
    variety = _variety(config, intake, components)
    choice, device = settled(config, components, sides, variety)
    if choice.config.losses:
        Pull(choice.config, components)  # what does not fit is said before any work
    return choice, intake, device


def _regularizers(
    config: TrainConfig, objective: Objective, components: Registry
) -> list[Regularizer]:
    """Return the records of a run's regularizers: those set, else those its objective asks for."""
    names = config.regularizers
    if names is None:
        names = objective.default_regularizers
    records = [components.find(Regularizer.kind, name).record for name in names]
    return [record for record in records if isinstance(record, Regularizer)]


def _variety(config: TrainConfig, intake: Intake, components: Registry) -> float | None:
    """Return how different the pictures are, None where nothing depends on it."""
    objective = components.find(Objective.kind, config.objective).record
    assert isinstance(objective, Objective)
    tables = config.components.get(Regularizer.kind, {})
    open_ = [
        record
        for record in _regularizers(config, objective, components)
        if record.strength and tables.get(record.name, {}).get(record.strength) is None
    ]
    if not open_:
        return None
    from artgan.data.variety import look

    found = look(intake, PictureSpec((16, 16), config.channels, config.fit, config.background))
    return None if found is None else found.distance


def _counting(watcher: Watcher, what: str) -> Callable[[int, int], None]:
    return lambda done, total: watcher.working(what, done, total)


def run_tables(config: TrainConfig, run_id: str = "") -> dict[str, Any]:
    """Return what config.toml holds: the run's identity, its settings, its components' options."""
    settings = config.model_dump(exclude={"components"})
    return {"run": {"id": run_id, "artgan": __version__}, "train": settings, **config.components}


# Starting and resuming ------------------------------------------------------------------------


def start(
    config: TrainConfig,
    watcher: Watcher,
    stop: Callable[[], bool],
    *,
    out: Path,
    init_from: str | None = None,
    components: Registry | None = None,
) -> TrainResult:
    """Train a new run and return how it ended.

    Args:
        config: settings; what is None is chosen.
        watcher: told what happens.
        stop: asked after every step whether to save and end.
        out: the folder that run folders are made in.
        init_from: a run whose weights to start from, as RUN on the command line.
        components: None for the process's registry.

    Raises:
        ConfigError, ComponentError, PathError: before any work, where a setting cannot be used.
        ImageError: no picture can be used.
        OutputError, RunError: the run could not go on; its last checkpoint is intact.
    """
    components = components or registry()
    choice, intake, device = _settle(config, components, watcher)
    resolved = _with_options(choice.config, components).model_copy(
        update={"images": str(Path(config.images).absolute())}
    )
    if not intake.pictures:
        prepare(intake, PictureSpec.of(resolved))  # says why there are none
    for reason in choice.reasons:
        watcher.note(reason)
    assert resolved.arch is not None
    run = create_run(out, f"{resolved.arch.rpartition(':')[2]}-{Path(resolved.images).name}")
    began = False
    try:
        with locked(run, watcher.warn):
            run.write_config(run_tables(resolved, new_run_id()))
            working = keep_styles(resolved, run.path)
            loop = _ready(working, run, intake, device, watcher, stop, components)
            if init_from is not None:
                _start_from(loop.trainer, init_from, out, watcher)
                loop.save()  # the weights it starts from are part of the run
            began = True
            return loop.run(intake)
    except BaseException:
        if not began:  # nothing was trained: leave nothing behind
            shutil.rmtree(run.path, ignore_errors=True)
        raise


def resume(
    run: RunFolder,
    config: TrainConfig,
    watcher: Watcher,
    stop: Callable[[], bool],
    *,
    new_length: bool = False,
    components: Registry | None = None,
) -> TrainResult:
    """Go on with a run from its newest sound checkpoint and return how it ended.

    Args:
        run: its folder.
        config: its settings, resolved; length, keep and the like may differ from before.
        watcher, stop, components: see `start`.
        new_length: whether `config` says anew how long the run is; --minutes count from now then.

    Raises:
        CheckpointError: a component that it was made with is not here.
    """
    components = components or registry()
    absent = {name: value for name, value in BEFORE.items() if getattr(config, name) is None}
    if absent and config.precision == "auto":
        absent["precision"] = "float32"
    config = config.model_copy(update=absent)
    with locked(run, watcher.warn):
        config, changed = as_named_here(
            config, suppliers_of(run), components, f"run {safe(run.name)}"
        )
        for line in changed:
            watcher.warn(line)
        styles, config = config.styles, kept_styles(config, run.path)
        _, intake, device = _settle(config, components, watcher)
        config = config.model_copy(update={"images": str(Path(config.images).absolute())})
        run_id = str(run.config().get("run", {}).get("id", "")) or new_run_id()
        loop = _ready(config, run, intake, device, watcher, stop, components)
        loop.restore()
        if new_length:
            loop.trainer.total_nimg = None
        named = config.model_copy(update={"styles": styles})
        run.write_config(run_tables(named, run_id))
        return loop.run(intake)


def _ready(
    config: TrainConfig,
    run: RunFolder,
    intake: Intake,
    device: torch.device,
    watcher: Watcher,
    stop: Callable[[], bool],
    components: Registry,
) -> Loop:
    from artgan.monitor import Monitor
    from artgan.training import Trainer

    pictures = prepare(
        intake, PictureSpec.of(config), progress=_counting(watcher, "preparing pictures")
    )
    _report_intake(intake, pictures, run, watcher)
    monitor = Monitor(config, components, pictures)

    def trainer() -> Trainer:
        return Trainer(config, components, device)

    listeners = Listeners.of(config, components, watcher.warn)
    return Loop(trainer(), run, pictures, watcher, stop, monitor, trainer, listeners)


def _report_intake(intake: Intake, pictures: Any, run: RunFolder, watcher: Watcher) -> None:
    skipped = [*intake.skipped, *pictures.skipped]
    line = f"{plural(len(pictures), 'picture')} to learn from"
    if pictures.duplicates:
        line += f", {plural(pictures.duplicates, 'exact duplicate')} left out"
    if skipped:
        line += f", {len(skipped):,} skipped, listed in log.txt"
    watcher.note(line)
    for note in intake.notes:
        watcher.note(note)
    for path, reason in skipped:
        run.log(f"skipped {safe(path)}: {reason}")
    for path, reason in skipped[:NAMED]:
        watcher.warn(f"skipped {safe(path)}: {reason}")
    if len(skipped) > NAMED:
        watcher.warn(f"skipped {len(skipped) - NAMED:,} more: see log.txt in the run folder")


def _start_from(trainer: Trainer, ref: str, runs: Path, watcher: Watcher) -> None:
    from artgan.checkpoints import read_sound
    from artgan.models import find_weights

    weights = find_weights(ref, runs)
    tensors = {"ema": load_tensors(weights.ema, weights.label)}
    if (
        weights.generation is not None
        and (weights.generation.path / "networks.safetensors").is_file()
    ):
        data = read_sound(weights.generation, "networks.safetensors")
        tensors["networks"] = load_tensors(data, weights.label)
    found = trainer.start_from(tensors)
    watcher.note(f"starts from {weights.label} ({' and '.join(found)})")


# Dry runs -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Forecast:
    """What a run would be.

    Attributes:
        config: its settings, resolved.
        reasons: why those that were chosen.
        pictures: how many look usable.
        parameters: network -> number of parameters.
        rate: pictures a second, measured on a few steps with made-up pictures.
        seconds: how long it would take.
        peak_bytes: the most memory those steps used, with everything loaded; None if unknown.
        device: in words.
    """

    config: TrainConfig
    reasons: tuple[str, ...]
    pictures: int
    parameters: Mapping[str, int]
    rate: float
    seconds: float
    peak_bytes: int | None
    device: str


def forecast(
    config: TrainConfig, watcher: Watcher, *, components: Registry | None = None, steps: int = 6
) -> Forecast:
    """Return what a run with these settings would be, after a few steps that are thrown away."""
    from artgan.engine import describe_device, peak_bytes
    from artgan.speed import measure_speed
    from artgan.training import Trainer

    components = components or registry()
    choice, intake, device = _settle(config, components, watcher)
    resolved = _with_options(choice.config, components)
    if not intake.pictures:
        prepare(intake, PictureSpec.of(resolved))  # says why there are none
    trainer = Trainer(resolved, components, device)
    if resolved.kimg is not None:
        trainer.ends_at(round(resolved.kimg * 1000))
    rate = measure_speed(trainer, steps)
    seconds = resolved.minutes * 60 if resolved.minutes else (resolved.kimg or 0) * 1000 / rate
    return Forecast(
        resolved,
        choice.reasons,
        len(intake.pictures),
        {
            name: sum(p.numel() for p in module.parameters())
            for name, module in trainer.networks.named().items()
        },
        rate,
        seconds,
        peak_bytes(device),
        describe_device(device),
    )

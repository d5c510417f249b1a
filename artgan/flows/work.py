"""The work of steps that train or draw, and what is noted of all that are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import Callback
from artgan.files import sweep
from artgan.flows.facts import run_of
from artgan.flows.ledger import Entry, Ledger, key_of
from artgan.flows.steps import FREE, Step
from artgan.runs import RunFolder, all_runs
from artgan.screen import safe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.models import Model
    from artgan.registry import Registry
    from artgan.watching import Status, TrainResult, Watcher

__all__ = ["Bench", "Tell", "Told", "draw", "opened", "train", "with_run"]

Tell = Callable[[str], None]
"""Called with a line that is worth reading."""

Told = Callable[[int, int | None], None]
"""Called with how many are done, and of how many where that is known."""


@dataclass(frozen=True)
class Bench:
    """What steps are made with.

    Attributes:
        ledger: what was made before.
        components: where components are found.
        tell: is told what is worth reading.
    """

    ledger: Ledger
    components: Registry
    tell: Tell

    def begun(self, step: Step, facts: Mapping[str, Any], files: list[Path]) -> None:
        """Note that a step is begun, and which files are its own from now on.

        What a process that was killed left half written beside them is removed.
        """
        own_folder = self.ledger.folder.resolve()  # whose lock is held
        for place in {place for path in files for place in (path, path.parent)}:
            if place.is_dir() and place.resolve().is_relative_to(own_folder):
                sweep(place)
        before = self.ledger.entry(step.name)
        own = {self.ledger.relative(path): "" for path in files}
        outputs = {**({} if before is None else before.outputs), **own}
        earlier = self.ledger.earlier(step.name, outputs)
        entry = Entry(
            key=key_of(facts), facts=dict(facts), done=False, outputs=outputs, earlier=earlier
        )
        self.ledger.put(step.name, entry)

    def made(self, step: Step, facts: Mapping[str, Any], files: list[Path]) -> None:
        """Note that a step is made."""
        outputs = self.ledger.digests(files)
        earlier = self.ledger.earlier(step.name, outputs)
        entry = Entry(
            key=key_of(facts), facts=dict(facts), done=True, outputs=outputs, earlier=earlier
        )
        self.ledger.put(step.name, entry)


# Training ---------------------------------------------------------------------------------------


def train(
    bench: Bench,
    step: Step,
    facts: Mapping[str, Any],
    watcher: Watcher,
    stop: Callable[[], bool],
    *,
    anew: bool,
) -> TrainResult:
    """Train a run, or go on with the one that was begun, and return how it ended.

    Args:
        bench: what it is made with.
        step: which.
        facts: what it depends on.
        watcher: told what happens.
        stop: asked after every step whether to save and end.
        anew: whether a new run is begun.

    Raises:
        ArtganError: see `artgan.pipelines.train.start`.
    """
    from artgan.models import run_config
    from artgan.pipelines.train import resume, start

    ledger, config, root = bench.ledger, step.config, Path(step.outs[0])

    def note(run: RunFolder | None, done: bool = False) -> None:
        where = None if run is None else ledger.relative(run.path)
        key = key_of(facts)
        ledger.put(step.name, Entry(key=key, facts=dict(facts), done=done, run=where))

    entry = ledger.entry(step.name)
    if not anew and entry is not None and entry.run is not None:
        run = RunFolder(ledger.place(entry.run))
        before = run_config(run.config(), safe(run.name))
        free = {name: getattr(config, name) for name in ("device", *FREE)}
        free["components"] = _with_tables(before.components, config.components, Callback.kind)
        same = before.model_copy(update={**free, "images": config.images})
        result = resume(run, same, watcher, stop, components=bench.components)
    else:
        newest = max((run.number or 0 for run in all_runs(root)), default=0)
        note(None)
        noting = _Noting(watcher, lambda: note(_begun_after(root, newest)))
        result = start(config, noting, stop, out=root, components=bench.components)
    note(result.run, done=result.finished)
    return result


def _with_tables(before: Mapping[str, Any], now: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return options of components as they were, those of a kind as they are now."""
    others = {name: tables for name, tables in before.items() if name != kind}
    return {**others, **({kind: now[kind]} if kind in now else {})}


def _begun_after(root: Path, number: int) -> RunFolder | None:
    return next((run for run in all_runs(root) if (run.number or 0) > number), None)


class _Noting:
    """A watcher that says once that training has begun, and else tells another what it is told."""

    def __init__(self, watcher: Watcher, begun: Callable[[], None]) -> None:
        self._watcher, self._begun = watcher, begun
        self._has_begun = False

    @property
    def preview_count(self) -> int:
        return self._watcher.preview_count

    def note(self, line: str) -> None:
        self._watcher.note(line)

    def warn(self, line: str) -> None:
        self._watcher.warn(line)

    def working(self, what: str, done: int, total: int) -> None:
        self._watcher.working(what, done, total)

    def step(self, status: Status) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._begun()
        self._watcher.step(status)

    def preview(self, pictures: Tensor) -> None:
        self._watcher.preview(pictures)


# Samples ----------------------------------------------------------------------------------------


def draw(bench: Bench, step: Step, facts: Mapping[str, Any], told: Told) -> list[Path]:
    """Draw samples and return their files.

    Raises:
        ArtganError: see `artgan.pipelines.sample.sample`.
    """
    from artgan.pipelines.sample import sample, sample_paths

    config = with_run(step, bench.ledger).model_copy(update={"overwrite": True})
    model = opened(bench, config)
    bench.begun(step, facts, sample_paths(config))
    files = sample(config, model, told)
    bench.made(step, facts, files)
    return files


def with_run(step: Step, ledger: Ledger) -> Any:
    """Return a step's settings with the run that it draws from."""
    run = None if step.source is None else run_of(step.source, ledger)
    if run is None:
        return step.config
    return step.config.model_copy(update={"run": str(run), "runs": str(run.parent)})


def opened(bench: Bench, config: Any) -> Model:
    """Return what draws, and tell which it is.

    Raises:
        ArtganError: see `artgan.models.open_model`.
    """
    from artgan.models import open_model
    from artgan.rendering import describe_truncation

    model = open_model(
        config.run, runs=Path(config.runs), device=config.device, components=bench.components
    )
    bench.tell(f"drawing from {model.label}")
    note = describe_truncation(model, config.psi)
    if note is not None:
        bench.tell(note)
    return model

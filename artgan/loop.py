"""The training loop: ticks, grids, checkpoints and the clock around `artgan.training`'s step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from artgan.api import CheckpointError, ImageError, OutputError, RunError
from artgan.checkpoints import load_tensors, newest_sound, prune, save_generation
from artgan.runs import RunFolder, free_bytes
from artgan.screen import safe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.data.intake import Intake
    from artgan.training import Trainer

__all__ = ["GRID", "GRID_SIDE", "Loop", "Status", "Tally", "TrainResult", "Watcher"]

GRID = 64
"""The most pictures in `reals.png` and `fakes*.png`; fewer where they are large."""

GRID_SIDE = 1024
"""About how wide those are, in pixels, where the pictures are large."""

WARM_UP_STEPS = 4
CALIBRATE_STEPS = 32
CALIBRATE_SECONDS = 10.0
"""--minutes becomes a number of pictures once so many steps were taken in so many seconds, not
counting the first few; sooner where that would take a tenth of the minutes."""

PREVIEW_SECONDS = 10.0
SAVE_TRIES = 3


class Watcher(Protocol):
    """What training tells, and to whom: a live display, a log, a test."""

    def note(self, line: str) -> None:
        """Take a line worth reading."""

    def warn(self, line: str) -> None:
        """Take a line about something that went wrong and was survived."""

    def working(self, what: str, done: int, total: int) -> None:
        """Take the progress of something that precedes training."""

    def step(self, status: Status) -> None:
        """Take the state after a step."""

    def preview(self, pictures: Tensor) -> None:
        """Take pictures of the averaged generator, unit range, (N, C, H, W)."""

    @property
    def preview_count(self) -> int:
        """Return how many pictures a preview wants, 0 for none."""
        ...


@dataclass(frozen=True)
class Status:
    """The state after a step.

    Attributes:
        cur_nimg: pictures shown so far.
        total_nimg: where it ends; None until it is known.
        rate: pictures a second, lately.
        values: running means of what is logged.
        seconds: since this process began training.
        last_save: cur_nimg of the last checkpoint.
    """

    cur_nimg: int
    total_nimg: int | None
    rate: float
    values: Mapping[str, float]
    seconds: float
    last_save: int

    @property
    def seconds_left(self) -> float | None:
        """Return how long it will take yet, None while that cannot be said."""
        if self.total_nimg is None or self.rate <= 0:
            return None
        return (self.total_nimg - self.cur_nimg) / self.rate


@dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        run: its folder.
        cur_nimg: pictures shown.
        finished: whether it reached its length.
        seconds: trained by this process.
        skipped: pictures that could not be used.
    """

    run: RunFolder
    cur_nimg: int
    finished: bool
    seconds: float
    skipped: int


@dataclass
class Tally:
    """Running sums of what is logged, since the last tick; part of the state."""

    sums: dict[str, list[float]] = field(default_factory=dict)

    def add(self, values: Mapping[str, float]) -> None:
        """Count one step's values."""
        for name, value in values.items():
            entry = self.sums.setdefault(name, [0.0, 0.0])
            entry[0] += value
            entry[1] += 1

    def means(self) -> dict[str, float]:
        """Return the mean of each value."""
        return {name: total / count for name, (total, count) in self.sums.items()}


class Loop:
    """A run while it trains: the loop, its ticks and its checkpoints."""

    def __init__(
        self,
        trainer: Trainer,
        run: RunFolder,
        pictures: Any,
        watcher: Watcher,
        stop: Callable[[], bool],
    ) -> None:
        self.trainer = trainer
        self.config = trainer.config
        self.folder = run
        self.pictures = pictures
        self.watcher = watcher
        self.stop = stop
        self.tally = Tally()
        self.last_save = -1
        self.save_failures = 0

    def run(self, intake: Intake) -> TrainResult:
        """Train until the run's length is reached or it is told to stop.

        Raises:
            RunError: training diverged; says where the last good checkpoint is.
            OutputError: checkpoints could not be written.
            ImageError: most of the pictures are gone.
        """
        try:
            return self._run(len(intake.skipped) + len(self.pictures.skipped))
        except RunError as error:
            saved = f"at {self.last_save:,} pictures" if self.last_save >= 0 else "none"
            line = f"{error}; last good checkpoint: {saved}"
            self._try(lambda: self.folder.log(line))
            raise RunError(line) from error
        finally:
            self.pictures.close()

    def _run(self, skipped: int) -> TrainResult:
        import torch

        from artgan.data.sampling import indices

        trainer, config, batch = self.trainer, self.config, self.config.batch or 0
        self._settle_length()
        self._check_room()
        self._draw_reals()
        if trainer.cur_nimg == 0:
            self._draw_fakes()
        began = saved = recent = time.monotonic()
        previewed = began - PREVIEW_SECONDS
        began_nimg = recent_nimg = trainer.cur_nimg
        warm: tuple[int, float] | None = None
        rate, stopped = 0.0, False

        with torch.random.fork_rng(devices=[]):
            while trainer.total_nimg is None or trainer.cur_nimg < trainer.total_nimg:
                if self.stop():
                    stopped = True
                    break
                before = trainer.cur_nimg
                shown = indices(config.seed, before, batch, len(self.pictures))
                try:
                    reals = self.pictures.batch(shown)
                except ImageError:  # most of the pictures are gone: keep what was learned
                    self._save(final=True)
                    raise
                self.pictures.prefetch(
                    indices(config.seed, before + batch, batch, len(self.pictures))
                )
                self.tally.add(trainer.step(reals))

                # clock
                now = time.monotonic()
                if now - recent > 2.0 or rate == 0:
                    rate = (trainer.cur_nimg - recent_nimg) / max(now - recent, 1e-9)
                    recent, recent_nimg = now, trainer.cur_nimg
                if trainer.total_nimg is None:
                    if warm is None and trainer.cur_nimg >= began_nimg + WARM_UP_STEPS * batch:
                        warm = (trainer.cur_nimg, now)
                    elif warm is not None:
                        self._calibrate(began_nimg, began, warm, now)
                status = Status(
                    trainer.cur_nimg,
                    trainer.total_nimg,
                    rate,
                    self.tally.means(),
                    now - began,
                    max(self.last_save, 0),
                )
                self.watcher.step(status)

                # ticks, in pictures
                if self._passed(before, config.tick_kimg * 1000):
                    self._tick(rate, now - began)
                if self._doubled(before):
                    self._draw_fakes()
                    self._snapshot()

                # by the clock: nothing of it is part of the state
                if self.watcher.preview_count and now - previewed > PREVIEW_SECONDS:
                    self.watcher.preview(trainer.sample(self.watcher.preview_count))
                    previewed = time.monotonic()
                if now - saved > config.save_minutes * 60:
                    self._save(final=False)
                    saved = time.monotonic()
        self._draw_fakes()
        self._save(final=True)
        seconds = time.monotonic() - began
        last = (
            f"{'stopped' if stopped else 'finished'} at {trainer.cur_nimg:,} pictures, "
            f"{(trainer.cur_nimg - began_nimg) / max(seconds, 1e-9):.1f} a second"
        )
        self._try(lambda: self.folder.log(last))
        return TrainResult(self.folder, trainer.cur_nimg, not stopped, seconds, skipped)

    def _passed(self, before: int, every: int) -> bool:
        return self.trainer.cur_nimg // every != before // every

    def _doubled(self, before: int) -> bool:
        """Return whether 1, 2, 4, 8 ... kimg, or another 20th of the run, was just reached."""
        now = self.trainer.cur_nimg
        total = self.trainer.total_nimg
        if (now // 1000).bit_length() != (before // 1000).bit_length():
            return True
        return total is not None and now >= 1000 and self._passed(before, max(1000, total // 20))

    def _settle_length(self) -> None:
        """Take the length from --kimg; from --minutes it comes with the first steps."""
        if self.config.kimg is not None:
            self.trainer.total_nimg = round(self.config.kimg * 1000)

    def _calibrate(
        self, began_nimg: int, began: float, warm: tuple[int, float], now: float
    ) -> None:
        """Turn --minutes into a number of pictures, once, from the speed of the first steps."""
        assert self.config.minutes is not None
        budget = self.config.minutes * 60
        shown, passed = self.trainer.cur_nimg - warm[0], now - warm[1]
        enough = shown >= CALIBRATE_STEPS * (self.config.batch or 1) and passed > CALIBRATE_SECONDS
        if not enough and now - began < budget / 10:
            return
        rate = shown / max(passed, 1e-9)
        left = max(0.0, budget - (now - began))
        self.trainer.total_nimg = self.trainer.cur_nimg + round(rate * left)
        self.watcher.note(
            f"{self.config.minutes:g} minutes at {rate:.0f} pictures a second: "
            f"{(self.trainer.total_nimg - began_nimg) / 1000:.1f} kimg"
        )
        self.save()  # the length is part of the run from here on

    # Written while it trains

    def _tick(self, rate: float, seconds: float) -> None:
        row = {"cur_nimg": self.trainer.cur_nimg, **self.tally.means()}
        clock = {"images_per_second": round(rate, 2), "seconds": round(seconds, 2)}
        self.tally = Tally()
        self._try(lambda: self.folder.add_stats({**row, **clock}))

    def _try(self, write: Callable[[], object]) -> None:
        """Write something that training can do without."""
        try:
            write()
        except (OutputError, OSError) as error:
            self.watcher.warn(str(error))

    def _grid_count(self) -> int:
        return min(GRID, max(9, (GRID_SIDE // max(self.config.side)) ** 2))

    def _draw_reals(self) -> None:
        from artgan.images import from_bytes, grid, save_png

        path = self.folder.path / "reals.png"
        if not path.exists():
            count = min(self._grid_count(), len(self.pictures))
            picks = [i * len(self.pictures) // count for i in range(count)]
            sheet = grid(from_bytes(self.pictures.batch(picks)))
            self._try(lambda: save_png(path, sheet))

    def _draw_fakes(self) -> None:
        from artgan.images import grid, save_png

        path = self.folder.path / f"fakes{self.trainer.cur_nimg // 1000:06d}.png"
        self._try(lambda: save_png(path, grid(self.trainer.sample(self._grid_count()))))

    def _snapshot(self) -> None:
        """Keep the averaged generator, for films of how it grew."""
        if (self.trainer.cur_nimg // 1000).bit_count() != 1:
            return
        ema = {"ema": self.trainer.tensors()["ema"]}
        self._try(lambda: self._write(self.folder.snapshots, ema))

    def _write(self, folder: Path, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        trainer = self.trainer
        state = {
            **trainer.counters(),
            "minutes": self.config.minutes,
            "tally": self.tally.sums,
            "pictures": {"count": len(self.pictures), "fingerprint": self.pictures.fingerprint},
            "plugins": trainer.suppliers,
        }
        save_generation(folder, trainer.cur_nimg, trainer.attempt, tensors, state)

    def save(self) -> None:
        """Save what there is, whatever was saved before."""
        self.last_save = -1
        self._save(final=True)

    def _save(self, *, final: bool) -> None:
        if self.trainer.cur_nimg == self.last_save:
            return
        try:
            self._write(self.folder.checkpoints, self.trainer.tensors())
        except (OutputError, OSError) as error:
            self.save_failures += 1
            if final or self.save_failures >= SAVE_TRIES:
                raise
            self.watcher.warn(f"{error}; training goes on, and saving is tried again later")
            return
        self.save_failures = 0
        self.last_save = self.trainer.cur_nimg
        prune(self.folder.checkpoints, self.config.keep)
        self._try(lambda: self.folder.log(f"saved at {self.trainer.cur_nimg:,} pictures"))

    def _check_room(self) -> None:
        groups = self.trainer.tensors().values()
        weights = sum(t.numel() * t.element_size() for group in groups for t in group.values())
        needed = weights * 2 * (self.config.keep + 1)  # the optimizers' memory comes on top
        free = free_bytes(self.folder.path)
        if free is not None and free < needed:
            self.watcher.warn(
                f"only {free / 1e6:,.0f} MB are free for checkpoints, which take about "
                f"{needed / 1e6:,.0f} MB: free some space, or use a lower --keep"
            )

    # Going on

    def restore(self) -> None:
        """Take over the newest sound checkpoint; with none, begin again."""
        names = ("ema", "networks", "optimizers")
        files = (*(f"{name}.safetensors" for name in names), "state.json")
        warn = self.watcher.warn
        try:
            generation, data = newest_sound(self.folder.checkpoints, files, warn)
        except CheckpointError:
            if any(self.folder.checkpoints.glob("*")):
                raise
            warn(f"run {safe(self.folder.name)} has no checkpoint yet: it begins again")
            self.folder.cut_stats(0)
            return
        state = json.loads(data["state.json"])
        tensors = {
            n: load_tensors(data[f"{n}.safetensors"], f"checkpoint {generation.name}, {n}")
            for n in names
        }
        self.trainer.restore(tensors, state)
        self.tally = Tally({name: list(pair) for name, pair in state.get("tally", {}).items()})
        if state.get("minutes") != self.config.minutes:
            self.trainer.total_nimg = None  # how long it is was said anew
        self.last_save = self.trainer.cur_nimg
        self.folder.cut_stats(self.trainer.cur_nimg)
        before = state.get("pictures", {})
        now = {"count": len(self.pictures), "fingerprint": self.pictures.fingerprint}
        if before != now:
            warn(
                f"the pictures are not those of before ({before.get('count')} then, "
                f"{len(self.pictures)} now): it goes on with what is there"
            )
        self.watcher.note(f"goes on from checkpoint {generation.name}")

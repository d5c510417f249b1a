"""The training loop around `artgan.training`: the clock, ticks, measurements, checkpoints.

It counts pictures; the wall clock decides only when to save and what to show, never what is
learned, so that a resumed run is the run that was not interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from artgan.api import CheckpointError, ImageError, OutputError, RunError, RunFacts
from artgan.callbacks import Listeners
from artgan.control import Action, is_better
from artgan.grids import draw_fakes, draw_reals, grid_count
from artgan.keeping import Keeper
from artgan.lengths import MOMENTS, SPACING, Length
from artgan.monitor import Monitor
from artgan.runs import RunFolder
from artgan.watching import Status, Tally, TrainResult, Watcher

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.data.intake import Intake
    from artgan.training import Trainer

__all__ = ["Loop"]

PREVIEW_SECONDS = 10.0

MEASURED_FROM = 2000
"""Pictures before which there is nothing to measure."""


class Loop:
    """A run while it trains: the loop, its ticks and its checkpoints.

    Args:
        trainer: the run's state.
        run: its folder.
        pictures: the prepared set.
        watcher: told what happens.
        stop: asked after every step whether to save and end.
        monitor: what it is measured by.
        spare: makes another trainer like it, to measure speeds with.
        listeners: the run's callbacks.
    """

    def __init__(
        self,
        trainer: Trainer,
        run: RunFolder,
        pictures: Any,
        watcher: Watcher,
        stop: Callable[[], bool],
        monitor: Monitor,
        spare: Callable[[], Trainer] | None = None,
        listeners: Listeners | None = None,
    ) -> None:
        self.trainer = trainer
        self.config = trainer.config
        self.folder = run
        self.pictures = pictures
        self.watcher = watcher
        self.stop = stop
        self.monitor = monitor
        self.listeners = listeners or Listeners([], watcher.warn)
        self.listeners.warn = self._told_of
        self._state = ""
        self.length = Length(trainer, monitor, watcher, spare)
        self.keeper = Keeper(trainer, run, watcher)
        self.tally = Tally()
        self.best: dict[str, Any] | None = None
        self.aside = 0.0  # seconds beside the steps

    def run(self, intake: Intake) -> TrainResult:
        """Train until the run's length is reached, it is told to stop, or the doctor ends it.

        Raises:
            RunError: training diverged; says where the last good checkpoint is.
            OutputError: checkpoints could not be written.
            ImageError: most of the pictures are gone.
        """
        try:
            return self._run(len(intake.skipped) + len(self.pictures.skipped))
        except RunError as error:
            last = self.keeper.last_save
            saved = f"at {last:,} pictures" if last >= 0 else "none"
            line = f"{error}; last good checkpoint: {saved}"
            self._try(lambda: self.folder.log(line))
            self.listeners.tell("on_end", self.trainer.cur_nimg, f"failed: {error}")
            raise RunError(line) from error
        finally:
            self.pictures.close()

    def _run(self, skipped: int) -> TrainResult:
        import torch

        from artgan.data.sampling import indices, order_seed

        trainer, config = self.trainer, self.config
        if self.length.settle():
            self.save()
        self.keeper.check_room(config.keep)
        self.listeners.tell("on_start", self._run_facts())
        self._try(lambda: draw_reals(self.folder, self.pictures, config.side))
        if trainer.cur_nimg == 0:
            self._draw_fakes(trainer.sample(self._grid_count()))
            if config.doctor == "act" and self.keeper.last_save < 0:
                self._keep(
                    {}, varied=False, good=True
                )  # where a run that breaks at once is taken back to
        began = saved = recent = time.monotonic()
        previewed = began - PREVIEW_SECONDS
        rate, stopped, reason, shown_nimg, recent_nimg = 0.0, False, "", 0, 0

        with torch.random.fork_rng(devices=[]):
            while trainer.total_nimg is None or trainer.cur_nimg < trainer.total_nimg:
                if self.stop():
                    stopped = True
                    break
                before, batch = trainer.cur_nimg, trainer.batch_at(trainer.cur_nimg)
                seed = order_seed(config.seed, trainer.attempt)
                shown = indices(seed, before, batch, len(self.pictures))
                try:
                    reals = self.pictures.batch(shown)
                except ImageError:  # most of the pictures are gone: keep what was learned
                    self._save(final=True)
                    raise
                after = before + batch
                ahead = indices(seed, after, trainer.batch_at(after), len(self.pictures))
                self.pictures.prefetch(ahead)
                self.tally.add(trainer.step(reals))
                shown_nimg += batch

                # clock
                now = time.monotonic()
                if now - recent > 2.0 or rate == 0:
                    rate = (shown_nimg - recent_nimg) / max(now - recent, 1e-9)
                    recent, recent_nimg = now, shown_nimg
                if trainer.total_nimg is None and self.length.look(began, shown_nimg, self.aside):
                    self.save()
                self.watcher.step(self._status(rate, now - began))

                # ticks, in pictures; whatever policies ask for is done at once
                reason = self._obey()
                if trainer.cur_nimg > before:
                    reason = reason or self._at(before, rate, now - began)
                if reason:
                    break

                # by the clock: nothing of it is part of the state
                if self.watcher.preview_count and now - previewed > PREVIEW_SECONDS:
                    self.watcher.preview(trainer.sample(self.watcher.preview_count))
                    previewed = time.monotonic()
                if now - saved > config.save_minutes * 60:
                    self._save(final=False)
                    saved = time.monotonic()
        self._draw_fakes(trainer.sample(self._grid_count()))
        if not (reason and trainer.steering.action.failed):  # what broke is not worth keeping
            self._save(final=True)
        return self._ended(stopped, reason, skipped, time.monotonic() - began, shown_nimg)

    def _status(self, rate: float, seconds: float) -> Status:
        return Status(
            self.trainer.cur_nimg,
            self.trainer.total_nimg,
            rate,
            self.tally.means(),
            seconds,
            max(self.keeper.last_save, 0),
            self.trainer.steering.sentence,
        )

    def _ended(
        self, stopped: bool, reason: str, skipped: int, seconds: float, shown: int
    ) -> TrainResult:
        """Log how training ended and return it.

        Raises:
            RunError: the doctor ended it because it went wrong, and nothing good was kept.
        """
        trainer = self.trainer
        if reason and trainer.steering.action.failed and self.best is None:
            raise RunError(reason)
        how = "stopped" if stopped else "ended" if reason else "finished"
        last = f"{how} at {trainer.cur_nimg:,} pictures, {shown / max(seconds, 1e-9):.1f} a second"
        self._try(lambda: self.folder.log(last))
        told = f"ended: {reason}" if reason and not stopped else how
        self.listeners.tell("on_end", trainer.cur_nimg, told)
        return TrainResult(
            self.folder,
            trainer.cur_nimg,
            not stopped,
            seconds,
            skipped,
            reason,
            None if self.best is None else int(self.best["cur_nimg"]),
        )

    def _passed(self, before: int, every: int) -> bool:
        return self.trainer.cur_nimg // every != before // every

    def _doubled(self, before: int) -> bool:
        """Return whether 1, 2, 4, 8 ... kimg, or another 20th of the run, was just reached."""
        now = self.trainer.cur_nimg
        total = self.trainer.total_nimg
        if (now // 1000).bit_length() != (before // 1000).bit_length():
            return True
        return total is not None and now >= 1000 and self._passed(before, max(1000, total // 20))

    # What is due after a step

    def _at(self, before: int, rate: float, seconds: float) -> str:
        """Do what is due after a step and return why training should end, "" to go on."""
        trainer = self.trainer
        grid = self._doubled(before)
        ends = trainer.total_nimg is not None and trainer.cur_nimg >= trainer.total_nimg
        total = trainer.total_nimg or 0
        measures = self._passed(before, max(SPACING, total // MOMENTS)) or ends
        measures = measures and trainer.cur_nimg >= MEASURED_FROM and self.monitor.count > 0
        began = time.monotonic()
        figures: dict[str, float] = {}
        if grid or measures:
            fakes = trainer.sample(max(self._grid_count(), self.monitor.count if measures else 0))
            if measures:
                figures = self.monitor.measure(fakes[: self.monitor.count])
            if grid:
                self._draw_fakes(fakes[: self._grid_count()])
                self._snapshot(before)
        if not figures and not self._passed(before, self.config.tick_kimg * 1000):
            self.aside += time.monotonic() - began
            return ""
        self._tick(figures, rate, seconds)
        action = trainer.steering.action
        reason = self._obey()
        if action.rollback is None and not action.failed and (figures or not self.monitor.count):
            self._keep(figures, varied=action.varied, good=not action.events)
        self.aside += time.monotonic() - began
        return reason

    def _tick(self, figures: Mapping[str, float], rate: float, seconds: float) -> None:
        """Write a row of statistics, and show it to the policies."""
        trainer = self.trainer
        values = {**self.tally.means(), **figures}
        row: dict[str, Any] = {"cur_nimg": trainer.cur_nimg, **values}
        if trainer.attempt:
            row["attempt"] = trainer.attempt
        self.tally = Tally()
        self.keeper.stale = True  # a checkpoint of this very moment would lack the tick
        trainer.steering.at_tick(
            values,
            cur_nimg=trainer.cur_nimg,
            total_nimg=trainer.total_nimg,
            batch=self.config.batch or 0,
            pictures=len(self.pictures),
            measured=bool(figures),
            attempt=trainer.attempt,
        )
        if trainer.steering.action.state:
            row["state"] = trainer.steering.action.state
        self.listeners.tell("on_tick", trainer.cur_nimg, values)
        if trainer.steering.sentence != self._state:
            self._state = trainer.steering.sentence
            self.listeners.tell("on_state", trainer.cur_nimg, self._state)
        clock = {"images_per_second": round(rate, 2), "seconds": round(seconds, 2)}
        self._try(lambda: self.folder.add_stats({**row, **clock}))

    def _obey(self) -> str:
        """Tell, record and do what the policies asked for; return why training should end."""
        action = self.trainer.steering.action
        for note in action.notes:
            self.watcher.note(note)
            self._try(partial(self.folder.log, note))
        for event in action.events:
            row = {"cur_nimg": self.trainer.cur_nimg, "attempt": self.trainer.attempt, **event}
            self._try(partial(self.folder.add_stats, row))
        if action.rollback is not None:
            self._take_back(action)
            return ""
        return action.stop

    def _take_back(self, action: Action) -> None:
        assert action.rollback is not None
        try:
            self.keeper.take_back(action.rollback, fresh=action.fresh)
        except CheckpointError as error:
            raise RunError(f"{action.state or 'it went wrong'}, and {error}") from error
        self.tally = Tally()
        self.save()

    def _keep(self, figures: Mapping[str, float], *, varied: bool, good: bool) -> None:
        """Save a checkpoint at a moment that pictures fix, and mark what it is.

        Args:
            figures: what was measured.
            varied: whether a collapse may be taken back to it.
            good: whether nothing was wrong, so that a run that breaks may be.
        """
        total = figures.get("score")
        best = total is not None and math.isfinite(total) and not self.monitor.vetoed(figures)
        stage, grown = self.trainer.stage_at(self.trainer.cur_nimg), self.trainer.grown
        if stage is not None and grown is not None and stage[:2] != grown[:2]:
            best = False  # blurred as it is, it may look good in figures
        if best and total is not None and self.best is not None:
            best = is_better(total, self.best["score"])
        before, marks = (self.best, dict(self.keeper.marks)), self.keeper.marks
        name = f"{self.trainer.cur_nimg:09d}-{self.trainer.attempt}"
        if best:
            self.best = {"score": total, "cur_nimg": self.trainer.cur_nimg}
        if varied:
            marks["diverse"] = name
        if good and self.config.doctor == "act" and marks.get("good") != name:
            marks.update({"earlier": marks["good"]} if "good" in marks else {}, good=name)
        if not best and marks == before[1]:
            return
        if not self._save(final=False):
            self.best, self.keeper.marks = before
            return
        self._try(partial(self.folder.mark, {**marks, **({"best": name} if best else {})}))

    # Written while it trains

    def _try(self, write: Callable[[], object]) -> None:
        """Write something that training can do without."""
        try:
            write()
        except (OutputError, OSError) as error:
            self.watcher.warn(str(error))

    def _grid_count(self) -> int:
        return grid_count(self.config.side)

    def _draw_fakes(self, fakes: Tensor) -> None:
        cur_nimg = self.trainer.cur_nimg
        self._try(
            lambda: self.listeners.tell(
                "on_grid", cur_nimg, draw_fakes(self.folder, cur_nimg, fakes)
            )
        )

    def _snapshot(self, before: int) -> None:
        """Keep the averaged generator where 1, 2, 4, 8 ... kimg were reached, for growth films."""
        reached = (self.trainer.cur_nimg // 1000).bit_length()
        if reached != (before // 1000).bit_length():
            self._try(lambda: self.keeper.snapshot(self._facts()))

    def _told_of(self, line: str) -> None:
        """Warn of something, and keep it in log.txt."""
        self.watcher.warn(line)
        self._try(lambda: self.folder.log(line))

    def _run_facts(self) -> RunFacts:
        """Return what callbacks are told of the run."""
        trainer = self.trainer
        return RunFacts(
            self.folder.path, self.folder.config(), trainer.cur_nimg, trainer.total_nimg
        )

    def _facts(self) -> dict[str, Any]:
        """Return what a checkpoint's state holds beside the trainer's own."""
        return {
            "minutes": self.config.minutes,
            "tally": self.tally.sums,
            "best": self.best,
            "pictures": {"count": len(self.pictures), "fingerprint": self.pictures.fingerprint},
        }

    def save(self) -> None:
        """Save what there is, whatever was saved before."""
        self.keeper.stale = True
        self._save(final=True)

    def _save(self, *, final: bool) -> str:
        """Save, unless this very state is saved already, and return the checkpoint's name."""
        trainer = self.trainer
        name = f"{trainer.cur_nimg:09d}-{trainer.attempt}"
        if trainer.cur_nimg == self.keeper.last_save and not self.keeper.stale:
            return name
        generation = self.keeper.save(self._facts(), final=final, keep=self.config.keep)
        if generation is None:
            return ""
        self._try(lambda: self.folder.log(f"saved at {trainer.cur_nimg:,} pictures"))
        self.listeners.tell("on_checkpoint", trainer.cur_nimg, generation.path)
        return generation.name

    # Going on

    def _is_there(self, name: str) -> bool:
        return bool(name) and (self.folder.checkpoints / name).is_dir()

    def restore(self) -> None:
        """Take over the newest sound checkpoint; with none, begin again."""
        state = self.keeper.restore()
        if state is None:
            return
        self.tally = Tally({name: list(pair) for name, pair in state.get("tally", {}).items()})
        self.best = state.get("best")
        if self.best is not None and not self._is_there(self.folder.marks().get("best", "")):
            self.best = None  # it was removed: the next good one is the best
        if state.get("minutes") != self.config.minutes:
            self.trainer.total_nimg = None  # how long it is was said anew
        before = state.get("pictures", {})
        now = {"count": len(self.pictures), "fingerprint": self.pictures.fingerprint}
        if before != now:
            self.watcher.warn(
                f"the pictures are not those of before ({before.get('count')} then, "
                f"{len(self.pictures)} now): it goes on with what is there"
            )

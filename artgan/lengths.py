"""How long a run is: minutes become pictures, once, from how quick it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from artgan.grids import grid_count
from artgan.monitor import Monitor
from artgan.watching import Watcher

if TYPE_CHECKING:
    from artgan.training import Trainer

__all__ = ["MOMENTS", "SPACING", "Length"]

WARM_UP_STEPS = 4
STEPS = 32
SECONDS = 10.0
"""Minutes become a number of pictures once so many steps were taken in so many seconds, not
counting the first few; sooner where that would take a tenth of the minutes."""

MOMENTS = 12
SPACING = 4000
"""How often a run is measured, at most, and after how many pictures again, at least."""


class Length:
    """Settles where a run ends.

    Args:
        trainer: the run's state; told by its `ends_at`.
        monitor: what the run is measured by, which takes time too.
        watcher: told what was found.
        spare: makes another trainer like it, to measure the speeds of a network that grows with.
    """

    def __init__(
        self,
        trainer: Trainer,
        monitor: Monitor,
        watcher: Watcher,
        spare: Callable[[], Trainer] | None,
    ) -> None:
        self.trainer = trainer
        self.monitor = monitor
        self.watcher = watcher
        self.spare = spare
        self._warm: tuple[int, float, float] | None = None

    @property
    def _budget(self) -> float:
        assert self.trainer.config.minutes is not None
        return self.trainer.config.minutes * 60

    def settle(self) -> bool:
        """Take the length from --kimg, and return whether it came from --minutes already.

        With those it comes with the first steps. Those of a network that grows say nothing about
        the later ones: its speeds are measured beforehand.
        """
        trainer, config = self.trainer, self.trainer.config
        if config.kimg is not None:
            trainer.ends_at(round(config.kimg * 1000))
            self._warn()
            return False
        if trainer.total_nimg is not None or trainer.networks.stage is None or self.spare is None:
            return False
        from artgan.speed import pictures_in

        began = time.monotonic()
        found = pictures_in(self.spare(), self._budget, trainer.cur_nimg, trainer.planned_nimg)
        left = self._left(began, found / self._budget)
        self._ends_after(max(1, round(found * left / self._budget)), left)
        return True

    def look(self, began: float, shown: int, aside: float) -> bool:
        """Take the length from the first steps, if there were enough; return whether there were.

        Args:
            began: when the first step did, by the monotonic clock.
            shown: pictures since.
            aside: seconds since that were not spent on steps.
        """
        now, batch = time.monotonic(), self.trainer.config.batch or 1
        if self._warm is None:
            if shown >= WARM_UP_STEPS * batch:
                self._warm = (shown, now, aside)
            return False
        counted, passed = shown - self._warm[0], now - self._warm[1] - (aside - self._warm[2])
        enough = counted >= STEPS * batch and passed > SECONDS
        if not enough and now - began < self._budget / 10:
            return False
        rate = counted / max(passed, 1e-9)
        left = self._left(began, rate)
        self._ends_after(round(rate * left), left, shown)
        return True

    def _left(self, began: float, rate: float) -> float:
        """Return the seconds that are left for steps, at so many pictures a second."""
        each = self._moment_seconds() if self._budget > 2 * MOMENTS else 0.0
        left = max(0.0, self._budget - (time.monotonic() - began))
        moments = min(MOMENTS, 1 + int(left * rate / SPACING))
        return max(0.0, left - moments * each)

    def _ends_after(self, pictures: int, seconds: float, shown: int = 0) -> None:
        self.trainer.ends_at(self.trainer.cur_nimg + pictures)
        self._warn()
        self.watcher.note(
            f"{self.trainer.config.minutes:g} minutes at "
            f"{pictures / max(seconds, 1e-9):.0f} pictures a second: "
            f"{(shown + pictures) / 1000:.1f} kimg"
        )

    def _warn(self) -> None:
        """Say where a network that grows will not be grown when the run ends."""
        trainer, total = self.trainer, self.trainer.total_nimg or 0
        end, grown = trainer.stage_at(total), trainer.grown
        if end is None or grown is None or end[:2] == grown[:2]:
            return
        self.watcher.warn(
            f"the run ends at {total / 1000:g} kimg with {end.scales} of {grown.scales} scales, "
            f"the finest {end.fade:.0%} in: give more --kimg, or a quicker schedule "
            f"(artgan plugins show {trainer.config.arch})"
        )

    def _moment_seconds(self) -> float:
        """Return how long it takes to draw pictures and measure them, once all is loaded."""
        began = 0.0
        for _ in range(2):
            began = time.monotonic()
            fakes = self.trainer.sample(
                max(grid_count(self.trainer.config.side), self.monitor.count)
            )
            if self.monitor.count:
                self.monitor.measure(fakes[: self.monitor.count])
        return 1.5 * (time.monotonic() - began)  # a checkpoint comes with it

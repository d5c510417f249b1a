"""A run's checkpoints while it trains: saved, marked, pruned, gone back to. Trains nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import CheckpointError, OutputError
from artgan.checkpoints import Generation, load_tensors, newest_sound, prune, save_generation
from artgan.runs import RunFolder, free_bytes
from artgan.screen import safe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.control import Rollback
    from artgan.training import Trainer
    from artgan.watching import Watcher

__all__ = ["SAVE_TRIES", "Keeper"]

SAVE_TRIES = 3
"""Times in a row that saving may fail before training ends."""

SETBACK = 5000
"""Pictures after going back within which the next trouble leads further back."""

_GROUPS = ("ema", "networks", "optimizers")
_FILES = (*(f"{name}.safetensors" for name in _GROUPS), "state.json")


class Keeper:
    """The checkpoints of a run.

    Args:
        trainer: whose state is kept.
        folder: the run's.
        watcher: told what goes wrong.

    Attributes:
        last_save: pictures at the last checkpoint, -1 for none.
        stale: whether something but the pictures changed since.
        returned_to: pictures that the run was last taken back to, None if it never was.
        marks: checkpoints by what they are: "good" and "earlier" (the good one before), "diverse".
            They are of moments that pictures fix, never the clock, so that a run that was stopped
            in between goes back to the same ones.
    """

    def __init__(self, trainer: Trainer, folder: RunFolder, watcher: Watcher) -> None:
        self.trainer = trainer
        self.folder = folder
        self.watcher = watcher
        self.last_save = -1
        self.stale = False
        self.marks: dict[str, str] = {}
        self.returned_to: int | None = None
        self._failures = 0

    # Saving

    def save(self, facts: Mapping[str, Any], *, final: bool, keep: int) -> Generation | None:
        """Write a checkpoint and remove those that are too old; return its place.

        Args:
            facts: what the state holds beside the trainer's.
            final: whether failing to write it is an error at once; otherwise it is the third time.
            keep: how many stay, beside the marked ones.

        Returns:
            None if it could not be written, and will be tried again.

        Raises:
            OutputError, OSError: it cannot be written.
        """
        try:
            generation = self._write(self.folder.checkpoints, self.trainer.tensors(), facts)
        except (OutputError, OSError) as error:
            self._failures += 1
            if final or self._failures >= SAVE_TRIES:
                raise
            self.watcher.warn(f"{error}; training goes on, and saving is tried again later")
            return None
        self._failures = 0
        self.last_save = self.trainer.cur_nimg
        self.stale = False
        spared = {*self.folder.marks().values(), *self.marks.values()}
        prune(self.folder.checkpoints, keep, spared)
        return generation

    def snapshot(self, facts: Mapping[str, Any]) -> None:
        """Keep the averaged generator alone, for films of how it grew."""
        self._write(self.folder.snapshots, {"ema": self.trainer.tensors()["ema"]}, facts)

    def _write(
        self, folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], facts: Mapping[str, Any]
    ) -> Generation:
        trainer = self.trainer
        state = {
            **trainer.counters(),
            **facts,
            "returned_to": self.returned_to,
            "marks": self.marks,
            "plugins": trainer.suppliers,
        }
        return save_generation(folder, trainer.cur_nimg, trainer.attempt, tensors, state)

    def check_room(self, keep: int) -> None:
        """Warn where the disk is too full for the checkpoints that will be kept."""
        groups = self.trainer.tensors().values()
        weights = sum(t.numel() * t.element_size() for group in groups for t in group.values())
        needed = weights * 2 * (keep + 3)  # the optimizers' memory comes on top
        free = free_bytes(self.folder.path)
        if free is not None and free < needed:
            self.watcher.warn(
                f"only {free / 1e6:,.0f} MB are free for checkpoints, which take about "
                f"{needed / 1e6:,.0f} MB: free some space, or use a lower --keep"
            )

    # Going on, and going back

    def restore(self) -> dict[str, Any] | None:
        """Take over the newest sound checkpoint and return its state; None if there is none."""
        try:
            generation, data = newest_sound(self.folder.checkpoints, _FILES, self.watcher.warn)
        except CheckpointError:
            if any(self.folder.checkpoints.glob("*")):
                raise
            name = safe(self.folder.name)
            self.watcher.warn(f"run {name} has no checkpoint yet: it begins again")
            self.folder.cut_stats(0)
            return None
        state, tensors = _read(generation, data)
        self.trainer.restore(tensors, state)
        self.last_save = self.trainer.cur_nimg
        self.returned_to = state.get("returned_to")
        self.marks = dict(state.get("marks", {}))
        self.folder.cut_stats(self.trainer.cur_nimg, self.trainer.attempt)
        self.watcher.note(f"goes on from checkpoint {generation.name}")
        return state

    def take_back(self, to: Rollback, *, fresh: bool) -> dict[str, Any]:
        """Take the run back to an earlier checkpoint and return that one's state.

        Where trouble came again soon after going back, it goes back further.

        Args:
            to: the last good checkpoint, or the last one that was varied.
            fresh: whether the optimizers forget what they remember.

        Raises:
            CheckpointError: there is none.
        """
        wanted = ["diverse", "good", "earlier"] if to == "diverse" else ["good", "earlier"]
        now = self.trainer.cur_nimg
        if self.returned_to is not None and now <= self.returned_to + SETBACK:
            wanted.reverse()
        first = next((self.marks[mark] for mark in wanted if mark in self.marks), "")
        generation, data = newest_sound(
            self.folder.checkpoints, _FILES, self.watcher.warn, first=first
        )
        state, tensors = _read(generation, data)
        self.trainer.restore(tensors, state, rolled_back=True, fresh=fresh)
        self.returned_to = self.trainer.cur_nimg
        self.marks = dict(state.get("marks", {}))
        self.watcher.note(f"went back to checkpoint {generation.name}")
        return state


def _read(
    generation: Generation, data: Mapping[str, bytes]
) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
    tensors = {
        name: load_tensors(data[f"{name}.safetensors"], f"checkpoint {generation.name}, {name}")
        for name in _GROUPS
    }
    state: dict[str, Any] = json.loads(data["state.json"])
    return state, tensors

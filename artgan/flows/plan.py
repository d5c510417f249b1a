"""Pipelines: a file's steps, which of them are finished, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from artgan.api import CheckpointError, ConfigError
from artgan.errors import nearest
from artgan.flows.checks import check_components, check_step, check_styles
from artgan.flows.facts import facts_of
from artgan.flows.file import read_pipeline
from artgan.flows.ledger import Entry, Ledger, differences, key_of
from artgan.flows.steps import Step, naming, steps_of
from artgan.runs import RunFolder, run_progress
from artgan.screen import safe

if TYPE_CHECKING:
    from artgan.registry import Registry

__all__ = ["Look", "Pipeline", "Verdict"]

Verdict = Literal["make", "resume", "skip", "within"]
"""What happens to a step; "within" is a walk that is drawn while its frames are redrawn."""


@dataclass(frozen=True)
class Look:
    """What would happen to a step, and why.

    Attributes:
        step: which.
        verdict: what happens to it.
        why: a clause.
        facts: what its results depend on, None where that is not known yet.
    """

    step: Step
    verdict: Verdict
    why: str
    facts: Mapping[str, Any] | None = field(default=None, hash=False)


class Pipeline:
    """A pipeline that can be run: everything in its file is checked.

    Attributes:
        folder: where results go.
        steps: in the order they are made in.
        ledger: what was made before.

    Args:
        path: its file.
        components: where components are found.
        only: names of stages; those that they take from are made with them, no others. () for all.
        force: names of stages among those that are made again though they are finished.

    Raises:
        ArtganError: something in it cannot be used; the sentence names the stage.
    """

    def __init__(
        self,
        path: Path,
        components: Registry,
        *,
        only: Sequence[str] = (),
        force: Sequence[str] = (),
    ) -> None:
        file = read_pipeline(path)
        self._components = components
        self.folder = file.out
        self.ledger = Ledger(file.out)
        self._all = steps_of(file)
        self._force = frozenset(force)
        wanted = self._wanted(only)
        for step in self._named(force):
            if step.name not in wanted:
                raise ConfigError(f"--force {step.name}: --only leaves it out: name it there too")
        self.steps = tuple(step for step in self._all if step.name in wanted)
        check_components(dict(file.components), components)
        for step in self._all:
            with naming(step):
                check_step(step, self.ledger, components)

    def reread(self) -> None:
        """Take what was made before from the disk again: another process may have made more.

        Raises:
            PathError: it cannot be read.
        """
        self.ledger = Ledger(self.folder)

    def _named(self, names: Sequence[str]) -> list[Step]:
        known = {step.name: step for step in self._all}
        for name in names:
            if name not in known:
                raise ConfigError(f"no stage is called '{safe(name)}': {nearest(name, known)}")
        return [known[name] for name in names]

    def _wanted(self, only: Sequence[str]) -> set[str]:
        """Return the names of stages, and of those that they take from."""
        wanted = set()
        for step in self._named(only) if only else self._all:
            each: Step | None = step
            while each is not None:
                wanted.add(each.name)
                each = each.source
        return wanted

    def look(self, step: Step, before: Mapping[str, Verdict] | None = None) -> Look:
        """Return what would happen to a step.

        Args:
            step: which.
            before: what would happen to those before it; {} or None where they are made.

        Raises:
            ArtganError: something it takes cannot be read; the sentence names the stage.
        """
        if not step.outs:
            takers = [each.name for each in self._all if each.source is step]
            return Look(step, "within", f"its frames go into {' and '.join(takers)}")
        source = step.source
        if step.is_film and source is not None:
            source = source.source  # it draws the frames itself, whatever the walk's own file is
        while source is not None and before is not None:
            if before.get(source.name) in ("make", "resume"):
                return Look(step, "make", f"{source.name} comes first")
            source = source.source if not source.outs else None
        with naming(step):
            facts = facts_of(step, self.ledger, self._components)
            if facts is None:
                return Look(step, "make", "what it takes is not made yet")
            verdict, why = self._judge(step, facts)
            return Look(step, verdict, why, facts)

    def looks(self) -> list[Look]:
        """Return what would happen to all steps now."""
        before: dict[str, Verdict] = {}
        found = []
        for step in self.steps:
            look = self.look(step, before)
            before[step.name] = look.verdict
            found.append(look)
        return found

    def left(self) -> Iterator[Look]:
        """Yield the steps, in their order, each looked at when those before it are made.

        What came in the way of results meanwhile is refused then.

        Raises:
            ArtganError: see `look` and `Pipeline`.
        """
        for step in self.steps:
            look = self.look(step)
            if look.verdict == "make":
                with naming(step):
                    check_step(step, self.ledger, self._components)
            yield look

    def check_styles(self, looks: Sequence[Look]) -> None:
        """Read the styles of steps that are about to be made, before anything is.

        Raises:
            ArtganError: one of them cannot be used; the sentence names the stage.
        """
        for look in looks:
            if look.verdict in ("make", "within"):
                with naming(look.step):
                    check_styles(look.step, self._components)

    def _judge(self, step: Step, facts: Mapping[str, Any]) -> tuple[Verdict, str]:
        entry = self.ledger.entry(step.name)
        walk = step.source if step.is_film and step.source is not None else step
        asked = step.name in self._force or (not walk.outs and walk.name in self._force)
        if asked and (entry is None or entry.done):
            return "make", "it was asked for"
        if entry is None:
            return "make", "it is new"
        if entry.key != key_of(facts):
            return "make", differences(entry.facts, facts)
        if step.kind == "train":
            return self._judge_training(entry)
        if not entry.done:
            return "make", "it was interrupted"
        fault = self.ledger.fault(step.name)
        return ("make", fault) if fault is not None else ("skip", "nothing changed")

    def _judge_training(self, entry: Entry) -> tuple[Verdict, str]:
        if entry.run is None:
            return "make", "it was interrupted before it began"
        run = RunFolder(self.ledger.place(entry.run))
        try:
            reached = run_progress(run) if (run.path / "config.toml").is_file() else None
        except CheckpointError:
            reached = None
        if reached is None:
            what = "is gone" if entry.done else "has no checkpoint yet"
            return "make", f"{safe(entry.run)} {what}"
        if not _is_sound(run, latest=not entry.done):
            return "make", f"{safe(entry.run)} is damaged"
        if entry.done:
            return "skip", "nothing changed"
        return "resume", f"it was interrupted at {reached[0] / 1000:.1f} kimg"


def _is_sound(run: RunFolder, *, latest: bool) -> bool:
    """Return whether there are weights to draw from, or to go on with."""
    from artgan.models import find_weights

    try:
        find_weights(f"{run.path}@latest" if latest else str(run.path), run.path.parent)
    except CheckpointError:
        return False
    return True

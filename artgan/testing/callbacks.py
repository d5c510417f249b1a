"""What is checked of a callback: it listens to something, and survives a short run of it."""

from __future__ import annotations

import contextlib
import copy
import inspect
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from artgan import __version__
from artgan.api import Callback, RunFacts
from artgan.callbacks import EVENTS
from artgan.errors import nearest
from artgan.testing.chance import untouched
from artgan.testing.expect import expect

__all__ = ["check"]

TRAIN: dict[str, object] = {
    "images": "pictures",
    "arch": "dcgan",
    "size": "32",
    "channels": 3,
    "kimg": 4.0,
    "batch": 8,
    "seed": 0,
}
"""Some settings that every run has."""


def check(record: Callback, build: Callable[..., Any], where: str) -> None:
    """Check a callback with the events of two short runs, the second one going on.

    One that needs optional packages which are not here is looked at no further.
    """
    from artgan.api import ConfigError

    try:
        listener = build()
    except ConfigError:
        if record.extra:
            return
        raise
    _check_names(listener, where)
    with tempfile.TemporaryDirectory() as folder:
        _play(listener, Path(folder), 0, where)
        _play(build(), Path(folder), 2000, where)


def _check_names(listener: object, where: str) -> None:
    named = [name for name in dir(listener) if name.startswith("on_")]
    for name in named:
        expect(
            name in EVENTS,
            f"{where}: it has a method '{name}', which nothing calls; {nearest(name, EVENTS)}",
        )
        expect(callable(getattr(listener, name)), f"{where}: its '{name}' is no method")
    expect(
        bool(named),
        f"{where}: it listens to nothing, expected one or more of {', '.join(EVENTS)}",
    )


def _play(listener: Any, folder: Path, cur_nimg: int, where: str) -> None:
    """Tell it what a run tells, and see that it changes nothing it was given."""
    grid = folder / "fakes000001.png"
    checkpoint = _save(grid, folder / "checkpoints", cur_nimg + 1000)
    files = {path: path.read_bytes() for path in (grid, *checkpoint.iterdir())}
    settings = {"run": {"id": "x", "artgan": __version__}, "train": dict(TRAIN)}
    values = {"D/adversarial": 0.6, "G/adversarial": 0.8, "swd/swd": 40.0, "score": 1.5}
    facts = RunFacts(folder, copy.deepcopy(settings), cur_nimg, None)
    events: list[tuple[str, tuple[Any, ...]]] = [
        ("on_start", (facts,)),
        ("on_grid", (cur_nimg, grid)),
        ("on_tick", (cur_nimg + 1000, dict(values))),
        ("on_state", (cur_nimg + 1000, "learning")),
        ("on_checkpoint", (cur_nimg + 1000, checkpoint)),
        ("on_end", (cur_nimg + 1000, "stopped")),
    ]
    for event, given in events:
        method = getattr(listener, event, None)
        if method is None:
            continue
        expect(
            not inspect.iscoroutinefunction(method),
            f"{where}: its '{event}' is async, and nobody would wait for it: expected a plain one",
        )
        with _unmoved(f"{where}: '{event}'"):
            try:
                method(*given)
            except Exception as error:
                expect(False, f"{where}: '{event}' raised {type(error).__name__}: {error}")
        if event == "on_tick":
            expect(given[1] == values, f"{where}: '{event}' changed the values it was given")
        changed = [p.name for p in files if not p.is_file() or p.read_bytes() != files[p]]
        expect(not changed, f"{where}: '{event}' changed {changed}, which the run may need")
    expect(facts.settings == settings, f"{where}: it changed the settings it was given")


@contextlib.contextmanager
def _unmoved(who: str) -> Iterator[None]:
    """Check that what a training process as a whole goes by stays as it is for a while."""
    import torch

    def now() -> dict[str, object]:
        return {
            "the working folder": os.getcwd(),
            "torch's default dtype": torch.get_default_dtype(),
            "torch's number of threads": torch.get_num_threads(),
            "whether torch computes gradients": torch.is_grad_enabled(),
        }

    before = now()
    try:
        with untouched(who, "none: training takes its chance from there"):
            yield
        after = now()
    finally:
        os.chdir(str(before["the working folder"]))
        torch.set_default_dtype(before["torch's default dtype"])  # type: ignore[arg-type]
        torch.set_grad_enabled(bool(before["whether torch computes gradients"]))
    for what, value in after.items():
        expect(value == before[what], f"{who} changed {what}: expected it to change nothing")


def _save(grid: Path, checkpoints: Path, cur_nimg: int) -> Path:
    """Write a grid of pictures and a checkpoint, and return the checkpoint's folder."""
    import torch

    from artgan.checkpoints import save_generation
    from artgan.images import save_png

    save_png(grid, torch.zeros(3, 8, 8))
    weights = {"layer.weight": torch.zeros(2, 3)}
    tensors = {"ema": weights, "networks": weights, "optimizers": {}}
    state = {"cur_nimg": cur_nimg, "attempt": 0, "total_nimg": None, "bad_steps": 0}
    return save_generation(checkpoints, cur_nimg, 0, tensors, state).path

"""What is checked of a callback: it listens to something, and survives a short run of it."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from artgan.api import Callback, RunFacts
from artgan.callbacks import EVENTS
from artgan.errors import nearest
from artgan.testing.expect import expect

__all__ = ["check"]


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
    from artgan.images import save_png

    grid, checkpoint = folder / "fakes000001.png", folder / "checkpoints" / "000001000-0"
    checkpoint.mkdir(parents=True, exist_ok=True)
    _save_grid(grid, save_png)
    settings = {"run": {"id": "x"}, "train": {"arch": "dcgan", "size": "32"}}
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
        try:
            method(*given)
        except Exception as error:
            expect(False, f"{where}: '{event}' raised {type(error).__name__}: {error}")
        if event == "on_tick":
            expect(given[1] == values, f"{where}: '{event}' changed the values it was given")
    expect(facts.settings == settings, f"{where}: it changed the settings it was given")


def _save_grid(path: Path, save: Callable[..., None]) -> None:
    import torch

    save(path, torch.zeros(3, 8, 8))

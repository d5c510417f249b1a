"""Callbacks for tests: one that writes down what it hears, and some that are wrong."""

from __future__ import annotations

import json

from artgan.api import Callback, hookimpl

__all__ = ["Clumsy", "Deaf", "Diary", "Meddler", "Misspelt", "artgan_callbacks"]


class Diary:
    """Writes a line for each event."""

    def __init__(self, options: None) -> None:
        self.path = None

    def _note(self, event: str, at: int, **facts: object) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps({"event": event, "at": at, **facts}) + "\n")

    def on_start(self, run) -> None:
        self.path = run.folder / "heard.jsonl"
        arch = run.settings["train"]["arch"]
        self._note("on_start", run.cur_nimg, total=run.total_nimg, arch=arch)

    def on_tick(self, cur_nimg, values) -> None:
        self._note("on_tick", cur_nimg, names=sorted(values))

    def on_state(self, cur_nimg, state) -> None:
        self._note("on_state", cur_nimg, state=state)

    def on_grid(self, cur_nimg, path) -> None:
        self._note("on_grid", cur_nimg, there=path.is_file())

    def on_checkpoint(self, cur_nimg, path) -> None:
        self._note("on_checkpoint", cur_nimg, there=path.is_dir())

    def on_end(self, cur_nimg, how) -> None:
        self._note("on_end", cur_nimg, how=how)


class Clumsy:
    """Raises."""

    def __init__(self, options: None) -> None:
        pass

    def on_tick(self, cur_nimg, values) -> None:
        raise ValueError("no such room")


class Meddler(Clumsy):
    """Changes what it is given."""

    def on_tick(self, cur_nimg, values) -> None:
        values.clear()


class Misspelt(Clumsy):
    """Listens to what nothing tells."""

    def on_ticks(self, cur_nimg, values) -> None:
        pass


class Deaf:
    """Listens to nothing."""

    def __init__(self, options: None) -> None:
        pass


@hookimpl
def artgan_callbacks():
    for name in ("diary", "clumsy", "meddler", "misspelt", "deaf"):
        yield Callback(name, f"listening_kit:{name.capitalize()}", summary=f"a {name} one")

"""The callbacks of a run: built, told what happens, and left out where they fail. No torch."""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from artgan.api import Callback, Listener
from artgan.plugins import cause_of
from artgan.screen import safe

if TYPE_CHECKING:
    from artgan.config import TrainConfig
    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = ["EVENTS", "Listeners"]

EVENTS = tuple(name for name in vars(Listener) if name.startswith("on_"))
"""What a callback may listen to, by the names of its methods."""


class Listeners:
    """Who is told what happens in a run.

    Args:
        built: each callback's entry and what it built.
        warn: told of those that fail.
    """

    def __init__(self, built: list[tuple[Entry, Any]], warn: Callable[[str], None]) -> None:
        self.built = built
        self.warn = warn

    @classmethod
    def of(
        cls, config: TrainConfig, components: Registry, warn: Callable[[str], None]
    ) -> Listeners:
        """Return the callbacks that settings name, built.

        Raises:
            ComponentError: one is unknown, or cannot be built.
        """
        built = []
        for name in config.callbacks:
            entry, options = components.configure(Callback.kind, name, config.components)
            built.append((entry, components.build(entry, options)))
        return cls(built, warn)

    def tell(self, event: str, *facts: Any) -> None:
        """Call a method of every callback that has it; one that raises is left out from now on.

        Args:
            event: of `EVENTS`.
            facts: what it is called with, see `artgan.api.Listener`; each gets copies of its own.
        """
        for entry, listener in list(self.built):
            method = getattr(listener, event, None)
            if method is None:
                continue
            try:
                with contextlib.redirect_stdout(sys.stderr):
                    method(*copy.deepcopy(facts))
            except (Exception, SystemExit) as error:
                self.built = [pair for pair in self.built if pair[1] is not listener]
                self.warn(
                    f"callback '{safe(entry.qualified)}' failed and is left out from here on: "
                    f"{cause_of(error)}"
                )

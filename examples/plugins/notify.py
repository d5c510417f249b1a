"""A callback that runs a command of yours when a training run ends, or goes wrong.

    artgan --plugins-dir examples/plugins train ./myimages --callback notify \\
        --set callbacks.notify.command='notify-send artgan'

The command is given one more argument, the news in a sentence: `notify-send`, `say`, a script that
sends a message, whatever takes a text.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator

from pydantic import Field

from artgan.api import Callback, ConfigError, RunFacts, hookimpl
from artgan.options import Options

QUIET = ("learning", "converged")
STDERR = 2
"""Where the command writes to: stdout is for results, such as the run's folder."""


class NotifyOptions(Options):
    """What is run."""

    command: str = Field("echo", min_length=1, description="command that takes the news as a text")
    states: bool = Field(True, description="whether it tells when the doctor sees trouble")


class Notify:
    """Tells by a command.

    Raises:
        ConfigError: it is no command.
    """

    def __init__(self, options: NotifyOptions) -> None:
        self.options = options
        try:
            self.words = shlex.split(options.command)
        except ValueError as error:
            raise ConfigError(f"callbacks.notify.command: {error}: {options.command}") from error
        self.run = ""

    def on_start(self, run: RunFacts) -> None:
        """Remember which run it is."""
        self.run = run.folder.name

    def on_state(self, cur_nimg: int, state: str) -> None:
        """Tell of trouble."""
        if self.options.states and state and not state.startswith(QUIET):
            self._tell(f"{state} at {cur_nimg / 1000:g} kimg")

    def on_end(self, cur_nimg: int, how: str) -> None:
        """Tell that training is over."""
        self._tell(f"{how} at {cur_nimg / 1000:g} kimg")

    def _tell(self, news: str) -> None:
        words = [*self.words, f"{self.run}: {news}"]
        subprocess.run(words, check=True, timeout=30, stdin=subprocess.DEVNULL, stdout=STDERR)


@hookimpl
def artgan_callbacks() -> Iterator[Callback]:
    """Yield the one callback of this file."""
    yield Callback(
        "notify", ":Notify", summary="runs a command when a run ends", options=":NotifyOptions"
    )

"""TensorBoard: losses, metrics and grids of a run as its event files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import ConfigError, RunFacts

if TYPE_CHECKING:
    from artgan_plugins.callbacks.options import TensorboardOptions

__all__ = ["Tensorboard"]


class Tensorboard:
    """Writes what a run logs, for `tensorboard --logdir runs`.

    Steps are pictures shown. A run that goes on writes a further file beside the first.

    Raises:
        ConfigError: the package is not installed.
    """

    def __init__(self, options: TensorboardOptions) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ConfigError(
                "callback 'tensorboard' needs a package that is not installed: "
                "pip install 'artgan[track]'"
            ) from error
        self._open = SummaryWriter
        self._writer: Any = None
        self.folder = options.folder
        self.pictures = options.pictures

    def on_start(self, run: RunFacts) -> None:
        """Begin a file in the run's folder."""
        self._writer = self._open(str(run.folder / self.folder), purge_step=run.cur_nimg)

    def on_tick(self, cur_nimg: int, values: Mapping[str, float]) -> None:
        """Log numbers under their names."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, cur_nimg)

    def on_state(self, cur_nimg: int, state: str) -> None:
        """Log the state in words."""
        self._writer.add_text("state", state, cur_nimg)

    def on_grid(self, cur_nimg: int, path: Path) -> None:
        """Log a grid of pictures."""
        if self.pictures:
            import numpy
            from PIL import Image

            with Image.open(path) as picture:
                pixels = numpy.asarray(picture.convert("RGB"))
            self._writer.add_image("fakes", pixels, cur_nimg, dataformats="HWC")

    def on_end(self, cur_nimg: int, how: str) -> None:
        """Log how it ended and close the file."""
        self._writer.add_text("end", how, cur_nimg)
        self._writer.close()

"""A poster: one frame of an animation, as a PNG of full size."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from artgan.api import FrameWriter, OutputError, Size
from artgan.images import save_png
from artgan.screen import safe
from artgan_plugins.writers.frames import check_frame
from artgan_plugins.writers.options import PosterOptions

__all__ = ["PosterWriter", "open_poster"]


class PosterWriter:
    """Keeps one of the frames that go by (see `artgan.api.FrameWriter`)."""

    def __init__(self, options: PosterOptions, path: Path, size: Size, recipe: str | None) -> None:
        self._frame, self._path, self._size, self._recipe = options.frame, Path(path), size, recipe
        self._count = 0
        self._image: Tensor | None = None

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Look at a unit picture (C, H, W), and keep it up to the one that is wanted.

        Raises:
            OutputError: it has another size than it should.
        """
        check_frame(image, self._path, name, size=self._size)
        if self._count <= self._frame:
            self._image = image
        self._count += 1

    def close(self) -> list[Path]:
        """Write the picture."""
        if self._image is None:
            raise OutputError(f"{safe(self._path)}: there were no frames to write")
        save_png(self._path, self._image, self._recipe)
        return [self._path]

    def abort(self) -> None:
        """Give up; nothing was written."""
        self._image = None


def open_poster(
    options: PosterOptions, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return an open poster; of an animation that has fewer frames it shows the last."""
    return PosterWriter(options, path, size, recipe)

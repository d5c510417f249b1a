"""PNG: one picture, or a folder of them, one a frame; each has its own opener."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from artgan.api import ConfigError, FrameWriter, OutputError, Size
from artgan.files import Pending, gathered_files
from artgan.images import save_png
from artgan.screen import safe
from artgan_plugins.writers.frames import check_frame

__all__ = ["OnePng", "PngFolder", "open_folder", "open_png"]


class OnePng:
    """A PNG file that holds a single frame (see `artgan.api.FrameWriter`)."""

    def __init__(self, path: Path, size: Size, recipe: str | None) -> None:
        self._path, self._size, self._recipe = Path(path), size, recipe
        self._image: Tensor | None = None

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Keep a unit picture (C, H, W) for `close`.

        Raises:
            ConfigError: there was one already.
            OutputError: it has another size than it should.
        """
        if self._image is not None:
            raise ConfigError(
                f"{safe(self._path)} holds one picture but there are several frames: "
                f"give a folder, such as {safe(self._path.with_suffix(''))}/"
            )
        check_frame(image, self._path, name, size=self._size)
        self._image = image

    def close(self) -> list[Path]:
        """Write the picture."""
        if self._image is None:
            raise OutputError(f"{safe(self._path)}: there were no frames to write")
        save_png(self._path, self._image, self._recipe)
        return [self._path]

    def abort(self) -> None:
        """Give up; nothing was written."""
        self._image = None


class PngFolder:
    """A folder that each frame becomes a file of, all of them at the end."""

    def __init__(self, folder: Path, size: Size, recipe: str | None) -> None:
        self._folder, self._size, self._recipe = Path(folder), size, recipe
        self._names: dict[str, None] = {}
        self._pending: Pending[Path] = Pending(gathered_files(self._folder))

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Write a unit picture (C, H, W) as NAME.png.

        Raises:
            OutputError: there was a frame of that name, it has another size than it should, or the
                system refused.
        """
        with self._pending.guard() as temporary:
            check_frame(image, self._folder, name, size=self._size)
            if name in self._names:
                raise OutputError(f"{safe(self._folder)}: two frames are called {safe(name)}")
            self._names[name] = None
            save_png(temporary / f"{name}.png", image, self._recipe)

    def close(self) -> list[Path]:
        """Move every picture to its place."""
        if not self._names:
            self.abort()
            raise OutputError(f"{safe(self._folder)}: there were no frames to write")
        self._pending.finish()
        return [self._folder / f"{name}.png" for name in self._names]

    def abort(self) -> None:
        """Give up: nothing is left of the pictures."""
        self._pending.abandon()


def open_png(
    options: None, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return a single PNG, which takes one frame."""
    return OnePng(path, size, recipe)


def open_folder(
    options: None, path: Path, *, size: Size, fps: float, loop: int, recipe: str | None
) -> FrameWriter:
    """Return a folder of PNGs, whatever its name ends in."""
    return PngFolder(path, size, recipe)

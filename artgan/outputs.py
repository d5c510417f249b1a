"""From frames to files: which writer an output wants, and one render into several of them.

What a third party's writer raises while it runs becomes an error that names it.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import (
    ConfigError,
    FrameWriter,
    OutputError,
    PathError,
    Writer,
)
from artgan.errors import nearest
from artgan.files import explain
from artgan.images import Frame, Frames
from artgan.plugins import blaming, broken
from artgan.screen import safe

if TYPE_CHECKING:
    from pydantic import BaseModel
    from torch import Tensor

    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = [
    "FOLDER",
    "Output",
    "Progress",
    "Spent",
    "check_place",
    "deliver",
    "find_outputs",
    "moving_suffixes",
    "remove_surplus",
]

FOLDER = "/"
"""The suffix of outputs that are folders."""

PROBED_SIDE = 512
"""Pixels on the longer side of what writers see ahead."""

QUEUE_FRAMES = 8
"""Frames that may wait to be written while the next ones are rendered."""

_FRAME_NAME = re.compile(r"frame[0-9]{6}")

Progress = Callable[[int, int | None], None]
"""Called with how many are done, and of how many where that is known."""


@dataclass
class Spent:
    """How long a delivery took, in seconds.

    Attributes:
        rendering: making the frames.
        encoding: writing them, of the output that took longest.
        whole: both, side by side.
    """

    rendering: float = 0.0
    encoding: float = 0.0
    whole: float = 0.0


@dataclass(frozen=True)
class Output:
    """A place that frames go to, and what writes them there.

    Attributes:
        path: where.
        entry: the writer.
        options: its options.
    """

    path: Path
    entry: Entry
    options: BaseModel | None


# Which writer --------------------------------------------------------------------------------


def find_outputs(
    outs: Sequence[str],
    *,
    fps: float,
    overwrite: bool,
    components: Registry,
    tables: Mapping[str, Mapping[str, Mapping[str, Any]]],
    count: int | None = None,
) -> list[Output]:
    """Return the outputs that names stand for, once each can be used.

    Args:
        outs: paths; the suffix chooses the writer, a "/" at the end makes a folder.
        fps: frames a second that they must be able to show.
        overwrite: whether something that exists may be replaced.
        components: where writers are found.
        tables: options, kind -> name -> option.
        count: how many frames there will be, None if that is not known.

    Raises:
        ConfigError: no writer knows the suffix, the rate is too high, there are several frames for
            a format of one, or a path was given twice.
        PathError: something is in the way.
    """
    suffixes = _suffixes(components)
    outputs: list[Output] = []
    for out in outs:
        suffix = _suffix(out, suffixes)
        entry, path = suffixes[suffix], Path(out)
        if any(os.path.realpath(path) == os.path.realpath(other.path) for other in outputs):
            raise ConfigError(f"{safe(out)} was given twice: give each output its own name")
        check_place(path, folder=suffix == FOLDER, overwrite=overwrite)
        record = entry.record
        assert isinstance(record, Writer)
        if not record.animation and count is not None and count > 1:
            bare = safe(out[: -len(suffix)])
            longer = [f"{bare}{s}" for s in suffixes if s.endswith(suffix) and s != suffix]
            ways = ", ".join([*sorted(longer), f"a folder, such as {bare}/"])
            hint = f"give {ways}, or another format"
            raise ConfigError(
                f"{safe(out)} holds one picture, {count:,} frames were asked for: {hint}"
            )
        if record.max_fps is not None and fps > record.max_fps:
            raise ConfigError(
                f"{safe(out)}: '{record.name}' shows at most {record.max_fps:g} frames a second, "
                f"{fps:g} were asked for: use --fps {record.max_fps:g}"
            )
        _, options = components.configure("writers", entry.qualified, tables)
        outputs.append(Output(path, entry, options))
    return outputs


def moving_suffixes(components: Registry) -> dict[str, Entry]:
    """Return suffix -> writer of the files that hold animations, "/" not among them."""
    return {
        suffix: entry
        for suffix, entry in _suffixes(components).items()
        if suffix != FOLDER
        and getattr(entry.record, "animation", False)
        and not getattr(entry.record, "still", False)
    }


def _suffixes(components: Registry) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for name in components.names("writers"):
        entry = components.find("writers", name)
        assert isinstance(entry.record, Writer)
        for suffix in entry.record.suffixes:
            found.setdefault(suffix, entry)
    return found


def _suffix(out: str, known: Mapping[str, Entry]) -> str:
    if out.endswith((FOLDER, os.sep)) and FOLDER in known:
        return FOLDER
    lowered = out.lower()
    fitting = [s for s in known if s != FOLDER and lowered.endswith(s) and Path(lowered).name != s]
    if fitting:
        return max(fitting, key=len)
    if out and Path(out).is_dir() and FOLDER in known:
        return FOLDER
    given = Path(out).suffix
    what = f"writes '{safe(given)}'" if given else "writes a name without a suffix"
    folder = ", or a folder, its name ending in /" if FOLDER in known else ""
    raise ConfigError(
        f"{safe(out)}: nothing {what}: {nearest(given.lower(), set(known) - {FOLDER})}{folder}"
    )


def check_place(path: Path, *, folder: bool, overwrite: bool) -> None:
    """Check that something may be written at a path.

    Args:
        path: where.
        folder: whether it will be a folder.
        overwrite: whether something that exists may be replaced; a folder is only added to.

    Raises:
        PathError: something is in the way.
    """
    name = safe(path)
    above = next(p for p in path.absolute().parents if p.exists() or p.is_symlink())
    if not above.is_dir():
        what = "is a file" if above.exists() else "is a link that leads nowhere"
        raise PathError(f"cannot write {name}: {safe(above)} {what}, expected a folder")
    if not os.access(path if path.is_dir() else above, os.W_OK | os.X_OK):
        place = safe(path if path.is_dir() else above)
        raise PathError(f"cannot write {name}: permission is denied in {place}")
    if not path.exists():
        return
    if folder != path.is_dir():
        was, wanted = ("folder", "file") if path.is_dir() else ("file", "folder")
        raise PathError(f"{name} is a {was}, expected a {wanted}: choose another name")
    if overwrite:
        return
    if not folder:
        raise PathError(f"{name} exists: choose another name, or add --overwrite")
    if any(path.iterdir()):
        raise PathError(f"{name} is not empty: choose another folder, or add --overwrite")


# Writing -------------------------------------------------------------------------------------


def deliver(
    frames: Frames,
    outputs: Sequence[Output],
    *,
    components: Registry,
    loop: int = 0,
    recipe: str | Callable[[Output], str | None] | None = None,
    progress: Progress | None = None,
    spent: Spent | None = None,
) -> list[Path]:
    """Write frames to every output while they are made, and return the files.

    Frames are made in this thread and written in others, one an output, a few ahead, so that all
    go on at once and a long animation is never in memory. On any failure while frames are made and
    written, and when interrupted, nothing is left of any output. At the end they take their names
    one after the other: should the system refuse one its name then, those before it stay, whole.

    Args:
        frames: what to write; their size and rate are known.
        outputs: where, see `find_outputs`.
        components: where writers are built.
        loop: times an animation plays, 0 for ever.
        recipe: kept in the files, None for nothing; or a function that returns it for each.
        progress: called now and then, and once at the end.
        spent: is told how long it took.

    Raises:
        OutputError: a file cannot be written.
        PluginError: a third party's writer failed or broke its contract.
    """
    writers: list[_Named] = []
    spent = spent if spent is not None else Spent()
    started = time.monotonic()
    try:
        for output in outputs:
            writer = components.build(
                output.entry,
                output.options,
                output.path,
                size=frames.size,
                fps=frames.fps,
                loop=loop,
                recipe=recipe(output) if callable(recipe) else recipe,
            )
            writers.append(_Named(output.entry, writer))
        for named in writers:
            named.prepare(frames)
        _pump(frames, writers, progress, spent)
        files = []
        for named in writers:
            files += named.close()
        spent.encoding = max((named.seconds for named in writers), default=0.0)
        spent.whole = time.monotonic() - started
        return files
    except BaseException:
        for writer in writers:
            writer.abort()
        raise


def remove_surplus(outputs: Sequence[Output], files: Sequence[Path]) -> int:
    """Remove what is left of an older, longer sequence in folders, and return how many that were.

    Only files called like frames, frame000000 and so on, with a suffix that the new ones have, are
    removed.

    Args:
        outputs: what was written to.
        files: what was written, see `deliver`.

    Raises:
        OutputError: the system refused.
    """
    count = 0
    for folder in [output.path for output in outputs if output.path.is_dir()]:
        new = {path.name for path in files if path.parent == folder}
        suffixes = {Path(name).suffix for name in new}
        for path in sorted(folder.iterdir()):
            if path.name in new or path.suffix not in suffixes or not path.is_file():
                continue
            if _FRAME_NAME.fullmatch(path.stem) is None:
                continue
            try:
                path.unlink()
            except OSError as error:
                raise OutputError(f"cannot remove {safe(path)}: {explain(error)}") from error
            count += 1
    return count


class _Named:
    """A `FrameWriter` whose failures name it."""

    def __init__(self, entry: Entry, writer: FrameWriter) -> None:
        self._entry, self._writer = entry, writer
        self.seconds = 0.0

    def prepare(self, frames: Frames) -> None:
        """Let the writer see as many frames as it wants to, where they can be made ahead."""
        with blaming(self._entry):
            wanted = int(getattr(self._writer, "probes", 0) or 0)
        if wanted <= 0 or frames.probe is None:
            return
        images = [_thinned(image) for image in frames.probe(wanted)]  # no fault of the writer's
        with blaming(self._entry), self._timed():
            self._writer.prepare(images)  # type: ignore[attr-defined]

    def write(self, frame: Frame) -> None:
        with blaming(self._entry), self._timed():
            self._writer.write(frame.image, name=frame.name, seconds=frame.seconds)

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds += time.monotonic() - started

    def close(self) -> list[Path]:
        with blaming(self._entry), self._timed():
            written = self._writer.close()
        if not isinstance(written, list) or not all(
            isinstance(path, Path) and path.is_file() for path in written
        ):
            raise broken(
                self._entry, f"says it wrote {safe(repr(written))[:200]}, expected a list of files"
            )
        return written

    def abort(self) -> None:
        """Give up; what goes wrong here would hide why."""
        with contextlib.suppress(Exception):
            self._writer.abort()


def _thinned(image: Tensor) -> Tensor:
    """Return every second row and column of a large picture, or every third, and so on."""
    step = math.ceil(max(image.shape[-2:]) / PROBED_SIDE)
    return image[..., ::step, ::step].clone()


class _Encoder(threading.Thread):
    """Gives the frames of a queue to a writer until None comes; after a failure it only empties."""

    def __init__(self, writer: _Named) -> None:
        super().__init__(name="artgan-encoder", daemon=True)
        self.frames: queue.Queue[Frame | None] = queue.Queue(QUEUE_FRAMES)
        self.failure: BaseException | None = None
        self.stopped = False
        self.done = 0
        self._writer = writer

    def run(self) -> None:
        while (frame := self.frames.get()) is not None:
            if self.failure is not None or self.stopped:
                continue
            try:
                self._writer.write(frame)
                self.done += 1
            except BaseException as error:  # handed to the thread that waits for it
                self.failure = error


def _pump(
    frames: Frames, writers: Sequence[_Named], progress: Progress | None, spent: Spent
) -> None:
    encoders = [_Encoder(writer) for writer in writers]
    for encoder in encoders:
        encoder.start()

    def tell() -> None:
        if progress is not None:
            progress(min((e.done for e in encoders), default=0), frames.length)

    try:
        source = iter(frames)
        while True:
            started = time.monotonic()
            frame = next(source, None)
            spent.rendering += time.monotonic() - started
            if frame is None or any(e.failure is not None for e in encoders):
                break
            for encoder in encoders:
                encoder.frames.put(frame)
            tell()
    except BaseException:
        for encoder in encoders:
            encoder.stopped = True
        raise
    finally:
        for encoder in encoders:
            encoder.frames.put(None)
        for encoder in encoders:
            encoder.join()
    for encoder in encoders:
        if encoder.failure is not None:
            raise encoder.failure
    tell()

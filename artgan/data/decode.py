"""One file of an intake to one fitted picture, and many of them in threads. Stores nothing."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artgan.data.intake import Found
from artgan.pictures import (
    MIN_SIDE,
    PictureSpec,
    UnreadablePicture,
    fit_picture,
    load_picture,
    quiet,
)

__all__ = ["Decoded", "decode", "decode_all", "default_workers"]


@dataclass(frozen=True)
class Decoded:
    """What came of one file.

    Attributes:
        found: the file.
        pixels: uint8, (C, H, W); None if it is unusable.
        reason: why it is unusable, else "".
        changed: whether it is another file now than when the folder was surveyed.
        lasting: whether all this holds until the file is changed (see `UnreadablePicture`).
    """

    found: Found
    pixels: NDArray[np.uint8] | None
    reason: str = ""
    changed: bool = False
    lasting: bool = True


def default_workers() -> int:
    """Return how many threads decode: one for each usable core, 8 at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(8, cores or 1))


def decode(folder: Path, found: Found, spec: PictureSpec) -> Decoded:
    """Return what comes of one file; whatever is wrong with it ends up as a reason."""
    path = folder / found.name
    changed = _is_changed(path, found)
    try:
        image = load_picture(path, near=spec.size)
        changed = changed or _is_changed(path, found)
        if min(image.size) < MIN_SIDE and changed:
            width, height = image.size
            reason = f"too small: {width}x{height} px, and each side needs {MIN_SIDE}"
            return Decoded(found, None, reason, changed)
        return Decoded(found, fit_picture(image, spec), "", changed)
    except UnreadablePicture as error:
        return Decoded(found, None, error.reason, changed, error.lasting)
    except MemoryError:
        reason = "too large: it does not fit into memory"
        return Decoded(found, None, reason, changed, lasting=False)


def _is_changed(path: Path, found: Found) -> bool:
    with contextlib.suppress(OSError):
        state = path.stat()
        return (state.st_size, state.st_mtime_ns) != (found.size, found.mtime_ns)
    return True


def decode_all(
    folder: Path, pictures: Sequence[Found], spec: PictureSpec, workers: int
) -> Generator[Decoded, None, None]:
    """Yield what comes of every file, in order; a few are decoded ahead."""
    pending: deque[Future[Decoded]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="artgan-decode")
    try:
        with quiet():
            for found in pictures:
                pending.append(pool.submit(decode, folder, found, spec))
                if len(pending) >= 8 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

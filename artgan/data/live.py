"""Pictures that are decoded when they are asked for, where there are too many to store."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from artgan.data.decode import decode
from artgan.data.intake import Found
from artgan.errors import ImageError
from artgan.pictures import PictureSpec, quiet
from artgan.screen import plural, safe, say

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LivePictures"]

_WARNINGS = 10
_AHEAD = 1024  # pictures that `prefetch` holds at most


class LivePictures:
    """Pictures of a folder, decoded on demand by a few threads.

    A file that vanished or went bad is replaced by the next one that is good, after one line on
    stderr. The attributes are those of `StoredPictures`.

    Args:
        folder: where they lie.
        pictures: what the survey found, without duplicates.
        twins: relative paths of each duplicate and of the picture used instead.
        spec: what they are brought to.
        fingerprint: a digest of the pictures.
        workers: decoding threads.
    """

    on_disk = False

    def __init__(
        self,
        folder: Path,
        pictures: Sequence[Found],
        twins: list[tuple[str, str]],
        spec: PictureSpec,
        fingerprint: str,
        workers: int,
    ) -> None:
        self.twins = twins
        self._found = list(pictures)
        self.names = [found.name for found in self._found]
        self.skipped: list[tuple[Path, str]] = []
        self.fingerprint = fingerprint
        self._folder, self._spec = folder, spec
        self._bad: set[int] = set()
        self._lock = threading.Lock()
        self._ahead: dict[int, Future[NDArray[np.uint8]]] = {}
        self._quiet = contextlib.ExitStack()
        self._quiet.enter_context(quiet())  # once for all: `quiet` sets what is the process's
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="artgan-decode")

    @property
    def duplicates(self) -> int:
        """Return how many files were left out since another has the same content."""
        return len(self.twins)

    def __len__(self) -> int:
        return len(self._found)

    def batch(self, indices: Sequence[int]) -> Tensor:
        """Return pictures by their numbers: uint8, (n, C, H, W).

        Raises:
            ImageError: more than half of the files are gone or bad.
        """
        import torch

        wanted = [range(len(self))[index] for index in indices]
        futures = {
            i: self._ahead.pop(i) if i in self._ahead else self._submit(i)
            for i in dict.fromkeys(wanted)
        }
        pixels = {i: future.result() for i, future in futures.items()}
        shape = (len(wanted), self._spec.channels, *self._spec.size)
        stacked = np.stack([pixels[i] for i in wanted]) if wanted else np.empty(shape, np.uint8)
        return torch.from_numpy(stacked)

    def prefetch(self, indices: Sequence[int]) -> None:
        """Begin to decode pictures that will be asked for next."""
        for i in (range(len(self))[index] for index in indices):
            if i not in self._ahead and len(self._ahead) < _AHEAD:
                self._ahead[i] = self._submit(i)

    def close(self) -> None:
        """Stop the threads; no picture can be asked for any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._ahead.clear()
        self._quiet.close()

    def _submit(self, index: int) -> Future[NDArray[np.uint8]]:
        return self._pool.submit(self._picture, index)

    def _picture(self, index: int) -> NDArray[np.uint8]:
        """Return a picture, or the next one that is good."""
        while True:
            self._check_enough()
            if index not in self._bad:
                decoded = decode(self._folder, self._found[index], self._spec)
                if decoded.pixels is not None:
                    return decoded.pixels
                self._give_up(index, decoded.reason)
            index = (index + 1) % len(self)

    def _give_up(self, index: int, reason: str) -> None:
        with self._lock:
            if index in self._bad:
                return
            self._bad.add(index)
            self.skipped.append((Path(self.names[index]), reason))
            if len(self._bad) <= _WARNINGS:
                say(f"{safe(self.names[index])} is left out from now on: {safe(reason)}")
            elif len(self._bad) == _WARNINGS + 1:
                say("more files are left out: they are not named any more")

    def _check_enough(self) -> None:
        if 2 * len(self._bad) > len(self):
            raise ImageError(
                f"{len(self._bad):,} of {plural(len(self), 'picture')} in "
                f"{safe(self._folder)} are gone or damaged: bring them back, or start anew "
                "with those that are left"
            )

"""Pictures that are decoded when they are asked for, where there are too many to store."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
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

__all__ = ["LivePictures", "find_twins"]

_WARNINGS = 10
_AHEAD = 1024  # pictures that `prefetch` holds at most


class LivePictures:
    """Pictures of a folder, decoded on demand by a few threads.

    A file that vanished or went bad is replaced by the next one that is good, after one line on
    stderr. The attributes are those of `StoredPictures`.
    """

    on_disk = False

    def __init__(
        self, folder: Path, pictures: Sequence[Found], spec: PictureSpec, key: str, workers: int
    ) -> None:
        self.twins = find_twins(folder, pictures)
        copies = {name for name, _ in self.twins}
        self._found = [found for found in pictures if found.name not in copies]
        self.names = [found.name for found in self._found]
        self.skipped: list[tuple[Path, str]] = []
        self.fingerprint = f"listing-{key}"
        self._folder, self._spec = folder, spec
        self._bad: set[int] = set()
        self._lock = threading.Lock()
        self._ahead: dict[int, Future[NDArray[np.uint8]]] = {}
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

    def _submit(self, index: int) -> Future[NDArray[np.uint8]]:
        return self._pool.submit(self._picture, index)

    def _picture(self, index: int) -> NDArray[np.uint8]:
        """Return a picture, or the next one that is good."""
        while True:
            if index not in self._bad:
                with quiet():
                    decoded = decode(self._folder, self._found[index], self._spec)
                if decoded.pixels is not None:
                    return decoded.pixels
                self._give_up(index, decoded.reason)
            index = (index + 1) % len(self)

    def _give_up(self, index: int, reason: str) -> None:
        with self._lock:
            if index not in self._bad:
                self._bad.add(index)
                self.skipped.append((Path(self.names[index]), reason))
                if len(self._bad) <= _WARNINGS:
                    say(f"{safe(self.names[index])} is left out from now on: {safe(reason)}")
                elif len(self._bad) == _WARNINGS + 1:
                    say("more files are left out: they are not named any more")
            if 2 * len(self._bad) > len(self):
                raise ImageError(
                    f"{len(self._bad):,} of {plural(len(self), 'picture')} in "
                    f"{safe(self._folder)} are gone or damaged: bring them back, or start anew "
                    "with those that are left"
                )


def find_twins(folder: Path, pictures: Sequence[Found]) -> list[tuple[str, str]]:
    """Return the files with the same content as an earlier one, each with that one.

    Only files of equal length and size are read, at first only their beginnings.
    """

    def start(found: Found) -> bytes:
        return _digest(folder / found.name, 1 << 14)

    def content(found: Found) -> bytes:
        return _digest(folder / found.name, None)

    groups = _alike([pictures], lambda found: (found.size, found.width, found.height))
    groups = _alike(_alike(groups, start), content)
    twins = [(twin.name, group[0].name) for group in groups for twin in group[1:]]
    return sorted(twins)


def _alike(
    groups: Iterable[Sequence[Found]], key: Callable[[Found], Hashable]
) -> list[list[Found]]:
    """Return groups split further by a key, without those of one."""
    split: list[list[Found]] = []
    for group in groups:
        parts: defaultdict[Hashable, list[Found]] = defaultdict(list)
        for found in group:
            parts[key(found)].append(found)
        split += [part for part in parts.values() if len(part) > 1]
    return split


def _digest(path: Path, limit: int | None) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    left = limit
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20 if left is None else left):
                digest.update(block)
                left = None if left is None else left - len(block)
    except OSError:
        return str(path).encode("utf-8", "surrogateescape")  # unreadable: like no other
    return digest.digest()

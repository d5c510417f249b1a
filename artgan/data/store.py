"""The file that prepared pictures are kept in, and its reader. Decodes nothing.

pixels    count pictures of uint8 (C, H, W), one after the other
table     JSON: folder, shape, names, checksums, what was left out
tail      CRC-32 of the table (4 bytes), its length (8), the magic (8); little-endian
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["StoredPictures", "Table", "open_stored", "read_table", "write_table"]

_MAGIC = b"artganP\1"
_TAIL = struct.Struct("<IQ8s")
_SAMPLES = 32  # pictures whose checksums are compared when a file is opened

Table = dict[str, Any]


def write_table(file: BinaryIO, table: Table) -> None:
    """Write the table and the tail behind the pixels."""
    text = json.dumps(table, separators=(",", ":")).encode()
    file.write(text + _TAIL.pack(zlib.crc32(text), len(text), _MAGIC))


def read_table(path: Path) -> Table | None:
    """Return the table of a file; None if there is none or its length is not what it should be.

    Raises:
        OSError, ValueError, KeyError, TypeError: it cannot be read, or is another's.
    """
    with open(path, "rb") as file:
        total = file.seek(0, os.SEEK_END)
        if total < _TAIL.size:
            return None
        file.seek(total - _TAIL.size)
        checksum, length, magic = _TAIL.unpack(file.read(_TAIL.size))
        if magic != _MAGIC or length > total - _TAIL.size:
            return None
        file.seek(total - _TAIL.size - length)
        text = file.read(length)
    if zlib.crc32(text) != checksum:
        return None
    table: Table = json.loads(text)
    pixels = len(table["names"]) * int(np.prod(table["shape"]))
    return table if pixels == total - _TAIL.size - length else None


def open_stored(path: Path) -> StoredPictures | None:
    """Return the pictures in a file, mapped and not read; None if it is missing or damaged.

    The length, the table and the checksums of some pictures are verified, not all of them.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        table = read_table(path)
        if table is None:
            return None
        stored = StoredPictures(path, table)
        if stored.looks_whole():
            with contextlib.suppress(OSError):
                os.utime(path)  # used now
            return stored
        stored.close()
    return None


class StoredPictures:
    """Pictures that were decoded once, read from a memory-mapped file.

    Attributes:
        names: relative path of each picture.
        skipped: relative path and reason of each file that turned out bad when it was decoded.
        twins: relative paths of each duplicate and of the picture that is used instead.
        fingerprint: a digest of the pictures.
    """

    on_disk = True

    def __init__(self, path: Path, table: Table) -> None:
        self.names: list[str] = table["names"]
        self.skipped = [(Path(name), str(reason)) for name, reason in table["skipped"]]
        self.twins: list[tuple[str, str]] = [(name, kept) for name, kept in table["twins"]]
        self.fingerprint: str = table["fingerprint"]
        self._checksums: list[int] = table["checksums"]
        shape = (len(self.names), *table["shape"])
        mapped = np.memmap(path, np.uint8, "r", shape=shape)
        self._pixels: NDArray[np.uint8] = mapped.view(np.ndarray)

    @property
    def duplicates(self) -> int:
        """Return how many files were left out since another gives the same picture."""
        return len(self.twins)

    def __len__(self) -> int:
        return len(self.names)

    def batch(self, indices: Sequence[int]) -> Tensor:
        """Return pictures by their numbers: uint8, (n, C, H, W)."""
        import torch

        return torch.from_numpy(self._pixels[np.asarray(indices, dtype=np.intp)])

    def prefetch(self, indices: Sequence[int]) -> None:
        """Do nothing: the pictures are decoded."""

    def looks_whole(self) -> bool:
        """Return whether some evenly picked pictures have the checksums they were stored with."""
        if len(self._checksums) != len(self.names) or not self.names:
            return False
        picked = {i * len(self) // _SAMPLES for i in range(_SAMPLES)}
        return all(zlib.crc32(self._pixels[i]) == self._checksums[i] for i in picked)

    def close(self) -> None:
        """Let go of the file; the pictures cannot be read any more."""
        self._pixels = self._pixels[:0].copy()

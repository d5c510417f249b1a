"""Exact duplicates: files of a folder with identical bytes. Decodes nothing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path

from artgan.data.intake import Found

__all__ = ["find_twins"]


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

"""What a pipeline remembers of its stages, in one JSON file in the folder of results. No torch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from artgan.api import PathError
from artgan.files import explain, write_text
from artgan.options import Options
from artgan.screen import safe

__all__ = ["LEDGER", "Entry", "Ledger", "differences", "file_digest", "key_of"]

LEDGER = "pipeline.json"
"""What the file is called."""

_VERSION = 1
_NAMED = 3
"""Differences that are named one by one."""


class Entry(Options):
    """What is known of a stage that was begun, or made.

    Paths are relative to the folder of results.
    """

    key: str = Field(description="digest of the facts")
    facts: dict[str, Any] = Field(description="all that its results depend on")
    done: bool = Field(description="whether it is finished")
    outputs: dict[str, str] = Field(default_factory=dict, description="file -> SHA-256")
    earlier: dict[str, str] = Field(
        default_factory=dict, description="the same of what it made with other settings"
    )
    run: str | None = Field(None, description="the run folder of a training")


class _Book(Options):
    version: int = Field(_VERSION, ge=_VERSION, le=_VERSION)
    stages: dict[str, Entry] = Field(default_factory=dict)


class Ledger:
    """What was made, in a folder of results.

    Args:
        folder: the folder; it need not be there.

    Raises:
        PathError: its file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / LEDGER
        self._stages: dict[str, Entry] = {}
        if not self.path.exists():
            return
        try:
            book = _Book.model_validate_json(self.path.read_bytes())
        except OSError as error:
            raise PathError(f"cannot read {safe(self.path)}: {explain(error)}") from error
        except ValidationError:
            raise PathError(
                f"{safe(self.path)} is damaged, or of another artgan: remove it, and all "
                "stages are made again"
            ) from None
        self._stages = dict(book.stages)

    def entry(self, stage: str) -> Entry | None:
        """Return what is known of a stage, None for nothing."""
        return self._stages.get(stage)

    def put(self, stage: str, entry: Entry) -> None:
        """Note a stage, at once on the disk.

        Raises:
            OutputError: the system refused.
        """
        self._stages[stage] = entry
        stages = {name: each.model_dump() for name, each in self._stages.items()}
        text = json.dumps({"version": _VERSION, "stages": stages}, indent=1)
        write_text(self.path, text + "\n")

    def relative(self, path: Path) -> str:
        """Return a path as it is noted."""
        return Path(os.path.relpath(path, self.folder)).as_posix()

    def place(self, noted: str) -> Path:
        """Return the path that was noted."""
        return Path(os.path.normpath(self.folder / noted))

    def owned(self, stage: str) -> set[str]:
        """Return the real paths of the files that a stage has made.

        Those that it made with other settings are its own as long as nobody changes them.
        """
        entry = self.entry(stage)
        if entry is None:
            return set()
        earlier = [p for p, digest in entry.earlier.items() if self._is_as_left(p, digest)]
        return {os.path.realpath(self.place(noted)) for noted in [*entry.outputs, *earlier]}

    def earlier(self, stage: str, outputs: Container[str]) -> dict[str, str]:
        """Return files that a stage has made, as an entry notes them, but for its outputs now."""
        entry = self.entry(stage)
        made = {} if entry is None else {**entry.earlier, **entry.outputs}
        return {
            noted: digest
            for noted, digest in made.items()
            if noted not in outputs and self.place(noted).is_file()
        }

    def _is_as_left(self, noted: str, digest: str) -> bool:
        return digest == "" or file_digest(self.place(noted)) == digest

    def digests(self, paths: Iterable[Path]) -> dict[str, str]:
        """Return files as an entry notes them."""
        return {self.relative(path): file_digest(path) or "" for path in paths}

    def fault(self, stage: str) -> str | None:
        """Return what is wrong with the files of a stage, None if they are as it left them.

        Its name is in front of what is said, such as "walk.gif is gone".
        """
        entry = self.entry(stage)
        for noted, digest in ({} if entry is None else entry.outputs).items():
            found = file_digest(self.place(noted))
            if found != digest:
                return f"{safe(noted)} {'is gone' if found is None else 'was changed'}"
        return None


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the digest of all that a stage depends on, in hexadecimal."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return which facts changed, in words.

    >>> differences({"psi": 1.0, "fps": 25.0}, {"psi": 0.7, "fps": 25.0})
    'psi changed'
    """
    names = [name for name in now if name not in before or before[name] != now[name]]
    names += [name for name in before if name not in now]
    shown, more = [safe(name) for name in names[:_NAMED]], len(names) - _NAMED
    if more > 0:
        return f"{', '.join(shown)} and {more:,} more changed"
    words = ", ".join(shown[:-1]) + (" and " if len(shown) > 1 else "") + shown[-1] if shown else ""
    return f"{words} changed" if words else "nothing changed"


def file_digest(path: Path) -> str | None:
    """Return the SHA-256 of a file's bytes in hexadecimal, None if there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None

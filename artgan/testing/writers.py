"""What is checked of a writer: whole files or none, and nothing left behind."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from artgan.api import ArtganError, FrameWriter, Writer
from artgan.files import TEMPORARY
from artgan.testing.expect import ContractError, expect

__all__ = ["check"]

SIZE = (6, 10)
RECIPE = json.dumps({"artgan": 1, "note": "é"})


def check(record: Writer, build: Callable[..., Any], where: str) -> None:
    """Check a writer with each of its suffixes, for grey, colour and alpha."""
    expect(bool(record.suffixes), f"{where}: its record has no suffixes")
    for suffix in record.suffixes:
        expect(
            suffix == "/" or (suffix.startswith(".") and suffix == suffix.lower()),
            f"{where}: suffix {suffix!r}, expected lower case with its dot, or '/' for a folder",
        )
        for channels in (3, 1, 4):
            with tempfile.TemporaryDirectory() as folder:
                _check_whole(record, build, Path(folder), suffix, channels, where)
        with tempfile.TemporaryDirectory() as folder:
            _check_abort(build, Path(folder), suffix, where)


def _open(build: Callable[..., Any], path: Path, recipe: str | None) -> FrameWriter:
    writer: FrameWriter = build(path, size=SIZE, fps=12.5, loop=0, recipe=recipe)
    return writer


def _target(folder: Path, suffix: str) -> Path:
    return folder / ("frames" if suffix == "/" else f"picture{suffix}")


def _frame(index: int, channels: int) -> Tensor:
    return torch.full((channels, *SIZE), index / 4)


def _files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def _check_whole(
    record: Writer, build: Callable[..., Any], folder: Path, suffix: str, channels: int, where: str
) -> None:
    """Check that the file appears on close, whole, with nothing beside it."""
    at = f"{where}, suffix {suffix}, {channels} channels"
    path = _target(folder, suffix)
    writer = _open(build, path, RECIPE if channels != 1 else None)
    writer.write(_frame(0, channels), name="000", seconds=None)
    if record.animation:
        try:
            writer.write(_frame(1, channels), name="001", seconds=0.2)
        except ArtganError:  # a format with a suffix for one picture only
            writer.abort()
            writer = _open(build, path, RECIPE)
            writer.write(_frame(0, channels), name="000", seconds=None)
    early = {name for name in _files(folder) if TEMPORARY not in name}
    expect(not early, f"{at}: {sorted(early)} are there before close, expected nothing yet")
    written = writer.close()
    if not isinstance(written, list) or not written:
        raise ContractError(f"{at}: close returned {written!r}, expected the list of files written")
    for file in written:
        expect(
            Path(file).is_file() and Path(file).stat().st_size > 0,
            f"{at}: close says it wrote {Path(file).name}, which is not there or empty",
        )
    expect(path.exists(), f"{at}: {path.name} is not there after close")
    names = {str(Path(file).relative_to(folder)) for file in written}
    expect(
        _files(folder) == names,
        f"{at}: after close there are {sorted(_files(folder))}, but it says {sorted(names)}",
    )


def _check_abort(build: Callable[..., Any], folder: Path, suffix: str, where: str) -> None:
    """Check that giving up leaves nothing, and what was there before as it was."""
    at = f"{where}, suffix {suffix}"
    path = _target(folder, suffix)
    if suffix != "/":
        path.write_bytes(b"before")
    before = _files(folder)
    writer = _open(build, path, None)
    writer.write(_frame(0, 3), name="000", seconds=None)
    writer.abort()
    expect(
        _files(folder) == before,
        f"{at}: after abort there are {sorted(_files(folder))}, expected {sorted(before)}",
    )
    expect(
        suffix == "/" or path.read_bytes() == b"before",
        f"{at}: abort changed the file that was there before",
    )

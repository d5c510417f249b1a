"""What is checked of a writer: whole files with all that was given, or none, and no litter."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from artgan.api import ArtganError, FrameWriter, Size, Writer
from artgan.files import TEMPORARY
from artgan.testing.expect import ContractError, expect, expect_kept

__all__ = ["check"]

SIZE = (6, 10)
RECIPE = json.dumps({"artgan": 1, "note": "é"})
FPS = 12.5
LONGER = 0.2
"""How many seconds the second frame is to be seen."""

COLOURS = (((0.9, 0.2, 0.1), (0.1, 0.3, 0.8)), ((0.2, 0.8, 0.3), (0.6, 0.1, 0.5)))
"""Of the two halves, left and right, of each frame; grey ones have the first number of each."""

OFF, LATE = 0.2, 0.03
"""How far a colour may be from what was given, and how many seconds a frame may be."""


def check(record: Writer, build: Callable[..., Any], where: str) -> None:
    """Check a writer with each of its suffixes, for grey, colour and alpha."""
    expect(bool(record.suffixes), f"{where}: its record has no suffixes")
    expect(
        record.max_fps is None or record.max_fps > 0,
        f"{where}: its max_fps is {record.max_fps}, expected frames a second, or None for no limit",
    )
    for suffix in record.suffixes:
        expect(
            suffix == "/" or (suffix.startswith(".") and suffix == suffix.lower()),
            f"{where}: suffix {suffix!r}, expected lower case with its dot, or '/' for a folder",
        )
        for channels in (3, 1, 4):
            with tempfile.TemporaryDirectory() as folder:
                _check_whole(record, build, Path(folder), suffix, channels, where)
        for check_one in (_check_abort, _check_odd_size, _check_no_frames):
            with tempfile.TemporaryDirectory() as folder:
                check_one(build, Path(folder), suffix, f"{where}, suffix {suffix}")


def _open(build: Callable[..., Any], path: Path, recipe: str | None) -> FrameWriter:
    writer: FrameWriter = build(path, size=SIZE, fps=FPS, loop=0, recipe=recipe)
    return writer


def _target(folder: Path, suffix: str) -> Path:
    return folder / ("frames" if suffix == "/" else f"picture{suffix}")


def _frame(index: int, channels: int, size: Size = SIZE) -> Tensor:
    """Return a frame of two colours; one with alpha is opaque in its left half only."""
    halves = []
    for colour, opaque, width in zip(
        COLOURS[index], (1.0, 0.0), (size[1] // 2, size[1] - size[1] // 2), strict=True
    ):
        values = torch.tensor([*colour, opaque][:channels])
        halves.append(values[:, None, None].expand(channels, size[0], width))
    return torch.cat(halves, 2)


def _files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def _check_whole(
    record: Writer, build: Callable[..., Any], folder: Path, suffix: str, channels: int, where: str
) -> None:
    """Check that the file appears on close, whole, with nothing beside it."""
    at = f"{where}, suffix {suffix}, {channels} channels"
    path = _target(folder, suffix)
    recipe = RECIPE if channels != 1 else None
    count = 2 if record.animation else 1
    writer = _open(build, path, recipe)
    _prepare(writer, [_frame(index, channels) for index in range(count)], at)
    for index in range(count):
        frame = _frame(index, channels)
        writer.write(frame, name=f"00{index}", seconds=LONGER if index else None)
        expect_kept([frame], [_frame(index, channels)], f"{at}: write changed the frame")
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
    _check_recipe([Path(file) for file in written], recipe, at)
    _check_content([Path(file) for file in written], record, channels, count, at)


def _prepare(writer: FrameWriter, frames: list[Tensor], where: str) -> None:
    """Show a writer some frames first, if it wants to see any."""
    probes = getattr(writer, "probes", 0) or 0
    if not probes:
        return
    expect(
        isinstance(probes, int) and callable(getattr(writer, "prepare", None)),
        f"{where}: its probes are {probes!r}, expected a number of frames, and a method 'prepare'",
    )
    writer.prepare(frames[:probes])  # type: ignore[attr-defined]


def _check_recipe(files: list[Path], recipe: str | None, where: str) -> None:
    for file in files:
        expect(
            recipe is None or recipe.encode() in file.read_bytes(),
            f"{where}: the recipe is not in {file.name}, expected it there as it was given",
        )


def _check_content(
    files: list[Path], record: Writer, channels: int, count: int, where: str
) -> None:
    """Check that all frames are there, in order, in their colours; where Pillow reads them."""
    if record.still:
        return
    frames: list[tuple[Image.Image, float | None]] = []
    for file in files:
        try:
            with Image.open(file) as picture:
                size, many = picture.size[::-1], getattr(picture, "n_frames", 1)
                expect(size == SIZE, f"{where}: {file.name} is of size {size}, expected {SIZE}")
                for number in range(many):
                    picture.seek(number)
                    shown = picture.convert("RGB")
                    lasts = picture.info.get("duration") if many > 1 else None
                    frames.append((shown, None if lasts is None else lasts / 1000))
        except UnidentifiedImageError:  # a format of its own
            return
    expect(
        len(frames) == count,
        f"{where}: {len(frames)} frames can be read, expected the {count} written",
    )
    for index, (shown, lasts) in enumerate(frames):
        _check_frame(shown, _frame(index, channels), f"{where}, frame {index}")
        seconds = LONGER if index else 1 / FPS
        expect(
            lasts is None or abs(lasts - seconds) <= LATE,
            f"{where}: frame {index} lasts {lasts} s, expected {seconds:g}",
        )


def _check_frame(shown: Image.Image, given: Tensor, where: str) -> None:
    """Check that both halves have about the colour that was given, where they are opaque."""
    middle = given.shape[2] // 2
    values = torch.frombuffer(bytearray(shown.tobytes()), dtype=torch.uint8) / 255
    pixels = values.view(*given.shape[1:], 3)
    for side, columns in (("left", slice(0, middle)), ("right", slice(middle, None))):
        if len(given) == 4 and side == "right":  # transparent
            continue
        colour = pixels[:, columns].mean((0, 1))
        expected = given[:3, 0, columns][:, 0].expand(3)
        expect(
            float((colour - expected).abs().max()) <= OFF,
            f"{where}: its {side} half is {_rounded(colour)}, expected {_rounded(expected)} (red, "
            "green, blue in unit range)",
        )


def _rounded(colour: Tensor) -> str:
    return ", ".join(f"{value:.2f}" for value in colour.tolist())


def _check_odd_size(build: Callable[..., Any], folder: Path, suffix: str, where: str) -> None:
    """Check that a frame of another size than was said is refused, and nothing is left."""
    height, width = SIZE
    writer = _open(build, _target(folder, suffix), None)
    try:
        writer.write(_frame(0, 3, (width, height)), name="000", seconds=None)
        writer.close()
    except ArtganError:
        writer.abort()
    else:
        raise ContractError(
            f"{where}: it took a frame of size {(width, height)}, though it was opened for {SIZE}: "
            "expected an ArtganError"
        )
    expect(not _files(folder), f"{where}: a refused frame left {sorted(_files(folder))}")


def _check_no_frames(build: Callable[..., Any], folder: Path, suffix: str, where: str) -> None:
    """Check that an end without any frame is refused, and nothing is left."""
    writer = _open(build, _target(folder, suffix), None)
    try:
        writer.close()
    except ArtganError:
        writer.abort()
    else:
        raise ContractError(f"{where}: close without a frame did nothing, expected an ArtganError")
    expect(not _files(folder), f"{where}: without a frame it left {sorted(_files(folder))}")


def _check_abort(build: Callable[..., Any], folder: Path, suffix: str, where: str) -> None:
    """Check that giving up leaves nothing, and what was there before as it was."""
    path = _target(folder, suffix)
    if suffix != "/":
        path.write_bytes(b"before")
    before = _files(folder)
    writer = _open(build, path, None)
    writer.write(_frame(0, 3), name="000", seconds=None)
    writer.abort()
    expect(
        _files(folder) == before,
        f"{where}: after abort there are {sorted(_files(folder))}, expected {sorted(before)}",
    )
    expect(
        suffix == "/" or path.read_bytes() == b"before",
        f"{where}: abort changed the file that was there before",
    )

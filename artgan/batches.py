"""Batches of pictures to redraw: the inputs, what each output is called, which are finished.

It decodes no source, and imports nothing heavy before it is used.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import NamedTuple

from artgan.data.intake import Progress, survey
from artgan.errors import ConfigError, ImageError, PathError, nearest
from artgan.outputs import check_place
from artgan.picturefiles import WRITABLE, read_recipe
from artgan.screen import plural, safe

__all__ = [
    "Batch",
    "Item",
    "Plan",
    "digest",
    "gather",
    "is_finished",
    "plan",
    "refuse",
    "single_output",
]

_OTHERWISE = ".png"  # the suffix of outputs whose source has one that cannot be written
_USABLE = "too small"  # how the survey's reason begins for what can be redrawn all the same
_CLASSES = "they are not classes"  # how the survey's note ends that is of no use here


@dataclass(frozen=True)
class Item:
    """A picture and what its redrawing is called.

    Attributes:
        path: the source.
        name: the output, relative to the output folder.
    """

    path: Path
    name: Path


@dataclass
class Batch:
    """What is to be redrawn.

    Attributes:
        items: as they were given, sorted within a folder or pattern.
        skipped: path and reason of each input that cannot be used.
        notes: sentences worth telling.
    """

    items: list[Item] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Plan(NamedTuple):
    """What is left of a batch.

    Attributes:
        todo: to be redrawn.
        done: exists, whole and with the same recipe.
        blocked: outputs that exist and were made otherwise.
    """

    todo: list[Item]
    done: list[Item]
    blocked: list[Path]


# Inputs -------------------------------------------------------------------------------------


def gather(
    inputs: Sequence[str],
    *,
    out: str | None = None,
    suffix: str | None = None,
    progress: Progress | None = None,
) -> Batch:
    """Return the pictures among some inputs, each once, and what their outputs are called.

    A file of a folder keeps its path below it. A pattern means the same as its matches given one
    by one; a name with *, ? or [ that exists is no pattern. Where two outputs would have one name,
    whatever their case, all but the first get the name of their source's folder in front, and
    where that is taken a number at the end.

    Args:
        inputs: files, folders and patterns; ** is any number of folders.
        out: where the outputs go. If it lies inside an input folder, what is in it is left out.
        suffix: what every output ends in, such as ".png"; None keeps the source's where that can
            be written.
        progress: told how many headers of a folder are read.

    Raises:
        ConfigError: nothing writes the suffix.
        PathError: an input does not exist, or nothing matches it.
        ImageError: none of the inputs can be used.
    """
    if suffix is not None and suffix.lower() not in WRITABLE:
        raise ConfigError(
            f"pictures are not written as '{safe(suffix)}': {nearest(suffix.lower(), WRITABLE)}"
        )
    sources = _Sources(out)
    for given in inputs:
        matches, base = _expand(given)
        for path in matches:
            if path.is_dir():
                sources.add_folder(path, path if base is None else base, progress)
            else:
                sources.add_file(path, base)
    if not sources.found:
        raise ImageError(sources.why_none())
    items, renamed = _named(sources.found, suffix)
    notes = sources.notes()
    if renamed:
        name = f"{safe(renamed[0].path)} as {safe(renamed[0].name)}"
        notes.append(f"{plural(len(renamed), 'output')} renamed, such as {name}: the name is taken")
    return Batch(items, sources.skipped, notes)


def _expand(given: str) -> tuple[list[Path], Path | None]:
    """Return what an input means, and the folder that a pattern searches, None if it is none."""
    if os.path.lexists(given):
        return [Path(given)], None
    if not _is_pattern(given):
        raise PathError(
            f"no file or folder {safe(given) or repr(given)}: give pictures, folders of them, "
            "or patterns such as 'photos/*.jpg'"
        )
    matches = sorted(glob(given, recursive=True))
    if not matches:
        raise PathError(f"nothing matches {safe(given)}: give pictures or folders that exist")
    fixed = itertools.takewhile(lambda part: not _is_pattern(part), Path(given).parts)
    return [Path(match) for match in matches], Path(*fixed)


def _is_pattern(name: str) -> bool:
    return any(char in name for char in "*?[")


class _Sources:
    """Pictures that are found one after the other, each once.

    Attributes:
        found: path and wanted name of each.
        skipped: see `Batch`.
    """

    def __init__(self, out: str | None) -> None:
        self.found: list[tuple[Path, Path]] = []
        self.skipped: list[tuple[Path, str]] = []
        self._out = out
        self._out_inside = "" if out is None else _inside(out)
        self._seen: set[str] = set()
        self._own = 0
        self._surveys: list[tuple[Path, list[str]]] = []

    def add_file(self, path: Path, base: Path | None) -> None:
        """Take a file that was given, or matched by a pattern that searches a folder."""
        from artgan.pictures import UnreadablePicture, read_header

        if not self._is_new(path, base):
            return
        if not path.exists():
            self.skipped.append((path, "a link that leads nowhere"))
            return
        try:
            read_header(path)
        except UnreadablePicture as error:
            self.skipped.append((path, error.reason))
        else:
            self.found.append((path, Path(path.name)))

    def add_folder(self, folder: Path, base: Path, progress: Progress | None) -> None:
        """Take the pictures of a folder, given or matched by a pattern that searches another."""
        intake = survey(folder, progress=progress)
        small = [str(name) for name, reason in intake.skipped if reason.startswith(_USABLE)]
        for name in sorted([*(found.name for found in intake.pictures), *small]):
            if self._is_new(folder / name, base):
                self.found.append((folder / name, Path(name)))
        for inner, reason in intake.skipped:
            if not reason.startswith(_USABLE) and self._is_new(folder / inner, base):
                self.skipped.append((folder / inner, reason))
        if not intake.pictures and not intake.skipped:
            self.skipped.append((folder, "no pictures are in it"))
        notes = [note for note in intake.notes if not note.endswith(_CLASSES)]
        self._surveys.append((folder, notes))

    def _is_new(self, path: Path, base: Path | None) -> bool:
        real = os.path.realpath(path)
        if real in self._seen:
            return False
        self._seen.add(real)
        if base is not None and self._out_inside and real.startswith(self._out_inside):
            if self._out_inside.startswith(_inside(base)) and self._out_inside != _inside(base):
                self._own += 1
                return False
        return True

    def notes(self) -> list[str]:
        """Return sentences worth telling."""
        several = len(self._surveys) > 1
        found = [
            f"{safe(folder)}: {note}" if several else note
            for folder, notes in self._surveys
            for note in notes
        ]
        if self._own:
            files = plural(self._own, "file")
            found.append(f"{files} in {safe(self._out)} left out: results go there")
        return found

    def why_none(self) -> str:
        """Return why there is nothing to redraw."""
        if not self.skipped:
            place = f" outside of {safe(self._out)}, where results go" if self._own else ""
            return f"there are no pictures{place}: give pictures, or folders of them"
        path, reason = self.skipped[0]
        if len(self.skipped) == 1:
            return f"{safe(path)} cannot be used: {reason}"
        count = plural(len(self.skipped), "input")
        return f"none of {count} can be used, the first is {safe(path)}: {reason}"


def _inside(folder: str | Path) -> str:
    """Return how the real path of whatever is in a folder begins."""
    return os.path.realpath(folder).rstrip(os.sep) + os.sep


# Names --------------------------------------------------------------------------------------


def _named(
    sources: Sequence[tuple[Path, Path]], suffix: str | None
) -> tuple[list[Item], list[Item]]:
    """Return the items of sources, and those of them that could not have the name they wanted."""
    wanted = [_suffixed(name, suffix) for _, name in sources]
    taken = {_key(folder) for name in wanted for folder in name.parents}
    late = set()
    for number, name in enumerate(wanted):
        if _key(name) in taken:
            late.add(number)
        taken.add(_key(name))
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(2))
    items, renamed = [], []
    for number, ((path, _), name) in enumerate(zip(sources, wanted, strict=True)):
        if number in late:
            others = _others(path, name, numbers[_key(name)])
            name = next(other for other in others if _key(other) not in taken)
            taken.add(_key(name))
        items.append(Item(path, name))
        if number in late:
            renamed.append(items[-1])
    return items, renamed


def _suffixed(name: Path, suffix: str | None) -> Path:
    stem, own = os.path.splitext(name.name)
    if suffix is None:
        suffix = own if own.lower() in WRITABLE else _OTHERWISE
    return name.with_name(stem + suffix)


def _key(name: Path) -> str:
    """Return what two names have in common that are one on some file system."""
    return unicodedata.normalize("NFC", name.as_posix().casefold())


def _others(path: Path, name: Path, numbers: Iterator[int]) -> Iterator[Path]:
    folder = Path(os.path.abspath(path)).parent.name
    if folder:
        yield name.with_name(f"{folder}-{name.name}")
    for number in numbers:
        yield name.with_name(f"{name.stem}-{number}{name.suffix}")


# Outputs ------------------------------------------------------------------------------------


def single_output(out: str, batch: Batch) -> Path | None:
    """Return the file that a lone picture becomes; None if the output is a folder.

    Whoever gets a file gives `plan` its folder, and the item its name.

    Args:
        out: a folder, or a file whose suffix can be written.
        batch: what is to be redrawn.

    Raises:
        ConfigError: several pictures for one file, or nothing writes the suffix.
        PathError: it is the source.
    """
    path = Path(out)
    if out.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
        return None
    if path.suffix.lower() not in WRITABLE:
        raise ConfigError(
            f"{safe(out)}: pictures are not written as '{safe(path.suffix)}': "
            f"{nearest(path.suffix.lower(), WRITABLE)}, or a folder, its name ending in /"
        )
    if len(batch.items) > 1:
        raise ConfigError(
            f"{safe(out)} holds one picture, {len(batch.items):,} were given: "
            f"give a folder, such as {safe(path.with_suffix(''))}/"
        )
    _check_sources(batch, [path])
    return path


def _check_sources(batch: Batch, paths: Iterable[Path]) -> None:
    sources = {os.path.realpath(item.path) for item in batch.items}
    for path in paths:
        if os.path.realpath(path) in sources:
            raise PathError(
                f"{safe(path)} is one of the pictures, -o would overwrite it: choose another -o"
            )


def plan(
    batch: Batch,
    out: Path,
    recipes: Callable[[Item], str | None],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """Return what of a batch is to be redrawn, what is finished, and what stands in the way.

    An output with the right recipe that is damaged is redrawn; one that is finished is not, even
    with `overwrite`.

    Args:
        batch: what was asked for.
        out: the output folder.
        recipes: what an item's output will keep, or None if nothing; asked only where the output
            exists, and what it raises is let through.
        overwrite: whether what was made otherwise is replaced.
        progress: told how many items are looked at.

    Raises:
        PathError: an output is one of the sources, or cannot be written where it should be.
    """
    _check_sources(batch, (out / item.name for item in batch.items))
    found = Plan([], [], [])
    for count, item in enumerate(batch.items, 1):
        path = out / item.name
        check_place(path, folder=False, overwrite=True)
        if not path.exists():
            found.todo.append(item)
        elif (recipe := recipes(item)) is not None and is_finished(path, recipe):
            found.done.append(item)
        elif overwrite or (recipe is not None and read_recipe(path) == recipe):
            found.todo.append(item)
        else:
            found.blocked.append(path)
        if progress is not None:
            progress(count, len(batch.items))
    return found


def refuse(blocked: Sequence[Path]) -> None:
    """Refuse outputs that exist and were made otherwise, all in one sentence.

    Raises:
        PathError: there are some.
    """
    if not blocked:
        return
    what = "exists and was made otherwise"
    if len(blocked) > 1:
        what = f"and {len(blocked) - 1:,} more exist and were made otherwise"
    raise PathError(f"{safe(blocked[0])} {what}: add --overwrite or choose another -o")


def is_finished(path: Path, recipe: str) -> bool:
    """Return whether a file is a whole picture that keeps exactly this recipe."""
    from artgan.pictures import UnreadablePicture, load_picture

    if read_recipe(path) != recipe:
        return False
    try:
        load_picture(path, max_pixels=sys.maxsize, near=(1, 1))
    except UnreadablePicture:
        return False
    return True


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        UnreadablePicture: it cannot be read.
    """
    from artgan.pictures import UnreadablePicture

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise UnreadablePicture(path, "vanished", lasting=False) from error
    except OSError as error:
        reason = f"unreadable: {(error.strerror or str(error)).lower()}"
        raise UnreadablePicture(path, reason, lasting=False) from error

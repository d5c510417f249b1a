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
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from artgan.data.intake import Progress
from artgan.errors import ConfigError, ImageError, PathError, nearest
from artgan.outputs import check_place
from artgan.picturefiles import WRITABLE, read_recipe
from artgan.screen import plural, safe
from artgan.sources import Sources, expand

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


@dataclass(frozen=True)
class Item:
    """A picture, or an animation, and what its redrawing is called.

    Attributes:
        path: the source.
        name: the output, relative to the output folder.
        moving: whether it is an animation, and becomes one.
    """

    path: Path
    name: Path
    moving: bool = False


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
    moving: Collection[str] = (),
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
        suffix: what every output ends in that can be written so, such as ".png"; None keeps the
            source's where that can be written.
        moving: the suffixes that animations can be written with; without any, they are pictures,
            of which the first one counts, and videos are none.
        progress: told how many headers of a folder are read.

    Raises:
        ConfigError: nothing writes the suffix.
        PathError: an input does not exist, or nothing matches it.
        ImageError: none of the inputs can be used.
    """
    if suffix is not None and suffix.lower() not in {*WRITABLE, *moving}:
        raise _unwritable(suffix, {*WRITABLE, *moving})
    sources = Sources(out, bool(moving))
    for given in inputs:
        matches, base = expand(given)
        for path in matches:
            if path.is_dir():
                sources.add_folder(path, path if base is None else base, progress)
            else:
                sources.add_file(path, base)
    if not sources.found:
        raise ImageError(sources.why_none())
    items, renamed = _named(sources.found, suffix, moving)
    if suffix is not None and not any(_takes(item, suffix, moving) for item in items):
        raise _unwritable(suffix, moving if items[0].moving else WRITABLE, items[0].moving)
    notes = sources.notes()
    others = [item for item in items if item.moving and _suffix(item.path) not in moving]
    if others and suffix is None:
        more = f", as {len(others) - 1:,} more like it" if len(others) > 1 else ""
        notes.append(
            f"{safe(others[0].path)} becomes {others[0].name.suffix}{more}: "
            f"nothing writes animations as '{safe(_suffix(others[0].path))}'"
        )
    if renamed:
        name = f"{safe(renamed[0].path)} as {safe(renamed[0].name)}"
        notes.append(f"{plural(len(renamed), 'output')} renamed, such as {name}: the name is taken")
    return Batch(items, sources.skipped, notes)


def _suffix(path: Path) -> str:
    return os.path.splitext(path.name)[1].lower()


def _takes(item: Item, suffix: str, moving: Collection[str]) -> bool:
    return suffix.lower() in (moving if item.moving else WRITABLE)


def _unwritable(suffix: str, known: Collection[str], animations: bool = False) -> ConfigError:
    what = "animations" if animations else "pictures"
    return ConfigError(
        f"{what} are not written as '{safe(suffix)}': {nearest(suffix.lower(), known)}"
    )


# Names --------------------------------------------------------------------------------------


def _named(
    sources: Sequence[tuple[Path, Path, str]], suffix: str | None, moving: Collection[str]
) -> tuple[list[Item], list[Item]]:
    """Return the items of sources, and those of them that could not have the name they wanted."""
    wanted = [
        _suffixed(name, suffix, moving if other else WRITABLE, other or _OTHERWISE)
        for _, name, other in sources
    ]
    taken = {_key(folder) for name in wanted for folder in name.parents}
    late = set()
    for number, name in enumerate(wanted):
        if _key(name) in taken:
            late.add(number)
        taken.add(_key(name))
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(2))
    items, renamed = [], []
    for number, ((path, _, other), name) in enumerate(zip(sources, wanted, strict=True)):
        if number in late:
            others = _others(path, name, numbers[_key(name)])
            name = next(each for each in others if _key(each) not in taken)
            taken.add(_key(name))
        items.append(Item(path, name, moving=bool(other)))
        if number in late:
            renamed.append(items[-1])
    return items, renamed


def _suffixed(name: Path, suffix: str | None, known: Collection[str], otherwise: str) -> Path:
    """Return a name with the suffix that is asked for, else its own, else another."""
    stem, own = os.path.splitext(name.name)
    fitting = [each for each in (suffix, own) if each is not None and each.lower() in known]
    return name.with_name(stem + (fitting[0] if fitting else otherwise))


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


def single_output(out: str, batch: Batch, *, moving: Collection[str] = ()) -> Path | None:
    """Return the file that a lone picture or animation becomes; None if the output is a folder.

    Whoever gets a file gives `plan` its folder, and the item its name.

    Args:
        out: a folder, or a file whose suffix can be written.
        batch: what is to be redrawn.
        moving: the suffixes that animations can be written with.

    Raises:
        ConfigError: several pictures for one file, or nothing writes the suffix.
        PathError: it is the source.
    """
    path = Path(out)
    if out.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
        return None
    alone = batch.items[0].moving if len(batch.items) == 1 else None
    known = {*([] if alone else WRITABLE), *([] if alone is False else moving)}
    if path.suffix.lower() not in known:
        why = _unwritable(path.suffix, known, bool(alone))
        raise ConfigError(f"{safe(out)}: {why}, or a folder, its name ending in /")
    if alone is None:
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
        elif (recipe := recipes(item)) is not None and is_finished(
            path, recipe, moving=item.moving
        ):
            found.done.append(item)
        elif overwrite or (recipe is not None and _kept(path, item.moving) == recipe):
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


def _kept(path: Path, moving: bool) -> str | None:
    from artgan.animations import kept_recipe

    return kept_recipe(path) if moving else read_recipe(path)


def is_finished(path: Path, recipe: str, *, moving: bool = False) -> bool:
    """Return whether a file is a whole picture, or animation, that keeps exactly this recipe."""
    from artgan.animations import is_whole
    from artgan.pictures import UnreadablePicture, load_picture

    if _kept(path, moving) != recipe:
        return False
    if moving:
        return is_whole(path)
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

"""The survey of a folder: which of its files are pictures, by their headers. Decodes nothing."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artgan.data.cache import cache_folder
from artgan.errors import ArtganError, PathError
from artgan.files import explain, write_bytes
from artgan.screen import plural, safe

__all__ = ["Found", "Intake", "Progress", "reasons", "resolved", "survey"]

Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""

_VERSION = 2  # of the index of a survey
_LITTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir"}
_RUN = {"config.toml", "stats.jsonl"}  # a folder with both is a run of artgan


@dataclass(frozen=True, slots=True)
class Found:
    """A file that claims to be a picture of a usable size.

    Attributes:
        name: path relative to the folder.
        size: bytes.
        mtime_ns: when it was changed, nanoseconds since 1970.
        width, height: pixels, upright.
        format, mode: Pillow's names.
        several: whether it holds more pictures than the first.
        mark: checksum of how the file begins and ends.
    """

    name: str
    size: int
    mtime_ns: int
    width: int
    height: int
    format: str
    mode: str
    several: bool = False
    mark: int = 0

    @property
    def path(self) -> Path:
        """Return the path relative to the folder."""
        return Path(self.name)


@dataclass
class Intake:
    """What a folder holds.

    Attributes:
        folder: the folder.
        pictures: usable as far as their headers tell, sorted by relative path.
        skipped: relative path and reason of each file that was meant to be a picture.
        ignored: number of files that were not: hidden ones and other kinds.
        notes: sentences worth telling.
    """

    folder: Path
    pictures: list[Found] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    ignored: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass
class _Walk:
    """What a walk through a folder meets: files to look into, and the rest."""

    files: list[tuple[str, int, int]] = field(default_factory=list)  # name, size, mtime_ns
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    ignored: int = 0
    linked_folders: int = 0
    runs: int = 0


def survey(folder: Path, *, progress: Progress | None = None) -> Intake:
    """Return what a folder and its sub-folders hold, by the headers of the files.

    Only regular files are opened, and links to such; links to folders are not followed. What was
    learnt about a file is kept in the cache until its size or time changes.

    Args:
        folder: where to look.
        progress: told how many headers are read.

    Raises:
        PathError: the folder is missing, is no folder or cannot be read.
    """
    folder = Path(folder)
    walk = _walk(folder)
    index_file, index = _load_index(folder)
    intake = Intake(folder, skipped=walk.skipped, ignored=walk.ignored)
    fresh: dict[str, list[Any]] = {}
    news = False
    for done, (name, size, mtime_ns) in enumerate(walk.files, 1):
        entry = index.get(name)
        if entry is None or entry[:2] != [size, mtime_ns]:
            entry, lasting = _look(folder, name, size, mtime_ns)
            news = news or lasting
        else:
            lasting = True
        if lasting:
            fresh[name] = entry
        _sort_in(intake, name, entry)
        if progress is not None and (done % 64 == 0 or done == len(walk.files)):
            progress(done, len(walk.files))
    intake.pictures.sort(key=lambda found: found.name)
    intake.skipped.sort()
    intake.notes = _notes(intake, walk)
    if index_file is not None and (news or len(fresh) != len(index)):
        with contextlib.suppress(ArtganError):  # it only saves time
            table = _signature() | {"folder": resolved(folder), "files": fresh}
            write_bytes(index_file, json.dumps(table).encode())
    return intake


def _walk(folder: Path) -> _Walk:
    walk = _Walk()
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        raise PathError(_unusable(folder, error)) from error
    pending = [""]
    while pending:
        inside = pending.pop()
        try:
            with os.scandir(os.path.join(folder, inside)) as scan:
                entries = list(scan)
        except OSError as error:
            walk.skipped.append((Path(inside), f"unreadable: {_short(error)}"))
            continue
        if inside and {entry.name for entry in entries} >= _RUN:
            walk.runs += 1
            continue
        for entry in entries:
            _meet(entry, os.path.join(inside, entry.name), walk, pending)
    walk.files.sort()
    return walk


def _unusable(folder: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no folder {safe(folder)}: give a folder of pictures"
    if isinstance(error, NotADirectoryError):
        return f"{safe(folder)} is not a folder: give the folder that the pictures lie in"
    return f"cannot read {safe(folder)}: {explain(error)}"


def _short(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission is denied"
    return (error.strerror or str(error)).lower()


def _meet(entry: os.DirEntry[str], name: str, walk: _Walk, pending: list[str]) -> None:
    """Put one entry of a folder where it belongs."""
    if entry.name.startswith(".") or entry.name.lower() in _LITTER:
        walk.ignored += 1
        return
    try:
        state = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(state.st_mode):
            pending.append(name)
            return
        if stat.S_ISLNK(state.st_mode):
            state = entry.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) or error.errno == errno.ELOOP
        reason = "a link that leads nowhere" if missing else f"unreadable: {_short(error)}"
        walk.skipped.append((Path(name), reason))
        return
    if stat.S_ISREG(state.st_mode):
        walk.files.append((name, state.st_size, state.st_mtime_ns))
    elif stat.S_ISDIR(state.st_mode):
        walk.linked_folders += 1
    else:
        walk.skipped.append((Path(name), "not a regular file"))


# An entry of the index: size, mtime_ns, then a reason, None if not a picture, or a header.


def _look(folder: Path, name: str, size: int, mtime_ns: int) -> tuple[list[Any], bool]:
    """Return the entry of a file, and whether it will hold as long as the file is not changed."""
    from artgan.formats import PICTURE_SUFFIXES
    from artgan.pictures import MIN_SIDE, UnreadablePicture, read_header

    try:
        header = read_header(folder / name)
    except UnreadablePicture as error:
        meant = error.is_picture or os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES
        return [size, mtime_ns, error.reason if meant else None], error.lasting
    width, height = header.width, header.height
    if min(width, height) < MIN_SIDE:
        reason = f"too small: {width}x{height} px, and each side needs {MIN_SIDE}"
        return [size, mtime_ns, reason], True
    kind = [header.format, header.mode, header.several, header.mark]
    return [size, mtime_ns, width, height, *kind], True


def _sort_in(intake: Intake, name: str, entry: list[Any]) -> None:
    if len(entry) > 3:
        intake.pictures.append(Found(name, *entry))
    elif entry[2] is None:
        intake.ignored += 1
    else:
        intake.skipped.append((Path(name), entry[2]))


def _notes(intake: Intake, walk: _Walk) -> list[str]:
    notes = []
    folders = {os.path.dirname(found.name) for found in intake.pictures} - {""}
    if folders:
        notes.append(f"{plural(len(folders), 'sub-folder')} searched: they are not classes")
    several = sum(found.several for found in intake.pictures)
    if several:
        holds = "holds" if several == 1 else "hold"
        notes.append(f"{plural(several, 'file')} {holds} several pictures: the first one is used")
    if walk.runs:
        notes.append(f"{plural(walk.runs, 'run folder')} of artgan not searched")
    if walk.linked_folders:
        notes.append(f"{plural(walk.linked_folders, 'link')} to folders not followed")
    return notes


# The index ----------------------------------------------------------------------------------


def _signature() -> dict[str, Any]:
    import PIL

    from artgan.formats import FORMATS

    return {"version": _VERSION, "pillow": PIL.__version__, "formats": sorted(FORMATS)}


def _load_index(folder: Path) -> tuple[Path | None, dict[str, list[Any]]]:
    """Return where the index of a folder is kept and what is in it; a damaged one is empty."""
    try:
        where = hashlib.sha256(os.fsencode(resolved(folder))).hexdigest()[:24]
        file = cache_folder() / "surveys" / f"{where}.json"
    except (ArtganError, OSError):
        return None, {}
    with contextlib.suppress(Exception):
        table = json.loads(file.read_bytes())
        files = table.pop("files")
        table.pop("folder")
        if table == _signature() and all(_is_entry(entry) for entry in files.values()):
            return file, files
    return file, {}


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, list) or len(entry) not in (3, 8):
        return False
    kinds = [type(value) for value in entry]
    if len(entry) == 3:
        return kinds[:2] == [int, int] and kinds[2] in (str, type(None))
    return kinds == [int, int, int, int, str, str, bool, int]


def resolved(folder: Path) -> str:
    """Return the absolute path of a folder without links, as far as that can be found out."""
    with contextlib.suppress(OSError, RuntimeError):
        return str(folder.resolve())
    return str(folder.absolute())


def reasons(skipped: list[tuple[Path, str]]) -> str:
    """Return how often each kind of reason occurs, the most frequent first.

    >>> reasons([(Path("a"), "empty"), (Path("b"), "truncated: here"), (Path("c"), "truncated")])
    '2 truncated, 1 empty'
    """
    counts = Counter(reason.split(":")[0].split(",")[0] for _, reason in skipped)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {kind}" for kind, count in ordered)

"""The only place that writes files: whole or not at all. Knows nothing of what is in them."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from artgan.errors import OutputError
from artgan.screen import safe

__all__ = [
    "TEMPORARY",
    "Pending",
    "append_line",
    "atomic_folder",
    "atomic_write",
    "create",
    "explain",
    "gathered_files",
    "sweep",
    "sync_folder",
    "write_bytes",
    "write_text",
]

TEMPORARY = ".artgan-tmp-"

_REASONS = {
    errno.ENOSPC: "no space is left on the disk: free some and try again",
    errno.EDQUOT: "the disk quota is used up: free some space and try again",
    errno.EROFS: "the disk is read-only: choose another place",
    errno.EACCES: "permission is denied: choose another place or change its permissions",
    errno.EPERM: "it is not permitted: choose another place or change its permissions",
    errno.ENOTDIR: "a part of the path is a file, not a folder: choose another place",
    errno.EISDIR: "a folder is in the way: choose another name",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
}


def explain(error: OSError) -> str:
    """Return an operating system's refusal as a clause with what to do."""
    reason = _REASONS.get(error.errno or 0)
    return reason if reason is not None else (error.strerror or str(error)).lower()


def create(path: Path) -> BinaryIO:
    """Return a new file opened for writing; every file that artgan writes begins here."""
    return open(path, "wb")


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        final = Path(*(part for part in path.parts if not part.startswith(TEMPORARY)))
        raise OutputError(f"cannot write {safe(final)}: {explain(error)}") from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _temporary_beside(path: Path) -> Path:
    unique = os.urandom(4).hex()  # threads of one process may write the same file
    return path.with_name(f"{TEMPORARY}{os.getpid()}-{unique}-{path.name[-40:]}")


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes its final name only when the block ends well.

    The file is written beside its place under a temporary name, flushed to the disk, renamed over
    whatever was there, and the folder is flushed too. On any failure the temporary file is removed
    and what was there before stays. Its mode follows the umask.

    Raises:
        OutputError: the system refused a write; says which path and why.
    """
    path = Path(path)
    temporary = _temporary_beside(path)
    try:
        with _refusals(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with create(temporary) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file, or leave what was there (see `atomic_write`)."""
    with atomic_write(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file, or leave what was there (see `atomic_write`)."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes its final name only when the block ends well.

    Files in it are to be written with `write_bytes`, which flushes each to the disk.

    Raises:
        OutputError: the system refused, or the final name is taken.
    """
    path = Path(path)
    temporary = _temporary_beside(path)
    try:
        with _refusals(path):
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            yield temporary
            sync_folder(temporary)
            os.rename(temporary, path)
            sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def append_line(path: Path, line: str) -> None:
    """Append one line to a text file in a single write.

    Raises:
        OutputError: the system refused.
    """
    with _refusals(path), open(path, "ab") as file:
        file.write(line.encode("utf-8", "backslashreplace") + b"\n")


def sweep(folder: Path) -> int:
    """Remove what interrupted writes left in a folder and return how many there were.

    To be called by the one that holds the folder's lock.
    """
    count = 0
    with contextlib.suppress(OSError):
        for entry in list(folder.iterdir()):
            if entry.name.startswith(TEMPORARY):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    with contextlib.suppress(OSError):
                        entry.unlink()
                count += 1
    return count


@contextlib.contextmanager
def gathered_files(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder whose files move into a folder only when the block ends well.

    The folder may exist: what is in it stays, but files of the same names are replaced. On a
    failure in the block, and where a folder is in the way of a file, nothing of it changes, and one
    that was made for this is removed. Only should the system refuse a later move, after it has
    allowed others, those stay.

    Raises:
        OutputError: the system refused; says which path and why.
    """
    folder = Path(folder)
    existed = folder.is_dir()
    temporary = folder / f"{TEMPORARY}{os.getpid()}"
    try:
        with _refusals(folder):
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            yield temporary
            entries = sorted(temporary.iterdir())
            for entry in entries:
                _check_free(folder / entry.name)
            for entry in entries:
                os.replace(entry, folder / entry.name)
            existed = True
            temporary.rmdir()
            sync_folder(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if not existed:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _check_free(path: Path) -> None:
    """Raise what moving a file to a path would, if a folder is there."""
    if path.is_dir() and not path.is_symlink():
        raise OutputError(f"cannot write {safe(path)}: {_REASONS[errno.EISDIR]}")


T = TypeVar("T")


class Pending(Generic[T]):
    """One of the blocks above held open between calls, for a file that is written in pieces.

    Args:
        block: `atomic_write(path)` or `gathered_files(folder)`, not yet entered.

    Attributes:
        value: what the block yields.
    """

    def __init__(self, block: AbstractContextManager[T]) -> None:
        self._stack = contextlib.ExitStack()
        self.value = self._stack.enter_context(block)

    @contextlib.contextmanager
    def guard(self) -> Iterator[T]:
        """Yield the block's value; a failure in this block ends that one, as a failure."""
        try:
            yield self.value
        except BaseException as error:
            self._leave(error)
            raise

    def finish(self) -> None:
        """End the block well: everything takes its final name."""
        self._stack.close()

    def abandon(self) -> None:
        """End the block, if it has not ended, as if it had failed: nothing is left of it."""
        self._leave(_Abandoned())

    def _leave(self, error: BaseException) -> None:
        self._stack.__exit__(type(error), error, error.__traceback__)


class _Abandoned(Exception):
    """Nobody wants the file any more."""

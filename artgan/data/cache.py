"""Where prepared pictures and surveys are kept between runs. Knows nothing of what is in them."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from artgan.errors import OutputError
from artgan.files import TEMPORARY
from artgan.screen import safe, say

__all__ = ["STALE_SECONDS", "CachedFile", "cache_folder", "cached_files", "clear", "sweep_stale"]

STALE_SECONDS = 3600.0
"""A temporary file that nobody has written to for so long was left by a killed process."""


@dataclass(frozen=True)
class CachedFile:
    """One file of the cache.

    Attributes:
        path: where it lies.
        size: bytes.
        used: when it was last used, seconds since 1970.
        kind: "prepared", "survey", or "temporary" for one that is being written or was left.
    """

    path: Path
    size: int
    used: float
    kind: str

    @property
    def fresh(self) -> bool:
        """Return whether it may be in the middle of being written."""
        return self.kind == "temporary" and time.time() - self.used <= STALE_SECONDS


def cache_folder() -> Path:
    """Return the folder of the cache, which exists and can be written to.

    It is ARTGAN_CACHE, else the user's cache folder; where neither can be used, one line says so
    and a folder under the system's temporary one takes its place.

    Raises:
        OutputError: not even a temporary folder can be made.
    """
    import platformdirs

    wanted = os.environ.get("ARTGAN_CACHE", "")
    return _usable(Path(wanted).expanduser() if wanted else platformdirs.user_cache_path("artgan"))


@functools.lru_cache(maxsize=8)
def _usable(folder: Path) -> Path:
    if _can_write(folder):
        return folder
    try:
        base = Path(tempfile.gettempdir()) / f"artgan-cache-{os.getuid()}"
        if not (_can_write(base) and _is_ours(base)):  # another user may have made it
            base = Path(tempfile.mkdtemp(prefix="artgan-cache-"))
    except OSError as error:
        raise OutputError(
            f"cannot keep pictures in {safe(folder)} nor in a temporary folder: "
            "set ARTGAN_CACHE to a folder that can be written to"
        ) from error
    say(f"cannot keep prepared pictures in {safe(folder)}: using {safe(base)}")
    return base


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _is_ours(folder: Path) -> bool:
    state = os.lstat(folder)
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid()


def cached_files(folder: Path) -> list[CachedFile]:
    """Return the files of a cache, those used last first; none if there is no such folder."""
    found = []
    for path in folder.glob("*/*"):
        with contextlib.suppress(OSError):
            state = path.lstat()
            kind = _kind(path)
            if stat.S_ISREG(state.st_mode) and kind is not None:
                found.append(CachedFile(path, state.st_size, state.st_mtime, kind))
    return sorted(found, key=lambda file: (-file.used, file.path.name))


def _kind(path: Path) -> str | None:
    place = path.parent.name
    if place in ("prepared", "surveys") and path.name.startswith(TEMPORARY):
        return "temporary"
    return {("prepared", ".pictures"): "prepared", ("surveys", ".json"): "survey"}.get(
        (place, path.suffix)
    )


def clear(folder: Path) -> list[CachedFile]:
    """Remove the files of a cache and return those that are gone; nothing else is touched.

    What may be in the middle of being written stays.
    """
    removed = []
    for file in cached_files(folder):
        if not file.fresh:
            with contextlib.suppress(OSError):
                file.path.unlink()
                removed.append(file)
    for name in ("prepared", "surveys"):
        with contextlib.suppress(OSError):
            (folder / name).rmdir()
    return removed


def sweep_stale(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder of the cache."""
    now = time.time()
    with contextlib.suppress(OSError):
        for path in folder.glob(f"{TEMPORARY}*"):
            with contextlib.suppress(OSError):
                if now - path.lstat().st_mtime > STALE_SECONDS:
                    path.unlink()

"""Run folders: made, found, locked, and written to while training. Knows no tensors."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from artgan.api import CheckpointError, OutputError, PathError, RunError
from artgan.checkpoints import Generation, generations, read_json, refuse_pickle
from artgan.config import dump_toml, load_toml
from artgan.files import TEMPORARY, append_line, explain, sweep, write_text
from artgan.screen import safe

__all__ = [
    "PACK_SUFFIX",
    "Reference",
    "RunFolder",
    "all_runs",
    "choose_generation",
    "create_run",
    "find_run",
    "folder_bytes",
    "free_bytes",
    "is_locked",
    "locked",
    "new_run_id",
    "parse_reference",
    "run_progress",
    "unfinished_run",
]

PACK_SUFFIX = ".artgan"
LOCK_SECONDS = 0.3
"""How long a lock is waited for: long enough for another command's look at it to pass."""

_NAME = re.compile(r"([0-9]{5,})-")


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and the names of what is in it."""

    path: Path

    @property
    def name(self) -> str:
        """Return what the folder is called."""
        return self.path.name

    @property
    def number(self) -> int | None:
        """Return the run's number, None for a folder that was renamed."""
        match = _NAME.match(self.path.name)
        return int(match[1]) if match is not None else None

    @property
    def checkpoints(self) -> Path:
        """Return the folder of generations."""
        return self.path / "checkpoints"

    @property
    def snapshots(self) -> Path:
        """Return the folder of averaged generators kept for growth films."""
        return self.path / "snapshots"

    @property
    def stats(self) -> Path:
        """Return the file of statistics, one JSON object a line."""
        return self.path / "stats.jsonl"

    def config(self) -> dict[str, Any]:
        """Return the tables of config.toml: `run` (its id) and `train` (its settings).

        Raises:
            RunError: the folder is no run's.
        """
        path = self.path / "config.toml"
        if not path.is_file():
            raise RunError(f"{safe(self.path)} is no run of artgan: it has no config.toml")
        return load_toml(path)

    def write_config(self, tables: Mapping[str, Any]) -> None:
        """Write config.toml."""
        write_text(self.path / "config.toml", dump_toml(tables))

    def marks(self) -> dict[str, str]:
        """Return which checkpoints are marked: "best" or "diverse" -> name; {} if none are."""
        with contextlib.suppress(OSError, ValueError):
            marks = json.loads((self.path / "marks.json").read_text(encoding="utf-8"))
            if isinstance(marks, dict):
                return {str(mark): str(name) for mark, name in marks.items()}
        return {}

    def mark(self, marks: Mapping[str, str]) -> None:
        """Mark checkpoints, beside those that are marked; a mark is of one checkpoint."""
        now = {**self.marks(), **marks}
        write_text(self.path / "marks.json", json.dumps(now, indent=1, sort_keys=True) + "\n")

    def log(self, line: str) -> None:
        """Add a line with the time to log.txt."""
        append_line(self.path / "log.txt", f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}")

    def add_stats(self, row: Mapping[str, Any]) -> None:
        """Add a row to stats.jsonl."""
        append_line(self.stats, json.dumps(row))

    def read_stats(self) -> list[dict[str, Any]]:
        """Return the rows of stats.jsonl; a torn last line is passed over."""
        rows = []
        if self.stats.is_file():
            for line in self.stats.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    row = json.loads(line)
                    if isinstance(row, dict) and isinstance(row.get("cur_nimg"), int):
                        rows.append(row)
        return rows

    def cut_stats(self, cur_nimg: int, attempt: int = 0) -> None:
        """Drop the rows written after a checkpoint, for they are about to come again.

        Args:
            cur_nimg, attempt: of the checkpoint; rows of earlier attempts stay.
        """
        now = (attempt, cur_nimg)

        def stays(row: dict[str, Any]) -> bool:
            of = row.get("attempt", 0)
            return bool(of < attempt or (of, row["cur_nimg"]) <= now)

        rows = [row for row in self.read_stats() if stays(row)]
        if self.stats.is_file():
            write_text(self.stats, "".join(json.dumps(row) + "\n" for row in rows))


def create_run(root: Path, label: str) -> RunFolder:
    """Make the next run folder under a root, `00007-LABEL`, and return it.

    Raises:
        PathError: the root cannot be used.
    """
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", label).strip("-.")[:60] or "run"
    try:
        root.mkdir(parents=True, exist_ok=True)
        number = max((run.number or 0 for run in all_runs(root)), default=0) + 1
        while True:
            path = root / f"{number:05d}-{slug}"
            try:
                path.mkdir()
            except FileExistsError:  # another run began at the same moment, or it is no run's
                number += 1
                continue
            return RunFolder(path)
    except OSError as error:
        raise PathError(f"cannot make a run folder in {safe(root)}: {explain(error)}") from error


def new_run_id() -> str:
    """Return an identity for a run that stays when its folder is renamed."""
    return secrets.token_hex(8)


def all_runs(root: Path) -> list[RunFolder]:
    """Return the run folders under a root, by number; none if there is no such folder."""
    try:
        entries = sorted(root.iterdir()) if root.is_dir() else []
    except OSError as error:
        raise PathError(f"cannot read {safe(root)}: {explain(error)}") from error
    runs = [RunFolder(path) for path in entries if _is_run(path)]
    return sorted(runs, key=lambda run: (run.number or 0, run.name))


def _is_run(path: Path) -> bool:
    """Return whether a numbered folder is a run's: begun, damaged or about to begin.

    Without settings it has to look like one: five digits, and nothing in it that is not artgan's.
    """
    match = _NAME.match(path.name)
    if match is None or not path.is_dir():
        return False
    if (path / "config.toml").is_file():
        return True
    if len(match[1]) != 5:
        return False
    try:
        names = {entry.name for entry in path.iterdir()}
    except OSError:
        return False
    return "checkpoints" in names or all(
        name in {"lock", "owner.json"} or name.startswith(TEMPORARY) for name in names
    )


# References ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """What RUN on a command line stands for: a folder or a packed file, and which checkpoint.

    Attributes:
        run: the folder, None for a packed file.
        pack: the packed file, None for a folder.
        which: "" or "best" for the best one, "latest", or a number of pictures.
    """

    run: RunFolder | None
    pack: Path | None
    which: str = ""


def parse_reference(text: str, root: Path) -> Reference:
    """Return what RUN stands for: a path, a number, `latest`, or one of them with @WHICH.

    Raises:
        PathError: there is no such run.
        CheckpointError: a file was given that is not a packed run.
    """
    path = Path(text)
    which = ""
    if not path.exists() and "@" in text:
        text, _, which = text.rpartition("@")
        path = Path(text)
        if which not in {"best", "latest"} and not (which.isascii() and which.isdigit()):
            raise PathError(
                f"run {safe(text)}@{safe(which)}: after @ goes 'best', 'latest' or a number of "
                "pictures"
            )
    if path.is_file():
        return Reference(None, _checked_pack(path), which)
    return Reference(find_run(text, root), None, which)


def _checked_pack(path: Path) -> Path:
    try:
        with open(path, "rb") as file:
            refuse_pickle(file.read(16), safe(path))
    except OSError as error:
        raise PathError(f"cannot read {safe(path)}: {explain(error)}") from error
    return path


def find_run(text: str, root: Path) -> RunFolder:
    """Return the run folder that a path, a number or `latest` stands for.

    Raises:
        PathError: there is none.
    """
    path = Path(text)
    if text == "latest" or (text.isascii() and text.isdigit() and not path.is_dir()):
        runs = all_runs(root)
        if not runs:
            raise PathError(f"no run {safe(text)}: there are no runs in {safe(root)} yet")
        if text == "latest":
            return runs[-1]
        for run in runs:
            if run.number == int(text):
                return run
        raise PathError(
            f"no run {safe(text)} in {safe(root)}: "
            f"they go from {runs[0].number} to {runs[-1].number}"
        )
    for candidate in (path, root / text):
        if (candidate / "config.toml").is_file():
            return RunFolder(candidate)
    if path.is_dir():
        raise PathError(f"{safe(path)} is no run of artgan: it has no config.toml")
    raise PathError(
        f"no run {safe(text)}: give a run folder, its number in {safe(root)}, 'latest', "
        f"or a {PACK_SUFFIX} file"
    )


def choose_generation(run: RunFolder, which: str) -> Generation | None:
    """Return the generation that a reference asks for by number, None where it leaves it open.

    Raises:
        CheckpointError: there is none with that many pictures.
    """
    if which in {"", "best", "latest"}:
        return None
    known = [*generations(run.snapshots), *generations(run.checkpoints)]
    for generation in reversed(known):
        if generation.cur_nimg == int(which):
            return generation
    there = ", ".join(str(number) for number in sorted({g.cur_nimg for g in known})) or "none"
    raise CheckpointError(f"run {safe(run.name)} has no checkpoint {which}: there are {there}")


# Locks --------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(run: RunFolder, warn: Callable[[str], None]) -> Iterator[None]:
    """Hold a run folder for writing; leftovers of interrupted writes are swept.

    The lock is the operating system's and ends with the process, however that ends.

    Args:
        run: the folder.
        warn: called with a line where the last one to hold it did not let go properly.

    Raises:
        RunError: another process holds it; says which.
    """
    lock = FileLock(run.path / "lock", timeout=LOCK_SECONDS)
    owner = run.path / "owner.json"
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout:
        raise RunError(f"run {safe(run.name)} is in use{_owner(owner)}") from None
    except NotImplementedError:
        raise RunError(
            f"cannot lock {safe(run.path)}: this kind of disk has no locks; use another --out"
        ) from None
    except OSError as error:
        raise RunError(f"cannot lock {safe(run.path)}: {explain(error)}") from error
    try:
        if owner.exists():
            warn(f"run {safe(run.name)} was held{_owner(owner)}, which is gone: taken over")
        for folder in (run.path, run.checkpoints, run.snapshots):
            sweep(folder)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        facts = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        with contextlib.suppress(OutputError):  # only for the message above
            write_text(owner, json.dumps(facts) + "\n")
        yield
    finally:
        with contextlib.suppress(OSError):
            owner.unlink(missing_ok=True)
        lock.release()


def is_locked(run: RunFolder) -> bool:
    """Return whether a process holds a run folder now."""
    if not (run.path / "lock").is_file():
        return False
    lock = FileLock(run.path / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except (OSError, NotImplementedError):  # nobody can hold it for writing there
        return False
    lock.release()
    return False


def _owner(path: Path) -> str:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return f" by process {facts['pid']} on {safe(facts['host'])} since {safe(facts['since'])}"
    except (OSError, ValueError, KeyError, TypeError):
        return " by another process"


# Size ---------------------------------------------------------------------------------------


def folder_bytes(path: Path) -> int:
    """Return how much the files under a folder take, in bytes."""
    total = 0
    for parent, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def free_bytes(path: Path) -> int | None:
    """Return how much is free on the disk that holds a path, None where it cannot be known."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(path).free
    return None


def unfinished_run(root: Path, images: Path) -> RunFolder | None:
    """Return the newest run of a folder of pictures that did not reach its length and is idle."""
    for run in reversed(all_runs(root)):
        with contextlib.suppress(Exception):  # a foreign or damaged folder is no candidate
            if run.config().get("train", {}).get("images") != str(images) or is_locked(run):
                continue
            progress = run_progress(run)
            if progress is not None and progress[1] is not None and progress[0] < progress[1]:
                return run
    return None


def run_progress(run: RunFolder) -> tuple[int, int | None] | None:
    """Return (pictures seen, where it ends or None) of a run's newest readable checkpoint.

    None if it has no checkpoint.

    Raises:
        CheckpointError: it has some, but none can be read.
    """
    known = generations(run.checkpoints)
    for generation in reversed(known):
        with contextlib.suppress(CheckpointError, KeyError, TypeError, ValueError):
            state = read_json(generation.path / "state.json")
            total = state.get("total_nimg")
            return int(state["cur_nimg"]), None if total is None else int(total)
    if known:
        raise CheckpointError(f"no checkpoint in {safe(run.checkpoints)} can be read")
    return None

"""Checkpoints: safetensors and JSON in a folder that is whole or not there; never pickle.

A generation is a folder `000012864-0` (pictures seen, attempt) that holds

    ema.safetensors         the averaged generator, all that drawing needs
    networks.safetensors    every network as it is trained
    optimizers.safetensors  what the optimizers remember
    state.json              counters and settings
    manifest.json           the SHA-256 of each of the others
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import CheckpointError
from artgan.files import TEMPORARY, atomic_folder, explain, write_bytes
from artgan.screen import safe

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "FORMAT",
    "MAX_HEADER",
    "Generation",
    "digest",
    "generations",
    "is_sound",
    "load_tensors",
    "newest_sound",
    "on_the_way",
    "prune",
    "read_json",
    "read_packed",
    "read_sound",
    "refuse_pickle",
    "save_generation",
    "tensor_bytes",
]

FORMAT = 1
"""Version of the layout above."""

MAX_HEADER = 100_000_000
"""The longest header, in bytes, that a safetensors file may have."""

_NAME = re.compile(r"([0-9]{9,})-([0-9]+)\Z")
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Generation:
    """A checkpoint's place.

    Attributes:
        cur_nimg: pictures seen.
        attempt: how many times training was taken back before.
        path: its folder.
    """

    cur_nimg: int
    attempt: int
    path: Path

    @property
    def name(self) -> str:
        """Return what its folder is called."""
        return self.path.name


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def tensor_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return tensors as a safetensors file; the same tensors give the same bytes."""
    from safetensors.torch import save

    own = {name: tensors[name].detach().cpu().contiguous().clone() for name in sorted(tensors)}
    return save(own, dict(metadata) if metadata is not None else None)


def save_generation(
    folder: Path,
    cur_nimg: int,
    attempt: int,
    tensors: Mapping[str, Mapping[str, Tensor]],
    state: Mapping[str, Any],
) -> Generation:
    """Write a generation, whole or not at all, and return its place.

    Args:
        folder: the run's `checkpoints` folder.
        cur_nimg, attempt: what it is called after.
        tensors: file stem -> name -> tensor.
        state: JSON-able; no clock values, so that the same training gives the same bytes.

    Raises:
        OutputError: the system refused; what was there before is intact.
    """
    path = folder / f"{cur_nimg:09d}-{attempt}"
    files = {f"{stem}.safetensors": tensor_bytes(group) for stem, group in tensors.items()}
    files["state.json"] = _json_bytes({"format": FORMAT, **state})
    manifest = {
        "format": FORMAT,
        "files": {name: {"sha256": digest(d), "bytes": len(d)} for name, d in files.items()},
    }
    if path.exists():  # the same place reached again, by resuming: the same bytes, if sound
        generation = Generation(cur_nimg, attempt, path)
        with contextlib.suppress(CheckpointError):
            if all(read_sound(generation, name) == data for name, data in files.items()):
                return generation
        shutil.rmtree(path, ignore_errors=True)
    with atomic_folder(path) as temporary:
        for name, data in files.items():
            write_bytes(temporary / name, data)
        write_bytes(temporary / _MANIFEST, _json_bytes(manifest))
    return Generation(cur_nimg, attempt, path)


def _json_bytes(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def generations(folder: Path) -> list[Generation]:
    """Return the generations in a folder, as they came to be; none if there is no folder.

    A run that was taken back goes on from there under the next attempt, so those come later.
    """
    found = []
    if folder.is_dir():
        for path in folder.iterdir():
            match = _NAME.match(path.name)
            if match is not None and path.is_dir():
                found.append(Generation(int(match[1]), int(match[2]), path))
    return sorted(found, key=_age)


def on_the_way(known: Iterable[Generation], to: Generation) -> list[Generation]:
    """Return the generations that training passed before one and that it was not taken back from.

    Attempts that were taken back before their checkpoints are no predecessors: each one's state
    says how many pictures it went back to (`returned_to`).

    Args:
        known: generations of the same run, in any order.
        to: where the way leads.

    Returns:
        Those with fewer pictures, fewest first.
    """
    known = [g for g in known if g.attempt <= to.attempt]
    back: dict[int, int] = {}
    for generation in {*known, to}:
        with contextlib.suppress(CheckpointError):
            returned = read_json(generation.path / "state.json").get("returned_to")
            number = returned if isinstance(returned, int) else generation.cur_nimg
            least = back.get(generation.attempt, number)
            back[generation.attempt] = min(least, number)
    found = [
        g
        for g in known
        if g.cur_nimg < to.cur_nimg
        and all(g.cur_nimg <= b for attempt, b in back.items() if attempt > g.attempt)
    ]
    return sorted(found, key=lambda g: (g.cur_nimg, g.attempt))


def _age(generation: Generation) -> tuple[int, int]:
    return generation.attempt, generation.cur_nimg


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file.

    Raises:
        CheckpointError: it is missing or damaged, or from a later artgan.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CheckpointError(f"{safe(path)} is missing") from None
    except OSError as error:
        raise CheckpointError(f"{safe(path)} cannot be read: {explain(error)}") from error
    except ValueError:
        raise CheckpointError(f"{safe(path)} is damaged: it is no JSON") from None
    if not isinstance(value, dict):
        raise CheckpointError(f"{safe(path)} is damaged: it holds no JSON object")
    if value.get("format", FORMAT) != FORMAT:
        raise CheckpointError(
            f"{safe(path)} has format {safe(value['format'])}, this artgan reads {FORMAT}: "
            "use the artgan that wrote it, or a newer one"
        )
    return value


def read_sound(generation: Generation, name: str) -> bytes:
    """Return a file of a generation once its digest is the recorded one.

    Raises:
        CheckpointError: it is missing or its bytes are not those that were written.
    """
    listed = read_json(generation.path / _MANIFEST).get("files")
    wanted = listed.get(name) if isinstance(listed, dict) else None
    if not isinstance(wanted, dict):
        raise CheckpointError(f"checkpoint {generation.name} has no {name}")
    path = generation.path / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"checkpoint {generation.name}: {name} cannot be read: {explain(error)}"
        ) from error
    if len(data) != wanted.get("bytes") or digest(data) != wanted.get("sha256"):
        raise CheckpointError(
            f"checkpoint {generation.name} is damaged: {name} is not what was written"
        )
    return data


def newest_sound(
    folder: Path,
    files: tuple[str, ...],
    warn: Callable[[str], None],
    *,
    first: str = "",
    before: int | None = None,
) -> tuple[Generation, dict[str, bytes]]:
    """Return the newest generation whose files are sound, and their bytes.

    Args:
        folder: the run's `checkpoints` folder.
        files: names of the files that are needed.
        warn: called with one line for each damaged generation that was passed over.
        first: the name of one that is preferred, if it is there.
        before: only those with fewer pictures than that, None for no limit.

    Raises:
        CheckpointError: there is none.
    """
    known = [g for g in generations(folder) if before is None or g.cur_nimg < before]
    known.sort(key=lambda generation: generation.name == first)  # stable: the preferred one last
    problem: CheckpointError | None = None
    for generation in reversed(known):
        try:
            data = {name: read_sound(generation, name) for name in files}
        except CheckpointError as error:
            problem = error
            warn(f"{error}; trying the one before it")
            continue
        return generation, data
    if problem is not None:
        raise CheckpointError(f"no checkpoint in {safe(folder)} is sound; the oldest: {problem}")
    raise CheckpointError(f"{safe(folder)} holds no checkpoint yet")


def load_tensors(data: bytes, what: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file.

    Raises:
        CheckpointError: it is none.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{what} is damaged: {safe(error)}") from None


def read_packed(path: Path, key: str, version: int, what: str) -> tuple[bytes, dict[str, Any]]:
    """Return a safetensors file, and the facts that its header keeps as JSON.

    Args:
        path: the file.
        key: of the header, under which they are.
        version: their "format".
        what: the file should be, such as "no packed run: expected ...".

    Raises:
        CheckpointError: it cannot be read, keeps no facts, or those of another version.
    """
    from safetensors import safe_open

    where = safe(path)
    try:
        data = path.read_bytes()
        refuse_pickle(data[:16], where)
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})[key])
    except OSError as error:
        raise CheckpointError(f"{where} cannot be read: {explain(error)}") from error
    except CheckpointError:
        raise
    except Exception:  # the library's own errors, no metadata, no JSON
        raise CheckpointError(f"{where} is {what}") from None
    if not isinstance(facts, dict) or facts.get("format") != version:
        raise CheckpointError(
            f"{where} has a format this artgan does not read ({version}): use a newer artgan"
        )
    return data, facts


def refuse_pickle(head: bytes, what: str) -> None:
    """Refuse a file whose first bytes are those of a pickle or a zip, whatever it is called.

    Raises:
        CheckpointError: they are.
    """
    length = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and 2 <= length <= MAX_HEADER:
        return  # the header of a safetensors file, whose length may begin with any byte
    if head[:2] == b"PK" or head[:1] == b"\x80" or head[:2] in {b"(d", b"(l", b"c_"}:
        raise CheckpointError(
            f"{what} is a PyTorch pickle or zip file, which can run code when read; "
            "artgan reads its own runs and .artgan files only"
        )


def is_sound(generation: Generation) -> bool:
    """Return whether every file of a generation is the one that was written."""
    try:
        listed = read_json(generation.path / _MANIFEST).get("files")
        if not isinstance(listed, dict) or not listed:
            return False
        for name in listed:
            read_sound(generation, name)
    except CheckpointError:
        return False
    return True


def prune(folder: Path, keep: int, spare: Collection[str] = ()) -> list[Generation]:
    """Remove all but the newest sound generations and return what was removed.

    A damaged generation is never counted; it goes too, once there is a sound one.

    Args:
        folder: the run's `checkpoints` folder.
        keep: how many sound ones stay, at least 1.
        spare: names of further ones that stay.
    """
    kept = 0
    gone = []
    damaged = []
    for generation in reversed(generations(folder)):
        if generation.name in spare:
            continue
        if kept >= max(1, keep):
            gone.append(generation)
        elif is_sound(generation):
            kept += 1
        else:
            damaged.append(generation)
    removed = []
    doomed_ones = sorted([*gone, *damaged], key=_age)
    for generation in doomed_ones if kept else []:
        doomed = generation.path.with_name(f"{TEMPORARY}gone-{generation.name}")
        try:  # renamed first: a half-removed generation must not look like one
            generation.path.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)
        except OSError:
            continue
        removed.append(generation)
    return removed

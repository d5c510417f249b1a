"""The prepared set: every picture of an intake, fitted and numbered, ready for batches."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from artgan.data.cache import cache_folder, sweep_stale
from artgan.data.decode import Decoded, decode_all, default_workers
from artgan.data.intake import Found, Intake, Progress, reasons, resolved
from artgan.data.live import LivePictures
from artgan.data.store import StoredPictures, Table, open_stored, write_table
from artgan.data.twins import find_twins
from artgan.errors import ConfigError, ImageError, OutputError
from artgan.files import atomic_write
from artgan.pictures import PictureSpec
from artgan.screen import parse_bytes, plural, safe, say

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "DEFAULT_LIMIT",
    "Pictures",
    "cache_folder",
    "forecast_bytes",
    "prepare",
    "storage_limit",
]

DEFAULT_LIMIT = 4 << 30
"""More bytes than this are not stored: pictures are then decoded on demand."""

_VERSION = 2  # of what is stored and of how pictures are decoded and fitted
_SPARE = 256 << 20  # bytes left free on the disk


class Pictures(Protocol):
    """The pictures a network learns from, by number.

    Attributes:
        names: relative path of each.
        skipped: relative path and reason of each file found bad when it was decoded.
        twins: relative paths of each duplicate and of the picture used instead.
        fingerprint: changes when the pictures do.
        on_disk: whether they are stored decoded.
    """

    names: list[str]
    skipped: list[tuple[Path, str]]
    twins: list[tuple[str, str]]
    fingerprint: str
    on_disk: bool

    @property
    def duplicates(self) -> int:
        """Return the number of duplicates that were left out."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int]) -> Tensor:
        """Return pictures by their numbers: uint8, (n, C, H, W)."""

    def prefetch(self, indices: Sequence[int]) -> None:
        """Take a hint which pictures will be asked for next."""

    def close(self) -> None:
        """Let go of files and threads."""


def forecast_bytes(count: int, spec: PictureSpec) -> int:
    """Return how many bytes that many prepared pictures take."""
    return count * spec.channels * spec.size[0] * spec.size[1]


def storage_limit() -> int:
    """Return how many bytes the prepared pictures of one folder may take in the cache.

    It is ARTGAN_CACHE_LIMIT, such as 500MB or 4GB, where that is set, else `DEFAULT_LIMIT`; 0
    stores nothing.

    Raises:
        ConfigError: it is no size.
    """
    given = os.environ.get("ARTGAN_CACHE_LIMIT", "").strip()
    if not given:
        return DEFAULT_LIMIT
    limit = parse_bytes(given)
    if limit is None:
        raise ConfigError(
            f"ARTGAN_CACHE_LIMIT is {safe(repr(given))}: expected a size such as 500MB or 4GB"
        )
    return limit


def prepare(
    intake: Intake,
    spec: PictureSpec,
    *,
    progress: Progress | None = None,
    cache: Path | None = None,
    limit_bytes: int | None = None,
    workers: int | None = None,
) -> Pictures:
    """Return the pictures of an intake, fitted; decoded now, unless they were before.

    They are stored in the cache under a digest of the folder, of the (path, size, time) of every
    picture and of the spec. Where that is impossible or too much, they are decoded on demand.
    Files with identical bytes count once, and either way the pictures are the same ones in the same
    order, but for those found bad when they are decoded.

    Args:
        intake: what the folder holds.
        spec: what each picture is brought to.
        progress: told how many pictures are decoded.
        cache: folder of the cache; None is `cache_folder()`.
        limit_bytes: most that is stored, bytes; None is `storage_limit()`, which the environment
            variable ARTGAN_CACHE_LIMIT sets.
        workers: decoding threads; None is one for each core.

    Raises:
        ImageError: there is no usable picture.
        ConfigError: ARTGAN_CACHE_LIMIT is no size.
    """
    limit = storage_limit() if limit_bytes is None else limit_bytes
    if not intake.pictures:
        raise _nothing_usable(intake, [])
    workers = workers if workers is not None else default_workers()
    place, key = _keys(intake, spec)
    folder = (cache if cache is not None else cache_folder()) / "prepared"
    path = folder / f"{place}-{key}.pictures"
    stored = open_stored(path)
    if stored is not None:
        return stored
    kept, twins = _without_twins(intake)
    fingerprint = _fingerprint(kept, spec)
    live = functools.partial(LivePictures, intake.folder, kept, twins, spec, fingerprint, workers)
    if forecast_bytes(len(kept), spec) > min(limit, _room(folder)):
        return live()
    sweep_stale(folder)
    table: Table = {"folder": resolved(intake.folder), "twins": twins, "fingerprint": fingerprint}
    decoding = decode_all(intake.folder, kept, spec, workers)
    try:
        with atomic_write(path) as file, contextlib.closing(decoding):
            passing = _store(file, table, spec, _counted(decoding, len(kept), progress))
            if not table["names"]:
                raise _nothing_usable(intake, [(Path(n), r) for n, r in table["skipped"]])
    except OutputError as error:
        say(f"pictures are decoded on demand: {error}")
        return live()
    return _take_over(path, place, passing) or live()  # another process may just have replaced it


def _without_twins(intake: Intake) -> tuple[list[Found], list[tuple[str, str]]]:
    """Return the pictures to use, and the duplicates with what is used instead."""
    twins = find_twins(intake.folder, intake.pictures)
    copies = {name for name, _ in twins}
    return [found for found in intake.pictures if found.name not in copies], twins


def _fingerprint(pictures: Sequence[Found], spec: PictureSpec) -> str:
    """Return a digest of pictures by name, length, beginning and end, and of their spec.

    It is the same wherever their folder lies and whenever they were copied, stored or not.
    """
    digest = hashlib.sha256(repr((_VERSION, *_brought_to(spec))).encode())
    for found in pictures:
        line = f"{found.name}\0{found.size}\0{found.mark}\0"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def _brought_to(spec: PictureSpec) -> tuple[object, ...]:
    return spec.size, spec.channels, spec.fit, spec.rgb


def _counted(
    decoding: Iterable[Decoded], total: int, progress: Progress | None
) -> Iterator[Decoded]:
    for done, decoded in enumerate(decoding, 1):
        if progress is not None:
            progress(done, total)
        yield decoded


def _take_over(path: Path, place: str, passing: bool) -> StoredPictures | None:
    """Return the pictures just stored, and remove from the cache what they replace.

    Args:
        path: where they are.
        place: how the names begin of what is stored of the same folder.
        passing: whether they are good for this once.
    """
    stored = open_stored(path)
    outdated = [other for other in path.parent.glob(f"{place}-*.pictures") if other != path]
    if passing:
        outdated.append(path)
    for other in outdated:
        with contextlib.suppress(OSError):
            other.unlink()
    return stored


def _keys(intake: Intake, spec: PictureSpec) -> tuple[str, str]:
    """Return a digest of folder and spec, and one of the listing as well."""
    head = repr((_VERSION, resolved(intake.folder), *_brought_to(spec)))
    digest = hashlib.sha256(head.encode("utf-8", "surrogateescape"))
    place = digest.hexdigest()[:16]
    for found in intake.pictures:
        line = f"{found.name}\0{found.size}\0{found.mtime_ns}\0"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return place, digest.hexdigest()[:32]


def _room(folder: Path) -> int:
    """Return how many bytes may be stored in a folder of the cache."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return max(0, shutil.disk_usage(folder).free - _SPARE)
    except OSError:
        return 0


def _store(file: BinaryIO, table: Table, spec: PictureSpec, decoding: Iterable[Decoded]) -> bool:
    """Write a prepared set and return whether it is good for this once.

    It is where a file was changed since the survey, or failed for a reason that may pass.

    Args:
        file: where to.
        table: what is told beside the pictures; names and the like are added.
        spec: what they are brought to.
        decoding: what comes of each file.
    """
    table.update(shape=[spec.channels, *spec.size], names=[], skipped=[], checksums=[])
    passing = False
    for decoded in decoding:
        name = decoded.found.name
        passing = passing or decoded.changed or not decoded.lasting
        if decoded.pixels is None:
            table["skipped"].append([name, decoded.reason])
            continue
        pixels = decoded.pixels.tobytes()
        file.write(pixels)
        table["names"].append(name)
        table["checksums"].append(zlib.crc32(pixels))
    bad = dict(table["skipped"])
    table["skipped"] += [[twin, bad[kept]] for twin, kept in table["twins"] if kept in bad]
    table["twins"] = [pair for pair in table["twins"] if pair[1] not in bad]
    write_table(file, table)
    return passing


def _nothing_usable(intake: Intake, undecodable: list[tuple[Path, str]]) -> ImageError:
    bad = intake.skipped + undecodable
    if not bad:
        return ImageError(
            f"no pictures in {safe(intake.folder)}: "
            "expected files such as PNG, JPEG, WebP, GIF, BMP or TIFF"
        )
    looked_at = f"{plural(len(bad), 'file')} looked at: {reasons(bad)}"
    return ImageError(f"no usable pictures in {safe(intake.folder)} ({looked_at})")

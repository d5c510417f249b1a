"""The prepared set: every picture of an intake, fitted and numbered, ready for batches."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from artgan.data.cache import cache_folder, sweep_stale
from artgan.data.decode import decode_all, default_workers
from artgan.data.intake import Intake, Progress, reasons
from artgan.data.live import LivePictures
from artgan.data.store import StoredPictures, Table, open_stored, write_table
from artgan.errors import ImageError, OutputError
from artgan.files import atomic_write
from artgan.pictures import PictureSpec
from artgan.screen import plural, safe, say

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DEFAULT_LIMIT", "Pictures", "cache_folder", "forecast_bytes", "prepare"]

DEFAULT_LIMIT = 4 << 30
"""More bytes than this are not stored: pictures are then decoded on demand."""

_VERSION = 1  # of what is stored and of how pictures are decoded and fitted
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


def forecast_bytes(intake: Intake, spec: PictureSpec) -> int:
    """Return how many bytes the prepared pictures of an intake take."""
    return len(intake.pictures) * spec.channels * spec.size[0] * spec.size[1]


def prepare(
    intake: Intake,
    spec: PictureSpec,
    *,
    progress: Progress | None = None,
    cache: Path | None = None,
    limit_bytes: int = DEFAULT_LIMIT,
    workers: int | None = None,
) -> Pictures:
    """Return the pictures of an intake, fitted; decoded now, unless they were before.

    They are stored in the cache under a digest of the folder, of the (path, size, time) of every
    picture and of the spec. Where that is impossible or too much, they are decoded on demand.
    Pictures that come out the same count once.

    Args:
        intake: what the folder holds.
        spec: what each picture is brought to.
        progress: told how many pictures are decoded.
        cache: folder of the cache; None is `cache_folder()`.
        limit_bytes: most that is stored, bytes.
        workers: decoding threads; None is one for each core.

    Raises:
        ImageError: there is no usable picture.
    """
    if not intake.pictures:
        raise _nothing_usable(intake, [])
    workers = workers if workers is not None else default_workers()
    place, key = _keys(intake, spec)
    folder = (cache if cache is not None else cache_folder()) / "prepared"
    path = folder / f"{place}-{key}.pictures"
    stored = open_stored(path)
    if stored is not None:
        return stored
    if forecast_bytes(intake, spec) > min(limit_bytes, _room(folder)):
        return LivePictures(intake.folder, intake.pictures, spec, key, workers)
    sweep_stale(folder)
    try:
        with atomic_write(path) as file:
            changed = _decode_into(file, intake, spec, workers, progress)
    except OutputError as error:
        say(f"pictures are decoded on demand: {error}")
        return LivePictures(intake.folder, intake.pictures, spec, key, workers)
    stored = _take_over(path, place, changed)
    if stored is None:  # another process has just replaced or removed it
        return LivePictures(intake.folder, intake.pictures, spec, key, workers)
    return stored


def _take_over(path: Path, place: str, changed: bool) -> StoredPictures | None:
    """Return the pictures just stored, and remove from the cache what they replace."""
    stored = open_stored(path)
    outdated = [other for other in path.parent.glob(f"{place}-*.pictures") if other != path]
    if changed:  # it is not what its name says: good for this once
        outdated.append(path)
    for other in outdated:
        with contextlib.suppress(OSError):
            other.unlink()
    return stored


def _keys(intake: Intake, spec: PictureSpec) -> tuple[str, str]:
    """Return a digest of folder and spec, and one of the listing as well."""
    folder = str(intake.folder.absolute())
    with contextlib.suppress(OSError, RuntimeError):
        folder = str(intake.folder.resolve())
    head = repr((_VERSION, folder, spec.size, spec.channels, spec.fit, spec.rgb))
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


def _decode_into(
    file: BinaryIO, intake: Intake, spec: PictureSpec, workers: int, progress: Progress | None
) -> bool:
    """Write a prepared set and return whether a file was changed since the survey.

    Raises:
        ImageError: there is no usable picture.
    """
    table: Table = {"names": [], "skipped": [], "twins": [], "checksums": []}
    table["shape"] = [spec.channels, *spec.size]
    seen: dict[bytes, str] = {}
    total = hashlib.sha256(repr(table["shape"]).encode())
    changed = False
    decoding = decode_all(intake.folder, intake.pictures, spec, workers)
    with contextlib.closing(decoding):
        for done, decoded in enumerate(decoding, 1):
            name = decoded.found.name
            changed = changed or decoded.changed
            if progress is not None:
                progress(done, len(intake.pictures))
            if decoded.pixels is None:
                table["skipped"].append([name, decoded.reason])
                continue
            pixels = decoded.pixels.tobytes()
            digest = hashlib.blake2b(pixels, digest_size=16).digest()
            if digest in seen:
                table["twins"].append([name, seen[digest]])
                continue
            seen[digest] = name
            total.update(digest)
            file.write(pixels)
            table["names"].append(name)
            table["checksums"].append(zlib.crc32(pixels))
    if not seen:
        raise _nothing_usable(intake, [(Path(n), r) for n, r in table["skipped"]])
    table["fingerprint"] = f"content-{total.hexdigest()[:32]}"
    write_table(file, table)
    return changed


def _nothing_usable(intake: Intake, undecodable: list[tuple[Path, str]]) -> ImageError:
    bad = intake.skipped + undecodable
    if not bad:
        return ImageError(
            f"no pictures in {safe(intake.folder)}: "
            "expected files such as PNG, JPEG, WebP, GIF, BMP or TIFF"
        )
    looked_at = f"{plural(len(bad), 'file')} looked at: {reasons(bad)}"
    return ImageError(f"no usable pictures in {safe(intake.folder)} ({looked_at})")

"""The pictures and animations among files, folders and patterns, each once. Decodes nothing."""

from __future__ import annotations

import itertools
import os
from glob import glob
from pathlib import Path

from artgan.data.intake import Progress, survey
from artgan.errors import PathError
from artgan.screen import plural, safe

__all__ = ["Sources", "expand"]

_USABLE = "too small"  # how the survey's reason begins for what can be redrawn all the same
_VIDEO = "unsupported: video"  # and for what is redrawn where animations are
_CLASSES = "they are not classes"  # how the survey's note ends that is of no use here
_FIRST = "the first one is used"  # and of the one that holds for pictures alone


def expand(given: str) -> tuple[list[Path], Path | None]:
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


class Sources:
    """Pictures that are found one after the other, each once.

    Attributes:
        found: path and wanted name of each, and the suffix of an animation that cannot keep its
            own; "" for a picture.
        skipped: see `Batch`.
    """

    def __init__(self, out: str | None, moving: bool) -> None:
        self.found: list[tuple[Path, Path, str]] = []
        self._moving = moving
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
        if self._is_moving(path):
            self._add_moving(path, Path(path.name))
            return
        try:
            read_header(path)
        except UnreadablePicture as error:
            self.skipped.append((path, error.reason))
        else:
            self.found.append((path, Path(path.name), ""))

    def _is_moving(self, path: Path) -> bool:
        from artgan.animations import is_animation

        return self._moving and is_animation(path)

    def _add_moving(self, path: Path, name: Path) -> None:
        from artgan.animations import is_video
        from artgan.films import package
        from artgan.pictures import UnreadablePicture

        video = is_video(path)
        try:
            if video:
                package(path)
        except UnreadablePicture as error:
            self.skipped.append((path, error.reason))
        else:
            self.found.append((path, name, ".mp4" if video else ".webp"))

    def add_folder(self, folder: Path, base: Path, progress: Progress | None) -> None:
        """Take the pictures of a folder, given or matched by a pattern that searches another."""
        intake = survey(folder, progress=progress)
        several = {found.name for found in intake.pictures if found.several}
        names = [found.name for found in intake.pictures]
        for inner, reason in intake.skipped:
            if reason.startswith(_USABLE) or (self._moving and reason.startswith(_VIDEO)):
                names.append(str(inner))
            elif self._is_new(folder / inner, base):
                self.skipped.append((folder / inner, reason))
        known = {found.name for found in intake.pictures} - several
        for name in sorted(names):
            path = folder / name
            if not self._is_new(path, base):
                continue
            if name not in known and self._is_moving(path):
                several.discard(name)
                self._add_moving(path, Path(name))
            else:
                self.found.append((path, Path(name), ""))
        if not intake.pictures and not intake.skipped:
            self.skipped.append((folder, "no pictures are in it"))
        notes = [note for note in intake.notes if not note.endswith((_CLASSES, _FIRST))]
        if several:
            holds = "holds" if len(several) == 1 else "hold"
            notes.append(f"{plural(len(several), 'file')} {holds} several pictures: {_FIRST}")
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

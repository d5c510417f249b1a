"""The errors a person may see, each with the exit code it ends the program with.

    ArtganError                 1  the work failed
    ├── ConfigError             2  a flag, setting or settings file that cannot be used
    ├── PathError               2  a path that cannot be used
    ├── ComponentError          2  a component's name is unknown or claimed twice
    │   └── PluginError         1  a component that was asked for failed to load
    ├── ImageError              1  a picture that cannot be read, or a folder without any
    ├── ShapeError              1  a tensor of the wrong shape or range crossed a contract
    ├── CheckpointError         1  a checkpoint or model file that cannot be trusted
    ├── RunError                1  a run folder that is busy or unfit for what was asked
    └── OutputError             1  something could not be written

A message says what was given, what was expected and what to do, in one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArtganError",
    "CheckpointError",
    "ComponentError",
    "ConfigError",
    "ImageError",
    "OutputError",
    "PathError",
    "PluginError",
    "RunError",
    "ShapeError",
    "nearest",
]


class ArtganError(Exception):
    """The base of every error that artgan explains in one sentence."""

    exit_code = 1


class ConfigError(ArtganError):
    """A flag, setting or settings file cannot be used."""

    exit_code = 2


class PathError(ArtganError):
    """A path that was given cannot be used."""

    exit_code = 2


class ComponentError(ArtganError):
    """A component's name is unknown, or two plug-ins claim it."""

    exit_code = 2


class PluginError(ComponentError):
    """A component that was asked for failed to load or broke its contract."""

    exit_code = 1


class ImageError(ArtganError):
    """A picture cannot be read, or a folder holds none that can."""


class ShapeError(ArtganError):
    """A tensor of the wrong shape, type or range crossed a contract."""


class CheckpointError(ArtganError):
    """A checkpoint or model file is damaged, foreign or missing."""


class RunError(ArtganError):
    """A run folder is in use or unfit for what was asked."""


class OutputError(ArtganError):
    """Something could not be written."""


def nearest(given: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelt name: the nearest known one and the sorted list.

    >>> nearest("slrep", ["circle", "slerp"])
    "did you mean 'slerp'? known: circle, slerp"
    >>> nearest("x", [])
    'there are none'
    """
    names = sorted(set(known))
    if not names:
        return "there are none"
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}known: {', '.join(names)}"

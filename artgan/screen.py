"""What reaches a screen: the one escape for foreign names, and the consoles."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "console",
    "duration",
    "file_size",
    "is_terminal",
    "parse_bytes",
    "plural",
    "safe",
    "say",
]

_UNITS = {"": 1, "byte": 1, "bytes": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_BAD = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def safe(name: object) -> str:
    """Return a name that came from outside as one printable line.

    Control, formatting and unassigned characters and undecodable bytes are written as escapes, so
    that a file name can neither move the cursor nor reorder the line. Markup is left alone: every
    console of artgan has markup switched off (`console`).

    >>> safe("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    text = os.fspath(name) if isinstance(name, os.PathLike) else str(name)
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _BAD else c for c in text)


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # an undecodable byte, kept by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, e.g. "1 picture" or "3,916 pictures"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """Return a time in words.

    >>> duration(3725)
    '1 h 02 min'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def file_size(count: int) -> str:
    """Return a number of bytes in words.

    >>> file_size(1_234_567)
    '1.2 MB'
    """
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return plural(count, "byte")


def parse_bytes(text: str) -> int | None:
    """Return the number of bytes of a size in words; None if it is none.

    >>> parse_bytes("8 MB"), parse_bytes("1000"), parse_bytes("much")
    (8000000, 1000, None)
    """
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)\s*", text.lower(), re.ASCII)
    if match is None or match[2] not in _UNITS:
        return None
    return round(float(match[1]) * _UNITS[match[2]])


def say(line: str) -> None:
    """Write one line to stderr, where everything but results goes."""
    print(line, file=sys.stderr, flush=True)


def console() -> Console:
    """Return a rich console on stderr that takes every text literally."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def is_terminal() -> bool:
    """Return whether stderr is a terminal that can be redrawn."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in {"dumb", ""}

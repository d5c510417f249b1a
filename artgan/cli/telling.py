"""What several commands tell in the same way: what was skipped, what is left, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from artgan.screen import safe, say

__all__ = ["SHOWN_SKIPS", "publish", "tell_losses", "tell_skipped"]

SHOWN_SKIPS = 10
"""Skipped files that are named one by one."""


def tell_skipped(skipped: Sequence[tuple[Path, str]]) -> None:
    """Name on stderr what was skipped and why; of many only how many more there are."""
    for path, reason in skipped[:SHOWN_SKIPS]:
        say(f"skipped {safe(path)}: {safe(reason)}")
    if len(skipped) > SHOWN_SKIPS:
        say(f"and {len(skipped) - SHOWN_SKIPS:,} more skipped")


def tell_losses(parts: Mapping[str, float]) -> None:
    """Tell on stderr what each loss is of their sum, in parts of 1; nothing where there is none."""
    if parts:
        shares = ", ".join(f"{name} {part:.0%}" for name, part in parts.items())
        say(f"shares of what is left of the losses: {shares}")


def publish(text: str, lines: Sequence[str], *, as_json: bool, out: str | None) -> None:
    """Print figures, and write them where that is asked for.

    Args:
        text: them as a JSON document.
        lines: them as a table, which is printed if the document is not.
        as_json: whether the document is printed.
        out: the file that it is written to, None for none.

    Raises:
        OutputError: it cannot be written.
    """
    print(text if as_json else "\n".join(lines))
    if out is not None:
        from artgan.files import write_text

        write_text(Path(out), f"{text}\n")
        say(f"figures written to {safe(out)}")

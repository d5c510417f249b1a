"""What every writer asks of a frame before it takes it."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from artgan.api import OutputError, Size
from artgan.screen import safe

__all__ = ["check_frame"]


def check_frame(
    image: Tensor, path: Path, name: str, *, size: Size, channels: int | None = None
) -> None:
    """Check that a frame fits what it is written to.

    Args:
        image: (C, H, W).
        path: what is written.
        name: of the frame.
        size: (height, width) of every frame.
        channels: C of the frames before it, None for the first.

    Raises:
        OutputError: its size or number of channels is another.
    """
    if tuple(image.shape[1:]) != tuple(size):
        raise OutputError(
            f"{safe(path)}: frame {safe(name)} is {image.shape[2]}x{image.shape[1]}, "
            f"expected {size[1]}x{size[0]}"
        )
    if channels is not None and image.shape[0] != channels:
        raise OutputError(
            f"{safe(path)}: frame {safe(name)} has {image.shape[0]} channels, "
            f"expected {channels} as in those before it"
        )

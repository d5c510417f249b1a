"""What frames of every foreign animation have in common: tensors, sizes, rates. Reads no files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from artgan.images import Frame, from_bytes
from artgan.pictures import MAX_PIXELS, UnreadablePicture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["check_size", "even_rate", "frame_of"]


def even_rate(seconds: Sequence[float], *, tick: float, usual: float | None = None) -> float | None:
    """Return the frames a second of which the times are a rounding, None if there is no such rate.

    Args:
        seconds: how long each frame is shown.
        tick: how far a time may be off, in seconds.
        usual: a rate to try first.

    >>> even_rate([0.04, 0.04, 0.04, 0.05, 0.04, 0.04], tick=0.005)
    24.0
    """
    total = sum(seconds)
    if total <= 0:
        return None
    if max(seconds) - min(seconds) < 1e-6:
        fits = usual is not None and abs(1 / usual - seconds[0]) <= tick
        return usual if fits else 1 / round(seconds[0], 6)
    ends = list(itertools.accumulate(seconds))
    mean = len(seconds) / total
    for rate in [*([] if usual is None else [usual]), float(max(1, round(mean))), mean]:
        if all(abs(end - k / rate) <= tick + 1e-6 for k, end in enumerate(ends, 1)):
            return rate
    return None


def check_size(path: Path, width: int, height: int) -> None:
    """Refuse more pixels than are read of a picture.

    Raises:
        UnreadablePicture: there are more.
    """
    if width * height > MAX_PIXELS:
        limit = f"at most {MAX_PIXELS / 1e6:g} megapixels are read"
        raise UnreadablePicture(path, f"too large: {width}x{height} px, {limit}")


def frame_of(pixels: NDArray[np.uint8], number: int, seconds: float | None) -> Frame:
    """Return bytes (H, W, C) as a frame called by its number."""
    import torch

    image = from_bytes(torch.from_numpy(pixels)).permute(2, 0, 1).contiguous()
    return Frame(image, f"frame{number:06d}", seconds)

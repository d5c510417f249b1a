"""How varied a folder's pictures are, from small copies of some of them. No torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from artgan.data.decode import decode_all, default_workers
from artgan.data.intake import Intake
from artgan.pictures import PictureSpec

__all__ = ["LOOKED_AT", "Variety", "look"]

LOOKED_AT = 256
"""The most pictures that are looked at."""

SIDE = 16
"""Pixels of the small copies."""


@dataclass(frozen=True)
class Variety:
    """How different pictures are.

    Attributes:
        distance: mean RMS difference of two of them, unit range, at 16x16 px: 0 for all the same,
            about 0.4 for noise of full contrast.
        count: of how many that was found.
    """

    distance: float
    count: int


def look(intake: Intake, spec: PictureSpec) -> Variety | None:
    """Return the variety of a folder's pictures, None if fewer than two can be read.

    Args:
        intake: what the folder holds; some of it, evenly picked, is decoded.
        spec: how pictures are fitted; its size does not matter.
    """
    total = len(intake.pictures)
    count = min(LOOKED_AT, total)
    picked = [intake.pictures[i * total // count] for i in range(count)]
    small = replace(spec, size=(SIDE, SIDE))
    found = [
        decoded.pixels
        for decoded in decode_all(intake.folder, picked, small, default_workers())
        if decoded.pixels is not None
    ]
    if len(found) < 2:
        return None
    points = np.stack(found).reshape(len(found), -1).astype(np.float64) / 255
    lengths = (points**2).sum(1)
    squares = lengths[:, None] + lengths[None] - 2 * points @ points.T
    rms = np.sqrt(np.maximum(squares, 0) / points.shape[1])
    pairs = len(found) * (len(found) - 1)
    return Variety(float(rms.sum() / pairs), len(found))

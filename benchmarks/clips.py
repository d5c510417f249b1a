"""Clips that benchmarks of animations are run on: photographs that fade over, and plasma."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["CLIPS", "FPS", "FRAMES", "SIZE", "Clip", "photos", "plasma"]

SIZE, FRAMES, FPS = 256, 120, 25.0

Clip = list[NDArray[np.uint8]]
"""The frames of a closed loop, each (H, W, 3)."""


def photos(folder: Path, *, size: int = SIZE, frames: int = FRAMES) -> Clip:
    """Return a loop of a folder's first six pictures: each zooms in slowly and fades to the next.

    A picture is alone for half of its turn and fades over to the next in the other half.

    Args:
        folder: six pictures or more, taken by name.
        size: pixels a side.
        frames: how many.

    Raises:
        SystemExit: there are fewer pictures.
    """
    paths = sorted(path for path in Path(folder).iterdir() if path.is_file())[:6]
    if len(paths) < 6:
        raise SystemExit(f"{folder}: expected six pictures, found {len(paths)}")
    pictures = [Image.open(path).convert("RGB") for path in paths]

    def zoomed(number: int, turn: float) -> NDArray[np.float32]:
        picture = pictures[number % 6]
        side = min(picture.size) / (1 + 0.1 * turn)
        left, top = (picture.width - side) / 2, (picture.height - side) / 2
        box = (left, top, left + side, top + side)
        shown = picture.resize((size, size), Image.Resampling.LANCZOS, box=box)
        return np.asarray(shown, dtype=np.float32)

    clip = []
    for index in range(frames):
        number, turn = divmod(6 * index / frames, 1)
        mix = max(2 * turn - 1, 0.0)
        mix = mix * mix * (3 - 2 * mix)
        # the next picture begins to zoom where it begins to fade in
        shown = (1 - mix) * zoomed(int(number), turn + 0.5)
        shown += mix * zoomed(int(number) + 1, max(turn - 0.5, 0.0))
        clip.append(np.round(shown).astype(np.uint8))
    return clip


def plasma(*, size: int = SIZE, frames: int = FRAMES, seed: int = 1) -> Clip:
    """Return a loop of gradients that drift through the whole gamut, with a grain of sigma 1.5.

    Each channel is a sine of a sum of waves that go round once or twice in the loop; the grain is
    new in every frame.
    """
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    clip = []
    for index in range(frames):
        time = 2 * math.pi * index / frames
        channels = []
        for channel in range(3):
            shift = 2 * math.pi * channel / 3
            warp = np.sin(2 * math.pi * (x + 0.4 * y) + time + shift)
            warp += np.sin(2 * math.pi * (0.5 * x - 0.9 * y) - 2 * time + 2 * shift)
            warp += np.sin(2 * math.pi * np.hypot(x - 0.5, y - 0.5) * 1.5 - time)
            channels.append(127.5 + 127.5 * np.sin(1.5 * warp + time + shift))
        shown = np.stack(channels, 2) + draw.normal(0, 1.5, (size, size, 3))
        clip.append(np.round(shown).clip(0, 255).astype(np.uint8))
    return clip


CLIPS = ("photos", "plasma")
"""What there is, in the order it is measured."""

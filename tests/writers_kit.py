"""What tests of writers share: a disk that is full, and animations read back by Pillow."""

from __future__ import annotations

import errno
import gc
import weakref

import numpy as np
import torch
from PIL import Image

__all__ = ["FullDisk", "let_go", "read"]


class FullDisk:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, data):
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data)

    def writelines(self, parts):
        for part in parts:
            self.write(part)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._file.close()


def let_go(writer):
    """Write three frames of 9 x 13 px, and return whether a writer has let go of the first two."""
    kept = []
    for number in range(3):
        image = torch.full((3, 9, 13), number / 3)
        kept.append(weakref.ref(image))
        writer.write(image, name=f"{number}", seconds=None)
        del image
    gc.collect()
    return [ref() is None for ref in kept[:2]]


def read(path):
    """Return the frames (H, W, 4), their delays in ms, and what the file says of itself."""
    frames, delays = [], []
    with Image.open(path) as picture:
        for number in range(picture.n_frames):
            picture.seek(number)
            frames.append(np.asarray(picture.convert("RGBA")))
            delays.append(picture.info["duration"])
        return frames, delays, dict(picture.info)

"""Invert: from photos to a file of keys, the latents whose pictures are nearest. No torch here."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from artgan.api import ConfigError, ImageError
from artgan.keys import KEYS_SUFFIX, Key, write_keys
from artgan.options import Options
from artgan.outputs import check_place
from artgan.screen import safe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.inversion import Found
    from artgan.models import Model
    from artgan.pictures import PictureSpec

__all__ = ["InvertConfig", "Inverted", "invert_places", "invert_photos"]

COLUMNS = ("photo", "found")
SHOWN = 128
"""Pixels that the pictures of a sheet have at least on their short side."""


class InvertConfig(Options):
    """The settings of an inversion."""

    photos: tuple[str, ...] = Field(min_length=1, description="pictures to look for")
    run: str = Field(
        "latest", description="run folder, its number, latest, or a .artgan file; with @PICTURES"
    )
    starts: int = Field(512, ge=1, le=1_000_000, description="seeds that are looked at first")
    steps: int = Field(300, ge=0, le=100_000, description="steps that the best are refined in")
    seed: int = Field(0, ge=0, lt=2**63, description="of the seeds that are looked at")
    out: str | None = Field(
        None, min_length=1, description="file of keys; none given: the first photo's name .toml"
    )
    sheet: str | None = Field(
        None, min_length=1, description="picture of photos beside what was found, a .png"
    )
    strict: bool = Field(False, description="end with 1 if a photo was skipped")
    overwrite: bool = Field(False, description="replace what exists")
    runs: str = Field("runs", description="folder that runs are in")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")


class Inverted:
    """What came of it.

    Attributes:
        files: what was written.
        skipped: photos that could not be read, and why.
    """

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.skipped: list[tuple[Path, str]] = []


def invert_places(config: InvertConfig) -> tuple[Path, Path | None]:
    """Return the file of keys and the sheet, once each may be written.

    Raises:
        ConfigError: a name has the wrong suffix.
        PathError: something is in the way.
    """
    out = Path(config.out or f"{Path(config.photos[0]).stem}{KEYS_SUFFIX}")
    sheet = None if config.sheet is None else Path(config.sheet)
    for path, suffix in ((out, KEYS_SUFFIX), (sheet, ".png")):
        if path is None:
            continue
        if path.suffix.lower() != suffix:
            raise ConfigError(f"{safe(path)}: expected a name that ends in {suffix}")
        check_place(path, folder=False, overwrite=config.overwrite)
    return out, sheet


def invert_photos(
    config: InvertConfig,
    model: Model,
    fitting: PictureSpec,
    *,
    tell: Callable[[Path, Found], None],
    told: Callable[[int, int], None],
) -> Inverted:
    """Find photos in the latent space, write their keys, and return what came of it.

    Nothing is written before all are found.

    Args:
        config: settings.
        model: what they are looked for with.
        fitting: what the pictures that it learned from were brought to.
        tell: hears of each photo that was found.
        told: hears how many steps are done, of how many.

    Raises:
        ImageError: no photo can be read.
        OutputError: a file cannot be written.
    """
    from artgan.choices import table_of
    from artgan.images import save_png
    from artgan.inversion import invert_picture
    from artgan.pictures import UnreadablePicture

    out, sheet = invert_places(config)
    made = Inverted()
    keys, rows = [], []
    total = len(config.photos) * config.steps
    for number, photo in enumerate(config.photos):
        path = Path(photo)

        def hear(done: int, _: int, before: int = number * config.steps) -> None:
            told(before + done, total)

        try:
            found, picture = invert_picture(
                path,
                model,
                fitting=fitting,
                seed=config.seed,
                starts=config.starts,
                steps=config.steps,
                told=hear,
            )
        except UnreadablePicture as error:
            made.skipped.append((path, error.reason))
            continue
        tell(path, found)
        keys.append(Key.of_code(path.stem[:200], found.code, found.space))
        rows.append([_shown(picture), _shown(found.image.clamp(0, 1))])
    if not keys:
        path, reason = made.skipped[0]
        raise ImageError(f"no photo can be looked for: {safe(path)}: {safe(reason)}")
    write_keys(out, keys, model.origin)
    made.files.append(out)
    if sheet is not None:
        save_png(sheet, table_of(rows, COLUMNS, [key.name for key in keys]))
        made.files.append(sheet)
    return made


def _shown(picture: Tensor) -> Tensor:
    """Return a picture (C, H, W) so large that it can be judged."""
    from artgan.images import enlarge

    return enlarge(picture[None], max(1, math.ceil(SHOWN / min(picture.shape[1:]))))[0]

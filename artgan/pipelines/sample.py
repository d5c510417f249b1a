"""Sample: from seeds to PNG files, one each or all in a grid. No torch at import."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from artgan.api import ConfigError
from artgan.choices import LABEL, labelled
from artgan.images import Sheet, save_png
from artgan.latents import draw, parse_seeds
from artgan.options import Options
from artgan.outputs import Progress, check_place
from artgan.rendering import RENDER_BATCH, codes_of, recipe, render
from artgan.screen import plural, safe

if TYPE_CHECKING:
    from artgan.models import Model

__all__ = ["SampleConfig", "sample", "sample_paths"]

MAX_GRID_PIXELS = 40_000_000
GRID_NAME = "grid.png"


class SampleConfig(Options):
    """The settings of a sample."""

    run: str = Field(
        description="run folder, its number, latest, or a .artgan file; with @PICTURES"
    )
    seeds: str = Field("0-15", description="seeds, such as 3,17,40-43; each is a picture")
    psi: float = Field(
        1.0,
        ge=0,
        le=1,
        description="truncation: below 1 is less varied, 1 is none; of w where the network has "
        "it, else z is scaled",
    )
    grid: bool = Field(False, description="one picture of all, row by row")
    columns: int | None = Field(
        None, ge=1, le=10_000, description="pictures in a row of the grid; none given: about square"
    )
    label: bool = Field(False, description="write the seed below each picture of the grid")
    scale: int = Field(1, ge=1, le=64, description="times as large")
    pixels: bool = Field(False, description="enlarge with square pixels, not smoothly")
    out: str = Field("samples/", min_length=1, description="folder, or a .png for a single file")
    overwrite: bool = Field(False, description="replace what exists")
    meta: bool = Field(True, description="keep the recipe in the files")
    runs: str = Field("runs", description="folder that runs are in")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")

    @field_validator("seeds")
    @classmethod
    def _seeds(cls, value: str) -> str:
        parse_seeds(value)
        return value

    @property
    def wanted(self) -> list[int]:
        """Return the seeds, each once unless they make a grid."""
        seeds = parse_seeds(self.seeds)
        return seeds if self.grid else list(dict.fromkeys(seeds))


def sample_paths(config: SampleConfig) -> list[Path]:
    """Return the files that a sample will be, once each may be written.

    Raises:
        ConfigError: the output is neither a folder nor a .png, or one file for several pictures.
        PathError: something is in the way.
    """
    if config.label and not config.grid:
        raise ConfigError("--label is of a grid: add --grid, or leave it out")
    out, seeds = Path(config.out), config.wanted
    single = out.suffix.lower() == ".png" and not config.out.endswith(("/", os.sep))
    if single and not out.is_dir():
        if not config.grid and len(seeds) > 1:
            raise ConfigError(
                f"{safe(out)} holds one picture, {plural(len(seeds), 'seed')} were given: "
                f"add --grid, or give a folder, such as {safe(out.with_suffix(''))}/"
            )
        paths = [out]
    elif out.suffix and not out.is_dir() and not config.out.endswith(("/", os.sep)):
        raise ConfigError(
            f"{safe(out)}: samples are .png, not '{safe(out.suffix)}': "
            "give a .png, or a folder, its name ending in /"
        )
    else:
        check_place(out, folder=True, overwrite=True)
        names = [GRID_NAME] if config.grid else [f"seed{seed:06d}.png" for seed in seeds]
        paths = [out / name for name in names]
    for path in paths:
        check_place(path, folder=False, overwrite=config.overwrite)
    return paths


def sample(config: SampleConfig, model: Model, progress: Progress | None = None) -> list[Path]:
    """Write the pictures of seeds and return their paths.

    A seed's file has the same bytes whatever other seeds were asked for beside it.

    Args:
        config: what to draw.
        model: what draws it.
        progress: called after each picture.

    Raises:
        ConfigError, PathError: see `sample_paths`.
        OutputError: a file cannot be written; those before it stay.
    """
    paths = sample_paths(config)
    seeds = config.wanted
    sheet: Sheet | None = None
    if config.grid:
        _check_grid(len(seeds), config, model)
        height, width = (side * config.scale for side in model.size)
        room = (height + LABEL if config.label else height, width)
        sheet = Sheet(len(seeds), model.channels, room, columns=config.columns)
    for start in range(0, len(seeds), RENDER_BATCH):
        part = seeds[start : start + RENDER_BATCH]
        z = draw(part, model.z_dim, model.prior)
        codes = codes_of(model, z, psi=config.psi)
        images = render(model, codes, scale=config.scale, smooth=not config.pixels)
        for number, image in enumerate(images, start):
            if sheet is not None:
                sheet.add(labelled(image, str(seeds[number])) if config.label else image)
            else:
                save_png(paths[number], image, _recipe(config, model, seeds[number : number + 1]))
            if progress is not None:
                progress(number + 1, len(seeds))
    if sheet is not None:
        save_png(paths[0], sheet.image, _recipe(config, model, seeds))
    return paths


def _recipe(config: SampleConfig, model: Model, seeds: list[int]) -> str | None:
    if not config.meta:
        return None
    settings: dict[str, Any] = {
        "seeds": seeds,
        "psi": config.psi,
        "scale": config.scale,
        "pixels": config.pixels,
    }
    if config.grid:
        settings |= {"grid": True, "columns": config.columns}
    if config.label:
        settings["label"] = True
    return recipe("sample", model, settings)


def _check_grid(count: int, config: SampleConfig, model: Model) -> None:
    height, width = (side * config.scale for side in model.size)
    pixels = count * (height + LABEL * config.label) * width
    if pixels > MAX_GRID_PIXELS:
        raise ConfigError(
            f"a grid of {plural(count, 'picture')} has {pixels / 1e6:,.0f} million pixels, "
            f"{MAX_GRID_PIXELS // 10**6} at most: give fewer --seeds or leave --grid out"
        )

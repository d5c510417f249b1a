"""The only place that joins pipelines: the demo, and a check that knows how long training takes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from artgan.api import PathError
from artgan.config import TrainConfig
from artgan.files import write_text
from artgan.options import Options
from artgan.registry import registry
from artgan.screen import duration, safe
from artgan.watching import TrainResult, Watcher

if TYPE_CHECKING:
    from artgan.pictures import PictureSpec

__all__ = ["DemoConfig", "DemoResult", "demo", "estimate"]

MARKER = ".artgan-demo"
"""The file by which a demo's folder is known; nothing is removed from any other."""

PARTS = ("pictures", "runs", "grid.png", "walk.gif", "brushwork.png", "plain.png", "painted.png")
"""What a demo makes in its folder, and what --overwrite may remove from it."""

PICTURE_SIDE = 64
PAINTED_SIDE = 128
"""Pixels on a side of the paintings, and of what is painted anew, about."""


class DemoConfig(Options):
    """The settings of a demo."""

    out: str = Field("artgan-demo", min_length=1, description="folder for all that it makes")
    minutes: float = Field(1.0, gt=0, le=1000, description="minutes of training")
    count: int = Field(400, ge=1, le=10_000, description="pictures it draws to learn from")
    size: str = Field("32", description="pixels to train at, WIDTH or WIDTHxHEIGHT")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of everything random")
    overwrite: bool = Field(False, description="replace an earlier demo")


@dataclass(frozen=True)
class DemoResult:
    """What a demo made.

    Attributes:
        folder: where all of it is.
        pictures: the folder of drawn pictures.
        training: how training ended.
        grid: pictures from the trained generator, None if training was stopped.
        walk: the looping walk, None if training was stopped.
        painted: some of the pictures in the style of brushwork, None if training was stopped.
    """

    folder: Path
    pictures: Path
    training: TrainResult
    grid: Path | None
    walk: Path | None
    painted: Path | None


def demo(
    config: DemoConfig,
    watcher: Watcher,
    stop: Callable[[], bool],
    trained: Callable[[], None] = lambda: None,
) -> DemoResult:
    """Draw pictures, train on them, sample, walk and stylize.

    Args:
        config: settings.
        watcher: told what happens.
        stop: asked after every training step whether to save and end.
        trained: called when training is over and `stop` is not asked any more.

    Raises:
        PathError: the folder is in use for something else.
        OutputError: something could not be written.
    """
    from artgan.paintings import paint_folder
    from artgan.pipelines.train import start

    folder = _cleared(Path(config.out), overwrite=config.overwrite)
    pictures = folder / "pictures"
    paint_folder(
        pictures,
        config.count,
        seed=config.seed,
        side=PICTURE_SIDE,
        progress=lambda done: watcher.working("drawing pictures", done, config.count),
    )
    settings = TrainConfig.model_validate(
        {
            "images": str(pictures),
            "size": config.size,
            "minutes": config.minutes,
            "seed": config.seed,
        }
    )
    training = start(settings, watcher, stop, out=folder / "runs")
    trained()
    if not training.finished:
        return DemoResult(folder, pictures, training, None, None, None)
    grid, walk = _draw(training, folder)
    painted = _stylize(
        training, folder, lambda done, total: watcher.working("painting", done, total)
    )
    return DemoResult(folder, pictures, training, grid, walk, painted)


def estimate(count: int, spec: PictureSpec) -> str:
    """Return how long training would take with what is chosen, measured on a few steps.

    Args:
        count: number of pictures.
        spec: what they are brought to.
    """
    from artgan.engine import describe_device
    from artgan.pipelines.train import settled
    from artgan.speed import measure_speed
    from artgan.training import Trainer

    height, width = spec.size
    settings = {"images": ".", "size": spec.size, "channels": spec.channels}
    config = TrainConfig.model_validate(settings)
    choice, device = settled(config, registry(), [(width, height)] * count)
    config = choice.config
    rate = measure_speed(Trainer(config, registry(), device), steps=3)
    kimg = config.kimg or 0
    return (
        f"Training: {kimg:g} kimg, {duration(kimg * 1000 / rate)} at {rate:.0f} pictures a second, "
        f"measured on a few steps ({describe_device(device)})"
    )


def _cleared(folder: Path, *, overwrite: bool) -> Path:
    if folder.exists() and not folder.is_dir():
        raise PathError(f"{safe(folder)} is a file: give another --out")
    there = [name for name in PARTS if (folder / name).exists()]
    if there and not (folder / MARKER).is_file():
        raise PathError(
            f"{safe(folder)} is not a demo's folder and holds {safe(there[0])}: give another --out"
        )
    if there and not overwrite:
        raise PathError(f"{safe(folder)} holds a demo already: give another --out, or --overwrite")
    for name in there:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    write_text(folder / MARKER, "made by artgan demo; --overwrite replaces what it made here\n")
    return folder


def _draw(training: TrainResult, folder: Path) -> tuple[Path, Path]:
    from artgan.filming import Film, film
    from artgan.models import open_model
    from artgan.outputs import find_outputs
    from artgan.pipelines.sample import SampleConfig, sample
    from artgan.pipelines.walk import plan_walk
    from artgan.walksettings import WalkConfig, usual_keys

    run, grid, gif = str(training.run.path), folder / "grid.png", folder / "walk.gif"
    components = registry()
    model = open_model(run, runs=training.run.path.parent)
    sample(SampleConfig(run=run, seeds="0-31", grid=True, columns=8, scale=3, out=str(grid)), model)
    config = WalkConfig(run=run, out=(str(gif),))
    outputs = find_outputs(
        config.out, fps=config.fps, overwrite=True, components=components, tables={}
    )
    plan = plan_walk(config, model, components, usual_keys(config, components))
    film(Film(plan, model, components), outputs)
    return grid, gif


def _stylize(training: TrainResult, folder: Path, told: Callable[[int, int], None]) -> Path:
    """Draw some pictures larger, and those again in brush strokes, which artgan draws too."""
    from artgan.images import save_png
    from artgan.models import open_model
    from artgan.paintings import brushwork
    from artgan.pipelines.sample import SampleConfig, sample
    from artgan.studio import Studio
    from artgan.stylesettings import StylizeConfig

    run, plain, brush = str(training.run.path), folder / "plain.png", folder / "brushwork.png"
    painted = folder / "painted.png"
    model = open_model(run, runs=training.run.path.parent)
    grid = {"grid": True, "columns": 4, "scale": max(1, PAINTED_SIDE // max(model.size))}
    sample(SampleConfig(run=run, seeds="0-7", out=str(plain), **grid), model)
    save_png(brush, brushwork(0))
    config = StylizeConfig(images=(str(plain),), styles=(str(brush),), out=str(painted))
    save_png(painted, Studio(config, registry()).redraw(plain, [1.0], told)[0])
    return painted

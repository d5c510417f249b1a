"""`artgan invert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artgan.cli.progress import progress
from artgan.cli.settings import argument, flag, given
from artgan.cli.stopping import terminable
from artgan.cli.telling import tell_skipped
from artgan.config import validate
from artgan.keys import Key
from artgan.pipelines.invert import InvertConfig, invert_photos, invert_places
from artgan.screen import safe, say

if TYPE_CHECKING:
    from artgan.inversion import Found
    from artgan.models import Model
    from artgan.pictures import PictureSpec

__all__ = ["app", "invert", "key_of_photo"]

app = typer.Typer(add_completion=False)

C = InvertConfig


@app.command()
def invert(
    photos: Annotated[list[str], argument(C, "photos", metavar="PHOTO...")],
    run: Annotated[str | None, flag(C, "run", metavar="RUN")] = None,
    starts: Annotated[int | None, flag(C, "starts")] = None,
    steps: Annotated[int | None, flag(C, "steps")] = None,
    seed: Annotated[int | None, flag(C, "seed")] = None,
    out: Annotated[str | None, flag(C, "out", "--out", "-o", metavar="FILE")] = None,
    sheet: Annotated[str | None, flag(C, "sheet", metavar="FILE")] = None,
    strict: Annotated[bool | None, flag(C, "strict", "--strict")] = None,
    overwrite: Annotated[bool | None, flag(C, "overwrite", "--overwrite")] = None,
    runs: Annotated[str | None, flag(C, "runs", metavar="DIR")] = None,
    device: Annotated[str | None, flag(C, "device")] = None,
) -> None:
    """Find the latents whose pictures are nearest to photos, and write them as keys for walks.

    What a network has drawn itself is found again; a photo becomes what the network has that is
    like it. Interrupted, it writes nothing.
    """
    settings = given(
        photos=photos, run=run, starts=starts, steps=steps, seed=seed, out=out, sheet=sheet,
        strict=strict, overwrite=overwrite, runs=runs, device=device,
    )  # fmt: skip
    config = validate(InvertConfig, settings, "")
    invert_places(config)  # refuses before anything heavy is loaded
    from artgan.models import open_model

    model = open_model(config.run, runs=Path(config.runs), device=config.device)
    say(f"looking in {model.label}")
    with terminable(), progress("looking") as show:
        made = invert_photos(
            config, model, _fitting(config.run, Path(config.runs)), tell=_tell, told=show
        )
    tell_skipped(made.skipped)
    for path in made.files:
        print(safe(path))
    if made.skipped and config.strict:
        raise typer.Exit(1)


def key_of_photo(path: Path, model: Model, *, run: str, runs: Path) -> Key:
    """Return the key of a photo, once it is found in the latent space.

    Args:
        path: the photo.
        model: what it is looked for with.
        run: RUN of the command line, which the model is of.
        runs: the folder that runs are in.

    Raises:
        UnreadablePicture: it cannot be read.
    """
    from artgan.inversion import key_of_photo as look_for

    with terminable(), progress(f"looking for {safe(path.name)}") as show:
        key, found = look_for(path, model, run=run, runs=runs, told=show)
    _tell(path, found)
    return key


def _fitting(run: str, runs: Path) -> PictureSpec:
    """Return what the pictures that a run learned from were brought to."""
    from artgan.models import find_weights
    from artgan.pictures import PictureSpec

    return PictureSpec.of(find_weights(run, runs).config)


def _tell(path: Path, found: Found) -> None:
    say(
        f"{safe(path)}: {found.distance:.3f} away on the average, "
        f"{found.start:.3f} from the best of the seeds"
    )

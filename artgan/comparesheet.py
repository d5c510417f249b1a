"""The sheet of a comparison: a row of pictures for each architecture, real ones first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from artgan.screen import safe

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

__all__ = ["draw"]

REALS = "reals.png"
"""In a run folder; where no run has one, there is no row of real pictures."""

ACROSS = 12
SHOWN = 64
"""Pictures in a row, and how wide and high each is, in pixels, about."""

LABEL = 96
TEXT = 13
GAP = 4
MARGIN = 2
"""Pixels between rows, and between and around pictures."""


class _Row(Protocol):
    """What has a row."""

    arch: str
    run: str
    best: int


def draw(path: Path, rows: Sequence[_Row], folder: Path) -> None:
    """Write a PNG with a labelled row of pictures for each run; all rows are of the same seeds.

    Args:
        path: where.
        rows: in order from the top, below the reals; each one's run is in `folder`/runs.
        folder: the comparison's.

    Raises:
        CheckpointError: a run holds nothing sound.
        OutputError: it cannot be written.
    """
    from PIL import Image

    from artgan.images import save_png

    runs = [folder / "runs" / row.run for row in rows]
    shown = next((run for run in runs if (run / REALS).is_file()), None)
    strips = [] if shown is None else [("real pictures", _reals(shown))]
    strips += [(row.arch, _fakes(folder / "runs" / row.run)) for row in rows]
    width = max(strip.width for _, strip in strips)
    height = sum(strip.height + GAP for _, strip in strips) + GAP
    sheet = Image.new("RGB", (LABEL + width + GAP, height), "white")
    top = GAP
    for label, strip in strips:
        _write(sheet, label, top + strip.height // 2)
        sheet.paste(strip, (LABEL, top))
        top += strip.height + GAP
    save_png(path, sheet)


def _write(sheet: Image.Image, label: str, middle: int) -> None:
    from PIL import ImageDraw, ImageFont

    words = safe(label)
    font = ImageFont.load_default(TEXT)
    while font.getlength(words) > LABEL - 2 * GAP and len(words) > 1:
        words = words[:-1]
    ImageDraw.Draw(sheet).text((GAP, middle), words, "black", font, anchor="lm")


def _fakes(run: Path) -> Image.Image:
    """Return the pictures of seeds 0, 1, 2 ... from a run's best checkpoint, side by side."""
    import torch

    from artgan.latents import draw as latents
    from artgan.models import open_model
    from artgan.rendering import codes_of, render

    model = open_model(str(run), runs=run.parent, device="cpu")
    z = latents(range(ACROSS), model.z_dim, model.prior)
    return _strip(torch.stack(list(render(model, codes_of(model, z)))))


def _reals(run: Path) -> Image.Image:
    """Return some pictures of a run's `reals.png`, which are spread over its folder."""
    from PIL import Image

    from artgan.models import run_config
    from artgan.runs import RunFolder

    height, width = run_config(RunFolder(run).config(), safe(run.name)).side
    with Image.open(run / REALS) as file:
        picture = file.convert("RGBA")
    sheet = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    columns = (sheet.width - MARGIN) // (width + MARGIN)
    rows = (sheet.height - MARGIN) // (height + MARGIN)
    whole = max(1, rows - 1) * columns  # the last row may not be full
    places = [divmod(i, columns) for i in range(0, whole, max(1, whole // ACROSS))][:ACROSS]
    factor = _factor(height, width)
    strip = _blank(len(places), height * factor, width * factor)
    for number, (row, column) in enumerate(places):
        left, top = MARGIN + column * (width + MARGIN), MARGIN + row * (height + MARGIN)
        cell = sheet.crop((left, top, left + width, top + height))
        cell = cell.resize((width * factor, height * factor), Image.Resampling.NEAREST)
        strip.paste(cell, (MARGIN + number * (cell.width + MARGIN), MARGIN))
    return strip.convert("RGB")


def _blank(count: int, height: int, width: int) -> Image.Image:
    from PIL import Image

    return Image.new("RGBA", (MARGIN + count * (width + MARGIN), height + 2 * MARGIN), "white")


def _factor(height: int, width: int) -> int:
    """Return how many times as large small pictures are shown."""
    return max(1, round(SHOWN / max(height, width)))


def _strip(pictures: Tensor) -> Image.Image:
    """Return unit pictures (N, C, H, W) side by side, small ones enlarged."""
    from artgan.images import enlarge, grid, laid_on, to_pil

    factor = _factor(*pictures.shape[2:])
    pictures = laid_on(enlarge(pictures, factor, smooth=False).clamp(0, 1))
    return to_pil(grid(pictures, columns=len(pictures))).convert("RGB")

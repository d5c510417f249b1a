"""A table of pictures with what each was made with above and beside it, to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from artgan.images import to_pil

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

__all__ = ["LABEL", "labelled", "table_of"]

GAP = 4
TEXT = 14
"""Height of the words in pixels."""
LEAST = 6
"""Height of words that have little room; smaller ones cannot be read."""

INK = (40, 40, 40)

LABEL = TEXT + 2
"""Pixels that a label below a picture takes."""


def labelled(image: Tensor, text: str) -> Tensor:
    """Return a picture with a line of words below it on white, (C, H + LABEL, W).

    Args:
        image: unit range, (C, H, W), C of 1, 3 or 4.
        text: what is cut off where it does not fit.
    """
    import numpy as np
    import torch
    from PIL import Image, ImageDraw, ImageFont

    channels, _, width = image.shape
    strip = Image.new("L", (width, LABEL), "white")
    wide = ImageFont.load_default(TEXT).getlength(text)
    font = ImageFont.load_default(max(LEAST, min(TEXT, int(TEXT * width / max(wide, 1)))))
    ImageDraw.Draw(strip).text((width / 2, LABEL - 2), text, INK[0], font, anchor="ms")
    below = torch.from_numpy(np.asarray(strip).copy()).float()[None].expand(channels, -1, -1) / 255
    if channels == 4:
        below = torch.cat([below[:3], torch.ones_like(below[:1])])
    return torch.cat([image, below], dim=-2)


def table_of(
    rows: Sequence[Sequence[Tensor]], across: Sequence[str], down: Sequence[str]
) -> Image.Image:
    """Return pictures in rows on white, with words above the columns and beside the rows.

    Args:
        rows: unit pictures (C, H, W), all of one size.
        across: above the columns.
        down: beside the rows.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(TEXT)
    left = GAP + max(round(font.getlength(word)) for word in down) + GAP
    top = TEXT + 2 * GAP
    height, width = rows[0][0].shape[-2:]
    size = (left + len(across) * (width + GAP), top + len(down) * (height + GAP))
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for number, word in enumerate(across):
        middle = left + number * (width + GAP) + width / 2
        pen.text((middle, GAP), word, INK, font, anchor="ma")
    for index, (word, pictures) in enumerate(zip(down, rows, strict=True)):
        y = top + index * (height + GAP)
        pen.text((GAP, y + height / 2), word, INK, font, anchor="lm")
        for number, picture in enumerate(pictures):
            tile = to_pil(picture)
            mask = tile.getchannel("A") if tile.mode == "RGBA" else None
            sheet.paste(tile.convert("RGB"), (left + number * (width + GAP), y), mask)
    return sheet

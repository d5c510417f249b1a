"""A table of pictures with what each was made with above and beside it, to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from artgan.images import to_pil

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

__all__ = ["table_of"]

GAP = 4
TEXT = 14
"""Height of the words in pixels."""

INK = (40, 40, 40)


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

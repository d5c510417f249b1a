"""Options of the writers. No torch."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from artgan.options import Options

__all__ = [
    "ApngOptions",
    "AvifOptions",
    "GifOptions",
    "PosterOptions",
    "SheetOptions",
    "VideoOptions",
    "WebpOptions",
]


class GifOptions(Options):
    """Options of `gif`."""

    quality: Literal["best", "smooth", "small", "draft"] = Field(
        "best",
        description="best is dithered, smooth is not (bands), small has one palette for all "
        "frames, draft is quick",
    )
    dither: Literal["auto", "diffusion", "ordered", "none"] = Field(
        "auto", description="auto goes by the quality; ordered keeps still from frame to frame"
    )
    colors: int = Field(256, ge=2, le=256, description="most colours in a frame")
    palette: str | None = Field(
        None, description='the only colours there are, 2 to 256, such as "#1a0f1f,#f7eed3"'
    )

    @field_validator("palette")
    @classmethod
    def _palette(cls, value: str | None) -> str | None:
        if value is not None and not 2 <= len(_hex_colors(value)) <= 256:
            raise ValueError("expected 2 to 256 colours, such as #1a0f1f,#f7eed3")
        return value

    @property
    def lock(self) -> list[tuple[int, int, int]] | None:
        """Return the colours of the palette, RGB bytes, each once; None without a palette."""
        return None if self.palette is None else _hex_colors(self.palette)


def _hex_colors(text: str) -> list[tuple[int, int, int]]:
    """Return colours written #rrggbb with commas between, each once; none if one is not."""
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch("#[0-9a-fA-F]{6}", part) for part in parts):
        return []
    found = [bytes.fromhex(part[1:]) for part in parts]
    return list(dict.fromkeys((color[0], color[1], color[2]) for color in found))


class WebpOptions(Options):
    """Options of `webp`."""

    lossless: bool = Field(False, description="keep every pixel exactly; files become larger")
    quality: int = Field(
        90, ge=0, le=100, description="how well it looks; if lossless, how hard size is worked on"
    )
    method: int = Field(4, ge=0, le=6, description="0 is quick, 6 makes the smallest files")


class VideoOptions(Options):
    """Options of `video`."""

    crf: int | None = Field(
        None,
        ge=0,
        le=51,
        description="lower looks better and is larger; None is 18 for .mp4 and 28 for .webm",
    )


class ApngOptions(Options):
    """Options of `apng`."""

    compress_level: int = Field(6, ge=0, le=9, description="0 is quick, 9 makes the smallest files")


class AvifOptions(Options):
    """Options of `avif`."""

    quality: int = Field(75, ge=0, le=100, description="how well it looks")
    speed: int = Field(8, ge=0, le=10, description="0 makes the smallest files, 10 is quick")


class SheetOptions(Options):
    """Options of `sheet`."""

    count: int = Field(24, ge=1, le=400, description="most frames on it")
    columns: int | None = Field(None, ge=1, description="frames in a row; None is about square")
    width: int | None = Field(
        None, ge=8, le=2048, description="of each, in pixels; None is its own, but at most 256"
    )


class PosterOptions(Options):
    """Options of `poster`."""

    frame: int = Field(0, ge=0, description="which is shown, 0 is the first; the last if too few")

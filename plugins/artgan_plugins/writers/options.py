"""Options of the writers. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["GifOptions", "VideoOptions", "WebpOptions"]


class GifOptions(Options):
    """Options of `gif`."""

    quality: Literal["best", "flat", "draft"] = Field(
        "best", description="best is dithered, flat is not (smaller, bands), draft is quick"
    )
    colors: int = Field(256, ge=2, le=256, description="most colours in a frame")


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

"""Options of the writers. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["GifOptions"]


class GifOptions(Options):
    """Options of `gif`."""

    quality: Literal["best", "flat", "draft"] = Field(
        "best", description="best is dithered, flat is not (smaller, bands), draft is quick"
    )
    colors: int = Field(256, ge=2, le=256, description="most colours in a frame")

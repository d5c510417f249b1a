"""Options of the effects. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = [
    "Corner",
    "Half",
    "KaleidoscopeOptions",
    "MirrorOptions",
    "QuartersOptions",
    "TileOptions",
]

Half = Literal["left", "right", "top", "bottom"]
Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]


class MirrorOptions(Options):
    """Options of `mirror`."""

    half: Half = Field("left", description="half that is kept: left, right, top or bottom")


class QuartersOptions(Options):
    """Options of `quarters`."""

    corner: Corner = Field("top-left", description="quarter that is kept, such as bottom-right")


class KaleidoscopeOptions(Options):
    """Options of `kaleidoscope`."""

    wedges: int = Field(
        12, ge=2, le=32, multiple_of=2, description="wedges around the middle, an even number"
    )
    turn: float = Field(
        0.0, ge=-360, le=360, description="where the first begins: degrees clockwise from the top"
    )


class TileOptions(Options):
    """Options of `tile`."""

    tiles: int = Field(2, ge=2, le=16, description="tiles along each side")

"""Options of the samplers. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["CircleOptions", "SlerpOptions"]


class SlerpOptions(Options):
    """Options of `slerp`."""

    easing: Literal["linear", "sine", "smooth"] = Field(
        "linear",
        description="speed between two keys: linear is even, sine slows down at keys, smooth more",
    )


class CircleOptions(Options):
    """Options of `circle`."""

    turns: int = Field(1, ge=1, le=1000, description="times around in one loop")

"""Options of the augmentations. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["DiffaugmentOptions", "InstanceNoiseOptions"]


class DiffaugmentOptions(Options):
    """Which changes are made."""

    colour: bool = Field(True, description="changes brightness, saturation and contrast")
    translation: bool = Field(True, description="moves by up to an eighth of each side")
    cutout: bool = Field(True, description="greys out a part half as high and half as wide")


class InstanceNoiseOptions(Options):
    """How much noise, and for how long."""

    deviation: float = Field(
        0.1, ge=0, le=2, description="standard deviation at the start; black to white is 2"
    )
    kimg: float = Field(
        50.0, ge=0, le=10**9, description="thousand pictures after which it has faded to nothing"
    )

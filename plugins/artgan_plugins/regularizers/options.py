"""Options of the regularizers. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["GradientPenaltyOptions", "R1Options", "R2Options"]

GAMMA = "weight; none given: chosen from the size and the variety of the pictures, 3 at 32 px"
INTERVAL = "pictures between two uses; 0 is every step"


class R1Options(Options):
    """How strong, and how often."""

    gamma: float | None = Field(None, ge=0, le=1e6, description=GAMMA)
    interval: int = Field(512, ge=0, le=10**9, description=INTERVAL)


class R2Options(Options):
    """How strong, and how often."""

    gamma: float | None = Field(None, ge=0, le=1e6, description=GAMMA)
    interval: int = Field(512, ge=0, le=10**9, description=INTERVAL)


class GradientPenaltyOptions(Options):
    """Which slope, how strong, and how often."""

    target: float = Field(1.0, ge=0, le=1e6, description="the gradient norm that D should have")
    weight: float = Field(10.0, ge=0, le=1e6, description="weight of the squared distance to it")
    one_sided: bool = Field(False, description="only steeper slopes cost, flatter ones do not")
    interval: int = Field(0, ge=0, le=10**9, description=INTERVAL)

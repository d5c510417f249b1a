"""Options of `r1`. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["R1Options"]


class R1Options(Options):
    """How strong, and how often."""

    gamma: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="weight; none given: 0.001 x height x width, which is 1 at 32 px",
    )
    interval: int = Field(
        512, ge=0, le=10**9, description="pictures between two uses; 0 is every step"
    )

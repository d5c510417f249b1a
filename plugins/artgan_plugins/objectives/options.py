"""Options of the objectives. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["NonSaturatingOptions", "WassersteinOptions"]


class NonSaturatingOptions(Options):
    """How sure D should be of a real."""

    real_label: float = Field(
        1.0,
        gt=0.5,
        le=1.0,
        description="target for reals; below 1 is one-sided label smoothing, usually 0.9",
    )


class WassersteinOptions(Options):
    """What keeps the logits near 0."""

    drift: float = Field(
        1e-3, ge=0, le=1, description="weight of the squared real logits, which else drift away"
    )

"""Options of the samplers. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["CircleOptions", "DirectionOptions", "DriftOptions", "TruncationOptions"]


class CircleOptions(Options):
    """Options of `circle`."""

    turns: int = Field(1, ge=1, le=1000, description="times around in one loop")


class DriftOptions(Options):
    """Options of `drift`."""

    wander: float = Field(
        1.5, gt=0, le=20, description="how far it strays: 0.5 is one calm round, 4 is restless"
    )
    seed: int = Field(0, ge=0, lt=10**18, description="seed of the way that it takes")


class TruncationOptions(Options):
    """Options of `truncation`."""

    low: float = Field(0.5, ge=0, le=1, description="truncation half-way through a beat")
    high: float = Field(1.0, ge=0, le=1, description="truncation where a beat begins; 1 is none")
    beats: int = Field(1, ge=1, le=1000, description="times it goes low and comes back")


class DirectionOptions(Options):
    """Options of `direction`."""

    number: int = Field(0, ge=0, description="which direction; 0 changes pictures the most")
    angle: float = Field(45.0, gt=0, le=180, description="how far it swings each way, degrees")

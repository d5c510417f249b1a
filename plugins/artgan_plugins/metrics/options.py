"""Options of the metrics. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = [
    "CopyingOptions",
    "CoverageOptions",
    "DiversityOptions",
    "InceptionOptions",
    "SwdOptions",
]


class SwdOptions(Options):
    """Options of `swd`."""

    patches: int = Field(
        64,
        ge=1,
        le=100_000,
        description="patches taken from each picture and scale, and pixels; fewer where a set of "
        "pictures would give more than 2^21",
    )
    directions: int = Field(
        512, ge=1, le=100_000, description="random directions that the patches are compared along"
    )


class CoverageOptions(Options):
    """Options of `coverage`."""

    k: int = Field(
        5, ge=1, le=1000, description="a real's ball reaches to its k-th nearest other real"
    )


class DiversityOptions(Options):
    """Options of `diversity`."""

    pairs: int = Field(500, ge=1, le=1_000_000, description="random pairs that are compared")


class CopyingOptions(Options):
    """Options of `copying`."""

    shifts: bool = Field(
        True, description="whether copies that are moved by a pixel are looked for too"
    )
    sample: int = Field(
        1024, ge=1, le=1_000_000, description="reals whose own distances make the usual one"
    )


class InceptionOptions(Options):
    """Options of `inception`."""

    weights: str | None = Field(
        None, description="file of the network's weights; none given: downloaded once"
    )
    batch: int = Field(64, ge=1, le=4096, description="pictures looked at together")

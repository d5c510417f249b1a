"""Options of the picture losses. No torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from artgan.options import Options

__all__ = ["LayersOptions", "PatchSwdOptions", "TotalVariationOptions"]


def _split(value: object) -> object:
    """Return names that are written with commas between them as a list."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class LayersOptions(Options):
    """Which layers are looked at."""

    layers: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (), description="layers of the extractor; none given: those that it proposes"
    )


class PatchSwdOptions(Options):
    """How patches are compared."""

    side: int = Field(7, ge=1, le=31, description="pixels of a patch, across and down")
    directions: int = Field(64, ge=1, le=4096, description="directions they are projected on")
    octaves: int = Field(
        4, ge=1, le=8, description="sizes of the picture, each half the one before"
    )
    quantiles: int = Field(256, ge=2, le=4096, description="of each projection that are compared")


class TotalVariationOptions(Options):
    """What a difference costs."""

    exponent: float = Field(
        2.0, ge=1, le=2, description="power of differences: 2 smooths, 1 keeps edges"
    )

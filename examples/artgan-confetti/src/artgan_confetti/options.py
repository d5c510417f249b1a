"""What can be set. No torch: `artgan plugins show` reads this module."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["ConfettiOptions", "LissajousOptions", "PaletteOptions"]


class ConfettiOptions(Options):
    """How much is thrown, and how large the networks are."""

    discs: int = Field(12, ge=1, le=200, description="discs in a picture")
    z_dim: int = Field(32, ge=1, le=1024, description="numbers in a latent")
    width: int = Field(64, ge=1, le=1024, description="units of the hidden layers")


class LissajousOptions(Options):
    """How the path swings."""

    swing: float = Field(25.0, ge=0, le=180, description="how far it swings, degrees")
    frequencies: int = Field(3, ge=1, le=16, description="different speeds that swing together")


class PaletteOptions(Options):
    """How finely colours are told apart."""

    steps: int = Field(5, ge=2, le=16, description="levels of each channel")

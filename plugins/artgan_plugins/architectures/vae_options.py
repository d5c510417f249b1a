"""Options of `vae`. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["VaeOptions"]


class VaeOptions(Options):
    """Widths of the pair, and how exactly pictures have to come back."""

    z_dim: int = Field(64, ge=1, le=4096, description="numbers in a latent")
    base_channels: int = Field(
        32, ge=1, le=1024, description="channels at half the size; doubled with every halving"
    )
    max_channels: int = Field(256, ge=1, le=4096, description="the most channels anywhere")
    sigma: float = Field(
        0.2,
        ge=0.001,
        le=10,
        description="how far a pixel may be off, in signed range: less brings pictures back more "
        "exactly, more makes new ones likelier",
    )

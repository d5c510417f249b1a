"""Options of `mlp`. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["MlpOptions"]


class MlpOptions(Options):
    """Widths of the pair."""

    z_dim: int = Field(64, ge=1, le=4096, description="numbers in a latent")
    hidden: int = Field(512, ge=1, le=8192, description="numbers in each hidden layer")
    depth: int = Field(3, ge=1, le=16, description="hidden layers of each network")
    dropout: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        description="share of the discriminator's hidden numbers that are left out at random while "
        "it trains, the paper's way to keep it from getting ahead",
    )

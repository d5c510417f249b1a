"""Options of `r3`. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["R3Options"]


class R3Options(Options):
    """Widths of the pair. The paper's: width base, full_width_to 32, blocks 2."""

    width: Literal["tiny", "small", "base"] = Field(
        "tiny",
        description="channels of the coarse scales: tiny 128, small 256, base 768 (the paper's)",
    )
    full_width_to: int = Field(
        32,
        ge=4,
        le=1024,
        description="pixels of the short side up to which a scale has all of these channels; they "
        "halve with every doubling beyond. 32 is the paper's, 8 several times quicker",
    )
    blocks: int = Field(2, ge=1, le=8, description="residual blocks a scale")
    group: Literal[1, 2, 4, 8, 16, 32] = Field(
        16,
        description="channels that a 3x3 convolution sees at once; fewer where a scale's width "
        "cannot be divided so",
    )
    z_dim: int = Field(64, ge=1, le=4096, description="numbers in a latent")

"""Options of `fast`. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["FastOptions"]


class FastOptions(Options):
    """Widths and habits of the pair.

    The paper's authors': width base, z_dim 256, d_norm batch, spectral both, verdict places.
    """

    width: Literal["tiny", "small", "base"] = Field(
        "tiny",
        description="channels of the coarsest grid: tiny 128 (the discriminator 256), small 512, "
        "base 1024 (the paper's)",
    )
    z_dim: int = Field(64, ge=1, le=4096, description="numbers in a latent")
    d_norm: Literal["none", "batch"] = Field(
        "batch", description="normalisation in the discriminator"
    )
    spectral: Literal["none", "discriminator", "both"] = Field(
        "both", description="whose weights are divided by their largest singular value"
    )
    verdict: Literal["places", "mean", "whole"] = Field(
        "mean",
        description="how the discriminator sums up: places gives a logit for each part of a "
        "picture, mean their mean; whole sees all of it in one",
    )
    noise: bool = Field(
        True, description="adds noise to the generator's features, of a strength that is learnt"
    )
    reconstruction: float = Field(
        1.0,
        ge=0,
        le=1e6,
        description="weight of how well the discriminator's features tell what a real looks like; "
        "0 leaves it out",
    )

"""Options of `dcgan`. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["DcganOptions"]


class DcganOptions(Options):
    """Widths and habits of the pair.

    The paper's: z_dim 100, depth 0, first_grid 4, base_channels 128, upsample transposed, d_norm
    batch, d_init paper.
    """

    z_dim: int = Field(64, ge=1, le=4096, description="numbers in a latent")
    depth: int = Field(2, ge=0, le=16, description="layers of the generator before its first grid")
    hidden: int = Field(128, ge=1, le=4096, description="numbers in each of those layers")
    first_grid: Literal[4, 8] = Field(
        8, description="short side of the generator's first grid in pixels, about"
    )
    base_channels: int = Field(
        32, ge=1, le=1024, description="channels at half the size; doubled with every halving"
    )
    max_channels: int = Field(512, ge=1, le=4096, description="the most channels anywhere")
    upsample: Literal["subpixel", "bilinear", "nearest", "transposed"] = Field(
        "subpixel",
        description="how the generator doubles: subpixel convolves and shuffles channels into "
        "pixels, and learns most in a given time; bilinear convolves and then resizes smoothly, "
        "soft and clean; nearest resizes and then convolves; transposed is the paper's",
    )
    g_norm: Literal["batch", "pixel", "none"] = Field(
        "batch", description="normalisation in the generator"
    )
    d_norm: Literal["none", "batch", "spectral"] = Field(
        "none", description="normalisation in the discriminator"
    )
    d_init: Literal["he", "paper"] = Field(
        "he", description="the discriminator's first weights: he keeps signals at their size"
    )
    heads: int = Field(
        1, ge=1, le=4, description="sizes of a picture that are judged, each half the one before"
    )
    minibatch_deviation: bool = Field(
        True, description="shows the discriminator how varied its batch is, against mode collapse"
    )

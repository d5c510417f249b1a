"""Options of `dcgan`. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["DcganOptions"]


class DcganOptions(Options):
    """Widths and habits of the pair. The paper's: z_dim 100, upsample transposed, d_norm batch."""

    z_dim: int = Field(64, ge=1, le=4096, description="numbers in a latent")
    base_channels: int = Field(
        48, ge=1, le=1024, description="channels at half the size; doubled with every halving"
    )
    max_channels: int = Field(512, ge=1, le=4096, description="the most channels anywhere")
    upsample: Literal["bilinear", "nearest", "transposed"] = Field(
        "bilinear",
        description="how the generator doubles: bilinear convolves and then resizes smoothly, "
        "quickest and clean; nearest resizes and then convolves; transposed is the paper's, and "
        "may leave a checkerboard",
    )
    g_norm: Literal["batch", "pixel", "none"] = Field(
        "batch", description="normalisation in the generator"
    )
    d_norm: Literal["none", "batch", "spectral"] = Field(
        "none", description="normalisation in the discriminator"
    )
    minibatch_deviation: bool = Field(
        True, description="shows the discriminator how varied its batch is, against mode collapse"
    )

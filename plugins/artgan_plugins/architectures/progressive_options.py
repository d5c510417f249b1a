"""Options of `progressive`. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["ProgressiveOptions"]


class ProgressiveOptions(Options):
    """Widths of the pair, and when it grows.

    The paper's: width base, stable_kimg 800, fade_kimg 800.
    """

    width: Literal["tiny", "small", "base"] = Field(
        "tiny",
        description="channels of the coarse scales: tiny 128, small 256, base 512 (the paper's); "
        "each step takes about four times the memory and the work",
    )
    full_width_to: int = Field(
        32,
        ge=4,
        le=1024,
        description="pixels of the short side up to which a scale has all of these channels; they "
        "halve with every doubling beyond. 32 is the paper's, 8 several times quicker",
    )
    z_dim: int | None = Field(
        None, ge=1, le=4096, description="numbers in a latent; none given: as many as the width"
    )
    minibatch_deviation: bool = Field(
        True, description="shows the discriminator how varied its batch is, against mode collapse"
    )
    growing: float = Field(
        0.5,
        ge=0,
        le=0.9,
        description="share of the run's pictures after which all scales are there, split evenly "
        "into times of rest and of fading; 0 has all of them from the start",
    )
    stable_kimg: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="thousands of pictures that a scale is trained on before the next one fades "
        "in; none given: in proportion to the run's length, see growing. The paper's are 800",
    )
    fade_kimg: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="thousands of pictures that a scale takes to fade in, 0 for at once; none "
        "given: in proportion to the run's length, see growing. The paper's are 800",
    )
    batch_to: int = Field(
        128,
        ge=4,
        le=1024,
        description="pixels of the short side down to which the batch doubles when it halves: the "
        "run's batch is that of the full size, and coarser scales, which take less memory, have up "
        "to eight times as many. Runs of this size or less have one batch throughout",
    )

"""Options of `msg-gan`. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["MsgOptions"]


class MsgOptions(Options):
    """Widths and habits of the pair. The paper's: width base, combine simple."""

    width: Literal["tiny", "small", "base"] = Field(
        "tiny",
        description="channels of the coarse scales: tiny 128, small 256, base 512 (the paper's); "
        "each step takes about four times the memory and the work. The discriminator of tiny has "
        "1.5M parameters with combine cat-lin, 1.2M with lin-cat",
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
    combine: Literal["simple", "lin-cat", "cat-lin"] = Field(
        "cat-lin",
        description="how the discriminator lets a picture into the features of its scale: simple "
        "puts them side by side, lin-cat maps the picture linearly before, cat-lin both after",
    )
    minibatch_deviation: bool = Field(
        True,
        description="shows every block of the discriminator how varied its batch is, against mode "
        "collapse",
    )

"""Options of `style`. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["StyleOptions"]


class StyleOptions(Options):
    """Widths and habits of the pair.

    The paper's: width base, full_width_to 64.
    """

    width: Literal["tiny", "small", "base"] = Field(
        "tiny",
        description="channels of the coarse scales: tiny 128 in the generator and 64 in the "
        "discriminator, small 256, base 512 (the paper's); and numbers in a style code: 64, 256, "
        "512",
    )
    full_width_to: int = Field(
        64,
        ge=4,
        le=1024,
        description="pixels of the short side up to which a scale has all of these channels; they "
        "halve with every doubling beyond. 64 is the paper's, 4 many times quicker",
    )
    z_dim: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="numbers in a latent; none given: as many as in a style code",
    )
    depth: int | None = Field(
        None,
        ge=1,
        le=16,
        description="layers that make a style code of a latent; none given: 2 at width tiny, else "
        "8, the paper's",
    )
    mixing: float = Field(
        0.9,
        ge=0,
        le=1,
        description="share of pictures in training whose finer layers get another latent's style, "
        "so that layers can be mixed later on",
    )
    noise: bool | None = Field(
        None,
        description="adds noise to every layer, for detail that no latent has to tell; none given: "
        "not at width tiny, which draws specks with it",
    )
    path_weight: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="weight of path lengths, which evens out how much a step in style codes "
        "changes a picture; none given: 0 at width tiny, which leaves it out and is quicker, else "
        "2, the paper's",
    )
    path_interval: int = Field(128, ge=1, description="pictures between two looks at path lengths")
    minibatch_deviation: bool = Field(
        True, description="shows the discriminator how varied its batch is, against mode collapse"
    )

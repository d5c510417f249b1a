"""The settings of a batch to stylize, and which of them go together. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from artgan.api import ConfigError, PathError
from artgan.options import Options
from artgan.screen import safe

__all__ = [
    "FAST",
    "FULL",
    "OF_FRAMES",
    "STEADINESS",
    "StylizeConfig",
    "check",
    "is_fast",
    "named_losses",
]

FAST = ".artstyle"
"""What the files of fast styles end in."""

FULL = "full"
"""The size that is a picture's own."""

LARGEST = 32_768

STEADINESS = 10.0
"""What the difference to the last result counts, where nothing is new."""


class StylizeConfig(Options):
    """The settings of a batch."""

    images: tuple[str, ...] = Field(min_length=1, description="pictures, folders, patterns")
    styles: tuple[str, ...] = Field(
        min_length=1, description="picture whose style is taken; several are blended"
    )
    shares: tuple[float, ...] = Field(
        (), description="how much of each style, in the same order; none given: the same of each"
    )
    out: str = Field("stylized/", min_length=1, description="folder, or a file for one picture")
    size: str = Field(
        "512", description="long edge in pixels; no picture is enlarged; full is its own size"
    )
    strength: float = Field(0.5, ge=0, le=1, description="of the style; 0 changes nothing")
    stroke: float = Field(
        1.0, ge=0.1, le=10, description="size of the style's marks; 1 as in its picture"
    )
    losses: tuple[str, ...] = Field(
        (),
        description="loss and its weight, such as gram:1; those named replace the usual ones",
    )
    extractor: str = Field("patch-kmeans", description="network that pictures are compared through")
    start: Literal["content", "noise", "style"] = Field(
        "content", description="what a picture begins as"
    )
    optimizer: Literal["lbfgs", "adam"] = Field("lbfgs", description="what improves the picture")
    effort: float = Field(1.0, gt=0, le=100, description="evaluations, in parts of the usual")
    guide: bool = Field(
        True, description="draw calm parts like the style's calm ones, and busy like busy"
    )
    match_colours: bool = Field(True, description="give pictures the style's colours first")
    keep_colours: bool = Field(False, description="keep the colours of the pictures")
    mask: tuple[str, ...] = Field(
        (),
        description="picture that is white where the style goes; one for all, or one a style",
    )
    sweep: bool = Field(False, description="go from the first style to the last across the batch")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of everything random")
    suffix: str | None = Field(
        None, description="format of the results, such as .png; none given: that of the pictures"
    )
    steadiness: float = Field(
        STEADINESS, ge=0, le=1e6, description="how firmly frames of animations are held to the last"
    )
    quality: int = Field(95, ge=1, le=100, description="of JPEG and WebP")
    jobs: int | None = Field(
        None, ge=1, le=256, description="pictures at once; none given: one a core"
    )
    overwrite: bool = Field(False, description="replace what was made otherwise")
    meta: bool = Field(True, description="keep the recipe in the files")
    strict: bool = Field(False, description="fail where a picture was skipped")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    components: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="kind -> name -> options"
    )

    @field_validator("size")
    @classmethod
    def _size(cls, value: str) -> str:
        text = str(value).strip().lower()
        if text == FULL or (text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST):
            return text
        raise ValueError(f"expected 1 to {LARGEST} pixels, or {FULL}")

    @field_validator("shares")
    @classmethod
    def _shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 <= share <= 1e6 for share in value) or (value and sum(value) == 0):
            raise ValueError("expected numbers from 0 up, not all of them 0")
        return value

    @property
    def edge(self) -> int | None:
        """Return the long edge in pixels, None for each picture's own."""
        return None if self.size == FULL else int(self.size)


_FITTED = (
    "shares",
    "stroke",
    "losses",
    "extractor",
    "start",
    "optimizer",
    "effort",
    "guide",
    "sweep",
)
"""Settings that do nothing to a fast style: most were settled when it was fitted."""


OF_FRAMES = (
    "shares",
    "size",
    "stroke",
    "losses",
    "extractor",
    "start",
    "optimizer",
    "effort",
    "guide",
    "match_colours",
    "keep_colours",
    "seed",
    "steadiness",
)
"""Settings that redrawn frames depend on, beside styles, strength, masks and components."""

_FLAGS = {"losses": "loss", "guide": "no-guide"}
"""Settings whose flags are called otherwise."""


def is_fast(style: str | Path) -> bool:
    """Return whether a style is a file of a fast one, by its name."""
    return Path(style).suffix.lower() == FAST


def named_losses(texts: Sequence[str]) -> dict[str, float | None]:
    """Return the losses that settings name, in their order, with the weights given there.

    Raises:
        ConfigError: a weight is below 0, or a loss is named twice.

    >>> named_losses(["gram:0.3", "some-package:moments"])
    {'gram': 0.3, 'some-package:moments': None}
    """
    names: dict[str, float | None] = {}
    for text in texts:
        name, colon, number = text.rpartition(":")
        try:
            weight = float(number) if colon else None
        except ValueError:
            name, weight = text, None  # a qualified name, dist:name
        if weight is not None and not 0 <= weight <= 1e9:
            raise ConfigError(f"--loss {safe(text)}: expected a weight from 0 up, such as gram:1")
        name = name if colon and weight is not None else text
        if name in names:
            raise ConfigError(f"--loss names '{safe(name)}' twice: give it once")
        names[name] = weight
    return names


def check(config: StylizeConfig) -> None:
    """Look whether settings go together.

    Raises:
        ConfigError: they do not.
        PathError: a style or a mask is not there.
    """
    for flag, paths in (("style", config.styles), ("mask", config.mask)):
        for path in paths:
            if not Path(path).exists():
                raise PathError(f"there is no {flag} {safe(path)}: give a picture that exists")
    styles = len(config.styles)
    fast = next((style for style in config.styles if is_fast(style)), None)
    if fast is not None and styles > 1:
        raise ConfigError(f"{safe(fast)} is a fast style, which is used alone: give one --style")
    if fast is not None:
        fields = StylizeConfig.model_fields
        for name in _FITTED:
            if getattr(config, name) != fields[name].default:
                raise ConfigError(
                    f"--{_FLAGS.get(name, name)} changes nothing in a fast style such as "
                    f"{safe(fast)}: leave it out, or give it to 'artgan fit-style'"
                )
    if config.shares and len(config.shares) != styles:
        raise ConfigError(
            f"--shares gives {len(config.shares)} numbers for {styles} styles: give one for each"
        )
    if len(config.mask) not in (0, 1, styles):
        raise ConfigError(
            f"--mask was given {len(config.mask)} times for {styles} styles: "
            "give one for all, or one for each"
        )
    if config.sweep and styles < 2:
        raise ConfigError("--sweep goes from style to style: give --style two times or more")
    if config.sweep and (config.shares or len(config.mask) > 1):
        raise ConfigError(
            "--sweep sets how much of each style there is: leave out --shares, --mask"
        )
    if config.keep_colours and config.start == "style":
        raise ConfigError("--keep-colours needs the picture's own: leave out --start style")

"""What a batch to stylize shares: settings, styles, masks, losses. No torch at import."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from artgan import __version__
from artgan.api import ConfigError, Extractor, Loss
from artgan.batches import Item, digest
from artgan.options import Options
from artgan.picturefiles import read_picture
from artgan.rendering import RECIPE_SCHEMA
from artgan.screen import safe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.registry import Registry
    from artgan.stylist import Recipe, Style

__all__ = ["FULL", "Studio", "StylizeConfig"]

FULL = "full"
"""The size that is a picture's own."""

LARGEST = 32_768


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
        (), description="loss and its weight, such as gram:1; none given: those that have one"
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


# One picture --------------------------------------------------------------------------------


class Studio:
    """All that the pictures of a batch share: styles, masks, losses, the extractor.

    Args:
        config: settings.
        components: where losses and extractors are found.

    Raises:
        ConfigError: settings that do not go together.
        ComponentError: a name is unknown.
    """

    def __init__(self, config: StylizeConfig, components: Registry) -> None:
        self.config = config
        self.components = components
        self.losses = _losses(config, components)
        entry, options = components.configure("extractors", config.extractor, config.components)
        assert isinstance(entry.record, Extractor)
        self.extractor, self.extractor_options = entry, options
        _check(config)

    # Recipes --------------------------------------------------------------------------------

    @cached_property
    def _shared(self) -> dict[str, Any]:
        """Return what of a recipe is the same for all pictures."""
        config = self.config
        used = self.extractor_options
        return {
            "styles": [digest(Path(style)) for style in config.styles],
            "masks": [digest(Path(mask)) for mask in config.mask],
            "extractor": self.extractor.record.name,
            "options": used.model_dump(mode="json") if used is not None else {},
            "losses": [
                {
                    "name": each.entry.record.name,
                    "weight": each.weight,
                    "options": each.options.model_dump(mode="json") if each.options else {},
                }
                for each in self.losses
            ],
            **{
                name: getattr(config, name)
                for name in (
                    "size", "strength", "stroke", "start", "optimizer", "effort", "guide",
                    "match_colours", "keep_colours", "seed", "quality",
                )
            },
        }  # fmt: skip

    def recipe_text(self, item: Item, shares: Sequence[float]) -> str | None:
        """Return the recipe of one picture as JSON, None if none is to be kept.

        It holds neither the time nor a path: what was made from the same files in the same way
        has the same recipe.

        Raises:
            UnreadablePicture: the picture or a style cannot be read.
        """
        if not self.config.meta:
            return None
        settings = {"content": digest(item.path), "shares": list(shares), **self._shared}
        table = {"schema": RECIPE_SCHEMA, "artgan": __version__, "command": "stylize"}
        return json.dumps({**table, "stylize": settings}, separators=(",", ":"))

    def shares(self, number: int, count: int) -> list[float]:
        """Return how much of each style the picture of a number among some gets; the sum is 1."""
        styles = len(self.config.styles)
        if self.config.sweep:
            place = (styles - 1) * number / max(count - 1, 1)
            return [max(0.0, 1 - abs(place - index)) for index in range(styles)]
        given = list(self.config.shares) or [1.0] * styles
        return [share / sum(given) for share in given]

    # Work -----------------------------------------------------------------------------------

    def check(self) -> None:
        """Read styles and masks, and look whether the extractor is to be had.

        Raises:
            UnreadablePicture: one of them cannot be read.
            ArtganError: the extractor's weights are missing or unfit.
        """
        _ = self._read
        self._stylist.check()

    @cached_property
    def _read(self) -> tuple[list[tuple[Tensor, Tensor | None]], list[Tensor]]:
        """Return the styles with their alpha, and the masks, (1, 1, H, W)."""
        styles = [read_picture(Path(style)) for style in self.config.styles]
        masks = [_as_mask(read_picture(Path(mask))) for mask in self.config.mask]
        return styles, masks

    def forecast(self, paths: Sequence[Path]) -> int:
        """Return how many bytes the largest of some pictures takes, about.

        Raises:
            ArtganError: a style cannot be read, or the extractor cannot be built.
        """
        from artgan.forecast import forecast
        from artgan.pictures import UnreadablePicture, read_header
        from artgan.toning import size_within

        sizes = [(1, 1)]
        for path in paths:
            with contextlib.suppress(UnreadablePicture):
                header = read_header(path)
                own = (header.height, header.width)
                sizes.append(size_within(own, self.config.edge) if self.config.edge else own)
        largest = max(sizes, key=lambda size: size[0] * size[1])
        return forecast(self._stylist, largest, self.styles(self.shares(0, len(paths))))

    def styles(self, shares: Sequence[float]) -> list[Style]:
        """Return the styles that take part."""
        from artgan.stylist import Style

        pictures, masks = self._read
        own = masks if len(masks) > 1 else [None] * len(pictures)
        return [
            Style(image, alpha, share, mask)
            for (image, alpha), mask, share in zip(pictures, own, shares, strict=True)
            if share > 0
        ]

    @cached_property
    def _stylist(self) -> Any:
        from artgan.engine import pick_device
        from artgan.stylist import Stylist

        return Stylist(self._recipe(), self.components, pick_device(self.config.device))

    def _recipe(self) -> Recipe:
        from artgan.stylist import Recipe

        config = self.config
        return Recipe(
            self.extractor,
            self.extractor_options,
            self.losses,
            strength=config.strength,
            stroke=config.stroke,
            start=config.start,
            method=config.optimizer,
            effort=config.effort,
            guide=config.guide,
            match=config.match_colours and not config.keep_colours,
            keep=config.keep_colours,
            seed=config.seed,
        )

    def redraw(
        self,
        path: Path,
        shares: Sequence[float],
        tell: Callable[[int, int], None] = lambda *_: None,
    ) -> tuple[Tensor, dict[str, float]]:
        """Return a picture redrawn, and each loss's part of the sum in the end.

        The picture is in unit range, (3, H, W), or (4, H, W) where it has alpha.

        Raises:
            UnreadablePicture: it cannot be read.
            ArtganError: a component or an option does not work.
        """
        import torch

        from artgan.toning import resize, size_within

        image, alpha = read_picture(path)
        if self.config.edge is not None:
            size = size_within((image.shape[-2], image.shape[-1]), self.config.edge)
            image = resize(image, size)
            alpha = None if alpha is None else resize(alpha, size)
        masks = self._read[1]
        mask = resize(masks[0], (image.shape[-2], image.shape[-1])) if len(masks) == 1 else None
        counts = alpha if mask is None else mask if alpha is None else alpha * mask
        last: dict[str, float] = {}

        def told(done: int, total: int, losses: dict[str, float]) -> None:
            last.update(losses)
            tell(done, total)

        drawn: Tensor = self._stylist.redraw(image, self.styles(shares), alpha=counts, told=told)
        if mask is not None:
            drawn = torch.lerp(image, drawn, mask)
        if alpha is not None:
            drawn = torch.cat([drawn, alpha], 1)
        whole = sum(last.values()) or 1.0
        return drawn[0].clamp(0, 1), {name: value / whole for name, value in last.items()}


def _as_mask(picture: tuple[Tensor, Tensor | None]) -> Tensor:
    """Return how white a picture is, (1, 1, H, W); what is transparent is black."""
    image, alpha = picture
    grey = image.mean(1, keepdim=True)
    return grey if alpha is None else grey * alpha


def _check(config: StylizeConfig) -> None:
    styles = len(config.styles)
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


def _losses(config: StylizeConfig, components: Registry) -> tuple[Any, ...]:
    """Return the losses that take part, in the order given, each with its weight."""
    from artgan.stylist import WeighedLoss

    names: dict[str, float | None] = {}
    for text in config.losses:
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
    found = []
    for name in names or components.names("losses"):
        entry, options = components.configure("losses", name, config.components)
        record = entry.record
        assert isinstance(record, Loss)
        given = names.get(name)
        weight = given if given is not None else record.weight or (1.0 if names else 0.0)
        if weight > 0:
            found.append(WeighedLoss(entry, options, weight))
    if not any(_of(each.entry.record) == "style" for each in found):
        raise ConfigError(
            "none of the losses looks at the style: add one that does, such as --loss gram:1"
        )
    return tuple(found)


def _of(record: Any) -> str:
    return str(record.target_from)

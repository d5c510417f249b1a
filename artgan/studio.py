"""What a batch to stylize shares: settings, styles, masks, losses. No torch at import."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan import __version__
from artgan.api import ConfigError, Extractor, Loss
from artgan.batches import Item, digest
from artgan.picturefiles import read_picture
from artgan.rendering import RECIPE_SCHEMA
from artgan.stylesettings import StylizeConfig, check, is_fast, named_losses

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.images import Frames
    from artgan.registry import Registry
    from artgan.stylist import Recipe, Style

__all__ = ["Studio"]


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
        check(config)

    @property
    def is_fast(self) -> bool:
        """Return whether the style is a network that was fitted before."""
        return is_fast(self.config.styles[0])

    # Recipes --------------------------------------------------------------------------------

    @cached_property
    def _shared(self) -> dict[str, Any]:
        """Return what of a recipe is the same for all pictures."""
        config = self.config
        used = self.extractor_options
        shared = {
            "styles": [digest(Path(style)) for style in config.styles],
            "masks": [digest(Path(mask)) for mask in config.mask],
        }
        if self.is_fast:
            names = ("size", "strength", "match_colours", "keep_colours", "seed", "quality")
            return {**shared, **{name: getattr(config, name) for name in names}}
        entries = [self.extractor, *(each.entry for each in self.losses)]
        foreign = {
            f"{entry.record.kind}.{entry.record.name}": entry.stamp
            for entry in entries
            if not entry.plugin.built_in
        }
        return {
            **shared,
            **({"plugins": foreign} if foreign else {}),
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

    def recipe_text(
        self, item: Item, shares: Sequence[float], *, writer: Mapping[str, Any] | None = None
    ) -> str | None:
        """Return the recipe of one picture as JSON, None if none is to be kept.

        It holds neither the time nor a path: what was made from the same files in the same way
        has the same recipe.

        Args:
            item: the picture, or an animation.
            shares: how much of each style.
            writer: of an animation, and its options.

        Raises:
            UnreadablePicture: the picture or a style cannot be read.
        """
        if not self.config.meta:
            return None
        settings = {"content": digest(item.path), "shares": list(shares), **self._shared}
        if item.moving:
            settings |= {"steadiness": self.config.steadiness, "writer": writer}
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

    def redraw_frames(
        self,
        frames: Frames,
        shares: Sequence[float],
        *,
        closed: bool = False,
        told: Callable[[int], None] = lambda _: None,
    ) -> Frames:
        """Return the frames of an animation redrawn while they are read.

        Args:
            frames: see `artgan.moving.redraw_frames`.
            shares: how much of each style.
            closed: whether the first frame follows the last.
            told: hears the number of each frame that is done.
        """
        from artgan.moving import redraw_frames

        masks = self._read[1]
        return redraw_frames(
            self.stylist,
            frames,
            self.styles(shares),
            edge=self.config.edge,
            mask=masks[0] if len(masks) == 1 else None,
            steadiness=self.config.steadiness,
            closed=closed,
            told=lambda number, _: told(number),
        )

    def check(self) -> None:
        """Read styles and masks, and look whether the extractor is to be had.

        Raises:
            UnreadablePicture: one of them cannot be read.
            ArtganError: the extractor's weights are missing or unfit.
        """
        _ = self._read
        self.stylist.check()

    @cached_property
    def _read(self) -> tuple[list[tuple[Tensor, Tensor | None]], list[Tensor]]:
        """Return the styles with their alpha, and the masks, (1, 1, H, W)."""
        pictures = () if self.is_fast else self.config.styles
        styles = [read_picture(Path(style)) for style in pictures]
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
        if self.is_fast:
            return int(self.stylist.forecast(largest))
        return forecast(self.stylist, largest, self.styles(self.shares(0, len(paths))))

    def styles(self, shares: Sequence[float]) -> list[Style]:
        """Return the styles that take part; of a fast one there is no picture."""
        from artgan.stylist import Style

        pictures, masks = self._read
        if self.is_fast:
            return []
        own = masks if len(masks) > 1 else [None] * len(pictures)
        return [
            Style(image, alpha, share, mask)
            for (image, alpha), mask, share in zip(pictures, own, shares, strict=True)
            if share > 0
        ]

    @cached_property
    def stylist(self) -> Any:
        """Return what redraws pictures: a `Stylist`, or a `FastStylist`."""
        from artgan.engine import pick_device
        from artgan.stylist import Stylist

        if self.is_fast:
            return self._fast()
        return Stylist(self._recipe(), self.components, pick_device(self.config.device))

    def _fast(self) -> Any:
        from artgan.artstyle import FastStylist, read_artstyle
        from artgan.engine import pick_device

        config = self.config
        return FastStylist(
            read_artstyle(Path(config.styles[0])),
            strength=config.strength,
            match=config.match_colours,
            keep=config.keep_colours,
            seed=config.seed,
            device=pick_device(config.device),
        )

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

        drawn: Tensor = self.stylist.redraw(image, self.styles(shares), alpha=counts, told=told)
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


def _losses(config: StylizeConfig, components: Registry) -> tuple[Any, ...]:
    """Return the losses that take part, in the order given, each with its weight."""
    from artgan.stylist import WeighedLoss

    names = named_losses(config.losses)
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

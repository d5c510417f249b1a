"""Losses of pictures in a generator's objective: a pull towards a style. No torch at import.

They look at the finest scale of the fakes, as it was drawn: not augmented, and not clamped, so that
colours beyond the range still have a gradient. Grey counts as three equal colours; what is
transparent shows the run's background.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from artgan.api import ConfigError, Extractor, Loss, PathError, ShapeError, Term
from artgan.config import format_size
from artgan.latents import derive, generator
from artgan.pictures import PictureSpec, fit_picture, load_picture, read_header
from artgan.plugins import blaming
from artgan.screen import safe
from artgan.stylesettings import named_losses

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from pydantic import BaseModel
    from torch import Tensor

    from artgan.api import Batch
    from artgan.config import TrainConfig
    from artgan.criterion import Part, Statistics
    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = ["Pull", "as_seen", "check_pull", "keep_styles", "kept_styles", "pull_names"]

PART = 8
"""One picture of so many is looked at in a step: looking costs as much as a step of small networks,
and all pictures are drawn by the same weights."""

FEWEST = 4
"""Pictures that are looked at in any case, where there are as many."""


# Settings -----------------------------------------------------------------------------------


class _Chosen(NamedTuple):
    """A loss that takes part, by the name it was given, and what it counts."""

    name: str
    entry: Entry
    options: BaseModel | None
    weight: float

    @property
    def record(self) -> Loss:
        record = self.entry.record
        assert isinstance(record, Loss)
        return record


def pull_names(config: TrainConfig) -> dict[str, tuple[str, ...]]:
    """Return the components that a run's pull is made of, as settings name them: kind -> names."""
    names = tuple(named_losses(config.losses))
    return {Loss.kind: names, Extractor.kind: (config.extractor,) if names else ()}


def check_pull(config: TrainConfig, components: Registry) -> None:
    """Check what settings say of a pull, as far as that goes without looking at pictures.

    Raises:
        ConfigError: losses and styles do not go together.
        PathError: a style is not there.
    """
    chosen = _chosen(config, components)
    for each in chosen:
        if each.record.target_from == "content":
            entries = components.entries(Loss.kind)
            usable = [e for e in entries if getattr(e.record, "target_from", "") != "content"]
            raise ConfigError(
                f"--loss {safe(each.name)} compares with the picture that is redrawn, and training "
                f"has none: leave it out, or use {' or '.join(map(components.written, usable))}"
            )
    styled = [each.name for each in chosen if each.record.target_from == "style"]
    if styled and not config.styles:
        raise ConfigError(
            f"--loss {safe(styled[0])} compares with a style: give a picture of one with --style, "
            "or leave it out"
        )
    if config.styles and not styled:
        raise ConfigError(
            f"--style {safe(config.styles[0])}: no loss looks at it; add one that does, such as "
            "--loss moments:0.3, or leave it out"
        )
    for style in config.styles:
        if not Path(style).exists():
            raise PathError(f"there is no style {safe(style)}: give a picture that exists")
        if Path(style).is_dir():
            raise PathError(f"style {safe(style)} is a folder: give a picture in it")


def _chosen(config: TrainConfig, components: Registry) -> list[_Chosen]:
    """Return the losses that take part, in the order given; those of weight 0 do not."""
    found: list[_Chosen] = []
    for name, given in named_losses(config.losses).items():
        entry, options = components.configure(Loss.kind, name, config.components)
        record = entry.record
        assert isinstance(record, Loss)
        weight = given if given is not None else record.weight or 1.0
        known = components.written(entry)
        if any(each.name == known for each in found):  # by another of its names
            raise ConfigError(f"--loss names '{safe(known)}' twice: give it once")
        if weight > 0:
            found.append(_Chosen(known, entry, options, weight))
    return found


# Styles -------------------------------------------------------------------------------------


def _drawn(path: Path, config: TrainConfig) -> NDArray[np.uint8]:
    """Return a style at the size at which it is looked at, uint8, (3 or 4, H, W).

    Its short side is `style_scale` times that of the run's pictures; it is never enlarged.

    Raises:
        UnreadablePicture: it cannot be used.
    """
    header = read_header(path)
    shortest = config.style_scale * min(config.side)
    factor = min(1.0, shortest / min(header.width, header.height))
    size = max(1, round(header.height * factor)), max(1, round(header.width * factor))
    picture = load_picture(path, near=size)
    channels: Any = 4 if picture.mode in ("LA", "RGBA") else 3
    return fit_picture(picture, PictureSpec(size, channels, "squash", config.background))


def _copies(config: TrainConfig, folder: Path) -> list[Path]:
    return [folder / f"style{number}.png" for number in range(len(config.styles))]


def keep_styles(config: TrainConfig, folder: Path) -> TrainConfig:
    """Copy a run's styles into its folder, and return its settings with the copies for styles.

    A copy is as large as what the losses are shown, so that it can be seen what they see.

    Raises:
        UnreadablePicture: a style cannot be used.
        OutputError: a copy cannot be written.
    """
    from PIL import Image

    from artgan.images import save_png

    for style, copy in zip(config.styles, _copies(config, folder), strict=True):
        save_png(copy, Image.fromarray(_drawn(Path(style), config).transpose(1, 2, 0)))
    return kept_styles(config, folder)


def kept_styles(config: TrainConfig, folder: Path) -> TrainConfig:
    """Return a run's settings with the copies in its folder for styles.

    Raises:
        PathError: a copy is not there.
    """
    copies = _copies(config, folder)
    for style, copy in zip(config.styles, copies, strict=True):
        if not copy.is_file():
            raise PathError(
                f"{safe(copy)} is not there, which the run keeps of its style {safe(style)}: put "
                "it back, or start a new run from its weights with --init-from"
            )
    return config.model_copy(update={"styles": tuple(map(str, copies))})


# The term -----------------------------------------------------------------------------------


def as_seen(pictures: Tensor, ground: Tensor) -> Tensor:
    """Return signed pictures as unit ones of three channels, (N, 3, H, W); nothing is clamped.

    Args:
        pictures: (N, C, H, W), C of 1, 3 or 4 (straight alpha).
        ground: the colour that shows where they are transparent, unit range, (3, 1, 1).
    """
    from artgan.images import to_unit

    unit = to_unit(pictures)
    if unit.shape[1] == 4:
        colour, alpha = unit[:, :3], unit[:, 3:]
        return colour * alpha + ground * (1 - alpha)
    return unit.expand(-1, 3, -1, -1)


class Pull:
    """The losses of a run's settings, built, and the styles they compare with, read.

    Args:
        config: resolved, and checked by `check_pull`.
        components: where losses and the extractor are.

    Raises:
        ConfigError: pictures are too small for the extractor, or it lacks a layer.
        UnreadablePicture: a style cannot be used.
        ArtganError: a component cannot be built.
    """

    def __init__(self, config: TrainConfig, components: Registry) -> None:
        import torch

        self.config = config
        self.extractor: Any = None
        self.entries: list[Entry] = []
        self.parts: list[Part] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(config.seed, "pull"))
            self._build(_chosen(config, components), components)
        self._styles = [self._style(Path(style)) for style in config.styles]
        self._targets: dict[str, Statistics] = {}
        rgb = PictureSpec(config.side, background=config.background).rgb
        self._ground = torch.tensor(rgb).view(3, 1, 1) / 255

    def term(self) -> Term:
        """Return the term of phase G, once the extractor has learnt from the styles.

        It is a value for each loss, times its weight, named "pull/" and the loss. Of a batch the
        first pictures are looked at (see `PART`); their values stand for the others, which have 0.
        """
        from artgan.criterion import Criterion, blend

        if self.extractor is not None and self._styles:
            images = [image for image, _ in self._styles]
            with blaming(self._looked_through):
                random = generator(derive(self.config.seed, "styles"))
                self.extractor.fit([], images, random=random)
        criterion = Criterion(self.extractor, self.parts)
        with blaming(self._looked_through):
            wanted = [criterion.targets(image, "style", alpha) for image, alpha in self._styles]
        shares = [1 / len(wanted) for _ in wanted]
        names = wanted[0] if wanted else ()
        self._targets = {name: blend([each[name] for each in wanted], shares) for name in names}
        return Term("G", self._compute)

    # Building -------------------------------------------------------------------------------

    def _build(self, chosen: list[_Chosen], components: Registry) -> None:
        from artgan.criterion import PIXELS, Part, layers_of

        built = [(each, components.build(each.entry, each.options)) for each in chosen]
        self.entries = [each.entry for each in chosen]
        entry, options = components.configure(
            Extractor.kind, self.config.extractor, self.config.components
        )
        self._looked_through = entry
        if any(each.record.looks_at != PIXELS or loss.layers for each, loss in built):
            self.extractor = components.build(entry, options).eval().requires_grad_(False)
            self.entries.append(entry)
            self._check_extractor(entry.record)
        for each, loss in built:
            layers: tuple[str, ...] = (PIXELS,)
            if self.extractor is not None:
                layers = layers_of(
                    each.record, loss, self.extractor, self.config.side, entry.qualified
                )
            self.parts.append(Part(each.name, each.entry, loss, each.weight, layers))

    def _check_extractor(self, record: Any) -> None:
        if record.learns and not self.config.styles:
            raise ConfigError(
                f"--extractor {safe(self.config.extractor)} learns from the styles, and there are "
                "none: add a loss of a style, such as moments, or give another --extractor"
            )
        least = self.extractor.min_side
        if min(self.config.side) < least:
            raise ConfigError(
                f"--extractor {safe(self.config.extractor)} looks at pictures of {least} px a side "
                f"or more, and these are {format_size(self.config.side)}: give a larger --size, or "
                "another --extractor"
            )

    def _style(self, path: Path) -> tuple[Tensor, Tensor | None]:
        """Return a style, unit range, (1, 3, H, W), and its alpha, large enough to be looked at."""
        import torch

        from artgan.images import from_bytes
        from artgan.toning import resize

        image = from_bytes(torch.from_numpy(_drawn(path, self.config)))[None]
        if image.shape[1] == 4 and not image[:, 3:].any():
            raise ConfigError(f"style {safe(path)} is transparent everywhere: give another picture")
        least = 1 if self.extractor is None else self.extractor.min_side
        image = resize(image, (max(least, image.shape[-2]), max(least, image.shape[-1])))
        return image[:, :3], image[:, 3:] if image.shape[1] == 4 else None

    # Work -----------------------------------------------------------------------------------

    def _compute(self, batch: Batch) -> Mapping[str, Tensor]:
        from torch.nn.functional import pad

        from artgan.engine import autocast

        fakes = batch.fakes[-1]
        total = len(fakes)
        looked_at = min(total, max(FEWEST, total // PART))
        self._follow(fakes.device)
        values = {}
        with autocast(fakes.device, "float32"):
            features = self._features(as_seen(fakes[:looked_at].float(), self._ground))
            for part in self.parts:
                value = part.weight * total / looked_at * self._compare(part, features)
                values[f"pull/{part.name}"] = pad(value, (0, total - looked_at))
        return values

    def _compare(self, part: Part, features: Mapping[str, Tensor]) -> Tensor:
        """Return a loss of each picture, (n,), from the features of all layers.

        Raises:
            ShapeError: it is of another shape.
        """
        from artgan.criterion import PIXELS

        with blaming(part.entry):
            given = {layer: features[layer] for layer in part.layers}
            found = part.loss.statistics(given, None)
            value = part.loss.compare(found, self._targets.get(part.name, {}))
            count = len(features[PIXELS])
            if tuple(value.shape) != (count,):
                raise ShapeError(
                    f"loss '{safe(part.entry.qualified)}' gave {tuple(value.shape)} for {count} "
                    f"pictures, expected ({count},)"
                )
            return value

    def _features(self, pictures: Tensor) -> dict[str, Tensor]:
        from artgan.criterion import PIXELS

        layers = {layer for part in self.parts for layer in part.layers} - {PIXELS}
        if not layers:
            return {PIXELS: pictures}
        with blaming(self._looked_through):
            return {**self.extractor(pictures, layers), PIXELS: pictures}

    def _follow(self, device: torch.device) -> None:
        """Move everything to where the fakes are."""
        from artgan.engine import place

        if self._ground.device == device:
            return
        self._ground = self._ground.to(device)
        self._targets = {
            name: {key: value.to(device) for key, value in target.items()}
            for name, target in self._targets.items()
        }
        if self.extractor is not None:
            place(self.extractor, device)

"""Fit: a network learns in minutes to redraw pictures in one style. No torch at import."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan import __version__
from artgan.api import ConfigError, ImageError, Size
from artgan.batches import digest
from artgan.picturefiles import read_picture
from artgan.screen import plural, safe
from artgan.studio import Studio

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor

    from artgan.artstyle import ArtStyle
    from artgan.stylist import Stylist

__all__ = ["MOST_PICTURES", "STEPS", "Fitted", "Told", "fit", "specimens", "steps_of"]

STEPS = (300, 110, 90, 150)
"""Steps at each size, coarse to fine; those beyond get as many as the last."""

MOST_PICTURES = 48
"""Pictures that it learns from, drawn from those that are given."""

SLIMMEST = 0.5
"""The short side of a picture in parts of the long one; the middle of slimmer ones is taken."""

CROP = 256
"""Pixels on a side of what is looked at in a step, at most."""

BATCH, BATCH_PIXELS = 6, 82_000
"""Pictures of a step, at most, and the pixels that they may have together beyond one picture."""

RATE, BETAS = 2e-3, (0.9, 0.99)
WARM_UP = 20
"""Steps until the whole rate; over the last half of the steps it falls to nothing."""

LARGEST_SLOPE = 1.0
"""To which the norm of the gradient is cut."""

LEARN_FROM = 6
"""Pictures that the feature network learns from at each size."""

SPECIMENS = 4
"""Pictures that are drawn to show a style, at these strengths and this long edge in pixels."""

STRENGTHS = (0.2, 0.5, 0.8)
SHOWN = 320

RECENT = 20
"""Steps whose mean losses are told."""

Told = Callable[[int, int, dict[str, float]], None]
"""Called with steps made, of how many, and the weighted losses of late."""


@dataclass(frozen=True)
class Fitted:
    """What came of it.

    Attributes:
        style: ready to draw.
        count: pictures it learned from.
        skipped: path and reason of each that could not be read.
        losses: in the end, at the finest size, weighted.
    """

    style: ArtStyle
    count: int
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    losses: dict[str, float] = field(default_factory=dict)


def steps_of(stages: int, *, effort: float = 1.0) -> list[int]:
    """Return the steps at each of some sizes, coarse to fine.

    >>> steps_of(5, effort=0.5)
    [150, 55, 45, 75, 75]
    """
    usual = [*STEPS, *[STEPS[-1]] * stages][:stages]
    return [max(1, round(count * effort)) for count in usual]


def fit(studio: Studio, paths: Sequence[Path], told: Told = lambda *_: None) -> Fitted:
    """Return a fast style that draws like the styles of a studio.

    At every size, coarse to fine, a small network of its own learns by the losses, the features
    and the targets that `artgan stylize` optimises single pictures with. It is shown pictures at
    strengths of all kinds.

    Args:
        studio: styles, losses, extractor and the other settings.
        paths: pictures such as it will be given.
        told: hears how far it is.

    Raises:
        ImageError: none of the pictures can be read.
        ConfigError: its size is the pictures' own.
        ArtganError: a component or an option does not work.
    """
    import torch

    from artgan.artstyle import ArtStyle
    from artgan.engine import adam, autocast, has_quick_bfloat16, place
    from artgan.fastnet import LEAST, FastNet, Shape
    from artgan.latents import derive, generator
    from artgan.redraw import level_sizes

    config, stylist = studio.config, studio.stylist
    edge = config.edge
    if edge is None:
        raise ConfigError("--size full: a fast style is made for one size, give its pixels")
    styles = studio.styles(studio.shares(0, 1))
    colours = stylist.colours(styles)
    random = generator(derive(config.seed, "fit"))
    photos, skipped = _read(paths, edge, random)
    tones = [_toned(photo, colours) for photo in photos]
    edges = [height for height, _ in level_sizes((edge, edge), shortest=LEAST)]
    plan = steps_of(len(edges), effort=config.effort)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(config.seed, "weights"))
        net = FastNet(len(edges), Shape())
    place(net, stylist.device)
    precision = "bfloat16" if has_quick_bfloat16(stylist.device) else "float32"
    means: dict[str, float] = {}
    done = 0
    for number, (side, steps) in enumerate(zip(edges, plan, strict=True)):
        course = _Course(stylist, net, number, photos, tones, side, random)
        lesson = course.lesson(styles)
        parameters = list(net.stages[number].parameters())
        optimizer = adam(parameters, lr=RATE, betas=BETAS)
        recent: deque[dict[str, float]] = deque(maxlen=RECENT)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * _pace(step, steps)
            with autocast(stylist.device, precision):
                batch = course.batch()
                drawn = net.stages[number](
                    batch.contents, batch.drawn, batch.noise, batch.strengths
                )
            losses = lesson.losses(drawn, batch.contents, batch.guides, batch.factors)
            optimizer.zero_grad(set_to_none=True)
            torch.stack(list(losses.values())).sum().backward()
            torch.nn.utils.clip_grad_norm_(parameters, LARGEST_SLOPE)
            optimizer.step()
            done += 1
            recent.append({name: float(value.detach()) for name, value in losses.items()})
            means = {name: sum(r[name] for r in recent) / len(recent) for name in recent[0]}
            told(done, sum(plan), means)
    net = net.eval().requires_grad_(False).cpu()
    style = ArtStyle(net, colours, _facts(studio, len(photos)))
    return Fitted(style, len(photos), skipped, means)


def specimens(studio: Studio, fitted: Fitted, paths: Sequence[Path]) -> Image.Image:
    """Return a table of some pictures at some strengths, to judge a fast style by.

    Raises:
        ImageError: none of them can be read.
    """
    import torch

    from artgan.artstyle import FastStylist
    from artgan.choices import table_of
    from artgan.images import from_bytes
    from artgan.toning import resize, size_within

    edge = studio.config.edge or SHOWN
    photos, _ = _read(list(paths)[:SPECIMENS], edge, torch.Generator().manual_seed(0))
    rows = []
    for strength in STRENGTHS:
        stylist = FastStylist(fitted.style, strength=strength, device=studio.stylist.device)
        row = []
        for photo in photos:
            drawn = stylist.redraw(from_bytes(photo))
            size = size_within((drawn.shape[-2], drawn.shape[-1]), SHOWN)
            row.append(resize(drawn, size)[0])
        rows.append(row)
    height = max(each.shape[-2] for each in rows[0])
    width = max(each.shape[-1] for each in rows[0])
    fill = torch.ones(3, height, width)
    cells = [[_on(fill, each) for each in row] for row in rows]
    return table_of(cells, [""] * len(photos), [f"strength {each:g}" for each in STRENGTHS])


def _on(ground: Tensor, image: Tensor) -> Tensor:
    cell = ground.clone()
    cell[:, : image.shape[-2], : image.shape[-1]] = image
    return cell


def _facts(studio: Studio, count: int) -> dict[str, Any]:
    config = studio.config
    return {
        "artgan": __version__,
        "styles": [digest(Path(style)) for style in config.styles],
        "shares": studio.shares(0, 1),
        "extractor": studio.extractor.record.name,
        "losses": {each.entry.record.name: each.weight for each in studio.losses},
        "pictures": count,
        **{name: getattr(config, name) for name in ("size", "stroke", "effort", "guide", "seed")},
    }


def _pace(step: int, steps: int) -> float:
    """Return the rate of a step in parts of the usual.

    >>> _pace(0, 100), _pace(40, 100), _pace(75, 100)
    (0.05, 1.0, 0.5)
    """
    return min(1.0, (step + 1) / WARM_UP, 2 * (1 - step / steps))


# Pictures -----------------------------------------------------------------------------------


def _read(
    paths: Sequence[Path], edge: int, random: torch.Generator
) -> tuple[list[Tensor], list[tuple[Path, str]]]:
    """Return some of the pictures, bytes (1, 3, H, W), at a long edge, and what was unreadable."""
    import torch

    from artgan.images import to_bytes
    from artgan.pictures import UnreadablePicture
    from artgan.toning import resize, size_within

    order = torch.randperm(len(paths), generator=random).tolist()
    photos: list[Tensor] = []
    skipped = []
    for number in order:
        if len(photos) == MOST_PICTURES:
            break
        try:
            image, alpha = read_picture(paths[number])
        except UnreadablePicture as error:
            skipped.append((error.path, error.reason))
            continue
        if alpha is not None:
            image = image * alpha + (1 - alpha)
        image = _middle(image)
        size = size_within((image.shape[-2], image.shape[-1]), edge, enlarge=True)
        photos.append(to_bytes(resize(image, size)))
    if not photos:
        first = f", the first is {safe(skipped[0][0])}: {safe(skipped[0][1])}" if skipped else ""
        raise ImageError(f"none of {plural(len(paths), 'picture')} can be read{first}")
    return photos, skipped


def _middle(image: Tensor) -> Tensor:
    """Return the middle of a picture that is too slim."""
    height, width = image.shape[-2:]
    longest = max(1, int(min(height, width) / SLIMMEST))
    top, left = max(0, height - longest) // 2, max(0, width - longest) // 2
    return image[..., top : top + longest, left : left + longest]


def _toned(photo: Tensor, colours: Any) -> Tensor:
    from artgan.images import from_bytes, to_bytes
    from artgan.toning import match_colours

    return to_bytes(match_colours(from_bytes(photo), colours))


# Batches ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Batch:
    """What is shown in a step.

    Attributes:
        contents: pictures, unit range, (N, 3, h, w).
        drawn: what the coarser sizes made of them.
        noise: (N, 1, h, w).
        strengths: (N,).
        guides: how calm and how busy, (N, 1, h, w), or None.
        factors: what losses that compare with the content are multiplied by, (N,).
    """

    contents: Tensor
    drawn: Tensor
    noise: Tensor
    strengths: Tensor
    guides: list[Tensor | None]
    factors: Tensor


class _Course:
    """Batches of one size."""

    def __init__(
        self,
        stylist: Stylist,
        net: Any,
        number: int,
        photos: Sequence[Tensor],
        tones: Sequence[Tensor],
        edge: int,
        random: torch.Generator,
    ) -> None:
        from artgan.guides import busyness
        from artgan.images import from_bytes

        self._stylist, self._net, self._number, self._random = stylist, net, number, random
        self._pictures = [_at(from_bytes(photo), edge) for photo in photos]
        self._tones = [_at(from_bytes(tone), edge) for tone in tones]
        guided = stylist.recipe.guide
        self._busy = [busyness(tone) if guided else None for tone in self._tones]
        self._edge = edge
        self._order: list[int] = []

    def lesson(self, styles: Sequence[Any]) -> Any:
        """Return what pictures of this size are judged by."""
        import torch

        from artgan.lessons import Lesson

        order = torch.randperm(len(self._tones), generator=self._random).tolist()
        some = [self._tones[number] for number in order[:LEARN_FROM]]
        height, width = self._common(some, self._edge)
        shown = [each[..., :height, :width].to(self._stylist.device) for each in some]
        return Lesson(*self._stylist.lesson(shown, styles, self._edge))

    def batch(self) -> _Batch:
        """Return the next pictures, cut at random places, half of them mirrored."""
        import torch

        from artgan.artstyle import WEAKEST, tone_share
        from artgan.stylist import content_factor

        random = self._random
        height, width = self._common(self._tones, CROP)
        count = max(1, min(BATCH, BATCH_PIXELS // (height * width)))
        strengths = [
            WEAKEST + (1 - WEAKEST) * float(torch.rand(1, generator=random)) for _ in range(count)
        ]
        contents, drawn, busy = [], [], []
        for number, strength in zip(self._next(count), strengths, strict=True):
            share = tone_share(strength)
            content = torch.lerp(self._pictures[number], self._tones[number], share)
            before = self._before(content, strength)
            cut = self._cut((content.shape[-2], content.shape[-1]), (height, width))
            contents.append(cut(content))
            drawn.append(cut(before))
            ranks = self._busy[number]
            if ranks is not None:
                busy.append(cut(ranks))
        device = self._stylist.device
        guides: list[Tensor | None] = [None]
        if busy:
            ranks = torch.cat(busy).to(device)
            guides = [1 - ranks, ranks]
        return _Batch(
            torch.cat(contents).to(device),
            torch.cat(drawn).to(device),
            torch.randn(count, 1, height, width, generator=random).to(device),
            torch.tensor(strengths, device=device),
            guides,
            torch.tensor([content_factor(each) for each in strengths], device=device),
        )

    def _before(self, content: Tensor, strength: float) -> Tensor:
        """Return what the coarser sizes make of a picture, at this size."""
        import torch

        if self._number == 0:
            return content
        device = self._stylist.device
        seed = int(torch.randint(1 << 31, (1,), generator=self._random))
        with torch.no_grad():
            drawn = self._net.redraw(
                content.to(device),
                torch.tensor([strength], device=device),
                seed=seed,
                until=self._number,
            )
        before: Tensor = drawn.float()
        return before

    def _next(self, count: int) -> Iterator[int]:
        """Yield numbers of pictures: each once before any comes again."""
        import torch

        for _ in range(count):
            if not self._order:
                self._order = torch.randperm(len(self._tones), generator=self._random).tolist()
            yield self._order.pop()

    def _cut(self, size: Size, wanted: Size) -> Callable[[Tensor], Tensor]:
        import torch

        top, left, mirrored = (
            int(torch.randint(most, (1,), generator=self._random))
            for most in (size[0] - wanted[0] + 1, size[1] - wanted[1] + 1, 2)
        )

        def cut(image: Tensor) -> Tensor:
            part = image[..., top : top + wanted[0], left : left + wanted[1]]
            return part.flip(-1) if mirrored else part

        return cut

    @staticmethod
    def _common(pictures: Sequence[Tensor], most: int) -> Size:
        height = min(most, *(each.shape[-2] for each in pictures))
        return height, min(most, *(each.shape[-1] for each in pictures))


def _at(image: Tensor, edge: int) -> Tensor:
    from artgan.toning import resize, size_within

    return resize(image, size_within((image.shape[-2], image.shape[-1]), edge))

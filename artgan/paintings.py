"""Procedural paintings for `artgan demo`: six motifs in one palette. Trains and decodes nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from artgan.images import save_png
from artgan.latents import derive

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MOTIFS", "brushwork", "motif_of", "paint", "paint_folder"]

Color = tuple[int, int, int]
Wash = tuple[Color, Color]
Point = tuple[float, float]

CREAM = (247, 234, 208)
BLUSH = (240, 184, 160)
OCHRE = (236, 172, 70)
CORAL = (226, 104, 76)
BRICK = (168, 58, 52)
MIST = (172, 208, 206)
TEAL = (44, 132, 138)
NAVY = (28, 50, 80)
SAGE = (142, 172, 118)
FOREST = (38, 92, 78)

_OVERSAMPLE = 4


def _mix(a: Color, b: Color, amount: float) -> Color:
    """Return the color an amount in [0, 1] of the way from a to b."""
    r, g, b_ = (round(p + (q - p) * amount) for p, q in zip(a, b, strict=True))
    return r, g, b_


def _oval(x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> list[Point]:
    """Return an ellipse's outline; turn in radians, clockwise on the picture."""
    cos, sin = math.cos(turn), math.sin(turn)
    steps = [2 * math.pi * i / 64 for i in range(64)]
    outline = [(rx * math.cos(t), ry * math.sin(t)) for t in steps]
    return [(x + u * cos - v * sin, y + u * sin + v * cos) for u, v in outline]


def _leaf(x: float, y: float, length: float, width: float, turn: float) -> list[Point]:
    """Return a pointed leaf that starts at (x, y) and grows in direction turn."""
    cos, sin = math.cos(turn), math.sin(turn)
    along = [i / 24 for i in range(25)]
    upper = [(t * length, width / 2 * math.sin(math.pi * t)) for t in along]
    outline = upper + [(u, -v) for u, v in reversed(upper)]
    return [(x + u * cos - v * sin, y + u * sin + v * cos) for u, v in outline]


def _ridge(rng: random.Random, y: float, swell: float) -> list[Point]:
    """Return rolling land from height y down to the lower edge."""
    phase, waves = rng.uniform(0, 2 * math.pi), rng.uniform(0.6, 1.0)
    xs = [i / 48 for i in range(49)]
    top = [(x, y - swell * math.sin(2 * math.pi * waves * x + phase)) for x in xs]
    return [(0.0, 1.1), *top, (1.0, 1.1)]


class _Easel:
    """A square picture being painted; coordinates in [0, 1], x right and y down."""

    def __init__(self, side: int, wash: Wash) -> None:
        from PIL import Image

        self.side = side
        self.pixels = side * _OVERSAMPLE
        self.image = Image.new("RGB", (self.pixels, self.pixels))
        self._lay(wash, None)

    def _lay(self, wash: Wash, mask: Image.Image | None) -> None:
        """Lay a color that runs from the top to the bottom of a mask, or of everything."""
        from PIL import Image

        box = mask.getbbox() if mask is not None else (0, 0, self.pixels, self.pixels)
        if box is None:
            return
        left, top, right, bottom = box
        ramp = Image.new("RGB", (1, bottom - top))
        last = max(bottom - top - 1, 1)
        ramp.putdata([_mix(*wash, i / last) for i in range(bottom - top)])
        patch = ramp.resize((right - left, bottom - top))
        self.image.paste(patch, (left, top), mask.crop(box) if mask is not None else None)

    def shape(
        self, outline: Iterable[Point], wash: Wash | Color, within: Image.Image | None = None
    ) -> Image.Image:
        """Paint a polygon, cut to another shape's mask where one is given; return its mask."""
        from PIL import Image, ImageChops, ImageDraw

        mask = Image.new("L", self.image.size)
        points = [(x * self.pixels, y * self.pixels) for x, y in outline]
        ImageDraw.Draw(mask).polygon(points, fill=255)
        if within is not None:
            mask = ImageChops.multiply(mask, within)
        self._lay(wash if isinstance(wash[0], tuple) else (wash, wash), mask)
        return mask

    def finished(self) -> Image.Image:
        """Return the picture at its own size, edges smoothed."""
        from PIL import Image

        return self.image.resize((self.side, self.side), Image.Resampling.BOX)


_DAY, _DAWN, _DUSK, _NIGHT = (MIST, CREAM), (BLUSH, CREAM), (OCHRE, CREAM), (NAVY, TEAL)


def _hills(rng: random.Random, side: int) -> _Easel:
    sky = rng.choice((_DUSK, _DAWN, _NIGHT))
    night = sky == _NIGHT
    easel = _Easel(side, sky)
    x, y, r = rng.uniform(0.3, 0.7), rng.uniform(0.24, 0.42), rng.uniform(0.12, 0.17)
    easel.shape(_oval(x, y, r, r), CREAM if night else CORAL)
    far = _mix(TEAL, NAVY, 0.3) if night else SAGE
    easel.shape(_ridge(rng, rng.uniform(0.56, 0.62), 0.06), far)
    easel.shape(_ridge(rng, rng.uniform(0.7, 0.75), 0.06), _mix(FOREST, SAGE, 0.3))
    easel.shape(_ridge(rng, rng.uniform(0.84, 0.9), 0.05), _mix(FOREST, NAVY, 0.5))
    return easel


def _boat(rng: random.Random, side: int) -> _Easel:
    easel = _Easel(side, rng.choice((_DAY, _DUSK)))
    horizon = rng.uniform(0.6, 0.66)
    easel.shape(((0, horizon), (1, horizon), (1, 1), (0, 1)), (TEAL, NAVY))
    x, deck = rng.uniform(0.42, 0.58), horizon + rng.uniform(0.04, 0.08)
    tall, flip = rng.uniform(0.44, 0.52), rng.choice((-1, 1))
    main, jib = rng.choice(((CORAL, CREAM), (CREAM, CORAL)))
    foot = deck - 0.03

    def sail(reach: float, height: float, gap: float, color: Color) -> None:
        mast = x + flip * gap
        easel.shape(((mast, foot - height), (mast, foot), (x + flip * reach, foot)), color)

    sail(0.27, tall, 0.015, main)
    sail(-0.2, tall * 0.82, -0.015, jib)
    hull = ((x - 0.29, deck), (x + 0.29, deck), (x + 0.19, deck + 0.11), (x - 0.19, deck + 0.11))
    easel.shape(hull, NAVY)
    return easel


def _tree(rng: random.Random, side: int) -> _Easel:
    easel = _Easel(side, rng.choice((_DAY, _DAWN)))
    ground = rng.uniform(0.8, 0.86)
    easel.shape(_oval(rng.uniform(0.35, 0.65), ground + 0.35, 1.1, 0.37), (SAGE, FOREST))
    x, y, r = rng.uniform(0.44, 0.56), rng.uniform(0.36, 0.42), rng.uniform(0.24, 0.29)
    trunk = ((x - 0.03, y), (x + 0.03, y), (x + 0.055, ground + 0.03), (x - 0.055, ground + 0.03))
    easel.shape(trunk, _mix(NAVY, BRICK, 0.35))
    leaf = rng.choice((FOREST, CORAL, OCHRE))
    dark = _mix(leaf, NAVY if leaf == FOREST else BRICK, 0.45)
    crown = easel.shape(_oval(x, y, r, r * rng.uniform(0.95, 1.15)), dark)
    easel.shape(_oval(x - r * 0.25, y - r * 0.3, r, r), leaf, crown)
    return easel


def _flower(rng: random.Random, side: int) -> _Easel:
    wash = rng.choice((_NIGHT, (CREAM, BLUSH)))
    easel = _Easel(side, wash)
    x, y, r = rng.uniform(0.46, 0.54), rng.uniform(0.36, 0.41), rng.uniform(0.27, 0.31)
    green = SAGE if wash == _NIGHT else FOREST
    easel.shape(((x - 0.025, y), (x + 0.025, y), (x + 0.025, 1), (x - 0.025, 1)), green)
    for turn in (-0.5, math.pi + 0.5):
        easel.shape(_leaf(x, rng.uniform(0.88, 0.95), 0.34, 0.17, turn), green)
    petal = rng.choice((CORAL, CREAM) if wash == _NIGHT else (CORAL, BRICK))
    count, start = 6, rng.uniform(0, math.pi / 3)
    for i in range(count):
        turn = start + 2 * math.pi * i / count
        u, v = x + r * 0.58 * math.cos(turn), y + r * 0.58 * math.sin(turn)
        easel.shape(_oval(u, v, r * 0.44, r * 0.3, turn), petal)
    easel.shape(_oval(x, y, r * 0.32, r * 0.32), OCHRE)
    return easel


def _fruit(rng: random.Random, side: int) -> _Easel:
    easel = _Easel(side, rng.choice((_DAY, (TEAL, MIST))))
    table = rng.uniform(0.64, 0.7)
    easel.shape(((0, table), (1, table), (1, 1), (0, 1)), (OCHRE, _mix(OCHRE, CORAL, 0.5)))
    x, r = rng.uniform(0.43, 0.57), rng.uniform(0.25, 0.3)
    y = rng.uniform(0.86, 0.9) - r
    easel.shape(_oval(x + 0.08, y + r * 0.92, r * 1.05, 0.06), _mix(BRICK, NAVY, 0.4))
    skin = rng.choice((CORAL, BRICK, SAGE))
    body = easel.shape(
        _oval(x, y, r, r * rng.uniform(0.9, 1.0)), _mix(skin, FOREST if skin == SAGE else NAVY, 0.4)
    )
    easel.shape(_oval(x - r * 0.2, y - r * 0.2, r, r), skin, body)
    easel.shape(_oval(x - r * 0.42, y - r * 0.42, r * 0.2, r * 0.2), _mix(skin, CREAM, 0.7))
    flip = rng.choice((-1, 1))
    stem = y - r * 0.85
    easel.shape(_leaf(x, stem, 0.3, 0.15, -0.55 if flip > 0 else math.pi + 0.55), FOREST)
    easel.shape(((x - 0.02, stem), (x + 0.02, stem), (x, stem - 0.12)), NAVY)
    return easel


def _cat(rng: random.Random, side: int) -> _Easel:
    wash, fur, iris = rng.choice(((_DUSK, NAVY, OCHRE), ((TEAL, MIST), CORAL, CREAM)))
    easel = _Easel(side, wash)
    x, y, r = rng.uniform(0.47, 0.53), rng.uniform(0.5, 0.55), rng.uniform(0.29, 0.33)
    easel.shape(_oval(x, y + r * 1.9, r * 1.25, r * 1.35), fur)
    inner = BLUSH if fur != CORAL else BRICK
    for sign in (-1, 1):
        ear = ((x + sign * r * 0.98, y - r * 0.1), (x + sign * r * 0.86, y - r * 1.35))
        easel.shape((*ear, (x + sign * r * 0.12, y - r * 0.7)), fur)
        fold = ((x + sign * r * 0.8, y - r * 0.5), (x + sign * r * 0.77, y - r * 1.08))
        easel.shape((*fold, (x + sign * r * 0.4, y - r * 0.7)), inner)
    easel.shape(_oval(x, y, r, r * 0.84), fur)
    for sign in (-1, 1):
        u = x + sign * r * 0.42
        easel.shape(_oval(u, y - r * 0.08, r * 0.24, r * 0.24), iris)
        easel.shape(_oval(u, y - r * 0.08, r * 0.08, r * 0.2), NAVY)
    easel.shape(((x - 0.04, y + r * 0.3), (x + 0.04, y + r * 0.3), (x, y + r * 0.45)), BLUSH)
    return easel


MOTIFS: dict[str, Callable[[random.Random, int], _Easel]] = {
    "hills": _hills,
    "boat": _boat,
    "tree": _tree,
    "flower": _flower,
    "fruit": _fruit,
    "cat": _cat,
}
"""What is painted, by name."""


def motif_of(seed: int) -> str:
    """Return the name of the motif that a seed paints."""
    return list(MOTIFS)[derive(seed, "motif") % len(MOTIFS)]


def paint(seed: int, *, side: int = 64) -> Image.Image:
    """Return the painting of a seed, RGB: the same seed gives the same bytes.

    Args:
        seed: any whole number; 0 is a seed like any other.
        side: width and height, pixels, at least 1.
    """
    rng = random.Random(derive(seed, "painting"))
    return MOTIFS[motif_of(seed)](rng, side).finished()


def brushwork(seed: int, *, side: int = 256) -> Image.Image:
    """Return a picture of brush strokes that follow each other in swirls, RGB, side x side.

    Args:
        seed: any whole number; 0 is a seed like any other.
        side: width and height, pixels, at least 1.
    """
    from PIL import Image, ImageDraw

    rng = random.Random(derive(seed, "brushwork"))
    pixels = side * _OVERSAMPLE
    image = Image.new("RGB", (pixels, pixels), NAVY)
    pen = ImageDraw.Draw(image)
    swirls = [(rng.random(), rng.random(), rng.choice((-1, 1))) for _ in range(5)]
    colors = [NAVY, TEAL, MIST, CREAM, OCHRE, CORAL]
    for _ in range(2600):
        x, y, color = rng.random(), rng.random(), rng.choice(colors)
        near = min(swirls, key=lambda s: (s[0] - x) ** 2 + (s[1] - y) ** 2)
        color = _mix(color, colors[swirls.index(near)], 0.55)
        points = [(x * pixels, y * pixels)]
        for _ in range(6):
            turn = math.atan2(y - near[1], x - near[0]) + near[2] * math.pi / 2
            x, y = x + 0.012 * math.cos(turn), y + 0.012 * math.sin(turn)
            points.append((x * pixels, y * pixels))
        width = rng.uniform(0.008, 0.016) * pixels
        pen.line(points, fill=color, width=max(1, round(width)), joint="curve")
        lit = [(u, v - width / 4) for u, v in points]
        pen.line(lit, fill=_mix(color, CREAM, 0.25), width=max(1, round(width / 4)), joint="curve")
    return image.resize((side, side), Image.Resampling.LANCZOS)


def paint_folder(
    folder: Path,
    count: int,
    *,
    seed: int,
    side: int = 64,
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write paintings painting000.png, painting001.png ... and return their paths.

    Args:
        folder: where; it is made.
        count: how many paintings.
        seed: which ones.
        side: width and height, pixels.
        progress: told, after each, how many there are.

    Raises:
        OutputError: one cannot be written.
    """
    paths = []
    for i in range(count):
        path = Path(folder) / f"painting{i:03d}.png"
        save_png(path, paint(derive(seed, "paintings", i), side=side))
        paths.append(path)
        if progress is not None:
            progress(i + 1)
    return paths

"""A scene: what is to be seen at each moment of a walk, tile by tile. Writes nothing.

Positions come from `artgan.timing`, codes from samplers, pictures from the network; effects change
each tile after that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artgan.api import Alter, Size
from artgan.images import Frame, Frames, grid
from artgan.meter import distance, features
from artgan.models import Model
from artgan.morph import Morph
from artgan.rendering import RENDER_BATCH, codes_of, render
from artgan.timing import Arc, film_times, place
from artgan.walkplan import WalkPlan, Wave

__all__ = ["GAP", "MOST_PROBES", "Scene", "Track", "frame_size", "tile_ranks"]

GAP = 2
"""Pixels between and around the tiles of a grid."""

MOST_PROBES = 480
"""The most positions of a path that are looked at to find its pace."""

FEWEST_PROBES = 8

LOOKS = 4
"""How often a path is looked along at most, to find its pace."""

EVEN = 0.02
"""Variation of steps that is even enough."""

_DIGITS = 6
"""Digits of an arc that count, so that the last bits of its measurement change no frame."""

Numbers = NDArray[np.float64]
Told = Callable[[int, int | None], None]


@dataclass
class Track:
    """A path and how to keep pace on it.

    Attributes:
        path: positions (T,) -> codes (T, ...) in the space that is walked in.
        knots: positions of its keys, rising from 0 to 1, both among them.
        closed: whether the path itself ends where it began.
        arc: how far along a position is to the eye.
    """

    path: Callable[[Tensor], Tensor]
    knots: Numbers
    closed: bool
    arc: Arc = field(default_factory=Arc.even)


def tile_ranks(columns: int, rows: int, wave: Wave) -> list[float]:
    """Return how far each tile is ahead, in parts of a round, row by row.

    >>> tile_ranks(2, 2, "rows")
    [0.0, 0.25, 0.5, 0.75]
    >>> tile_ranks(2, 2, "wave")
    [0.0, 0.5, 0.5, 0.0]
    """
    places = [(row, column) for row in range(rows) for column in range(columns)]
    count = len(places)
    if wave == "wave":  # a full wave along a diagonal, so that tiles far apart meet again
        span = max(columns + rows - 2, 2)
        return [((row + column) / span) % 1.0 for row, column in places]
    if wave == "rows":
        return [index / count for index in range(count)]
    middle = ((rows - 1) / 2, (columns - 1) / 2)

    def turn(place: tuple[int, int]) -> tuple[float, float]:
        y, x = place[0] - middle[0], place[1] - middle[1]
        return round(max(abs(y), abs(x)), 6), math.atan2(y, x)

    order = sorted(range(count), key=lambda index: turn(places[index]))
    ranks = [0.0] * count
    for rank, index in enumerate(order):
        ranks[index] = rank / count
    return ranks


def frame_size(plan: WalkPlan, tile: Size) -> Size:
    """Return (height, width) of a frame whose tiles have a size before they are enlarged."""
    height, width = (side * plan.scale for side in tile)
    if plan.tiles == 1:
        return height, width
    return plan.rows * (height + GAP) + GAP, plan.columns * (width + GAP) + GAP


class Scene:
    """Everything that the frames of a walk come from.

    Args:
        plan: the walk.
        model: what draws.
        tracks: one that all tiles share, or one for each tile.
        morph: what changes the network on the way, None for nothing.
        mixed: gives the code that layers `plan.mix` get now, (layers, d).
        effects: changes to each tile, in order.
    """

    def __init__(
        self,
        plan: WalkPlan,
        model: Model,
        tracks: Sequence[Track],
        *,
        morph: Morph | None = None,
        mixed: Callable[[], Tensor] | None = None,
        effects: Sequence[Alter] = (),
    ) -> None:
        self.plan, self.model, self.tracks = plan, model, tracks
        self._morph, self._mixed, self._effects = morph, mixed, effects
        same = plan.own or plan.tiles == 1
        self._ahead = [0.0] * plan.tiles if same else self._phases()

    def _phases(self) -> list[float]:
        return tile_ranks(self.plan.columns, self.plan.rows, self.plan.wave)

    # Time ----------------------------------------------------------------------------------------

    def check(self) -> None:
        """Check that there is time to move in.

        Raises:
            ConfigError: holds leave none.
        """
        for track in self.tracks:
            self._positions(track, np.zeros(1), 0.0)

    def _passing(self, times: Numbers, ahead: float) -> Numbers:
        """Return how much of one passing of the path is over, in [0, 1]."""
        plan = self.plan
        if plan.shape == "open":
            return np.clip(times, 0.0, 1.0)
        part = np.mod(times * plan.rounds + ahead, 1.0)
        return part if plan.shape == "loop" else 1 - np.abs(2 * part - 1)

    def _positions(self, track: Track, times: Numbers, ahead: float) -> Numbers:
        plan = self.plan
        beats = None if plan.beats is None else max(1, plan.beats // plan.passings)
        return place(
            self._passing(times, ahead),
            track.arc,
            knots=track.knots,
            beats=beats,
            ease=plan.ease,
            hold=min(1.0, plan.hold * plan.passings / plan.seconds),
            closed=track.closed,
            ends=plan.shape == "open",
        )

    def _share(self, positions: Numbers) -> Numbers:
        """Return how far the network has changed where the path is at positions."""
        if self.plan.morph == "blend" and self.plan.shape == "loop":
            return (1 - np.cos(2 * np.pi * positions)) / 2
        return positions

    # Pictures ------------------------------------------------------------------------------------

    def _codes(self, track: Track, positions: Numbers) -> Tensor:
        at = torch.from_numpy(positions).to(torch.float32)
        codes = track.path(at)
        if self.plan.space == "z":
            codes = codes_of(self.model, codes, psi=self.plan.psi)
        if self._mixed is not None and self.plan.mix is not None:
            codes = codes.clone()
            layers = slice(self.plan.mix.first, self.plan.mix.last + 1)
            codes[:, layers] = self._mixed()[layers]
        return codes

    def _drawn(self, codes: Tensor, scale: int) -> Iterator[Tensor]:
        return render(self.model, codes, scale=scale, smooth=not self.plan.pixels)

    def _tiles(self, times: Numbers, scale: int) -> Iterator[list[Tensor]]:
        """Yield the tiles at each of some times, each (C, H, W); few are held at once."""
        size = max(1, RENDER_BATCH // self.plan.tiles)
        for start in range(0, len(times), size):
            part = times[start : start + size]
            at = [
                self._positions(self._track(tile), part, ahead)
                for tile, ahead in enumerate(self._ahead)
            ]
            if self._morph is None:
                pictures = self._together(at, scale)
                yield from (pictures[frame :: len(part)] for frame in range(len(part)))
                continue
            lead = self._positions(self.tracks[0], part, 0.0)
            for index, share in enumerate(self._share(lead)):
                self._morph.at(float(share))
                yield self._together([each[index : index + 1] for each in at], scale)

    def _together(self, at: Sequence[Numbers], scale: int) -> list[Tensor]:
        """Return the tiles at positions of each, tile after tile, drawn by the same network."""
        codes = [self._codes(self._track(tile), each) for tile, each in enumerate(at)]
        return list(self._drawn(torch.cat(codes), scale))

    def _track(self, tile: int) -> Track:
        return self.tracks[tile if len(self.tracks) > 1 else 0]

    def _finished(self, tiles: Sequence[Tensor]) -> Tensor:
        if self._effects:
            changed = []
            for tile in tiles:
                image = tile[None].clamp(0, 1)
                for effect in self._effects:
                    image = effect(image)
                changed.append(image[0])
            tiles = changed
        if self.plan.tiles == 1:
            return tiles[0]
        return grid(torch.stack(list(tiles)), columns=self.plan.columns, gap=GAP)

    def pictures(self, times: Numbers) -> Iterator[Tensor]:
        """Yield the frame at each of some times in [0, 1]: unit range, not clamped, (C, H, W)."""
        for tiles in self._tiles(times, self.plan.scale):
            yield self._finished(tiles)

    def thumbnails(self, count: int) -> list[Tensor]:
        """Return so many frames from along the walk, not enlarged: unit range, (C, h, w)."""
        times = film_times(count, closed=self.plan.closed)
        return [self._finished(tiles) for tiles in self._tiles(times, 1)]

    def frames(self) -> Frames:
        """Return the frames, which are made while they are read."""
        plan = self.plan
        times = film_times(plan.frames, closed=plan.closed)

        def made() -> Iterator[Frame]:
            for number, image in enumerate(self.pictures(times)):
                yield Frame(image, f"frame{number:06d}")

        def probed(count: int) -> Iterator[Tensor]:
            chosen = np.unique(np.linspace(0, plan.frames - 1, count).round().astype(int))
            return self.pictures(times[chosen])

        size = frame_size(plan, self.model.size)
        return Frames(made(), size, plan.fps, plan.frames, probed)

    # Pace ----------------------------------------------------------------------------------------

    def keep_pace(self, told: Told = lambda done, total: None) -> None:
        """Look along the paths and set their arcs, so that frames differ evenly as the plan says.

        A path is looked at in as many steps as frames will take along it, and again where these
        were uneven: long steps are shorter than the ways they cut, so one look is not enough.

        Args:
            told: hears how many positions were looked at, and of how many at most.
        """
        if self.plan.pace <= 0:
            return
        count = min(max(self.plan.frames // self.plan.passings, FEWEST_PROBES), MOST_PROBES)
        alone = [None] if self._morph is not None else list(self.tracks)
        looks = itertools.count()
        for track in alone:
            arc = Arc.even()
            for look in range(LOOKS):
                s = np.linspace(0, 1, count + 1)
                u = arc.at(s)
                told(next(looks) * count, LOOKS * len(alone) * count)
                seen = self._seen_together(s, arc) if track is None else self._seen(track, u)
                steps = np.array([distance(a, b) for a, b in itertools.pairwise(seen)])
                arc = Arc.measured(u, steps)
                if look > 0 and steps.std() <= EVEN * steps.mean():
                    break
            if arc.length > 0:
                way = (1 - self.plan.pace) * arc.u + self.plan.pace * arc.s
                arc = Arc(arc.u, np.round(way, _DIGITS), arc.length)
            for each in self.tracks if track is None else [track]:
                each.arc = arc

    def _seen(self, track: Track, u: Numbers) -> Iterator[Tensor]:
        """Yield what a path looks like at each position."""
        codes = self._codes(track, u)
        for start in range(0, len(u), RENDER_BATCH):
            images = list(self._drawn(codes[start : start + RENDER_BATCH], 1))
            yield from features(torch.stack(images).clamp(0, 1))

    def _seen_together(self, s: Numbers, arc: Arc) -> Iterator[Tensor]:
        """Yield what frames look like where the first tile is so far along, and the network."""
        assert self._morph is not None
        times = s / self.plan.passings
        phased = [arc.at(self._passing(times, ahead)) for ahead in self._ahead]
        for index, share in enumerate(self._share(arc.at(s))):
            self._morph.at(float(share))
            tiles = self._together([each[index : index + 1] for each in phased], 1)
            yield features(self._finished(tiles)[None].clamp(0, 1))[0]

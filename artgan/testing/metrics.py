"""What is checked of a metric: figures as promised, the same every time, the right way round."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, get_args

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from artgan.api import ArtganError, Better, Measure, Metric, Size, View
from artgan.images import from_bytes, to_bytes
from artgan.latents import generator
from artgan.testing.chance import reseeded
from artgan.testing.expect import ContractError, expect

__all__ = ["check"]

PARTS = ("training", "midpoints", "earlier")
COUNT = 16
SMALL: tuple[tuple[int, Size], ...] = ((3, (32, 32)), (1, (16, 24)))
"""Channels and size, (height, width), of what a metric is shown."""

LARGE: Size = (64, 64)
"""A size at which the training pictures are smaller, averaged to 32 pixels."""


def check(record: Metric, build: Callable[..., Any], where: str) -> None:
    """Check a metric on grey and colour, few and equal pictures, and good ones against bad ones.

    One that imports an optional package (`extra`) may refuse with an `ArtganError`, as where that
    is not installed; then nothing else can be checked.
    """
    expect(bool(record.figures), f"{where}: its record has no figures")
    for name, better in record.figures:
        expect(
            better in get_args(Better),
            f"{where}: '{name}' is better {better!r}, expected 'low', 'high' or ''",
        )
    _check_named(record, where)
    unknown = set(record.needs) - set(PARTS)
    expect(not unknown, f"{where}: it needs {sorted(unknown)}, expected some of {list(PARTS)}")
    try:
        measure = build()
        expect(
            callable(measure),
            f"{where}: its target returned a {type(measure).__name__}, expected a function of a "
            "view",
        )
        _check_views(record, measure, where)
        _check_memory(record, measure, build(), where)
        _check_sizes(record, measure, where)
    except ArtganError as error:
        if not record.extra:
            raise ContractError(f"{where}: refused ({error}), but it has no extra") from error


def _check_named(record: Metric, where: str) -> None:
    """Check that what chooses a checkpoint, or rules one out, are figures of its own."""
    ways = dict(record.figures)
    for name in record.score:
        expect(
            ways.get(name, "") != "",
            f"{where}: its score names '{name}', expected figures of its record that are better "
            "low or high",
        )
    for name, share in record.veto:
        expect(
            name in ways and 0 < share <= 1,
            f"{where}: its veto is {(name, share)}, expected a figure of its record and a share of "
            "its floor in (0, 1]",
        )


def _check_views(record: Metric, measure: Measure, where: str) -> None:
    for channels, size in SMALL:
        at = f"{where}, {channels} channels, size {size} (height, width)"
        view = _view(channels, size)
        _check_pure(record, measure, view, f"{at}, with all there is")
        figures = _figures(record, measure, _needed(record, view), at)
        _check_ways(record, measure, view, figures, at)
        few: dict[str, Any] = {part: getattr(view, part)[:2] for part in ("reals", "fakes", *PARTS)}
        _figures(record, measure, replace(view, **few), f"{at}, two pictures of each")
        same: dict[str, Any] = {
            part: one[:1].expand(4, -1, -1, -1).clone() for part, one in few.items()
        }
        _figures(record, measure, replace(view, **same), f"{at}, each of them four times the same")
        plain: dict[str, Any] = {part: torch.full_like(one, 1.0) for part, one in same.items()}
        _figures(record, measure, replace(view, **plain), f"{at}, all of them white")


# What it is shown ---------------------------------------------------------------------------


def _blobs(count: int, channels: int, size: Size, seed: int) -> Tensor:
    """Return smooth and dark pictures, no two alike: a few random pixels enlarged."""
    coarse = torch.rand(count, channels, 4, 4, generator=generator(seed))
    smooth = interpolate(coarse, size, mode="bicubic", align_corners=False)
    return from_bytes(to_bytes(smooth * 0.5))


def _noise(count: int, channels: int, size: Size) -> Tensor:
    """Return bright pictures of noise."""
    noise = torch.rand(count, channels, *size, generator=generator(9))
    return from_bytes(to_bytes(1 - noise * 0.3))


def _view(channels: int, size: Size) -> View:
    """Return reals and fakes of one kind, not equally many, with everything beside them."""
    fakes = _blobs(COUNT - 4, channels, size, 2)
    return View(
        reals=_blobs(COUNT, channels, size, 1),
        fakes=fakes,
        training=torch.cat([_blobs(COUNT, channels, size, 1), _blobs(COUNT, channels, size, 3)]),
        midpoints=_blobs(COUNT // 2, channels, size, 4),
        earlier=fakes[: COUNT // 2].clone(),
    )


def _needed(record: Metric, view: View) -> View:
    """Return a view with nothing but what a metric says it needs."""
    absent: dict[str, Any] = {part: None for part in PARTS if part not in record.needs}
    return replace(view, **absent)


# What it finds ------------------------------------------------------------------------------


def _figures(record: Metric, measure: Measure, view: View, where: str) -> dict[str, float]:
    """Return the figures of a view, once they are those promised, and numbers."""
    found = measure(view)
    if not isinstance(found, Mapping):
        raise ContractError(
            f"{where}: it returned a {type(found).__name__}, expected figures by name"
        )
    missing = [name for name, _ in record.figures if name not in found]
    expect(not missing, f"{where}: figures {missing} are missing, which its record promises")
    for name, value in found.items():
        expect(isinstance(name, str), f"{where}: a figure is named {name!r}, expected text")
        expect(
            isinstance(value, int | float) and math.isfinite(value),
            f"{where}: '{name}' is {value!r}, expected a finite number",
        )
        expect(
            any(f"-{one}-" in f"-{name}-" for one, _ in record.figures),
            f"{where}: it returned '{name}', expected those of its record "
            f"({', '.join(one for one, _ in record.figures)}) and others called after them",
        )
    return dict(found)


def _check_pure(record: Metric, measure: Measure, view: View, where: str) -> None:
    """Check that it changes nothing and takes chance from the view's seed alone."""
    kept = {field.name: getattr(view, field.name) for field in fields(view)}
    kept = {name: value.clone() for name, value in kept.items() if isinstance(value, Tensor)}
    first = _figures(record, measure, view, where)
    for name, before in kept.items():
        expect(
            torch.equal(getattr(view, name), before),
            f"{where}: it changed the {name}, expected a pure function",
        )
    with reseeded(99):
        second = _figures(record, measure, view, where)
    expect(
        first == second,
        f"{where}: the same view gave {first}, then {second}, expected chance from its seed only",
    )


def _check_memory(record: Metric, used: Measure, new: Measure, where: str) -> None:
    """Check that it remembers nothing of the views that it saw before."""
    channels, size = SMALL[-1]
    view = _needed(record, _view(channels, size))
    other = replace(view, reals=1 - view.reals)
    _figures(record, used, view, where)
    ours, theirs = (_figures(record, each, other, where) for each in (used, new))
    expect(
        ours == theirs,
        f"{where}: other reals gave {ours} after it had seen some, and {theirs} where it was new: "
        "expected it to remember nothing",
    )


def _check_sizes(record: Metric, measure: Measure, where: str) -> None:
    """Check that the training pictures may be smaller than the reals, as large ones are."""
    if "training" not in record.needs:
        return
    view = _view(3, LARGE)
    assert view.training is not None
    view = replace(view, training=avg_pool2d(view.training, LARGE[0] // 32))
    _figures(record, measure, _needed(record, view), f"{where}, the training pictures smaller")


def _check_ways(
    record: Metric, measure: Measure, view: View, good: Mapping[str, float], where: str
) -> None:
    """Check that each figure is better for good pictures than for bad ones.

    Bad is one picture of noise, over and over; for a metric that needs the training pictures those
    themselves, for one that needs earlier pictures that these were others.
    """
    channels, size = view.reals.shape[1], (view.reals.shape[2], view.reals.shape[3])
    noise = _noise(len(view.fakes), channels, size)
    if "earlier" in record.needs:
        what, bad = "where all pictures changed", replace(view, earlier=noise)
    elif "training" in record.needs:
        assert view.training is not None
        copies = view.training[: len(view.fakes)]
        what, bad = "of copies of the reals", replace(view, fakes=copies, midpoints=copies)
    else:
        what, bad = (
            "of one picture of noise",
            replace(view, fakes=noise[:1].expand_as(noise).clone()),
        )
    figures = _figures(record, measure, _needed(record, bad), where)
    for name, better in record.figures:
        value, worse = good[name], figures[name]
        expect(
            better == "" or (value < worse if better == "low" else value > worse),
            f"{where}: '{name}' is {value:.4g} of good pictures and {worse:.4g} {what}, but its "
            f"record says that {better} is better",
        )

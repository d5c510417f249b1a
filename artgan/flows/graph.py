"""Which stage of a pipeline takes from which, and the order they are made in. Reads no files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from artgan.api import ConfigError
from artgan.errors import nearest
from artgan.flows.file import Stage
from artgan.flows.schema import TAKEN
from artgan.screen import safe

__all__ = ["joined"]

_FROM: dict[str, tuple[str, ...]] = {
    "train": (),
    "sample": ("train",),
    "walk": ("train",),
    "stylize": ("walk", "sample", "stylize"),
}
"""Kinds of stage that one may take from."""

_USUAL = {**_FROM, "stylize": ("walk", "sample")}
"""Those that it takes from without being told: two styles are both of the same walk."""


def joined(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """Return stages in the order they are made in, each with the stage that it takes from.

    That order is theirs, but that what another takes comes before it.

    Args:
        stages: in the order of the file.

    Raises:
        ConfigError: a stage takes from one that is not there or does not fit, from none, or from
            what is made of it.
    """
    found: dict[str, Stage] = {}
    for number, stage in enumerate(stages):
        source = _source(stage, stages[:number], {each.name: each for each in stages})
        found[stage.name] = dataclasses.replace(stage, source=source)
    order: list[Stage] = []
    for stage in found.values():
        order += reversed([each for each in _way(stage, found) if each not in order])
    return tuple(order)


def _source(stage: Stage, before: Sequence[Stage], known: Mapping[str, Stage]) -> str:
    """Return the name of the stage that one takes from, "" for none."""
    kinds, taken = _FROM[stage.kind], TAKEN.get(stage.kind)
    if taken is None:
        return ""
    if stage.source is None:
        if taken in stage.given:
            return ""
        for other in reversed(before):
            if other.kind in _USUAL[stage.kind]:
                return other.name
        usual = " or ".join(f"[{kind}]" for kind in _USUAL[stage.kind])
        raise ConfigError(
            f"{stage.name}: there is no stage before it that it could take from: give {taken}, or "
            f"put {usual} before it"
        )
    if taken in stage.given:
        raise ConfigError(f"{stage.name}: from and {taken} were both given: give one of them")
    if stage.source not in known:
        raise ConfigError(
            f"{stage.name}: from is '{safe(stage.source)}', and no stage is called so: "
            f"{nearest(stage.source, known)}"
        )
    kind = known[stage.source].kind
    if kind not in kinds:
        raise ConfigError(
            f"{stage.name}: from is '{stage.source}', and a {stage.kind} stage takes from "
            f"{' or '.join(kinds)}: give another one"
        )
    return stage.source


def _way(stage: Stage, found: Mapping[str, Stage]) -> list[Stage]:
    """Return a stage, the one that it takes from, and so on."""
    way = [stage]
    while way[-1].source:
        before = found[way[-1].source]
        if before in way:
            names = [each.name for each in way[way.index(before) :]]
            raise ConfigError(f"stages go round in a circle: {', '.join([*names, names[0]])}")
        way.append(before)
    return way

"""What is checked of networks that grow: where they are, at full size, at every stage."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from artgan.api import Architecture, Networks, Size, Stage
from artgan.testing.expect import (
    ContractError,
    expect,
    expect_close,
    expect_finite,
    expect_kept,
    expect_shape,
)
from artgan.testing.phases import check_phases, latents

__all__ = ["check_growth", "grown"]

TOTALS = (10_000, 1_000_000)
"""How long runs are that it is asked about, in pictures."""

LONG = 10**9
STEPS = 200


def grown(networks: Networks, where: str, stage: Stage | None = None) -> Networks:
    """Return networks at a stage, None for the end of a run; those that do not grow as they are."""
    if networks.stage is None:
        return networks
    at = _stage(networks.stage, LONG, LONG, where) if stage is None else stage
    for name, module in (
        ("generator", networks.generator),
        ("discriminator", networks.discriminator),
    ):
        grow: Any = getattr(module, "grow", None)
        if module is None:
            continue
        if not callable(grow):
            raise ContractError(f"{where}: it has stages, but its {name} has no 'grow'")
        grow(at.scales, at.fade)
    return networks


def check_growth(
    record: Architecture, build: Callable[[], Networks], size: Size, channels: int, where: str
) -> None:
    """Check networks that grow at each of their stages; does nothing to others."""
    networks = build()
    _check_show_reals(networks, size, channels, where)
    if networks.stage is None:
        return
    stages = [stage for length in TOTALS for stage in _run(networks.stage, length, where)]
    other = build()
    for scales in sorted({stage.scales for stage in stages}):
        for fade in (0.5, 0.0, 1.0):
            stage = Stage(scales, fade, 1)
            at = f"{where}, {scales} scales, fade {fade:g}"
            grown(networks, at, stage)
            _check_pictures(record, networks, size, channels, at)
            _check_position(record, networks, grown(other, at, Stage(1, 1.0, 1)), at)
            check_phases(record, networks, at)


def _stage(call: Callable[[int, int], Stage], cur_nimg: int, length: int, where: str) -> Stage:
    """Return where networks are, once that is a place there can be."""
    at = f"{where}: stage({cur_nimg}, {length})"
    given: object = call(cur_nimg, length)
    if not isinstance(given, tuple) or len(given) != 3:
        raise ContractError(f"{at} is {given!r}, expected artgan.api.Stage(scales, fade, batch)")
    stage = Stage(*given)
    expect(
        stage.scales >= 1
        and 0 <= stage.fade <= 1
        and stage.batch >= 1
        and math.isfinite(stage.fade),
        f"{at} is {tuple(stage)}, expected 1 scale or more, a fade in [0, 1] and a batch of 1 or "
        "more",
    )
    return stage


def _run(call: Callable[[int, int], Stage], length: int, where: str) -> list[Stage]:
    """Return the stages of a run, once it only ever grows."""
    places = [length * step // STEPS for step in range(STEPS + 1)]
    stages = [_stage(call, place, length, where) for place in (*places, 2 * length)]
    again = [_stage(call, place, length, where) for place in (*places, 2 * length)]
    expect(stages == again, f"{where}: stage gave other places a second time, expected it pure")
    for before, after in itertools.pairwise(stages):
        expect(
            (after.scales, after.fade) >= (before.scales, before.fade),
            f"{where}: in a run of {length} pictures it goes from {before.scales} scales, fade "
            f"{before.fade:.3g}, back to {after.scales} scales, fade {after.fade:.3g}: expected it "
            "to grow",
        )
    return stages


def _check_pictures(
    record: Architecture, networks: Networks, size: Size, channels: int, where: str
) -> None:
    z = latents(record, networks, 2)
    with torch.no_grad():
        pyramid = networks.generator.eval()(z)
    what = f"{where}: the generator's finest pictures, expected full size at every stage"
    expect_finite(expect_shape(pyramid[-1], (2, channels, *size), what), what)


def _check_position(record: Architecture, networks: Networks, other: Networks, where: str) -> None:
    """Check that a loaded state draws and judges where it was saved."""
    z = latents(record, networks, 2)
    for name, module in networks.named().items():
        other.named()[name].load_state_dict(module.state_dict())
    what = "after state_dict was loaded (where it is has to be a buffer of its state)"
    with torch.no_grad():
        ours, theirs = networks.generator.eval()(z), other.generator.eval()(z)
        for one, same in zip(ours, theirs, strict=True):
            expect_close(same, one, f"{where}: pictures {what}", atol=1e-6)
        if networks.discriminator is None or other.discriminator is None:
            return
        logits, same_logits = (
            each.discriminator.eval()(ours)  # type: ignore[union-attr]
            for each in (networks, other)
        )
    for one, same in zip(_tuple(logits), _tuple(same_logits), strict=True):
        expect_close(same, one, f"{where}: logits {what}", atol=1e-6)


def _tuple(logits: Any) -> tuple[Tensor, ...]:
    return logits if isinstance(logits, tuple) else (logits,)


def _check_show_reals(networks: Networks, size: Size, channels: int, where: str) -> None:
    """Check that what is done to reals keeps their shape and range, and leaves them as they are."""
    if networks.show_reals is None:
        return
    grown(networks, where)
    reals = torch.rand(2, channels, *size, generator=torch.Generator().manual_seed(3)) * 2 - 1
    kept = reals.clone()
    with torch.no_grad():
        shown = networks.show_reals(reals)
    at = f"{where}: reals after show_reals"
    expect_finite(expect_shape(shown, tuple(reals.shape), at), at)
    expect(
        float(shown.abs().max()) <= 1 + 1e-4,
        f"{at} leave signed range [-1, 1], expected them in it",
    )
    expect_kept([reals], [kept], f"{where}: show_reals changed the reals")

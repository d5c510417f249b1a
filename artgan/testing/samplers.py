"""What is checked of a sampler: a pure, continuous path that begins at the first key."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from artgan.api import ConfigError, Path2Codes, Prior, Sampler
from artgan.latents import generator, to_prior
from artgan.testing.chance import untouched
from artgan.testing.expect import (
    ContractError,
    expect,
    expect_close,
    expect_finite,
    expect_shape,
)

__all__ = ["check"]

WIDTH = 7  # odd, since pairs of coordinates are a common trick
LAYERED = (3, WIDTH)
DIRECTIONS = 4
SPACES = ("z", "w")


@dataclass(frozen=True)
class _Case:
    """One way to walk: what a target is called with, and what its path has to keep."""

    record: Sampler
    where: str
    closed: bool
    space: str
    prior: Prior
    shape: tuple[int, ...]

    def needed(self) -> dict[str, object]:
        """Return what the record needs, by name."""
        width = torch.Size(self.shape).numel()
        random = torch.randn(width, DIRECTIONS, generator=generator(5))
        offered = {
            "closed": self.closed,
            "space": self.space,
            "prior": self.prior,
            "mean": torch.zeros(self.shape),
            "directions": torch.linalg.qr(random)[0].T.reshape(DIRECTIONS, *self.shape),
        }
        return {name: offered[name] for name in self.record.needs}

    def keys(self, count: int) -> Tensor:
        """Return keys, (count, *shape)."""
        flat = torch.randn(count, torch.Size(self.shape).numel(), generator=generator(count))
        return to_prior(flat, self.prior).reshape(count, *self.shape)


def check(record: Sampler, build: Callable[..., Any], where: str) -> None:
    """Check a sampler with the fewest keys it takes and with more, on both priors.

    It is called as a walk calls it: keys and positions are float32, on the CPU. What it needs it
    gets, in every combination that its record promises.
    """
    _check_record(record, where)
    for case in _cases(record, where):
        path: Path2Codes = build(**case.needed())
        expect(
            callable(path), f"{where}: its target returned a {type(path).__name__}, not a function"
        )
        for count in _counts(record):
            keys, at = case.keys(count), f"{case.where}, {count} keys"
            most = record.max_keys
            try:
                path(keys, torch.zeros(1))
            except ConfigError as error:
                raise ContractError(
                    f"{at}: refused ({error}), but its record says from {record.min_keys} to "
                    f"{'any number' if most is None else most}"
                ) from error
            _check_path(case, path, keys, at)
        _check_degenerate(case, path)


def _check_record(record: Sampler, where: str) -> None:
    expect(record.min_keys >= 1, f"{where}: min_keys is {record.min_keys}, expected 1 or more")
    most = record.max_keys
    expect(
        most is None or most >= record.min_keys,
        f"{where}: max_keys is {most}, expected None or at least min_keys, {record.min_keys}",
    )
    for field, known in (("needs", tuple(Sampler.NEEDS)), ("spaces", SPACES)):
        given = getattr(record, field)
        unknown = [name for name in given if name not in known]
        expect(
            not unknown,
            f"{where}: its {field} name {unknown}, expected of {', '.join(known)}",
        )
    expect(bool(record.spaces), f"{where}: it walks in no space, expected of {', '.join(SPACES)}")


def _cases(record: Sampler, where: str) -> Iterator[_Case]:
    """Yield each way to walk that a record promises; layers of codes are in w alone."""
    both = (True, False) if "closed" in record.needs else (record.closed,)
    for closed, space in itertools.product(both, record.spaces):
        at = where
        if "closed" in record.needs:
            at += ", closed" if closed else ", open"
        if len(record.spaces) > 1:
            at += f", in {space}"
        yield _Case(record, at, closed, space, "gaussian", (WIDTH,))
        if space == "z":
            yield _Case(record, f"{at} on a sphere", closed, space, "sphere", (WIDTH,))
        else:
            yield _Case(record, f"{at} in layers", closed, space, "gaussian", LAYERED)


def _counts(record: Sampler) -> list[int]:
    """Return the fewest keys that a sampler takes, and up to two more."""
    counts = range(record.min_keys, record.min_keys + 3)
    return [n for n in counts if record.max_keys is None or n <= record.max_keys]


def _check_path(case: _Case, path: Path2Codes, keys: Tensor, where: str) -> None:
    u = torch.linspace(0, 1, 9)
    kept = keys.clone(), u.clone()
    codes = expect_shape(path(keys, u), (9, *case.shape), f"{where}: codes at 9 positions")
    expect_finite(codes, f"{where}: codes")
    expect(
        bool((keys == kept[0]).all() and (u == kept[1]).all()),
        f"{where}: it changed its arguments, expected a pure function",
    )
    with untouched(f"{where}: it", "a pure function; draw from a generator with a seed of its own"):
        again = path(keys, u)
    expect_close(again, codes, f"{where}: the same call twice", atol=0)
    for i in (0, 3, 8):
        one = path(keys, u[i : i + 1])
        expect_close(one[0], codes[i], f"{where}: position {float(u[i]):g} alone and among 9")
    expect_close(codes[0], keys[0], f"{where}: the code at 0 against the first key")
    expect_close(
        path(-keys, u[:1])[0], -keys[0], f"{where}: the code at 0 against the first of other keys"
    )
    if case.closed:
        expect_close(codes[-1], codes[0], f"{where}: the code at 1 against the one at 0 (closed)")
    elif case.record.keyed:
        expect_close(codes[-1], keys[-1], f"{where}: the code at 1 against the last key (open)")
    _check_steps(path, keys, where)
    _check_met(case, path, keys, where)
    _check_shell(case, path, keys, where)


def _check_steps(path: Path2Codes, keys: Tensor, where: str) -> None:
    """Check that the path has no jump: four times the frames, much smaller steps."""

    def longest(frames: int) -> float:
        codes = path(keys, torch.linspace(0, 1, frames + 1)).flatten(1)
        return float((codes[1:] - codes[:-1]).norm(dim=-1).max())

    coarse, fine = longest(200), longest(800)
    expect(
        fine <= 0.6 * coarse + 1e-4,
        f"{where}: the longest step is {coarse:.3g} in 200 frames and {fine:.3g} in 800, expected "
        "about a quarter: the path jumps",
    )


def _check_met(case: _Case, path: Path2Codes, keys: Tensor, where: str) -> None:
    """Check that a sampler said to be keyed meets its keys evenly."""
    if not case.record.keyed:
        return
    count = len(keys)
    many, how = (count, "K") if case.closed else (max(count - 1, 1), "(K - 1)")
    codes = path(keys, torch.arange(count) / many)
    expect_close(codes, keys, f"{where}: the codes at k / {how} against the keys (keyed)")


def _check_shell(case: _Case, path: Path2Codes, keys: Tensor, where: str) -> None:
    """Check that one that knows where it walks stays on a sphere that latents are drawn from.

    Truncation is free to leave it.
    """
    needs = set(case.record.needs)
    if case.prior != "sphere" or "mean" in needs or not needs & {"prior", "space"}:
        return
    lengths = path(keys, torch.linspace(0, 1, 101)).norm(dim=-1)
    off = float((lengths / keys[0].norm() - 1).abs().max())
    expect(
        off <= 1e-4,
        f"{where}: codes leave the sphere: their lengths are off by up to {off:.3g} of its radius",
    )


def _check_degenerate(case: _Case, path: Path2Codes) -> None:
    """Check keys that are equal or opposite: no number may get lost."""
    record, key = case.record, torch.ones(1, *case.shape)
    count = max(2, record.min_keys)
    if record.max_keys is not None:
        count = min(count, record.max_keys)
    for name, other in {"equal": key, "opposite": -key}.items():
        keys = torch.cat([key, other] * count)[:count]
        codes = path(keys, torch.linspace(0, 1, 33))
        expect_finite(codes, f"{case.where}: codes between {name} keys, which a walk may have")

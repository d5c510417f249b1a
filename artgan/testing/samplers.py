"""What is checked of a sampler: a pure, continuous path that begins at the first key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from artgan.api import ConfigError, Path2Codes, Sampler
from artgan.latents import generator, to_prior
from artgan.testing.expect import (
    ContractError,
    expect,
    expect_close,
    expect_finite,
    expect_shape,
)

__all__ = ["check"]

WIDTH = 7  # odd, since pairs of coordinates are a common trick


def check(record: Sampler, build: Callable[..., Any], where: str) -> None:
    """Check a sampler with the fewest keys it takes and with more, on both priors.

    It is called as a walk calls it: keys and positions are float32, on the CPU.
    """
    path: Path2Codes = build()
    expect(callable(path), f"{where}: its target returned a {type(path).__name__}, not a function")
    expect(record.min_keys >= 1, f"{where}: min_keys is {record.min_keys}, expected 1 or more")
    most = record.max_keys
    expect(
        most is None or most >= record.min_keys,
        f"{where}: max_keys is {most}, expected None or at least min_keys, {record.min_keys}",
    )
    counts = range(record.min_keys, record.min_keys + 3)
    for count in [n for n in counts if most is None or n <= most]:
        keys = torch.randn(count, WIDTH, generator=generator(count))
        at = f"{where}, {count} keys"
        try:
            path(keys, torch.zeros(1))
        except ConfigError as error:
            raise ContractError(
                f"{at}: refused ({error}), but its record says from {record.min_keys} to "
                f"{'any number' if most is None else most}"
            ) from error
        _check_path(record, path, keys, at)
        _check_path(record, path, to_prior(keys, "sphere"), f"{at} on a sphere")
    _check_degenerate(record, path, where)


def _check_path(record: Sampler, path: Path2Codes, keys: Tensor, where: str) -> None:
    u = torch.linspace(0, 1, 9)
    kept = keys.clone(), u.clone()
    codes = expect_shape(path(keys, u), (9, WIDTH), f"{where}: codes at 9 positions")
    expect_finite(codes, f"{where}: codes")
    expect(
        bool((keys == kept[0]).all() and (u == kept[1]).all()),
        f"{where}: it changed its arguments, expected a pure function",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        expect_close(path(keys, u), codes, f"{where}: the same call twice", atol=0)
    for i in (0, 3, 8):
        one = path(keys, u[i : i + 1])
        expect_close(one[0], codes[i], f"{where}: position {float(u[i]):g} alone and among 9")
    expect_close(codes[0], keys[0], f"{where}: the code at 0 against the first key")
    if record.closed:
        expect_close(codes[-1], codes[0], f"{where}: the code at 1 against the one at 0 (closed)")
    _check_steps(path, keys, where)


def _check_steps(path: Path2Codes, keys: Tensor, where: str) -> None:
    """Check that the path has no jump: four times the frames, much smaller steps."""

    def longest(frames: int) -> float:
        codes = path(keys, torch.linspace(0, 1, frames + 1))
        return float((codes[1:] - codes[:-1]).norm(dim=-1).max())

    coarse, fine = longest(200), longest(800)
    expect(
        fine <= 0.6 * coarse + 1e-4,
        f"{where}: the longest step is {coarse:.3g} in 200 frames and {fine:.3g} in 800, expected "
        "about a quarter: the path jumps",
    )


def _check_degenerate(record: Sampler, path: Path2Codes, where: str) -> None:
    """Check keys that are equal or opposite: no number may get lost."""
    key = torch.ones(1, WIDTH)
    pairs = {"equal": torch.cat([key, key]), "opposite": torch.cat([key, -key])}
    for name, keys in pairs.items():
        count = max(2, record.min_keys)
        if record.max_keys is not None:
            count = min(count, record.max_keys)
        codes = path(keys.repeat(count, 1)[:count], torch.linspace(0, 1, 33))
        expect_finite(codes, f"{where}: codes between {name} keys")

"""Global chance: other seeds while something is called, and a watch over who draws from it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from artgan.testing.expect import expect

__all__ = ["TORCH", "reseeded", "untouched"]

TORCH = "torch's global generator"


def _states() -> dict[str, Any]:
    """Return where each global source of chance is, as what can be compared."""
    kind, keys, *rest = np.random.get_state()
    return {
        TORCH: torch.get_rng_state().numpy().tobytes(),
        "NumPy's global generator": (kind, np.asarray(keys).tobytes(), *rest),
        "Python's random module": random.getstate(),
    }


@contextmanager
def reseeded(seed: int) -> Iterator[None]:
    """Seed torch, NumPy and Python's random for a while, and put back what was there."""
    ours, theirs = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(ours)
            np.random.set_state(theirs)


@contextmanager
def untouched(who: str, expected: str, *, but: str = "") -> Iterator[None]:
    """Check that nothing draws from global chance for a while.

    Args:
        who: what is watched, the subject of "draws from".
        expected: where it should take its chance from.
        but: a source that it may draw from.
    """
    with reseeded(1):
        before = _states()
        yield
        after = _states()
    for source, state in after.items():
        expect(
            source == but or state == before[source],
            f"{who} draws from {source}, expected {expected}",
        )

"""The order in which pictures are shown: a pure function of the seed and the sample's number."""

from __future__ import annotations

import functools

import torch

from artgan.latents import derive, generator

__all__ = ["indices", "order_seed"]


def order_seed(seed: int, attempt: int) -> int:
    """Return the seed of the order in which a run shows its pictures.

    After the run was taken back the order is another one, so that the batch that broke it does not
    come again.
    """
    return derive(seed, "attempt", attempt) if attempt else seed


def indices(seed: int, start: int, count: int, total: int) -> list[int]:
    """Return which pictures the samples start ... start + count - 1 of a run are.

    Every picture is shown once in a shuffled round before any is shown again; rounds follow each
    other without a gap, so a batch may be larger than the set.

    Args:
        seed: of the run.
        start: number of the first sample, counted from 0 over the whole run.
        count: how many.
        total: pictures in the set, at least 1.
    """
    shown = []
    for sample in range(start, start + count):
        turn, position = divmod(sample, total)
        shown.append(_order(seed, turn, total)[position])
    return shown


@functools.lru_cache(maxsize=2)
def _order(seed: int, turn: int, total: int) -> list[int]:
    order: list[int] = torch.randperm(
        total, generator=generator(derive(seed, "order", turn))
    ).tolist()
    return order

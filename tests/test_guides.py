import torch
from torch.testing import assert_close

from artgan.guides import busyness, guides


def half_busy():
    image = torch.full((1, 3, 32, 64), 0.5)
    image[..., 32:] = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return image


def test_busy_parts_rank_above_calm_ones():
    ranks = busyness(half_busy())
    assert ranks[..., :26].max() < ranks[..., 38:].min()
    assert float(ranks.min()) == 0
    assert float(ranks.max()) == 1


def test_guides_share_every_pixel():
    calm, busy = guides(half_busy())
    assert_close(calm + busy, torch.ones_like(calm))
    assert calm[..., :20].mean() > busy[..., :20].mean()


def test_a_flat_or_tiny_picture_has_ranks_too():
    for size in ((1, 1), (1, 40), (8, 8)):
        ranks = busyness(torch.full((1, 3, *size), 0.5))
        assert ranks.shape == (1, 1, *size)
        assert bool(ranks.isfinite().all())

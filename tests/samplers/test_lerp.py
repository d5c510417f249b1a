"""Lerp: polygons worked out by hand, closed and open."""

import pytest
import torch

from artgan_plugins.samplers.lerp import build

KEYS = torch.tensor([[0.0, 0.0], [4.0, 0.0], [4.0, 8.0]])


@pytest.mark.parametrize(
    ("closed", "u", "expected"),
    [
        (
            True,
            [0, 1 / 6, 1 / 3, 1 / 2, 5 / 6, 1],
            [[0, 0], [2, 0], [4, 0], [4, 4], [2, 4], [0, 0]],
        ),
        (False, [0, 1 / 4, 1 / 2, 3 / 4, 1], [[0, 0], [2, 0], [4, 0], [4, 4], [4, 8]]),
    ],
)
def test_a_triangle_by_hand(closed, u, expected):
    codes = build(closed=closed)(KEYS, torch.tensor(u))
    torch.testing.assert_close(codes, torch.tensor(expected).float(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("closed", [True, False])
def test_one_key_is_a_still_and_layers_keep_their_shape(closed):
    key = torch.arange(6.0).reshape(1, 2, 3)
    codes = build(closed=closed)(key, torch.linspace(0, 1, 4))
    assert torch.equal(codes, key.expand(4, 2, 3))

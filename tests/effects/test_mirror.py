import pytest
import torch

from artgan_plugins.effects.mirror import build, mirror
from artgan_plugins.effects.options import MirrorOptions, QuartersOptions
from artgan_plugins.effects.quarters import build as build_quarters
from artgan_plugins.effects.quarters import quarters

NUMBERS = torch.arange(12.0).view(1, 1, 3, 4) / 16
"""0 1 2 3 / 4 5 6 7 / 8 9 10 11, in sixteenths."""


def sixteenths(image):
    return (image[0, 0] * 16).int().tolist()


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        ("left", [[0, 1, 1, 0], [4, 5, 5, 4], [8, 9, 9, 8]]),
        ("right", [[3, 2, 2, 3], [7, 6, 6, 7], [11, 10, 10, 11]]),
        ("top", [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3]]),
        ("bottom", [[8, 9, 10, 11], [4, 5, 6, 7], [8, 9, 10, 11]]),
    ],
)
def test_a_half_is_kept_and_an_odd_middle_stays(half, expected):
    assert sixteenths(build(MirrorOptions(half=half))(NUMBERS)) == expected


@pytest.mark.parametrize(
    ("corner", "expected"),
    [
        ("top-left", [[0, 1, 1, 0], [4, 5, 5, 4], [0, 1, 1, 0]]),
        ("top-right", [[3, 2, 2, 3], [7, 6, 6, 7], [3, 2, 2, 3]]),
        ("bottom-left", [[8, 9, 9, 8], [4, 5, 5, 4], [8, 9, 9, 8]]),
        ("bottom-right", [[11, 10, 10, 11], [7, 6, 6, 7], [11, 10, 10, 11]]),
    ],
)
def test_a_quarter_is_kept(corner, expected):
    assert sixteenths(build_quarters(QuartersOptions(corner=corner))(NUMBERS)) == expected


def test_nothing_changes_what_is_symmetric():
    image = torch.rand(2, 4, 9, 6, generator=torch.Generator().manual_seed(0))
    for change in (mirror, quarters):
        once = change(image)
        assert torch.equal(change(once), once)
        assert torch.equal(once.flip(-1), once)

"""Spectrum: rings, white noise, plain pictures, checkerboards, blur."""

import math

import pytest
import torch
from metric_kit import blurred, noise, paintings, view
from torch.testing import assert_close

from artgan.api import View
from artgan_plugins.metrics import spectrum as module
from artgan_plugins.metrics.spectrum import FLOOR, build, rings, spectrum

MEASURE = build(None)


def test_rings_are_cycles_of_the_short_side():
    assert rings(4, 4).tolist() == [[0, 1, 2], [1, 1, 2], [2, 2, 3], [1, 1, 2]]
    assert rings(4, 8)[0].tolist() == [0, 0, 1, 2, 2]  # half a cycle rounds to the even one


def test_the_last_ring_is_the_corners():
    found = rings(32, 32)
    assert int(found.max()) == found[16, 16] == found[12, 12] == 17
    assert found[16, 0] == found[0, 16] == 16


def test_white_noise_has_its_variance_everywhere():
    found = spectrum(torch.randn(200, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.1)
    assert len(found) == 17
    assert_close(found[1:], torch.full_like(found[1:], math.log(0.01)), atol=0.2, rtol=0)


def test_plain_pictures_have_the_floor_of_8_bits():
    for size in ((16, 16), (15, 24)):
        found = spectrum(torch.full((2, 3, *size), 0.3))
        assert_close(found, torch.full_like(found, math.log(FLOOR)), atol=1e-3, rtol=0)


def test_power_is_averaged_over_channels():
    grey = noise(20, channels=1)
    assert_close(spectrum(grey.expand(-1, 3, -1, -1)), spectrum(grey))


def test_parts_give_the_same(monkeypatch):
    whole = spectrum(paintings(10))
    monkeypatch.setattr(module, "_CHUNK", 3 * 32 * 32 * 3)
    assert_close(spectrum(paintings(10)), whole)


def test_checkerboard_noise_and_blur_have_their_signs():
    others = paintings(first=100)
    good = MEASURE(view(others))
    assert good["spectrum"] < 0.6
    assert abs(good["finest"]) < 0.6
    board = ((torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2 - 1) * 0.03
    for wrong, way in (
        (others + board, 1),
        (others + 0.1 * (noise() - 0.5), 1),
        (blurred(others), -1),
    ):
        found = MEASURE(view(wrong))
        assert found["finest"] * way > 0.5
        assert found["spectrum"] > 1.3 * good["spectrum"]


def test_same_pictures_do_not_differ():
    assert MEASURE(View(paintings(), paintings())) == {"spectrum": 0, "finest": 0}


def test_brightness_does_not_matter():
    assert MEASURE(view(paintings() + 0.2))["spectrum"] == pytest.approx(0, abs=1e-3)

"""Drift: by hand."""

import pytest
import torch
from metric_kit import paintings, view

from artgan_plugins.metrics.drift import build, drift


def test_drift_is_the_root_of_the_mean_square():
    assert drift(torch.zeros(2, 1, 1, 2), torch.tensor([0.3, 0.4, 0, 0]).view(2, 1, 1, 2)) == (
        pytest.approx(0.25)
    )


def test_only_the_first_fakes_are_compared():
    fakes = paintings(12)
    assert build(None)(view(fakes, earlier=fakes[:5]))["drift"] == 0
    assert build(None)(view(fakes, earlier=fakes[:5] * 0 + fakes[:5].flip(0)))["drift"] > 50
    half = fakes[:5] - 0.1
    assert build(None)(view(fakes, earlier=half))["drift"] == pytest.approx(100, rel=1e-4)

"""Copying: distances by hand, duplicates, mirrored and shifted copies, the floor."""

import pytest
import torch
from metric_kit import blurred, noise, paintings, view

from artgan_plugins.metrics import copying
from artgan_plugins.metrics.options import CopyingOptions

MEASURE = copying.build(CopyingOptions())
TRAINING = paintings(96)


def plain(*levels):
    """Return pictures of one level each."""
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, 3, 8, 8).contiguous()


def test_levels_by_hand():
    # b of 0, .4, 1 is .4, .4, .6; the fakes are .1 from 0 (a copy), .7 from 1 ... nearer to .4
    found = copying.copy_figures(plain(0.1, 0.35, 0.9), plain(0.0, 0.4, 1.0))
    assert found["copies"] == 1
    assert found["ratio"] == pytest.approx(0.1 / 0.4, rel=1e-4)
    far = copying.copy_figures(plain(0.5), plain(0.0, 0.1, 0.2))
    assert far == pytest.approx(
        {"ratio": 3.0, "copies": 0.0, "shifted-ratio": 3.0, "shifted-copies": 0.0}, rel=1e-4
    )


def test_duplicates_among_the_reals_do_not_hide_a_copy():
    doubled = plain(0.0, 0.0, 0.4, 0.4, 1.0)
    found = copying.copy_figures(plain(0.0, 0.1), doubled)
    assert found["copies"] == 1
    mirrored = torch.cat([TRAINING, TRAINING.flip(-1)])
    assert MEASURE(view(TRAINING[:20], training=mirrored))["copies"] == 1


def test_reals_that_are_all_the_same():
    same = plain(0.4, 0.4, 0.4)
    assert copying.copy_figures(same, same)["copies"] == 1
    other = copying.copy_figures(plain(0.5), same)
    assert other["copies"] == 0
    assert other["ratio"] == pytest.approx(0.1 / (0.5 / 255), rel=1e-3)


def test_copies_plain_mirrored_and_nearly_so_are_found():
    good = MEASURE(view(paintings(first=200), training=TRAINING))
    assert good["ratio"] == pytest.approx(1, abs=0.25)
    assert good["copies"] < 0.7
    reals = TRAINING[:40]
    for copies in (reals, reals.flip(-1), (reals * 250).round() / 255):
        found = MEASURE(view(copies, training=TRAINING))
        assert found["ratio"] < 0.25 * good["ratio"]
        assert found["copies"] == 1
    soft = MEASURE(view(blurred(reals), training=TRAINING))
    assert soft["ratio"] < 0.7 * good["ratio"]
    assert soft["copies"] > good["copies"]


def test_shifted_copies_are_found_where_shifts_are_allowed():
    moved = TRAINING[:40].roll((1, 1), (2, 3)).flip(-1)
    found = MEASURE(view(moved, training=TRAINING))
    assert found["shifted-ratio"] < 0.01
    assert found["shifted-copies"] > 0.95
    assert found["ratio"] > 0.2


def test_noise_is_no_copy():
    found = MEASURE(view(noise(), training=TRAINING))
    assert found["copies"] == found["shifted-copies"] == 0
    assert found["ratio"] > 1.5


def test_pictures_near_the_average_count_as_copies_of_hubs():
    training = noise(96)
    grain = 0.1 * (noise(20) - 0.5).flip(2)
    found = MEASURE(view(training.mean(0, keepdim=True) + grain, training=training))
    assert found["copies"] == 1


def test_a_cross_fade_is_seen_at_midpoints():
    found = MEASURE(view(paintings(first=200), training=TRAINING, midpoints=TRAINING[:20]))
    assert found["midpoint-ratio"] < 0.01
    assert found["midpoint-copies"] == 1
    assert found["copies"] < 1


def test_training_pictures_may_be_smaller():
    large, small = paintings(40, side=64), torch.nn.functional.avg_pool2d(paintings(40, side=64), 2)
    found = MEASURE(view(large, training=small))
    assert found["ratio"] < 0.01
    assert found["copies"] == 1


def test_a_sample_of_the_reals_makes_the_usual_distance():
    few = copying.build(CopyingOptions(sample=10))
    one, other = (m(view(paintings(first=200), training=TRAINING)) for m in (few, MEASURE))
    assert one["copies"] == other["copies"]
    assert one["ratio"] == pytest.approx(other["ratio"], rel=0.5)

import math

import pytest
import torch

from artgan.images import Frame, Frames
from artgan.meter import Meter, distance, features


def film(images):
    return Frames(
        (Frame(image, f"{i}") for i, image in enumerate(images)), (8, 8), 25.0, len(images)
    )


def plain(*levels):
    """Return pictures of one grey each."""
    return [torch.full((3, 8, 8), level) for level in levels]


def measured(images):
    meter = Meter()
    assert len(list(meter.watch(film(images)))) == len(images)
    return meter


def edge(column, size=(32, 48)):
    """Return a picture that is white from a column on."""
    image = torch.zeros(1, *size)
    image[..., column:] = 1
    return image


def test_frames_pass_as_they_are():
    images = plain(0.1, 0.2)
    meter = Meter()
    given = Frames(iter([Frame(images[0], "a", 0.5), Frame(images[1], "b")]), (8, 8), 12.5, 2)
    watched = meter.watch(given)
    assert (watched.size, watched.fps, watched.length, watched.probe) == ((8, 8), 12.5, 2, None)
    assert meter.frames == 0
    seen = list(watched)
    assert [(frame.name, frame.seconds) for frame in seen] == [("a", 0.5), ("b", None)]
    assert all(frame.image is image for frame, image in zip(seen, images, strict=True))
    assert meter.frames == 2


def test_distances_are_unit_levels():
    meter = measured(plain(0.0, 0.1, 0.3, 0.6))
    assert meter.steps == pytest.approx([0.1, 0.2, 0.3], abs=1e-6)
    assert meter.seam == pytest.approx(0.6, abs=1e-6)
    assert meter.seam_ratio == pytest.approx(3.0, abs=1e-4)
    # open: mean 0.2, variance 2/3 of 0.1 squared; closed: 0.1, 0.2, 0.3, 0.6, mean 0.3
    assert meter.pace_variation(closed=False) == pytest.approx(math.sqrt(2 / 3) / 2, abs=1e-4)
    assert meter.pace_variation(closed=True) == pytest.approx(math.sqrt(0.14 / 4) / 0.3, abs=1e-4)


def test_what_overshoots_is_seen_as_it_is_shown():
    assert measured(plain(1.0, 1.5)).steps == [0.0]


def test_equal_steps_of_a_cross_fade_are_even():
    a, b = torch.rand(2, 3, 40, 30, generator=torch.Generator().manual_seed(0))
    there = [torch.lerp(a, b, i / 10) for i in range(10)]
    meter = measured(there + [torch.lerp(b, a, i / 10) for i in range(10)])
    assert meter.pace_variation(closed=True) == pytest.approx(0, abs=1e-5)
    assert meter.seam_ratio == pytest.approx(1, abs=1e-5)


def test_a_moving_edge_is_even_where_its_steps_are():
    even = measured([edge(16 + 2 * i) for i in range(8)])
    assert even.pace_variation(closed=False) == pytest.approx(0, abs=1e-3)
    hasty = measured([edge(16 + 2 * i + (i % 2)) for i in range(8)])  # 3, 1, 3, 1 ... px
    assert hasty.pace_variation(closed=False) > 0.3
    # ever further away, though what it passes has no pixel in common
    steps = [distance(*features(torch.stack([edge(16), edge(16 + k)]))) for k in (1, 2, 4, 8)]
    assert steps == sorted(steps)


def test_rests_are_left_out_if_told():
    meter = measured(plain(0.0, 0.0, 0.2, 0.2, 0.2, 0.4, 0.0))
    assert meter.pace_variation(closed=False, holds=True) == pytest.approx(
        math.sqrt(2 / 9) * 0.2 / (0.8 / 3), abs=1e-4
    )  # 0.2, 0.2, 0.4
    assert meter.pace_variation(closed=False) > 0.9
    assert meter.seam_ratio == 0


@pytest.mark.parametrize(
    ("levels", "seam"), [((), None), ((0.5,), 0.0), ((0.5, 0.5, 0.5), 0.0), ((0.1, 0.2), 0.1)]
)
def test_few_frames_and_stills_have_no_pace(levels, seam):
    meter = measured(plain(*levels))
    assert meter.seam == (None if seam is None else pytest.approx(seam, abs=1e-6))
    assert meter.seam_ratio is None
    assert meter.pace_variation(closed=False, holds=True) is None
    if len(levels) != 2:
        assert meter.pace_variation(closed=True) is None


def test_a_dot_spreads_as_the_two_blurs_say():
    image = torch.zeros(1, 1, 41, 41)
    image[..., 20, 20] = 1
    fine, wide = features(image).view(2, 41, 41)
    for blurred, deviation in ((fine, 1), (wide, 4)):
        assert float(blurred.sum()) == pytest.approx(1, abs=1e-5)
        beside = float(blurred[20, 24] / blurred[20, 20])
        assert beside == pytest.approx(math.exp(-8 / deviation**2) if deviation > 1 else 0)


@pytest.mark.parametrize(
    ("shape", "count"),
    [((2, 1, 8, 6), 2 * 48), ((2, 3, 128, 64), 2 * 3 * 64 * 32), ((1, 4, 5, 7), 2 * 3 * 35)],
)
def test_features_are_small_and_each_picture_is_alone(shape, count):
    images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    seen = features(images)
    assert seen.shape == (shape[0], count)
    assert seen.dtype == torch.float32
    assert torch.equal(features(images[:1])[0], seen[0])


def test_what_is_transparent_is_mid_grey_whatever_its_colour():
    clear = torch.rand(1, 4, 8, 8)
    clear[:, 3] = 0
    torch.testing.assert_close(features(clear), features(torch.full((1, 3, 8, 8), 0.5)))

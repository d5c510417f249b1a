import pytest
import torch
from pydantic import ValidationError
from torch.testing import assert_close

from artgan_plugins.effects.kaleidoscope import build, kaleidoscope, wedge_places
from artgan_plugins.effects.options import KaleidoscopeOptions


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def test_two_wedges_mirror_the_right_half():
    image = noise(1, 3, 7, 10)
    made = kaleidoscope(image, wedges=2)
    assert_close(made[..., 5:], image[..., 5:])
    assert_close(made[..., :5], image[..., 5:].flip(-1))


def test_two_wedges_that_begin_on_the_right_mirror_the_lower_half():
    image = noise(1, 3, 8, 5)
    made = kaleidoscope(image, wedges=2, turn=90)
    assert_close(made[..., 4:, :], image[..., 4:, :])
    assert_close(made[..., :4, :], image[..., 4:, :].flip(-2))


def test_four_wedges_mirror_the_upper_right_quarter():
    image = noise(2, 1, 6, 9)
    made = kaleidoscope(image, wedges=4)
    assert_close(made[..., :3, 5:], image[..., :3, 5:])
    assert_close(made, made.flip(-1))
    assert_close(made, made.flip(-2))


def test_eight_wedges_of_a_square_mirror_at_its_diagonals_too():
    made = kaleidoscope(noise(1, 3, 11, 11), wedges=8)
    for other in (made.flip(-1), made.flip(-2), made.transpose(-1, -2)):
        assert_close(made, other, atol=1e-5, rtol=0)


def test_the_first_wedge_stays_and_places_keep_their_distance():
    # from 60 to 90 degrees clockwise of the top: (x, y) = (10, -3) is at 73
    places = wedge_places((21, 41), wedges=12, turn=60.0)
    assert_close(places[7, 30], torch.tensor([10.0, -3.0], dtype=torch.float64))
    y = torch.arange(-10.0, 11, dtype=torch.float64)[:, None]
    x = torch.arange(-20.0, 21, dtype=torch.float64)
    assert_close(places.norm(dim=-1), torch.hypot(x.expand(21, 41), y))
    angles = torch.rad2deg(torch.atan2(places[..., 0], -places[..., 1]))[y[:, 0] != 0]
    assert float(angles.min()) > 59.999
    assert float(angles.max()) < 90.001


def test_there_is_no_seam():
    x = torch.linspace(0, 1, 96)
    image = (0.5 + 0.5 * torch.sin(7 * x[:, None] + 5 * x))[None, None]
    made = kaleidoscope(image, wedges=14, turn=10)

    def jump(a):
        return max(float(a.diff(dim=d).abs().max()) for d in (-1, -2))

    assert jump(made) < 1.5 * jump(image)  # a turned slope is up to sqrt 2 as steep along a side


def test_beyond_the_rim_the_picture_is_mirrored():
    image = torch.linspace(0, 1, 4).view(1, 1, 4, 1).expand(1, 1, 4, 12).contiguous()
    made = kaleidoscope(image, wedges=4)
    assert float(made.min()) >= 0
    assert float(made.max()) <= 0.5  # the upper half is all that there is


def test_hidden_colours_do_not_bleed_in():
    image = torch.zeros(1, 4, 16, 16)
    image[:, 1] = 1  # what is not seen is green
    image[:, :2, 4:12, 4:12] = torch.tensor([1.0, 0.0]).view(2, 1, 1)
    image[:, 3, 4:12, 4:12] = 1
    made = kaleidoscope(image, wedges=6, turn=17)
    seen = made[:, 3] > 0.02
    assert 0.02 < float(made[:, 3][seen].min()) < 0.5  # there are soft edges, ...
    assert_close(made[:, 0][seen], torch.ones(int(seen.sum())))  # ... all of them red
    assert float(made[:, 1][seen].max()) == 0


def test_one_picture_and_many_are_the_same_bits():
    images = noise(5, 4, 33, 20)
    effect = build(KaleidoscopeOptions(wedges=10, turn=33.3))
    together = effect(images)
    assert all(torch.equal(effect(images[i : i + 1])[0], together[i]) for i in range(5))


@pytest.mark.parametrize("wrong", [{"wedges": 1}, {"wedges": 7}, {"wedges": 34}, {"turn": "nan"}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        KaleidoscopeOptions(**wrong)

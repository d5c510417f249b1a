"""Direction: the swing by hand, on the shell in z and straight in w, and what it refuses."""

import math

import pytest
import torch
from torch.testing import assert_close

from artgan.errors import ConfigError
from artgan.latents import draw
from artgan_plugins.samplers.direction import build
from artgan_plugins.samplers.options import DirectionOptions

AXES = torch.eye(4)[1:]  # three directions


def test_a_swing_by_hand():
    path = build(DirectionOptions(number=1, angle=90), directions=AXES)
    codes = path(torch.tensor([[2.0, 0.0, 0.0, 0.0]]), torch.arange(5) / 4)
    expected = torch.zeros(5, 4)
    expected[:, 0] = torch.tensor([2, 0, 2, 0, 2])
    expected[:, 2] = torch.tensor([0, 2, 0, -2, 0])
    assert_close(codes, expected, atol=1e-6, rtol=0)


def test_in_w_it_goes_straight():
    key = torch.tensor([[[3.0, 0.0], [0.0, 4.0]]])  # 5 long
    directions = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    path = build(DirectionOptions(angle=90), directions=directions, space="w")
    codes = path(key, torch.tensor([0.0, 0.25, 0.75]))
    assert_close(codes[:, 0, 0], 3 + 5 * math.pi / 2 * torch.tensor([0.0, 1.0, -1.0]))
    assert_close(codes[:, 1], key[0, 1].expand(3, 2))


@pytest.mark.parametrize("angle", [10, 45, 180])
def test_never_leaves_the_shell_and_turns_by_its_angle(angle):
    key = draw([4], 64, "sphere")
    directions = torch.linalg.qr(draw(range(3), 64, "gaussian").T)[0].T
    path = build(DirectionOptions(number=2, angle=angle), directions=directions)
    codes = path(key, torch.linspace(0, 1, 101))
    assert_close(codes.norm(dim=-1), torch.full((101,), 8.0))
    assert_close(codes[0], key[0])
    far = torch.cosine_similarity(codes[25], key[0], dim=0)
    assert_close(far, torch.tensor(math.cos(math.radians(angle))), atol=1e-5, rtol=0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_key_along_the_direction_stays_on_the_shell(sign):
    key = torch.tensor([[0.0, 2.0 * sign, 0.0, 0.0]])
    codes = build(DirectionOptions(), directions=AXES)(key, torch.linspace(0, 1, 21))
    assert_close(codes.norm(dim=-1), torch.full((21,), 2.0))


def test_a_zero_key_loses_no_number():
    codes = build(DirectionOptions(), directions=AXES)(torch.zeros(1, 4), torch.linspace(0, 1, 5))
    assert torch.equal(codes, torch.zeros(5, 4))


@pytest.mark.parametrize(("count", "known"), [(3, "0 to 2"), (0, "none")])
def test_a_direction_too_many_is_refused(count, known):
    with pytest.raises(ConfigError) as caught:
        build(DirectionOptions(number=3), directions=AXES[:count])
    assert str(caught.value) == (
        f"direction 3: this network has {count}, expected {known}: set samplers.direction.number"
    )

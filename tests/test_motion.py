"""Where things went: shifts by hand, what stands still, what comes into sight."""

import torch
from torch.nn.functional import interpolate
from torch.testing import assert_close

from artgan.motion import agreement, average, carried, inside, motion


def scene(size=(40, 64), seed=0):
    """Return a smooth picture, wider than what is shown of it."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, size[0] // 4, size[1] // 4, generator=random)
    return interpolate(coarse, size, mode="bicubic").clamp(0, 1)


def window(wide, x, y=4):
    return wide[..., y : y + 32, x : x + 48]


def test_what_stands_still_does_not_move_to_the_bit():
    image = window(scene(), 4)
    flow = motion(image, image)
    assert not flow.any()
    assert torch.equal(carried(image, flow), image)
    assert bool((inside(flow) == 1).all())


def test_a_shift_is_found():
    before, after = window(scene(), 4), window(scene(), 7, 6)  # the window went 3 across, 2 down
    flow = motion(before, after)
    middle = flow[..., 8:-8, 8:-8]
    assert_close(middle[0, 0], torch.full_like(middle[0, 0], 3), atol=0.3, rtol=0)
    assert_close(middle[0, 1], torch.full_like(middle[0, 1], 2), atol=0.3, rtol=0)
    away = (carried(before, flow) - after)[..., 8:-8, 8:-8].abs().mean()
    assert away < 0.2 * (before - after)[..., 8:-8, 8:-8].abs().mean()


def flat_with_marks(x):
    """Return a flat picture with marks in its corners and middle, x px from the left."""
    image = torch.full((1, 3, 64, 96), 0.5)
    for top, left in ((8, 8), (8, 72), (44, 10), (46, 70), (28, 40)):
        image[..., top : top + 10, left + x : left + x + 10] = torch.tensor([0.9, 0.1, 0.2])[
            :, None, None
        ]
    return image


def test_what_is_flat_goes_along_with_all_the_picture():
    flow = motion(flat_with_marks(6), flat_with_marks(3))
    assert_close(flow[0, 0, 20:44, 20:38], torch.full((24, 18), 3.0), atol=0.3, rtol=0)


def test_what_is_flat_stands_still_beside_one_thing_that_moves():
    before, after = (torch.full((1, 3, 64, 96), 0.5) for _ in "ab")
    before[..., 26:36, 40:50] = 0
    after[..., 26:36, 43:53] = 0
    flow = motion(before, after)
    assert not flow[..., :12].any()
    assert not flow[..., -12:].any()


def test_a_picture_is_carried_by_whole_pixels_exactly():
    image = torch.arange(20.0).view(1, 1, 4, 5) / 20
    flow = torch.zeros(1, 2, 4, 5)
    flow[:, 0] = 1
    assert_close(carried(image, flow)[..., :4], image[..., 1:], atol=1e-5, rtol=0)
    assert_close(carried(image, flow)[..., 4], image[..., 4], atol=1e-5, rtol=0)  # the rim goes on


def test_what_was_outside_is_not_inside():
    flow = torch.zeros(1, 2, 4, 5)
    flow[:, 0] = 2
    assert inside(flow)[0, 0, 0].tolist() == [1, 1, 1, 0, 0]


def test_moving_that_explains_nothing_is_left_out():
    noise = torch.rand(2, 1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    assert float((motion(noise[0], noise[1]) != 0).float().mean()) < 0.2


def test_agreement_by_hand():
    one = torch.zeros(1, 3, 9, 9)
    other = one.clone()
    other[:, 0, :, 5:] = 0.1
    values = agreement(one, other, spread=0.1)[0, 0, 4]
    assert values[0] == 1
    assert_close(values[8], torch.tensor(1.0).neg().exp())


def test_means_do_not_count_beyond_the_rim():
    assert_close(average(torch.full((1, 1, 4, 4), 0.3), 3), torch.full((1, 1, 4, 4), 0.3))


def test_any_size_works():
    for size in ((1, 1), (1, 40), (3, 2), (25, 24)):
        one, other = torch.rand(2, 1, 3, *size, generator=torch.Generator().manual_seed(1))
        flow = motion(one, other)
        assert flow.shape == (1, 2, *size)
        assert bool(flow.isfinite().all())

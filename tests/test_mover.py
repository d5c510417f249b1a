"""One frame from the last: what it begins as, how it is held, what counts."""

import torch
from test_motion import scene, window
from torch.testing import assert_close

from artgan.images import Frame
from artgan.mover import Shot, Steady, continued

STILL = window(scene(seed=3), 4)
DRAWN = window(scene(seed=5), 4)
DONE = torch.ones_like(STILL[:, :1])


class Flat:
    """A criterion without an opinion."""

    def evaluate(self, image):
        return {"nothing": 0.0}, torch.zeros_like(image)


def test_where_nothing_changes_a_frame_begins_as_the_last_result_to_the_bit():
    begin, done = continued(DRAWN, STILL, STILL, DONE)
    assert torch.equal(begin, DRAWN)
    assert torch.equal(done, DONE)


def test_what_was_drawn_goes_along_with_what_moves():
    wide, drawn = scene((40, 64), seed=3), scene((40, 64), seed=5)
    begin, done = continued(window(drawn, 2), window(wide, 2), window(wide, 6), DONE)
    inner = slice(6, -10)
    assert (begin - window(drawn, 6))[..., inner].abs().mean() < 0.05
    assert done[..., -3:].max() == 0  # came into sight
    assert done[..., inner].mean() > 0.9


def test_light_that_changes_smoothly_is_taken_over():
    begin, done = continued(DRAWN * 0.8, STILL * 0.8, STILL * 0.8 + 0.03, DONE)
    assert_close((begin - DRAWN * 0.8).mean(), torch.tensor(0.03), atol=0.01, rtol=0)
    assert done.mean() > 0.7


def test_what_is_new_begins_as_the_frame_in_the_colours_nearby():
    before = torch.linspace(0.3, 0.7, 96).expand(1, 3, 64, 96)
    content = before.clone()
    content[..., 28:36, 44:52] = torch.tensor([0.9, 0.1, 0.1])[:, None, None]
    begin, done = continued(before - 0.1, before, content, torch.ones_like(before[:, :1]))
    inner = (..., slice(30, 34), slice(46, 50))
    assert done[inner].max() < 0.1
    expected = torch.tensor([0.8, 0, 0])[:, None, None].expand(3, 4, 4)
    assert_close(begin[inner][0], expected, atol=0.03, rtol=0)


def test_steadiness_by_hand_and_by_its_slope():
    last = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    done = torch.zeros(1, 1, 4, 5)
    done[..., :2] = 1
    steady = Steady(Flat(), last, done, 2.0)
    assert steady.evaluate(last)[0] == {"nothing": 0.0, "steady": 0.0}
    losses, slope = steady.evaluate(last + 0.1)
    variance = last.var((2, 3), correction=0).mean()
    assert_close(losses["steady"], float(2 * 0.4 * 0.01 / variance), rtol=1e-3, atol=0)
    image = (last + 0.1).requires_grad_()
    value = 2.0 * (done * (image - last).square()).mean() / variance
    (expected,) = torch.autograd.grad(value, image)
    assert_close(slope, expected, rtol=1e-3, atol=1e-7)


def test_alpha_and_mask_count_together():
    half, third = torch.full_like(DONE, 0.5), torch.full_like(DONE, 0.3)
    frame = Frame(STILL[0], "")
    assert Shot(frame, STILL).counts is None
    assert Shot(frame, STILL, half).counts is half
    assert Shot(frame, STILL, None, third).counts is third
    assert_close(Shot(frame, STILL, half, third).counts, half * third)

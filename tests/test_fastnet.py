"""The networks of fast styles."""

import pytest
import torch
from torch.testing import assert_close

from artgan.fastnet import FastNet, Shape, Stage, stage_of

SHAPE = Shape(width=8, detail=4, blocks=1)
HALF = torch.tensor([0.5])


def net(stages=2, seed=0):
    torch.manual_seed(seed)
    made = FastNet(stages, SHAPE)
    with torch.no_grad():  # what begins as zero would hide what it is for
        for parameter in made.parameters():
            if parameter.ndim == 3:
                parameter.add_(0.5 * torch.randn(parameter.shape))
    return made.eval().requires_grad_(False)


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (40, 65), (130, 90), (16, 300)])
def test_pictures_of_any_size_keep_it_and_stay_in_range(size):
    drawn = net().redraw(torch.rand(1, 3, *size), HALF, seed=0)
    assert drawn.shape == (1, 3, *size)
    assert float(drawn.min()) >= 0
    assert float(drawn.max()) <= 1


def test_a_new_network_changes_next_to_nothing():
    torch.manual_seed(0)
    stage = Stage(SHAPE)
    content = torch.rand(1, 3, 32, 32)
    drawn = stage(content, content, torch.randn(1, 1, 32, 32), HALF)
    assert 0 < float((drawn - content).detach().abs().mean()) < 0.05


def test_strength_and_seed_matter_and_nothing_else_is_random():
    made, content = net(), torch.rand(1, 3, 40, 64)
    drawn = made.redraw(content, HALF, seed=0)
    assert torch.equal(drawn, made.redraw(content, HALF, seed=0))
    assert not torch.equal(drawn, made.redraw(content, HALF, seed=1))
    assert float((drawn - made.redraw(content, torch.tensor([0.9]), seed=0)).abs().mean()) > 1e-3


def test_each_picture_is_drawn_as_if_it_were_alone():
    made, contents = net(), torch.rand(2, 3, 40, 64)
    strengths = torch.tensor([0.2, 0.9])
    both = made.redraw(contents, strengths, seed=0)
    for number in range(2):
        alone = made.redraw(contents[number : number + 1], strengths[number : number + 1], seed=0)
        assert_close(both[number : number + 1], alone, atol=1e-4, rtol=0)


def test_it_stops_before_a_size_at_that_size():
    made, content = net(3), torch.rand(1, 3, 160, 256)
    assert made.redraw(content, HALF, seed=0, until=0).shape == (1, 3, 40, 64)
    assert made.redraw(content, HALF, seed=0, until=1).shape == (1, 3, 80, 128)


def test_the_last_network_draws_what_is_larger():
    assert [stage_of((40, edge), 2) for edge in (64, 128, 512)] == [0, 1, 1]
    assert net(1).redraw(torch.rand(1, 3, 200, 256), HALF, seed=0).shape == (1, 3, 200, 256)

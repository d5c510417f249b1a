import pytest
import torch
from torch.testing import assert_close

from artgan.redraw import BUDGETS, budgets, level_sizes, optimise

GOAL = torch.full((1, 3, 8, 8), 0.25)


def distance(image):
    return {"distance": float((image - GOAL).square().mean())}, 2 * (image - GOAL) / image.numel()


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_a_picture_goes_where_its_loss_is_lowest(method):
    result = optimise(torch.full_like(GOAL, 0.8), distance, evaluations=80, method=method)
    assert_close(result, GOAL, atol=0.01, rtol=0)


def test_losses_however_small_are_followed():
    def faint(image):
        away = image - 0.25
        return {"faint": 1e-4 * float(away.square().mean())}, 2e-4 * away / image.numel()

    result = optimise(torch.full((1, 3, 64, 64), 0.8), faint, evaluations=40)
    assert_close(result, torch.full_like(result, 0.25), atol=0.02, rtol=0)


def test_it_is_told_and_asked_as_often_as_it_may():
    told = []
    optimise(
        torch.rand(1, 3, 8, 8),
        distance,
        evaluations=7,
        method="adam",
        told=lambda done, losses: told.append((done, set(losses))),
    )
    assert told == [(i + 1, {"distance"}) for i in range(7)]


def test_black_and_white_can_be_left():
    result = optimise(torch.zeros_like(GOAL), distance, evaluations=60)
    assert_close(result, GOAL, atol=0.01, rtol=0)


def test_sizes_double_from_coarse_to_fine():
    assert level_sizes((320, 512), shortest=16) == [(40, 64), (80, 128), (160, 256), (320, 512)]
    assert level_sizes((100, 100), shortest=16) == [(100, 100)]
    assert level_sizes((20, 1000), shortest=16) == [(20, 1000)]
    assert level_sizes((64, 1024), shortest=16) == [(16, 256), (32, 512), (64, 1024)]


def test_budgets_lie_at_the_bottom():
    assert budgets(3) == list(BUDGETS[:3])
    assert budgets(8)[-3:] == [BUDGETS[-1]] * 3
    assert budgets(2, effort=0.5) == [round(count / 2) for count in BUDGETS[:2]]
    assert budgets(6, effort=1e-9) == [1] * 6


def test_where_nothing_is_to_be_gained_it_stays():
    def flat(image):
        return {"none": 0.0}, torch.zeros_like(image)

    assert_close(optimise(GOAL, flat, evaluations=5), GOAL)


def test_the_best_that_was_tried_is_returned_not_the_last():
    def broken(image):
        losses, slope = distance(image)
        far = losses["distance"] < 0.05
        return {"broken": float("nan") if far else losses["distance"]}, slope

    result = optimise(torch.full_like(GOAL, 0.8), broken, evaluations=30)
    assert bool(result.isfinite().all())
    assert float((result - GOAL).square().mean()) <= 0.31

import torch
from torch.testing import assert_close

from artgan.toning import (
    colours_of,
    keep_colours,
    match_colours,
    mean_colours,
    resize,
    size_within,
)


def picture(seed, spread=0.08):
    random = torch.Generator().manual_seed(seed)
    mix = torch.rand(3, 3, generator=random) - 0.5
    noise = torch.randn(1, 3, 40, 40, generator=random)
    return (0.5 + spread * torch.einsum("dc,nchw->ndhw", mix, noise)).clamp(0, 1)


def test_colours_of_two_halves():
    image = torch.cat([torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)], 3)
    mean, covariance = colours_of(image)
    assert_close(mean, torch.full((3,), 0.5).double())
    assert_close(covariance, torch.full((3, 3), 0.25).double(), atol=2e-5, rtol=0)


def test_only_what_the_mask_shows_counts():
    image = torch.cat([torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)], 3)
    mean, _ = colours_of(image, image[:, :1])
    assert_close(mean, torch.ones(3).double())


def test_a_matched_picture_has_the_colours_of_the_other():
    ours, theirs = picture(0), picture(1)
    mean, covariance = colours_of(match_colours(ours, colours_of(theirs)))
    assert_close(mean, colours_of(theirs)[0], atol=1e-3, rtol=0)
    assert_close(covariance, colours_of(theirs)[1], atol=1e-4, rtol=0)


def test_own_colours_change_nothing():
    ours = picture(0)
    assert_close(match_colours(ours, colours_of(ours)), ours, atol=1e-5, rtol=0)
    assert match_colours(ours, colours_of(picture(1)), share=0) is ours


def test_half_the_way_is_half_way():
    ours, goal = picture(0), colours_of(picture(1))
    half = match_colours(ours, goal, share=0.5)
    assert_close(half, (ours + match_colours(ours, goal)) / 2, atol=1e-5, rtol=0)


def test_a_flat_picture_takes_the_mean():
    flat = torch.full((1, 3, 4, 4), 0.3)
    matched = match_colours(flat, colours_of(picture(1)))
    assert_close(matched.mean((0, 2, 3)).double(), colours_of(picture(1))[0], atol=1e-3, rtol=0)


def test_colours_of_both_together():
    one, other = picture(0), picture(1)
    both = colours_of(torch.cat([one, other], 3))
    mean, covariance = mean_colours([(colours_of(one), 0.5), (colours_of(other), 0.5)])
    assert_close(mean, both[0])
    assert_close(covariance, both[1])


def test_kept_colours_change_light_alone():
    drawn, original = picture(0), picture(1)
    kept = keep_colours(drawn, original)
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    assert_close((kept * luma).sum(1), (drawn * luma).sum(1), atol=1e-4, rtol=0)
    assert_close(keep_colours(original, original), original, atol=1e-4, rtol=0)


def test_sizes():
    assert size_within((640, 1024), 512) == (320, 512)
    assert size_within((64, 32), 512) == (64, 32)
    assert size_within((64, 32), 128, enlarge=True) == (128, 64)
    assert size_within((1, 12000), 512) == (1, 512)
    image = picture(0)
    assert resize(image, (40, 40)) is image
    assert resize(image, (7, 9)).shape == (1, 3, 7, 9)

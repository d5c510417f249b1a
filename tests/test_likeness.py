"""Style, edges, fine and copied: their values where they are known."""

import pytest
import torch
from likeness_kit import picture

from artgan.likeness import (
    JUDGED,
    SMALLEST,
    Target,
    at_edge,
    copied,
    edge_correlation,
    fine_energy,
    judged_size,
    patch_quantiles,
    patch_swd,
    scores,
)

CONTENT, STYLE = picture(0), picture(1)


def grained(seed, size=(96, 128)):
    return at_edge(picture(seed, size, grain=0.3))


def test_pictures_are_judged_at_one_long_edge_and_never_too_narrow():
    assert judged_size((1000, 2000)) == (JUDGED // 2, JUDGED)
    assert judged_size((2, 2000)) == (SMALLEST, JUDGED)
    assert at_edge(torch.rand(1, 3, 1, 1)).shape == (1, 3, JUDGED, JUDGED)


# Patches


def test_patches_are_as_different_from_their_own_as_nothing():
    one, other = patch_quantiles(at_edge(CONTENT)), patch_quantiles(at_edge(STYLE))
    assert one.shape == (4, 256, 512)
    assert patch_swd(one, one) == 0
    assert patch_swd(one, other) == patch_swd(other, one) > 0


def test_patches_of_flat_pictures_differ_by_the_mean_sum_of_a_filter():
    dark, light = (torch.full((1, 3, 56, 56), value) for value in (0.25, 0.75))
    quantiles = [patch_quantiles(image) for image in (dark, light)]
    assert patch_swd(*quantiles) == pytest.approx(2 * float(quantiles[1].abs().mean()), rel=1e-4)
    assert float((quantiles[0] + quantiles[1]).abs().max()) < 1e-5


def test_where_patches_are_does_not_matter():
    image = at_edge(STYLE)
    turned = patch_swd(patch_quantiles(image), patch_quantiles(image.roll(64, 3)))
    assert turned < 0.25 * patch_swd(patch_quantiles(image), patch_quantiles(at_edge(CONTENT)))


# Edges


def test_edges_correlate_with_themselves_also_when_lighter():
    image = at_edge(CONTENT)
    assert edge_correlation(image, image) == pytest.approx(1)
    assert edge_correlation(image, image * 0.5 + 0.3) == pytest.approx(1, abs=1e-6)
    assert abs(edge_correlation(image, at_edge(STYLE))) < 0.3


def test_flat_pictures_have_the_edges_of_each_other_only():
    flat, other = torch.full((1, 3, 56, 56), 0.5), torch.rand(1, 3, 56, 56)
    assert edge_correlation(flat, flat * 0.5) == 1
    assert edge_correlation(flat, other) == edge_correlation(other, flat) == 0


# Fine


def test_fine_energy_of_a_checkerboard_is_that_of_its_deviation():
    """Inside, the 3x3 mean is 5/9 or 4/9, and either pixel is 4/9 away from it."""
    rows, columns = torch.meshgrid(torch.arange(90), torch.arange(90), indexing="ij")
    board = ((rows + columns) % 2).float().expand(1, 3, 90, 90)
    assert fine_energy(board) == pytest.approx((4 / 9) ** 2, rel=0.05)
    assert fine_energy(torch.ones(1, 3, 8, 8)) == 0


# Copies


def test_the_style_is_a_copy_of_itself_and_half_of_it_is_half_a_copy():
    style, other = grained(1), grained(0)
    assert copied(style, style) > 0.95
    assert copied(style.roll((48, 96), (2, 3)), style) > 0.8
    assert copied(0.7 * style + 0.1, style) > 0.95
    assert copied(other, style) < 0.1
    half = other.clone()
    half[..., :192] = style[..., :192]
    assert copied(half, style) == pytest.approx(0.5, abs=0.1)


def test_what_looks_alike_everywhere_is_not_copied():
    flat = torch.full((1, 3, 288, 384), 0.5)
    stripes = (torch.arange(384) // 12 % 2).float().expand(1, 3, 288, 384)
    assert copied(flat, flat) == copied(grained(0), flat) == copied(flat, grained(0)) == 0
    assert copied(stripes, stripes) < 0.1
    faint = flat + 0.005 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(0))
    assert copied(faint, faint) == 0


def test_narrow_pictures_may_be_copied_too():
    narrow = at_edge(picture(1, (4, 96), grain=0.3))
    assert copied(narrow, narrow) > 0.9


# Together


def test_the_content_itself_is_as_far_as_it_is_and_the_style_is_near():
    target = Target(STYLE)
    own = scores(CONTENT, CONTENT, target)
    assert own["style"] == own["edges"] == pytest.approx(1)
    assert own["fine"] == pytest.approx(fine_energy(at_edge(CONTENT)) / target.energy)
    found = scores(STYLE, CONTENT, target)
    assert found["style"] < 0.02
    assert found["fine"] == pytest.approx(1, rel=0.01)
    assert found["edges"] < 0.5


def test_noise_is_fine():
    target = Target(STYLE)
    random = torch.rand(1, 3, 56, 384, generator=torch.Generator().manual_seed(0))
    noisy = (0.7 * at_edge(STYLE) + 0.3 * random).clamp(0, 1)
    assert scores(noisy, CONTENT, target)["fine"] > 3


def test_sizes_do_not_matter_and_flat_pictures_are_no_trouble():
    target = Target(torch.full((1, 3, 2, 9), 0.5))
    found = scores(torch.rand(1, 3, 8, 30), torch.full((1, 3, 16, 64), 0.5), target)
    assert set(found) == {"style", "edges", "fine"}
    assert all(value == value for value in found.values())

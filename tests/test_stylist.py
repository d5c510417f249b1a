"""One picture redrawn, at toy size."""

import pytest
import torch
from torch.testing import assert_close

from artgan.errors import ConfigError
from artgan.registry import registry
from artgan.stylist import Recipe, Style, Stylist, WeighedLoss, content_factor

SMALL = {"extractors": {"patch-kmeans": {"widths": (6, 8, 8), "patches": 200, "rounds": 2}}}
WEIGHTS = {"content": 0.6, "gram": 1.0, "total-variation": 1.0}


def picture(seed, size=(40, 56)):
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 5, 7, generator=random)
    fine = torch.rand(1, 3, *size, generator=random)
    large = torch.nn.functional.interpolate(coarse, size, mode="bicubic")
    return (0.8 * large + 0.2 * fine).clamp(0, 1)


def stylist(weights=WEIGHTS, tables=SMALL, **settings):
    components = registry()
    losses = tuple(
        WeighedLoss(*components.configure("losses", name, tables), weight)
        for name, weight in weights.items()
    )
    entry, options = components.configure("extractors", "patch-kmeans", tables)
    recipe = Recipe(entry, options, losses, **{"effort": 0.2, **settings})
    return Stylist(recipe, components)


def gram_distance(image, style):
    from artgan_plugins.losses.gram import gram_matrix, relative_distance

    def colours(x):
        return gram_matrix(torch.nn.functional.unfold(x, 3).unsqueeze(-1))

    return float(relative_distance(colours(image), colours(style)))


CONTENT, STYLE = picture(0), picture(1, (64, 64))


def test_a_picture_comes_nearer_to_the_style_and_keeps_its_size():
    drawn = stylist().redraw(CONTENT, [Style(STYLE)])
    assert drawn.shape == CONTENT.shape
    assert float(drawn.min()) >= 0
    assert float(drawn.max()) <= 1
    assert gram_distance(drawn, STYLE) < 0.5 * gram_distance(CONTENT, STYLE)


def test_the_same_seed_gives_the_same_bits():
    first = stylist(seed=0).redraw(CONTENT, [Style(STYLE)])
    assert torch.equal(first, stylist(seed=0).redraw(CONTENT, [Style(STYLE)]))
    assert not torch.equal(first, stylist(seed=1).redraw(CONTENT, [Style(STYLE)]))


def test_more_strength_changes_more():
    away = [
        float((stylist(strength=s).redraw(CONTENT, [Style(STYLE)]) - CONTENT).square().mean())
        for s in (0.0, 0.25, 0.75)
    ]
    assert away[0] == 0
    assert away[0] < away[1] < away[2]


@pytest.mark.parametrize(
    "settings",
    [
        {"start": "noise"},
        {"start": "style"},
        {"method": "adam"},
        {"guide": False},
        {"match": False},
        {"stroke": 2.0},
        {"stroke": 0.3},
    ],
)
def test_each_way_of_working_gives_another_sound_picture(settings):
    usual = stylist().redraw(CONTENT, [Style(STYLE)])
    drawn = stylist(**settings).redraw(CONTENT, [Style(STYLE)])
    assert bool(drawn.isfinite().all())
    assert not torch.equal(drawn, usual)


def test_kept_colours_have_the_chroma_of_the_picture():
    drawn = stylist(keep=True).redraw(CONTENT, [Style(1 - STYLE)])
    blue = drawn[:, 2] - drawn.mean(1)
    own = CONTENT[:, 2] - CONTENT.mean(1)
    assert torch.corrcoef(torch.stack([blue.flatten(), own.flatten()]))[0, 1] > 0.8


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (9, 5), (17, 33)])
def test_any_size_works(size):
    image = torch.full((1, 3, *size), 0.3)
    drawn = stylist().redraw(image, [Style(STYLE)])
    assert drawn.shape == image.shape
    assert bool(drawn.isfinite().all())


def test_styles_of_any_size_and_the_picture_itself_work():
    for style in (torch.rand(1, 3, 1, 1), picture(3, (9, 200)), CONTENT):
        drawn = stylist().redraw(CONTENT, [Style(style)])
        assert bool(drawn.isfinite().all())


def test_two_styles_are_between_the_two():
    other = picture(2, (64, 64)).pow(2)
    whole = stylist().redraw(CONTENT, [Style(other)])
    both = stylist().redraw(CONTENT, [Style(STYLE, share=1.0), Style(other, share=1.0)])
    means = [float(stylist().redraw(CONTENT, [Style(STYLE)]).mean()), float(whole.mean())]
    assert min(means) < float(both.mean()) < max(means)


def test_a_mask_puts_a_style_where_it_is_wanted():
    left = torch.zeros(1, 1, 40, 56)
    left[..., :28] = 1
    dark, bright = Style(STYLE * 0.2, mask=left), Style(1 - STYLE * 0.2, mask=1 - left)
    drawn = stylist({"gram": 1.0}, match=False, start="noise").redraw(CONTENT, [dark, bright])
    assert drawn[..., :20].mean() + 0.2 < drawn[..., 36:].mean()


def test_transparent_parts_do_not_matter_to_the_colours():
    alpha = torch.ones(1, 1, 40, 56)
    alpha[..., 28:] = 0
    hidden = CONTENT.clone()
    hidden[..., 28:] = 1.0
    drawn = stylist().redraw(hidden, [Style(STYLE)], alpha=alpha)
    goal = STYLE.mean((2, 3))
    assert_close(drawn[..., :24].mean((2, 3)), goal, atol=0.12, rtol=0)


def test_it_says_how_far_it_is():
    told = []
    stylist().redraw(
        CONTENT, [Style(STYLE)], told=lambda done, total, losses: told.append((done, total, losses))
    )
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][0] <= told[-1][1] + 5  # a line search may ask some times more
    assert set(told[-1][2]) == set(WEIGHTS)


def test_layers_that_do_not_exist_are_refused():
    tables = {**SMALL, "losses": {"gram": {"layers": ("stage9",)}}}
    with pytest.raises(ConfigError) as caught:
        stylist(tables=tables).check()
    assert str(caught.value) == (
        "losses.gram.layers names 'stage9', which 'artgan:patch-kmeans' does not have: "
        "did you mean 'stage3'? known: stage1, stage2, stage3"
    )


def test_strength_weighs_content_by_powers_of_ten():
    assert content_factor(0.5) == 1.0
    assert content_factor(1.0) == pytest.approx(0.1)
    assert content_factor(0.0) == pytest.approx(10.0)

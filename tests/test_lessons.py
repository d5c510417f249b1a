"""Losses of many pictures at once are those of each alone."""

import pytest
import torch
from torch.testing import assert_close

from artgan.criterion import Criterion, Region
from artgan.guides import guides
from artgan.lessons import Lesson
from artgan.registry import registry
from artgan.stylist import Recipe, Style, Stylist, WeighedLoss

TABLES = {"extractors": {"patch-kmeans": {"widths": (6, 8), "patches": 100, "rounds": 1}}}
CONTENTS, DRAWN, STYLE = (
    torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(count))
    for count in (2, 3, 1)
)
DRAWN = DRAWN[:2]


def stylist(guide=True):
    components = registry()
    losses = tuple(
        WeighedLoss(*components.configure("losses", name, TABLES), weight)
        for name, weight in {"content": 0.6, "gram": 1.0, "total-variation": 2.0}.items()
    )
    extractor = components.configure("extractors", "patch-kmeans", TABLES)
    return Stylist(Recipe(*extractor, losses, guide=guide), components)


@pytest.mark.parametrize("guide", [True, False])
def test_they_are_what_each_picture_is_optimised_by(guide):
    criterion, wanted = stylist(guide).lesson([CONTENTS[:1]], [Style(STYLE)], 32)
    masks = [guides(content[None]) if guide else [None] for content in CONTENTS]
    together = [
        None if masks[0][place] is None else torch.cat([each[place] for each in masks])
        for place in range(len(wanted))
    ]
    found = Lesson(criterion, wanted).losses(DRAWN, CONTENTS, together, torch.ones(2))
    alone: dict = {}
    for content, drawn, places in zip(CONTENTS, DRAWN, masks, strict=True):
        own = Criterion(criterion.extractor, criterion.parts)
        own.content = own.targets(content[None], "content")
        own.regions = [Region(t, m) for t, m in zip(wanted, places, strict=True)]
        for name, value in own.evaluate(drawn[None])[0].items():
            alone[name] = alone.get(name, 0) + value / 2
    assert_close({name: float(value) for name, value in found.items()}, alone, rtol=1e-4, atol=1e-5)


def test_factors_weigh_the_content_of_each_picture():
    criterion, wanted = stylist(False).lesson([CONTENTS[:1]], [Style(STYLE)], 32)
    lesson = Lesson(criterion, wanted)
    plain, first, none = (
        lesson.losses(DRAWN, CONTENTS, [None], torch.tensor(factors))
        for factors in ((1.0, 1.0), (2.0, 0.0), (0.0, 0.0))
    )
    only = lesson.losses(DRAWN[:1], CONTENTS[:1], [None], torch.ones(1))
    assert_close(first["content"], only["content"])
    assert float(none["content"]) == 0
    assert float(plain["gram"]) == float(none["gram"]) > 0


def test_a_gradient_reaches_what_was_drawn():
    criterion, wanted = stylist(False).lesson([CONTENTS[:1]], [Style(STYLE)], 32)
    drawn = DRAWN.clone().requires_grad_()
    losses = Lesson(criterion, wanted).losses(drawn, CONTENTS, [None], torch.ones(2))
    torch.stack(list(losses.values())).sum().backward()
    assert bool((drawn.grad.abs().sum((1, 2, 3)) > 0).all())

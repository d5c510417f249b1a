"""Sets to measure, and metrics asked: halves, alpha, what a metric may not return."""

import dataclasses

import pytest
import torch
from metric_kit import paintings
from torch.testing import assert_close

from artgan.api import ComponentError, ConfigError, ImageError, Metric, PluginError, View
from artgan.images import to_bytes
from artgan.measuring import (
    Figure,
    Meter,
    build_meters,
    default_metrics,
    evaluate,
    halves,
    load_reals,
    measure,
    quantised,
    split_reals,
    training_numbers,
    training_reals,
)
from artgan.plugins import Entry, Plugin
from artgan.registry import Registry

REGISTRY = Registry(entry_points=())
PICTURES = to_bytes(paintings(20))


# Sets


@pytest.mark.parametrize(("total", "count", "each"), [(20, 1024, 10), (21, 8, 8), (4, 1, 2)])
def test_halves_share_nothing(total, count, each):
    first, second = halves(total, count)
    assert len(first) == len(second) == each
    assert len({*first, *second}) == 2 * each
    assert halves(total, count) == (first, second)
    assert {*first, *second} <= set(range(total))


def test_another_seed_splits_otherwise():
    assert halves(20, 10, seed=1) != halves(20, 10)


def test_fewer_than_four_cannot_be_split():
    with pytest.raises(ImageError) as caught:
        split_reals(PICTURES[:3], 10)
    assert str(caught.value) == (
        "3 pictures cannot be split into two halves to measure by: expected at least 4"
    )


def test_only_what_is_needed_is_read():
    read = []

    class Counting:
        def __len__(self):
            return 1000

        def batch(self, numbers):
            read.extend(numbers)
            return PICTURES[[n % 20 for n in numbers]]

    found = split_reals(Counting(), 6)
    assert read == [*found.numbers[0], *found.numbers[1]]
    assert found.reals.shape == found.others.shape == (6, 3, 32, 32)


def test_training_pictures_are_evenly_picked_and_averaged():
    assert training_numbers(10, 4) == [0, 2, 5, 7]
    assert training_numbers(3) == [0, 1, 2]
    large = to_bytes(paintings(4, side=128))
    found = training_reals(large, 2)
    assert found.shape == (2, 3, 32, 32)
    assert_close(found[1], torch.nn.functional.avg_pool2d(large[2] / 255, 4))
    assert training_reals(large[..., :96, :]).shape == (4, 3, 48, 64)
    assert training_reals(PICTURES).shape == PICTURES.shape


def test_a_floor_has_other_reals_that_are_not_among_what_to_copy():
    reals = load_reals(PICTURES, 6)
    assert len(reals) == 6
    floor = reals.floor()
    assert torch.equal(floor.fakes, PICTURES[reals.halves.numbers[1]] / 255)
    assert floor.training.shape[0] == 14
    kept = {picture.numpy().tobytes() for picture in to_bytes(floor.training)}
    assert not kept & {picture.numpy().tobytes() for picture in to_bytes(floor.fakes)}
    view = reals.view(paintings(3, first=50))
    assert torch.equal(view.reals, floor.reals)
    assert view.training.shape[0] == 20
    assert load_reals(PICTURES, 6, training=0).floor().training is None


def test_alpha_is_laid_on_white_and_values_are_bytes():
    picture = torch.tensor([0.5, 0.2, 0.0, 0.5]).view(1, 4, 1, 1)
    seen = quantised(picture)
    assert seen.shape == (1, 3, 1, 1)
    assert_close(seen * 255, (seen * 255).round())
    expected = torch.tensor([0.75, 0.6, 0.5]).view(1, 3, 1, 1)
    assert_close(seen, expected, atol=1 / 255, rtol=0)
    clear = torch.rand(1, 4, 2, 2)
    clear[:, 3] = 0
    assert torch.equal(quantised(clear), torch.ones(1, 3, 2, 2))
    assert torch.equal(quantised(torch.tensor([[[[1.7]]]])), torch.ones(1, 1, 1, 1))


# Metrics


def meter(found, **record):
    """Return a metric of a stranger that returns what is given."""
    record = Metric("odd", "m:f", figures=(("a", "low"),), **record)
    return Meter(Entry(record, Plugin("strange", "strange", "1.0")), lambda view: found)


VIEW = View(paintings(4), paintings(4))


def test_figures_are_named_after_their_metric():
    assert measure([meter({"a": 1, "b": 2.5})], VIEW) == {"odd/a": 1.0, "odd/b": 2.5}


def test_what_needs_more_than_there_is_is_left_out():
    odd = meter({"a": 1}, needs=("training", "earlier"))
    assert odd.lacks(VIEW) == ["training", "earlier"]
    assert odd.lacks(dataclasses.replace(VIEW, earlier=VIEW.fakes)) == ["training"]
    assert measure([odd], VIEW) == {}


def test_a_figure_stands_beside_its_floor():
    found = evaluate([meter({"a": 3.0})], VIEW, VIEW)
    assert found == {"odd/a": Figure(3.0, 3.0, "low")}
    assert evaluate([meter({"a": 3.0}, floor=False)], VIEW, VIEW)["odd/a"].floor is None
    assert evaluate([meter({"a": 3.0})], VIEW)["odd/a"].floor is None


def test_further_figures_go_the_way_of_the_one_they_are_called_after():
    record = Metric("m", "m:f", figures=(("ms", "low"), ("ms-reals", ""), ("ratio", "high")))
    odd = Meter(Entry(record, Plugin("strange", "strange", "1.0")), lambda view: {})
    ways = {name: odd.better(name) for name in ("ms", "ms-32", "ms-reals", "mid-ratio", "msx")}
    assert ways == {"ms": "low", "ms-32": "low", "ms-reals": "", "mid-ratio": "high", "msx": ""}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([1.0], "returned a list, expected figures by name"),
        ({"b": 1.0}, "returned no 'a', which its record promises"),
        ({"a": float("nan")}, "returned nan for 'a', expected a number"),
    ],
)
def test_a_metric_that_breaks_its_promise_is_named(found, message):
    with pytest.raises(PluginError) as caught:
        measure([meter(found)], VIEW)
    assert str(caught.value) == f"metric 'strange:odd' {message}"


def test_a_metric_that_fails_is_named():
    failing = dataclasses.replace(meter({}), measure=lambda view: view.nothing)
    with pytest.raises(PluginError, match="^metric 'strange:odd' failed: AttributeError: "):
        measure([failing], VIEW)


def test_metrics_are_built_once_each_with_their_options():
    tables = {"metrics": {"swd": {"patches": 2}}}
    built = build_meters(["swd", "coverage", "swd"], REGISTRY, tables)
    assert [one.name for one in built] == ["swd", "coverage"]
    assert built[0].enough == 0
    with pytest.raises(ComponentError, match="no metric 'swdd': did you mean 'swd'"):
        build_meters(["swdd"], REGISTRY, {})
    with pytest.raises(ConfigError, match=r"metrics\.swd\.patches is 0: expected"):
        build_meters(["swd"], REGISTRY, {"metrics": {"swd": {"patches": 0}}})


def test_what_needs_an_extra_package_is_not_measured_unasked():
    names = default_metrics(REGISTRY)
    assert names == ["swd", "coverage", "diversity", "copying", "drift", "spectrum"]

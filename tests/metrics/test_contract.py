"""The contract test of metrics finds what it is there to find, and says it."""

import dataclasses

import pytest
import torch

from artgan.api import ConfigError, Metric
from artgan.testing import ContractError, metrics

RECORD = Metric("grey", "m:f", summary="s", figures=(("off", "low"),))


def off(view):
    """Return how much brighter or darker fakes are."""
    return {"off": float((view.fakes.mean() - view.reals.mean()).abs())}


def complaint(measure, **record):
    with pytest.raises(ContractError) as caught:
        metrics.check(dataclasses.replace(RECORD, **record), lambda: measure, "it")
    return str(caught.value)


def changing(view):
    view.fakes.clamp_(max=0.3)
    return off(view)


def chancy(view):
    return {"off": off(view)["off"] + 1e-6 * float(torch.rand(()))}


def dividing(view):
    return {"off": float((view.fakes.mean() - view.reals.mean()).abs() / view.reals.std())}


def training(view):
    return {"off": float(view.training.mean())}


def test_a_good_metric_passes():
    metrics.check(RECORD, lambda: off, "it")


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (3, "its target returned a int, expected a function of a view"),
        (lambda view: 1.0, "it returned a float, expected figures by name"),
        (lambda view: {"on": 1.0}, "figures ['off'] are missing, which its record promises"),
        (lambda view: {"off": torch.ones(())}, "'off' is tensor(1.), expected a finite number"),
        (dividing, "all of them white: 'off' is nan, expected a finite number"),
        (changing, "it changed the fakes, expected a pure function"),
        (chancy, "the same view gave {'off': "),
        (lambda view: {"off": -off(view)["off"]}, "but its record says that low is better"),
    ],
)
def test_a_broken_metric_is_found(measure, message):
    assert message in complaint(measure)


def test_records_that_say_nothing_are_found():
    assert complaint(off, figures=()) == "it: its record has no figures"
    assert "'off' is better 'up', expected 'low', 'high' or ''" in complaint(
        off, figures=(("off", "up"),)
    )
    assert "it needs ['codes'], expected some of" in complaint(off, needs=("codes",))


def test_a_view_holds_what_the_record_asks_for_and_no_more():
    with pytest.raises(AttributeError):
        metrics.check(RECORD, lambda: training, "it")
    assert "of copies of the reals" in complaint(training, needs=("training",))


def test_only_one_with_an_extra_may_refuse():
    def refuse():
        raise ConfigError("not installed")

    metrics.check(dataclasses.replace(RECORD, extra="some"), refuse, "it")
    with pytest.raises(ContractError, match=r"refused \(not installed\), but it has no extra"):
        metrics.check(RECORD, refuse, "it")

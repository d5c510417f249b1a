"""Wrong components that look right, a kind after the other, and what the contract tests say."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest
import torch
from helpers import plugin_source
from safetensors.torch import load_file
from test_testing import POLICY, Gif, Steady, complaint, over
from torch.nn.functional import softplus

from artgan.api import (
    Action,
    Adversarial,
    Augmentation,
    Callback,
    Metric,
    Objective,
    Sampler,
    Term,
    Writer,
)
from artgan.testing import (
    augmentations,
    callbacks,
    check_component,
    isolated_registry,
    metrics,
    objectives,
    policies,
    samplers,
    writers,
)
from artgan.testing.expect import ContractError

# Metrics


def gap(reals, fakes):
    return abs(float(reals.mean() - fakes.mean())) + abs(float(reals.std() - fakes.std()))


class Caching:
    """It compares everything with the first reals of a size that it saw."""

    def __init__(self):
        self.seen = {}

    def __call__(self, view):
        return {"gap": gap(self.seen.setdefault(view.reals.shape, view.reals), view.fakes)}


def nearest_copy(view):
    apart = (view.fakes[:, None] - view.training[None]).square().mean((2, 3, 4))
    return {"near": float(apart.amin(1).mean())}


GAP = Metric("m", "m:f", figures=(("gap", "low"), ("count", "")))


def good_metric(view):
    return {"gap": gap(view.reals, view.fakes), "count": 1.0, "gap-2": 0.0, "half-gap": 0.0}


def test_a_good_metric_passes():
    chosen = dataclasses.replace(GAP, score=("gap",), veto=(("gap", 0.5),))
    metrics.check(chosen, lambda: good_metric, "it")


@pytest.mark.parametrize(
    ("said", "build", "message"),
    [
        ({"score": ("nope",)}, lambda: good_metric, "it: its score names 'nope', expected figures"),
        ({"score": ("count",)}, lambda: good_metric, "it: its score names 'count', expected figu"),
        ({"veto": (("nope", 0.5),)}, lambda: good_metric, "it: its veto is ('nope', 0.5), expect"),
        ({"veto": (("gap", 2.0),)}, lambda: good_metric, "it: its veto is ('gap', 2.0), expected"),
        (
            {},
            lambda: lambda view: {**good_metric(view), "more": 1.0},
            "it returned 'more', expected those of its record (gap, count) and others called after",
        ),
        ({"figures": (("gap", "low"),)}, Caching, "it: other reals gave {'gap': "),
    ],
)
def test_metrics_that_look_right_are_found(said, build, message):
    assert message in complaint(metrics, dataclasses.replace(GAP, **said), build)


def test_a_metric_is_shown_training_pictures_that_are_smaller_than_the_reals():
    record = Metric("m", "m:f", figures=(("near", "high"),), needs=("training",))
    with pytest.raises(RuntimeError, match="must match the size"):
        metrics.check(record, lambda: nearest_copy, "it")


# Writers


class Swapping(Gif):
    """It takes red for blue."""

    def write(self, image, *, name, seconds):
        turned = image.flip(0) if len(image) == 3 else image
        super().write(turned, name=name, seconds=seconds)


class Mirroring(Gif):
    def write(self, image, *, name, seconds):
        super().write(image.flip(2), name=name, seconds=seconds)


class Backwards(Gif):
    kept = slice(None, None, -1)


class Hurrying(Gif):
    milliseconds = 80


class Curious(Gif):
    probes = 2


class Prepared(Curious):
    """It wants to see frames first, and does without where there are none."""

    def prepare(self, images):
        assert [tuple(image.shape[1:]) for image in images] == [self.size] * 2


RECORD = Writer("w", "m:f", suffixes=(".x",))


def test_a_writer_that_looks_first_passes():
    writers.check(RECORD, Prepared, "it")


@pytest.mark.parametrize(
    ("writer", "message"),
    [
        (Swapping, "frame 0: its left half is 0.10, 0.20, 0.90, expected 0.90, 0.20, 0.10 (red, "),
        (Mirroring, "frame 0: its left half is 0.10, 0.30, 0.80, expected 0.90, 0.20, 0.10 (red,"),
        (Backwards, "frame 0: its left half is 0.20, 0.80, 0.30, expected 0.90, 0.20, 0.10 (red,"),
        (Hurrying, "it, suffix .x, 3 channels: frame 1 lasts 0.08 s, expected 0.2"),
        (Curious, "its probes are 2, expected a number of frames, and a method 'prepare'"),
    ],
)
def test_files_that_look_right_are_found(writer, message):
    assert message in complaint(writers, RECORD, writer)


def test_a_rate_that_is_none_is_found():
    record = dataclasses.replace(RECORD, max_fps=0.0)
    assert "it: its max_fps is 0.0, expected frames a second" in complaint(writers, record, Gif)


# Policies


class Rolling(Steady):
    def observe(self, stats):
        torch.rand(1)
        return Action()


class Halting(Steady):
    def observe(self, stats):
        return Action(train_d=False)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (Rolling, "objective logistic: it draws from torch's global generator, expected none"),
        (Halting, "it, a healthy run, objective logistic: ['D'] never learn, expected every net"),
    ],
)
def test_policies_that_look_right_are_found(policy, message):
    assert message in complaint(policies, POLICY, policy)


# Callbacks


def hearing(event, does):
    """Return a builder of a callback that does something when it hears of an event."""
    return lambda: type("Hearing", (), {event: lambda self, *facts: does(*facts)})()


async def never(self, cur_nimg, values):
    """Do nothing, and nobody waits for it."""


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: type("Late", (), {"on_tick": never})(), "it: its 'on_tick' is async, and nobody"),
        (
            hearing("on_tick", lambda at, values: torch.manual_seed(0)),
            "it: 'on_tick' draws from torch's global generator, expected none",
        ),
        (
            hearing("on_checkpoint", lambda at, path: (path / "state.json").unlink()),
            "it: 'on_checkpoint' changed ['state.json'], which the run may need",
        ),
        (
            hearing("on_grid", lambda at, path: path.write_bytes(b"")),
            "it: 'on_grid' changed ['fakes000001.png'], which the run may need",
        ),
        (
            hearing("on_start", lambda run: os.chdir(run.folder)),
            "it: 'on_start' changed the working folder: expected it to change nothing",
        ),
        (
            hearing("on_end", lambda at, how: torch.set_grad_enabled(False)),
            "it: 'on_end' changed whether torch computes gradients: expected it to change nothing",
        ),
    ],
)
def test_callbacks_that_look_right_are_found(build, message):
    here = os.getcwd()
    assert message in complaint(callbacks, Callback("c", "m:f"), build)
    assert (os.getcwd(), torch.is_grad_enabled()) == (here, True)


def test_a_callback_may_read_what_a_checkpoint_holds():
    read = []

    def look(at, path):
        assert json.loads((path / "state.json").read_text())["cur_nimg"] == at
        read.append(sorted(load_file(path / "ema.safetensors")))

    callbacks.check(Callback("c", "m:f"), hearing("on_checkpoint", look), "it")
    assert read == [["layer.weight"]] * 2


# Objectives, augmentations, samplers


def logistic(**more):
    """Return an objective that keeps its contract but for what is given."""
    parts = {
        "discriminator": Term(
            "D",
            lambda b: {
                "d": over(lambda r, f: softplus(-r) + softplus(f), b.real_logits, b.fake_logits)
            },
        ),
        "generator": Term("G", lambda b: {"g": over(lambda f: softplus(-f), b.fake_logits)}),
        "margin": lambda real, fake: real,
    }
    return lambda: Adversarial(**{**parts, **more})


def first_head(batch):
    return {"d": softplus(-batch.real_logits[0]) + softplus(batch.fake_logits[0])}


def beside_reals(batch):
    return {"g": over(lambda r, f: softplus(r - f), batch.real_logits, batch.fake_logits)}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (logistic(discriminator=Term("D", first_head)), "it, phase D: one of two heads gets no g"),
        (
            logistic(generator=Term("G", beside_reals, needs=frozenset({"reals"}))),
            "each, but its record does not say relativistic=True",
        ),
        (
            logistic(margin=lambda real, fake: real - fake.mean()),
            "it: the margin of a pair alone and among 5: they differ by up to ",
        ),
        (
            logistic(generator=Term("G", logistic()().generator.compute, interval=512)),
            "it, phase G: its interval is 512, expected 0: a phase is nothing without it",
        ),
    ],
)
def test_objectives_that_look_right_are_found(build, message):
    objectives.check(Objective("o", "m:f"), logistic(), "it")
    assert message in complaint(objectives, Objective("o", "m:f"), build)


def dim_each(pictures, *, strength, cur_nimg, random):
    """Return pictures dimmed by another factor at each scale."""
    return tuple(
        scale * (1 - strength * torch.rand(len(scale), 1, 1, 1, generator=random))
        for scale in pictures
    )


def test_an_augmentation_that_draws_for_each_scale_is_found():
    message = complaint(augmentations, Augmentation("a", "m:f"), lambda: dim_each)
    assert message.startswith("it: a picture of 0.6 all over has means that are up to ")


def test_a_sampler_that_keeps_to_the_first_keys_is_found():
    class Keeping:
        keys = None

        def __call__(self, keys, u):
            if self.keys is None or self.keys.shape != keys.shape:
                self.keys = keys.clone()
            u = u.view(-1, *[1] * (keys.ndim - 1))
            return self.keys[0] + (self.keys[-1] - self.keys[0]) * u

    record = Sampler("s", "m:f", min_keys=2, closed=False, keyed=False)
    assert "the code at 0 against the first of other keys: they differ by up to" in complaint(
        samplers, record, Keeping
    )


# What a record says of options


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("architecture", "on_cpu=(('widht', 8),)", "its on_cpu is refused: "),
        ("architecture", "before=(('width', 0),)", "its before is refused: "),
        ("metric", "quick=(('patches', 8),)", "its quick is refused: "),
        ("writer", "smaller=((('width', 2),), (('height', 2),))", "its step 2 of smaller is refu"),
        ("regularizer", "strength='gama'", "its strength is 'gama', expected the name of an opti"),
        ("extractor", "weights='net.pth'", "it has weights, but no option 'file' of type str"),
    ],
)
def test_options_that_there_are_not_are_found(strangers, kind, more, message):
    source = plugin_source("odd", kind=kind, more=f", options=':Odd', {more}") + (
        "from pydantic import Field\nfrom artgan.options import Options\n"
        "class Odd(Options):\n    width: int = Field(1, ge=1, description='of it')\n"
    )
    strangers("artgan-odd", {"odd": source})
    with pytest.raises(ContractError) as caught:
        check_component(isolated_registry("odd"), f"{kind}s/odd")
    assert str(caught.value).startswith(f"{kind} 'odd': {message}")

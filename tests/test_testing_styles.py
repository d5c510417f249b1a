"""The contract tests of losses and extractors find what they are there to find, and say it."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d, pad

from artgan.api import ConfigError, Extractor, Loss
from artgan.testing import ContractError, extractors, losses
from artgan_plugins.extractors import patch_kmeans
from artgan_plugins.extractors.options import PatchKmeansOptions
from artgan_plugins.losses import content, gram, moments, patch_swd
from artgan_plugins.losses.options import LayersOptions, PatchSwdOptions


def complaint(module, record, build):
    """Return what a check says of a component."""
    with pytest.raises(ContractError) as caught:
        module.check(record, build, "it")
    return str(caught.value)


# Losses


class Means:
    """A loss that keeps the contract: of the means of channels."""

    layers = ()

    def statistics(self, features, mask=None):
        if mask is None:
            return {name: values.mean((2, 3)) for name, values in features.items()}
        return {
            name: (values * mask[name]).sum((2, 3)) / mask[name].sum((2, 3)).clamp_min(1e-8)
            for name, values in features.items()
        }

    def compare(self, statistics, target):
        return sum(
            (statistics[name] - mean).square().sum(1) / (mean.square().sum(1) + 1e-6)
            for name, mean in target.items()
        )


class Level:
    """A loss without a target that keeps the contract."""

    layers = ()

    def statistics(self, features, mask=None):
        return {"pixels": features["pixels"]}

    def compare(self, statistics, target):
        return statistics["pixels"].square().mean((1, 2, 3))


STYLE = Loss("l", "m:f")
PIXELS = Loss("l", "m:f", looks_at="pixels")
FREE = Loss("l", "m:f", target_from="none", looks_at="pixels", local=True)


def comparing(change, base=Means):
    """Return a build of a loss that does something to the values of another."""

    class Changed(base):
        def compare(self, statistics, target):
            return change(super().compare(statistics, target), statistics, target)

    return Changed


def stating(change, base=Means):
    """Return a build of a loss that does something to the statistics of another."""

    class Changed(base):
        def statistics(self, features, mask=None):
            return change(super().statistics(features, mask), features, mask)

    return Changed


def named(layers):
    return type("Named", (Means,), {"layers": layers})


def each(change):
    return lambda found, *_: {name: change(values) for name, values in found.items()}


def in_place(found, features, mask):
    features["fine"].clamp_(max=0.5)
    return found


def masking(found, features, mask):
    if mask:
        mask["fine"].mul_(2)
    return found


def spoiling(values, statistics, target):
    if target:
        next(iter(target.values())).zero_()
    return values


class Centred(Means):
    """Its statistics are not means over places."""

    def statistics(self, features, mask=None):
        means = super().statistics(features, mask)
        found = {}
        for name, mean in means.items():
            squares = super().statistics({name: features[name].square()}, mask)[name]
            found[name] = (squares - mean.square()).clamp_min(0)
        return found


class Steep(Means):
    """A root without a floor."""

    def compare(self, statistics, target):
        return sum(
            (statistics[name] - mean).square().sum(1).sqrt() / (mean.norm(dim=1) + 1e-3)
            for name, mean in target.items()
        )


class Maskless(Means):
    def statistics(self, features, mask=None):
        return super().statistics(features)


class Unweighted(Means):
    """It leaves out what is masked, and divides by all."""

    def statistics(self, features, mask=None):
        if mask is not None:
            features = {name: values * mask[name] for name, values in features.items()}
        return super().statistics(features)


def test_good_losses_pass():
    losses.check(STYLE, Means, "it")
    losses.check(STYLE, named(("a", "b", "c")), "it")
    losses.check(FREE, Level, "it")


@pytest.mark.parametrize(
    ("record", "build"),
    [
        (
            dataclasses.replace(STYLE, target_from="content", looks_at="content", local=True),
            lambda: content.build(LayersOptions()),
        ),
        (STYLE, lambda: gram.build(LayersOptions())),
        (STYLE, lambda: moments.build(LayersOptions())),
        (PIXELS, lambda: patch_swd.build(PatchSwdOptions(directions=8, octaves=3, quantiles=32))),
    ],
    ids=["content", "gram", "moments", "patch-swd"],
)
def test_those_that_come_with_artgan_pass(record, build):
    losses.check(record, build, "it")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: 3, "it: its target returned a int, expected a loss with 'statistics' and 'compar"),
        (named(["a"]), "it: its layers are ['a'], expected the names that its options ask for"),
        (stating(lambda s, *_: list(s)), "its statistics are a list, expected tensors by name"),
        (stating(lambda *_: {}), "its statistics are empty, expected what it compares"),
        (
            stating(each(lambda v: v.mean(0, keepdim=True))),
            "statistics 'fine': got shape (1, 6), expected (2, 6)",
        ),
        (stating(each(torch.Tensor.double)), "got torch.float64, expected torch.float32"),
        (stating(each(lambda v: v / 0)), "statistics 'fine': 12 of 12 values are not finite"),
        (comparing(lambda v, *_: v.mean()), "its values: got shape (), expected (2,)"),
        (comparing(lambda v, *_: v - 99), "its values: the least is -"),
        (comparing(lambda v, *_: v + 1), "it: its value at its own target is 1, expected 0"),
        (
            comparing(lambda v, *_: v * 1e-3),
            "expected about 1 (0.05 to 20): divide by the target's own energy",
        ),
        (
            comparing(lambda v, s, t: v * (1 + 0.1 * t["fine"].mean())),
            "it: its values where all features are 4 times as large (divide by the target's own ",
        ),
        (
            comparing(lambda v, *_: v + (v - v.mean()).square()),
            "it: a picture alone and among 2: they differ by up to ",
        ),
        (stating(in_place), "it: it changed the features that it was given, expected it not to"),
        (stating(masking), "it: it changed the mask that it was given, expected it not to"),
        (comparing(spoiling), "it: it changed the target that it was given, expected it not to"),
        (comparing(lambda v, *_: v.detach()), "it: no gradient flows through it"),
        (
            stating(lambda s, *_: {n: v.detach() if n == "fine" else v for n, v in s.items()}),
            "it: its gradient at layer 'fine' is 0, expected it to look there",
        ),
        (Steep, "it, at its own target: gradient at layer 'fine': "),
        (
            stating(lambda s, f, _: {n: v * f[n].shape[3] for n, v in s.items()}),
            "of a picture and of the same one laid out 2x2 (take means over places, not sums)",
        ),
        (Centred, "statistics have to be means over places: raw moments, not centred ones or"),
        (Maskless, "it: its values before and after a change of what is masked out: they differ "),
        (Unweighted, "it: its values of a half by a mask and of that half alone (take means over "),
    ],
)
def test_a_broken_loss_is_found(build, message):
    assert message in complaint(losses, STYLE, build)


def test_chance_in_a_loss_is_found():
    assert complaint(losses, STYLE, Renewing).startswith("it: the values of two that were built: ")
    drawing = comparing(lambda values, *_: values + 0 * torch.rand(()))
    assert complaint(losses, STYLE, drawing) == (
        "it: it draws from torch's global generator, expected a pure function; draw once, from a "
        "generator with a seed of its own"
    )


def test_losses_without_a_target_are_means():
    total = comparing(lambda values, *_: 1e4 * values, Level)
    assert "expected means over pixels, at most 20" in complaint(losses, FREE, total)
    wide = comparing(lambda v, s, _: v * s["pixels"].shape[3] / 1e3, Level)
    assert "of the same one laid out 2x2" in complaint(losses, FREE, wide)


class Widening(content.Content):
    """It counts more where there is more of it."""

    def compare(self, statistics, target):
        return super().compare(statistics, target) * statistics["fine"].shape[3] / 128


def test_a_local_loss_is_a_mean_over_its_parts():
    record = dataclasses.replace(STYLE, target_from="content", local=True)
    assert (
        "it: the mean of its values of both halves and that of the whole (its record says "
        "local=True): they differ by up to 50%, expected at most 5%"
    ) == complaint(losses, record, lambda: Widening(()))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"target_from": "both"}, "it: it compares with 'both', expected one of ('content', "),
        ({"looks_at": "all"}, "it: it looks at 'all', expected one of ('style', 'content', "),
        ({"weight": -1.0}, "it: its weight is -1.0, expected a number of at least 0"),
    ],
)
def test_records_of_losses_that_say_something_else_are_found(said, message):
    assert complaint(losses, dataclasses.replace(STYLE, **said), Means).startswith(message)


# Extractors


class Net(nn.Module):
    """An extractor that keeps the contract: two layers of fixed filters."""

    layers = ("fine", "coarse")
    style_layers = layers
    content_layers = ("coarse",)
    min_side = 4

    def __init__(self):
        super().__init__()
        random = torch.Generator().manual_seed(0)
        self.register_buffer("first", torch.randn(4, 3, 3, 3, generator=random) / 5)
        self.register_buffer("second", torch.randn(5, 4, 3, 3, generator=random) / 6)

    def stride(self, layer):
        return {"fine": 1, "coarse": 2}[layer]

    def margin(self, layer):
        return {"fine": 1, "coarse": 3}[layer]

    def fit(self, contents, styles, *, random):
        pass

    def forward(self, images, layers):
        fine = conv2d(pad(images, (1,) * 4, "replicate"), self.first).sigmoid()
        found = {"fine": fine}
        if "coarse" in layers:
            half = avg_pool2d(fine, 2)
            found["coarse"] = conv2d(pad(half, (1,) * 4, "replicate"), self.second).sigmoid()
        return {name: values for name, values in found.items() if name in layers}


def seeing(change):
    """Return a build of an extractor that does something to what another finds."""

    class Changed(Net):
        def forward(self, images, layers):
            return change(super().forward(images, layers), images)

    return Changed


def saying(**said):
    return type("Other", (Net,), said)


def learning(change):
    """Return a build of an extractor that does something where it is fitted."""

    class Learning(Net):
        def fit(self, contents, styles, *, random):
            change(self, contents, random)

    return Learning


def values_of(change):
    return lambda found, *_: {name: change(values) for name, values in found.items()}


def draws(net, contents, random):
    seen = sum(image.mean() for image in contents)
    net.first.copy_(torch.randn(net.first.shape, generator=random) * seen)


def dims(net, contents, random):
    for image in contents:
        image.mul_(0.5)


class Trainable(Net):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))


class Big(Net):
    """It is fitted to nothing smaller than 12 pixels."""

    def fit(self, contents, styles, *, random):
        if min(styles[0].shape[-2:]) < 12:
            self.first.mul_(float("nan"))


class Noisy(Net):
    def forward(self, images, layers):
        return super().forward(images + 0.01 * torch.rand(()), layers)


class Counting(Net):
    """Each that is built is another."""

    built = 0

    def __init__(self):
        super().__init__()
        Counting.built += 1
        self.first.mul_(1 + 0.1 * Counting.built)


class Renewing(Means):
    """So is each of these."""

    built = 0

    def __init__(self):
        Renewing.built += 1
        self.factor = 1 + 0.1 * Renewing.built

    def compare(self, statistics, target):
        return self.factor * super().compare(statistics, target)


NET = Extractor("n", "m:f")
LEARNER = dataclasses.replace(NET, learns=True)


def test_good_extractors_pass():
    extractors.check(NET, Net, "it")
    extractors.check(LEARNER, learning(draws), "it")
    options = PatchKmeansOptions(widths=(6, 8, 8), patches=200, rounds=2)
    extractors.check(LEARNER, lambda: patch_kmeans.build(options), "it")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: 3, "it: its target returned a int, expected a torch.nn.Module"),
        (saying(fit=None), "it: it has no method 'fit'"),
        (saying(layers=()), "it: it has no layers"),
        (saying(layers=("fine", "fine")), "its layers ('fine', 'fine') are not all different"),
        (saying(style_layers=()), "it: its style_layers are empty, expected some of its layers"),
        (
            saying(content_layers=("deep",)),
            "it: its content_layers have ['deep'], expected some of ['fine', 'coarse']",
        ),
        (
            saying(stride=lambda self, layer: 3),
            "it: the stride of layer 'fine' is 3, expected a power of two",
        ),
        (
            saying(margin=lambda self, layer: -1),
            "it: the margin of layer 'fine' is -1, expected pixels, 0 or more",
        ),
        (
            saying(min_side=1),
            "it: its min_side is 1, expected at least its largest stride, 2",
        ),
        (
            saying(margin=lambda self, layer: {"fine": 1, "coarse": 2}[layer]),
            "it: layer 'coarse' at a position, before and after a change more than its margin of 2 "
            "px away: they differ by up to ",
        ),
        (learning(dims), "it: fit changed the pictures it was given"),
        (
            learning(lambda net, *_: torch.rand(())),
            "fit draws from torch's global generator, expected the one it is given only",
        ),
        (
            learning(draws),
            "it: its record says learns=False, but fitted to other pictures its features are not "
            "the same",
        ),
        (Counting, "it: layer 'fine' of two that were built and fitted with one seed: they differ"),
        (
            Trainable,
            "it: parameters ['scale'] require a gradient, expected it frozen: requires_grad_(Fal",
        ),
        (Noisy, "it: for its features it draws from torch's global generator, expected no chance"),
        (
            seeing(lambda found, images: {**found, "fine": images}),
            "it: asked for ['coarse'] it returned ['coarse', 'fine'], expected these only",
        ),
        (seeing(lambda found, images: list(found)), "it: it returned a list, expected features by"),
        (seeing(values_of(lambda v: v[..., 1:])), "it: layer 'fine' of 21x37 px (height, width): "),
        (seeing(values_of(torch.Tensor.double)), "got torch.float64, expected torch.float32"),
        (seeing(values_of(lambda v: v - v.mean())), "of a picture alone and among 3: they differ "),
        (
            seeing(values_of(lambda v: v - v.mean((2, 3), keepdim=True))),
            "at a position, before and after a change more than its margin of 1 px away: they ",
        ),
        (
            seeing(values_of(lambda v: v + torch.arange(v.shape[3]) / 50)),
            "it: layer 'fine' of a picture and of a tile of it, beyond the margin of 1 px: they ",
        ),
        (
            seeing(values_of(torch.Tensor.detach)),
            "it: layer 'fine' of pictures: no gradient flows to the pictures",
        ),
        (Big, "it, fitted to the smallest pictures: layer 'fine' of 4x4 px (height, width): "),
    ],
)
def test_a_broken_extractor_is_found(build, message):
    assert message in complaint(extractors, NET, build)


def test_one_that_says_it_learns_and_does_not_is_found():
    assert complaint(extractors, LEARNER, Net) == (
        "it: its record says learns=True, but fitted to other pictures its features are the same"
    )


def test_only_one_with_weights_may_refuse():
    def refuse():
        raise ConfigError("no file")

    extractors.check(dataclasses.replace(NET, weights="net.pth"), refuse, "it")
    with pytest.raises(ContractError, match=r"^it: refused \(no file\), but it has no weights$"):
        extractors.check(NET, refuse, "it")

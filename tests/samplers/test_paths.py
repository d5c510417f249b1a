"""What holds of every sampler that comes with artgan, and what the contract finds out."""

import pytest
import torch

from artgan.api import Sampler
from artgan.latents import draw
from artgan.registry import Registry
from artgan.testing import ContractError, samplers
from artgan_plugins.samplers import lerp, slerp

REGISTRY = Registry(entry_points=())
ENTRIES = {entry.record.name: entry for entry in REGISTRY.entries("samplers")}
WIDTH = 64


def closed_path(name, space):
    """Return a built closed path, and keys for it."""
    record = ENTRIES[name].record
    basis = torch.linalg.qr(draw(range(3), WIDTH, "gaussian").T)[0].T
    offered = {"closed": True, "space": space, "prior": "gaussian", "directions": basis}
    offered["mean"] = torch.zeros(WIDTH)
    needed = {need: offered[need] for need in record.needs}
    path = REGISTRY.build(ENTRIES[name], REGISTRY.options(ENTRIES[name], {}), **needed)
    return path, draw([3, 17, 42, 5][: record.max_keys], WIDTH, "gaussian")


@pytest.mark.parametrize("frames", [120, 240])
@pytest.mark.parametrize(
    ("name", "space"), [(n, s) for n, entry in ENTRIES.items() for s in entry.record.spaces]
)
def test_the_seam_is_an_ordinary_step(name, space, frames):
    path, keys = closed_path(name, space)
    codes = path(keys, torch.arange(frames) / frames)
    steps = (torch.roll(codes, -1, 0) - codes).norm(dim=-1)
    if name == "direction":  # it begins in the middle of its swing, where it is fastest
        assert float(steps[-1]) == pytest.approx(float(steps[0]), rel=0.01)
        assert float(steps[-1]) == pytest.approx(float(steps.max()), rel=0.01)
    else:
        assert float(steps[-1]) <= 1.2 * float(steps.median())


def complaint(record, build):
    with pytest.raises(ContractError) as caught:
        samplers.check(record, build, "it")
    return str(caught.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"needs": ("keys",)}, "it: its needs name ['keys'], expected of closed, space, prior, me"),
        ({"spaces": ("z", "s")}, "it: its spaces name ['s'], expected of z, w"),
        ({"spaces": ()}, "it: it walks in no space, expected of z, w"),
    ],
)
def test_a_record_that_asks_for_the_unknown_is_found(more, message):
    assert complaint(Sampler("s", "m:f", **more), slerp.build).startswith(message)


def test_everything_needed_is_given_in_every_combination():
    given = []

    def build(**needed):
        given.append(needed)
        return lerp.build(closed=needed["closed"])

    spaces, needs = ("z", "w"), ("closed", "space", "mean", "directions")
    samplers.check(Sampler("s", "m:f", spaces=spaces, needs=needs), build, "it")
    ways = {(n["closed"], n["space"], n["mean"].shape) for n in given}
    assert len(ways) == 6  # two ends, and: z, w, w in layers
    for needed in given:
        basis = needed["directions"].flatten(1)
        assert needed["directions"].shape[1:] == needed["mean"].shape
        torch.testing.assert_close(basis @ basis.T, torch.eye(len(basis)))


@pytest.mark.parametrize(
    ("record", "build", "message"),
    [
        (
            Sampler("s", "m:f", needs=("closed",)),
            lambda closed: slerp.build(),
            "it, open, 2 keys: the code at 1 against the last key (open): they differ by ",
        ),
        (
            Sampler("s", "m:f", closed=False),
            lambda: lambda keys, u: slerp.build(closed=False)(keys, u**2),
            "it, 3 keys: the codes at k / (K - 1) against the keys (keyed): they differ by ",
        ),
        (
            Sampler("s", "m:f", needs=("space",)),
            lambda space: lerp.build(),
            "it on a sphere, 2 keys: codes leave the sphere: their lengths are off by up to ",
        ),
        (
            Sampler("s", "m:f", spaces=("w",)),
            lambda: lambda keys, u: lerp.build()(keys, u).flatten(1),
            "it in layers, 1 keys: codes at 9 positions: got shape (9, 21), expected (9, 3, 7)",
        ),
    ],
)
def test_a_sampler_that_does_not_keep_its_word_is_found(record, build, message):
    assert complaint(record, build).startswith(message)


def test_one_that_is_not_keyed_may_pass_its_keys_by():
    def build():
        return lambda keys, u: slerp.build()(keys[:1], u)

    samplers.check(Sampler("s", "m:f", keyed=False), build, "it")
    assert "(keyed)" in complaint(Sampler("s", "m:f"), build)

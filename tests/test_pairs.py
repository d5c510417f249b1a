"""Every architecture with every objective and every regularizer takes two steps."""

import itertools
import math

import pytest
import torch

from artgan.config import TrainConfig
from artgan.pipelines.train import settled
from artgan.registry import Registry
from artgan.training import Trainer

REGISTRY = Registry(entry_points=[])
ARCHITECTURES = REGISTRY.entries("architectures")
ADVERSARIAL = [entry.record.name for entry in ARCHITECTURES if entry.record.adversarial]
SMALL = {
    "dcgan": {"base_channels": 4, "z_dim": 8},
    "msg-gan": {"z_dim": 16},
    "mlp": {"hidden": 32},
    "vae": {"base_channels": 4},
}


def two_steps(arch, objective, regularizers, **settings):
    """Return the logged values of the second step, and the trainer."""
    table = {
        "images": "x", "arch": arch, "objective": objective, "regularizers": regularizers,
        "size": "16", "batch": 4, "kimg": 1, "device": "cpu", "precision": "float32",
        "components": {"architectures": SMALL}, **settings,
    }  # fmt: skip
    config = TrainConfig.model_validate(table)
    resolved = settled(config, REGISTRY, [(64, 64)] * 5000)[0].config
    state = Trainer(resolved, REGISTRY, torch.device("cpu"))
    reals = torch.randint(
        0, 256, (4, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    with torch.random.fork_rng(devices=[]):
        state.step(reals)
        return state.step(reals), state


def pairs():
    """Yield what is tried: everything with two architectures, each one thing with the others."""
    regularizers, objectives = (
        ["none", *REGISTRY.names("regularizers")],
        REGISTRY.names("objectives"),
    )
    for arch, objective, regularizer in itertools.product(ADVERSARIAL, objectives, regularizers):
        plain = objective == "relativistic-logistic" or regularizer == "none"
        if arch in {"dcgan", "msg-gan"} or plain:
            yield arch, objective, regularizer


@pytest.mark.parametrize(("arch", "objective", "regularizer"), list(pairs()))
def test_pair(arch, objective, regularizer):
    regularizers = () if regularizer == "none" else (regularizer,)
    tables = {"architectures": SMALL, "regularizers": {}}
    for name in regularizers:  # in every step, so that the second one has it too
        tables["regularizers"][name] = {"interval": 0}
    values, state = two_steps(arch, objective, regularizers, components=tables)
    assert values["bad"] == 0
    assert state.cur_nimg == 8
    for name in ("D/adversarial", "G/adversarial", "D/gradient", "G/gradient", "margin"):
        assert math.isfinite(values[name])
    assert values["G/gradient"] > 0
    for name in regularizers:
        assert values[f"D/{name}"] >= 0


def test_all_regularizers_at_once_under_augmentation():
    values, _ = two_steps(
        "msg-gan",
        "relativistic-logistic",
        ("r1", "r2", "gradient-penalty"),
        augmentations=("diffaugment", "instance-noise"),
        strength=1.0,
        components={
            "architectures": SMALL,
            "regularizers": {n: {"interval": 0} for n in ("r1", "r2", "gradient-penalty")},
        },
    )
    assert values["bad"] == 0
    assert {"D/r1", "D/r2", "D/gradient-penalty"} <= set(values)


@pytest.mark.parametrize("arch", REGISTRY.names("architectures"))
def test_bfloat16(arch):
    regularizers = ("r1",) if arch in ADVERSARIAL else ()
    values, state = two_steps(arch, "relativistic-logistic", regularizers, precision="bfloat16")
    assert values["bad"] == 0
    assert all(p.dtype is torch.float32 for p in state.networks.generator.parameters())

"""Morph: the weights at both ends to the bit, mixed between, and nothing of what was before."""

import copy

import pytest
import torch
from fakes import FakeGenerator, fake_model, fake_weights

from artgan.errors import CheckpointError, ConfigError
from artgan.morph import Morph


class Counting(FakeGenerator):
    """One that also has a number that cannot be mixed."""

    def __init__(self, level=0.0, count=0):
        super().__init__(8, 3, (8, 12))
        torch.nn.init.constant_(self.linear.bias, level)
        self.register_buffer("count", torch.tensor(count))


def stages(*generators):
    loaded = []

    def load(number):
        loaded.append(number)
        return fake_weights(generators[number], 1000 * number)

    return [lambda number=number: load(number) for number in range(len(generators))], loaded


def state(model):
    return {name: tensor.clone() for name, tensor in model.generator.state_dict().items()}


def alike(model, tensors):
    return all(torch.equal(tensors[name], tensor) for name, tensor in state(model).items())


def model_with(generator):
    model = fake_model()
    object.__setattr__(model, "generator", copy.deepcopy(generator).eval().requires_grad_(False))
    return model


def test_shares_are_linear_from_checkpoint_to_checkpoint():
    loads, _ = stages(Counting(0.0, 1), Counting(1.0, 2), Counting(5.0, 3))
    model = model_with(Counting(9.0, 9))
    morph = Morph(model, loads)
    assert morph.count == 3
    for share, level, count in (
        (0, 0, 1), (0.125, 0.25, 1), (0.25, 0.5, 2), (0.5, 1, 2), (0.75, 3, 3), (1, 5, 3),
        (-0.1, 0, 1), (1.5, 5, 3),
    ):  # fmt: skip
        assert morph.at(share) is model
        found = model.generator.state_dict()
        assert found["linear.bias"].unique().tolist() == [pytest.approx(level, abs=1e-6)]
        assert int(found["count"]) == count


def test_both_ends_are_the_checkpoints_to_the_bit_and_the_past_leaves_no_trace():
    first, last = Counting(), Counting()
    torch.nn.init.normal_(last.linear.weight, generator=torch.Generator().manual_seed(9))
    model = model_with(Counting(3.0))
    morph = Morph(model, stages(first, last)[0])
    for share in (0.0, 0.3, 1.0, 0.7, 0.0):
        morph.at(share)
    assert alike(model, first.state_dict())
    morph.at(1.0)
    assert alike(model, last.state_dict())
    morph.at(0.3)
    once = state(model)
    for share in (1.0, 0.0, 0.3):
        morph.at(share)
    assert alike(model, once)
    assert not any(parameter.requires_grad for parameter in model.generator.parameters())
    assert not model.generator.training


def test_the_checkpoints_themselves_stay_as_they_are():
    first, last = Counting(0.0), Counting(1.0)
    model = model_with(Counting())
    morph = Morph(model, stages(first, last)[0])
    morph.at(0.0)
    with torch.no_grad():
        model.generator.linear.bias.fill_(7.0)  # a network that changes its own weights
    assert float(morph.at(0.0).generator.linear.bias[0]) == 0


def test_each_is_loaded_when_it_is_come_to_and_once():
    loads, loaded = stages(*(Counting(level) for level in range(5)))
    morph = Morph(model_with(Counting()), loads)
    assert loaded == []
    for share in torch.linspace(0, 1, 41).tolist():
        morph.at(share)
    assert loaded == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_are_refused(count):
    with pytest.raises(ConfigError) as caught:
        Morph(fake_model(), [lambda: fake_weights(Counting())] * count)
    assert str(caught.value) == (
        f"a network changes from one checkpoint to others, {count} were given: expected two or more"
    )


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            FakeGenerator(8, 3, (8, 16)),
            "tensor linear.bias is torch.float32 (384,), expected torch.float32 (288,)",
        ),
        (Counting(), "tensor count is none of this architecture's"),
        (torch.nn.Linear(1, 1), "tensor bias is none of this architecture's"),
    ],
)
def test_strangers_are_refused_at_once_and_not_half_way(other, message):
    morph = Morph(fake_model(), stages(FakeGenerator(8, 3, (8, 12)), other)[0])
    with pytest.raises(CheckpointError) as caught:
        morph.at(0.0)
    assert str(caught.value) == (
        f"run 00001-fake at 1 kimg: {message}: a network turns into one of the same architecture, "
        "size and options"
    )

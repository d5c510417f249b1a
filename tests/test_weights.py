import pytest
import torch
from torch import nn

from artgan.engine import adam, place
from artgan.errors import CheckpointError
from artgan.weights import optimizer_tensors, restore_optimizer


def pair():
    module = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    return module, adam(module.parameters(), lr=0.1, betas=(0.0, 0.9))


def test_a_parameter_without_gradient_can_be_resumed():
    module, optimizer = pair()
    module[0](torch.ones(1, 2)).sum().backward()
    optimizer.step()
    saved = optimizer_tensors(optimizer)
    assert {name.partition(".")[0] for name in saved} == {"0"}
    other, restored = pair()
    restore_optimizer(restored, saved)
    assert torch.equal(restored.state[other[0].weight]["exp_avg_sq"], saved["0.exp_avg_sq"])


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("7.exp_avg", torch.zeros(2, 2), "7.exp_avg is of none of 2 parameters"),
        ("x.exp_avg", torch.zeros(2, 2), "x.exp_avg is of none of 2 parameters"),
        ("0", torch.zeros(2, 2), "0 is of none of 2 parameters"),
        ("0.exp_avg", torch.zeros(()), r"0.exp_avg is \(\), expected \(2, 2\)"),
        ("0.step", torch.zeros(2, 2), r"0.step is \(2, 2\), expected \(\)"),
        ("0.exp_avg", torch.zeros(3), r"0.exp_avg is \(3,\), expected \(2, 2\)"),
    ],
)
def test_what_does_not_fit_is_named(name, tensor, message):
    with pytest.raises(CheckpointError, match=message):
        restore_optimizer(pair()[1], {name: tensor})


def test_networks_of_any_dimension_are_placed():
    module = nn.Sequential(nn.Conv3d(1, 1, 3), nn.Conv2d(2, 2, 3), nn.Linear(2, 2))
    place(module, torch.device("cpu"))
    assert module[1].weight.is_contiguous(memory_format=torch.channels_last)

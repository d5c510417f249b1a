import pytest
import torch
from torch.testing import assert_close
from training_kit import tiny

from artgan.config import format_size
from artgan.pipelines.train import settled
from artgan.registry import Registry
from artgan.training import Trainer
from artgan_plugins.architectures.vae import divergence, evidence
from artgan_plugins.architectures.vae_options import VaeOptions

REGISTRY = Registry(entry_points=[])


def build(size=(16, 16), channels=3, **options):
    entry = REGISTRY.find("architectures", "vae")
    table = {"z_dim": 6, "base_channels": 4, **options}
    return REGISTRY.build(entry, REGISTRY.options(entry, table), size=size, channels=channels)


@pytest.mark.parametrize("size", [(16, 16), (24, 16), (48, 48), (64, 128)], ids=format_size)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shapes(size, channels):
    networks = build(size, channels)
    (pictures,) = networks.generator(torch.zeros(2, 6))
    assert pictures.shape == (2, channels, *size)
    mean, log_variance = networks.others["encoder"][1](pictures)
    assert mean.shape == log_variance.shape == (2, 6)
    assert networks.discriminator is None


def test_divergence_by_hand():
    # one number of deviation s around m: (m^2 + s^2 - 1) / 2 - ln s
    mean, log_variance = torch.tensor([[1.0], [0.0]]), torch.tensor([[0.0], [2.0]])
    assert_close(divergence(mean, log_variance), torch.tensor([0.5, (2.71828183**2 - 3) / 2]))


def test_evidence_is_a_mean_over_values():
    reals, drawn = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.2)
    parts = evidence(reals, drawn, torch.full((2, 5), 2.0), torch.zeros(2, 5), sigma=0.1)
    assert_close(parts["reconstruction"], torch.full((2,), 2.0))
    assert_close(parts["divergence"], torch.full((2,), 10 / 48))


def test_options_refuse():
    with pytest.raises(ValueError, match=r"greater than or equal to 0\.001"):
        VaeOptions(sigma=1e-200)  # its square is 0


def test_it_learns_to_draw_what_it_sees():
    squares = torch.zeros(8, 3, 16, 16, dtype=torch.uint8)
    for i in range(8):
        squares[i, i % 3, (i // 4) * 8 : (i // 4) * 8 + 8] = 255
    table = {"arch": "vae", "kimg": 1, "decay": 0.0, "doctor": "off", "metrics": ()}
    components = {"architectures": {"vae": {"z_dim": 8, "base_channels": 8, "sigma": 0.1}}}
    choice, device = settled(
        tiny(".", **table, components=components), REGISTRY, [(16, 16)] * 8, 0.3
    )
    trainer = Trainer(choice.config, REGISTRY, device)
    losses = [trainer.step(squares)["G/reconstruction"] for _ in range(60)]
    assert min(losses[-5:]) < losses[0] / 4

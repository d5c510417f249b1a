"""Models that need no training, for tests of what is done with one."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from artgan.checkpoints import tensor_bytes
from artgan.config import TrainConfig
from artgan.models import Model, Weights

__all__ = [
    "FakeGenerator",
    "MappedGenerator",
    "UnevenGenerator",
    "fake_model",
    "fake_weights",
    "gif_comment",
    "model_of",
]


class FakeGenerator(nn.Module):
    """A linear map to a picture: quick, smooth, and different for every latent."""

    def __init__(self, z_dim: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.shape = (channels, *size)
        self.linear = nn.Linear(z_dim, channels * size[0] * size[1])
        weights = torch.Generator().manual_seed(0)
        with torch.no_grad():
            self.linear.weight.normal_(0, 0.5 / z_dim**0.5, generator=weights)
            self.linear.bias.zero_()

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        return psi * z

    def render(self, codes: Tensor) -> tuple[Tensor, ...]:
        picture = torch.tanh(self.linear(codes)).unflatten(1, self.shape)
        return (picture[..., ::2, ::2], picture)

    def forward(self, z: Tensor) -> tuple[Tensor, ...]:
        return self.render(self.codes(z))


class UnevenGenerator(FakeGenerator):
    """One that hardly changes for a while and then jumps: a level of grey, steep where z[0] is 0.

    It has `latent_weight()`.
    """

    def render(self, codes: Tensor) -> tuple[Tensor, ...]:
        level = torch.tanh(3 * codes[:, :1]) + 0.2 * torch.tanh(codes[:, 1:2])
        return ((level / 1.3)[..., None, None].expand(-1, *self.shape),)

    def latent_weight(self) -> Tensor:
        return self.linear.weight.T


class MappedGenerator(nn.Module):
    """One with a space w, of one code for all or of one for each row of the picture.

    w = m + tanh(A z), row by row of the picture where there are layers; psi pulls it to m.
    """

    def __init__(
        self, z_dim: int, channels: int, size: tuple[int, int], layers: int | None, width: int = 5
    ) -> None:
        super().__init__()
        self.z_dim, self.layers, self.width = z_dim, layers, width
        self.shape = (channels, *size)
        self.mapping = nn.Linear(z_dim, width * (layers or 1), bias=False)
        rows = size[0] if layers is None else size[0] // layers
        self.draw = nn.Linear(width, channels * rows * size[1])
        random = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.normal_(0, 0.3, generator=random)
        self.register_buffer("mean", torch.linspace(-0.5, 0.5, width))

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        away = torch.tanh(self.mapping(z))
        if self.layers is not None:
            away = away.unflatten(1, (self.layers, self.width))
        return self.mean + psi * away

    def render(self, codes: Tensor) -> tuple[Tensor, ...]:
        channels, height, width = self.shape
        drawn = torch.tanh(self.draw(codes))
        if self.layers is None:
            return (drawn.unflatten(1, self.shape),)
        bands = drawn.unflatten(2, (channels, height // self.layers, width))
        return (bands.transpose(1, 2).flatten(2, 3),)

    def forward(self, z: Tensor) -> tuple[Tensor, ...]:
        return self.render(self.codes(z))


def model_of(generator: nn.Module, *, prior: str = "gaussian") -> Model:
    """Return a fake generator as a model that is ready to draw."""
    channels, *size = generator.shape
    return Model(
        generator=generator.eval().requires_grad_(False),
        prior=prior,
        spaces=("z", "w") if isinstance(generator, MappedGenerator) else ("z",),
        size=tuple(size),
        channels=channels,
        device=torch.device("cpu"),
        origin={"run_id": "abc", "arch": "fake", "cur_nimg": 128000, "digest": "00" * 32},
        label="run 00001-fake at 128 kimg",
    )


def fake_model(
    z_dim: int = 8, *, channels: int = 3, size: tuple[int, int] = (8, 12), prior: str = "gaussian"
) -> Model:
    """Return a model of an untrained network, ready to draw."""
    return model_of(FakeGenerator(z_dim, channels, size), prior=prior)


def fake_weights(generator: nn.Module, cur_nimg: int = 1000) -> Weights:
    """Return the weights that a generator has now as a checkpoint."""
    return Weights(
        ema=tensor_bytes(generator.state_dict()),
        config=TrainConfig(images="photos", arch="fake"),
        run_id="abc",
        cur_nimg=cur_nimg,
        label=f"run 00001-fake at {cur_nimg / 1000:g} kimg",
        plugins={},
    )


def gif_comment(path: Path) -> dict:
    """Return the recipe in a GIF's comment."""
    from PIL import Image

    with Image.open(path) as picture:
        return json.loads(picture.info["comment"])

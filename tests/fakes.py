"""A model that needs no training, for tests of what is done with one."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from artgan.models import Model

__all__ = ["FakeGenerator", "fake_model", "gif_comment"]


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


def fake_model(
    z_dim: int = 8, *, channels: int = 3, size: tuple[int, int] = (8, 12), prior: str = "gaussian"
) -> Model:
    """Return a model of an untrained network, ready to draw."""
    generator = FakeGenerator(z_dim, channels, size).eval().requires_grad_(False)
    return Model(
        generator=generator,
        prior=prior,
        spaces=("z",),
        size=size,
        channels=channels,
        device=torch.device("cpu"),
        origin={"run_id": "abc", "arch": "fake", "cur_nimg": 128000, "digest": "00" * 32},
        label="run 00001-fake at 128 kimg",
    )


def gif_comment(path: Path) -> dict:
    """Return the recipe in a GIF's comment."""
    from PIL import Image

    with Image.open(path) as picture:
        return json.loads(picture.info["comment"])

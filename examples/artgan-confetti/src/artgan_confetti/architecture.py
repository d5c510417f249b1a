"""The architecture `confetti`: a perceptron throws soft discs, a small network judges them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from artgan.api import Networks, Size

from .options import ConfettiOptions

__all__ = ["ConfettiDiscriminator", "ConfettiGenerator", "build", "disc_alpha", "over"]


def disc_alpha(center: Tensor, radius: Tensor, size: Size) -> Tensor:
    """Return how much soft discs cover each pixel, in [0, 1], (N, height, width).

    Args:
        center: x and y, (N, 2), in shares of the width and the height.
        radius: (N,), in shares of the shorter side.
        size: (height, width) in pixels.
    """
    height, width = size
    short = min(size)
    y = (torch.arange(height, device=center.device) + 0.5) / short
    x = (torch.arange(width, device=center.device) + 0.5) / short
    dx = x[None, None, :] - center[:, 0, None, None] * (width / short)
    dy = y[None, :, None] - center[:, 1, None, None] * (height / short)
    distance = (dx**2 + dy**2 + 1e-8).sqrt()
    edge = 1.5 / short  # an edge of about three pixels: thinner ones give no useful gradient
    return torch.sigmoid((radius[:, None, None] - distance) / edge)


def over(paper: Tensor, color: Tensor, alpha: Tensor) -> Tensor:
    """Return paper (N, C, H, W) with a color (N, C) laid over it where alpha (N, H, W) says so.

    Source: Porter and Duff 1984, Compositing Digital Images §4.3, for opaque paper.
    """
    cover = alpha[:, None]
    return paper * (1 - cover) + color[:, :, None, None] * cover


class ConfettiGenerator(nn.Module):
    """Latent -> the colour of the paper and the place, size and colour of each disc -> picture."""

    def __init__(self, *, size: Size, channels: int, z_dim: int, width: int, discs: int) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.size = size
        self.channels = channels
        self.discs = discs
        self.layers = nn.Sequential(
            nn.Linear(z_dim, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, channels + discs * (3 + channels)),
        )

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Return psi * z: there is no mapping."""
        return z * psi

    def render(self, codes: Tensor) -> tuple[Tensor]:
        """Return one picture a code, (N, C, H, W), signed range."""
        values = self.layers(codes)
        paper, rest = values.split([self.channels, values.shape[1] - self.channels], dim=1)
        image = torch.tanh(paper)[:, :, None, None].expand(-1, -1, *self.size)
        for disc in rest.unflatten(1, (self.discs, 3 + self.channels)).unbind(1):
            center = torch.sigmoid(2 * disc[:, :2])
            radius = 0.05 + 0.3 * torch.sigmoid(disc[:, 2])
            image = over(image, torch.tanh(disc[:, 3:]), disc_alpha(center, radius, self.size))
        return (image,)

    def forward(self, z: Tensor) -> tuple[Tensor]:
        """Return `render(codes(z))`."""
        return self.render(self.codes(z))


class ConfettiDiscriminator(nn.Module):
    """Two convolutions that halve, then one look at the average and the place of everything."""

    def __init__(self, *, size: Size, channels: int, width: int) -> None:
        super().__init__()
        height, breadth = size
        self.features = nn.Sequential(
            nn.Conv2d(channels, width // 2 + 1, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width // 2 + 1, width, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        )
        places = ((height + 3) // 4) * ((breadth + 3) // 4)
        self.head = nn.Linear(width * places, 1)

    def forward(self, pictures: tuple[Tensor, ...]) -> Tensor:
        """Return logits (N,) of a pyramid of one picture size."""
        logits: Tensor = self.head(self.features(pictures[-1]).flatten(1))  # (N, 1)
        return logits.squeeze(1)


def build(options: ConfettiOptions, *, size: Size, channels: int) -> Networks:
    """Return the pair for pictures of a size (height, width) with so many channels."""
    return Networks(
        generator=ConfettiGenerator(
            size=size,
            channels=channels,
            z_dim=options.z_dim,
            width=options.width,
            discs=options.discs,
        ),
        discriminator=ConfettiDiscriminator(size=size, channels=channels, width=options.width),
    )

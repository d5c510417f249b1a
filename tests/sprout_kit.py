"""A small architecture that grows, has features, and shows reals in its own way."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from artgan.api import Architecture, Networks, Stage, Term, hookimpl
from artgan.options import Options

__all__ = ["SproutOptions", "artgan_architectures", "build", "stage"]


class SproutOptions(Options):
    """Its habits."""

    batch: int = Field(2, description="what the batch is multiplied by while it is small")


@hookimpl
def artgan_architectures():
    yield Architecture(
        "sprout",
        "sprout_kit:build",
        summary="two scales",
        options="sprout_kit:SproutOptions",
        min_side=8,
        max_side=32,
    )


def stage(cur_nimg: int, total_nimg: int, batch: int = 2) -> Stage:
    """One scale for a quarter of the run; the second fades in over the next quarter."""
    passed = cur_nimg / max(total_nimg, 1)
    if passed < 0.25:
        return Stage(1, 1.0, batch)
    return Stage(2, min(1.0, (passed - 0.25) / 0.25), 1)


class _Growing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("reach", torch.zeros(()))
        self.grown: list[tuple[int, float]] = []

    def grow(self, scales: int, fade: float) -> None:
        self.grown.append((scales, fade))
        self.reach.fill_(scales - 2 + fade)

    def blend(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return what is between a coarse picture and a fine one."""
        return torch.lerp(coarse, fine, self.reach.clamp(0, 1))


class Generator(_Growing):
    """Draws a coarse and a fine picture."""

    z_dim = 5

    def __init__(self, size, channels) -> None:
        super().__init__()
        self.shape = (channels, *size)
        self.coarse = nn.Linear(5, channels * 16)
        self.fine = nn.Linear(5, channels * size[0] * size[1])

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        return psi * z

    def render(self, codes: Tensor) -> tuple[Tensor, ...]:
        coarse = self.coarse(codes).unflatten(1, (-1, 4, 4))
        coarse = functional.interpolate(coarse, self.shape[1:])
        fine = self.fine(codes).unflatten(1, self.shape)
        return (torch.tanh(self.blend(coarse, fine)),)

    def forward(self, z: Tensor) -> tuple[Tensor, ...]:
        return self.render(self.codes(z))


class Discriminator(_Growing):
    """Judges means, and tells them as its features."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels * 16, 1)

    def forward(self, pictures, *, features: bool = False):
        seen = functional.adaptive_avg_pool2d(pictures[-1], 4).flatten(1)
        logits = self.linear(seen).flatten()
        return (logits, seen) if features else logits


def build(options: SproutOptions, *, size, channels) -> Networks:
    """Return the pair, a decoder of features, and a term that needs them."""
    decoder = nn.Linear(channels * 16, channels * 16)
    seen: list[bool] = []

    def compute(batch):
        assert batch.shown_reals is not None
        target = functional.adaptive_avg_pool2d(batch.shown_reals[-1], 4).flatten(1)
        seen.append(bool(torch.equal(target, batch.real_features)))
        return {"again": (decoder(batch.real_features) - target).square().mean(1)}

    generator = Generator(size, channels)
    generator.features_seen = seen
    return Networks(
        generator,
        Discriminator(channels),
        terms=(Term("D", compute, frozenset({"reals", "features"})),),
        others={"decoder": ("D", decoder)},
        stage=lambda cur, total: stage(cur, total, options.batch),
        show_reals=lambda reals: (
            functional.avg_pool2d(reals, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
        ),
    )

"""Confetti for artgan: networks, an objective, a sampler, a picture loss. No torch at import."""

from __future__ import annotations

from collections.abc import Iterator

from artgan.api import Architecture, Loss, Objective, Sampler, hookimpl

__all__ = ["artgan_architectures", "artgan_losses", "artgan_objectives", "artgan_samplers"]


@hookimpl
def artgan_architectures() -> Iterator[Architecture]:
    """Yield the network pair."""
    yield Architecture(
        "confetti",
        "artgan_confetti.architecture:build",
        summary="soft coloured discs thrown on paper; tiny",
        options="artgan_confetti.options:ConfettiOptions",
        source="compositing: Porter and Duff 1984, Compositing Digital Images §4.3",
        min_side=8,
        max_side=128,
        channels=(1, 3),
        default_lr=1e-3,
    )


@hookimpl
def artgan_objectives() -> Iterator[Objective]:
    """Yield the adversarial loss."""
    yield Objective(
        "pearson",
        "artgan_confetti.objective:build",
        summary="Pearson chi-squared divergence: fakes are pushed down ever harder",
        source="Nowozin, Cseke and Tomioka 2016, arXiv:1606.00709 (Tables 1 and 2)",
    )


@hookimpl
def artgan_samplers() -> Iterator[Sampler]:
    """Yield the path."""
    yield Sampler(
        "lissajous",
        "artgan_confetti.sampler:build",
        summary="from key to key, swinging around the way in Lissajous figures",
        options="artgan_confetti.options:LissajousOptions",
    )


@hookimpl
def artgan_losses() -> Iterator[Loss]:
    """Yield the picture loss."""
    yield Loss(
        "palette",
        "artgan_confetti.palette:build",
        summary="colours come as often as in the style",
        options="artgan_confetti.options:PaletteOptions",
        looks_at="pixels",
    )

"""Options of the extractors. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from artgan.options import Options

__all__ = ["PatchKmeansOptions", "RandomOptions", "Vgg19Options"]


class PatchKmeansOptions(Options):
    """How wide it is, and how its filters are learnt."""

    widths: tuple[int, ...] = Field(
        (48, 96, 128, 128), min_length=1, max_length=6, description="filters of each stage"
    )
    patches: int = Field(
        4000, ge=64, le=10**6, description="patches of each picture that a stage learns from"
    )
    rounds: int = Field(8, ge=1, le=1000, description="rounds of k-means")
    flatten: float = Field(
        0.05,
        gt=0,
        le=10,
        description="what is added to the eigenvalues before whitening, in parts of their mean",
    )
    pooling: Literal["box", "binomial"] = Field(
        "binomial", description="how a stage halves: the mean of 2x2, or 4x4 binomial weights"
    )


class RandomOptions(Options):
    """How wide it is."""

    widths: tuple[int, ...] = Field(
        (48, 96, 128, 128), min_length=1, max_length=6, description="filters of each stage"
    )


class Vgg19Options(Options):
    """Where its weights are, and how it halves."""

    file: str | None = Field(
        None,
        min_length=1,
        description="the weights: vgg19-dcbb9e9d.pth as published, or a safetensors file with "
        "torchvision's names; None looks in PyTorch's cache",
    )
    download: bool = Field(
        False, description="fetch vgg19-dcbb9e9d.pth (575 MB) once, where it is not there"
    )
    pooling: Literal["max", "average"] = Field(
        "max", description="how a block halves: the largest of 2x2, as it was trained, or the mean"
    )

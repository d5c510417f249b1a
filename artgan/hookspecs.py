"""The hooks a plug-in may implement: one for each kind of component. Each returns records only."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from artgan.api import (
    Architecture,
    Augmentation,
    Callback,
    Effect,
    Extractor,
    Loss,
    Metric,
    Objective,
    Policy,
    Regularizer,
    Sampler,
    Writer,
)

__all__ = [
    "artgan_architectures",
    "artgan_objectives",
    "artgan_regularizers",
    "artgan_augmentations",
    "artgan_policies",
    "artgan_metrics",
    "artgan_losses",
    "artgan_extractors",
    "artgan_samplers",
    "artgan_effects",
    "artgan_writers",
    "artgan_callbacks",
]

hookspec = pluggy.HookspecMarker("artgan")


@hookspec
def artgan_architectures() -> Iterable[Architecture]:  # type: ignore[empty-body]
    """Return records of network pairs."""


@hookspec
def artgan_objectives() -> Iterable[Objective]:  # type: ignore[empty-body]
    """Return records of adversarial losses."""


@hookspec
def artgan_regularizers() -> Iterable[Regularizer]:  # type: ignore[empty-body]
    """Return records of further loss terms."""


@hookspec
def artgan_augmentations() -> Iterable[Augmentation]:  # type: ignore[empty-body]
    """Return records of changes to what D is shown."""


@hookspec
def artgan_policies() -> Iterable[Policy]:  # type: ignore[empty-body]
    """Return records of what watches training and acts on it."""


@hookspec
def artgan_metrics() -> Iterable[Metric]:  # type: ignore[empty-body]
    """Return records of measures of pictures."""


@hookspec
def artgan_losses() -> Iterable[Loss]:  # type: ignore[empty-body]
    """Return records of losses of pictures."""


@hookspec
def artgan_extractors() -> Iterable[Extractor]:  # type: ignore[empty-body]
    """Return records of feature networks."""


@hookspec
def artgan_samplers() -> Iterable[Sampler]:  # type: ignore[empty-body]
    """Return records of paths through latents."""


@hookspec
def artgan_effects() -> Iterable[Effect]:  # type: ignore[empty-body]
    """Return records of changes to finished pictures."""


@hookspec
def artgan_writers() -> Iterable[Writer]:  # type: ignore[empty-body]
    """Return records of file formats."""


@hookspec
def artgan_callbacks() -> Iterable[Callback]:  # type: ignore[empty-body]
    """Return records of what is told while a run trains."""

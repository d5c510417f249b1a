"""What a run trains, built from its settings: networks, terms, augmentations. Trains nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from artgan.api import (
    Adversarial,
    Architecture,
    Augmentation,
    Batch,
    Metric,
    Networks,
    Objective,
    Phase,
    Regularizer,
    ShapeError,
    Term,
)
from artgan.latents import derive
from artgan.plugins import blaming
from artgan.pull import Pull
from artgan.records import noun
from artgan.screen import safe

if TYPE_CHECKING:
    from artgan.api import Augment
    from artgan.config import TrainConfig
    from artgan.plugins import Entry
    from artgan.registry import Registry

__all__ = ["Parts", "build_networks", "build_parts"]


@dataclasses.dataclass
class Parts:
    """What a run trains, and by what.

    Attributes:
        entry: the architecture's.
        networks: its networks.
        objective: the adversarial loss, None where there is no discriminator.
        terms: those of each phase; the objective's own comes first.
        augments: what D is shown goes through these, in order, each with its entry.
        suppliers: component -> the plug-in and version that supplied it.
    """

    entry: Entry
    networks: Networks
    objective: Adversarial | None
    terms: dict[Phase, list[Term]]
    augments: list[tuple[Entry, Augment]]
    suppliers: dict[str, str]

    def supplied(self, entry: Entry) -> None:
        """Note who supplied a component."""
        name = f"{entry.record.kind}.{entry.record.name}"
        self.suppliers[name] = entry.plugin.supplier


def build_networks(registry: Registry, config: TrainConfig) -> tuple[Entry, Networks]:
    """Return an architecture's entry and its networks, their weights drawn from the run's seed.

    Raises:
        ComponentError: the architecture is unknown or cannot be built.
        ShapeError: it breaks its contract.
    """
    assert config.arch is not None, "the config is not resolved"
    entry, options = registry.configure(Architecture.kind, config.arch, config.components)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(config.seed, "weights"))
        networks = registry.build(entry, options, size=config.side, channels=config.channels)
    where = f"architecture '{safe(entry.qualified)}'"
    if not isinstance(networks, Networks):
        raise ShapeError(f"{where} built a {type(networks).__name__}: expected Networks")
    adversarial = getattr(entry.record, "adversarial", True)
    if adversarial != (networks.discriminator is not None):
        has = "no discriminator" if networks.discriminator is None else "a discriminator"
        raise ShapeError(f"{where} built {has}, but its record says adversarial={adversarial}")
    z_dim = getattr(networks.generator, "z_dim", None)
    if not isinstance(z_dim, int) or z_dim < 1:
        raise ShapeError(f"{where}: its generator has no z_dim, the length of a latent")
    return entry, networks


def build_parts(registry: Registry, config: TrainConfig) -> Parts:
    """Return all that a run's settings name, built.

    Raises:
        ComponentError, ShapeError: see `build_networks`; also for the other components.
    """
    entry, networks = build_networks(registry, config)
    objective: Adversarial | None = None
    terms: list[Term] = []
    entries = [entry]
    if networks.discriminator is not None:
        chosen, objective = _built(registry, Objective.kind, config.objective, config, Adversarial)
        terms = [_blamed(chosen, objective.discriminator), _blamed(chosen, objective.generator)]
        entries.append(chosen)
    for name in config.regularizers or ():
        own, term = _built(registry, Regularizer.kind, name, config, Term)
        terms.append(_blamed(own, term))
        entries.append(own)
    terms += [_blamed(entry, term) for term in networks.terms]
    if config.losses:
        pull = Pull(config, registry)
        terms.append(pull.term())
        entries += pull.entries
    augments = []
    for name in config.augmentations or ():
        own, augment = _built(registry, Augmentation.kind, name, config, None)
        augments.append((own, augment))
        entries.append(own)
    by_phase: dict[Phase, list[Term]] = {
        "D": [term for term in terms if term.phase == "D"],
        "G": [term for term in terms if term.phase == "G"],
    }
    entries += [registry.find(Metric.kind, name) for name in config.metrics]
    parts = Parts(entry, networks, objective, by_phase, augments, {})
    for each in entries:
        parts.supplied(each)
    return parts


def _built(
    registry: Registry, kind: str, name: str, config: TrainConfig, wanted: type[Any] | None
) -> tuple[Entry, Any]:
    """Return a component of the settings and what it builds, once that is of the right type."""
    entry, options = registry.configure(kind, name, config.components)
    built = registry.build(entry, options)
    fits = callable(built) if wanted is None else isinstance(built, wanted)
    if not fits:
        expected = "a function" if wanted is None else wanted.__name__
        raise ShapeError(
            f"{noun(kind)} '{safe(entry.qualified)}' built a {type(built).__name__}: "
            f"expected {expected}"
        )
    return entry, built


def _blamed(entry: Entry, term: Term) -> Term:
    """Return a term whose failures name the component that it is of."""

    def compute(batch: Batch) -> Mapping[str, Tensor]:
        with blaming(entry):
            return term.compute(batch)

    return dataclasses.replace(term, compute=compute)

"""What is checked of a component's options, and of what its record says of them."""

from __future__ import annotations

from typing import get_args

from artgan.api import Architecture, ConfigError, Extractor, Metric, Regularizer, Writer
from artgan.plugins import Entry
from artgan.registry import Registry
from artgan.testing.expect import ContractError, expect

__all__ = ["check_options", "check_presets"]

WEIGHTS = {"file": str, "download": bool}
"""Options of an extractor whose weights are a published file."""


def check_options(registry: Registry, entry: Entry, where: str) -> None:
    """Check that an options model is frozen, closed and full of defaults."""
    model = registry.options_model(entry)
    if model is None:
        return
    hint = "derive it from artgan.options.Options"
    expect(bool(model.model_config.get("frozen")), f"{where}: its options can change; {hint}")
    expect(
        model.model_config.get("extra") == "forbid",
        f"{where}: its options accept unknown names; {hint}",
    )
    for name, field in model.model_fields.items():
        expect(not field.is_required(), f"{where}: option '{name}' has no default, expected one")
        expect(bool(field.description), f"{where}: option '{name}' has no description")


def check_presets(registry: Registry, entry: Entry, where: str) -> None:
    """Check that a record sets and names options that there are, to values that they take."""
    record = entry.record
    sets: dict[str, tuple[tuple[str, object], ...]] = {}
    if isinstance(record, Architecture):
        sets = {"on_cpu": record.on_cpu, "on_gpu": record.on_gpu, "before": record.before}
    elif isinstance(record, Metric):
        sets = {"quick": record.quick}
    elif isinstance(record, Writer):
        sets = {f"step {number} of smaller": step for number, step in enumerate(record.smaller, 1)}
    for field, given in sets.items():
        try:
            registry.options(entry, dict(given))
        except ConfigError as error:
            raise ContractError(f"{where}: its {field} is refused: {error}") from error
    model = registry.options_model(entry)
    fields = {} if model is None else model.model_fields
    if isinstance(record, Regularizer) and record.strength:
        expect(
            record.strength in fields,
            f"{where}: its strength is '{record.strength}', expected the name of an option",
        )
    if isinstance(record, Extractor) and record.weights:
        for name, kind in WEIGHTS.items():
            found = fields[name].annotation if name in fields else None
            expect(
                kind in {found, *get_args(found)},
                f"{where}: it has weights, but no option '{name}' of type {kind.__name__}",
            )

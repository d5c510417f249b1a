"""Every component that comes with artgan keeps the contract of its kind."""

from __future__ import annotations

import pytest

from artgan.registry import Registry
from artgan.testing import check_component, check_plugins, components

REGISTRY = Registry(entry_points=())


def test_the_built_in_plugins_have_no_problems():
    check_plugins(REGISTRY)


@pytest.mark.parametrize(
    "entry", components(REGISTRY), ids=lambda entry: f"{entry.record.kind}-{entry.record.name}"
)
def test_contract(entry):
    check_component(REGISTRY, entry)

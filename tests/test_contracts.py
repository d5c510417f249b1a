"""Every component that comes with artgan keeps the contract of its kind."""

from __future__ import annotations

import pytest
from helpers import ROOT

from artgan.api import KINDS
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


@pytest.mark.parametrize("kind", KINDS)
def test_every_hook_has_members_and_every_member_a_test(kind):
    """A hook without a member is a guess; a member that no test names is untried."""
    entries = REGISTRY.entries(kind)
    assert entries
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / kind).glob("test_*.py")]
    assert texts
    for entry in entries:
        module = entry.record.target.partition(":")[0]
        short = module.rpartition(".")[2]
        names = (entry.record.name, module, f"import {short}")
        assert any(name in text for name in names for text in texts), entry.record.name

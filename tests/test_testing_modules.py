"""What the contract tests find of the modules that every command imports."""

from __future__ import annotations

import pytest
from helpers import plugin_source

from artgan.testing import ContractError, check_component, importing, isolated_registry

OPTIONS = """
    from artgan.options import Options
    {first}
    class Mine(Options):
        pass
    """


def complaint(known, name):
    with pytest.raises(ContractError) as caught:
        check_component(known, name)
    return str(caught.value)


def test_torch_is_found_where_it_is_imported(strangers):
    source = plugin_source("mine", kind="effect", more=", options='mine_options:Mine'")
    strangers(
        "artgan-mine", {"mine": source, "mine_options": OPTIONS.format(first="import torch.nn")}
    )
    assert complaint(isolated_registry("mine"), "effects/mine") == (
        "effect 'mine': the module of its options, mine_options, imports torch, which every "
        "command would wait for: expected torch in the module that the record's target names, or "
        "inside functions"
    )


def test_a_slow_import_is_named(strangers, monkeypatch):
    monkeypatch.setattr(importing, "SLOW_S", 0.15)
    slow = "import heavy_package\n" + plugin_source("slow", kind="effect")
    strangers("artgan-slow", {"slow": slow, "heavy_package": "import time\ntime.sleep(0.4)\n"})
    found = complaint(isolated_registry("slow"), "effects/slow")
    assert found.startswith("effect 'slow': the module of its record, slow, takes 0.")
    assert found.endswith(
        " s to import, expected at most 0.15 s, most of it in the import of heavy_package: import "
        "that inside functions"
    )


def test_what_cannot_be_imported_afresh_is_said(strangers, monkeypatch):
    source = "import os\nos.environ['ONLY_HERE']\n" + plugin_source("here", kind="effect")
    strangers("artgan-here", {"here": source})
    monkeypatch.setenv("ONLY_HERE", "1")
    known = isolated_registry("here")
    monkeypatch.delenv("ONLY_HERE")
    assert complaint(known, "effects/here") == (
        "effect 'here': its modules cannot be imported afresh: KeyError: 'ONLY_HERE'"
    )


def test_a_second_look_tells_a_busy_machine_from_a_slow_module(strangers, monkeypatch):
    strangers("artgan-quick", {"quick": plugin_source("quick", kind="effect")})
    known = isolated_registry("quick")
    (entry,) = known.entries("effects")
    busy = {"quick": {"quick": (30.0, False)}}
    monkeypatch.setattr(importing, "_imported", lambda *_: busy)
    importing.check_imports(known, entry, "it")

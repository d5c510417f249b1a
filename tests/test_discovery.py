"""Which plug-ins are let in: by name or package, alone or all but some."""

from __future__ import annotations

import pytest
from helpers import plugin_source

from artgan.api import ConfigError
from artgan.cli.app import run
from artgan.discovery import Found, look
from artgan.registry import Registry

COMMANDS = {"hello": "wave_plugin:app"}


@pytest.fixture
def four(plugin_folder, strangers, monkeypatch):
    """Three packages, one of which brings commands alone, and a module in a folder."""
    strangers("artgan-wave", {"wave_plugin": plugin_source("wave")}, commands=COMMANDS)
    strangers("artgan-net", {"a_net": plugin_source("net"), "b_net": plugin_source("more")},
              {"a_net": "a_net", "b_net": "b_net"}, commands={"nets": "a_net:app"})  # fmt: skip
    strangers("artgan-tool", {"tool": ""}, {}, commands={"tool": "tool:app"})
    folder = plugin_folder("mine", {"my_loss.py": plugin_source("own")})
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", str(folder))


def on():
    found = look()
    return (
        [c.name for c in found.plugins if not c.off],
        [c.name for c in found.commands if not c.off],
    )


ALL = (["a_net", "b_net", "wave_plugin", "my_loss"], ["hello", "nets", "tool"])


def test_everything_is_found_in_order_packages_before_folders(four):
    assert on() == ALL
    loaded = [(p.name, p.status) for p in Registry().plugins[1:]]
    assert loaded == [(name, "ok") for name in ALL[0]]


SELECTIONS = {
    "a plug-in alone": ("ARTGAN_PLUGINS", "wave_plugin", ["wave_plugin"], ["hello"]),
    "a package alone": ("ARTGAN_PLUGINS", "Artgan_Net", ["a_net", "b_net"], ["nets"]),
    "two of them": ("ARTGAN_PLUGINS", "b_net, local", ["b_net", "my_loss"], ["nets"]),
    "one without plug-ins": ("ARTGAN_PLUGINS", "artgan-tool", [], ["tool"]),
    "none": ("ARTGAN_PLUGINS", "", [], []),
    "all but a package": (
        "ARTGAN_NO_PLUGIN", "artgan-net", ["wave_plugin", "my_loss"], ["hello", "tool"],
    ),
    "all but one of a package": (
        "ARTGAN_NO_PLUGIN", "a-net", ["b_net", "wave_plugin", "my_loss"], ALL[1],
    ),
    "all but both of a package": (
        "ARTGAN_NO_PLUGIN", "a_net b_net", ["wave_plugin", "my_loss"], ["hello", "tool"],
    ),
    "all but folders": ("ARTGAN_NO_PLUGIN", "local", ALL[0][:3], ALL[1]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("variable", "value", "plugins", "commands"), SELECTIONS.values(), ids=SELECTIONS
)
def test_what_is_let_in(four, monkeypatch, variable, value, plugins, commands):
    monkeypatch.setenv(variable, value)
    assert on() == (plugins, commands)
    loaded = [p.name for p in Registry().plugins if p.components and not p.built_in]
    assert loaded == plugins


def test_nothing_is_looked_at_where_none_is_wanted(strangers, monkeypatch):
    info = strangers("artgan-torn", {"torn": plugin_source("torn")})
    (info / "entry_points.txt").write_bytes(b"\xff\xfe")
    assert isinstance(look().problem, UnicodeDecodeError)
    monkeypatch.setenv("ARTGAN_PLUGINS", "")
    assert look() == Found([], [])


def test_what_is_left_out_is_not_imported(strangers, monkeypatch):
    strangers("artgan-bad", {"bad": "raise SystemExit('imported')"})
    monkeypatch.setenv("ARTGAN_NO_PLUGIN", "bad")
    (plugin,) = Registry().plugins[1:]
    assert (plugin.name, plugin.status, plugin.problems) == ("bad", "off", [])


KNOWN = "known: a_net, artgan-net, artgan-tool, artgan-wave, b_net, local, my_loss, wave_plugin"
REFUSED = {
    "unknown": ("wave_plugn", f"there is no such plug-in: did you mean 'wave_plugin'? {KNOWN}"),
    "built in": ("artgan", "it comes with artgan and cannot be left out"),
    "built in too": ("artgan_plugins", "it comes with artgan and cannot be left out"),
}


@pytest.mark.parametrize(("name", "why"), REFUSED.values(), ids=REFUSED)
def test_a_name_that_cannot_be_left_out_is_refused(four, capsys, name, why):
    assert run(["--no-plugin", name, "runs"]) == 2
    assert capsys.readouterr() == ("", f"artgan: --no-plugin {name}: {why}\n")


def test_an_unknown_name_alone_is_refused(four, monkeypatch):
    monkeypatch.setenv("ARTGAN_PLUGINS", "wave_plugin,xyz")
    with pytest.raises(ConfigError) as caught:
        Registry()
    assert str(caught.value) == f"ARTGAN_PLUGINS names 'xyz', which is no plug-in here: {KNOWN}"

"""Strangers' plug-ins, good and bad: each fault is named in one line and costs nothing else."""

from __future__ import annotations

import json

import pytest
from helpers import plugin_source
from PIL import Image

import artgan.registry
from artgan.api import KINDS, ComponentError, ConfigError, PluginError
from artgan.cli.app import run
from artgan.plugins import import_object
from artgan.registry import Registry, registry

HOOKS = ", ".join(sorted(record.hook for record in KINDS.values()))
GOOD = plugin_source("wave")


def faults(capsys):
    """Return what `plugins list --json` says on stderr, once it has exited 0 with clean JSON."""
    assert run(["plugins", "list", "--json"]) == 0
    out, err = capsys.readouterr()
    listing = json.loads(out)
    names = {component["name"] for component in listing["components"]}
    assert {"dcgan", "hinge", "r1", "slerp", "gif"} <= names
    return err.splitlines(), listing


def test_a_good_stranger_is_found(strangers, capsys):
    strangers("artgan-wave", {"wave_plugin": GOOD}, version="2.1")
    lines, listing = faults(capsys)
    assert lines == []
    entry = registry().find("samplers", "wave")
    assert entry.qualified == "artgan-wave:wave"
    assert entry.plugin.status == "ok"
    assert listing["plugins"][-1]["distribution"] == "artgan-wave"
    assert listing["plugins"][-1]["version"] == "2.1"


def test_plugins_load_in_order_of_their_names(strangers):
    for name in ("zz", "aa", "mm"):
        strangers(f"artgan-{name}", {f"plugin_{name}": plugin_source(name)})
    names = [plugin.name for plugin in registry().plugins]
    assert names == ["artgan_plugins", "plugin_aa", "plugin_mm", "plugin_zz"]


def test_no_plugins_leaves_the_built_in_ones(strangers, capsys, monkeypatch):
    strangers("artgan-bad", {"bad": "raise RuntimeError('boom')"})
    monkeypatch.setenv("ARTGAN_PLUGINS", "")
    lines, listing = faults(capsys)
    assert lines == []
    assert [plugin["name"] for plugin in listing["plugins"]] == ["artgan_plugins"]


TWICE = """
from artgan.api import Sampler, hookimpl
@hookimpl
def artgan_samplers():
    return [Sampler("twice", "m:f"), Sampler("twice", "m:g")]
"""

BROKEN = {
    "raises at import": (
        "raise RuntimeError('boom\\nand more')",
        "it could not be imported: RuntimeError: boom and more",
    ),
    "needs what is not there": (
        "import no_such_package",
        "it could not be imported: ModuleNotFoundError: No module named 'no_such_package'",
    ),
    "is no Python": (
        "def f(:\n    pass",
        "it could not be imported: SyntaxError: invalid syntax (bad.py, line 1)",
    ),
    "exits at import": ("import sys; sys.exit(3)", "it could not be imported: SystemExit: 3"),
    "tries to move the cursor": (
        "raise RuntimeError('\\x1b[2J\\u202e')",
        "it could not be imported: RuntimeError: \\x1b[2J\\u202e",
    ),
    "implements nothing": ("x = 1", "it implements no hook of artgan"),
    "misspells its only hook": (
        GOOD.replace("artgan_samplers", "artgan_sampler"),
        "it implements a hook 'artgan_sampler' that does not exist; did you mean "
        f"'artgan_samplers'? known: {HOOKS}",
    ),
    "has a hook that raises": (
        GOOD.replace("return", "raise ValueError('no'); return"),
        "its hook 'artgan_samplers' failed: ValueError: no",
    ),
    "has a hook that exits": (
        GOOD.replace("return", "raise SystemExit; return"),
        "its hook 'artgan_samplers' failed: SystemExit",
    ),
    "uses what a later artgan may have": (
        plugin_source("wave", more=", colour='red'"),
        "its hook 'artgan_samplers' failed: TypeError: Sampler.__init__() got an unexpected "
        "keyword argument 'colour'; a record of Sampler has no 'colour' (did you mean 'source'? "
        "known: aliases, api, closed, keyed, max_keys, min_keys, name, needs, options, source, "
        "spaces, summary, target), unless it was written for a newer artgan",
    ),
    "is of an older time": (
        plugin_source("wave", more=", api=0"),
        "'wave' was written for plug-in API 0, this artgan has 1: install a newer version of it",
    ),
    "has a former name that is none": (
        plugin_source("wave", more=", aliases='old'"),
        "'wave' has aliases 'old', expected former names",
    ),
    "returns nothing": (
        GOOD.replace("return", "None #"),
        "its hook 'artgan_samplers' failed: TypeError: 'NoneType' object is not iterable",
    ),
    "returns text": (
        GOOD.replace("return", "return ['wave'] #"),
        "its hook 'artgan_samplers' returned a str, expected Sampler records",
    ),
    "returns another kind": (
        GOOD.replace("import Sampler", "import Objective as Sampler"),
        "its hook 'artgan_samplers' returned a Objective, expected Sampler records",
    ),
    "has a name in capitals": (
        plugin_source("My_Wave"),
        "its hook 'artgan_samplers' names a component 'My_Wave', expected kebab-case",
    ),
    "is of another time": (
        plugin_source("wave", more=", api=2"),
        "'wave' was written for plug-in API 2, this artgan has 1: install a newer artgan, or an "
        "older version of it",
    ),
    "has a target that is none": (
        plugin_source("wave", target="here"),
        "'wave' has target 'here', expected 'module:Attribute', or ':Attribute' of its own module",
    ),
    "has a field of another type": (
        plugin_source("wave", more=", spaces=None"),
        "'wave' has spaces None, expected tuple[str, ...]",
    ),
    "has text where there are several": (
        plugin_source("wave", more=", needs='mean'"),
        "'wave' has needs 'mean', expected tuple[str, ...]",
    ),
    "has options that are none": (
        plugin_source("wave", more=", options=3"),
        "'wave' has options 3, expected 'module:Attribute', or ':Attribute' of its own module",
    ),
}


@pytest.mark.parametrize(("source", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_broken_stranger_is_named_and_the_rest_works(strangers, capsys, source, problem):
    strangers("artgan-bad", {"bad": source})
    lines, listing = faults(capsys)
    assert lines == [f"artgan: plug-in 'bad' (artgan-bad 1.0): {problem}"]
    assert listing["plugins"][-1]["status"] == "broken"
    assert listing["plugins"][-1]["problems"] == [problem]
    registry.cache_clear()
    assert run(["--help"]) == 0


def test_a_hook_that_wants_arguments_is_named(strangers, capsys):
    strangers("artgan-bad", {"bad": GOOD.replace("artgan_samplers()", "artgan_samplers(config)")})
    (line,), listing = faults(capsys)
    assert line.startswith(
        "artgan: plug-in 'bad' (artgan-bad 1.0): it could not be registered: PluginValidationError:"
    )
    assert listing["plugins"][-1]["status"] == "broken"


def test_a_misspelt_hook_leaves_the_others_working(strangers, capsys):
    more = "\n@hookimpl\ndef artgan_writer():\n    return []\n"
    strangers("artgan-typo", {"typo": GOOD + more})
    lines, listing = faults(capsys)
    assert lines == [
        "artgan: plug-in 'typo' (artgan-typo 1.0): it implements a hook 'artgan_writer' that does "
        f"not exist; did you mean 'artgan_writers'? known: {HOOKS}"
    ]
    assert listing["plugins"][-1]["status"] == "faulty"
    assert registry().find("samplers", "wave").plugin.name == "typo"


def test_a_name_given_twice_is_used_once(strangers, capsys):
    strangers("artgan-twice", {"twice": TWICE})
    lines, _ = faults(capsys)
    assert lines == [
        "artgan: plug-in 'twice' (artgan-twice 1.0): it supplies sampler 'twice' twice; the first "
        "is used"
    ]
    assert registry().find("samplers", "twice").record.target == "m:f"


def test_what_a_plugin_prints_goes_to_stderr(strangers, capsys):
    strangers("artgan-loud", {"loud": "print('hello')\n" + GOOD})
    lines, _ = faults(capsys)
    assert lines == ["hello"]


def test_a_slow_import_is_named(strangers, capsys, monkeypatch):
    monkeypatch.setattr(artgan.registry, "SLOW_IMPORT_S", -1.0)
    strangers("artgan-slow", {"slow": GOOD})
    lines, listing = faults(capsys)
    assert lines == [
        "artgan: plug-in 'slow' (artgan-slow 1.0): its import took 0 s: heavy packages should come "
        "late"
    ]
    assert listing["plugins"][-1]["status"] == "faulty"
    assert registry().find("samplers", "wave")


def test_a_package_without_its_metadata_is_named_after_its_module(strangers, capsys):
    info = strangers("artgan-torn", {"torn": GOOD})
    (info / "METADATA").unlink()
    lines, listing = faults(capsys)
    assert lines == []
    assert listing["plugins"][-1]["distribution"] == "torn"
    assert registry().find("samplers", "torn:wave")


def test_a_package_whose_metadata_is_no_text_is_named_after_its_module(strangers, capsys):
    info = strangers("artgan-torn", {"torn": GOOD})
    (info / "METADATA").write_bytes(b"Name: artgan-torn\nAuthor: J\xff")
    lines, listing = faults(capsys)
    assert lines == []
    assert listing["plugins"][-1]["distribution"] == "torn"
    assert run(["--help"]) == 0


ENTRIES = {
    "says no module": (
        {"torn": "./torn"},
        "artgan: plug-in 'torn' (artgan-torn 1.0): its entry point is './torn', expected the "
        "module with its hooks, such as 'artgan_mine'",
    ),
    "says one module twice": (
        {"torn": "torn", "two": "torn"},
        "artgan: plug-in 'two' (artgan-torn 1.0): its module is that of 'artgan-torn:torn', which "
        "is there already",
    ),
    "names what comes with artgan": (
        {"torn": "artgan_plugins"},
        "artgan: plug-in 'torn' (artgan-torn 1.0): its module is that of 'artgan:artgan_plugins', "
        "which is there already",
    ),
}


@pytest.mark.parametrize(("entry_points", "line"), ENTRIES.values(), ids=ENTRIES)
def test_an_entry_point_that_is_none_is_named(strangers, capsys, entry_points, line):
    strangers("artgan-torn", {"torn": GOOD}, entry_points)
    lines, listing = faults(capsys)
    assert lines == [line]
    assert listing["plugins"][-1]["status"] == "broken"


def test_entry_points_that_cannot_be_read_turn_plugins_off(strangers, capsys):
    strangers("artgan-wave", {"wave_plugin": GOOD})
    info = strangers("artgan-torn", {"torn": GOOD})
    (info / "entry_points.txt").write_bytes(b"[artgan]\ntorn = \xff\xfe")
    (line,), listing = faults(capsys)
    assert line.startswith(
        "artgan: plug-ins are off, the list of what is installed is damaged: UnicodeDecodeError:"
    )
    assert [plugin["name"] for plugin in listing["plugins"]] == ["artgan_plugins"]


def test_faults_are_said_once(strangers, capsys):
    strangers("artgan-bad", {"bad": "raise RuntimeError('boom')"})
    faults(capsys)
    registry()
    assert capsys.readouterr() == ("", "")


# Clashes


def test_two_strangers_with_one_name_are_both_off_until_one_is_chosen(strangers, capsys):
    strangers("artgan-east", {"east": plugin_source("wave", target="e:f")})
    strangers("artgan-west", {"west": plugin_source("wave", target="w:f")})
    lines, listing = faults(capsys)
    assert lines == [
        "artgan: plug-in 'east' (artgan-east 1.0): its sampler 'wave' clashes with "
        "artgan-west:wave: neither is used unless you write 'artgan-east:wave'",
        "artgan: plug-in 'west' (artgan-west 1.0): its sampler 'wave' clashes with "
        "artgan-east:wave: neither is used unless you write 'artgan-west:wave'",
    ]
    written = {c["write"]: c["status"] for c in listing["components"] if c["name"] == "wave"}
    assert written == {"artgan-east:wave": "clash", "artgan-west:wave": "clash"}

    assert run(["plugins", "show", "wave"]) == 2
    assert capsys.readouterr().err == (
        "artgan: component 'wave' is claimed by several plug-ins: write 'artgan-east:wave' or "
        "'artgan-west:wave'\n"
    )
    with pytest.raises(ComponentError, match="^sampler 'wave' is claimed by several plug-ins"):
        registry().find("samplers", "wave")
    assert registry().find("samplers", "artgan-east:wave").record.target == "e:f"
    assert registry().find("samplers", "Artgan_West:wave").record.target == "w:f"


def test_a_built_in_is_never_shadowed(strangers, capsys):
    strangers("artgan-pushy", {"pushy": plugin_source("slerp", target="p:f")})
    lines, _ = faults(capsys)
    assert lines == [
        "artgan: plug-in 'pushy' (artgan-pushy 1.0): its sampler 'slerp' clashes with "
        "artgan:slerp: the one that comes with artgan is used unless you write "
        "'artgan-pushy:slerp'"
    ]
    assert registry().find("samplers", "slerp").plugin.built_in
    assert registry().find("samplers", "artgan:slerp").plugin.built_in
    assert registry().find("samplers", "artgan-pushy:slerp").record.target == "p:f"
    assert "artgan-pushy:slerp" in registry().names("samplers")


def test_one_name_in_two_kinds_is_no_clash(strangers, capsys):
    strangers("artgan-wave", {"waves": GOOD}, {"waves": "waves"})
    strangers("artgan-more", {"more": plugin_source("wave", kind="objective")})
    lines, _ = faults(capsys)
    assert lines == []
    assert [e.record.kind for e in registry().find_any("wave")] == ["objectives", "samplers"]


# Finding and using


def test_an_unknown_name_gets_the_nearest_and_the_list():
    with pytest.raises(ComponentError) as caught:
        Registry(entry_points=()).find("samplers", "slrep")
    assert str(caught.value) == (
        "no sampler 'slrep': did you mean 'slerp'? known: circle, direction, drift, lerp, slerp, "
        "spline, truncation"
    )
    assert caught.value.exit_code == 2


def test_an_unknown_distribution_is_an_unknown_name():
    with pytest.raises(ComponentError) as caught:
        Registry(entry_points=()).find("samplers", "nobody:slerp")
    assert str(caught.value) == (
        "no sampler 'nobody:slerp': no plug-in of nobody is here: install it, or give the folder "
        "that it is in with --plugins-dir"
    )


def test_a_target_that_cannot_be_imported_ends_what_asked_for_it(strangers):
    strangers("artgan-wave", {"wave_plugin": plugin_source("wave", target="no_such_module:f")})
    entry = registry().find("samplers", "wave")
    with pytest.raises(PluginError) as caught:
        registry().target(entry)
    assert str(caught.value) == (
        "sampler 'artgan-wave:wave' cannot be loaded: its target no_such_module:f failed: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    )
    assert caught.value.exit_code == 1


def test_asking_for_a_component_that_cannot_be_imported_is_1(strangers, capsys, tmp_path):
    source = plugin_source("net", kind="architecture", target="no_such_module:f")
    strangers("artgan-net", {"net_plugin": source})
    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.png")
    arguments = "--arch net --size 16 --kimg 0.1 --batch 2 --out".split()
    assert run(["train", str(tmp_path), *arguments, str(tmp_path / "runs")]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "artgan: architecture 'artgan-net:net' cannot be loaded: its target no_such_module:f "
        "failed: ModuleNotFoundError: No module named 'no_such_module'"
    )


def test_a_target_that_raises_names_its_plugin(strangers):
    source = plugin_source("wave", target="wave_plugin:build")
    strangers("artgan-wave", {"wave_plugin": source + "\ndef build(options):\n    return 1 / 0\n"})
    with pytest.raises(PluginError) as caught:
        registry().build(registry().find("samplers", "wave"), None)
    assert str(caught.value) == (
        "sampler 'artgan-wave:wave' could not be built: ZeroDivisionError: division by zero"
    )


def test_options_that_are_no_model_end_what_asked_for_them(strangers, capsys):
    source = plugin_source("wave", more=", options='wave_plugin:Options'")
    strangers("artgan-wave", {"wave_plugin": source + "\nclass Options:\n    pass\n"})
    assert run(["plugins", "show", "wave"]) == 1
    assert capsys.readouterr().err == (
        "artgan: sampler 'artgan-wave:wave' cannot be loaded: its options wave_plugin:Options are "
        "no pydantic model: derive them from artgan.options.Options\n"
    )


def test_options_are_checked_with_the_name_of_the_table():
    known = Registry(entry_points=())
    entry = known.find("architectures", "dcgan")
    with pytest.raises(ConfigError) as caught:
        known.options(entry, {"z_dmi": 3})
    assert str(caught.value).startswith(
        "architectures.dcgan.z_dmi is not a setting: did you mean 'z_dim'? known: "
    )
    assert known.options(entry, {"z_dim": 8}).z_dim == 8


def test_a_former_name_finds_a_component_where_it_is_nobodys(strangers):
    more = ", aliases=('ripple', 'surf', 'slerp'), options='artgan_plugins.samplers.options:Drift'"
    strangers("artgan-wave", {"wave_plugin": plugin_source("wave", more=more)})
    strangers("artgan-surf", {"surf_plugin": plugin_source("surf")})
    known = registry()
    wave, surf = known.find("samplers", "wave"), known.find("samplers", "surf")
    assert known.find("samplers", "ripple") is known.find("samplers", "artgan-wave:ripple") is wave
    assert known.find("samplers", "surf") is surf
    assert known.find("samplers", "artgan-wave:surf") is wave
    assert known.find("samplers", "slerp").plugin.built_in
    assert "ripple" not in known.names("samplers")
    tables = {
        "wave": {"b": 2},
        "ripple": {"a": 1, "b": 1},
        "surf": {"a": 3},
        "artgan-wave:wave": {"c": 3},
        "artgan-wave:surf": {"c": 0, "d": 4},
    }
    seen = {}
    known.options = lambda entry, table: seen.update(table)
    known.configure("samplers", "wave", {"samplers": tables})
    assert seen == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_options_for_one_without_any_are_refused():
    known = Registry(entry_points=())
    with pytest.raises(ConfigError) as caught:
        known.options(known.find("objectives", "hinge"), {"margin": 2})
    assert str(caught.value) == "objectives.hinge has no options, but 'margin' was set"


def test_configure_lays_a_qualified_table_over_a_bare_one():
    tables = {
        "architectures": {
            "dcgan": {"z_dim": 8, "base_channels": 4},
            "artgan:dcgan": {"z_dim": 9},
        }
    }
    _, options = Registry(entry_points=()).configure("architectures", "dcgan", tables)
    assert (options.z_dim, options.base_channels) == (9, 4)


def test_a_dotted_attribute_is_found():
    assert import_object("pathlib:Path.home")() == import_object("pathlib:Path").home()

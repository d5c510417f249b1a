"""Plug-ins that are only modules in a folder: real modules, in this process and in its children."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from helpers import plugin_source

from artgan.api import ComponentError, PathError, PluginError
from artgan.cli.app import run
from artgan.registry import Registry, registry
from artgan.testing import check_component, check_plugins

WAVE = """
    from __future__ import annotations

    from dataclasses import dataclass

    from pydantic import Field

    from artgan.api import Sampler, hookimpl
    from artgan.options import Options

    from ._heights import scaled

    class WaveOptions(Options):
        swing: float = Field(1.0, description="how far")

    @dataclass(frozen=True)
    class Wave:
        swing: float
        label: str | None = None

        def __call__(self, keys, u):
            return keys[:1] + scaled(0 * u, self.swing)[:, None]

    def build(options):
        return Wave(options.swing)

    def doubled(wave):
        return Wave(2 * wave.swing, __name__)

    @hookimpl
    def artgan_samplers():
        yield Sampler("wave", ":build", options=".:WaveOptions", summary="to and fro",
                      keyed=False)
"""
HEIGHTS = """
    def scaled(u, swing):
        return u * swing
"""


@pytest.fixture
def waves(plugin_folder, monkeypatch):
    folder = plugin_folder("mine", {"my_wave.py": WAVE, "_heights.py": HEIGHTS, "notes.txt": "x"})
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", str(folder))
    return folder


def listed(capsys, *flags):
    """Return what `artgan FLAGS plugins list --json` says of strangers, and its stderr's lines."""
    assert run([*flags, "plugins", "list", "--json"]) == 0
    out, err = capsys.readouterr()
    plugins = json.loads(out)["plugins"]
    return {p["name"]: p for p in plugins if not p["built_in"]}, err.splitlines()


def test_the_flag_finds_a_module(waves, capsys, monkeypatch):
    monkeypatch.delenv("ARTGAN_PLUGINS_DIR")
    found, err = listed(capsys, "--plugins-dir", str(waves))
    assert err == []
    assert {**found.pop("my_wave"), "import_ms": 0} == {
        "name": "my_wave",
        "distribution": "local",
        "version": "",
        "built_in": False,
        "status": "ok",
        "components": 1,
        "import_ms": 0,
        "file": str(waves / "my_wave.py"),
        "problems": [],
    }
    assert found == {}
    assert "ARTGAN_PLUGINS_DIR" not in os.environ  # for that one command only
    assert listed(capsys) == ({}, [])


def test_a_component_of_a_folder_is_found_built_and_keeps_its_contract(waves):
    known = registry()
    entry = known.find("samplers", "wave")
    assert entry.record.target == "artgan.local_plugins.my_wave:build"
    assert entry.record.options == "artgan.local_plugins.my_wave:WaveOptions"
    assert entry.qualified == "my_wave:wave"
    assert entry.plugin.supplier == "local my_wave"
    for name in ("my_wave:wave", "local:wave", "My-Wave:wave"):
        assert known.find("samplers", name) is entry
    assert known.options(entry, {"swing": 3}).swing == 3
    check_plugins(known)
    check_component(known, entry)


def test_what_it_builds_can_be_pickled_and_sent_to_a_spawned_process(waves):
    known = registry()
    entry = known.find("samplers", "wave")
    built = known.build(entry, known.options(entry, {"swing": 3}))
    assert pickle.loads(pickle.dumps(built)) == built
    module = sys.modules["artgan.local_plugins.my_wave"]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        returned = pool.submit(module.doubled, built).result()
    assert returned == module.Wave(6, "artgan.local_plugins.my_wave")


def test_a_child_finds_the_folder_of_the_flag(waves, tmp_path, monkeypatch):
    """Relative folders are made absolute: a child may begin somewhere else."""
    monkeypatch.delenv("ARTGAN_PLUGINS_DIR")
    monkeypatch.chdir(waves.parent)
    child = "import os, artgan.local_plugins.my_wave as m; print(m.Wave(1))"
    parent = f"""
import subprocess, sys
from artgan.cli import env
from artgan.cli.app import run
def begin():
    done = subprocess.run([sys.executable, "-c", {child!r}], cwd="/", text=True,
                          capture_output=True)
    print(done.stdout, done.stderr)
env._environment = lambda: begin() or {{}}
raise SystemExit(run(["--plugins-dir", "mine", "env"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", parent], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "Wave(swing=1, label=None)"
    assert (done.returncode, done.stderr) == (0, "")


def test_a_package_has_neighbours(plugin_folder, monkeypatch):
    source = plugin_source("far", target=".inner.far:build")
    folder = plugin_folder(
        "mine",
        {
            "pack/__init__.py": source,
            "pack/inner/__init__.py": "",
            "pack/inner/far.py": "def build(options):\n    return 'far'\n",
            "no_package/readme.py": "raise SystemExit",
        },
    )
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", str(folder))
    known = registry()
    assert [plugin.name for plugin in known.plugins][1:] == ["pack"]
    assert known.build(known.find("samplers", "far"), None) == "far"


def test_a_module_may_be_called_like_one_that_the_package_needs(plugin_folder, monkeypatch):
    files = {"os.py": plugin_source("sea"), "sys.py": plugin_source("sky")}
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", str(plugin_folder("mine", files)))
    assert [plugin.status for plugin in registry().plugins] == ["ok", "ok", "ok"]
    assert importlib.import_module("artgan.local_plugins.os").__file__.endswith("os.py")
    assert os.sep == "/"


def test_a_folder_that_merely_lies_there_is_left_alone(plugin_folder, capsys, monkeypatch):
    folder = plugin_folder("plugins", {"trap.py": "raise SystemExit('it was run')"})
    shutil.copytree(folder, folder.parent / "artgan_plugins")
    monkeypatch.chdir(folder.parent)
    assert listed(capsys) == ({}, [])


FAULTS = {
    "raises": (
        {"a.py": "raise ValueError('boom')"},
        "plug-in 'a' (local, {0}/a.py): it could not be imported: ValueError: boom",
    ),
    "is none": (
        {"a.py": "x = 1"},
        "plug-in 'a' (local, {0}/a.py): it implements no hook of artgan; begin its name with _ if "
        "it is no plug-in",
    ),
    "has a dash": (
        {"my-loss.py": plugin_source("wave")},
        "plug-in 'my-loss' (local, {0}/my-loss.py): its file has a name that Python cannot import: "
        "rename it to 'my_loss'",
    ),
    "begins with a digit": (
        {"3d/__init__.py": plugin_source("wave")},
        "plug-in '3d' (local, {0}/3d): its file has a name that Python cannot import: rename it to "
        "'plugin_3d'",
    ),
    "is a word of Python": (
        {"class.py": plugin_source("wave")},
        "plug-in 'class' (local, {0}/class.py): its file has a name that Python cannot import: "
        "rename it to 'class_'",
    ),
    "is there twice": (
        {"a.py": plugin_source("wave"), "a/__init__.py": plugin_source("wave")},
        "plug-in 'a' (local): its name is claimed by {0}/a and {0}/a.py: neither is used until one "
        "is renamed",
    ),
}


@pytest.mark.parametrize(("files", "line"), FAULTS.values(), ids=FAULTS)
def test_a_fault_names_the_file(plugin_folder, capsys, files, line):
    folder = plugin_folder("mine", {**files, "good.py": plugin_source("good")})
    found, err = listed(capsys, "--plugins-dir", str(folder))
    assert err == ["artgan: " + line.format(folder)]
    assert found["good"]["status"] == "ok"
    (bad,) = [plugin for name, plugin in found.items() if name != "good"]
    assert bad["status"] == "broken"


def test_two_folders_with_one_module(plugin_folder, capsys):
    east = plugin_folder("east", {"a.py": plugin_source("wave")})
    west = plugin_folder("west", {"a.py": plugin_source("wave")})
    folders = [f"--plugins-dir={folder}" for folder in (east, west)]
    found, err = listed(capsys, *folders)
    assert err == [
        f"artgan: plug-in 'a' (local): its name is claimed by {east}/a.py and {west}/a.py: neither "
        "is used until one is renamed"
    ]
    assert found["a"]["status"] == "broken"
    found, err = listed(capsys, folders[0], folders[0], f"--plugins-dir={east}/../east/")
    assert (found["a"]["status"], err) == ("ok", [])


def test_two_modules_that_claim_one_name_are_told_apart_by_theirs(plugin_folder, capsys):
    files = {"a.py": plugin_source("wave", target=":a"), "b.py": plugin_source("wave", target=":b")}
    folder = plugin_folder("mine", files)
    _, err = listed(capsys, "--plugins-dir", str(folder))
    assert err[0] == (
        f"artgan: plug-in 'a' (local, {folder}/a.py): its sampler 'wave' clashes with b:wave: "
        "neither is used unless you write 'a:wave'"
    )
    os.environ["ARTGAN_PLUGINS_DIR"] = str(folder)
    known = Registry()
    assert known.find("samplers", "b:wave").record.target == "artgan.local_plugins.b:b"
    with pytest.raises(ComponentError) as caught:
        known.find("samplers", "local:wave")
    assert str(caught.value) == (
        "sampler 'local:wave' is claimed by several plug-ins: write 'a:wave' or 'b:wave'"
    )


UNUSABLE = {
    "absent": ("nowhere", "there is none: correct --plugins-dir or ARTGAN_PLUGINS_DIR, or make it"),
    "file": ("file.py", "is a file: give the folder that it is in"),
    "package": ("pack", "is a plug-in itself, a package: give the folder that it is in, {0}"),
}


@pytest.mark.parametrize(("name", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_folder_that_cannot_be_used_is_refused(plugin_folder, capsys, name, why):
    base = plugin_folder("mine", {"file.py": "", "pack/__init__.py": ""})
    assert run(["--plugins-dir", str(base / name), "runs"]) == 2
    err = capsys.readouterr().err
    start = f"artgan: folder of plug-ins {base / name}"
    assert err in {f"{start} {why.format(base)}\n", f"{start}: {why.format(base)}\n"}
    assert run(["--plugins-dir", str(base / name), "--help"]) == 0


def test_a_home_that_nobody_has_is_a_folder_that_is_not_there(plugin_folder, capsys):
    plugin_folder("mine", {})
    for call in (["--plugins-dir", "~nobody-here/x", "runs"], ["plugins", "check", "~nobody-here"]):
        assert run(call) == 2
        assert "~nobody-here" in capsys.readouterr().err


def test_a_folder_below_home_may_be_written_short(plugin_folder, monkeypatch):
    folder = plugin_folder("home/plugs", {"short.py": plugin_source("short")})
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", "~/plugs")
    assert Registry().plugins[-1].status == "ok"


def test_a_folder_that_the_environment_cannot_name_is_refused(plugin_folder, monkeypatch):
    from artgan.discovery import join_folders

    folder = plugin_folder(f"a{os.pathsep}b", {"a.py": ""})
    with pytest.raises(PathError) as caught:
        join_folders([folder])
    assert str(caught.value) == (
        f"folder of plug-ins {folder}: its path has a ':' in it: rename it or move it"
    )


def test_a_target_that_misses_its_own_module_is_told_how_to_write_it(plugin_folder, monkeypatch):
    folder = plugin_folder("mine", {"my_wave.py": plugin_source("wave", target="my_wave:build")})
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", str(folder))
    known = registry()
    with pytest.raises(PluginError) as caught:
        known.target(known.find("samplers", "wave"))
    assert str(caught.value) == (
        "sampler 'my_wave:wave' cannot be loaded: its target my_wave:build failed: "
        "ModuleNotFoundError: No module named 'my_wave'; for its own module write ':build'"
    )
    assert run(["plugins", "show", "wave"]) == 0


def test_relative_targets_of_a_package_that_is_installed(strangers):
    strangers("artgan-wave", {"wave_plugin": plugin_source("wave", target=":f")})
    strangers("artgan-net", {"net_plugin": plugin_source("net", target=".other:f")})
    known = Registry()
    assert known.find("samplers", "wave").record.target == "wave_plugin:f"
    assert list(known.plugins[1].faults()) == [
        "artgan: plug-in 'net_plugin' (artgan-net 1.0): 'net' names a neighbour of its module, "
        "'net_plugin', which is in no package: leave out the first dot"
    ]


def test_a_run_with_faults_is_refused_where_that_is_asked(waves, capsys, monkeypatch):
    (waves / "bad.py").write_text("x = 1")
    monkeypatch.setenv("ARTGAN_STRICT_PLUGINS", "1")
    assert run(["plugins", "list"]) == 1
    assert capsys.readouterr().err.splitlines()[1] == (
        "artgan: 1 plug-in with faults, and ARTGAN_STRICT_PLUGINS is set: mend what is named "
        "above, or leave it out with --no-plugin bad"
    )
    assert run(["--no-plugin", "bad", "plugins", "list"]) == 0
    monkeypatch.setenv("ARTGAN_STRICT_PLUGINS", "0")
    assert run(["plugins", "list"]) == 0
    monkeypatch.setenv("ARTGAN_STRICT_PLUGINS", "1")
    registry.cache_clear()
    with pytest.raises(PluginError):
        registry()


def test_settings_name_folders_only_where_the_file_was_asked_for(waves, capsys, monkeypatch):
    monkeypatch.delenv("ARTGAN_PLUGINS_DIR")
    monkeypatch.chdir(waves.parent)
    Path("artgan.toml").write_text('[plugins]\ndirs = ["mine"]\n[samplers.wave]\nswing = 2.0\n')
    assert listed(capsys) == (
        {},
        [
            "artgan: artgan.toml names folders of plug-ins, which are code and run only where you "
            "ask for it: add --config artgan.toml, or --plugins-dir mine"
        ],
    )
    found, err = listed(capsys, "--config", "artgan.toml")
    assert (list(found), err) == (["my_wave"], [])
    monkeypatch.setenv("ARTGAN_CONFIG", "artgan.toml")
    assert list(listed(capsys)[0]) == ["my_wave"]
    other = waves.parent / "other"
    other.mkdir()
    assert listed(capsys, "--plugins-dir", str(other)) == ({}, [])  # the flag wins


def test_settings_that_name_folders_wrongly_are_refused(waves, capsys, monkeypatch):
    monkeypatch.chdir(waves.parent)
    Path("a.toml").write_text('[plugins]\ndirs = "mine"\n')
    assert run(["--config", "a.toml", "plugins", "list"]) == 2
    assert capsys.readouterr() == (
        "",
        "artgan: a.toml: plugins.dirs is 'mine': expected a list of folders, such as "
        '["my-plugins"]\n',
    )


LOSS = """
    from artgan.api import Loss, hookimpl

    STRENGTH = {strength}

    class Pale:
        layers = ()

        def statistics(self, features, mask=None):
            return {{"mean": features["pixels"].mean((2, 3))}}

        def compare(self, statistics, target):
            return STRENGTH * (statistics["mean"] - target["mean"]).square().mean(1)

    @hookimpl
    def artgan_losses():
        yield Loss("pale", ":build", summary="as pale", looks_at="pixels")

    def build(options):
        return Pale()
"""


def test_what_was_made_with_code_that_changed_is_made_again(plugin_folder, tmp_path, capsys):
    """The recipe of a picture holds a digest of a stranger's code, and not of artgan's own."""
    from PIL import Image

    from artgan.picturefiles import read_recipe
    from artgan.plugins import code_digest

    for name, colour in (("a.png", "red"), ("s.png", "blue")):
        Image.new("RGB", (16, 16), colour).save(tmp_path / name)
    call = [
        "stylize", str(tmp_path / "a.png"), "--style", str(tmp_path / "s.png"), "--size", "16",
        "--effort", "0.02", "--loss", "content", "--loss", "pale:1", "-o", str(tmp_path / "o.png"),
        "--extractor", "random", "--set", "extractors.random.widths=[4,4]",
    ]  # fmt: skip
    said, kept = [], []
    for strength in (1.0, 1.0, 2.0):
        folder = plugin_folder("mine", {"pale.py": LOSS.format(strength=strength)})
        for name in [name for name in sys.modules if name.startswith("artgan.local_plugins.")]:
            del sys.modules[name]
        registry.cache_clear()
        code_digest.cache_clear()
        assert run(["--plugins-dir", str(folder), *call, "--overwrite"]) == 0
        said.append("finished before" in capsys.readouterr().err)
        kept.append(json.loads(read_recipe(tmp_path / "o.png"))["stylize"]["plugins"])
    assert said == [False, True, False]
    assert kept[0] == kept[1] != kept[2]
    assert list(kept[0]) == ["losses.pale"]
    assert kept[0]["losses.pale"].startswith("local pale ")

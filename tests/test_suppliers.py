"""A run whose plug-ins are not as they were: one sentence each, which says what to do."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import textwrap

import pytest
from training_kit import TINY, Notes, after, train_tiny

from artgan.config import TrainConfig
from artgan.errors import CheckpointError
from artgan.models import find_weights, open_model, pack, run_config, tables_of
from artgan.pipelines.train import resume
from artgan.registry import Registry, registry
from artgan.runs import RunFolder
from artgan.suppliers import as_named_here, suppliers_of

SOURCE = """
    from artgan.api import Architecture, Objective, Regularizer, hookimpl

    DCGAN = "artgan_plugins.architectures.dcgan"
    @hookimpl
    def artgan_architectures():
        yield Architecture({net!r}, f"{{DCGAN}}:build", options=f"{{DCGAN}}_options:DcganOptions",
                           aliases={aliases})

    @hookimpl
    def artgan_objectives():
        yield Objective({net!r}, "artgan_plugins.objectives.hinge:build",
                        default_regularizers=(), aliases={aliases})

    @hookimpl
    def artgan_regularizers():
        yield Regularizer({net!r}, "artgan_plugins.regularizers.r1:build",
                          options="artgan_plugins.regularizers.options:R1Options",
                          aliases={aliases})
"""
NET = {"arch": "net", "objective": "net", "regularizers": ("net",), "metrics": ()}
TABLES = {
    "architectures": {"net": TINY["architectures"]["dcgan"]},
    "regularizers": {"net": {"gamma": 0.5}},
}
RUN = "run 00001-net-squares"


def source(net="net", aliases=()):
    return textwrap.dedent(SOURCE).format(net=net, aliases=aliases)


@pytest.fixture
def world(strangers, tmp_path):
    """Return a function that installs artgan-net in place of what was installed of it before."""
    installed = []

    def install(version=None, name="artgan-net", **what):
        for info in installed:
            shutil.rmtree(info)
        installed.clear()
        if version is not None:
            module = f"net_{version.replace('.', '_')}_{len(list((tmp_path / 'site').iterdir()))}"
            installed.append(strangers(name, {module: source(**what)}, {"net": module},
                                       version=version))  # fmt: skip
        registry.cache_clear()

    return install


@pytest.fixture
def run(world, tmp_path):
    """Return a run that was made with artgan-net 0.1.0 and stopped half-way."""
    world("0.1.0")
    return train_tiny(tmp_path, steps=4, components=TABLES, **NET).run


def open_(run):
    return open_model(str(run.path), runs=run.path.parent, device="cpu")


def go_on(run):
    notes = Notes()
    config = run_config(run.config(), "the run")
    result = resume(RunFolder(run.path), config, notes, after(1))
    return result, notes


def forget(run, *components):
    """Let every checkpoint forget who supplied some components; keep their digests true."""
    for folder in run.checkpoints.iterdir():
        path = folder / "state.json"
        state = json.loads(path.read_text())
        old = hashlib.sha256(path.read_bytes()).hexdigest()
        for component in components:
            del state["plugins"][component]
        path.write_text(json.dumps(state))
        new = hashlib.sha256(path.read_bytes()).hexdigest()
        for other in folder.iterdir():
            if other.suffix != ".safetensors":
                other.write_text(other.read_text().replace(old, new))


def test_a_checkpoint_remembers_who_supplied_what(run):
    assert {k: v for k, v in suppliers_of(run).items() if v != "artgan 0.1.0"} == {
        "architectures.net": "artgan-net 0.1.0",
        "objectives.net": "artgan-net 0.1.0",
        "regularizers.net": "artgan-net 0.1.0",
    }


def test_as_it_was_nothing_is_said(run, capsys):
    capsys.readouterr()
    open_(run)
    assert go_on(run)[1].warnings == []
    assert capsys.readouterr().err == ""


def test_another_version_works_and_is_said_once(run, world, capsys):
    world("0.2.0")
    capsys.readouterr()
    open_(run)
    open_(run)
    line = f"{RUN} was made with artgan-net 0.1.0, here is 0.2.0: pictures may differ"
    assert capsys.readouterr().err == f"artgan: {line}\n"
    assert go_on(run)[1].warnings == [line]


MISSING = "pip install artgan-net==0.1.0, or install it from where you had it"


def refusal(call, run):
    with pytest.raises(CheckpointError) as caught:
        call(run)
    return str(caught.value)


@pytest.mark.parametrize("call", [open_, go_on])
def test_a_missing_plugin_is_named_with_what_to_type(run, world, call):
    world(None)
    assert refusal(call, run) == (
        f"{RUN} needs architecture 'net' of artgan-net 0.1.0, which is not installed: {MISSING}"
    )


def test_a_packed_run_says_the_same(run, world, tmp_path):
    path = tmp_path / "mine.artgan"
    runs = run.path.parent
    pack(find_weights(str(run.path), runs), path, tables_of(str(run.path), runs))
    world(None)
    with pytest.raises(CheckpointError) as caught:
        open_model(str(path), runs=runs, device="cpu")
    assert str(caught.value) == (
        "mine.artgan needs architecture 'net' of artgan-net 0.1.0, which is not installed: "
        f"{MISSING}"
    )


def test_one_that_is_off_or_broken_is_not_called_missing(run, world, strangers, monkeypatch):
    needs = f"{RUN} needs architecture 'net' of artgan-net 0.1.0"
    monkeypatch.setenv("ARTGAN_NO_PLUGIN", "artgan-net")
    registry.cache_clear()
    assert refusal(open_, run) == (
        f"{needs}, which --no-plugin or ARTGAN_PLUGINS leaves out: take it in again"
    )
    monkeypatch.delenv("ARTGAN_NO_PLUGIN")
    monkeypatch.setenv("ARTGAN_PLUGINS", "")
    registry.cache_clear()
    assert refusal(open_, run) == (
        f"{needs}, and plug-ins are off: unset ARTGAN_PLUGINS, which is empty"
    )
    monkeypatch.delenv("ARTGAN_PLUGINS")
    world(None)
    strangers("artgan-net", {"bad_net": "raise ValueError('boom')"}, version="0.1.0")
    assert refusal(open_, run) == (
        f"{needs}, which is here but broken: it could not be imported: ValueError: boom"
    )


@pytest.mark.parametrize("call", [open_, go_on])
def test_a_renamed_component_is_told_from_a_missing_plugin(run, world, call):
    world("0.2.0", net="web")
    assert refusal(call, run) == (
        "artgan-net 0.2.0 has no architecture 'net' any more (the run was made with 0.1.0; it has: "
        f"web): pip install artgan-net==0.1.0 to use {RUN}"
    )
    world("0.1.0", net="web")
    assert refusal(call, run) == (
        f"{RUN} needs architecture 'net', which artgan-net 0.1.0 does not have any more (it has: "
        "web): bring it back, or let its record name it among its aliases"
    )


def test_a_former_name_still_finds_it_and_its_options(run, world):
    before = open_(run)
    world("0.1.0", net="web", aliases=("net",))
    now = open_(run)
    assert now.z_dim == before.z_dim == 8
    result, notes = go_on(run)
    assert notes.warnings == []
    train = result.run.config()["train"]
    assert (train["arch"], train["objective"], train["regularizers"]) == ("web", "web", ["web"])
    (table,) = result.run.config()["regularizers"].items()
    assert (table[0], table[1]["gamma"]) == ("web", 0.5)
    assert suppliers_of(result.run)["architectures.web"] == "artgan-net 0.1.0"
    world("0.1.0", net="web")
    open_(run)


@pytest.mark.parametrize("kind", ["objectives", "regularizers"])
def test_what_training_needs_besides_is_named_too(run, world, tmp_path, kind):
    """The architecture alone is enough to draw; going on needs everything."""
    world("0.1.0")
    known = registry()
    known._entries[kind] = [e for e in known._entries[kind] if e.plugin.built_in]
    open_(run)
    assert refusal(go_on, run) == (
        f"{RUN} needs {kind[:-1]} 'net', which artgan-net 0.1.0 does not have any more (it has no "
        f"{kind}): bring it back, or let its record name it among its aliases"
    )


def test_the_package_it_came_from_wins_over_others_with_that_name(run, world, strangers):
    strangers("artgan-other", {"other_net": source()}, version="7")
    registry.cache_clear()
    assert open_(run).label.startswith(RUN)
    result, notes = go_on(run)
    assert notes.warnings == []
    assert result.run.config()["train"]["arch"] == "artgan-net:net"


def test_a_component_that_moved_to_another_package_is_used_and_said(run, world, strangers):
    world(None)
    strangers("artgan-other", {"other_net": source()}, version="7")
    assert go_on(run)[1].warnings == [
        f"{RUN} was made with {kind} 'net' of artgan-net 0.1.0, here it is of artgan-other 7: "
        "pictures may differ"
        for kind in ("architecture", "objective", "regularizer")
    ]


def test_one_that_no_checkpoint_knows_of_is_named_plainly(run, world):
    forget(run, "objectives.net")
    world("0.1.0")
    known = registry()
    known._entries["objectives"] = [e for e in known._entries["objectives"] if e.plugin.built_in]
    assert refusal(go_on, run).startswith(f"{RUN} needs what is not here: no objective 'net': ")


def test_local_plugins_are_asked_for_by_their_folder(plugin_folder, tmp_path, monkeypatch):
    folder = plugin_folder("mine", {"my_net.py": source()})
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", str(folder))
    run = train_tiny(tmp_path, steps=4, components=TABLES, **NET).run
    assert suppliers_of(run)["architectures.net"] == "local my_net"
    assert go_on(run)[1].warnings == []
    monkeypatch.delenv("ARTGAN_PLUGINS_DIR")
    registry.cache_clear()
    assert refusal(open_, run) == (
        f"{RUN} needs architecture 'net' of the local plug-in 'my_net', which is not here: give "
        "its folder with --plugins-dir"
    )
    more = plugin_folder("more", {"my_net.py": source("web")})
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", str(more))
    del sys.modules["artgan.local_plugins.my_net"]
    registry.cache_clear()
    assert refusal(open_, run) == (
        f"{RUN} needs architecture 'net', which the local plug-in 'my_net' does not have any more "
        "(it has: web): bring it back, or let its record name it among its aliases"
    )


def test_a_missing_loss_that_a_generator_was_pulled_by_is_named(monkeypatch):
    monkeypatch.delenv("ARTGAN_PLUGINS")
    settings = {"images": "x", "arch": "dcgan", "losses": ("mist:0.3",), "styles": ("a.png",)}
    config = TrainConfig.model_validate(settings)
    suppliers = {"losses.mist": "artgan-mist 0.2"}
    with pytest.raises(CheckpointError) as caught:
        as_named_here(config, suppliers, Registry(entry_points=[]), "run 7")
    assert str(caught.value) == (
        "run 7 needs loss 'mist' of artgan-mist 0.2, which is not installed: pip install "
        "artgan-mist==0.2, or install it from where you had it"
    )

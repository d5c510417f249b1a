"""`artgan plugins new` and `artgan plugins check`: what is printed, and the exit codes."""

from __future__ import annotations

import json
import os
import sys

import pytest
from helpers import ROOT, plugin_source

import artgan.testing
from artgan.cli.app import run

WRONG = ROOT / "tests" / "wrong"

FAULTS = {
    "plug-ins/misspelt_hook": (
        "it implements a hook 'artgan_loses' that does not exist; did you mean 'artgan_losses'?"
    ),
    "losses/one-number": "its values: got shape (), expected (2,)",
    "objectives/against-the-mean": (
        "phase D: the loss of a pair alone and among 5 (say batch_coupled=True in its record if "
        "that is meant): they differ by up to "
    ),
    "objectives/upside-down": (
        "raising the real logits changes the D loss by +5 each, expected less than 0 (higher is "
        "more real)"
    ),
    "regularizers/deaf": (
        "its gradient at every discriminator parameter is 0, expected something to learn from (no "
        "detached values)"
    ),
    "augmentations/dicey": (
        "it draws from Python's random module, expected the one it is given only"
    ),
    "policies/forgetful": (
        "resumed from its state it asks for other things than uninterrupted, expected its state "
        "to be all that it remembers"
    ),
    "samplers/divides": (
        "codes between equal keys, which a walk may have: 231 of 231 values are not finite"
    ),
    "effects/darken-here": "it changed the pictures it was given in place",
    "effects/network-range": "expected unit range [0, 1] (signed range is for what networks draw)",
    "effects/late": "s to import, expected at most 1 s, most of it in what its own code does",
    "effects/heavy": (
        "the module of its record, artgan.local_plugins.torch_in_record, imports torch, which "
        "every command would wait for: expected torch in the module that the record's target "
        "names, or inside functions"
    ),
}


def test_every_wrong_plug_in_is_caught(capsys):
    assert run(["plugins", "check", str(WRONG)]) == 1
    out, err = capsys.readouterr()
    assert err == "artgan: 12 of 12 checks failed\n"
    said = dict(line.removeprefix("FAIL  ").split(": ", 1) for line in out.splitlines())
    assert sorted(said) == sorted(FAULTS)
    assert len(FAULTS) == len(list(WRONG.glob("*.py")))
    assert [what for what, words in FAULTS.items() if words not in said[what]] == []


@pytest.fixture
def _imports_are_trusted(monkeypatch):
    monkeypatch.setattr(artgan.testing, "check_imports", lambda *_: None)


@pytest.mark.usefixtures("_imports_are_trusted")
@pytest.mark.parametrize(
    ("names", "checked"),
    [
        (["slerp"], ["samplers/slerp"]),
        (["losses/content", "sampler/lerp"], ["losses/content", "samplers/lerp"]),
        (["artgan:mirror"], ["effects/mirror"]),
        (["--kind", "regularizer"], ["regularizers/r1", "regularizers/r2"]),
        (["artgan", "--kind", "effects"], ["effects/mirror", "effects/tile"]),
    ],
)
def test_what_a_name_stands_for(capsys, names, checked):
    assert run(["plugins", "check", *names]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok    ") and line.endswith(" s") for line in lines)
    found = [line.split()[1] for line in lines]
    assert [what for what in found if what in checked] == checked
    assert len({what.partition("/")[0] for what in found}) == len(
        {what.partition("/")[0] for what in checked}
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("slrep", "artgan: 'slrep' is no component, plug-in or path of one: did you mean 'slerp'?"),
        (
            "los/gram",
            "artgan: 'los/gram' is no path here, and there is no kind 'los': did you mean 'loss'?",
        ),
        ("losses/gramm", "artgan: no loss 'gramm': did you mean 'gram'?"),
        ("./nowhere", "nowhere does not exist: expected a plug-in's folder or module\n"),
        (".", " holds no plug-in: expected NAME.py or NAME/__init__.py with a hook, or a package"),
    ],
)
def test_what_stands_for_nothing_is_refused(capsys, name, message):
    assert run(["plugins", "check", name]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("_imports_are_trusted")
def test_a_folder_of_modules_may_be_given_by_its_bare_name(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["plugins", "new", "soft-net", "--kind", "effect", "--folder", "--out", "mine"]) == 0
    capsys.readouterr()
    assert run(["plugins", "check", "mine"]) == 0
    assert capsys.readouterr().out.startswith("ok    effects/soft-net  ")
    (tmp_path / "mirror").mkdir()
    assert run(["plugins", "check", "mirror"]) == 0  # names come before paths
    assert capsys.readouterr().out.startswith("ok    effects/mirror  ")


def test_a_package_that_declares_nothing_is_refused(capsys, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert run(["plugins", "check", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"artgan: {tmp_path / 'pyproject.toml'} declares no plug-in: expected a table "
        '[project.entry-points.artgan] with a line such as my-loss = "artgan_my_loss"\n'
    )


def test_json_says_the_same(capsys, tmp_path):
    module = tmp_path / "odd.py"
    module.write_text(plugin_source("odd", kind="sampler", target=":nothing"))
    environment, path, modules = dict(os.environ), list(sys.path), set(sys.modules)
    assert run(["plugins", "check", str(module), "--json"]) == 1
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert report["version"] == 1
    assert report["failed"] == 1
    (checked,) = report["checked"]
    assert checked.pop("seconds") >= 0
    assert checked == {
        "kind": "samplers",
        "name": "odd",
        "plugin": "odd",
        "ok": False,
        "fault": (
            "cannot be loaded: its target artgan.local_plugins.odd:nothing failed: AttributeError: "
            "module 'artgan.local_plugins.odd' has no attribute 'nothing'"
        ),
    }
    assert (dict(os.environ), sys.path) == (environment, path)
    assert "artgan.local_plugins.odd" not in set(sys.modules) - modules


@pytest.mark.usefixtures("_imports_are_trusted")
def test_what_cannot_be_imported_or_raises_is_said(capsys, tmp_path):
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n")
    (tmp_path / "2d.py").write_text("")
    (tmp_path / "raises.py").write_text(
        plugin_source("raises", kind="sampler", target=":build")
        + "def build(options):\n    return lambda keys, u: keys[99]\n"
    )
    assert run(["plugins", "check", str(tmp_path)]) == 1
    said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert said == {
        "FAIL  plug-ins/2d": (
            "its file has a name that Python cannot import: rename it to 'plugin_2d'"
        ),
        "FAIL  plug-ins/broken": (
            "it could not be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
        ),
        "FAIL  samplers/raises": (
            "raised IndexError: index 99 is out of bounds for dimension 0 with size 1 (raises.py, "
            "line 8), expected it to take what is given to it"
        ),
    }


@pytest.mark.usefixtures("_imports_are_trusted")
def test_a_new_package_is_there_at_once(capsys, tmp_path):
    assert run(["plugins", "new", "soft", "--kind", "effect", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    root = tmp_path / "artgan-soft"
    assert out.splitlines()[0] == str(root / "pyproject.toml")
    assert err == (
        f"install it:  pip install -e {root}\n"
        "check it:    artgan plugins check effects/soft\n"
        "use it:      artgan walk latest --effect soft -o walk.gif\n"
    )
    assert run(["plugins", "check", str(root)]) == 0
    assert capsys.readouterr().out.startswith("ok    effects/soft  ")


def test_a_new_module_is_listed(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("ARTGAN_PLUGINS")  # which leaves out all but artgan's own
    assert run(["plugins", "new", "soft", "--folder", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'soft.py'}\n"
    assert err == (
        f"check it:    artgan plugins check {tmp_path / 'soft.py'}\n"
        f"see it:      artgan --plugins-dir {tmp_path} plugins show soft\n"
        f"use it:      artgan --plugins-dir {tmp_path} stylize PHOTO --style ART "
        "--loss content --loss gram --loss soft:1 -o out.png\n"
    )
    assert run(["--plugins-dir", str(tmp_path), "plugins", "list", "--kind", "losses"]) == 0
    assert "  soft " in capsys.readouterr().out


def test_a_name_that_is_taken_is_refused(capsys, tmp_path):
    assert run(["plugins", "new", "gram", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "artgan: there is a loss 'gram' already: choose another name\n"
    )


@pytest.mark.usefixtures("_imports_are_trusted")
def test_a_plug_in_is_checked_whole_and_rivals_both(capsys, strangers):
    source = "def build(options):\n    return lambda images: images.clone()\n"
    for name in ("one", "two"):
        own = plugin_source("same", kind="effect", target=f"{name}:build") + source
        other = "\n@hookimpl\ndef artgan_metric():\n    return []\n"
        strangers(f"artgan-{name}", {name: own + (other if name == "two" else "")})
    assert run(["plugins", "check", "same"]) == 0
    out, _ = capsys.readouterr()
    assert [line.split()[1] for line in out.splitlines()] == ["effects/same"] * 2
    assert run(["plugins", "check", "artgan-two"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split("  ")[:2] for line in lines] == [
        ["FAIL", "plug-ins/two"],
        ["FAIL", "plug-ins/two"],
        ["ok", ""],
    ]
    assert "it implements a hook 'artgan_metric' that does not exist" in lines[0]
    assert "its effect 'same' clashes with artgan-one:same" in lines[1]


def test_a_folder_that_cannot_be_written_is_said(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file"
    for more in ([], ["--folder"]):
        assert run(["plugins", "new", "soft", "--out", str(out), *more]) in {1, 2}
        assert capsys.readouterr().err.startswith("artgan: ")

"""What `artgan plugins new` writes is complete, works, and is written as the formatter would."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from inspect import signature

import pytest

import artgan.testing
from artgan.api import KINDS, ConfigError, PathError
from artgan.checking import check
from artgan.cli.app import run
from artgan.records import noun
from artgan.scaffold import create, kind_named, templates
from artgan.scaffold.sources import import_block, joined

NAMES = {kind: f"my-{noun(kind)}" for kind in templates()}
FORMATTED = "--isolated --line-length 100 --quiet".split()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a package and a module of every kind: kind -> (package, module)."""
    out = tmp_path_factory.mktemp("made")
    return {
        kind: (create(name, kind, out=out), create(name, kind, out=out / "local", folder=True))
        for kind, name in NAMES.items()
    }


@pytest.fixture
def _imports_are_trusted(monkeypatch):
    """Leave out the look at imports, a process for each plug-in: here one looks at all of them."""
    monkeypatch.setattr(artgan.testing, "check_imports", lambda *_: None)


def test_every_kind_has_a_template():
    assert [kind for kind in KINDS if kind not in templates()] == []


@pytest.mark.usefixtures("_imports_are_trusted")
@pytest.mark.parametrize("kind", templates())
@pytest.mark.parametrize("which", [0, 1], ids=["package", "module"])
def test_it_keeps_its_contract(made, kind, which):
    scaffold = made[kind][which]
    found = [(outcome.what, outcome.fault) for outcome in check([str(scaffold.root)])]
    assert found == [(f"{kind}/{NAMES[kind]}", "")]


@pytest.mark.parametrize("kind", templates())
def test_its_own_values_hold(made, kind, monkeypatch, tmp_path):
    root = made[kind][0].root
    monkeypatch.syspath_prepend(str(root / "src"))
    (path,) = (root / "tests").glob("test_*.py")
    spec = importlib.util.spec_from_file_location("of_a_scaffold", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.test_the_plugin_has_no_problems()
    own = [v for k, v in vars(module).items() if k.startswith("test_") and "plugin" not in k]
    own.remove(module.test_contract)
    assert own
    for test in own:
        test(**({"tmp_path": tmp_path} if "tmp_path" in signature(test).parameters else {}))


def test_all_records_and_options_load_without_torch(made):
    local = next(iter(made.values()))[1].root.parent
    modules = [f"artgan_my_{noun(kind)}" for kind in made]
    modules += [f"{module}.options" for module in modules]
    modules += [f"artgan.local_plugins.my_{noun(kind)}" for kind in made]
    code = f"import sys\nfor m in {modules}: __import__(m)\nassert 'torch' not in sys.modules"
    sources = os.pathsep.join(str(package.root / "src") for package, _ in made.values())
    env = {**os.environ, "PYTHONPATH": sources, "ARTGAN_PLUGINS_DIR": str(local)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)


@pytest.mark.skipif(shutil.which("ruff", path=os.path.dirname(sys.executable)) is None, reason="")
def test_it_is_written_as_the_formatter_would(made):
    ruff = shutil.which("ruff", path=os.path.dirname(sys.executable))
    assert ruff is not None
    out = next(iter(made.values()))[0].root.parent
    for command in (["check", "--select", "E,F,B,UP"], ["format", "--check"]):
        done = subprocess.run([ruff, *command, *FORMATTED, out], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    for package, _ in made.values():  # whose imports are its own depends on where it is read from
        command = [ruff, "check", "--select", "I", *FORMATTED, "."]
        done = subprocess.run(command, cwd=package.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", templates())
def test_components_are_short(made, kind):
    path = made[kind][0].root / "src" / f"artgan_my_{noun(kind)}" / f"{noun(kind)}.py"
    code = path.read_text(encoding="utf-8").partition("__all__")[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 45


def test_a_package_declares_itself(made):
    package = made["losses"][0]
    assert [str(path.relative_to(package.root)) for path in package.paths] == [
        "pyproject.toml",
        "src/artgan_my_loss/__init__.py",
        "src/artgan_my_loss/loss.py",
        "src/artgan_my_loss/options.py",
        "src/artgan_my_loss/py.typed",
        "tests/test_my_loss.py",
        "README.md",
        ".gitignore",
    ]
    assert all(path.is_file() for path in package.paths)
    project = tomllib.loads((package.root / "pyproject.toml").read_text())["project"]
    assert project["name"] == "artgan-my-loss"
    assert project["dependencies"] == ["artgan>=0.1,<0.2"]
    assert project["entry-points"] == {"artgan": {"my-loss": "artgan_my_loss"}}


def test_what_needs_torch_at_once_is_a_folder(made):
    roots = {kind: module.root.name for kind, (_, module) in made.items()}
    assert roots.pop("architectures") == "my_architecture"
    assert roots.pop("extractors") == "my_extractor"
    assert roots == {kind: f"my_{noun(kind)}.py" for kind in roots}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "Soft_Light",
            "'Soft_Light' cannot be a component's name: expected small letters, digits and "
            "hyphens, such as soft-light",
        ),
        (
            "3d",
            "'3d' cannot be a component's name: expected small letters, digits and hyphens, such "
            "as soft-light",
        ),
        ("class", "'class' is a word of Python: choose another name"),
        ("gram", "there is a loss 'gram' already: choose another name"),
        ("plugins", "there is a package artgan_plugins already: choose another name"),
    ],
)
def test_names_are_checked(tmp_path, name, message):
    with pytest.raises(ConfigError) as caught:
        create(name, out=tmp_path, taken=["gram"])
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    package = create("artgan-soft", out=tmp_path).root
    assert package == tmp_path / "artgan-soft"
    module = create("soft", out=tmp_path, folder=True).root
    assert module == tmp_path / "soft.py"
    for folder, path in ((False, package), (True, module)):
        with pytest.raises(PathError) as caught:
            create("soft", out=tmp_path, folder=folder)
        assert str(caught.value) == f"{path} exists already: choose another name, or --out DIR"


@pytest.mark.parametrize("kind", templates())
def test_the_command_that_uses_it_has_such_flags(made, kind, capsys):
    program, command, *words = made[kind][0].use.split()
    assert program == "artgan"
    assert run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert [word for word in words if word.startswith("-") and word not in text] == []


def test_kinds_have_two_names():
    assert [kind_named(noun(kind)) for kind in KINDS] == list(KINDS) == list(map(kind_named, KINDS))
    with pytest.raises(ConfigError, match="^no kind 'los': did you mean 'loss'"):
        kind_named("los")


def test_imports_are_sorted_and_merged():
    runtime = ["from b import y", "import math", "from a import Z, f", "from .c import q"]
    assert import_block([*runtime, "from a import X"], ["from torch import Tensor"]) == (
        "from __future__ import annotations\n\n"
        "import math\nfrom typing import TYPE_CHECKING\n\n"
        "from a import X, Z, f\nfrom b import y\n\n"
        "from .c import q\n\n"
        "if TYPE_CHECKING:\n    from torch import Tensor"
    )
    assert joined('"""D."""', "import a", "A = 1", "def f():\n    pass", "B = 2") == (
        '"""D."""\n\nimport a\n\nA = 1\n\n\ndef f():\n    pass\n\n\nB = 2\n'
    )


@pytest.mark.slow
def test_pip_installs_it_and_its_tests_pass(made, tmp_path):
    root, site = made["losses"][0].root, tmp_path / "site"
    flags = "--no-build-isolation --no-deps --no-index --disable-pip-version-check -q".split()
    pip = [sys.executable, "-m", "pip", "install", *flags, "--target", str(site), str(root)]
    subprocess.run(pip, check=True)
    env = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("ARTGAN_PLUGINS", None)
    env.pop("ARTGAN_NO_PLUGINS", None)
    tests = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(root)]
    done = subprocess.run(tests, capture_output=True, text=True, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    listed = [sys.executable, "-m", "artgan", "plugins", "list", "--kind", "losses"]
    done = subprocess.run(listed, capture_output=True, text=True, cwd=tmp_path, env=env, check=True)
    assert "my-loss" in done.stdout

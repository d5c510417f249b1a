"""docs/tutorial.md is run word for word: its files are written, its commands run, in order."""

import importlib.util
import re
import shlex
import sys

import pytest
from helpers import ROOT, fake_distribution
from PIL import Image
from training_kit import squares

from artgan.cli.app import run
from artgan.registry import registry
from artgan.testing import components

TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
STEPS = re.findall(r"```python\n# (\S+)\n(.*?)```|^    (\S[^\n]*)$", TEXT, re.MULTILINE | re.DOTALL)
NOT_HERE = {"pip install build twine", "python -m build artgan-warmth"} | {
    "twine upload artgan-warmth/dist/*"
}
"""What needs a network or an account."""

SETTINGS = """
[train]
kimg = 0.1
size = "16"
batch = 8
device = "cpu"

[stylize]
size = "32"

[walk]
seconds = 0.2
fps = 10

[architectures.dcgan]
z_dim = 8
base_channels = 4
"""


def forget():
    """Let what was imported of the package be read anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "artgan_warmth"]:
        del sys.modules[name]
    registry.cache_clear()


def run_its_tests(path):
    """Call the tests of a file, those with entries for each of them."""
    spec = importlib.util.spec_from_file_location("warmth_tests", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in [name for name in vars(module) if name.startswith("test_")]:
        test = getattr(module, name)
        if hasattr(test, "pytestmark"):
            for entry in components(module.REGISTRY):
                test(entry)
        else:
            test()
    return module


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a photo, a painting, pictures, and settings that keep everything short."""
    monkeypatch.delenv("ARTGAN_PLUGINS")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    squares(tmp_path / "myimages")
    Image.linear_gradient("L").resize((48, 48)).convert("RGB").save("photo.png")
    painting = Image.radial_gradient("L").resize((64, 64))
    Image.merge("RGB", (painting, painting.rotate(90), Image.new("L", (64, 64), 30))).save(
        "painting.png"
    )
    (tmp_path / "artgan.toml").write_text(SETTINGS)
    yield tmp_path
    forget()


def test_every_word_of_it(place, monkeypatch, capsys):
    ran = []
    for path, code, line in STEPS:
        if code:
            assert (place / path).exists(), f"{path} is no file that 'artgan plugins new' writes"
            (place / path).write_text(code)
            forget()
        elif line == "pip install -e artgan-warmth":
            site = place / "site"
            site.mkdir()
            fake_distribution(site, "artgan-warmth", {}, {"warmth": "artgan_warmth"})
            monkeypatch.syspath_prepend(str(site))
            monkeypatch.syspath_prepend(str(place / "artgan-warmth" / "src"))
            forget()
        elif line == "pytest artgan-warmth":
            assert run_its_tests(place / "artgan-warmth" / "tests" / "test_warmth.py")
        elif line not in NOT_HERE:
            words = shlex.split(line)
            assert words[0] == "artgan", line
            assert run(words[1:]) == 0, f"{line}\n{capsys.readouterr()}"
            for name in ("ARTGAN_PLUGINS_DIR",):
                monkeypatch.delenv(name, raising=False)
        ran.append(line or path)
    assert len(ran) >= 15
    assert (place / "warm.png").is_file()
    assert (place / "misty.gif").is_file()


def test_a_fault_in_it_is_found(place):
    """What the page invites to try is caught by what it says catches it."""
    from artgan.checking import check

    assert run(["plugins", "new", "warmth", "--kind", "loss"]) == 0
    code = next(code for path, code, _ in STEPS if path.endswith("loss.py"))
    loss = place / "artgan-warmth" / "src" / "artgan_warmth" / "loss.py"
    for path, text, _ in STEPS:
        if text and path.startswith("artgan-warmth/src"):
            (place / path).write_text(text)
    loss.write_text(code.replace(" / total,", ","))
    (found,) = check(["artgan-warmth"])
    assert found.what == "losses/warmth"
    assert "expected" in found.fault
    loss.write_text(code.replace("(warmth * counts).sum((1, 2, 3)) / total", "pixels.mean()"))
    (found,) = check(["artgan-warmth"])
    assert "shape ()" in found.fault

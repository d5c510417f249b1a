"""torchvision: found, or explained; also where its compiled part cannot be loaded."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from artgan import vision
from artgan.errors import ConfigError

ASKS = """
    import torch

    @torch.library.register_fake("torchvision::nms")
    def nms(dets, scores, iou_threshold):
        return dets

    @torch.library.register_fake("torchvision::qnms")
    def qnms(dets, scores, iou_threshold):
        return dets
"""
"""What importing torchvision does, of all that matters here."""

COMPILED = """
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
"""What its compiled part does, where it can be loaded."""


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Return a function that makes a package called torchvision the one that is found."""

    def install(*parts):
        package = tmp_path / "torchvision"
        package.mkdir()
        (package / "__init__.py").write_text("from torchvision import part\n", encoding="utf-8")
        source = "\n".join(textwrap.dedent(part) for part in parts)
        (package / "part.py").write_text(source, encoding="utf-8")
        for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(str(tmp_path))
        return tmp_path

    return install


def in_a_process(folder, code):
    """Run code where a folder comes first, with warnings as errors; return what it prints.

    Operators of PyTorch are the whole process's, so none of them is defined in this one.
    """
    start = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


LOOK = """
    from artgan import vision

    module = vision.torchvision()
    assert vision.torchvision() is module
    import torch

    print(module.part.nms(1, 2, 3), len(vision._defined), torch.ops.torchvision.qnms)
"""


def test_operators_that_could_not_be_loaded_are_named(installed):
    assert in_a_process(installed(ASKS), LOOK) == "1 1 torchvision.qnms\n"


def test_operators_that_are_there_are_left_alone(installed):
    assert in_a_process(installed(COMPILED, ASKS), LOOK) == "1 0 torchvision.qnms\n"


def test_one_of_them_may_be_there(installed):
    """Someone else in the process has named the first."""
    first = COMPILED.partition('    library.define("qnms')[0]
    assert in_a_process(installed(ASKS), first + LOOK) == "1 1 torchvision.qnms\n"


def test_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ConfigError) as caught:
        vision.torchvision()
    assert str(caught.value) == (
        "torchvision is needed for this and is not installed: pip install torchvision"
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ImportError('no such symbol\\nand more')", "no such symbol"),
        ("import module_that_is_nowhere", "No module named 'module_that_is_nowhere'"),
        ("raise RuntimeError('too old')", "too old"),
    ],
)
def test_installed_but_broken(installed, source, reason):
    import torch

    installed(source)
    with pytest.raises(ConfigError) as caught:
        vision.torchvision()
    assert str(caught.value) == (
        f"torchvision is installed but cannot be imported ({reason}): reinstall the version that "
        f"goes with PyTorch {torch.__version__}"
    )
    assert not [name for name in sys.modules if name.startswith("torchvision")]

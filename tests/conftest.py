"""What every test gets: a fresh registry, no settings from outside, a screen of 80 columns."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from helpers import ROOT, fake_distribution

from artgan.registry import registry

hypothesis.settings.register_profile("artgan", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("artgan")


@pytest.fixture(autouse=True)
def _plain_surroundings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Give each test its own registry, home folders and cache; strangers' plug-ins are off."""
    for name in list(os.environ):
        if name.startswith(("ARTGAN_", "_ARTGAN_")):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("ARTGAN_CACHE", str(home / "cache"))
    monkeypatch.setenv("ARTGAN_PLUGINS", "")
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(home)
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Return a function that installs a made-up distribution: (name, modules, entry points).

    See `helpers.fake_distribution`. What it installs is found by the next registry and is gone
    after the test.
    """
    folder = tmp_path / "site"
    folder.mkdir()
    before = set(sys.modules)
    monkeypatch.delenv("ARTGAN_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield lambda *args, **kwargs: fake_distribution(folder, *args, **kwargs)
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin is not None and Path(origin).is_relative_to(folder):
            del sys.modules[name]


@pytest.fixture
def plugin_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Return a function that writes a folder of plug-ins: (folder's name, {file: source}).

    The folder is returned and not yet named to artgan; what is imported from it is gone after the
    test.
    """
    monkeypatch.delenv("ARTGAN_PLUGINS", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(name: str, files: dict[str, str]) -> Path:
        for file, source in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source), encoding="utf-8")
        return tmp_path / name

    yield write
    for name in [n for n in sys.modules if n.startswith("artgan.local_plugins.")]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def confetti_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which pip has installed the example package, and nothing else."""
    folder = tmp_path_factory.mktemp("confetti-site")
    options = "--no-build-isolation --no-deps --no-index --disable-pip-version-check -q".split()
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder)]
    done = subprocess.run(
        [*command, str(ROOT / "examples" / "artgan-confetti")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def confetti(monkeypatch: pytest.MonkeyPatch, confetti_site: Path) -> Iterator[Path]:
    """Make the example package a plug-in that is found, for one test; return its folder."""
    monkeypatch.delenv("ARTGAN_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(confetti_site))
    yield confetti_site
    for name in [n for n in sys.modules if n.partition(".")[0] == "artgan_confetti"]:
        del sys.modules[name]

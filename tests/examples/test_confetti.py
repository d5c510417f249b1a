"""The example of a third-party package: installed by pip, listed, checked, and trained with."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from importlib.metadata import distribution

import pytest
from helpers import ROOT
from PIL import Image

from artgan.cli.app import run
from artgan.registry import registry

EXAMPLE = ROOT / "examples" / "artgan-confetti"


@pytest.fixture
def pictures(tmp_path):
    """Return a folder of a few small pictures, discs of many colours on white."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    dice = random.Random(0)
    for i in range(12):
        color = tuple(dice.randrange(256) for _ in range(3))
        picture = Image.new("RGB", (24, 24), "white")
        picture.paste(color, (dice.randrange(8), dice.randrange(8), 20, 20))
        picture.save(folder / f"{i}.png")
    return folder


def test_pip_installed_it_from_its_own_metadata(confetti):
    found = distribution("artgan-confetti")
    assert found.version == "0.1.0"
    assert (confetti / "artgan_confetti" / "py.typed").exists()
    assert found.requires[0].startswith("artgan")


def test_it_is_listed(confetti, capsys):
    assert run(["plugins", "list", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    listing = json.loads(out)
    supplied = {
        (c["kind"], c["name"], c["write"], c["status"])
        for c in listing["components"]
        if c["distribution"] == "artgan-confetti"
    }
    assert supplied == {
        ("architectures", "confetti", "confetti", "ok"),
        ("losses", "palette", "palette", "ok"),
        ("objectives", "pearson", "pearson", "ok"),
        ("samplers", "lissajous", "lissajous", "ok"),
    }
    assert listing["plugins"][-1]["name"] == "confetti"
    assert listing["plugins"][-1]["status"] == "ok"


def test_it_is_shown(confetti, capsys):
    assert run(["plugins", "show", "lissajous"]) == 0
    assert capsys.readouterr().out == (
        "sampler lissajous\n"
        "  summary      from key to key, swinging around the way in Lissajous figures\n"
        "  supplied by  artgan-confetti 0.1.0\n"
        "  spaces       z\n"
        "  closed       yes\n"
        "  min keys     1\n"
        "  max keys     none\n"
        "  keyed        yes\n"
        "\n"
        "options, set with --set samplers.lissajous.OPTION=VALUE\n"
        "  swing = 25.0  (float, >= 0, <= 180)\n"
        "      how far it swings, degrees\n"
        "  frequencies = 3  (int, >= 1, <= 16)\n"
        "      different speeds that swing together\n"
    )


def test_its_records_load_without_torch_and_its_own_tests_pass(confetti_site, tmp_path):
    """Run the package's tests as a stranger would, after a look at what its records import."""
    code = (
        "import sys, artgan_confetti as c\n"
        "records = [*c.artgan_architectures(), *c.artgan_objectives(), *c.artgan_samplers()]\n"
        "records += c.artgan_losses()\n"
        "import artgan_confetti.options\n"
        "assert 'torch' not in sys.modules\n"
        "import pytest\n"
        f"sys.exit(pytest.main(['-p', 'no:cacheprovider', {str(EXAMPLE)!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(confetti_site), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_the_readme_shows_what_works(confetti):
    """Every component and option that its README names exists."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    for kind, name in (
        ("architectures", "confetti"),
        ("losses", "palette"),
        ("objectives", "pearson"),
        ("samplers", "lissajous"),
    ):
        assert f"`{name}`" in text
        assert registry().find(kind, name)
    assert "--set architectures.confetti.discs=30" in text
    assert registry().options(registry().find("architectures", "confetti"), {"discs": 30})


def test_trains(confetti, pictures, tmp_path, capsys):
    arguments = "--size 16 --kimg 0.1 --batch 8 --arch confetti --objective pearson".split()
    options = ["--set", "architectures.confetti.discs=3", "--out", str(tmp_path / "runs")]
    code = run(["train", str(pictures), *arguments, *options])
    err = capsys.readouterr().err
    assert code == 0, err
    (folder,) = (tmp_path / "runs").iterdir()
    assert "confetti" in folder.name
    assert list(folder.glob("fakes*.png"))
    assert any((folder / "checkpoints").iterdir())
    assert "discs = 3" in (folder / "config.toml").read_text()

    film = tmp_path / "walk.gif"
    arguments = "--keys 3,17 --seconds 0.5 --fps 10 --sampler lissajous -o".split()
    assert run(["walk", str(folder), *arguments, str(film)]) == 0, capsys.readouterr().err
    with Image.open(film) as animation:
        assert animation.n_frames == 5


def test_its_loss_takes_part_by_name(confetti, pictures, tmp_path, capsys):
    out = tmp_path / "out.png"
    losses = ["--loss", "gram:1", "--loss", "palette:2", "--set", "losses.palette.steps=3"]
    quick = ["--effort", "0.05", "--set", "extractors.patch-kmeans.widths=[4,4]"]
    args = [str(pictures / "0.png"), "--style", str(pictures / "1.png"), "-o", str(out)]
    code = run(["stylize", *args, *losses, *quick])
    err = capsys.readouterr().err
    assert code == 0, err
    assert "palette" in err.splitlines()[-1]
    assert out.exists()

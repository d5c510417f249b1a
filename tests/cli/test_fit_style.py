"""`artgan fit-style`, and what it makes used by `artgan stylize`, at toy size."""

import json

import numpy as np
import pytest
from PIL import Image

import artgan.artstyle  # noqa: F401  (takes the true Shape, before one is put in its place)
from artgan.cli.app import run
from artgan.fastnet import Shape
from artgan.picturefiles import read_recipe

QUICK = ["--size", "32", "--effort", "0.01", "--set", "extractors.patch-kmeans.widths=[4,4]"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in: photos, a style, and a fast style of it."""
    monkeypatch.setattr("artgan.fastnet.Shape", lambda: Shape(width=8, detail=4, blocks=1))
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name, mode in (("photos/a.png", "RGB"), ("photos/b.png", "RGBA"), ("s.png", "RGB")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (24, 32, len(mode)), np.uint8)
        Image.fromarray(pixels, mode).save(path)
    return tmp_path


def fit_style(*args):
    return run(["fit-style", *args, *QUICK])


def stylize(*args):
    return run(["stylize", "photos", *args])


def test_a_fast_style_is_made_and_used(folder, capsys):
    assert fit_style("s.png", "photos", "-o", "x.artstyle", "--sheet", "x.png") == 0
    out, err = capsys.readouterr()
    assert out == "x.png\nx.artstyle\n"
    assert "fitted to 2 pictures" in err
    assert stylize("--style", "x.artstyle", "-o", "out/", "--strength", "0.7") == 0
    assert "redrawing 2 pictures in the style of x.artstyle" in capsys.readouterr().err
    recipe = json.loads(read_recipe(folder / "out/a.png"))["stylize"]
    assert recipe["strength"] == 0.7
    assert "losses" not in recipe
    with Image.open("photos/b.png") as before, Image.open("out/b.png") as after:
        assert after.size == (32, 24)
        assert np.array_equal(np.asarray(before)[..., 3], np.asarray(after)[..., 3])
    assert stylize("--style", "x.artstyle", "-o", "out/", "--strength", "0.7") == 0
    assert "2 pictures finished before" in capsys.readouterr().err
    assert stylize("--style", "x.artstyle", "--sheet", "table.png") == 0


def test_the_same_call_makes_the_same_files(folder):
    for name in ("x", "y"):
        assert fit_style("s.png", "photos", "-o", f"{name}.artstyle") == 0
        assert stylize("--style", f"{name}.artstyle", "-o", f"{name}/") == 0
    for name in ("{}.artstyle", "{}/a.png"):
        one, two = (folder / name.format(each) for each in "xy")
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["s.png", "photos", "-o", "x.png"], "fast styles are called NAME.artstyle"),
        (["no.png", "photos", "-o", "y.artstyle"], "there is no style no.png"),
        (["s.png", "nowhere", "-o", "y.artstyle"], "no file or folder nowhere"),
        (["x.artstyle", "photos", "-o", "y.artstyle"], "is a fast style already"),
        (["s.png", "photos", "-o", "y.artstyle", "--sheet", "x.jpg"], "sheets are .png"),
        (["s.png", "photos", "-o", "photos"], "fast styles are called NAME.artstyle"),
        (["s.png", "photos", "-o", "old.artstyle"], "exists"),
    ],
)
def test_what_cannot_be_fitted_is_refused(folder, capsys, args, expected):
    (folder / "x.artstyle").touch()
    (folder / "old.artstyle").touch()
    assert fit_style(*args) == 2
    err = capsys.readouterr().err
    assert expected in err
    assert len(err.splitlines()) == 1


def test_only_one_size_at_once(folder, capsys):
    args = ["fit-style", "s.png", "photos", "-o", "x.artstyle", "--size", "full"]
    assert run(args) == 2
    assert "made for one size" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--stroke", "2"], "--stroke changes nothing in a fast style"),
        (["--loss", "gram:1"], "--loss changes nothing in a fast style"),
        (["--no-guide"], "--no-guide changes nothing in a fast style"),
        (["--style", "s.png"], "is a fast style, which is used alone"),
    ],
)
def test_what_was_settled_by_fitting_is_refused(folder, capsys, args, expected):
    (folder / "x.artstyle").touch()
    assert stylize("--style", "x.artstyle", *args, "-o", "out/") == 2
    assert expected in capsys.readouterr().err


def test_a_file_that_is_none_is_said(folder, capsys):
    (folder / "x.artstyle").write_bytes(b"no")
    assert stylize("--style", "x.artstyle", "-o", "out/") == 1
    assert "x.artstyle is no fast style" in capsys.readouterr().err
    assert not (folder / "out").exists()

"""`artgan remake`: the same bytes again, larger editions, one sentence for what cannot be."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import hear_interrupts
from PIL import Image
from recipes_kit import forged, recipe_in, trained  # noqa: F401

from artgan.animations import read_frames
from artgan.cli.app import run

WALK = ["--keys", "3,17,40", "--frames", "6", "--scale", "2"]


@pytest.fixture(scope="module")
def made(trained, tmp_path_factory):  # noqa: F811
    """Return a folder of all kinds of files that artgan made of one run."""
    folder = tmp_path_factory.mktemp("made")
    runs = ["--runs", str(trained.path.parent)]
    outs = ["a.gif", "a.webp", "a.mp4", "a.webm", "a.apng", "a.avif", "a.sheet.png", "f/"]
    calls = [
        ["walk", "1", *WALK, *(part for out in outs for part in ("-o", f"{folder}/{out}"))],
        ["walk", "1", *WALK, "--growth", "--keys", "3,17", "-o", f"{folder}/growth.gif"],
        ["walk", "1", *WALK, "--blend", "1@96", "-o", f"{folder}/blend.gif"],
        ["walk", "1", *WALK, "--grid", "2x2", "--plays", "1", "-o", f"{folder}/tiles.gif"],
        ["walk", "1@96", *WALK, "--set", "writers.gif.colors=16", "-o", f"{folder}/set.gif"],
        ["sample", "1", "--seeds", "7", "-o", f"{folder}/one.png"],
        ["sample", "1", "--seeds", "0-4", "--grid", "--label", "-o", f"{folder}/grid.png"],
    ]
    for call in calls:
        assert run([*call, *runs]) == 0, call
    return folder


@pytest.fixture
def remake(trained):  # noqa: F811
    return lambda *more: run(["remake", *map(str, more), "--runs", str(trained.path.parent)])


def refused(capsys, code, message):
    """Check that all that was said is one sentence that begins so."""
    said, words = capsys.readouterr()
    assert said == ""
    assert words.startswith(f"artgan: {message}")
    assert words.count("\n") == 1
    assert len(words) < 500
    assert "unexpected" not in words
    assert words[:-1].isprintable()
    assert code in (1, 2)


# The same again -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "a.gif", "a.webp", "a.mp4", "a.webm", "a.apng", "a.avif", "a.sheet.png",
        "growth.gif", "blend.gif", "tiles.gif", "set.gif", "one.png", "grid.png",
    ],
)  # fmt: skip
def test_the_same_bytes(made, remake, tmp_path, capsys, name):
    out = tmp_path / f"again{name[name.index('.') :]}"
    assert remake(made / name, "-o", out) == 0
    said, words = capsys.readouterr()
    assert said == f"{out}\n"
    assert "again\n" in words
    assert "different" not in words
    assert out.read_bytes() == (made / name).read_bytes()


def test_every_frame_of_a_folder_makes_the_folder_again(made, remake, tmp_path, capsys):
    frame = made / "f" / "frame000004.png"
    assert remake(frame, "-o", f"{tmp_path}/g.1/") == 0
    for path in sorted((made / "f").iterdir()):
        assert (tmp_path / "g.1" / path.name).read_bytes() == path.read_bytes()
    capsys.readouterr()
    copy = Path(shutil.copy(frame, tmp_path))
    refused(
        capsys, remake(copy), f"{tmp_path}/frame000004-remade.png holds one picture, 6 frames were"
    )


def test_the_name_is_made_up_where_none_is_given(made, remake, tmp_path, capsys):
    shutil.copy(made / "a.gif", tmp_path / "a.gif")
    assert remake(tmp_path / "a.gif") == 0
    assert capsys.readouterr().out == f"{tmp_path}/a-remade.gif\n"
    refused(capsys, remake(tmp_path / "a.gif"), f"{tmp_path}/a-remade.gif exists: choose another")
    assert remake(tmp_path / "a.gif", "-o", tmp_path / "a.gif", "--overwrite") == 0
    assert (tmp_path / "a.gif").read_bytes() == (made / "a.gif").read_bytes()


def test_a_recipe_tells_what_made_it_and_no_paths(made, trained):  # noqa: F811
    facts = recipe_in(made / "a.gif")
    assert facts["model"]["run_id"] == trained.config()["run"]["id"]
    ema = trained.checkpoints / "000000104-0" / "ema.safetensors"
    assert facts["model"]["digest"] == hashlib.sha256(ema.read_bytes()).hexdigest()
    assert facts["walk"]["keys"] == [3, 17, 40]
    assert facts["writer"]["name"] == "gif"
    assert recipe_in(made / "set.gif")["writer"]["options"]["colors"] == 16
    assert [stage["cur_nimg"] for stage in recipe_in(made / "growth.gif")["walk"]["stages"]] == [
        96,
        104,
    ]
    for path in made.rglob("*.*"):
        assert not re.search(r"[/\\]", json.dumps(recipe_in(path)))


# Another edition ------------------------------------------------------------------------------


def test_larger_smoother_and_in_another_format(made, remake, tmp_path):
    out = tmp_path / "b.mp4"
    assert remake(made / "a.gif", "-o", out, "--fps", "50", "--scale", "4") == 0
    frames = list(read_frames(out))
    assert len(frames) == 12
    assert frames[0].image.shape == (3, 64, 64)
    now, was = recipe_in(out), recipe_in(made / "a.gif")
    changed = {"frames": 12, "fps": 50.0, "scale": 4}
    assert now["walk"] == {**was["walk"], **changed}
    assert now["model"] == was["model"]
    assert now["writer"]["name"] == "video"
    assert remake(out, "-o", tmp_path / "c.mp4") == 0
    assert (tmp_path / "c.mp4").read_bytes() == out.read_bytes()


def test_larger_pictures_and_without_a_recipe(made, remake, tmp_path, capsys):
    assert remake(made / "grid.png", "-o", f"{tmp_path}/v.2/", "--scale", "2", "--no-meta") == 0
    path = tmp_path / "v.2" / "grid.png"
    assert capsys.readouterr().out == f"{path}\n"
    with Image.open(path) as picture:
        assert picture.size == (3 * (32 + 2) + 2, 2 * (32 + 16 + 2) + 2)
        assert picture.text == {}


def test_with_another_checkpoint(made, remake, trained, tmp_path, capsys):  # noqa: F811
    out = tmp_path / "a.gif"
    assert remake(made / "a.gif", "-o", out, "--run", f"{trained.path}@96") == 0
    assert "it will look different\n" in capsys.readouterr().err
    assert recipe_in(out)["model"]["cur_nimg"] == 96
    assert remake(made / "growth.gif", "-o", tmp_path / "g.gif", "--run", trained.path) == 0
    assert "different" not in capsys.readouterr().err
    assert (tmp_path / "g.gif").read_bytes() == (made / "growth.gif").read_bytes()


def test_options_of_writers_and_of_nothing_else(made, remake, tmp_path, capsys):
    out = tmp_path / "a.gif"
    assert remake(made / "a.gif", "-o", out, "--set", "writers.gif.colors=4") == 0
    assert recipe_in(out)["writer"]["options"]["colors"] == 4
    capsys.readouterr()
    for assignment in ("samplers.spline.x=1", "writers.webp.quality=3", "losses.gram.x=1"):
        code = remake(made / "a.gif", "-o", tmp_path / "b.gif", "--set", assignment)
        refused(capsys, code, f"--set {assignment.rpartition('.')[0]}: the recipe says the rest, ")
    code = remake(made / "one.png", "-o", tmp_path / "b.png", "--set", "writers.gif.colors=4")
    refused(capsys, code, f"{made}/one.png is a picture: leave out --set")
    code = remake(made / "one.png", "-o", tmp_path / "b.png", "--preview")
    refused(capsys, code, f"{made}/one.png is a picture: leave out --preview")
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_small_enough_and_what_it_really_is_told(made, remake, tmp_path, capsys):
    size = (made / "a.gif").stat().st_size
    out = tmp_path / "small.gif"
    most = str(size // 2)
    assert remake(made / "a.gif", "-o", out, "--max-size", most) == 0
    assert out.stat().st_size <= int(most)
    told, was = recipe_in(out), recipe_in(made / "a.gif")
    assert (told["walk"], told["writer"]) != (was["walk"], was["writer"])
    frames = list(read_frames(out))
    assert len(frames) == told["walk"]["frames"]
    assert frames[0].image.shape[1] == 16 * told["walk"].get("scale", 1)
    assert remake(out, "-o", tmp_path / "again.gif") == 0
    assert (tmp_path / "again.gif").read_bytes() == out.read_bytes()
    capsys.readouterr()
    for path in tmp_path.iterdir():
        path.unlink()
    assert remake(made / "a.gif", "-o", tmp_path / "b.gif", "--max-size", "100 bytes") == 1
    words = capsys.readouterr().err.splitlines()
    assert words[-1].startswith(
        f"artgan: {tmp_path}/b.gif cannot be made to fit into 100 bytes, it took "
    )
    assert list(tmp_path.iterdir()) == []


# What cannot be remade ------------------------------------------------------------------------


def test_files_that_are_not_artgans(made, remake, tmp_path, capsys):
    with Image.open(made / "a.gif") as picture:
        picture.save(tmp_path / "stripped.gif", comment=b"")
    (tmp_path / "words.gif").write_text("no picture")
    before = sorted(tmp_path.iterdir())
    for path in before:
        refused(capsys, remake(path), f"{path} keeps no recipe: it was not made by artgan, or ")
    refused(capsys, remake("\x1b[2J.gif"), "there is no file \\x1b[2J.gif: give a picture")
    refused(capsys, remake(tmp_path), f"{tmp_path} is a folder: give a picture")
    assert sorted(tmp_path.iterdir()) == before


def test_runs_that_are_gone_or_changed(made, trained, tmp_path, capsys):  # noqa: F811
    call = ["remake", f"{made}/a.gif", "-o", f"{tmp_path}/b.gif", "--runs"]
    code = run([*call, f"{tmp_path}/nowhere"])
    refused(capsys, code, f"{made}/a.gif was made with run {trained.config()['run']['id']} (dcgan")
    copy = Path(shutil.copytree(trained.path, tmp_path / "runs" / trained.name))
    (copy / "checkpoints" / "000000104-0" / "ema.safetensors").write_bytes(b"x")
    code = run([*call, f"{tmp_path}/runs"])
    refused(capsys, code, f"{made}/a.gif was made with run 00001-dcgan-squares (dcgan at 104 pict")
    assert not (tmp_path / "b.gif").exists()


STYLED = {"schema": 1, "artgan": "0", "command": "stylize", "stylize": {"content": "0" * 64}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"command": "\x1b[2J", "walk": None}, "was made by artgan \\x1b[2J, from pictures that "),
        ({"walk": 3}, "recipe.walk is 3: expected a valid dictionary"),
        ({"writer": {"name": "gif", "options": {"colors": "/etc"}}}, "writers.gif.colors is '/etc"),
        ({"model": {"digest": "../../x"}}, "recipe.model.digest is '../../x': expected"),
        ({"walk.frames": 10**9}, "recipe.walk.frames is 1000000000: expected less than or equal"),
        ({"walk.columns": 400, "walk.rows": 400}, "recipe.walk has 160,000 tiles, 400 are the mo"),
        ({"walk.keys": [{"code": ["x"]}]}, "recipe.walk.keys.0.code.0 is 'x': expected a valid nu"),
        ({"walk.ease": "os.system"}, "recipe.walk.ease is 'os.system': expected 'linear'"),
        ({"walk.sampler": "os:system"}, "no sampler 'os:system': no plug-in of os is here"),
        ({"walk.sampler": "circle"}, "recipe.walk has 3 keys for sampler 'circle', which goes th"),
        ({"walk.space": "w"}, "recipe.walk is in w, this network has z: give the --run that it"),
        ({"walk.out": "/etc/passwd"}, "recipe.walk.out is not a setting: known: "),
        ({"walk.stages": [{"digest": "0" * 64}] * 10_000}, "recipe.walk has no morph and 10,000 s"),
        (
            {"walk.stages": [{"digest": "0" * 64}] * 10_000, "walk.morph": "growth"},
            "was made with run ? (0 pictures), which is not in ",
        ),
    ],
)
def test_hostile_recipes_make_nothing(made, remake, tmp_path, capsys, changes, message):
    recipe = recipe_in(made / "a.gif")
    for name, value in changes.items():
        table, _, key = name.rpartition(".")
        (recipe[table] if table else recipe)[key] = value
    path = forged(tmp_path / "a.png", recipe)
    started = time.monotonic()
    code = remake(path, "-o", tmp_path / "b.gif")
    assert time.monotonic() - started < 2
    said = f"{path} " if message.startswith("was") else f"{path}: "
    refused(capsys, code, message if message.startswith(("no ", "writers")) else said + message)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"walk.scale": 64, "walk.columns": 20, "walk.rows": 20},
            "a frame of 20522x20522 px is 42",
        ),
        ({"walk.keys": [{"code": [1.0]}]}, "key "),
        ({"walk.keys": [{"code": [1e300] * 8}, 1, 2]}, "sampler 'artgan:spline' gave codes that "),
        ({"walk.mix": {"key": 1, "first": 0, "last": 2}}, "--mix is of layers, and 'dcgan' has on"),
        ({"walk.effects": [{"name": "os.system"}]}, "no effect 'os.system': known: "),
        ({"walk.hold": 86400}, "holds take 300% of the time: give a shorter --hold"),
    ],
)
def test_what_only_the_network_can_tell(made, remake, tmp_path, capsys, changes, message):
    recipe = recipe_in(made / "a.gif")
    for name, value in changes.items():
        recipe["walk"][name.removeprefix("walk.")] = value
    path = forged(tmp_path / "a.png", recipe)
    assert remake(path, "-o", tmp_path / "b.gif") in (1, 2)
    said, words = capsys.readouterr()
    first, *last = words.splitlines()
    assert (said, first) == ("", "walking through run 00001-dcgan-squares at 0.104 kimg again")
    assert len(last) == 1
    assert last[0].startswith(f"artgan: {message}")
    assert list(tmp_path.iterdir()) == [path]


def test_samples_that_cannot_be(made, remake, tmp_path, capsys):
    recipe = recipe_in(made / "one.png")
    for plan, out, message in (
        ({"seeds": [-1]}, "b.png", "{}: recipe.sample.seeds.0 is -1: expected"),
        ({"seeds": [1, 2]}, "b.png", "{1}/b.png holds one picture, 2 seeds were given: add"),
        ({"seeds": [1], "label": True}, "b.png", "--label is of a grid: add --grid, or leave it"),
        ({"seeds": [1], "columns": 0}, "b.png", "{}: recipe.sample.columns is 0: expected"),
        ({"seeds": [1], "scale": 10**9}, "b.png", "{}: recipe.sample.scale is 1000000000: exp"),
        ({"seeds": [1]}, "b.jpg", "{1}/b.jpg: samples are .png, not '.jpg': give a .png"),
    ):
        path = forged(tmp_path / "a.png", {**recipe, "sample": plan})
        code = remake(path, "-o", tmp_path / out)
        refused(capsys, code, message.format(path, tmp_path))
        assert list(tmp_path.iterdir()) == [path]
    code = remake(made / "one.png", "-o", tmp_path / "b.png", "-o", tmp_path / "c.png")
    refused(capsys, code, f"{made}/one.png is a picture: give one --out")


# Interrupted ----------------------------------------------------------------------------------


def test_interrupted_while_it_is_made_to_fit_it_leaves_nothing(made, trained, tmp_path):  # noqa: F811
    call = ["remake", f"{made}/a.gif", "-o", "a.gif", "-o", "b.webp", "--frames", "900000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "artgan", *call, "--max-size", "1MB"]
        + ["--runs", str(trained.path.parent)],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*/.*a.gif")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    words = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in words
    assert list(tmp_path.iterdir()) == []

"""`artgan show`: recipes on stdout, of which nothing can pretend to be anything else."""

import json
import tomllib

import pytest
from fakes import fake_model
from PIL import Image
from recipes_kit import forged

from artgan.cli.app import run
from artgan.rendering import recipe

CODE = {"name": "me", "code": [0.5] * 512}
WALK = {"keys": [3, CODE], "sampler": "spline", "frames": 4, "fps": 25.0, "mix": None}


def walked(**more):
    return {**json.loads(recipe("walk", fake_model(), WALK)), **more}


def shown(capsys, *args):
    assert run(["show", *map(str, args)]) == 0
    said, words = capsys.readouterr()
    assert words == ""
    return said


def test_a_recipe_is_told_as_toml_with_codes_by_their_length(tmp_path, capsys):
    path = forged(tmp_path / "a.png", walked())
    said = shown(capsys, path)
    assert said.splitlines()[:4] == [
        f"# {path}", "schema = 1", f'artgan = "{walked()["artgan"]}"', 'command = "walk"'
    ]  # fmt: skip
    told = tomllib.loads(said)
    assert told["walk"] == {
        "keys": [3, {"name": "me", "code": "512 numbers"}],
        "sampler": "spline",
        "frames": 4,
        "fps": 25.0,
    }
    assert told["model"] == fake_model().origin


def test_several_files_and_whole_recipes(tmp_path, capsys):
    a, b = (forged(tmp_path / name, walked(artgan=name)) for name in ("a.png", "b.png"))
    assert f"\n\n# {b}\nschema = 1\n" in shown(capsys, a, b)
    lines = shown(capsys, "--json", a, b).splitlines()
    assert [json.loads(line) for line in lines] == [walked(artgan="a.png"), walked(artgan="b.png")]


def test_any_kind_of_recipe_is_told(tmp_path, capsys):
    for command in ("sample", "stylize", "evaluate", "something-new"):
        made = {"schema": 1, "artgan": "9", "command": command, command: {"x": [1, None, "y"]}}
        told = tomllib.loads(shown(capsys, forged(tmp_path / "a.png", made)))
        assert told[command] == {"x": [1, "none", "y"]}


def test_nothing_in_a_recipe_reaches_the_screen_or_forges_a_line(tmp_path, capsys):
    bad = '\x1b[2J\n[model]\u2028digest = "00"\u202e\ud800\x85\x07'
    made = walked(artgan=bad, **{bad: {bad: bad}})
    path = forged(tmp_path / "a\x1b[31m.png", made)
    said = shown(capsys, path)
    assert [line for line in said.splitlines() if line.startswith(("digest", "[model"))] == [
        "[model]",
        f'digest = "{"00" * 32}"',
    ]
    whole = shown(capsys, "--json", path)
    for text in (said, whole):
        assert all(line.isprintable() for line in text.split("\n"))
    assert json.loads(whole) == made


def test_no_recipe_fills_the_screen(tmp_path, capsys):
    seeds = walked(walk=None, sample={"seeds": list(range(5_000)), "note": "x" * 100_000})
    said = shown(capsys, forged(tmp_path / "a.png", {**seeds, "y" * 900: {"z": [[]] * 5_000}}))
    assert len(said) < 12_000
    told = tomllib.loads(said)
    assert told["sample"]["seeds"][-2:] == [399, "and 4,600 more"]
    assert told["sample"]["note"] == "x" * 400 + "..."


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_what_cannot_be_told(tmp_path, capsys, flag):
    deep = '{"schema":1,"walk":' + "[" * 900 + "]" * 900 + "}"
    cases = {
        forged(tmp_path / "deep.png", deep): "the recipe in {} is damaged: there is far more in it",
        forged(tmp_path / "nan.png", '{"schema":1,"x":NaN}'): "the recipe in {} is damaged: it is",
        tmp_path: "{} is a folder: give a picture or animation that artgan made",
        tmp_path / "gone\x1b[2J.gif": f"there is no file {tmp_path}/gone\\x1b[2J.gif: give a pict",
    }
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.webp")
    cases[tmp_path / "plain.webp"] = "{} keeps no recipe: it was not made by artgan, or with --no-m"
    for path, message in cases.items():
        assert run(["show", *flag, str(path)]) == 2
        said, words = capsys.readouterr()
        assert said == ""
        assert words.startswith(f"artgan: {message.format(path)}")
        assert words.count("\n") == 1

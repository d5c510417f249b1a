"""Recipes: read out of files, refused in one sentence, and never long waited for."""

import json
import sys
import time

import pytest
import torch
from fakes import fake_model
from PIL import Image
from recipes_kit import forged

from artgan import recipes
from artgan.errors import ArtganError, ConfigError, PathError
from artgan.images import Frame, Frames
from artgan.keys import Key, write_keys
from artgan.outputs import deliver, find_outputs
from artgan.picturefiles import write_picture
from artgan.recipes import gather_keys, keys_in, made_by, model_of, read_made, writer_of
from artgan.registry import registry
from artgan.rendering import recipe

WALK = {"keys": [3, {"name": "me", "code": [0.5] * 8}], "sampler": "spline", "frames": 4, "fps": 25}


def walked(**more):
    return {**json.loads(recipe("walk", fake_model(), WALK)), **more}


@pytest.mark.parametrize(
    "out", ["a.gif", "a.webp", "a.mp4", "a.webm", "a.apng", "a.avif", "a.png", "a.sheet.png", "f/"]
)
def test_every_format_gives_back_what_it_was_given(tmp_path, out):
    outputs = find_outputs(
        [f"{tmp_path}/{out}"], fps=25, overwrite=False, components=registry(), tables={}
    )
    frames = Frames(iter([Frame(torch.rand(3, 16, 16), "frame000000")]), (16, 16), 25.0, 1)
    text = json.dumps(walked(naïve="猫 \x1b"), ensure_ascii=False, separators=(",", ":"))
    (path,) = deliver(frames, outputs, components=registry(), recipe=lambda output: text)
    assert read_made(path) == json.loads(text)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_pictures_give_it_back_too(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_picture(path, torch.zeros(3, 4, 4), recipe=json.dumps(walked()))
    assert read_made(path)["walk"] == WALK


def test_what_is_in_a_recipe(tmp_path):
    used = {"name": "gif", "options": {"colors": 64}}
    path = forged(tmp_path / "a.png", walked(writer=used))
    made = made_by(path)
    assert (made.command, made.walk, made.sample) == ("walk", WALK, None)
    assert model_of(made, path).run_id == "abc"
    assert writer_of(made) == {"writers": {"gif": {"colors": 64}}}
    assert writer_of(made_by(forged(tmp_path / "b.png", walked()))) == {}


# Files without one ----------------------------------------------------------------------------


def test_files_that_keep_none(tmp_path):
    plain = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(plain)
    foreign = tmp_path / "b.gif"
    Image.new("RGB", (4, 4)).save(foreign, comment=b"made with another program")
    for name, data in (
        ("c.txt", b"words"),
        ("empty.gif", b""),
        ("cut.webp", b"RIFF\0\0\0\0WEBPVP"),
    ):
        (tmp_path / name).write_bytes(data)
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(PathError) as caught:
            read_made(path)
        assert str(caught.value) == (
            f"{path} keeps no recipe: it was not made by artgan, or with --no-meta, or another "
            "program has removed it"
        )


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(PathError, match=r"is a folder: give a picture or animation"):
        read_made(tmp_path)
    with pytest.raises(PathError, match=r"^there is no file no\\x1b\[2J\.gif: give a picture"):
        read_made(tmp_path.__class__("no\x1b[2J.gif"))


def test_a_file_that_may_not_be_read_is_not_called_foreign(tmp_path, monkeypatch):
    path = forged(tmp_path / "a.png", walked())
    monkeypatch.setattr(recipes.os, "access", lambda path, mode: False)
    with pytest.raises(PathError, match=r"cannot read .*a\.png: permission is denied"):
        read_made(path)


def test_a_video_without_its_package_is_not_called_foreign(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(100))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ArtganError, match=r"to read it, pip install 'artgan\[video\]'"):
        read_made(path)


# Hostile ones ---------------------------------------------------------------------------------

START = '{"schema":1,"artgan":"0","command":"walk",'
MANY = "{" + ",".join(f'"k{n}":1' for n in range(200_000)) + "}"
DAMAGED = "the recipe in {} is damaged: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import os", DAMAGED + "it is no JSON"),
        ("[" * 100_000, DAMAGED + "it is no JSON"),
        ('{"schema":' + "9" * 9_000 + "}", DAMAGED + "it is no JSON"),
        ('{"schema":1,"psi":NaN}', DAMAGED + "it is no JSON"),
        ('{"schema":1,"psi":1e999}', DAMAGED + "it is no JSON"),
        ("[1]", DAMAGED + "it does not say its schema"),
        ('{"schema":true}', DAMAGED + "it does not say its schema"),
        ('{"schema":"1"}', DAMAGED + "it does not say its schema"),
        (
            '{"schema":' + "9" * 4_000 + "}",
            "the recipe in {} has schema 99999999999999999999, this artgan reads 1: use the "
            "artgan that made it, or a newer one",
        ),
        (START + '"walk":' + '{"a":' * 600 + "1" + "}" * 601, DAMAGED + "there is far more"),
        (START + '"walk":' + "[" * 600 + "]" * 600 + "}", DAMAGED + "there is far more"),
        (START + '"walk":' + MANY + "}", DAMAGED + "there is far more"),
        (START + MANY[1:], DAMAGED + "there is far more"),
        (START + '"walk":{"keys":' + str(["x"] * 200_000).replace("'", '"') + "}}", DAMAGED),
        (START + '"sample":{"seeds":' + str(["x"] * 200_000).replace("'", '"') + "}}", DAMAGED),
        (START + '"' + "k" * 500_000 + '":1}', DAMAGED + "there is far more"),
        (START + '"code":"import os"}', "{}: recipe.code is not a setting: did you mean 'model'?"),
        (START + '"\\u001b[2J\\u202e":1}', "{}: recipe.\\x1b[2J\\u202e is not a setting: known"),
        (START + '"walk":[3]}', "{}: recipe.walk is [3]: expected a valid dictionary"),
        ('{"schema":1}', "{}: recipe.artgan is missing"),
        (START + '"model":"../../etc"}', "{}: recipe.model is '../../etc': expected a valid dict"),
    ],
)
def test_hostile_recipes_are_one_short_sentence_and_take_no_time(tmp_path, text, message):
    path = forged(tmp_path / "a.png", text)
    started = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        made_by(path)
    assert time.monotonic() - started < 2
    said = str(caught.value)
    assert said.startswith(message.format(path))
    assert len(said) < 400
    assert said.isprintable()


def test_the_longest_real_recipes_are_read(tmp_path):
    code = {"name": "me", "code": [0.25] * 20_000, "layers": 20}
    deep = walked(walk={**WALK, "keys": [code, *range(9_999)]})
    assert len(keys_in(forged(tmp_path / "a.png", deep))) == 10_000
    seeds = {"seeds": list(range(100_000)), "grid": True}
    assert made_by(forged(tmp_path / "b.png", walked(sample=seeds))).sample == seeds


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ([-1] * 100_000, "seeds.0 is -1: expected greater than or equal to 0"),
        ([10**18], "seeds.0 is 1000000000000000000: expected less than 1000000000000000000"),
        ([], "seeds is []: expected"),
        (None, "seeds is None: expected a valid tuple"),
        (list(range(200_001)), "seeds is [0, 1, 2"),
    ],
)
def test_seeds_that_cannot_be(tmp_path, seeds, message):
    bad = forged(tmp_path / "a.png", walked(walk=None, command="sample", sample={"seeds": seeds}))
    started = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        keys_in(bad)
    assert time.monotonic() - started < 2
    assert str(caught.value).startswith(f"{bad}: recipe.sample.{message}")
    assert len(str(caught.value)) < 400


# Keys out of them -----------------------------------------------------------------------------


def test_keys_come_from_lists_files_walks_and_samples_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_keys(tmp_path / "own.toml", [Key(seed=8), Key(name="x", code=(1.0, 2.0))], {})
    forged(tmp_path / "walk.png", walked())
    forged(tmp_path / "grid.png", walked(walk=None, command="sample", sample={"seeds": [5, 5]}))
    Image.new("RGB", (4, 4)).save("photo.png")
    found = gather_keys("0-1,favourites,walk.png,photo.png,grid.png", tmp_path / "own.toml")
    labels = [key.label if isinstance(key, Key) else key.name for key in found]
    assert labels == ["0", "1", "8", "x", "3", "me", "photo.png", "5", "5"]
    assert found[5].code == (0.5,) * 8


def test_a_restyled_picture_is_a_photo_like_any_other(tmp_path):
    restyled = walked(walk=None, command="stylize", stylize={"content": "00"})
    path = forged(tmp_path / "a.png", restyled)
    assert keys_in(path) is None
    assert gather_keys(str(path)) == [path]
    sheet = walked(walk=None, command="evaluate", evaluate={"sheet": "neighbours"})
    assert keys_in(forged(tmp_path / "b.png", sheet)) is None


def test_no_keys_and_too_many(tmp_path):
    write_keys(tmp_path / "none.toml", [], {})
    with pytest.raises(ConfigError, match=r"there are no keys in .*none\.toml: give at least one"):
        gather_keys(str(tmp_path / "none.toml"))
    path = forged(tmp_path / "a.png", walked(walk={**WALK, "keys": list(range(6_000))}))
    with pytest.raises(ConfigError, match=r"^12,000 keys were given, 10,000 are the most$"):
        gather_keys(f"{path},{path}")

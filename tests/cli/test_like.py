"""`artgan like`: favourites are kept with their run, and walks go through them."""

import shutil

import pytest
from PIL import Image
from recipes_kit import forged, recipe_in, trained  # noqa: F401

from artgan.cli.app import run
from artgan.keys import Key, read_keys


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):  # noqa: F811
    """Return a copy of the run in ./runs."""
    path = shutil.copytree(trained.path, tmp_path / "runs" / trained.name)
    monkeypatch.chdir(tmp_path)
    return path


def labels(path):
    return [key.label for key in read_keys(path).keys]


def test_seeds_are_remembered_once_and_in_order(folder, capsys):
    assert run(["like", "1", "3", "17"]) == 0
    own = folder / "favourites.toml"
    assert capsys.readouterr() == (
        "runs/00001-dcgan-squares/favourites.toml\n",
        "2 keys more, 2 in all\n",
    )
    assert run(["like", "latest", "40-42", "3, 8"]) == 0
    assert capsys.readouterr().err == "4 keys more, 6 in all\n"
    assert labels(own) == ["3", "17", "40", "41", "42", "8"]
    assert read_keys(own).origin["cur_nimg"] == 104
    assert run(["like", "1", "40-50", "17", "--remove"]) == 0
    assert capsys.readouterr().err == "4 keys taken out, 2 left\n"
    assert labels(own) == ["3", "8"]
    assert [path.name for path in folder.iterdir() if "tmp" in path.name] == []


def test_a_walk_goes_through_them(folder, capsys):
    call = ["walk", "1", "--frames", "2", "--scale", "1", "--keys"]
    assert run([*call, "favourites", "-o", "a.gif"]) == 2
    words = capsys.readouterr().err
    assert "favourites" in words
    assert words.count("\n") == 1
    assert run(["like", "1", "3", "17"]) == 0
    assert run([*call, "favourites,8", "-o", "a.gif"]) == 0
    assert recipe_in(folder.parent.parent / "a.gif")["walk"]["keys"] == [3, 17, 8]


def test_what_artgan_made_is_liked_by_its_seeds(folder, capsys):
    assert run(["sample", "1", "--seeds", "5,7", "--grid", "-o", "g.png"]) == 0
    call = ["walk", "1", "--keys", "1,2,5", "--frames", "2", "--scale", "1"]
    assert run([*call, "-o", "w.webp"]) == 0
    assert run(["like", "1", "g.png", "w.webp"]) == 0
    assert labels(folder / "favourites.toml") == ["5", "7", "1", "2"]
    code = {"name": "me", "code": [0.5] * 8}
    walked = recipe_in(folder.parent.parent / "w.webp")
    walked["walk"]["keys"] = [code, 1]
    forged(folder / "me.png", walked)
    assert run(["like", "1", str(folder / "me.png"), "-o", "mine.toml"]) == 0
    assert run(["like", "1", "favourites", "mine.toml", "-o", "all.toml"]) == 0
    found = read_keys(folder.parent.parent / "all.toml").keys
    assert [key.label for key in found] == ["5", "7", "1", "2", "me"]
    assert found[-1] == Key(name="me", code=(0.5,) * 8)


def test_a_packed_run_has_its_favourites_beside_it(folder, capsys):
    assert run(["pack", "1", "-o", "a.artgan"]) == 0
    capsys.readouterr()
    assert run(["like", "a.artgan", "4"]) == 0
    assert capsys.readouterr().out == "a.favourites.toml\n"
    assert labels(folder.parent.parent / "a.favourites.toml") == ["4"]


def test_what_cannot_be_liked_changes_nothing(folder, capsys, tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "photo.png")
    made = {"schema": 1, "artgan": "0", "command": "sample", "sample": {"seeds": [-1]}}
    forged(tmp_path / "bad.png", made)
    (tmp_path / "notes.toml").write_text("[like]\n")
    (tmp_path / "esc.toml").write_text('[[keys]]\nname = "\\u001b[2J"\ncode = ["x"]\n')
    own = folder / "favourites.toml"
    assert run(["like", "1", "3"]) == 0
    capsys.readouterr()
    before = own.read_bytes()
    for args, message in (
        (
            ["1", "photo.png"],
            "photo.png is a photo: find it first, artgan invert photo.png --run 1",
        ),
        (["1", "bad.png"], "bad.png: recipe.sample.seeds.0 is -1: expected greater than or equal"),
        (["1", "gone.png"], "key gone.png: there is no file gone.png, and it is no seed and no"),
        (["1", "5-4"], "seeds '5-4': range 5-4 runs backwards"),
        (["1", "0-10000"], "10,001 keys were given, 10,000 are the most"),
        (["1", "notes.toml"], "notes.toml is no file of keys: expected [[keys]] with a seed or"),
        (["1", "esc.toml"], "esc.toml.keys.0.code.0 is 'x': expected a valid number"),
        (["1", "5", "-o", "notes.toml"], "notes.toml is no file of keys: expected [[keys]]"),
        (["1", "5", "-o", "photo.png"], "photo.png is not a TOML file: "),
        (["9", "5"], "no run 9 in runs: they go from 1 to 1"),
        (["\x1b[2J", "5"], "no run \\x1b[2J: give a run folder, its number in runs, 'latest', or"),
    ):
        assert run(["like", *args]) == 2, args
        said, words = capsys.readouterr()
        assert said == ""
        assert words.startswith(f"artgan: {message}")
        assert words.count("\n") == 1
        assert words[:-1].isprintable()
    assert own.read_bytes() == before
    assert (tmp_path / "notes.toml").read_text() == "[like]\n"


def test_there_is_room_for_so_many_and_the_file_stays_readable(folder, capsys):
    assert run(["like", "1", "0-9998"]) == 0
    capsys.readouterr()
    assert run(["like", "1", "20000,20001"]) == 2
    assert capsys.readouterr() == (
        "",
        "artgan: runs/00001-dcgan-squares/favourites.toml would have 10,001 keys, 10,000 are the "
        "most: take some out with --remove, or give another --out\n",
    )
    assert len(read_keys(folder / "favourites.toml").keys) == 9_999


def test_a_run_without_a_checkpoint_gets_no_favourites(folder, capsys):
    shutil.rmtree(folder / "checkpoints")
    assert run(["like", "1", "3"]) == 1
    said, words = capsys.readouterr()
    assert (said, words.count("\n")) == ("", 1)
    assert "holds no checkpoint yet" in words
    assert not (folder / "favourites.toml").exists()

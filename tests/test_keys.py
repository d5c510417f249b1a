"""Keys: lists and files of them, there and back to the bit, and every fault in one sentence."""

from pathlib import Path

import pytest
import torch

from artgan.config import validate
from artgan.errors import ConfigError, PathError
from artgan.keys import MAX_KEYS, Key, KeyFile, favourites_of, parse_keys, read_keys, write_keys
from artgan.latents import draw

ORIGIN = {"run_id": "abc", "arch": "fake", "cur_nimg": 5, "digest": "00" * 32}


def seeds(text):
    return [key.seed for key in parse_keys(text)]


def test_lists_keep_their_order_and_files_are_left_to_open(tmp_path):
    photo = tmp_path / "me.jpg"
    photo.touch()
    assert seeds("3, 40 - 42,3,0") == [3, 40, 41, 42, 3, 0]
    assert parse_keys(f"1,{photo},2") == [Key(seed=1), photo, Key(seed=2)]
    assert parse_keys("liked", {"liked": photo}) == [photo]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ConfigError, "keys '': expected seeds, ranges and files, such as 3,40-43,me.jpg"),
        ("1,,2", ConfigError, "keys '1,,2': expected seeds, ranges and files, such as 3,40-43,me"),
        ("7-3", ConfigError, "seeds '7-3': range 7-3 runs backwards"),
        ("0-10000", ConfigError, "10,001 keys were given, 10,000 are the most"),
        ("0-9999,3", ConfigError, "10,001 keys were given, 10,000 are the most"),
        ("0-9999,-3", PathError, "key -3: there is no file -3, and it is no seed and no range of"),
        ("-1", PathError, "key -1: there is no file -1, and it is no seed and no range of them"),
        ("x\x1b[2J", PathError, "key x\\x1b[2J: there is no file x\\x1b[2J, and it is no seed"),
        ("٣", PathError, "key ٣: there is no file ٣, and it is no seed"),
        ("a\0b", PathError, "key a\\x00b: there is no file a\\x00b"),
        ("n" * 5000, PathError, "key nnnn"),
        ("9" * 19, ConfigError, "seeds '9999999999999999999': expected numbers and ranges"),
        (".", PathError, "key .: there is no file ., and it is no seed"),
    ],
)
def test_what_is_no_list_of_keys_is_refused(text, error, message):
    with pytest.raises(error) as caught:
        parse_keys(text)
    assert str(caught.value).startswith(message)


def test_millions_of_seeds_are_refused_before_they_are_made(monkeypatch):
    made = []
    monkeypatch.setattr("artgan.keys.Key", lambda **how: made.append(how))
    with pytest.raises(ConfigError, match="1,000,000 keys were given"):
        parse_keys("0-999999")
    assert made == []


def test_a_word_without_its_file_is_said():
    with pytest.raises(PathError) as caught:
        parse_keys("1,favourites", {"favourites": Path("runs/7/favourites.toml")})
    assert str(caught.value) == (
        "there are no favourites, which would be in runs/7/favourites.toml"
    )


# Codes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", ["gaussian", "sphere"])
def test_a_seed_is_the_draw_of_that_seed(prior):
    assert torch.equal(Key(seed=0).tensor(8, prior), draw([0], 8, prior)[0])


@pytest.mark.parametrize("shape", [(7,), (1, 4), (3, 5)])
def test_a_code_survives_a_file_to_the_bit(tmp_path, shape):
    code = torch.randn(shape, generator=torch.Generator().manual_seed(2)) * 1e-3
    key = Key.of_code("me", code.requires_grad_(), "w")
    path = tmp_path / "new" / "k.toml"
    write_keys(path, [Key(seed=0), key, Key(seed=17, name="bird")], ORIGIN)
    found = read_keys(path)
    assert found.keys == (Key(seed=0), key, Key(seed=17, name="bird"))
    assert found.origin == ORIGIN
    back = found.keys[1].tensor(99, "gaussian")
    assert back.shape == shape
    assert back.dtype == torch.float32
    assert torch.equal(back, code)


def test_files_are_short_and_written_again_the_same(tmp_path):
    path = tmp_path / "k.toml"
    write_keys(path, [Key(seed=3), Key(code=(0.5, -1.0))], {"run_id": "abc", "arch": None})
    text = path.read_text()
    assert text == (
        'schema = 1\n\n[origin]\nrun_id = "abc"\n\n'
        "[[keys]]\nseed = 3\n\n[[keys]]\ncode = [\n    0.5,\n    -1.0,\n]\n"
    )
    made = read_keys(path)
    write_keys(path, made.keys, made.origin)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("key", "label"),
    [(Key(seed=0), "0"), (Key(seed=1, name="a"), "a"), (Key(code=(1.0,)), "without a name")],
)
def test_labels(key, label):
    assert key.label == label


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "expected either a seed or a code"),
        ({"seed": 1, "code": [1.0]}, "expected either a seed or a code"),
        ({"seed": -1}, "expected greater than or equal to 0"),
        ({"seed": 10**18}, "expected less than 1000000000000000000"),
        ({"seed": 1, "space": "w"}, "expected a seed without layers and space, which are of codes"),
        ({"seed": 1, "layers": 2}, "expected a seed without layers and space, which are of codes"),
        ({"code": []}, "should have at least 1 item"),
        ({"code": [1.0, 2.0, 3.0], "layers": 2}, "expected rows of equal length"),
        ({"code": [float("nan")]}, "expected a finite number"),
        ({"code": [1.0], "space": "s"}, "expected 'z' or 'w'"),
        ({"seed": 1, "colour": 3}, "keys.0.colour is not a setting"),
        (True, "expected a valid dictionary or instance of Key"),
        ("3", "expected a valid dictionary or instance of Key"),
    ],
)
def test_keys_that_cannot_be_are_refused(table, message):
    with pytest.raises(ConfigError) as caught:
        validate(KeyFile, {"schema": 1, "keys": [table]}, "k.toml")
    assert str(caught.value).startswith("k.toml.keys.0")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (
            "schema = 1\n",
            ConfigError,
            "k.toml is no file of keys: expected [[keys]] with a seed or",
        ),
        ("schema = 2\nkeys = [3]\n", ConfigError, "k.toml.schema is 2: expected 1"),
        ("schema = 1\nkeys = 3\n", ConfigError, "k.toml.keys is 3: expected a valid tuple"),
        ("schema = \n", ConfigError, "k.toml is not a TOML file: "),
        (f"schema = 1\nkeys = [{'1,' * (MAX_KEYS + 1)}]", ConfigError, "k.toml.keys is ["),
        (None, PathError, "cannot read settings from k.toml: "),
    ],
)
def test_files_that_are_none_of_keys(monkeypatch, tmp_path, text, error, message):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path("k.toml").write_text(text)
    with pytest.raises(error) as caught:
        read_keys(Path("k.toml"))
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 400


def test_favourites_are_beside_what_they_belong_to(tmp_path):
    run = tmp_path / "00007-dcgan-cats"
    run.mkdir()
    (run / "config.toml").touch()
    (tmp_path / "cats.artgan").touch()
    assert favourites_of("7@latest", tmp_path) == run / "favourites.toml"
    packed = str(tmp_path / "cats.artgan")
    assert favourites_of(packed, tmp_path) == tmp_path / "cats.favourites.toml"
    with pytest.raises(PathError):
        favourites_of("8", tmp_path)

"""Settings: sizes, TOML, --set, and one plain sentence for whatever is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artgan.api import KINDS, Architecture, ConfigError, PathError
from artgan.cli.app import run
from artgan.config import (
    TrainConfig,
    check_size,
    component_tables,
    dump_toml,
    format_size,
    load_toml,
    merge,
    nearest_sizes,
    parse_set,
    parse_size,
    size_unit,
    validate,
)

ARCHITECTURE = Architecture("net", "m:f", min_side=16, max_side=512)

# Sizes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64", (64, 64)),
        ("96x64", (64, 96)),
        (" 96 X 64 ", (64, 96)),
        ("8×4", (4, 8)),
        (64, (64, 64)),
    ],
)
def test_sizes_are_width_by_height(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "64x", "x64", "6.4", "-64", "64x64x3", "1e3", "٦٤", "123456"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="^expected a number of pixels or WIDTHxHEIGHT"):
        parse_size(text)


@given(st.tuples(st.integers(1, 99999), st.integers(1, 99999)))
def test_a_size_survives_being_written(size):
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("short", "unit"),
    [(1, 1), (4, 1), (7, 1), (8, 2), (15, 2), (16, 4), (31, 4), (32, 8), (63, 8), (64, 16),
     (127, 16), (128, 32), (256, 64), (512, 128)],
)  # fmt: skip
def test_size_unit(short, unit):
    assert size_unit(short) == unit


@pytest.mark.parametrize(
    "size",
    [(16, 16), (20, 20), (16, 20), (28, 16), (32, 32), (40, 40), (56, 32), (64, 64), (64, 96),
     (96, 64), (80, 80), (128, 128), (160, 128), (256, 256), (512, 512), (512, 16)],
)  # fmt: skip
def test_legal_sizes(size):
    check_size(size, ARCHITECTURE)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((63, 63), "at this size both sides must be multiples of 8 px: try 64 or 56"),
        ((65, 65), "at this size both sides must be multiples of 16 px: try 64 or 56"),
        ((18, 18), "at this size both sides must be multiples of 4 px: try 16 or 20"),
        ((64, 100), "at this size both sides must be multiples of 16 px: try 96x64 or 96x56"),
        ((8, 8), "sides run from 16 to 512 px: try 16 or 20"),
        ((1024, 1024), "sides run from 16 to 512 px: try 512 or 448"),
        ((8, 64), "sides run from 16 to 512 px: try 64x16 or 60x16"),
        ((0, 0), "sides run from 16 to 512 px: try 16 or 20"),
    ],
)
def test_illegal_sizes_name_the_nearest(size, message):
    with pytest.raises(ConfigError) as caught:
        check_size(size, ARCHITECTURE)
    assert str(caught.value) == f"size {format_size(size)} does not suit 'net': {message}"


@settings(max_examples=25)
@given(st.integers(0, 700), st.integers(0, 700))
def test_what_is_suggested_is_legal(height, width):
    suggested = nearest_sizes((height, width), 16, 512)
    assert suggested
    for size in suggested:
        check_size(size, ARCHITECTURE)


# --set


@pytest.mark.parametrize(
    ("text", "value"),
    [("2", 2), ("0.5", 0.5), ("true", True), ('"x"', "x"), ("[1, 2]", [1, 2]), ("plain", "plain"),
     (" spaced ", "spaced"), ("", ""), ("1e-3", 1e-3), ("a=b", "a=b"), ("-1", -1)],
)  # fmt: skip
def test_set_reads_toml_else_text(text, value):
    tables = parse_set([f"samplers.slerp.ease={text}"])
    assert tables == {"samplers": {"slerp": {"ease": value}}}


def test_set_collects_and_the_last_wins():
    tables = parse_set(["regularizers.r1.gamma=1", "regularizers.r1.gamma=2", "samplers.s.x=y"])
    assert tables == {"regularizers": {"r1": {"gamma": 2}}, "samplers": {"s": {"x": "y"}}}


@pytest.mark.parametrize("text", ["", "x", "a.b=1", "a.b.c.d=1", "samplers..x=1", "a.b.c"])
def test_set_of_another_form_is_refused(text):
    with pytest.raises(ConfigError) as caught:
        parse_set([text])
    assert str(caught.value) == (
        f"--set {text}: expected KIND.NAME.OPTION=VALUE, such as architectures.dcgan.z_dim=64"
    )


def test_set_of_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError) as caught:
        parse_set(["sampler.slerp.x=1"])
    assert str(caught.value) == (
        "--set sampler.slerp.x=1: no kind 'sampler': did you mean 'samplers'? known: "
        "architectures, augmentations, callbacks, effects, extractors, losses, metrics, "
        "objectives, policies, regularizers, samplers, writers"
    )


def test_set_cannot_break_out_of_its_value():
    tables = parse_set(["samplers.slerp.x=1\nevil=2"])
    assert tables == {"samplers": {"slerp": {"x": "1\nevil=2"}}}


# TOML


def test_toml_round_trip(tmp_path):
    tables = {"train": {"kimg": 1.5, "size": "96x64", "none": None, "list": [1, 2]}}
    (tmp_path / "a.toml").write_text(dump_toml(tables))
    assert load_toml(tmp_path / "a.toml") == {
        "train": {"kimg": 1.5, "size": "96x64", "list": [1, 2]}
    }


def test_toml_that_is_none_names_the_line(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("a = 1\nb = \n")
    with pytest.raises(ConfigError) as caught:
        load_toml(path)
    assert str(caught.value) == f"{path} is not a TOML file: Invalid value (at line 2, column 5)"


def test_toml_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not a TOML file: 'utf-8' codec can't decode"):
        load_toml(path)


def test_toml_that_is_missing_is_a_path_error(tmp_path):
    with pytest.raises(PathError) as caught:
        load_toml(tmp_path / "a.toml")
    assert str(caught.value) == (
        f"cannot read settings from {tmp_path}/a.toml: no such file or directory"
    )


def test_merge_is_deep_and_copies():
    below, above = {"a": {"x": 1, "y": 2}, "b": 1}, {"a": {"y": 3}, "b": {"c": 4}}
    merged = merge(below, above)
    assert merged == {"a": {"x": 1, "y": 3}, "b": {"c": 4}}
    merged["b"]["c"] = 5
    assert above["b"]["c"] == 4


def test_component_tables_are_those_called_after_a_kind():
    tables = {"train": {"kimg": 1}, "regularizers": {"r1": {"gamma": 2}}}
    assert component_tables(tables) == {"regularizers": {"r1": {"gamma": 2}}}


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"samplers": 3}, "samplers is 3: expected a table, [samplers]"),
        ({"samplers": {"slerp": 3}}, "samplers.slerp is 3: expected a table, [samplers.slerp]"),
    ],
)
def test_component_tables_that_are_none_are_refused(given_settings, message):
    with pytest.raises(ConfigError) as caught:
        component_tables(given_settings)
    assert str(caught.value) == message


# Values


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({}, "--images is missing"),
        ({"images": "x", "kimgs": 1}, "--kimgs is not a setting: did you mean 'kimg'? known: "),
        ({"images": "x", "kimg": 0}, "--kimg is 0: expected greater than 0"),
        ({"images": "x", "kimg": float("nan")}, "--kimg is nan: expected a finite number"),
        ({"images": "x", "kimg": float("inf")}, "--kimg is inf: expected a finite number"),
        ({"images": "x", "batch": 1}, "--batch is 1: expected greater than or equal to 2"),
        ({"images": "x", "channels": 2}, "--channels is 2: expected 1, 3 or 4"),
        ({"images": "x", "fit": "stretch"}, "--fit is 'stretch': expected 'crop', 'pad' or "),
        ({"images": "x", "g_lr": 2}, "--g-lr is 2: expected less than or equal to 1"),
        ({"images": "x", "seed": -1}, "--seed is -1: expected greater than or equal to 0"),
        (
            {"images": "x", "size": "big"},
            "--size is 'big': expected a number of pixels or WIDTHxHEIGHT, such as 64 or 96x64",
        ),
    ],
)
def test_a_wrong_value_is_one_sentence(given_settings, message):
    with pytest.raises(ConfigError) as caught:
        validate(TrainConfig, given_settings, "")
    text = str(caught.value)
    assert text.startswith(message)
    assert "\n" not in text


def test_a_table_is_named_where_there_is_one():
    with pytest.raises(ConfigError, match=r"^train\.kimg is 0: expected greater than 0$"):
        validate(TrainConfig, {"images": "x", "kimg": 0}, "train")


def test_settings_survive_toml(tmp_path):
    config = validate(TrainConfig, {"images": "x", "size": "96x64", "kimg": 2}, "")
    (tmp_path / "c.toml").write_text(dump_toml(config.model_dump()))
    assert validate(TrainConfig, load_toml(tmp_path / "c.toml"), "") == config
    assert config.side == (64, 96)


# Precedence, through a command


def kinds(capsys, *args):
    """Return the kinds that `plugins list` lists."""
    assert run([*args, "plugins", "list", "--json"]) == 0
    listing = json.loads(capsys.readouterr().out)
    return sorted({component["kind"] for component in listing["components"]})


def test_flag_over_environment_over_file_over_default(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert len(kinds(capsys)) == len(KINDS)
    (tmp_path / "artgan.toml").write_text('[plugins.list]\nkind = "writers"\n')
    assert kinds(capsys) == ["writers"]
    monkeypatch.setenv("ARTGAN_PLUGINS_LIST_KIND", "samplers")
    assert kinds(capsys) == ["samplers"]
    assert run(["plugins", "list", "--kind", "objectives", "--json"]) == 0
    listing = json.loads(capsys.readouterr().out)
    assert {c["kind"] for c in listing["components"]} == {"objectives"}


def test_a_named_settings_file_replaces_the_one_that_is_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artgan.toml").write_text('[plugins.list]\nkind = "writers"\n')
    (tmp_path / "mine.toml").write_text('[plugins.list]\nkind = "samplers"\n')
    assert kinds(capsys, "--config", "mine.toml") == ["samplers"]
    monkeypatch.setenv("ARTGAN_CONFIG", "mine.toml")
    assert kinds(capsys) == ["samplers"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[trian]\n", "[trian] is not a table of settings: did you mean 'train'? known: "),
        ("train = 3\n", "train must be a table, [train]"),
        ("[train]\nkimgs = 3\n", "[train] kimgs is not a setting: did you mean 'kimg'? known: "),
        ("[run]\nforced = 3\n", "[run] forced is not a setting: did you mean 'force'? known: "),
        ("[plugins]\nlst = 3\n", "[plugins] lst is not a setting: did you mean 'list'? known: "),
        ("[plugins]\nlist = 3\n", "plugins.list must be a table, [plugins.list]"),
        (
            "[plugins.list]\nkinds = 3\n",
            "[plugins.list] kinds is not a setting: did you mean 'kind'? known: as_json, kind",
        ),
        ("a = \n", " is not a TOML file: Invalid value (at line 1, column 5)"),
    ],
)
def test_a_wrong_settings_file_is_refused(tmp_path, capsys, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    assert run(["--config", str(path), "plugins", "list"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"artgan: {path}{':' * (message[0] != ' ')}{' ' * (message[0] != ' ')}")
    assert message in err
    assert err.count("\n") == 1


def test_a_settings_file_that_is_missing_is_refused(tmp_path, capsys):
    assert run(["--config", str(tmp_path / "none.toml"), "plugins", "list"]) == 2
    assert capsys.readouterr().err == (
        f"artgan: cannot read settings from {tmp_path}/none.toml: no such file or directory\n"
    )


def test_the_same_order_holds_for_training(tmp_path, monkeypatch, capsys):
    """Four illegal values: the one that is refused is the one that counts."""
    monkeypatch.chdir(tmp_path)

    def refused(*flags):
        assert run(["train", "pictures", *flags]) == 2
        return capsys.readouterr().err

    (tmp_path / "artgan.toml").write_text("[train]\nchannels = 5\n")
    assert refused() == "artgan: --channels is 5: expected 1, 3 or 4\n"
    monkeypatch.setenv("ARTGAN_TRAIN_CHANNELS", "6")
    assert refused() == "artgan: --channels is 6: expected 1, 3 or 4\n"
    assert refused("--channels", "7") == "artgan: --channels is 7: expected 1, 3 or 4\n"


def test_a_components_table_is_checked_before_anything_is_done(tmp_path, monkeypatch, capsys):
    """A misspelt option in a settings file is refused, and the flag lies over the file."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (20, 20)).save(tmp_path / "pictures" / "a.png")
    (tmp_path / "artgan.toml").write_text("[architectures.dcgan]\nz_dim = 0\n")
    arguments = ["train", "pictures", "--size", "16", "--kimg", "0.1", "--dry-run"]
    assert run(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "artgan: architectures.dcgan.z_dim is 0: expected greater than or equal to 1"
    )
    assert run([*arguments, "--set", "architectures.dcgan.z_dmi=4"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("artgan: architectures.dcgan.z_d")

"""Settings of walks: counts, beats, tiles and keys by hand, and every refusal to the letter."""

import dataclasses

import pytest

from artgan.api import Sampler
from artgan.config import validate
from artgan.errors import ComponentError, ConfigError
from artgan.keys import Key
from artgan.registry import Registry
from artgan.walkplan import Mix, Origin, Sign, Styled, Used, WalkPlan, passings_of
from artgan.walksettings import (
    WalkConfig,
    check_walk,
    grid_of,
    keys_a_tile,
    shape_of,
    usual_keys,
    usual_sampler,
)

REGISTRY = Registry(entry_points=())


def config(**settings):
    return validate(WalkConfig, {"run": "1", **settings}, "")


def refusal(keys=6, **settings):
    with pytest.raises(ConfigError) as caught:
        check_walk(config(**settings), REGISTRY, range(keys))
    return str(caught.value)


# Time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 150),
        ({"seconds": 6, "fps": 24}, 144),
        ({"seconds": 0.001}, 1),
        ({"seconds": 2.5, "fps": 10}, 25),
        ({"seconds": 1, "fps": 29.97}, 30),
        ({"seconds": 9, "frames": 7}, 7),
        ({"bpm": 120, "beats": 8}, 100),
        ({"bpm": 100, "beats": 1, "fps": 10}, 6),
        ({"bpm": 120, "beats": 8, "seconds": 99}, 100),
    ],
)
def test_counts(settings, count):
    assert config(**settings).count == count


@pytest.mark.parametrize(
    ("settings", "beats"),
    [
        ({}, None),
        ({"beats": 4}, None),
        ({"bpm": 120}, 12),
        ({"bpm": 110}, 11),
        ({"bpm": 110, "shape": "boomerang"}, 12),  # 11, and there and back have to be alike
        ({"bpm": 110, "rounds": 3}, 12),
        ({"bpm": 110, "rounds": 3, "shape": "boomerang"}, 12),
        ({"bpm": 110, "rounds": 3, "shape": "boomerang", "seconds": 1}, 6),
        ({"bpm": 1}, 1),
        ({"bpm": 60, "beats": 5}, 5),
    ],
)
def test_beats_are_whole_each_time_the_path_is_gone_along(settings, beats):
    found = config(**settings)
    assert found.beat_count == beats
    if beats is not None:
        assert found.length == pytest.approx(beats * 60 / found.bpm)
        assert beats % passings_of(found.shape, found.rounds) == 0


# Which sampler, shape, tiles, keys --------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "keys", "spaces", "name"),
    [
        ({}, 3, ("z",), "spline"),
        ({}, 2, ("z",), "circle"),
        ({}, 1, ("z",), "circle"),
        ({}, 2, ("z", "w"), "spline"),
        ({"sampler": "slerp"}, 2, ("z",), "slerp"),
        ({"shape": "open"}, 2, ("z",), "spline"),
        ({"shape": "boomerang"}, 2, ("z",), "spline"),
        ({"growth": True}, 1, ("z",), "spline"),
        ({"hold": 0.5}, 2, ("z",), "spline"),
        ({"ease": "sine"}, 2, ("z",), "spline"),
        ({"bpm": 120}, 2, ("z",), "spline"),
    ],
)
def test_the_usual_sampler_suits_the_keys(settings, keys, spaces, name):
    assert usual_sampler(config(**settings), keys, spaces) == name
    check_walk(config(**settings), REGISTRY, range(keys))


@pytest.mark.parametrize(
    ("least", "most", "count"), [(1, None, 6), (1, 2, 2), (1, 1, 1), (8, None, 8), (2, 9, 6)]
)
def test_usual_keys_suit_the_sampler(monkeypatch, least, most, count):
    record = Sampler("s", "m:f", min_keys=least, max_keys=most)
    entry = dataclasses.replace(REGISTRY.find("samplers", "slerp"), record=record)
    monkeypatch.setattr(REGISTRY, "find", lambda kind, name: entry)
    assert [key.seed for key in usual_keys(config(sampler="s"), REGISTRY)] == list(range(count))


def test_usual_keys_fill_the_tiles_that_have_their_own():
    assert len(usual_keys(config(grid="4x3", own_keys=True), REGISTRY)) == 12
    assert len(usual_keys(config(grid="4x3"), REGISTRY)) == 6
    assert len(usual_keys(config(grid="2x2", growth=True), REGISTRY)) == 4
    with pytest.raises(ConfigError, match="--grid is 99999x99999: expected 1 to 400 tiles"):
        usual_keys(config(grid="99999x99999", own_keys=True), REGISTRY)


@pytest.mark.parametrize(
    ("settings", "keys", "tiles", "each"),
    [
        ({}, 6, (1, 1), 6),
        ({"grid": "3x2"}, 6, (3, 2), 6),
        ({"grid": "2"}, 6, (2, 2), 6),
        ({"grid": "3x2", "own_keys": True}, 12, (3, 2), 2),
        ({"growth": True}, 6, (3, 2), 1),
        ({"growth": True}, 9, (3, 3), 1),
        ({"growth": True}, 7, (7, 1), 1),
        ({"growth": True}, 1, (1, 1), 1),
        ({"growth": True, "grid": "2x1"}, 4, (2, 1), 2),
        ({"growth": True, "sampler": "slerp"}, 6, (1, 1), 6),
    ],
)
def test_tiles_and_the_keys_of_each(settings, keys, tiles, each):
    assert grid_of(config(**settings), keys) == tiles
    assert keys_a_tile(config(**settings), keys, tiles[0] * tiles[1]) == each


def test_the_usual_shape_closes_where_it_can():
    both, closes, ends = Sampler("a", "m:f", needs=("closed",)), Sampler("b", "m:f"), None
    ends = Sampler("c", "m:f", closed=False)
    assert [shape_of(config(), record) for record in (both, closes, ends)] == [
        "loop", "loop", "open",
    ]  # fmt: skip
    assert shape_of(config(growth=True), both) == "open"
    assert shape_of(config(growth=True, shape="boomerang"), both) == "boomerang"


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fps": float("nan")}, "--fps is nan: expected a finite number"),
        ({"fps": 0}, "--fps is 0: expected greater than or equal to 0.1"),
        ({"seconds": float("inf")}, "--seconds is inf: expected a finite number"),
        ({"seconds": 0}, "--seconds is 0: expected greater than 0"),
        ({"frames": 0}, "--frames is 0: expected greater than or equal to 1"),
        ({"bpm": 0.5}, "--bpm is 0.5: expected greater than or equal to 1"),
        ({"psi": 1.5}, "--psi is 1.5: expected less than or equal to 1"),
        ({"scale": 0}, "--scale is 0: expected greater than or equal to 1"),
        ({"rounds": 0}, "--rounds is 0: expected greater than or equal to 1"),
        ({"hold": -1}, "--hold is -1: expected greater than or equal to 0"),
        ({"pace": "slow"}, "--pace is 'slow': expected perceptual, even, or a number from 0 to 1"),
        ({"pace": "nan"}, "--pace is nan: expected a finite number"),
        ({"pace": 2}, "--pace is 2: expected less than or equal to 1"),
        ({"ease": "in"}, "--ease is 'in': expected 'linear', 'sine', 'quad', "),
        ({"shape": "ring"}, "--shape is 'ring': expected 'loop', 'open' or 'boomerang'"),
        ({"grid": "3by2"}, "--grid is '3by2': expected COLUMNSxROWS, such as 3x2"),
        ({"wave": "sea"}, "--wave is 'sea': expected 'rows', 'wave' or 'spiral'"),
        ({"mix_layers": "a"}, "--mix-layers is 'a': expected layers, such as 4- or 2-5"),
        ({"mix_layers": "-5"}, "--mix-layers is '-5': expected layers, such as 4- or 2-5"),
        ({"mix_layers": "5-2"}, "--mix-layers is '5-2': expected the lower layer first, such as 2"
         "-5"),
        ({"max_size": "big"}, "--max-size is 'big': expected a size, such as 8MB or 500kB"),
        ({"max_size": "0MB"}, "--max-size is '0MB': expected a size, such as 8MB or 500kB"),
        ({"colour": 1}, "--colour is not a setting: did you mean 'corner'?"),
    ],
)  # fmt: skip
def test_settings_are_refused_in_a_sentence(settings, message):
    with pytest.raises(ConfigError) as caught:
        config(**settings)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("given", "pace"), [("perceptual", 1), ("even", 0), ("0.5", 0.5), (0, 0)])
def test_paces_have_names(given, pace):
    assert config(pace=given).pace == pace


@pytest.mark.parametrize(
    ("keys", "settings", "message"),
    [
        (3, {"sampler": "circle"}, "sampler 'circle' goes through 1 to 2 keys, 3 were given: chang"
         "e --keys, or choose another --sampler"),
        (2, {"sampler": "drift"}, "sampler 'drift' goes through 1 key, 2 were given: change --keys"
         ", or choose another --sampler"),
        (0, {}, "sampler 'circle' goes through 1 to 2 keys, 0 were given: change --keys, or choose "
         "another --sampler"),
        (5, {"grid": "2x2", "own_keys": True}, "5 keys cannot be dealt to 4 tiles evenly: give a m"
         "ultiple of 4 --keys"),
        (6, {"grid": "0x3"}, "--grid is 0x3: expected 1 to 400 tiles"),
        (6, {"grid": "21x20"}, "--grid is 21x20: expected 1 to 400 tiles"),
        (6, {"grid": "2x2", "shape": "open"}, "the tiles of --grid are ahead of each other, which "
         "an open walk has no room for: leave out --open, or add --own-keys"),
        (6, {"grid": "2x2", "growth": True, "sampler": "slerp"}, "the tiles of --grid are ahead of"
         " each other, which an open walk has no room for: use --boomerang, or add --own-keys"),
        (2, {"sampler": "circle", "shape": "open"}, "sampler 'circle' closes by itself: leave out "
         "--open"),
        (2, {"sampler": "circle", "growth": True}, "sampler 'circle' closes by itself, and a growi"
         "ng network does not come back: choose another --sampler"),
        (2, {"sampler": "circle", "hold": 0.1}, "--hold goes by keys, and sampler 'circle' does no"
         "t meet them evenly: leave it out, or use --sampler spline"),
        (1, {"sampler": "drift", "ease": "sine"}, "--ease goes by keys, and sampler 'drift' does n"
         "ot meet them evenly: leave it out, or use --sampler spline"),
        (6, {"shape": "open", "rounds": 2}, "an open walk has one round: leave out --open or --rou"
         "nds"),
        (6, {"growth": True, "blend": "8"}, "--growth and --blend both change the network: give on"
         "e of them"),
        (6, {"growth": True, "shape": "loop"}, "a growing network does not come back: leave out --"
         "loop, or give --boomerang instead"),
        (6, {"blend": "8", "rounds": 2}, "--rounds does not go with --growth and --blend: leave it"
         " out"),
        (6, {"beats": 4}, "--beats says how many, not how fast: add --bpm"),
        (6, {"bpm": 60, "frames": 4}, "--bpm says how long it is: leave out --frames"),
        (6, {"bpm": 60, "beats": 9, "shape": "boomerang"}, "the path is gone along 2 times in 9 be"
         "ats: give a multiple of 2 --beats"),
        (6, {"bpm": 60, "beats": 9, "rounds": 2}, "the path is gone along 2 times in 9 beats: give"
         " a multiple of 2 --beats"),
        (6, {"seconds": 86400, "fps": 50}, "4,320,000 frames were asked for, 1,000,000 are the mos"
         "t: give fewer --seconds or --fps"),
        (6, {"bpm": 1, "beats": 86400, "fps": 50}, "259,200,000 frames were asked for, 1,000,000 a"
         "re the most: give fewer --beats or --fps"),
        (6, {"hold": 1}, "holds take 100% of the time: give a shorter --hold, fewer --keys, or mor"
         "e --seconds"),
        (4, {"hold": 1.4, "shape": "open"}, "holds take 93% of the time: give a shorter --hold, fe"
         "wer --keys, or more --seconds"),
        (4, {"hold": 1, "shape": "boomerang"}, "holds take 100% of the time: give a shorter --hold"
         ", fewer --keys, or more --seconds"),
        (3, {"hold": 1, "rounds": 2}, "holds take 100% of the time: give a shorter --hold, fewer -"
         "-keys, or more --seconds"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(keys, settings, message):
    assert refusal(keys, **settings) == message


def test_unknown_components_are_named():
    with pytest.raises(ComponentError, match="did you mean 'slerp'"):
        refusal(sampler="slrep")
    with pytest.raises(ComponentError, match="did you mean 'mirror'"):
        refusal(effects=("miror",))


@pytest.mark.parametrize(
    "settings",
    [
        {"hold": 0.8, "seconds": 6},
        {"hold": 1.3, "shape": "open", "keys": "1,2"},
        {"growth": True, "shape": "boomerang", "sampler": "slerp", "grid": "2x2"},
        {"blend": "8"},
        {"blend": "8", "sampler": "circle", "keys": "1,2"},
        {"grid": "20x20", "wave": "spiral"},
        {"bpm": 90, "beats": 12, "rounds": 3, "shape": "boomerang"},
    ],
)
def test_what_goes_together_is_taken(settings):
    count = 2 if "keys" in settings else 6
    check_walk(config(**settings), REGISTRY, range(count))


# Plans ------------------------------------------------------------------------------------------

KEY, SUM = Key(seed=3), "0f" * 32
FULL = {
    "keys": (KEY, Key(code=(0.1, 2.0), layers=1, space="w", name="me")),
    "space": "w", "psi": 0.7, "sampler": "drift", "options": {"seed": 3}, "shape": "boomerang",
    "rounds": 2, "frames": 9, "fps": 12.5, "pace": 0.5, "ease": "back", "hold": 0.25, "beats": 8,
    "columns": 2, "rows": 3, "wave": "spiral", "own": True, "morph": "growth",
    "stages": (Origin(digest=SUM, arch="dcgan", cur_nimg=3), Origin(digest=SUM)),
    "mix": Mix(key=KEY, first=1, last=2), "effects": (Used(name="mirror", options={"a": 1}),),
    "scale": 4, "pixels": True, "sign": Sign(digest=SUM, corner="top-left"), "plays": 3,
    "stylize": Styled(styles=(SUM,), strength=0.1),
}  # fmt: skip


def test_a_plan_survives_its_recipe_and_says_no_more_than_it_must():
    import json

    assert set(FULL) == set(WalkPlan.model_fields)
    for settings in (FULL, {"keys": (KEY,), "sampler": "slerp", "frames": 2, "fps": 25.0}):
        plan = WalkPlan(**settings)
        table = json.loads(json.dumps(plan.table()))
        assert set(table) == set(settings)
        assert validate(WalkPlan, table, "recipe") == plan
    assert table == {"keys": [3], "sampler": "slerp", "frames": 2, "fps": 25.0}


def test_older_recipes_say_loop_for_plays():
    old = {"keys": [1], "sampler": "slerp", "frames": 2, "fps": 25, "space": "z", "psi": 1.0}
    plan = validate(WalkPlan, {**old, "options": {}, "loop": 3, "pixels": False}, "recipe")
    assert (plan.plays, plan.pace, plan.shape, plan.closed) == (3, 0.0, "loop", True)
    with pytest.raises(ConfigError, match=r"recipe\.loop is not a setting"):
        validate(WalkPlan, {**old, "loop": 3, "plays": 3}, "recipe")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ease": "in"}, "recipe.ease is 'in': expected 'linear', 'sine', "),
        ({"frames": 10**7}, "recipe.frames is 10000000: expected less than or equal to 1000000"),
        ({"keys": []}, "recipe.keys is []: "),
        ({"sign": {"digest": "../x"}}, "recipe.sign.digest is '../x': "),
        ({"stages": [{"digest": "x"}]}, "recipe.stages.0.digest is 'x': "),
        ({"fps": "1e999"}, "recipe.fps is '1e999': expected a finite number"),
    ],
)
def test_nothing_in_a_recipe_is_believed(change, message):
    with pytest.raises(ConfigError) as caught:
        validate(WalkPlan, {**WalkPlan(**FULL).table(), **change}, "recipe")
    assert str(caught.value).startswith(message)

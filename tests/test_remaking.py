"""Remaking: what of a recipe stays, what may be another, and what no recipe may say."""

import json

import pytest
from fakes import fake_model
from PIL import Image

from artgan.config import validate
from artgan.errors import ComponentError, ConfigError
from artgan.recipes import Made
from artgan.registry import registry
from artgan.remakesettings import RemakeConfig, usual_out
from artgan.remaking import check_plan, film_again, replanned, sample_again, writer_tables
from artgan.rendering import recipe
from artgan.walkplan import WalkPlan

WALK = {"keys": [3, 17, 40], "sampler": "spline", "frames": 50, "fps": 25.0, "plays": 2}
STAGE = {"run_id": "abc", "digest": "0" * 64}


def config(**settings):
    return validate(RemakeConfig, {"file": "a.gif", **settings}, "")


def walked(**more):
    table = json.loads(recipe("walk", fake_model(), {**WALK, **more}))
    return validate(Made, table, "")


def sampled(**more):
    table = json.loads(recipe("sample", fake_model(), {"seeds": [3], **more}))
    return validate(Made, table, "")


def film(made, *, tell=lambda line: None, **settings):
    asked = config(**settings)
    return film_again(asked, made, replanned(asked, made), registry(), tell)


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """Open the fake model whatever --run is asked for."""
    asked = []

    def open_model(ref, **how):
        asked.append(ref)
        return fake_model()

    monkeypatch.setattr("artgan.models.open_model", open_model)
    return asked


@pytest.mark.parametrize(
    ("name", "remade"),
    [
        ("walk.gif", "walk-remade.gif"),
        ("walk.sheet.png", "walk-remade.sheet.png"),
        ("walk_1.5s.gif", "walk_1.5s-remade.gif"),
        (".walk.gif", ".walk-remade.gif"),
        ("walk", "walk-remade"),
    ],
)
def test_a_remade_file_is_called_after_the_first(tmp_path, name, remade):
    assert usual_out(tmp_path / name) == tmp_path / remade


@pytest.mark.parametrize(
    ("settings", "frames", "fps"),
    [
        ({}, 50, 25.0),
        ({"fps": 50}, 100, 50.0),
        ({"fps": 12.5}, 25, 12.5),
        ({"seconds": 3}, 75, 25.0),
        ({"seconds": 3, "fps": 10}, 30, 10.0),
        ({"frames": 7}, 7, 25.0),
        ({"frames": 7, "fps": 50}, 7, 50.0),
        ({"seconds": 0.001}, 1, 25.0),
    ],
)
def test_at_another_rate_it_lasts_as_long(settings, frames, fps):
    plan = replanned(config(**settings), walked())
    assert (plan.frames, plan.fps) == (frames, fps)
    assert (plan.scale, plan.plays) == (1, 2)


def test_only_scale_and_plays_may_change_besides():
    plan = replanned(config(scale=4, plays=0), walked())
    assert plan.table() == {
        "keys": [3, 17, 40], "sampler": "spline", "frames": 50, "fps": 25.0, "scale": 4
    }  # fmt: skip


def test_lengths_that_no_walk_has():
    with pytest.raises(ConfigError) as caught:
        replanned(config(seconds=86_400), walked())
    assert str(caught.value) == (
        "2,160,000 frames were asked for, 1,000,000 are the most: give fewer --seconds or --fps"
    )


def test_writers_are_as_they_were_but_for_what_is_set():
    used = {"name": "gif", "options": {"colors": 64, "quality": "best"}}
    made = validate(Made, json.loads(recipe("walk", fake_model(), WALK, writer=used)), "")
    tables = writer_tables(config(components={"writers": {"gif": {"colors": 8}}}), made)
    assert tables == {"writers": {"gif": {"colors": 8, "quality": "best"}}}


# What no recipe may say -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"columns": 400, "rows": 400}, "has 160,000 tiles, 400 are the most"),
        ({"columns": 2, "own": True}, "has 3 keys for 2 tiles, which cannot be dealt evenly"),
        ({"morph": "growth"}, "has morph 'growth' and 0 stages: a morph has two or more"),
        ({"morph": "blend", "stages": [STAGE]}, "has morph 'blend' and 1 stage: a morph has two"),
        ({"stages": [STAGE] * 3}, "has no morph and 3 stages: a morph has two or more"),
        ({"sampler": "circle"}, "has 3 keys for sampler 'circle', which goes through 1 to 2"),
        ({"sampler": "lerp"}, "walks in z, and sampler 'lerp' in w"),
        ({"space": "w"}, "is in w, this network has z: give the --run that it was made with"),
    ],
)
def test_walks_that_cannot_be(more, message):
    with pytest.raises(ConfigError) as caught:
        film(walked(**more), run="7")
    assert str(caught.value).startswith(f"a.gif: recipe.walk {message}")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ease": "os.system"}, "ease is 'os.system': expected 'linear', "),
        ({"frames": 10**9}, "frames is 1000000000: expected less than or equal to 1000000"),
        ({"scale": 65}, "scale is 65: expected less than or equal to 64"),
        ({"fps": "x" * 10_000}, "fps is 'xxx"),
        ({"keys": [-1]}, "keys.0.seed is -1: expected greater than or equal to 0"),
        ({"keys": [None]}, "keys.0 is None: expected a valid dictionary"),
        ({"sign": {"digest": "/etc/passwd"}}, "sign.digest is '/etc/passwd': expected"),
        ({"out": "/etc/passwd"}, "out is not a setting: known: "),
    ],
)
def test_settings_that_cannot_be(more, message):
    with pytest.raises(ConfigError) as caught:
        replanned(config(), walked(**more))
    assert str(caught.value).startswith(f"a.gif: recipe.walk.{message}")
    assert len(str(caught.value)) < 500


def test_names_in_a_recipe_are_only_ever_looked_up():
    plan = WalkPlan.model_validate({**WALK, "sampler": "os:system"})
    with pytest.raises(ComponentError, match=r"^no sampler 'os:system': no plug-in of os is here"):
        check_plan(plan, registry(), "a.gif: recipe.walk")
    plan = WalkPlan.model_validate({**WALK, "options": {"__class__": 1}})
    with pytest.raises(ConfigError, match=r"^samplers\.spline has no options"):
        check_plan(plan, registry(), "a.gif: recipe.walk")


# What it needs besides ------------------------------------------------------------------------


def test_another_run_is_said_to_look_different(opened):
    heard = []
    made = walked().model_copy(update={"artgan": "0.0.1\x1b[2J"})
    again = film(made, run="7", tell=heard.append)
    assert opened == ["7"]
    assert again.plan.frames == 50
    assert heard[0].startswith("a.gif was made by artgan 0.0.1\\x1b[2J, this is ")
    assert len(heard) == 1
    strange = made.model_copy(update={"model": {"digest": "1" * 64}})
    film(strange, run="7", tell=heard.append)
    assert heard[2] == (
        "run 00001-fake at 128 kimg is not what a.gif was made with: it will look different"
    )


def test_a_blend_is_of_two_checkpoints():
    made = walked(morph="blend", stages=[STAGE, STAGE])
    with pytest.raises(ConfigError, match=r"^a\.gif blends two checkpoints, and --run is one: "):
        film(made, run="7")


def test_a_signature_has_to_be_the_same(tmp_path):
    mark = Image.new("RGBA", (8, 8))
    mark.paste("black", (2, 2, 6, 6))
    mark.save(tmp_path / "sign.png")
    sign = str(tmp_path / "sign.png")
    for made, given, message in (
        (walked(), sign, "a.gif has no signature: leave out --sign"),
        (
            walked(sign={"digest": "0" * 64}),
            None,
            "a.gif is signed, and the mark is not in the recipe: give --sign FILE",
        ),
        (
            walked(sign={"digest": "0" * 64}),
            sign,
            f"{sign} is not the mark that a.gif is signed with: give that one",
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            film(made, sign=given, run="7")
        assert str(caught.value) == message


def test_styles_have_to_be_the_same(tmp_path):
    style = tmp_path / "style.png"
    Image.effect_noise((16, 16), 60).convert("RGB").save(style)
    styled = walked(stylize={"styles": ["0" * 64]})
    for made, given, message in (
        (
            walked(),
            [str(style)],
            "a.gif was not drawn in a style: leave out --stylize, or call artgan walk with it",
        ),
        (
            styled,
            [],
            "a.gif was drawn in the style of 1 picture, and recipes hold none: give each with "
            "--stylize FILE",
        ),
        (
            styled,
            [str(style)],
            f"{style} is not the style that a.gif was drawn in: give that one, in the same order",
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            film(made, stylize=given, run="7")
        assert str(caught.value) == message


# Pictures -------------------------------------------------------------------------------------


def test_a_sample_is_asked_for_as_it_was(tmp_path):
    made = sampled(seeds=[5, 3, 5], psi=0.5, scale=2, pixels=True, grid=True, columns=3, label=True)
    settings, _ = sample_again(config(run="7"), made, f"{tmp_path}/a.b/", lambda line: None)
    assert (settings.seeds, settings.psi, settings.scale, settings.columns) == ("5,3,5", 0.5, 2, 3)
    assert (settings.pixels, settings.grid, settings.label, settings.meta) == (True,) * 4
    assert settings.out == f"{tmp_path}/a.b/"  # a folder, whatever is in its name
    larger, _ = sample_again(config(run="7", scale=9), made, f"{tmp_path}/a.png", lambda line: None)
    assert larger.scale == 9


def test_what_pictures_have_not_is_refused(opened):
    for name, value in (
        ("fps", 50), ("seconds", 1), ("frames", 1), ("plays", 0), ("sign", "x.png"),
        ("stylize", ["x.png"]), ("max_size", "8MB"),
    ):  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            sample_again(config(**{name: value}), sampled(), "a.png", lambda line: None)
        flag = name.replace("_", "-")
        assert str(caught.value) == f"a.gif is a picture: leave out --{flag}"
    many = sampled(seeds=list(range(9)))
    with pytest.raises(ConfigError, match=r"^a\.png holds one picture, 9 seeds were given"):
        sample_again(config(run="7"), many, "a.png", lambda line: None)
    assert opened == []


@pytest.mark.parametrize("size", ["0", "much", "-8MB", "8 elephants", "", "1e9"])
def test_sizes_that_are_none(size):
    with pytest.raises(ConfigError, match="expected a size, such as 8MB or 500kB"):
        config(max_size=size)

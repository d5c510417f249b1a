"""Walk: from settings to a plan, its frames, its files and their recipes; strangers' samplers."""

import hashlib
import json

import pytest
import torch
from fakes import MappedGenerator, fake_model, fake_weights, gif_comment, model_of
from PIL import Image
from walk_kit import drawn

from artgan.config import parse_set, validate
from artgan.errors import ComponentError, ConfigError, PluginError
from artgan.filming import Film, film, walk_recipe
from artgan.images import to_bytes
from artgan.keys import Key
from artgan.latents import draw
from artgan.outputs import find_outputs
from artgan.pipelines.walk import plan_walk, walk_scale, walk_studio
from artgan.registry import registry
from artgan.staging import build_scene
from artgan.stamp import load_mark
from artgan.tracing import origin_of
from artgan.walkplan import WalkPlan
from artgan.walksettings import WalkConfig


def config(**settings):
    return validate(WalkConfig, {"run": "1", "scale": 1, **settings}, "")


def planned(model=None, keys=(1, 2, 3), mixed=None, stages=(), **settings):
    found = [key if isinstance(key, Key) else Key(seed=key) for key in keys]
    settings = config(**settings)
    return plan_walk(settings, model or fake_model(), registry(), found, mixed=mixed, stages=stages)


def rendered(model=None, keys=(1, 2, 3), **settings):
    model = model or fake_model()
    scene = build_scene(planned(model, keys, **{"pace": 0, **settings}), model, registry())
    scene.keep_pace()
    return torch.stack([frame.image for frame in scene.frames()])


def outputs_of(*paths):
    return find_outputs(
        [str(path) for path in paths], fps=25.0, overwrite=True, components=registry(), tables={}
    )


def mapped(layers=4):
    return model_of(MappedGenerator(8, 3, (8, 12), layers))


# Plans ------------------------------------------------------------------------------------------


def test_a_plan_names_everything_that_makes_the_frames():
    assert planned().table() == {
        "keys": [1, 2, 3], "sampler": "spline", "frames": 150, "fps": 25.0, "pace": 1.0,
    }  # fmt: skip
    full = planned(
        keys=(0,), sampler="drift", components=parse_set(["samplers.drift.wander=3"]), frames=7,
        rounds=2, pace="even", grid="3x2", wave="spiral", psi=0.5, scale=2, pixels=True, plays=1,
        effects=("mirror",),
    )  # fmt: skip
    assert full.table() == {
        "keys": [0], "psi": 0.5, "sampler": "drift", "options": {"wander": 3.0, "seed": 0},
        "rounds": 2, "frames": 7, "fps": 25.0, "columns": 3, "rows": 2, "wave": "spiral",
        "effects": [{"name": "mirror", "options": {"half": "left"}}], "scale": 2, "pixels": True,
        "plays": 1,
    }  # fmt: skip


def test_beats_are_in_the_plan_where_seconds_were_given():
    plan = planned(bpm=110, shape="boomerang")
    assert (plan.beats, plan.frames) == (12, 164)  # 12 beats of 60 / 110 s
    assert planned(beats=4).beats is None


def test_pictures_are_named_by_what_is_in_them(tmp_path):
    path = tmp_path / "mark.png"
    Image.effect_noise((9, 9), 60).save(path)
    sum_ = hashlib.sha256(path.read_bytes()).hexdigest()
    plan = planned(sign=str(path), corner="top-left", stylize=(str(path),), strength=0.2)
    assert plan.table()["sign"] == {"digest": sum_, "corner": "top-left"}
    assert plan.table()["stylize"] == {"styles": [sum_], "strength": 0.2}
    assert str(tmp_path) not in json.dumps(plan.table())
    tables = parse_set(["losses.gram.x=2", "writers.gif.quality=draft"])
    plan = planned(stylize=(str(path),), components=tables)
    assert plan.stylize.components == {"losses": {"gram": {"x": 2}}}
    assert walk_studio(config(), registry()) is None
    assert walk_studio(config(stylize=(str(path),)), registry()) is not None


@pytest.mark.parametrize(
    ("size", "tiles", "scale"),
    [
        ((32, 32), 1, 8),
        ((64, 96), 1, 4),
        ((256, 256), 1, 1),
        ((512, 300), 1, 1),
        ((48, 48), 1, 6),
        ((48, 48), 6, 3),
        ((256, 256), 2, 1),
    ],
)
def test_small_pictures_are_enlarged_and_tiles_by_half(size, tiles, scale):
    assert walk_scale(config(scale=None), fake_model(4, size=size), tiles) == scale
    assert walk_scale(config(scale=3), fake_model(4, size=size), tiles) == 3


@pytest.mark.parametrize(
    ("settings", "keys", "sampler", "space"),
    [
        ({}, (1, 2, 3), "spline", "w"),
        ({}, (1, 2), "spline", "w"),
        ({"sampler": "slerp"}, (1, 2), "slerp", "z"),
        ({"sampler": "lerp"}, (1, 2), "lerp", "w"),
        ({"sampler": "direction"}, (1,), "direction", "z"),  # directions are those of z
        ({"blend": "8"}, (1, 2), "spline", "z"),  # each network has a w of its own
        ({"growth": True}, (1, 2), "spline", "z"),
    ],
)
def test_the_space_is_the_highest_that_all_have(settings, keys, sampler, space):
    plan = planned(mapped(), keys, **settings)
    assert (plan.sampler, plan.space) == (sampler, space)
    assert planned(fake_model(), (1, 2, 3), **{**settings, "sampler": "spline"}).space == "z"


def test_directions_are_walked_in_w_where_the_network_has_some_of_w():
    model = mapped()
    model.generator.style_weight = lambda: model.generator.draw.weight.T
    assert planned(model, (W_KEY,), sampler="direction").space == "w"
    assert planned(model, (1,), sampler="direction", growth=True).space == "z"


W_KEY = Key(code=(0.0,) * 20, layers=4, space="w", name="me")


@pytest.mark.parametrize(
    ("model", "keys", "settings", "message"),
    [
        (fake_model(), (1, 2), {"sampler": "lerp"}, "sampler 'lerp' walks in w, this network has z"
         ": choose another --sampler"),
        (fake_model(), (1, W_KEY), {}, "key me is of w, this network has z: it was found with anot"
         "her kind of network"),
        (mapped(), (1, W_KEY), {"sampler": "slerp"}, "key me is of w, and sampler 'slerp' walks in"
         " z here: give another key, or another --sampler"),
        (mapped(), (1, W_KEY), {"blend": "8"}, "key me is of w, and sampler 'spline' walks in z he"
         "re: leave out --growth or --blend, or give another key"),
        (mapped(), (1,), {"growth": True, "sampler": "truncation"}, "sampler 'truncation' pulls cod"
         "es to their mean, which is in w, and while the network changes a walk is in z: leave out "
         "--growth or --blend, or choose another --sampler"),
        (mapped(), (1, 2), {"sampler": "lerp", "growth": True}, "sampler 'lerp' walks in w, and he"
         "re only z is shared: choose another --sampler"),
    ],
    ids=["z-only", "w-key", "z-sampler", "blend", "truncation", "growth"],
)  # fmt: skip
def test_keys_and_samplers_have_to_suit_the_network(model, keys, settings, message):
    with pytest.raises(ConfigError) as caught:
        planned(model, keys, **settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("layers", "first", "last"), [("4-", 4, 1000), ("2-5", 2, 5), ("3", 3, 3), (" 0 - 1 ", 0, 1)]
)
def test_mixed_layers_by_hand(layers, first, last):
    mix = planned(mapped(), mixed=Key(seed=9), mix="9", mix_layers=layers).mix
    assert (mix.key, mix.first, mix.last) == (Key(seed=9), first, last)
    assert planned(mapped(), mix_layers=layers).mix is None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"growth": True}, ("growth", "open", True, 3, 1)),
        ({"growth": True, "shape": "boomerang"}, ("growth", "boomerang", True, 3, 1)),
        ({"growth": True, "sampler": "slerp"}, ("growth", "open", False, 1, 1)),
        ({"blend": "8"}, ("blend", "loop", False, 1, 1)),
    ],
)
def test_changing_networks_name_their_stages(settings, expected):
    stages = [origin_of(fake_weights(fake_model().generator, n)) for n in (1000, 2000)]
    plan = planned(stages=stages, **settings)
    assert (plan.morph, plan.shape, plan.own, plan.columns, plan.rows) == expected
    assert [stage.cur_nimg for stage in plan.stages] == [1000, 2000]
    assert validate(WalkPlan, json.loads(json.dumps(plan.table())), "recipe") == plan


# Films ------------------------------------------------------------------------------------------


def test_a_film_goes_to_several_files_from_one_rendering(tmp_path):
    model = fake_model()
    calls = []
    original = model.generator.render
    model.generator.render = lambda codes: (calls.append(1), original(codes))[1]
    plan = planned(model, frames=32, pace="even")
    outputs = outputs_of(tmp_path / "a.gif", tmp_path / "b.webp", f"{tmp_path}/c/")
    heard = []
    made = film(Film(plan, model, registry()), outputs, told=lambda *done: heard.append(done))
    assert len(calls) == 2
    assert heard[-1] == (32, 32)
    assert len(made.files) == 34
    assert made.plans == [plan] * 3
    assert 0 < made.seam <= 1.2
    assert 0 < made.variation < 1
    assert made.spent.whole >= made.spent.rendering
    for name in ("a.gif", "b.webp"):
        with Image.open(tmp_path / name) as picture:
            assert picture.n_frames == 32
    frames = sorted((tmp_path / "c").iterdir())
    assert torch.equal(
        torch.stack([to_bytes(frame.image) for frame in _frames(plan, model)])[7],
        torch.from_numpy(_pixels(frames[7])).permute(2, 0, 1),
    )


def _frames(plan, model):
    return build_scene(plan, model, registry()).frames()


def _pixels(path):
    import numpy as np

    with Image.open(path) as picture:
        return np.array(picture)


def test_the_seam_is_of_what_closes(tmp_path):
    def filmed(**settings):
        plan = planned(frames=20, **settings)
        return film(Film(plan, fake_model(), registry()), outputs_of(tmp_path / "a.gif"))

    assert filmed(shape="open").seam is None
    assert filmed(shape="boomerang").seam == pytest.approx(1, abs=0.2)
    paced = filmed(pace=1.0)
    assert paced.variation < 0.05
    assert paced.seam == pytest.approx(1, abs=0.05)
    assert filmed(pace=1.0, seconds=4, hold=0.2, fps=20).variation < 1  # rests are no steps
    assert filmed(keys=(3,), sampler="spline").variation is None


def test_a_film_is_signed_in_one_ink_on_every_frame(tmp_path):
    mark = tmp_path / "mark.png"
    drawing = Image.new("L", (20, 20), 255)
    drawing.paste(0, (4, 4, 16, 16))
    drawing.save(mark)
    model = fake_model(size=(40, 40))
    how = {"sign": str(mark), "frames": 12, "pace": 0}
    plan = planned(model, **how, corner="top-left")
    made = Film(plan, model, registry(), mark=load_mark(mark))
    signed = made.frames(made.scene())
    images = torch.stack([frame.image for frame in signed])
    plain = torch.stack([frame.image for frame in _frames(planned(model, frames=12), model)])
    changed = (images != plain.clamp(0, 1)).any(1)
    assert bool(changed[:, 2:5, 2:5].all())
    assert not bool(changed[:, 20:].any() or changed[..., 20:].any())
    assert float(images[:, :, 3, 3].std(0).max()) < 1e-6
    assert signed.probe is not None
    assert torch.equal(next(iter(signed.probe(3))), images[0])


def test_recipes_are_of_their_file_and_hold_no_paths(tmp_path):
    model = fake_model()
    plan = planned(model, keys=(3, 4, 5), frames=4)
    outputs = outputs_of(tmp_path / "a.gif", f"{tmp_path}/c/")
    made = Film(plan, model, registry())
    film(made, outputs)
    recipe = gif_comment(tmp_path / "a.gif")
    assert recipe == json.loads(walk_recipe(made, outputs[0]))
    assert recipe["walk"] == plan.table()
    assert recipe["model"] == model.origin
    assert recipe["writer"]["name"] == "gif"
    assert json.loads(walk_recipe(made, outputs[1]))["writer"] == {
        "name": "png-frames", "options": {},
    }  # fmt: skip
    assert str(tmp_path) not in json.dumps(recipe)
    assert walk_recipe(Film(plan, model, registry(), meta=False), outputs[0]) is None


def test_the_recipe_alone_makes_the_same_bytes_again(tmp_path):
    settings = {"frames": 20, "hold": 0.05, "ease": "back", "grid": "3x1", "effects": ("mirror",)}
    plan = planned(**settings, rounds=2, psi=0.9)
    film(Film(plan, fake_model(), registry()), outputs_of(tmp_path / "a.gif"))
    again = validate(WalkPlan, gif_comment(tmp_path / "a.gif")["walk"], "recipe")
    film(Film(again, fake_model(), registry()), outputs_of(tmp_path / "b.gif"))
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


# Strangers --------------------------------------------------------------------------------------


def test_open_paths_of_strangers_end_at_their_last_key(strangers):
    source = """
        from artgan.api import Sampler, hookimpl

        @hookimpl
        def artgan_samplers():
            return [Sampler("line", "line_plugin:build", closed=False, min_keys=2)]

        def build(options):
            return lambda keys, u: keys[0] + u.float()[:, None] * (keys[-1] - keys[0])
    """
    strangers("line-dist", {"line_plugin": source})
    model = fake_model()
    images = rendered(model, (1, 2), frames=5, sampler="line")
    torch.testing.assert_close(images[-1], drawn(model, draw([2], 8, "gaussian"))[0])
    assert rendered(model, (1, 2), frames=1, sampler="line").shape[0] == 1
    assert planned(keys=(1, 2), sampler="line").sampler == "line-dist:line"


PATHS = """
    import torch

    from artgan.api import ConfigError, Sampler, hookimpl

    NAMES = ("lerp2", "double", "spoiled", "late", "flat", "wordy", "silent", "plain", "complex")

    @hookimpl
    def artgan_samplers():
        return [Sampler(name, f"paths_plugin:{name}") for name in NAMES]

    def made(path):
        return lambda options: path

    @made
    def lerp2(keys, u):
        return torch.lerp(keys[:1].expand(len(u), -1), keys[-1:].expand(len(u), -1), u[:, None])

    @made
    def double(keys, u):
        assert keys.dtype == u.dtype == torch.float32 and u.device.type == "cpu"
        return (keys[:1] + u[:, None] * 0).double()

    @made
    def spoiled(keys, u):
        return keys[:1] + torch.where(u > 0.5, float("nan"), 0.0)[:, None]

    @made
    def late(keys, u):
        return keys[:1] + 0 * u[:-1 if u[0] > 0.3 else None, None]

    @made
    def flat(keys, u):
        return [0.0]

    @made
    def wordy(keys, u):
        raise ValueError("no \x1b[2J such")

    @made
    def silent(keys, u):
        raise RuntimeError

    @made
    def plain(keys, u):
        raise ConfigError("it goes nowhere")

    @made
    def complex(keys, u):
        return keys[:1] + 1j * u[:, None]
"""


def test_samplers_get_float32_and_generators_too(strangers):
    """What the contract test calls and what a walk calls are the same."""
    strangers("paths-dist", {"paths_plugin": PATHS})
    assert rendered(keys=(1, 2), frames=20, sampler="lerp2").shape[0] == 20
    model = fake_model()
    seen = []
    original = model.generator.codes
    model.generator.codes = lambda z, psi: (seen.append(z.dtype), original(z, psi))[1]
    assert rendered(model, (1, 2), frames=3, sampler="double").dtype == torch.float32
    assert set(seen) == {torch.float32}


SHAPE = "expected finite float32 codes of shape"


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        ("spoiled", f"gave codes that are not finite, {SHAPE} (16, 8)"),
        ("late", f"gave torch.float32 codes of shape (15, 8), {SHAPE} (16, 8)"),
        ("flat", f"gave a list, {SHAPE} (1, 8)"),
        (
            "wordy",
            "failed: ValueError: no \\x1b[2J such (paths_plugin.py, line 38); "
            "artgan plugins check samplers/wordy may say why",
        ),
        (
            "silent",
            "failed: RuntimeError (paths_plugin.py, line 42); "
            "artgan plugins check samplers/silent may say why",
        ),
        ("complex", f"gave torch.complex64 codes of shape (1, 8), {SHAPE} (1, 8)"),
    ],
)
def test_a_strangers_sampler_that_fails_is_named(strangers, sampler, message):
    strangers("paths-dist", {"paths_plugin": PATHS})
    with pytest.raises(PluginError) as caught:
        rendered(keys=(1, 2), frames=48, sampler=sampler)
    assert str(caught.value) == f"sampler 'paths-dist:{sampler}' {message}"
    with pytest.raises(ConfigError, match="^it goes nowhere$"):
        rendered(keys=(1, 2), sampler="plain")


def test_a_recipe_may_name_what_is_not_here():
    plan = planned().model_copy(update={"sampler": "paths-dist:lerp2"})
    with pytest.raises(ComponentError, match="no sampler 'paths-dist:lerp2'"):
        build_scene(plan, fake_model(), registry())
    plan = planned().model_copy(update={"options": {"turns": 3}})
    with pytest.raises(ConfigError, match="turns"):
        build_scene(plan, fake_model(), registry())

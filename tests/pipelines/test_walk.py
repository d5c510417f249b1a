"""Walk: frame counts, closure, the same bytes twice, and what it refuses."""

import json

import pytest
import torch
from fakes import fake_model

from artgan.api import Sampler
from artgan.config import parse_set, validate
from artgan.errors import ComponentError, ConfigError, PluginError
from artgan.images import to_bytes
from artgan.latents import draw
from artgan.pipelines.walk import WalkConfig, walk, walk_keys, walk_recipe, walk_scale
from artgan.registry import registry


def config(**settings):
    return validate(WalkConfig, {"run": "1", "scale": 1, **settings}, "")


def rendered(model=None, **settings):
    frames = walk(config(**settings), model or fake_model(), registry())
    return torch.stack([frame.image for frame in frames])


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 150),
        ({"seconds": 6, "fps": 24}, 144),
        ({"seconds": 0.001}, 1),
        ({"seconds": 2.5, "fps": 10}, 25),
        ({"seconds": 1, "fps": 29.97}, 30),
        ({"seconds": 9, "frames": 7}, 7),
    ],
)
def test_counts(settings, count):
    assert config(**settings).count == count


@pytest.mark.parametrize("count", [2, 10, 16, 17, 24, 31, 72, 120, 240, 500])
def test_frame_counts_are_exact_and_names_follow(count):
    frames = walk(config(frames=count, keys="1,2"), fake_model(size=(4, 4)), registry())
    assert frames.length == count
    assert [f.name for f in frames] == [f"frame{i:06d}" for i in range(count)]


def test_frame_i_of_n_stands_at_i_of_n():
    model = fake_model()
    images = rendered(model, keys="3,17,42", frames=12)
    keys = (model.generator.render(draw([3, 17, 42], 8, "gaussian"))[-1] + 1) / 2
    torch.testing.assert_close(images[::4], keys, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("sampler", ["slerp", "circle"])
def test_the_loop_closes_with_an_ordinary_step(sampler):
    images = rendered(keys="5,0", frames=120, sampler=sampler)
    steps = (torch.roll(images, -1, 0) - images).flatten(1).norm(dim=1)
    assert float(steps[-1]) <= 1.2 * float(steps.median())


def test_same_walk_same_bytes_seed_0_too():
    first, second = (to_bytes(rendered(keys="0,1", frames=33)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, to_bytes(rendered(keys="0,2", frames=33)))


def test_a_frame_does_not_depend_on_how_many_there_are():
    few, many = rendered(keys="1,2,3", frames=15), rendered(keys="1,2,3", frames=60)
    assert torch.equal(to_bytes(few), to_bytes(many[::4]))


def test_psi_0_is_the_mean_everywhere():
    images = rendered(keys="1,2", frames=5, psi=0)
    torch.testing.assert_close(images, torch.full_like(images, 0.5))


def test_sphere_models_walk_on_their_sphere():
    model = fake_model(prior="sphere")
    seen = []
    original = model.generator.render
    model.generator.render = lambda codes: (seen.append(codes), original(codes))[1]
    rendered(model, keys="1,2,3", frames=40)
    lengths = torch.cat(seen).norm(dim=1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, 8**0.5))


def test_open_paths_end_at_their_last_key(strangers):
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
    images = rendered(model, keys="1,2", frames=5, sampler="line")
    last = (model.generator.render(draw([2], 8, "gaussian"))[-1][0] + 1) / 2
    torch.testing.assert_close(images[-1], last)
    with pytest.raises(ConfigError, match="'line' goes through 2 to 10,000 keys, 1 was given"):
        rendered(model, keys="1", sampler="line")
    assert rendered(model, keys="1,2", frames=1, sampler="line").shape[0] == 1


PATHS = """
    import torch

    from artgan.api import ConfigError, Sampler, hookimpl

    NAMES = ("lerp", "double", "spoiled", "late", "flat", "wordy", "silent", "plain")

    @hookimpl
    def artgan_samplers():
        return [Sampler(name, f"paths_plugin:{name}") for name in NAMES]

    def made(path):
        return lambda options: path

    @made
    def lerp(keys, u):
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
"""


def test_samplers_get_float32_and_generators_too(strangers):
    """What the contract test calls and what a walk calls are the same."""
    strangers("paths-dist", {"paths_plugin": PATHS})
    assert rendered(keys="1,2", frames=20, sampler="lerp").shape[0] == 20
    model = fake_model()
    seen = []
    original = model.generator.codes
    model.generator.codes = lambda z, psi: (seen.append(z.dtype), original(z, psi))[1]
    assert rendered(model, keys="1,2", frames=3, sampler="double").dtype == torch.float32
    assert set(seen) == {torch.float32}


SHAPE = "expected finite float32 codes of shape"


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        ("spoiled", f"gave codes that are not finite, {SHAPE} (16, 8)"),
        ("late", f"gave torch.float32 codes of shape (15, 8), {SHAPE} (16, 8)"),
        ("flat", f"gave a list, {SHAPE} (1, 8)"),
        ("wordy", "failed: ValueError: no \\x1b[2J such"),
        ("silent", "failed: RuntimeError"),
    ],
)
def test_a_strangers_sampler_that_fails_is_named(strangers, sampler, message):
    strangers("paths-dist", {"paths_plugin": PATHS})
    with pytest.raises(PluginError) as caught:
        rendered(keys="1,2", frames=48, sampler=sampler)
    assert str(caught.value) == f"sampler 'paths-dist:{sampler}' {message}"
    with pytest.raises(ConfigError, match="^it goes nowhere$"):
        rendered(keys="1,2", sampler="plain")


@pytest.mark.parametrize(
    ("least", "most", "count"), [(1, None, 6), (1, 2, 2), (1, 1, 1), (8, None, 8), (2, 9, 6)]
)
def test_usual_keys_suit_the_sampler(least, most, count):
    record = Sampler("s", "m:f", min_keys=least, max_keys=most)
    assert walk_keys(config(), record) == list(range(count))
    assert walk_keys(config(keys="3,1"), record) == [3, 1]


@pytest.mark.parametrize(
    ("size", "scale"),
    [((32, 32), 8), ((64, 96), 4), ((256, 256), 1), ((512, 300), 1), ((48, 48), 6)],
)
def test_small_pictures_are_enlarged(size, scale):
    assert walk_scale(config(scale=None), fake_model(4, size=size)) == scale


def test_scale_can_be_set_and_pixels_stay_square():
    small, large = rendered(frames=2), rendered(frames=2, scale=3, pixels=True)
    assert torch.equal(large[..., ::3, ::3], small)
    frames = walk(config(scale=2), fake_model(), registry())
    assert frames.size == (16, 24)


def test_nothing_is_rendered_before_it_is_asked_for():
    model = fake_model()
    calls = []
    original = model.generator.render
    model.generator.render = lambda codes: (calls.append(1), original(codes))[1]
    frames = iter(walk(config(frames=100_000), model, registry()))
    assert calls == []
    next(frames)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keys": "a"}, "seeds 'a': expected numbers and ranges, such as 3,17,40-43"),
        ({"fps": float("nan")}, "--fps is nan: expected a finite number"),
        ({"fps": 0}, "--fps is 0: expected greater than or equal to 0.1"),
        ({"seconds": float("inf")}, "--seconds is inf: expected a finite number"),
        ({"frames": 0}, "--frames is 0: expected greater than or equal to 1"),
        ({"psi": 1.5}, "--psi is 1.5: expected less than or equal to 1"),
        ({"scale": 0}, "--scale is 0: expected greater than or equal to 1"),
    ],
)
def test_settings_are_refused_in_a_sentence(settings, message):
    with pytest.raises(ConfigError) as caught:
        config(**settings)
    assert str(caught.value) == message


def test_impossible_walks_are_refused():
    with pytest.raises(ConfigError, match="'circle' goes through 1 to 2 keys, 3 were given"):
        walk(config(keys="1,2,3", sampler="circle"), fake_model(), registry())
    with pytest.raises(ConfigError, match="1,000,000 are the most"):
        walk(config(seconds=86400, fps=50), fake_model(), registry())
    with pytest.raises(ComponentError, match="did you mean 'slerp'"):
        walk(config(sampler="slrep"), fake_model(), registry())


def test_recipe_names_everything_that_makes_the_frames():
    tables = parse_set(["samplers.slerp.easing=sine"])
    text = walk_recipe(config(keys="3,4-5", components=tables), fake_model(), registry())
    made = json.loads(text)
    assert made["walk"] == {
        "keys": [3, 4, 5],
        "space": "z",
        "psi": 1.0,
        "sampler": "slerp",
        "options": {"easing": "sine"},
        "frames": 150,
        "fps": 25.0,
        "scale": 1,
        "pixels": False,
        "loop": 0,
    }
    assert walk_recipe(config(meta=False), fake_model(), registry()) is None

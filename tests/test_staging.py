"""Staging: codes in the space that is walked in, mixed layers, every refusal."""

import pytest
import torch
from fakes import fake_model
from walk_kit import KEYS, drawn, frames, mapped, plan, scene

from artgan.errors import ConfigError, PluginError
from artgan.keys import Key
from artgan.latents import draw
from artgan.staging import build_scene
from artgan.walkplan import Mix, Used


@pytest.mark.parametrize("layers", [None, 4])
@pytest.mark.parametrize("sampler", ["spline", "lerp"])
def test_in_w_a_walk_goes_through_the_codes_of_its_keys(layers, sampler):
    model = mapped(layers)
    codes = model.generator.codes(draw(KEYS, 8, "gaussian"))
    images = frames(model, sampler=sampler, space="w")
    torch.testing.assert_close(images[::4], drawn(model, codes), atol=1e-5, rtol=0)
    if sampler == "lerp":
        middle = drawn(model, (codes[:1] + codes[1:2]) / 2)
        torch.testing.assert_close(images[2:3], middle, atol=1e-5, rtol=0)


@pytest.mark.parametrize("space", ["z", "w"])
def test_psi_pulls_to_the_mean_of_w(space):
    model = mapped()
    z = draw(KEYS, 8, "gaussian")
    for psi in (0.0, 0.4, 1.0):
        images = frames(model, space=space, psi=psi)
        torch.testing.assert_close(
            images[::4], drawn(model, model.generator.codes(z, psi)), atol=1e-5, rtol=0
        )
    mean = drawn(model, model.generator.mean.expand(1, 4, 5))[0]
    images = frames(model, space=space, psi=0.0)
    torch.testing.assert_close(images, mean.expand_as(images), atol=1e-5, rtol=0)


def test_psi_0_is_the_mean_everywhere_without_w_too():
    images = frames(keys=(1, 2), frames=5, psi=0.0)
    torch.testing.assert_close(images, torch.full_like(images, 0.5))


@pytest.mark.parametrize("space", ["z", "w"])
@pytest.mark.parametrize(("first", "last"), [(0, 0), (1, 2), (3, 3), (2, 1000)])
def test_a_mixed_key_replaces_exactly_the_layers_said(space, first, last):
    model = mapped()
    plain = frames(model, space=space, psi=0.8)
    mix = Mix(key=Key(seed=99), first=first, last=last)
    images = frames(model, space=space, psi=0.8, mix=mix)
    other = drawn(model, model.generator.codes(draw([99], 8, "gaussian"), 0.8))
    for layer in range(4):
        rows = slice(2 * layer, 2 * layer + 2)
        wanted = other[..., rows, :] if first <= layer <= last else plain[..., rows, :]
        torch.testing.assert_close(
            images[..., rows, :], wanted.expand_as(images[..., rows, :]), atol=1e-6, rtol=0
        )


def test_found_codes_are_walked_through_as_they_are():
    model = mapped()
    code = torch.randn(4, 5, generator=torch.Generator().manual_seed(3))
    images = frames(model, keys=(3, Key.of_code("me", code, "w")), space="w", frames=4)
    torch.testing.assert_close(images[2:3], drawn(model, code[None]), atol=1e-5, rtol=0)
    flat = torch.randn(8, generator=torch.Generator().manual_seed(3))
    images = frames(keys=(3, Key.of_code("me", flat)), frames=4)
    torch.testing.assert_close(images[2], drawn(fake_model(), flat[None])[0], atol=1e-5, rtol=0)


W = {"space": "w", "name": "me"}


@pytest.mark.parametrize(
    ("keys", "more", "message"),
    [
        ((Key(code=(1.0,) * 9, name="me"),), {}, "key me has a code of shape (9,), this network ha"
         "s (8,): it was found with another run"),
        ((Key(code=(1.0,) * 20, **W),), {"space": "w"}, "key me has a code of shape (20,), this ne"
         "twork has (4, 5): it was found with another run"),
        ((Key(code=(1.0,) * 15, layers=3, **W),), {"space": "w"}, "key me has a code of shape (3, "
         "5), this network has (4, 5): it was found with another run"),
        ((Key(code=(1.0,) * 20, layers=4, **W),), {}, "key me is of w, the walk of z"),
        (KEYS, {"mix": Mix(key=Key(seed=1), first=4, last=9)}, "--mix-layers begins at 4, the last"
         " layer of 'fake' is 3"),
        (KEYS, {"mix": Mix(key=Key(code=(1.0,)), first=0, last=0)}, "key without a name has a code"
         " of shape (1,), this network has (8,): it was found with another run"),
        (KEYS, {"mix": Mix(key=Key(code=(1.0,) * 5, layers=1, **W), first=0, last=0)}, "key me has"
         " a code of shape (1, 5), this network has (4, 5): it was found with another run"),
    ],
)  # fmt: skip
def test_codes_of_other_networks_are_refused(keys, more, message):
    with pytest.raises(ConfigError) as caught:
        scene(mapped(), keys, **more)
    assert str(caught.value) == message


@pytest.mark.parametrize("model", [fake_model(), mapped(None)], ids=["z", "w"])
def test_mixing_needs_layers(model):
    with pytest.raises(ConfigError) as caught:
        scene(model, mix=Mix(key=Key(seed=1), first=0, last=0))
    assert str(caught.value) == (
        "--mix is of layers, and 'fake' has one code for all: leave it out"
    )


def test_sphere_models_walk_on_their_sphere():
    model = fake_model(prior="sphere")
    seen = []
    original = model.generator.render
    model.generator.render = lambda codes: (seen.append(codes), original(codes))[1]
    for sampler in ("spline", "slerp"):
        frames(model, sampler=sampler, frames=40, pace=1.0)
    lengths = torch.cat(seen).norm(dim=1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, 8**0.5))


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"columns": 400, "rows": 400}, "400x400 tiles are more than 400"),
        ({"scale": 64, "columns": 20, "rows": 20}, "a frame of 15402x10282 px is 158 million pixe"
         "ls, 64 at most: give a smaller --scale or --grid"),
        ({"hold": 0.31}, "holds take 93% of the time: give a shorter --hold, fewer --keys, or mor"
         "e --seconds"),
    ],
)  # fmt: skip
def test_what_cannot_be_filmed_is_said_before_anything_is_drawn(more, message):
    model = fake_model()
    model.generator.render = None
    with pytest.raises(ConfigError) as caught:
        scene(model, **more)
    assert str(caught.value) == message


EFFECTS = """
    from artgan.api import Effect, hookimpl

    @hookimpl
    def artgan_effects():
        return [Effect(name, f"fx:{name}", summary="s") for name in ("small", "none", "loud")]

    def small(options):
        return lambda images: images[..., 1:]

    def none(options):
        return lambda images: None

    def loud(options):
        def effect(images):
            raise ValueError("no \x1b[2J such")
        return effect
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small", "gave a Tensor of shape (1, 3, 8, 11), expected pictures of shape (1, 3, 8, 12)"),
        ("none", "gave a NoneType of shape (), expected pictures of shape (1, 3, 8, 12)"),
        (
            "loud",
            "failed: ValueError: no \\x1b[2J such (fx.py, line 16); "
            "artgan plugins check effects/loud may say why",
        ),
    ],
)
def test_a_strangers_effect_that_fails_is_named(strangers, name, message):
    from artgan.registry import registry

    strangers("fx-dist", {"fx": EFFECTS})
    made = build_scene(plan(effects=(Used(name=f"fx-dist:{name}"),)), fake_model(), registry())
    with pytest.raises(PluginError) as caught:
        next(iter(made.frames()))
    assert str(caught.value) == f"effect 'fx-dist:{name}' {message}"

"""Scenes: what is to be seen at each moment, compared with what must be there, frame by frame."""

import copy
import dataclasses
import itertools

import numpy as np
import pytest
import torch
from fakes import FakeGenerator, UnevenGenerator, fake_model, fake_weights, model_of
from PIL import Image
from walk_kit import KEYS, REGISTRY, drawn, frames, mapped, plan, scene

from artgan.errors import CheckpointError, ConfigError
from artgan.images import to_bytes
from artgan.keys import Key
from artgan.latents import draw
from artgan.meter import Meter, distance, features
from artgan.outputs import deliver, find_outputs
from artgan.scene import GAP, frame_size, tile_ranks
from artgan.timing import film_times
from artgan.walkplan import Mix, Origin, Used

SAMPLERS = {entry.record.name: entry.record for entry in REGISTRY.entries("samplers")}
SUM = "00" * 32


def uneven(size=(8, 8)):
    return model_of(UnevenGenerator(8, 1, size))


def measured(images):
    meter = Meter()
    for image in images:
        meter._see(image)
    return meter


# How many ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tiles", "most"), [(1, 500), (3, 100), (17, 20)])
def test_every_count_is_delivered_exactly(tiles, most):
    """What is drawn is stood in for by numbers, which a handful below is not."""
    made = scene(fake_model(4, channels=1, size=(4, 4)), columns=tiles)
    drawn = itertools.count()
    made._together = lambda at, scale: [next(drawn) for one in at for _ in one]
    made._finished = len
    for count in range(2, most + 1):
        made.plan = made.plan.model_copy(update={"frames": count})
        drawn = itertools.count()
        delivered = made.frames()
        images = [frame.image for frame in delivered]
        assert images == [tiles] * count
        assert next(drawn) == count * tiles
        assert delivered.length == count


@pytest.mark.parametrize("count", [1, 2, 3, 10, 16, 17, 24, 31, 72, 120, 240, 241, 500])
def test_frame_counts_are_exact_and_names_follow(count):
    delivered = scene(fake_model(4, channels=1, size=(4, 4)), frames=count).frames()
    assert delivered.length == count
    assert [f.name for f in delivered] == [f"frame{i:06d}" for i in range(count)]


@pytest.mark.parametrize("count", [2, 17, 24, 120, 241])
@pytest.mark.parametrize("tiles", [1, 3])
def test_as_many_frames_are_in_a_file(tmp_path, count, tiles):
    path = tmp_path / "a.gif"
    made = scene(fake_model(4, size=(4, 4)), frames=count, columns=tiles)
    outputs = find_outputs(
        [str(path)], fps=12.0, overwrite=False, components=REGISTRY, tables={}, count=count
    )
    deliver(made.frames(), outputs, components=REGISTRY)
    with Image.open(path) as picture:
        assert picture.n_frames == count


# Where ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["spline", "slerp"])
def test_frame_i_of_n_stands_at_i_of_n(sampler):
    model = fake_model()
    keys = drawn(model, draw(KEYS, 8, "gaussian"))
    loop = frames(model, sampler=sampler)
    torch.testing.assert_close(loop[::4], keys, atol=1e-5, rtol=1e-5)
    opened = frames(model, sampler=sampler, shape="open", frames=13)
    torch.testing.assert_close(opened[::6], keys, atol=1e-5, rtol=1e-5)
    there = frames(model, sampler=sampler, shape="boomerang")
    torch.testing.assert_close(there[:7:3], keys, atol=1e-5, rtol=1e-5)


def test_a_boomerang_is_its_own_mirror():
    for count, pace in itertools.product((12, 13), (0.0, 1.0)):
        images = frames(shape="boomerang", frames=count, pace=pace)
        torch.testing.assert_close(images[1:], images[1:].flip(0), atol=1e-6, rtol=0)
        assert float((images[1] - images[2]).abs().max()) > 1e-3


@pytest.mark.parametrize("shape", ["loop", "boomerang"])
@pytest.mark.parametrize("rounds", [2, 3, 7])
def test_rounds_repeat_exactly(shape, rounds):
    images = to_bytes(
        frames(shape=shape, rounds=rounds, frames=20 * rounds, pace=1.0, hold=0.05, ease="sine")
    )
    for part in images.split(20):
        assert torch.equal(part, images[:20])
    once = frames(shape=shape, frames=20, pace=1.0, hold=0.05, ease="sine")
    assert torch.equal(to_bytes(once), images[:20])


def test_a_frame_does_not_depend_on_how_many_there_are():
    few, many = frames(frames=15), frames(frames=60)
    assert torch.equal(to_bytes(few), to_bytes(many[::4]))


def test_the_same_bytes_twice_and_seed_0_is_a_seed():
    first, second = (to_bytes(frames(keys=(0, 1), frames=33, pace=1.0)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, to_bytes(frames(keys=(0, 2), frames=33, pace=1.0)))


@pytest.mark.parametrize(
    ("shape", "stays"),
    [
        ("loop", [[58, 59, 0, 1, 2], [18, 19, 20, 21, 22], [38, 39, 40, 41, 42]]),
        ("open", [[0, 1, 2, 3, 4], [28, 29, 30, 31], [55, 56, 57, 58, 59]]),
        ("boomerang", [[58, 59, 0, 1, 2], [13, 14, 15, 16, 17, 43, 44, 45, 46, 47],
                       [28, 29, 30, 31, 32]]),
    ],
)  # fmt: skip
def test_rests_are_as_long_as_said_to_the_frame(shape, stays):
    """Half a second at ten frames a second: what begins and ends half a frame beside them."""
    model = fake_model()
    images = frames(model, shape=shape, frames=60, fps=10.0, hold=0.5)
    for key, stay in zip(drawn(model, draw(KEYS, 8, "gaussian")), stays, strict=True):
        same = [i for i in range(60) if torch.allclose(images[i], key, atol=1e-5)]
        assert same == sorted(stay)
        assert all(torch.equal(images[i], images[stay[0]]) for i in stay)


def test_keys_are_met_on_beats_whatever_the_pace():
    model = uneven()
    keys = drawn(model, draw(KEYS, 8, "gaussian"))
    images = frames(model, frames=64, beats=8, pace=1.0)
    for key, beat in zip(keys, (0, 3, 5), strict=True):
        torch.testing.assert_close(images[8 * beat], key, atol=1e-4, rtol=0)
    twice = frames(model, frames=64, beats=16, rounds=2, pace=1.0)
    torch.testing.assert_close(twice[4 * 3], keys[1], atol=1e-4, rtol=0)
    there = frames(model, frames=64, beats=8, shape="boomerang", pace=1.0)
    torch.testing.assert_close(there[8 * 2], keys[1], atol=1e-4, rtol=0)
    torch.testing.assert_close(there[8 * 4], keys[2], atol=1e-4, rtol=0)
    torch.testing.assert_close(there[8 * 6], keys[1], atol=1e-4, rtol=0)


# The pace ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ("loop", {}),
        ("loop", {"sampler": "slerp"}),
        ("loop", {"rounds": 2, "frames": 240}),
        ("open", {}),
        ("boomerang", {"frames": 200}),
    ],
)
def test_at_a_perceptual_pace_frames_differ_by_as_much(shape, more):
    settings = {"shape": shape, "frames": 120, **more}
    closed = shape != "open"
    even = measured(frames(uneven(), **settings)).pace_variation(closed=closed)
    half = measured(frames(uneven(), **settings, pace=0.5)).pace_variation(closed=closed)
    paced = measured(frames(uneven(), **settings, pace=1.0)).pace_variation(closed=closed)
    assert even > 0.3
    assert paced <= 0.1
    assert paced < half < even


@pytest.mark.parametrize("name", [n for n, record in SAMPLERS.items() if record.closed])
@pytest.mark.parametrize("pace", [0.0, 1.0])
def test_every_closed_sampler_closes_with_an_ordinary_step(name, pace):
    record = SAMPLERS[name]
    keys = (*KEYS, 5)[: record.max_keys]
    if "z" in record.spaces:
        model, space = fake_model(64), {}
        model.generator.latent_weight = lambda: model.generator.linear.weight.T
    else:
        model, space = mapped(), {"space": "w"}
    images = frames(model, keys, sampler=name, frames=120, pace=pace, **space)
    meter = measured(images)
    if name == "direction" and pace == 0:  # it begins in the middle of its swing
        assert meter.seam <= 1.05 * max(meter.steps)
    else:
        assert meter.seam_ratio <= 1.2
    torch.testing.assert_close(
        next(scene(model, keys, sampler=name, **space).pictures(np.ones(1))), images[0]
    )


def test_a_still_has_no_pace_and_is_drawn():
    images = frames(keys=(3,), pace=1.0, frames=5)
    assert torch.equal(images, images[:1].expand_as(images))


def test_nothing_is_drawn_before_it_is_asked_for_but_the_look_along_the_path():
    model = fake_model()
    calls = []
    original = model.generator.render
    model.generator.render = lambda codes: (calls.append(1), original(codes))[1]
    made = scene(model, frames=100_000)
    made.keep_pace()
    film = iter(made.frames())
    assert calls == []
    next(film)
    assert len(calls) == 1
    told = []
    paced = scene(model, frames=32, pace=1.0)
    assert len(calls) == 1
    paced.keep_pace(lambda done, total: told.append((done, total)))
    assert len(calls) == 1 + 3 * len(told)  # 33 positions, 16 at a time
    assert told == [(32 * look, 128) for look in range(len(told))]


def test_probes_are_frames_of_the_film():
    made = scene(frames=30)
    images = [frame.image for frame in made.frames()]
    probes = list(scene(frames=30).frames().probe(4))
    assert [any(torch.equal(probe, image) for image in images) for probe in probes] == [True] * 4
    assert torch.equal(probes[0], images[0])
    assert torch.equal(probes[-1], images[-1])
    assert len(list(scene(frames=3).frames().probe(9))) == 3


# Tiles ------------------------------------------------------------------------------------------


def tiles_of(images, columns, rows, side=(8, 12)):
    """Return the tiles of frames, (tile, frame, C, H, W)."""
    found = []
    for row, column in itertools.product(range(rows), range(columns)):
        top, left = GAP + row * (side[0] + GAP), GAP + column * (side[1] + GAP)
        found.append(images[..., top : top + side[0], left : left + side[1]])
    return torch.stack(found)


@pytest.mark.parametrize("shape", ["loop", "boomerang"])
@pytest.mark.parametrize(
    ("columns", "rows", "wave"), [(3, 1, "rows"), (3, 2, "spiral"), (3, 3, "wave")]
)
def test_a_tile_is_the_film_without_tiles_at_another_time(shape, columns, rows, wave):
    how = {"shape": shape, "frames": 36, "pace": 1.0, "hold": 0.1}
    plain = frames(**how)
    images = frames(**how, columns=columns, rows=rows, wave=wave)
    assert images.shape[-2:] == frame_size(plan(columns=columns, rows=rows), (8, 12))
    ranks = tile_ranks(columns, rows, wave)
    for tile, rank in zip(tiles_of(images, columns, rows), ranks, strict=True):
        shift = rank * 36
        assert shift == pytest.approx(round(shift))
        torch.testing.assert_close(tile, plain.roll(-round(shift), 0), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("grid", "wave", "ranks"),
    [
        ((1, 1), "rows", [0]),
        ((2, 2), "rows", [0, 0.25, 0.5, 0.75]),
        ((2, 1), "wave", [0, 0.5]),  # not in unison
        ((2, 2), "wave", [0, 0.5, 0.5, 0]),
        ((3, 1), "wave", [0, 0.5, 0]),
        ((5, 1), "wave", [0, 0.25, 0.5, 0.75, 0]),
        ((3, 3), "spiral", [1 / 9, 2 / 9, 3 / 9, 8 / 9, 0, 4 / 9, 7 / 9, 6 / 9, 5 / 9]),
    ],
)
def test_waves_by_hand(grid, wave, ranks):
    found = tile_ranks(*grid, wave)
    if wave == "spiral":  # from the middle, around it; where a ring begins is its own affair
        assert found[4] == 0
        ring = [found[i] for i in (0, 1, 2, 5, 8, 7, 6, 3)]
        turned = ring.index(min(ring))
        assert ring[turned:] + ring[:turned] == pytest.approx([n / 9 for n in range(1, 9)])
    else:
        assert found == pytest.approx(ranks)
    assert all(0 <= rank < 1 for rank in found)


def test_tiles_may_have_their_own_keys():
    keys = (1, 2, 3, 4, 5, 6)
    images = frames(keys=keys, columns=3, own=True, pace=1.0)
    for number, tile in enumerate(tiles_of(images, 3, 1)):
        alone = frames(keys=keys[2 * number : 2 * number + 2], pace=1.0)
        torch.testing.assert_close(tile, alone, atol=1e-6, rtol=0)
    with pytest.raises(ConfigError, match="5 keys for 3 tiles"):
        scene(keys=keys[:5], columns=3, own=True)


def test_many_tiles_are_drawn_a_frame_at_a_time():
    model = fake_model(4, channels=1, size=(4, 4))
    calls = []
    original = model.generator.render
    model.generator.render = lambda codes: (calls.append(1), original(codes))[1]
    film = iter(scene(model, columns=8, rows=5, frames=32).frames())
    next(film)
    assert len(calls) == 3  # 40 tiles, 16 at a time
    calls.clear()
    for _ in iter(scene(model, columns=2, rows=2, frames=32).frames()):
        pass
    assert len(calls) == 8


# Networks that change ---------------------------------------------------------------------------


def grown(*levels):
    """Return a model, its stages, and the generators that they are of."""
    generators = []
    for level in levels:
        generator = FakeGenerator(8, 3, (8, 12))
        torch.nn.init.constant_(generator.linear.bias, level)
        generators.append(generator)
    model = dataclasses.replace(fake_model(), generator=FakeGenerator(8, 3, (8, 12)).eval())
    return model, [lambda g=g: fake_weights(g) for g in generators], generators


MORPH = {"morph": "growth", "stages": (Origin(digest=SUM),) * 3, "shape": "open"}


@pytest.mark.parametrize("pace", [0.0, 1.0])
def test_growth_begins_with_the_first_checkpoint_and_ends_with_the_last(pace):
    model, stages, generators = grown(-1.0, 0.5, 1.0)
    keys = draw(KEYS, 8, "gaussian")
    images = frames(model, loads=stages, **MORPH, columns=3, own=True, frames=25, pace=pace)
    for tile, key in zip(tiles_of(images, 3, 1), keys, strict=True):
        for frame, generator in ((0, generators[0]), (-1, generators[2])):
            expected = (generator.render(key[None])[-1][0] + 1) / 2
            torch.testing.assert_close(tile[frame], expected.detach(), atol=1e-6, rtol=0)
    middle = ((generators[1].render(keys[:1])[-1][0] + 1) / 2).detach()
    nearest = min(float((frame - middle).abs().max()) for frame in tiles_of(images, 3, 1)[0])
    assert nearest < 0.03
    variation = measured(images).pace_variation(closed=False)
    assert variation <= 0.1 if pace else variation > 0.3


def test_a_mixed_seed_is_that_of_the_network_as_it_is():
    """All layers are mixed, so each frame is what its own checkpoint draws of the seed."""
    model = mapped()
    generators = [copy.deepcopy(model.generator) for _ in range(3)]
    for generator, level in zip(generators, (0.2, 1.0, -1.0), strict=True):
        generator.mapping.weight.data.mul_(level)
        generator.mean.add_(level)
    stages = [lambda g=g: fake_weights(g) for g in generators]
    mix = Mix(key=Key(seed=9), first=0, last=3)
    images = frames(model, loads=stages, **MORPH, mix=mix, psi=0.5, frames=25)
    for frame, generator in ((0, generators[0]), (-1, generators[2])):
        codes = generator.codes(draw([9], 8, "gaussian"), 0.5)
        expected = (generator.render(codes)[-1][0] + 1) / 2
        torch.testing.assert_close(images[frame], expected.detach(), atol=1e-6, rtol=0)


def test_a_growing_walk_goes_through_keys_meanwhile():
    model, stages, generators = grown(-1.0, 1.0)
    images = frames(model, loads=stages, **MORPH, frames=13)
    for frame, key, level in ((0, 3, -1.0), (6, 17, 0.0), (12, 42, 1.0)):
        generators[0].linear.bias.data.fill_(level)
        expected = (generators[0].render(draw([key], 8, "gaussian"))[-1][0] + 1) / 2
        torch.testing.assert_close(images[frame], expected.detach(), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("shape", "levels"),
    [
        ("loop", [-1, 0, 1, 0]),
        ("open", [-1, -1 / 3, 1 / 3, 1]),
        ("boomerang", [-1, 0, 1, 0]),
    ],
)
def test_a_blend_turns_into_the_other_and_back_where_the_walk_does(shape, levels):
    model, stages, generators = grown(-1.0, 1.0)
    how = {"morph": "blend", "stages": (Origin(digest=SUM),) * 2, "shape": shape}
    images = frames(model, keys=(3,), loads=stages, **how, frames=4)
    for image, level in zip(images, levels, strict=True):
        generators[0].linear.bias.data.fill_(level)
        expected = (generators[0].render(draw([3], 8, "gaussian"))[-1][0] + 1) / 2
        torch.testing.assert_close(image, expected.detach(), atol=1e-5, rtol=0)


def test_a_changing_network_moves_evenly_in_all_tiles_together():
    model, stages, _ = grown(-3.0, 3.0)
    how = {"morph": "blend", "stages": (Origin(digest=SUM),) * 2, "columns": 3, "frames": 36}
    images = [frames(model, loads=stages, **how, pace=pace) for pace in (0.0, 1.0)]

    def variation(film):
        seen = [features(tile).flatten() for tile in tiles_of(film, 3, 1).transpose(0, 1)]
        steps = [distance(a, b) for a, b in zip(seen, [*seen[1:], seen[0]], strict=True)]
        return np.std(steps) / np.mean(steps)

    assert variation(images[0]) > 0.2
    assert variation(images[1]) < 0.05
    again = frames(model, loads=stages, **how, pace=1.0)  # whatever the network was left as
    assert torch.equal(again, images[1])


def test_a_network_that_cannot_turn_into_another_is_said_before_anything_is_drawn():
    model, stages, _ = grown(0.0)
    model.generator.render = None
    other = FakeGenerator(8, 3, (8, 16))
    with pytest.raises(CheckpointError, match=r"tensor linear\.bias is torch\.float32 \(384,\)"):
        scene(model, loads=[*stages, lambda: fake_weights(other)], **MORPH)
    with pytest.raises(ConfigError, match="a network changes from one checkpoint to others, 0 we"):
        scene(model, **MORPH)


# Effects and the signature ----------------------------------------------------------------------


def test_effects_change_tiles():
    mirror = Used(name="mirror")
    plain, images = frames(columns=2), frames(columns=2, effects=(mirror,))
    changed = REGISTRY.build(*REGISTRY.configure("effects", "mirror", {}))
    for before, after in zip(tiles_of(plain, 2, 1), tiles_of(images, 2, 1), strict=True):
        torch.testing.assert_close(after, changed(before.clamp(0, 1)))
    small = scene(columns=2, scale=2).thumbnails(5)
    assert len(small) == 5
    assert small[0].shape == (3, 8 + 2 * GAP, 2 * 12 + 3 * GAP)
    assert float(small[0].max()) == 1


def test_effects_see_unit_range_though_networks_overshoot():
    model = fake_model()
    original = model.generator.render
    model.generator.render = lambda codes: (2.5 * original(codes)[-1],)
    assert float(frames(model).max()) > 1.5
    images = frames(model, effects=(Used(name="mirror"),))
    assert (float(images.min()), float(images.max())) == (0, 1)


def test_square_pixels_and_smooth_ones():
    small, large = frames(frames=2), frames(frames=2, scale=3, pixels=True)
    assert torch.equal(large[..., 1::3, 1::3], small)
    assert scene(scale=2).frames().size == (16, 24)
    smooth = frames(frames=2, scale=3)
    assert smooth.shape == large.shape
    assert not torch.equal(smooth, large)


def test_a_scene_needs_no_more_than_a_path():
    """Samplers are pure: a scene asks for positions in any order."""
    made = scene(frames=20)
    times = film_times(20, closed=True)
    images = torch.stack(list(made.pictures(times)))
    backwards = torch.stack(list(made.pictures(times[::-1].copy())))
    torch.testing.assert_close(backwards.flip(0), images, atol=0, rtol=0)

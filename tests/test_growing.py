"""What the host does for networks that grow, describe, or have no discriminator."""

import copy
import dataclasses
from types import SimpleNamespace

import pytest
import torch
from sprout_kit import stage
from torch import nn
from training_kit import Notes, after, checkpoint_bytes, squares, tiny, train_tiny

from artgan.api import ConfigError, Networks, ShapeError, Stage
from artgan.pipelines.train import forecast, resume, settled, start
from artgan.speed import measure_speed, pictures_in
from artgan.testing import isolated_registry
from artgan.training import Trainer

REGISTRY = isolated_registry("sprout_kit", built_in=True)
SIDES = [(16, 16)] * 12


def config(images=".", **settings):
    table = {"arch": "sprout", "components": {}, "doctor": "off", "metrics": (), **settings}
    return tiny(images, **table)


def trainer(**settings):
    chosen, device = settled(config(**settings), REGISTRY, SIDES, 0.3)
    return Trainer(chosen.config, REGISTRY, device)


def reals(count=8):
    return torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8)


def test_every_network_is_told_where_it_is_before_a_step():
    ours = trainer()
    ours.ends_at(64)
    ours.step(reals(16))
    ours.step(reals(8))
    for module in (ours.networks.generator, ours.networks.discriminator, ours.generator_ema):
        assert module.grown == [(1, 1.0), (2, 0.0)]


def test_the_batch_is_the_stage_s():
    ours = trainer()
    ours.ends_at(64)
    assert [ours.batch_at(n) for n in (0, 15, 16, 40)] == [16, 16, 8, 8]


def test_a_term_gets_features_of_the_reals_as_they_were_shown():
    ours = trainer(augmentations=("instance-noise",), policies=("one-to-one",))
    ours.ends_at(64)
    ours.step(reals())
    assert ours.networks.generator.features_seen == [True]


def test_reals_are_shown_as_the_architecture_says():
    shown = trainer()._pictures(reals())
    assert torch.equal(shown[..., ::2, ::2], shown[..., 1::2, 1::2])


def test_a_longer_run_does_not_shrink():
    ours = trainer()
    ours.ends_at(64)
    ours.cur_nimg = 64
    ours.ends_at(10**6)
    assert ours.stage_at(64) == Stage(2, 1.0, 1)


def test_weights_of_another_run_are_grown():
    ours, other = trainer(), trainer()
    ours.start_from({"ema": other.generator_ema.state_dict()})
    ours.ends_at(64)
    assert ours.stage_at(0) == Stage(2, 1.0, 1)


def test_what_is_no_stage_is_refused():
    ours = trainer()
    ours.networks = Networks(nn.Identity(), nn.Identity(), stage=lambda cur, total: (1, 1.5, 1))
    with pytest.raises(ShapeError) as caught:
        ours.stage_at(3)
    assert str(caught.value) == (
        "architecture 'sprout_kit:sprout' is at Stage(scales=1, fade=1.5, batch=1) at 3 pictures: "
        "expected scales and batch of 1 or more, and a fade in [0, 1]"
    )


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_a_stopped_run_goes_on_to_the_bit(tmp_path, steps):
    images = squares(tmp_path / "squares")
    settings = config(images, kimg=0.1)
    whole = start(settings, Notes(), after(999), out=tmp_path / "a", components=REGISTRY)
    part = start(settings, Notes(), after(steps), out=tmp_path / "b", components=REGISTRY)
    from artgan.models import run_config

    before = run_config(part.run.config(), "")
    before = before.model_copy(update={"arch": "sprout"})
    resume(part.run, before, Notes(), after(999), components=REGISTRY)
    ours, theirs = checkpoint_bytes(whole.run.path), checkpoint_bytes(part.run.path)
    assert ours == theirs


def test_minutes_are_spread_over_the_stages(tmp_path):
    ours = trainer()
    found = pictures_in(ours, 0.5, steps=2)
    assert found > 0
    assert measure_speed(trainer(), 2) > 10
    notes = Notes()
    images = squares(tmp_path / "squares")
    result = start(
        config(images, kimg=None, minutes=0.02), notes, after(10**6), out=tmp_path / "a",
        components=REGISTRY,
    )  # fmt: skip
    assert result.finished
    assert any(line.startswith("0.02 minutes at ") for line in notes.notes)
    sizes = {b.cur_nimg - a.cur_nimg for a, b in zip(notes.steps, notes.steps[1:], strict=False)}
    assert sizes == {8, 16}


@pytest.fixture
def by_scale(monkeypatch):
    """A picture takes 1 s while there is one scale, 3 s with two; nothing is trained."""
    from artgan import speed

    seconds = {1: 1.0, 2: 3.0}
    monkeypatch.setattr(speed, "_seconds", lambda trainer, steps, stage=None: seconds[stage.scales])


@pytest.mark.parametrize(
    ("seconds", "begin", "planned", "pictures"),
    [
        (1000, 0, None, 400),  # a quarter of one scale, the rest of two: 2.5 s each
        (900, 0, 0, 300),  # grown from the start
        (300, 400, 400, 100),  # prolonged
        (350, 50, 400, 150),  # 50 more of one scale, 100 of two
        (950, 50, None, 350),
    ],
    ids=["new", "from weights", "prolonged", "prolonged while it grows", "not planned yet"],
)
def test_how_many_pictures_there_are_in_a_time(by_scale, seconds, begin, planned, pictures):
    found = pictures_in(trainer(), seconds, begin, planned)
    assert found == pytest.approx(pictures, rel=0.02)


def test_minutes_of_a_run_that_starts_from_weights_are_of_grown_networks(by_scale):
    from artgan.lengths import Length

    ours = trainer(kimg=None, minutes=0.25)  # 15 s
    ours.start_from({"ema": trainer().generator_ema.state_dict()})
    assert Length(ours, None, Notes(), trainer).settle()
    assert ours.total_nimg in (4, 5)


def test_timing_what_is_measured_takes_from_the_minutes_too(monkeypatch):
    from artgan import lengths

    clock = [0.0]

    def timed(self):
        clock[0] += 20
        return 5.0

    monkeypatch.setattr(lengths, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(lengths.Length, "_moment_seconds", timed)
    length = lengths.Length(trainer(kimg=None, minutes=1), None, Notes(), None)
    assert length._left(0.0, 100) == 60 - 20 - 2 * 5  # a start and 4,000 pictures


def test_a_plain_tuple_is_a_stage(by_scale):
    ours = trainer()
    plain = dataclasses.replace(ours.networks, stage=lambda cur, total: tuple(stage(cur, total)))
    ours.networks = plain
    assert ours.stage_at(0) == Stage(1, 1.0, 2)
    assert ours.grown == Stage(2, 1.0, 1)
    assert pictures_in(ours, 1000) == pytest.approx(400, rel=0.02)
    assert measure_speed(ours) == pytest.approx(1 / 2.5, rel=0.02)


def test_a_forecast_knows_about_the_stages(tmp_path):
    plan = forecast(config(squares(tmp_path / "squares")), Notes(), components=REGISTRY, steps=1)
    assert plan.rate > 0
    assert plan.parameters["decoder"] == 48 * 48 + 48


def test_the_schedule_of_the_fake():
    assert stage(0, 100) == (1, 1.0, 2)
    assert stage(30, 100).fade == pytest.approx(0.2)


# Without a discriminator


def test_without_a_discriminator_there_is_nothing_to_balance(tmp_path):
    result = train_tiny(tmp_path, arch="vae", components={}, kimg=0.1)
    made = result.run.config()["train"]
    assert made["regularizers"] == made["augmentations"] == made["policies"] == []
    tensors = checkpoint_bytes(result.run.path)
    assert b"discriminator" not in tensors["networks.safetensors"]
    assert b"encoder.blocks" in tensors["networks.safetensors"]


@pytest.mark.parametrize(
    ("settings", "flag"),
    [
        ({"regularizers": ("r1",)}, "--regularizer"),
        ({"augmentations": ("diffaugment",)}, "--augment"),
        ({"policies": ("adaptive",)}, "--policy"),
        ({"strength": 0.5, "augmentations": ("diffaugment",)}, "--augment"),
    ],
)
def test_what_is_of_a_discriminator_is_refused(settings, flag):
    with pytest.raises(ConfigError) as caught:
        settled(tiny(".", arch="vae", components={}, **settings), REGISTRY, SIDES, 0.3)
    assert str(caught.value) == (
        f"{flag} is of a discriminator, and architecture 'vae' has none: leave it out"
    )


def test_a_record_that_promises_a_discriminator_has_to_bring_one(monkeypatch):
    import sprout_kit

    built = sprout_kit.build

    def without(options, **given):
        return Networks(built(options, **given).generator, None)

    monkeypatch.setattr(sprout_kit, "build", without)
    with pytest.raises(ShapeError) as caught:
        trainer()
    assert str(caught.value) == (
        "architecture 'sprout_kit:sprout' built no discriminator, but its record says "
        "adversarial=True"
    )


def test_a_vae_draws_again_what_it_was_shown_and_goes_on_to_the_bit(tmp_path):
    whole = train_tiny(tmp_path, "a", arch="vae", components={}, kimg=0.2)
    part = train_tiny(tmp_path, "b", steps=4, arch="vae", components={}, kimg=0.2)
    from artgan.models import run_config

    resume(part.run, run_config(part.run.config(), ""), Notes(), after(999))
    assert checkpoint_bytes(whole.run.path) == checkpoint_bytes(part.run.path)


def test_trainer_states_are_copied_whole():
    ours, other = trainer(), trainer()
    ours.ends_at(64)
    ours.step(reals(16))
    other.restore(copy.deepcopy(ours.tensors()), ours.counters())
    assert other.planned_nimg == 64
    assert other.stage_at(16) == Stage(2, 0.0, 1)


def test_a_run_that_ends_before_it_is_grown_says_so(tmp_path):
    notes = Notes()
    table = {"architectures": {"progressive": {"stable_kimg": 0.05, "fade_kimg": 0.05}}}
    images = squares(tmp_path / "squares")
    settings = config(images, arch="progressive", components=table, kimg=0.08)
    start(settings, notes, after(1), out=tmp_path / "a", components=REGISTRY)
    assert notes.warnings == [
        "the run ends at 0.08 kimg with 2 of 3 scales, the finest 60% in: give more --kimg, or a "
        "quicker schedule (artgan plugins show progressive)"
    ]


def test_no_checkpoint_is_the_best_before_it_is_grown(tmp_path):
    images = squares(tmp_path / "squares", count=20)
    table = {"metrics": ("swd",), "kimg": 9}
    settings = config(images, **table)
    result = start(settings, Notes(), after(10**6), out=tmp_path / "a", components=REGISTRY)
    measured = [row for row in result.run.read_stats() if "score" in row]
    assert measured[0]["cur_nimg"] < 4500
    assert result.best is not None
    assert result.best > 4500


def test_what_was_never_used_begins_at_its_rate(tmp_path):
    """Adam's first step with a parameter is one rate long, however late it is."""
    ours = trainer(g_lr=1e-3, d_lr=1e-3, decay=0.0)
    ours.ends_at(1600)
    fine = ours.networks.generator.fine.bias
    while ours.cur_nimg < 400:
        ours.step(reals(16))
    assert fine not in ours.optimizers["G"].state
    before = fine.detach().clone()
    while torch.equal(before, fine):  # at fade 0 its gradient is 0 too
        ours.step(reals(8))
    assert float((fine.detach() - before).abs().max()) == pytest.approx(1e-3, rel=0.01)

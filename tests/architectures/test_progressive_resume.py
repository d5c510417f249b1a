"""Runs that grow, stopped in the middle of a fading: their files are those of one left alone."""

import json

import pytest
from safetensors.torch import load
from training_kit import Notes, after, checkpoint_bytes, train_tiny

from artgan.config import TrainConfig, validate
from artgan.models import run_config
from artgan.pipelines.train import resume

NARROW = {"width": "tiny", "full_width_to": 4, "z_dim": 8}


def train(tmp_path, out, steps=10**5, **options):
    """Train 128 pictures at 16 px: 16 of rest and 16 of fading, twice, then 64 with all scales."""
    components = {"architectures": {"progressive": {**NARROW, **options}}}
    settings = {"arch": "progressive", "kimg": 0.128, "batch": 4, "components": components}
    return train_tiny(tmp_path, out, steps, **settings)


def go_on(run, steps=10**5, **settings):
    config = run_config(run.config(), run.name)
    merged = validate(TrainConfig, {**config.model_dump(), **settings}, "")
    return resume(run, merged, Notes(), after(steps), new_length=bool(settings))


def place(run):
    """Return how many pictures the newest checkpoint was shown, and how far it has grown."""
    files = checkpoint_bytes(run.path)
    networks = load(files["networks.safetensors"])
    reached = {float(networks[f"{name}.reach"]) for name in ("generator", "discriminator")}
    reached.add(float(load(files["ema.safetensors"])["reach"]))
    (reach,) = reached
    return json.loads(files["state.json"])["cur_nimg"], reach


@pytest.mark.parametrize(
    ("options", "steps", "places"),
    [
        # the last steps were at 24, in the fading of 8 px from 16 to 32, and at 52, in that of
        # 16 px from 48 to 64
        ({}, 7, [(28, 0.5), (56, 1.25)]),
        # steps of 16 pictures at 4 px, of 8 at 8 px, of 4 at 16 px: at 0, 16, 24 ... 48, 52
        ({"batch_to": 4}, 3, [(32, 0.5), (52, 1.0), (64, 1.75)]),
    ],
)
def test_stopped_in_a_fading_and_resumed_is_uninterrupted(tmp_path, options, steps, places):
    whole = train(tmp_path, "whole", **options)
    part = train(tmp_path, "part", steps, **options)
    for expected in places:
        assert (part.finished, place(part.run)) == (False, expected)
        part = go_on(part.run, steps if expected != places[-1] else 10**5)
    assert (part.finished, place(part.run)) == (True, (128, 2))
    assert checkpoint_bytes(part.run.path) == checkpoint_bytes(whole.run.path)


def test_a_run_that_is_made_longer_does_not_shrink_again(tmp_path):
    """120 pictures more: half of that length would be in the middle of growing."""
    first = train(tmp_path, "longer")
    longer = go_on(first.run, 2, kimg=0.248)
    assert (longer.finished, place(longer.run)) == (False, (136, 2))

"""The judge: what verdicts say of the content, the style, and what is between."""

import dataclasses

import pytest
import torch
from likeness_kit import picture

from artgan.judge import SEED, Judge
from artgan.registry import registry

CONTENT, STYLE = picture(0), picture(1, grain=0.3)


@pytest.fixture(scope="module")
def judge():
    return Judge(STYLE, registry())


def test_the_content_scores_one_and_the_style_nearly_none(judge):
    own = judge.verdict(CONTENT, CONTENT)
    assert (own.style, own.network) == (pytest.approx(1), 1)
    assert own.edges == pytest.approx(1)
    assert own.copied == own.copied_content < 0.1
    style = judge.verdict(STYLE, CONTENT)
    assert style.style < 0.02
    assert style.network < 0.02
    assert style.copied > 0.9
    assert style.copied_content == own.copied_content


def test_a_picture_between_both_is_between(judge):
    found = judge.verdict(0.4 * CONTENT + 0.6 * STYLE, CONTENT)
    for key in ("style", "network"):
        assert 0 < getattr(found, key) < 1


def test_the_network_is_never_the_one_that_a_picture_was_redrawn_with(judge, monkeypatch):
    seeds = []
    monkeypatch.setattr(judge, "_network", lambda drawn, content, seed: seeds.append(seed) or 0.5)
    for seed in (None, 0, SEED, SEED + 1):
        judge.verdict(CONTENT, CONTENT, seed=seed)
    assert seeds == [SEED, SEED, SEED + 1, SEED]


def test_the_same_pictures_have_the_same_verdict(judge):
    before = torch.random.get_rng_state()
    first = judge.verdict(STYLE.flip(3), CONTENT)
    again = Judge(STYLE, registry()).verdict(STYLE.flip(3), CONTENT)
    assert dataclasses.astuple(first) == dataclasses.astuple(again)
    assert torch.equal(before, torch.random.get_rng_state())

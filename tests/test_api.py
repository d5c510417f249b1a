"""The records and contracts, and the help for several heads."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from artgan import api, hookspecs
from artgan.api import (
    KINDS,
    Architecture,
    Component,
    Networks,
    Objective,
    Sampler,
    Term,
    mean_over_heads,
)
from artgan.records import noun


def test_each_kind_has_one_hook_of_its_name():
    assert [record.hook for record in KINDS.values()] == hookspecs.__all__
    for kind, record in KINDS.items():
        assert record.kind == kind
        assert record.hook == f"artgan_{kind}"
        assert kind in {f"{noun(kind)}s", f"{noun(kind)}es", f"{noun(kind)[:-1]}ies"}
        assert issubclass(record, Component)


def test_records_cannot_change():
    record = Sampler("wave", "m:f")
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.name = "other"


def test_what_a_record_says_unless_told():
    record = Architecture("net", "m:f")
    assert (record.api, record.latent_prior, record.spaces) == (1, "gaussian", ("z",))
    assert (record.min_side, record.max_side, record.channels) == (16, 512, (1, 3, 4))
    assert Objective("o", "m:f").default_regularizers == ("r1", "r2")


def test_the_errors_of_artgan_are_all_there():
    from artgan import errors

    for name in errors.__all__:
        if name != "nearest":
            assert getattr(api, name) is getattr(errors, name)
            assert name in api.__all__


def test_mean_over_heads_of_one_head_is_that_head():
    logits = torch.tensor([1.0, 2.0])
    assert_close(mean_over_heads(lambda x: -x, (logits,)), torch.tensor([-1.0, -2.0]))


def test_mean_over_heads_pairs_head_with_head():
    real = (torch.tensor([1.0]), torch.tensor([3.0]))
    fake = (torch.tensor([0.0]), torch.tensor([10.0]))
    assert_close(mean_over_heads(lambda r, f: r - f, real, fake), torch.tensor([-3.0]))


def test_mean_over_heads_refuses_another_number_of_heads():
    one = torch.zeros(1)
    with pytest.raises(ValueError, match="zip"):
        mean_over_heads(lambda r, f: r - f, (one, one), (one,))


def test_networks_by_name_and_by_phase():
    g, d, judge, mapper = nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)
    networks = Networks(g, d, others={"mapper": ("G", mapper), "judge": ("D", judge)})
    assert list(networks.named()) == ["generator", "discriminator", "judge", "mapper"]
    assert networks.of_phase("D") == {"discriminator": d, "judge": judge}
    assert networks.of_phase("G") == {"generator": g, "mapper": mapper}


def test_a_term_needs_nothing_unless_told():
    term = Term("D", lambda batch: {})
    assert term.needs == frozenset()
    assert term.interval == 0
    assert frozenset({"reals", "gradients", "fake-gradients", "codes", "features"}) == Term.NEEDS

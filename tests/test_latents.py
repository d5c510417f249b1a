"""Seed lists, draws that never change, and priors."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from artgan.errors import ConfigError
from artgan.latents import derive, draw, draw_batch, generator, parse_seeds, to_prior


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0", [0]), ("3,17,42", [3, 17, 42]), (" 1 , 2 - 4 ", [1, 2, 3, 4]), ("5-5,5", [5, 5])],
)
def test_seed_lists(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", ",", "1,", "-1", "1.5", "a", "1_000", "٣", "nan", "1--3"])
def test_what_is_no_seed_list_is_refused(text):
    with pytest.raises(ConfigError) as caught:
        parse_seeds(text)
    assert str(caught.value) == (f"seeds {text!r}: expected numbers and ranges, such as 3,17,40-43")


def test_backward_and_endless_ranges_are_refused():
    with pytest.raises(ConfigError, match="range 9-3 runs backwards"):
        parse_seeds("9-3")
    with pytest.raises(ConfigError, match="more than 1,000,000"):
        parse_seeds("0-999999999999")


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 20)), min_size=1, max_size=6))
def test_any_list_of_ranges_reads_back(ranges):
    text = ",".join(f"{a}-{a + n}" if n else str(a) for a, n in ranges)
    assert parse_seeds(text) == [s for a, n in ranges for s in range(a, a + n + 1)]


def test_draws_never_change():
    """The numbers stand for every picture that was ever made of a seed."""
    expected = torch.tensor(
        [[1.5409961, -0.2934289, -2.1787894], [0.6613521, 0.2669242, 0.0616841]]
    )
    torch.testing.assert_close(draw([0, 1], 3, "gaussian"), expected)


def test_a_draw_does_not_depend_on_its_company():
    many = draw(range(40), 100, "gaussian")
    assert torch.equal(draw([5], 100, "gaussian")[0], many[5])
    assert torch.equal(draw([0], 100, "gaussian")[0], many[0])
    assert torch.equal(draw([39, 0], 100, "sphere")[1], draw([0], 100, "sphere")[0])


def test_draws_leave_the_global_state_alone():
    before = torch.get_rng_state()
    draw([3], 4, "gaussian")
    draw_batch(3, 2, 4, "sphere")
    assert torch.equal(torch.get_rng_state(), before)


def test_sphere_has_radius_root_of_its_dimension():
    z = draw(range(10), 16, "sphere")
    torch.testing.assert_close(z.norm(dim=1), torch.full((10,), 4.0))
    torch.testing.assert_close(
        to_prior(torch.tensor([[3.0, 4.0]]), "sphere"), torch.tensor([[0.6, 0.8]]) * 2**0.5
    )


def test_no_seeds_no_latents():
    assert draw([], 7, "gaussian").shape == (0, 7)


def test_batches_are_repeatable():
    assert torch.equal(draw_batch(0, 4, 5, "gaussian"), draw_batch(0, 4, 5, "gaussian"))
    assert not torch.equal(draw_batch(0, 4, 5, "gaussian"), draw_batch(1, 4, 5, "gaussian"))


def test_derived_seeds_are_fixed_and_apart():
    assert derive(0, "latents", 64) == derive(0, "latents", 64)
    seeds = {derive(s, p, n) for s in range(5) for p in ("a", "b", "a\0") for n in range(5)}
    assert len(seeds) == 75
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert generator(derive(0, "a")).initial_seed() == derive(0, "a")

import math

import pytest
import torch
from torch.testing import assert_close
from training_kit import TINY, tiny

from artgan.api import Adversarial, Networks, Term
from artgan.errors import CheckpointError, RunError, ShapeError
from artgan.images import pyramid_like
from artgan.pipelines.train import settled
from artgan.registry import Registry
from artgan.training import Trainer, term_is_due
from artgan.weights import load_state

REGISTRY = Registry(entry_points=[])


def resolved(**settings):
    return settled(tiny("x", **settings), REGISTRY, [(16, 16)])[0].config


def trainer(registry=REGISTRY, **settings):
    return Trainer(resolved(**settings), registry, torch.device("cpu"))


def reals(count=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8, generator=generator)


def flat(tensors):
    return {f"{g}.{n}": t.clone() for g, group in tensors.items() for n, t in group.items()}


@pytest.fixture(autouse=True)
def _global_generator():
    with torch.random.fork_rng():
        yield


@pytest.mark.parametrize("objective", ["non-saturating", "hinge", "least-squares", "wasserstein"])
@pytest.mark.parametrize("regularizers", [(), ("r1",)])
def test_every_pair_takes_two_steps(objective, regularizers):
    state = trainer(objective=objective, regularizers=regularizers)
    before = flat(state.tensors())
    for _ in range(2):
        values = state.step(reals())
    after = flat(state.tensors())
    assert state.cur_nimg == 16
    assert all(math.isfinite(value) for value in values.values())
    assert {"D/adversarial", "G/adversarial", "sign_accuracy", "bad"} <= set(values)
    for name, tensor in before.items():
        if name.startswith("networks") and name.endswith("weight"):
            assert not torch.equal(tensor, after[name]), name


def test_same_seed_same_state_other_seed_another():
    states = [trainer(seed=seed) for seed in (0, 0, 1)]
    for state in states:
        state.step(reals())
    first, second, third = (flat(state.tensors()) for state in states)
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    assert any(not torch.equal(first[name], third[name]) for name in first)


def test_the_global_generator_does_not_matter():
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(trainer())
        torch.manual_seed(seed)
        states[-1].step(reals())
    first, second = (flat(state.tensors()) for state in states)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_restored_goes_on_as_if_nothing_had_happened():
    whole, part = trainer(), trainer()
    for i in range(4):
        whole.step(reals(seed=i))
        if i < 2:
            part.step(reals(seed=i))
    other = trainer()
    other.restore({k: dict(v) for k, v in part.tensors().items()}, part.counters())
    for i in (2, 3):
        other.step(reals(seed=i))
    expected, got = flat(whole.tensors()), flat(other.tensors())
    assert set(expected) == set(got)
    assert all(torch.equal(expected[name], got[name]) for name in expected)
    assert whole.counters() == other.counters()


def test_d_is_frozen_while_g_learns():
    state = trainer()
    seen = {}

    def generator_term(batch):
        d = state.networks.discriminator.parameters()
        seen["frozen"] = not any(p.requires_grad for p in d)
        seen["reals"] = batch.reals
        return {"adversarial": -batch.fake_logits[0]}

    state.terms["G"] = [Term("G", generator_term)]
    state.step(reals())
    assert seen == {"frozen": True, "reals": None}
    assert all(p.grad is not None for p in state.networks.generator.parameters())


def test_g_gets_reals_and_codes_where_a_term_needs_them():
    state = trainer()

    def term(batch):
        assert torch.equal(batch.codes, batch.z)
        assert batch.reals[-1].shape == (8, 3, 16, 16)
        return {"relative": batch.real_logits[0] - batch.fake_logits[0]}

    state.terms["G"] = [Term("G", term, needs=frozenset({"reals", "codes"}))]
    assert "G/relative" in state.step(reals())


def test_a_term_has_to_give_one_value_a_picture():
    state = trainer()
    state.terms["G"] = [Term("G", lambda batch: {"mean": batch.fake_logits[0].mean()})]
    with pytest.raises(ShapeError) as error:
        state.step(reals())
    assert str(error.value) == ("loss term 'mean' has shape (): expected one value a picture, (8,)")


def test_lazy_term_is_as_strong_as_an_eager_one():
    """Over many pictures, a term used every fourth step is weighted by four."""
    state = trainer(d_lr=1.0)
    used = []

    def term(batch):
        used.append(batch.cur_nimg)
        weight = state.networks.discriminator.blocks[0].weight
        return {"pull": weight.sum().expand(8)}

    state.terms["D"] = [Term("D", term, interval=32)]
    state.optimizers["D"] = torch.optim.SGD(state._parameters("D"), lr=1.0)
    before = state.networks.discriminator.blocks[0].weight.detach().clone()
    for _ in range(8):
        state.step(reals())
    moved = before - state.networks.discriminator.blocks[0].weight.detach()
    assert used == [0, 32]
    assert_close(moved, torch.full_like(moved, 8.0))


def test_term_is_due():
    due = [n for n in range(0, 80, 10) if term_is_due(25, n, 10)]
    assert due == [0, 30, 50]  # the first step that begins at or past 0, 25, 50
    assert term_is_due(0, 70, 10)
    assert term_is_due(10, 70, 10)


def test_sign_accuracy_and_margin_by_hand():
    state = trainer(objective="non-saturating")
    logits = (torch.tensor([1.0, 2.0, -1.0, 3.0]),)
    figures = state._margins(logits, logits)
    assert figures["sign_accuracy"].item() == 0.5
    assert figures["margin"].item() == 1.25


def test_ema_reaches_half_after_one_half_life():
    state = trainer(ema_kimg=0.08, ema_rampup=None)
    for tensor in (*state.generator_ema.parameters(), *state.generator_ema.buffers()):
        tensor.data.fill_(0)
    for tensor in (*state.networks.generator.parameters(), *state.networks.generator.buffers()):
        tensor.data.fill_(1)
    for _ in range(10):
        state._average(8)
    for tensor in state.generator_ema.parameters():
        assert_close(tensor, torch.full_like(tensor, 0.5))
    assert all(b == 1 for b in state.generator_ema.buffers() if not b.is_floating_point())


def test_ema_starts_at_the_trained_generator_and_ramps_up():
    state = trainer(ema_kimg=1000.0, ema_rampup=0.5)
    state.cur_nimg = 8  # half-life 4 pictures: one batch of 8 moves by 3/4
    for parameter in state.networks.generator.parameters():
        parameter.data.fill_(1)
    for parameter in state.generator_ema.parameters():
        parameter.data.fill_(0)
    state._average(8)
    for parameter in state.generator_ema.parameters():
        assert_close(parameter, torch.full_like(parameter, 0.75))


def test_non_finite_steps_are_skipped_and_three_in_a_row_end_the_run():
    state = trainer(regularizers=(), doctor="off")
    bad = Term("D", lambda batch: {"adversarial": batch.fake_logits[0] * float("nan")})
    good, state.terms["D"] = state.terms["D"], [bad]
    before = flat(state.tensors())
    assert state.step(reals())["bad"] == 1
    d = "networks.discriminator"
    assert all(
        torch.equal(t, before[n]) for n, t in flat(state.tensors()).items() if n.startswith(d)
    )
    state.step(reals())
    state.terms["D"] = good
    assert state.step(reals())["bad"] == 0
    assert state.bad_steps == 0
    state.terms["D"] = [bad]
    state.step(reals())
    state.step(reals())
    with pytest.raises(RunError, match="training diverged at 48 pictures: 3 steps in a row"):
        state.step(reals())


def test_reals_are_pooled_to_every_scale():
    pictures = torch.arange(16.0).view(1, 1, 4, 4)
    like = (torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 4, 4))
    coarse, fine = pyramid_like(pictures, like)
    assert fine is pictures
    assert_close(coarse, torch.tensor([[2.5, 4.5], [10.5, 12.5]]).view(1, 1, 2, 2))
    with pytest.raises(ShapeError, match=r"draws \(3, 3\) px pictures"):
        pyramid_like(pictures, (torch.zeros(1, 1, 3, 3), like[1]))


def test_weights_that_do_not_fit_are_named():
    own = trainer().networks.discriminator
    state = {name: tensor.clone() for name, tensor in own.state_dict().items()}
    name = next(iter(state))
    wrong = {**state, name: state[name][:1]}
    with pytest.raises(CheckpointError) as error:
        load_state(own, wrong, "file")
    assert str(error.value) == (
        f"file: tensor {name} is torch.float32 {tuple(wrong[name].shape)}, "
        f"expected torch.float32 {tuple(state[name].shape)}"
    )
    with pytest.raises(CheckpointError, match=f"^file: tensor {name} is missing$"):
        load_state(own, {k: v for k, v in state.items() if k != name}, "file")
    with pytest.raises(CheckpointError, match="tensor more is none of this architecture's"):
        load_state(own, {**state, "more": torch.zeros(1)}, "file")


class Loose(Registry):
    """A registry whose components are what a test says."""

    def __init__(self, **built):
        super().__init__(entry_points=[])
        self.built = built

    def build(self, entry, options, *args, **kwargs):
        made = self.built.get(entry.record.kind)
        return made if made is not None else super().build(entry, options, *args, **kwargs)


@pytest.mark.parametrize(
    ("built", "message"),
    [
        ({"architectures": 3}, "architecture 'artgan:dcgan' built a int: expected Networks"),
        (
            {"objectives": None or "x"},
            "objective 'artgan:relativistic-logistic' built a str: expected Adversarial",
        ),
        ({"regularizers": 1.5}, "regularizer 'artgan:r1' built a float: expected Term"),
        (
            {"architectures": Networks(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))},
            "architecture 'artgan:dcgan': its generator has no z_dim, the length of a latent",
        ),
    ],
)
def test_components_that_break_their_contract(built, message):
    with pytest.raises(ShapeError) as error:
        trainer(Loose(**built))
    assert str(error.value) == message


def test_learns_squares():
    """Forty steps on one picture bring the generator nearer to it."""
    with torch.random.fork_rng():
        config = resolved(
            components={"architectures": {"dcgan": {"z_dim": 8, "base_channels": 16}}},
            g_lr=3e-3, d_lr=3e-3,
        )  # fmt: skip
        state = Trainer(config, REGISTRY, torch.device("cpu"))
        picture = torch.full((8, 3, 16, 16), 255, dtype=torch.uint8)
        picture[..., 4:12, 4:12] = torch.tensor([200, 30, 30], dtype=torch.uint8).view(3, 1, 1)
        target = picture[:1].float() / 255
        before = float((state.sample(8) - target).abs().mean())
        for _ in range(60):
            state.step(picture)
        after = float((state.sample(8) - target).abs().mean())
    assert after < 0.6 * before


def test_sample_is_that_of_the_seeds_whatever_the_batch():
    state = trainer()
    assert_close(state.sample(5, batch=2), state.sample(7, batch=16)[:5])
    assert isinstance(state.objective, Adversarial)
    assert TINY["architectures"]["dcgan"]["z_dim"] == state.generator_ema.z_dim


def test_fused_steps_are_those_of_plain_adam():
    """Whatever the layout of the kernels in memory."""
    states = [trainer(), trainer()]
    for phase, optimizer in states[1].optimizers.items():
        group = optimizer.param_groups[0]
        states[1].optimizers[phase] = torch.optim.Adam(
            states[1]._parameters(phase), lr=group["lr"], betas=group["betas"], fused=False
        )
    for state in states:
        state.step(reals())
    weight = states[0].networks.discriminator.blocks[2].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    first, second = (flat(state.tensors()) for state in states)
    for name in first:
        assert_close(first[name], second[name], rtol=1e-4, atol=1e-6)


def test_running_statistics_of_a_bad_step_are_forgotten():
    state = trainer(regularizers=())
    state.step(reals())
    before = flat(state.tensors())
    build = state.networks.generator.first[0].forward
    state.networks.generator.first[0].forward = lambda x: build(x * float("nan"))
    assert state.step(reals())["bad"] == 1
    del state.networks.generator.first[0].forward
    after = flat(state.tensors())
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert state.step(reals())["bad"] == 0
    assert state.sample(2).isfinite().all()

import copy

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from artgan.config import format_size
from artgan.latents import draw
from artgan.registry import Registry
from artgan_plugins.architectures.progressive import stage
from artgan_plugins.architectures.progressive_options import ProgressiveOptions

REGISTRY = Registry(entry_points=[])
STAGES = [(1, 1.0), (2, 0.0), (2, 0.25), (2, 1.0), (3, 0.5), (3, 1.0)]  # at 16 px


def build(size=(16, 16), channels=3, **options):
    torch.manual_seed(0)
    entry = REGISTRY.find("architectures", "progressive")
    table = {"z_dim": 8, "full_width_to": 4, **options}
    return REGISTRY.build(entry, REGISTRY.options(entry, table), size=size, channels=channels)


def grown(scales, fade, size=(16, 16), **options):
    networks = build(size, **options)
    networks.generator.grow(scales, fade)
    networks.discriminator.grow(scales, fade)
    return networks


def noise(size=(16, 16), count=4, seed=0, channels=3):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, *size, generator=random) * 2 - 1


def latents(count=4):
    return draw(range(count), 8, "sphere")


# Shapes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(16, 16), (48, 48), (64, 96), (24, 16)], ids=format_size)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_are_of_full_size_at_every_stage(size, channels):
    networks = build(size, channels)
    scales = len(networks.generator.to_rgb)
    for reached in range(1, scales + 1):
        for fade in (0.0, 0.5, 1.0) if reached > 1 else (1.0,):
            networks.generator.grow(reached, fade)
            networks.discriminator.grow(reached, fade)
            pyramid = networks.generator(latents(2))
            assert [p.shape for p in pyramid] == [(2, channels, *size)]
            assert networks.discriminator(pyramid).shape == (2,)
            assert networks.show_reals(pyramid[0]).shape == (2, channels, *size)


def test_networks_begin_where_their_schedule_does():
    for options, reach in (({}, 0), ({"growing": 0}, 2), ({"stable_kimg": 0, "fade_kimg": 1}, 0)):
        networks = build(**options)
        assert networks.generator.reach == networks.discriminator.reach == reach
    assert grown(3, 1.0).show_reals(noise()).equal(noise())


# Sizes of the networks ----------------------------------------------------------------------


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_the_papers_networks_have_the_papers_number_of_parameters():
    with torch.device("meta"):
        networks = build((1024, 1024), width="base", z_dim=None, full_width_to=32)
    assert networks.generator.z_dim == 512
    assert parameters(networks.generator) == pytest.approx(23.1e6, rel=0.003)
    assert parameters(networks.discriminator) == pytest.approx(23.1e6, rel=0.003)
    assert [len(rgb.bias) for rgb in networks.generator.to_rgb] == [3] * 9
    channels = [len(rgb.bias) for rgb in networks.discriminator.from_rgb]
    assert channels == [512, 512, 512, 512, 256, 128, 64, 32, 16]


@pytest.mark.parametrize("width", ["tiny", "small", "base"])
def test_latents_are_as_long_as_the_width_unless_said(width):
    with torch.device("meta"):
        long = {"tiny": 128, "small": 256, "base": 512}[width]
        assert build(width=width, z_dim=None).generator.z_dim == long
        assert build(width=width).generator.z_dim == 8


# Learning -----------------------------------------------------------------------------------


def idle(name, scales, fade):
    """Return whether a parameter is not in use yet, or no longer: of 3 scales."""
    part, index, *_ = name.split(".")
    if part == "blocks":
        return int(index) >= scales - 1
    if part in {"to_rgb", "from_rgb"}:
        return int(index) not in ({scales - 1} if fade == 1 else {scales - 1, scales - 2})
    return False


@pytest.mark.parametrize("deviation", [True, False])
@pytest.mark.parametrize(("scales", "fade"), STAGES)
def test_what_is_in_use_learns_and_the_rest_has_a_gradient_of_zero(scales, fade, deviation):
    networks = grown(scales, fade, minibatch_deviation=deviation)
    if fade == 0:  # the scale above is what is drawn, see below
        scales, fade = scales - 1, 1.0
    networks.discriminator(networks.generator(latents())).square().sum().backward()
    for module in networks.named().values():
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.any() != idle(name, scales, fade), name


def test_gradients_at_pictures_can_be_differentiated_again():
    discriminator = grown(2, 0.25).discriminator
    pictures = noise().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator((pictures,)).sum(), pictures, create_graph=True)
    assert slope.flatten(1).abs().min(1).values.min() > 0
    slope.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in discriminator.parameters() if p.grad is not None)


# Fading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scales", [2, 3])
def test_a_scale_that_begins_to_fade_in_changes_nothing(scales):
    before, after = grown(scales - 1, 1.0), grown(scales, 0.0)
    assert before.generator(latents())[0].equal(after.generator(latents())[0])
    assert before.discriminator((noise(),)).equal(after.discriminator((noise(),)))
    assert before.show_reals(noise()).equal(after.show_reals(noise()))


@pytest.mark.parametrize("scales", [2, 3])
def test_the_ends_of_a_fading_are_where_it_leads(scales):
    """A fade next to 0 and next to 1 is next to the coarser and to the finer network."""
    for fade, scale, whole in ((1e-6, scales - 1, 1.0), (1 - 1e-6, scales, 1.0)):
        near, there = grown(scales, fade), grown(scale, whole)
        z, shown = latents(), noise()
        assert_close(near.generator(z)[0], there.generator(z)[0], rtol=0, atol=2e-5)
        assert_close(near.discriminator((shown,)), there.discriminator((shown,)), rtol=0, atol=2e-5)
        assert_close(near.show_reals(shown), there.show_reals(shown), rtol=0, atol=2e-5)


def test_pictures_are_blended_in_proportion():
    coarse, fine = (grown(scales, 1.0).generator(latents())[0] for scales in (2, 3))
    blended = grown(3, 0.25).generator(latents())[0]
    assert_close(blended, 0.75 * coarse + 0.25 * fine)


def test_coarse_pictures_are_enlarged_pixel_by_pixel():
    picture = grown(1, 1.0).generator(latents())[0]
    assert picture.equal(picture[..., ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3))
    assert picture[..., ::4, ::4].std() > 0.1


def test_paths_into_the_discriminator_are_blended_in_proportion():
    """Where only the blended features count, they are those of both paths."""
    judge = grown(2, 0.25).discriminator
    shown, seen = noise(), []
    judge.verdict.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for scales, fade in ((1, 1.0), (2, 1.0), (2, 0.25)):
        judge.grow(scales, fade)
        judge((shown,))
    assert_close(seen[2], 0.75 * seen[0] + 0.25 * seen[1])


def test_the_discriminator_sees_averages_of_what_is_finer():
    judge = grown(2, 1.0).discriminator
    plain = functional.avg_pool2d(noise(), 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert_close(judge((noise(),)), judge((plain,)))
    judge.grow(3, 1.0)
    assert (judge((noise(),)) - judge((plain,))).abs().min() > 1e-3


def test_reals_have_the_detail_of_their_stage():
    """Stripes of one pixel beside a field of ones, at 16 px: means of 2 and of 4 pixels a side."""
    reals = torch.zeros(1, 1, 16, 16)
    reals[..., 1::2] = 1.0
    reals[..., :2] = 1.0
    networks = build(channels=1)

    def row(scales, fade):
        networks.discriminator.grow(scales, fade)
        return networks.show_reals(reals)[0, 0, 7, :6].tolist()

    assert row(3, 1.0) == [1, 1, 0, 1, 0, 1]
    assert row(2, 1.0) == [1, 1, 0.5, 0.5, 0.5, 0.5]
    assert row(1, 1.0) == [0.75, 0.75, 0.75, 0.75, 0.5, 0.5]
    assert row(2, 0.5) == [0.875, 0.875, 0.625, 0.625, 0.5, 0.5]
    assert row(3, 0.5) == [1, 1, 0.25, 0.75, 0.25, 0.75]
    assert reals[0, 0, 7, :4].tolist() == [1, 1, 0, 1]


# Where it is, is part of its state ----------------------------------------------------------


def test_loaded_weights_draw_and_judge_as_they_were_trained():
    trained, other = grown(2, 0.25), build()
    for name, module in other.named().items():
        assert module.reach == 0
        module.load_state_dict(trained.named()[name].state_dict())
        assert module.reach == 0.25
    z, shown = latents(), noise()
    assert other.generator.eval()(z)[0].equal(trained.generator.eval()(z)[0])
    assert other.discriminator((shown,)).equal(trained.discriminator((shown,)))
    assert other.show_reals(shown).equal(trained.show_reals(shown))


def test_weights_blended_between_two_stages_fade():
    """A film of how it grew: half-way between 4 px and a whole 16 px is a whole 8 px."""
    first, last, between = grown(1, 1.0), grown(3, 1.0), build()
    states = [networks.generator.state_dict() for networks in (first, last)]
    blended = {key: torch.lerp(value, states[1][key], 0.5) for key, value in states[0].items()}
    between.generator.load_state_dict(blended)
    assert between.generator.reach == 1
    expected = grown(2, 1.0).generator(latents())[0]
    assert_close(between.generator(latents())[0], expected)


def test_a_copy_grows_on_its_own():
    generator = build().generator
    averaged = copy.deepcopy(generator)
    averaged.grow(2, 0.5)
    assert (averaged.reach, generator.reach) == (0.5, 0)


# Values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scales", "fade"), STAGES)
def test_untrained_pictures_are_in_signed_range(scales, fade):
    networks = grown(scales, fade, width="tiny", z_dim=None)
    pictures = networks.generator(draw(range(8), 128, "sphere"))[0]
    assert 0.2 < pictures.std() < 0.8
    assert pictures.abs().max() < 3


def test_stray_pixels_are_cut_in_evaluation_alone():
    generator = grown(3, 1.0).generator
    generator.to_rgb[-1].bias.data.fill_(7.0)
    assert generator.train()(latents())[0].max() > 6
    assert generator.eval()(latents())[0].max() == 2


def test_the_verdict_sees_how_varied_a_group_is():
    varied = noise()
    equal = varied[:1].expand_as(varied)
    judge, alone = build().discriminator, build(minibatch_deviation=False).discriminator
    assert (judge((varied,))[0] - judge((equal,))[0]).abs() > 1e-3
    assert_close(alone((varied,))[0], alone((equal,))[0])
    both = torch.cat([varied, noise(seed=1)])
    assert_close(judge((both,))[:4], judge((varied,)))


def test_mixed_precision_gives_about_the_same():
    networks = grown(3, 0.5)
    exact = networks.generator(latents())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = networks.generator(latents())
        logits = networks.discriminator(exact)
    assert_close(rough[0].float(), exact[0], atol=0.1, rtol=0.1)
    assert_close(logits.float(), networks.discriminator(exact), atol=0.1, rtol=0.1)


# The schedule -------------------------------------------------------------------------------

SIDES = (4, 8, 16, 32)


def at(kimg, total=12, sides=SIDES, **options):
    return stage(round(kimg * 1000), round(total * 1000), sides=sides, **options)


def test_rest_and_fading_take_turns_over_half_of_the_run():
    """12 kimg, 4 scales: 3 rests and 3 fadings of 1 kimg each."""
    steps = [0, 0.5, 1, 1.5, 2, 2.9, 3, 3.25, 4, 5, 5.75, 6, 9, 12, 20]
    found = [at(kimg)[:2] for kimg in steps]
    assert found == [
        (1, 1), (1, 1), (2, 0), (2, 0.5), (2, 1), (2, 1), (3, 0), (3, 0.25), (3, 1),
        (4, 0), (4, 0.75), (4, 1), (4, 1), (4, 1), (4, 1),
    ]  # fmt: skip


def test_the_papers_schedule():
    """800k pictures at 4 px, 800k of fading in 8 px, 800k at 8 px, and so on to 1024 px."""
    paper = {"sides": [4 << i for i in range(9)], "stable_kimg": 800.0, "fade_kimg": 800.0}
    found = [at(kimg, 15_000, **paper)[:2] for kimg in (799, 800, 1200, 1600, 2399, 2400, 3000)]
    assert found == [(1, 1), (2, 0), (2, 0.5), (2, 1), (2, 1), (3, 0), (3, 0.75)]
    assert at(12_799, 15_000, **paper)[:2] == (9, 799 / 800)
    assert at(12_800, 15_000, **paper)[:2] == (9, 1)


def test_one_of_the_periods_may_be_set_alone():
    assert [at(kimg, stable_kimg=0.5)[:2] for kimg in (0.4, 1, 1.5)] == [(1, 1), (2, 0.5), (2, 1)]
    assert [at(kimg, fade_kimg=0.5)[:2] for kimg in (0.9, 1.25, 1.5)] == [(1, 1), (2, 0.5), (2, 1)]


def test_nothing_to_wait_for():
    assert at(0, growing=0.0)[:2] == (4, 1)
    assert at(0, stable_kimg=0.0, fade_kimg=0.0)[:2] == (4, 1)
    assert at(0, stable_kimg=0.0)[:2] == (2, 0)
    assert [at(kimg, fade_kimg=0.0)[:2] for kimg in (0.9, 1, 1.9, 2)] == [
        (1, 1), (2, 1), (2, 1), (3, 1),
    ]  # fmt: skip
    assert stage(0, 0, sides=SIDES)[:2] == (4, 1)


@pytest.mark.parametrize("total", [24, 100, 12_345, 10**7])
@pytest.mark.parametrize("growing", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("scales", [3, 4, 9])
def test_growing_is_monotonic_and_over_in_time(total, growing, scales):
    sides = [5 << i for i in range(scales)]
    places = range(0, total + 1, max(1, total // 1000))
    found = [stage(cur, total, sides=sides, growing=growing) for cur in places]
    reached = [scales + fade for scales, fade, _ in found]
    assert reached == sorted(reached)
    assert all(0 <= fade <= 1 for _, fade, _ in found)
    assert found[0][:2] == (1, 1)
    grown_from = [
        cur for cur, (s, f, _) in zip(places, found, strict=True) if (s, f) == (scales, 1)
    ]
    assert grown_from[0] <= growing * total + max(1, total // 1000)
    if total > 1000:
        assert {s for s, _, _ in found} == set(range(1, scales + 1))


def test_a_tiny_run_meets_every_scale():
    """100 pictures in steps of 8, at 16 px: 12.5 pictures a period."""
    found = [stage(cur, 100, sides=(4, 8, 16)) for cur in range(0, 100, 8)]
    assert [s for s, _, _ in found[:7]] == [1, 1, 2, 2, 2, 3, 3]
    assert [round(f, 2) for _, f, _ in found[:7]] == [1, 1, 0.28, 0.92, 1, 0.2, 0.84]
    assert found[7:] == [(3, 1.0, 1)] * 6


def test_periods_longer_than_the_run_leave_it_on_the_way():
    slow = {"stable_kimg": 800.0, "fade_kimg": 800.0}
    assert at(12, **slow)[:2] == (1, 1)
    assert at(10**9, **slow)[:2] == (4, 1)


@pytest.mark.parametrize(
    ("full", "batch_to", "times"),
    [
        (128, 128, [1, 1, 1, 1, 1, 1]),
        (256, 128, [2, 2, 2, 2, 2, 2, 1]),
        (1024, 128, [8, 8, 8, 8, 8, 8, 4, 2, 1]),
        (1024, 32, [8, 8, 8, 8, 8, 8, 4, 2, 1]),
        (64, 16, [4, 4, 4, 2, 1]),
        (16, 4, [4, 2, 1]),
    ],
)
def test_batches_double_where_memory_allows(full, batch_to, times):
    sides = [4 << i for i in range(len(times))]
    assert sides[-1] == full
    options = {"sides": sides, "stable_kimg": 1.0, "fade_kimg": 1.0, "batch_to": batch_to}
    assert [at(2 * i, **options).batch for i in range(len(times))] == times
    assert [at(2 * i - 0.5, **options).batch for i in range(1, len(times))] == times[1:]


def test_build_hands_its_options_to_the_schedule():
    networks = build((16, 24), growing=0.25, batch_to=8)
    assert networks.stage(0, 1000) == (1, 1.0, 2)
    assert networks.stage(250, 1000) == (3, 1.0, 1)
    networks = build((16, 24), stable_kimg=1, fade_kimg=2)
    assert networks.stage(2000, 1000) == (2, 0.5, 1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"width": "huge"}, "'tiny', 'small' or 'base'"),
        ({"growing": 0.95}, "less than or equal to 0.9"),
        ({"fade_kimg": -1}, "greater than or equal to 0"),
        ({"stable_kimg": float("inf")}, "finite"),
        ({"batch_to": 2}, "greater than or equal to 4"),
    ],
)
def test_options_refuse(table, message):
    with pytest.raises(ValueError, match=message):
        ProgressiveOptions.model_validate(table)

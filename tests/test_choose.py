import dataclasses

import pytest

from artgan.choose import Facts, choose, pick_architecture, recommend_batch, recommend_size
from artgan.config import TrainConfig
from artgan.errors import ConfigError
from artgan.registry import Registry

REGISTRY = Registry(entry_points=[])
DCGAN = REGISTRY.find("architectures", "dcgan").record
MSG = REGISTRY.find("architectures", "msg-gan").record
OBJECTIVE = REGISTRY.find("objectives", "non-saturating").record
R1 = REGISTRY.find("regularizers", "r1").record


@pytest.mark.parametrize(
    ("side", "gpu", "expected"),
    [
        (20, False, 32),
        (40, False, 32),
        (128, False, 64),
        (4000, False, 64),
        (300, True, 256),
        (4000, True, 512),
    ],
)
def test_size_is_what_the_pictures_and_the_machine_bear(side, gpu, expected):
    assert recommend_size([(side + 10, side)] * 5, DCGAN, gpu=gpu) == (expected, expected)


def pick(count=3000, gpu=False, variety=None, record=DCGAN, bfloat16=False, **settings):
    config = TrainConfig(images="x", **settings)
    facts = Facts([(100, 80)] * count, gpu, bfloat16, variety)
    names = config.regularizers
    return choose(config, record, OBJECTIVE, [R1] if names is None else [], facts)


def test_nothing_is_left_open_and_reasons_are_given():
    choice = pick()
    config = choice.config
    assert (config.side, config.batch, config.kimg) == ((64, 64), 32, 300)
    assert config.arch == "dcgan"
    assert config.regularizers == ("r1", "r2")
    assert config.precision == "float32"
    left = {name for name, value in config.model_dump().items() if value is None}
    assert left == {"minutes"}
    assert choice.reasons == (
        "size 64: half of the pictures are 80 px or less on their short side, and there is no GPU",
        "batch 32: suits a CPU at 64 px",
        "length 300 kimg: each of 3,000 pictures is shown about 100 times; "
        "stop earlier with Ctrl-C at any time",
        "r1 gamma 12.3: for 4,096 pixels",
        "regularizer r1, r2: what 'non-saturating' is steady with",
    )


def test_few_pictures_are_augmented_as_much_as_it_takes():
    choice = pick(50)
    assert choice.config.augmentations == ("diffaugment",)
    assert choice.config.policies == ("one-to-one", "ada")
    assert choice.config.strength == 0.0
    assert "augmentation diffaugment: 50 pictures would be known by heart" in choice.reasons
    assert pick(5000).config.augmentations == ()
    assert pick(5000).config.policies == ("one-to-one",)


def test_a_strength_that_is_set_is_not_steered():
    choice = pick(50, strength=0.3)
    assert choice.config.augmentations == ("diffaugment",)
    assert choice.config.policies == ("one-to-one",)
    assert pick(50, augmentations=()).config.policies == ("one-to-one",)


def test_the_penalty_grows_with_pixels_and_with_how_varied_pictures_are():
    def gamma(**given):
        return pick(**given).config.components["regularizers"]["r1"]["gamma"]

    assert gamma(size=32, variety=0.35) == 3.07
    assert gamma(size=64, variety=0.35) == 12.3
    assert gamma(size=32, variety=0.175) == 0.768  # half the contrast, a quarter
    assert gamma(size=32, components={"regularizers": {"r1": {"gamma": 7.0}}}) == 7.0


def test_what_suits_the_machine_is_chosen_unless_it_is_set():
    small = {"width": "tiny", "full_width_to": 8}
    assert pick(record=MSG).config.components["architectures"]["msg-gan"] == small
    on_gpu = pick(record=MSG, gpu=True).config
    assert on_gpu.components["architectures"]["msg-gan"] == {"width": "small"}
    own = {"architectures": {"msg-gan": {"width": "base"}}}
    kept = pick(record=MSG, components=own).config
    assert kept.components["architectures"]["msg-gan"] == {"width": "base"}
    assert pick(bfloat16=True).config.precision == "bfloat16"
    assert pick(bfloat16=True, precision="float32").config.precision == "float32"


@pytest.mark.parametrize(
    ("settings", "gpu", "expected"),
    [
        ({}, False, "dcgan"),
        ({}, True, "msg-gan"),
        ({"size": 64}, True, "dcgan"),
        ({"size": 128}, False, "msg-gan"),
        ({"size": "64x256"}, False, "dcgan"),
        ({"arch": "other", "size": 256}, True, "other"),
    ],
)
def test_the_architecture_goes_with_the_size(settings, gpu, expected):
    config = TrainConfig(images="x", **settings)
    assert pick_architecture(config, [(900, 600)] * 9, gpu=gpu)[0] == expected


def test_what_was_set_stays():
    choice = pick(size="32x16", batch=6, minutes=2, g_lr=0.1, regularizers=(), ema_kimg=3, decay=0)
    assert choice.config.side == (16, 32)
    assert choice.config.kimg is None
    assert choice.config.regularizers == ()
    assert (choice.config.batch, choice.config.g_lr, choice.config.ema_kimg) == (6, 0.1, 3)
    assert choice.reasons == ()


@pytest.mark.parametrize(
    ("side", "cpu", "gpu"), [(128, 32, 64), (256, 16, 32), (512, 8, 16), (1024, 8, 8)]
)
def test_batch_shrinks_with_the_size(side, cpu, gpu):
    size = (side, side // 2)
    assert [recommend_batch(size, gpu=there) for there in (False, True)] == [cpu, gpu]


def test_length_grows_with_the_pictures_within_bounds():
    assert [pick(n).config.kimg for n in (1, 4000, 50000)] == [100, 400, 1000]


def test_illegal_size_is_refused():
    with pytest.raises(ConfigError, match="size 63 does not suit 'dcgan'"):
        pick(size=63)


@pytest.mark.parametrize(("gpu", "rate"), [(False, 5e-3), (True, 2.5e-3)])
def test_a_wide_network_on_a_gpu_learns_at_its_own_rate(gpu, rate):
    record = dataclasses.replace(DCGAN, default_lr=5e-3, gpu_lr=2.5e-3)
    facts = Facts([(64, 64)] * 100, gpu)
    config = choose(TrainConfig(images="x", arch="dcgan"), record, OBJECTIVE, (), facts).config
    assert (config.g_lr, config.d_lr) == (rate, rate)

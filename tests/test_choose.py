import pytest

from artgan.choose import choose, recommend_batch, recommend_size
from artgan.config import TrainConfig
from artgan.errors import ConfigError
from artgan.registry import Registry

REGISTRY = Registry(entry_points=[])
DCGAN = REGISTRY.find("architectures", "dcgan").record
OBJECTIVE = REGISTRY.find("objectives", "non-saturating").record


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


def pick(count=100, gpu=False, **settings):
    config = TrainConfig(images="x", **settings)
    return choose(config, DCGAN, OBJECTIVE, [(100, 80)] * count, gpu=gpu)


def test_nothing_is_left_open_and_reasons_are_given():
    choice = pick()
    config = choice.config
    assert (config.side, config.batch, config.kimg) == ((64, 64), 32, 100)
    assert config.regularizers == ("r1",)
    assert None not in (config.g_lr, config.d_lr, config.ema_kimg)
    assert choice.reasons[1] == "batch 32: suits a CPU at 64 px"
    assert choice.reasons[0].startswith("size 64: half of the pictures are 80 px or less")
    assert choice.reasons[2] == (
        "length 100 kimg: each of 100 pictures is shown about 1,000 times; "
        "stop earlier with Ctrl-C at any time"
    )


def test_what_was_set_stays():
    choice = pick(size="32x16", batch=6, minutes=2, g_lr=0.1, regularizers=(), ema_kimg=3)
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

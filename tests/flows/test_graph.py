import pytest

from artgan.api import ConfigError
from artgan.flows.file import Stage
from artgan.flows.graph import joined


def stages(*texts):
    """Return stages of "NAME", "NAME<SOURCE" or, with something of its own to work on, "NAME!"."""
    found = []
    for text in texts:
        name, arrow, source = text.rstrip("!").partition("<")
        kind = name.partition(".")[0]
        own = {"train": {}, "stylize": {"images": ["x"]}}.get(kind, {"run": "x"})
        found.append(Stage(name, kind, own if text[-1] == "!" else {}, source if arrow else None))
    return found


def ways(*texts):
    return [f"{stage.name}<{stage.source}" for stage in joined(stages(*texts))]


def test_each_takes_from_the_nearest_that_fits_before_it():
    assert ways("train.a", "walk", "sample", "train.b", "stylize", "walk.c", "stylize.d") == [
        "train.a<", "walk<train.a", "sample<train.a", "train.b<", "stylize<sample",
        "walk.c<train.b", "stylize.d<walk.c",
    ]  # fmt: skip


def test_two_styles_are_of_the_same_walk_unless_one_says_otherwise():
    assert ways("train", "walk", "stylize.a", "stylize.b", "stylize.c<stylize.a") == [
        "train<", "walk<train", "stylize.a<walk", "stylize.b<walk", "stylize.c<stylize.a",
    ]  # fmt: skip


def test_what_has_something_of_its_own_takes_from_none():
    assert ways("train", "walk!", "stylize!") == ["train<", "walk<", "stylize<"]


def test_what_another_takes_is_made_before_it_wherever_it_stands():
    assert ways("stylize<walk", "walk<train", "train", "sample") == [
        "train<", "walk<train", "stylize<walk", "sample<train",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["walk", "train"], "walk: there is no stage before it that it could take from: give run, "
         "or put [train] before it"),
        (["stylize"], "stylize: there is no stage before it that it could take from: give images, "
         "or put [walk] or [sample] before it"),
        (["train", "walk<trian"], "walk: from is 'trian', and no stage is called so: did you mean "
         "'train'? known: train, walk"),
        (["train", "stylize<train"], "stylize: from is 'train', and a stylize stage takes from "
         "walk or sample or stylize: give another one"),
        (["train", "walk<train!"], "walk: from and run were both given: give one of them"),
        (["stylize<stylize"], "stages go round in a circle: stylize, stylize"),
        (["stylize.a<stylize.c", "stylize.b<stylize.a", "stylize.c<stylize.b"],
         "stages go round in a circle: stylize.a, stylize.c, stylize.b, stylize.a"),
    ],
)  # fmt: skip
def test_refusals(texts, message):
    with pytest.raises(ConfigError) as caught:
        joined(stages(*texts))
    assert str(caught.value) == message

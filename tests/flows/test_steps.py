from pathlib import Path

import pytest

from artgan.api import ConfigError, PathError
from artgan.flows.file import read_pipeline
from artgan.flows.steps import naming, steps_of
from artgan.pictures import UnreadablePicture

TRAIN = '[train]\nimages = "pics"\n'


@pytest.fixture
def steps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def of(text, name="in/p.toml"):
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return {step.name: step for step in steps_of(read_pipeline(path))}

    return of


def test_results_are_called_like_their_stages_unless_they_say_otherwise(steps):
    found = steps(
        TRAIN + "[walk.a]\n[walk.b]\nout = ['x.gif', 'stills/', '/y.gif']\n[sample]\n"
        "[stylize.a]\nfrom = 'walk.a'\nstyles = 's.jpg'\n"
        "[stylize.b]\nfrom = 'walk.b'\nstyles = 's.jpg'\nsuffix = '.webp'\n"
        "[stylize.c]\nfrom = 'sample'\nstyles = 's.jpg'\n"
    )
    assert {name: step.outs for name, step in found.items()} == {
        "train": ("in/p/runs",),
        "walk.a": (),  # its frames go on
        "walk.b": ("in/p/x.gif", "in/p/stills/", "/y.gif"),
        "sample": ("in/p/sample/",),
        "stylize.a": ("in/p/stylize-a.gif",),
        "stylize.b": ("in/p/stylize-b.webp",),
        "stylize.c": ("in/p/stylize-c/",),
    }
    assert found["stylize.a"].is_film
    assert not found["stylize.c"].is_film
    assert found["stylize.a"].config.size == "full"
    assert found["stylize.c"].config.size == "512"


def test_paths_are_relative_to_the_file(steps):
    found = steps(
        TRAIN + "[walk]\nrun = 'r/00001-x@latest'\nblend = 7\nsign = '/m.png'\nmix = '3'\n"
        "keys = '3, 40-43, favourites, me.jpg'\nstylize = ['a.jpg']\n"
        "[sample]\nrun = 'latest'\nruns = 'others'\n"
        "[stylize]\nimages = ['x/*.jpg']\nstyles = ['s.jpg']\nmask = 'm.png'\n"
    )
    assert found["train"].config.images == "in/pics"
    walk = found["walk"].config
    assert (walk.run, walk.blend, walk.sign, walk.mix) == (
        "in/r/00001-x@latest", "7", "/m.png", "3",
    )  # fmt: skip
    assert walk.keys == "3,40-43,favourites,in/me.jpg"
    assert walk.stylize == ("in/a.jpg",)
    assert walk.runs == "in/runs"
    assert (found["sample"].config.run, found["sample"].config.runs) == ("latest", "in/others")
    stylize = found["stylize"].config
    assert (stylize.images, stylize.styles, stylize.mask) == (
        ("in/x/*.jpg",), ("in/s.jpg",), ("in/m.png",),
    )  # fmt: skip
    here = steps(TRAIN + "[walk]\n", name="p.toml")
    assert (here["train"].config.images, here["walk"].outs) == ("pics", ("p/walk.gif",))


def test_refusals(steps):
    for text, message in (
        (
            "[walk]\nstylize = 'a.jpg'\n[stylize]\nstyles = 'b.jpg'",
            "stylize: walk is drawn in a style of its own: leave out its stylize",
        ),
        (
            "[walk]\n[stylize]\nstyles = ['a.jpg', 'b.jpg']\nsweep = true",
            "stylize: sweep goes from picture to picture, and walk is one film: leave it out",
        ),
        (
            "[walk.a]\nout = 'x.gif'\n[walk.b]\nout = '../p/x.gif'",
            "walk.b: walk.a goes to in/p/../p/x.gif too: give each its own out",
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            steps(TRAIN + text)
        assert str(caught.value) == message


def test_what_is_refused_names_the_stage_and_settings_instead_of_flags(steps):
    step = steps(TRAIN + "[walk.a]\n")["walk.a"]
    for error, kind, text in (
        (
            ConfigError("--own-keys: leave out --open, or give --sign, --nothing or another -o"),
            ConfigError,
            "walk.a: own_keys: leave out shape, or give sign, --nothing or another out",
        ),
        (UnreadablePicture(Path("a.jpg"), "damaged"), None, "walk.a: cannot read a.jpg: damaged"),
        (PathError("walk.a.x"), PathError, "walk.a.x"),
    ):
        with pytest.raises(Exception, match=".") as caught, naming(step):
            raise error
        assert str(caught.value) == text
        assert kind is None or caught.type is kind
        assert caught.value.exit_code == error.exit_code


def test_only_trainings_share_a_place(steps):
    found = steps(TRAIN.replace("train", "train.a") + TRAIN.replace("train", "train.b"))
    assert found["train.a"].outs == found["train.b"].outs == ("in/p/runs",)
    with pytest.raises(ConfigError) as caught:
        steps(TRAIN + "[sample]\nout = 'runs/'\n")
    assert str(caught.value) == ("sample: train goes to in/p/runs/ too: give each its own out")


def test_only_a_flag_is_renamed_in_what_a_step_says(steps):
    step = steps(TRAIN)["train"]
    with pytest.raises(ConfigError) as caught, naming(step):
        raise ConfigError("my -old.jpg: choose another -o")
    assert str(caught.value) == "train: my -old.jpg: choose another out"

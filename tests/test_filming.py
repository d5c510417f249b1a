"""Filming: recipes of each output, and files that are no larger than they may be, or not there."""

import dataclasses
import json

import pytest
import torch
from fakes import FakeGenerator, model_of
from recipes_kit import recipe_in

from artgan import filming
from artgan.errors import ConfigError, OutputError
from artgan.filming import Film, film, walk_recipe
from artgan.outputs import find_outputs
from artgan.picturefiles import read_picture
from artgan.registry import registry
from artgan.walkplan import WalkPlan


class Busy(FakeGenerator):
    """Draws fine noise that changes with the latent, so that files have a size to speak of."""

    def __init__(self) -> None:
        super().__init__(4, 3, (32, 32))
        with torch.no_grad():
            self.linear.weight.mul_(8)


def shot(**settings):
    plan = {"keys": [1, 2, 3], "sampler": "spline", "frames": 20, "fps": 25.0, "scale": 2}
    return Film(WalkPlan.model_validate({**plan, **settings}), model_of(Busy()), registry())


def outputs_of(*outs, tables=None):
    components = registry()
    return find_outputs(
        [str(out) for out in outs], fps=25, overwrite=False, components=components,
        tables=tables or {},
    )  # fmt: skip


def shoot(made, *outs, most=None, tables=None):
    return film(made, outputs_of(*outs, tables=tables), most=most)


def left(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_each_output_keeps_its_own_writer(tmp_path):
    outs = [tmp_path / "a.gif", tmp_path / "b.webp", f"{tmp_path}/f/"]
    filmed = shoot(shot(frames=3), *outs)
    told = [recipe_in(path) for path in (tmp_path / "a.gif", tmp_path / "b.webp", filmed.files[-1])]
    assert [each["writer"]["name"] for each in told] == ["gif", "webp", "png-frames"]
    assert told[1]["writer"]["options"]["quality"] == 90
    assert told[2]["writer"]["options"] == {}
    assert told[0]["walk"] == told[1]["walk"] == told[2]["walk"]
    assert len(filmed.plans) == 3
    spent = filmed.spent
    assert spent.whole >= max(spent.rendering, spent.encoding) > 0


def test_no_recipe_where_none_is_wanted(tmp_path):
    (output,) = outputs_of(tmp_path / "a.gif")
    plain = dataclasses.replace(shot(), meta=False)
    assert walk_recipe(plain, output) is None
    assert json.loads(walk_recipe(shot(), output))["writer"]["name"] == "gif"


# Small enough ---------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch):
    """Count how often a whole film is rendered."""
    times = []
    real = filming._filmed

    def filmed(*args):
        times.append(args[0].plan)
        return real(*args)

    monkeypatch.setattr(filming, "_filmed", filmed)
    return times


def test_what_fits_is_left_as_it_is(tmp_path, counted):
    shoot(shot(), tmp_path / "a.webp")
    shoot(shot(), tmp_path / "b.webp", most=(tmp_path / "a.webp").stat().st_size)
    assert (tmp_path / "a.webp").read_bytes() == (tmp_path / "b.webp").read_bytes()
    assert len(counted) == 2
    most = (tmp_path / "a.webp").stat().st_size
    assert shoot(shot(), tmp_path / "c.webp", most=most).gave_way == []


@pytest.mark.parametrize("name", ["a.webp", "a.mp4", "a.apng"])
@pytest.mark.parametrize("share", [0.7, 0.2])
def test_files_fit_and_say_what_they_are(tmp_path, counted, name, share):
    shoot(shot(), tmp_path / name)
    most = int((tmp_path / name).stat().st_size * share)
    out = tmp_path / "small" / name
    filmed = shoot(shot(), out, most=most)
    assert filmed.files == [out]
    assert out.stat().st_size <= most
    assert left(tmp_path) == sorted([name, name, "small"])
    assert 2 <= len(counted) - 1 <= 4
    told = recipe_in(out)
    assert told["walk"] == filmed.plans[0].table()
    plan = filmed.plans[0]
    assert plan.frames == round(20 / 25 * plan.fps)
    (words,) = filmed.gave_way
    assert words.startswith(f"to fit, {out} has ")
    assert (f"scale {plan.scale} instead of 2" in words) == (plan.scale != 2)
    assert (f"{plan.fps:g} frames a second instead of 25" in words) == (plan.fps != 25)
    again = Film(plan, model_of(Busy()), registry())
    shoot(again, tmp_path / f"again-{name}", tables={"writers": {told["writer"]["name"]:
        told["writer"]["options"]}})  # fmt: skip
    assert (tmp_path / f"again-{name}").read_bytes() == out.read_bytes()


def test_a_little_too_large_gives_up_little(tmp_path):
    shoot(shot(), tmp_path / "a.webp")
    most = int((tmp_path / "a.webp").stat().st_size * 0.75)
    plan = shoot(shot(), tmp_path / "b.webp", most=most).plans[0]
    told = recipe_in(tmp_path / "b.webp")["writer"]["options"]
    assert plan.scale == 2
    assert plan.fps >= 20 or told["quality"] >= 80
    assert (tmp_path / "b.webp").stat().st_size > most / 2


def test_what_cannot_fit_is_one_sentence_and_leaves_nothing(tmp_path, counted):
    with pytest.raises(OutputError) as caught:
        shoot(shot(), tmp_path / "new" / "a.webp", most=300)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/new/a.webp cannot be made to fit into 300 bytes, it took ")
    assert said.endswith(" at least: give fewer --seconds, or another format")
    assert 2 <= len(counted) <= 4
    assert left(tmp_path) == []


def test_one_that_cannot_fit_takes_those_before_it_with_it(tmp_path):
    (tmp_path / "a.webp").write_bytes(b"mine")
    (tmp_path / "other").mkdir()
    outs = [tmp_path / "b.webp", tmp_path / "other" / "c.webp", tmp_path / "d.apng"]
    shoot(shot(), tmp_path / "size.webp")
    most = (tmp_path / "size.webp").stat().st_size // 8
    before = left(tmp_path)
    with pytest.raises(OutputError, match=r"d\.apng cannot be made to fit"):
        shoot(shot(), *outs, most=most)
    assert left(tmp_path) == before
    assert (tmp_path / "a.webp").read_bytes() == b"mine"


def test_several_that_fit_are_all_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    filmed = shoot(shot(), "a.webp", "sub/../b.webp", "sub/c.webp", most=10**6)
    assert [str(path) for path in filmed.files] == ["a.webp", "sub/../b.webp", "sub/c.webp"]
    assert left(tmp_path) == ["a.webp", "b.webp", "c.webp", "sub"]
    assert len(filmed.plans) == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OutputError("full"), ZeroDivisionError()])
@pytest.mark.parametrize("at", [1, 2])
def test_on_any_failure_nothing_is_left(tmp_path, monkeypatch, error, at):
    real, calls = filming._filmed, iter(range(1, 100))

    def filmed(*args):
        made = real(*args)
        if next(calls) == at:
            raise error
        return made

    monkeypatch.setattr(filming, "_filmed", filmed)
    with pytest.raises(type(error)):
        shoot(shot(), tmp_path / "new" / "a.webp", most=2_000)
    assert left(tmp_path) == []


def test_a_folder_is_refused_before_anything_is_drawn(tmp_path, counted):
    with pytest.raises(ConfigError) as caught:
        shoot(shot(), tmp_path / "a.gif", f"{tmp_path}/f/", most=10**6)
    assert str(caught.value) == f"--max-size is of files, and {tmp_path}/f is a folder"
    assert counted == []
    assert left(tmp_path) == []


def test_what_a_film_is_of_is_not_changed_by_it(tmp_path):
    made = shot()
    before = made.plan
    shoot(made, tmp_path / "a.webp", most=8_000)
    assert made.plan is before
    image, _ = read_picture(tmp_path / "a.webp")
    scale = recipe_in(tmp_path / "a.webp")["walk"].get("scale", 1)
    assert image.shape[-1] == 32 * scale

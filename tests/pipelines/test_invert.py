"""Invert: where files go, nothing before all is done, progress over all photos."""

import pytest
import torch
from fakes import fake_model
from PIL import Image

from artgan.config import validate
from artgan.errors import ConfigError, ImageError, PathError
from artgan.keys import read_keys
from artgan.pictures import PictureSpec
from artgan.pipelines.invert import InvertConfig, invert_photos, invert_places
from artgan.rendering import codes_of, render

FITTING = PictureSpec((8, 12), 3, "crop", "white")


def config(*photos, **settings):
    settings = {"starts": 8, "steps": 20, **settings}
    return validate(InvertConfig, {"photos": photos, **settings}, "")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (12, 8), (200, 40, 40)).save("red.png")
    Image.new("RGB", (30, 20), (20, 40, 200)).save("blue.png")
    return tmp_path


def test_keys_are_named_after_the_first_photo_unless_said(photos):
    assert [path and path.name for path in invert_places(config("a/red.png"))] == ["red.toml", None]
    out, sheet = invert_places(config("red.png", out="k.toml", sheet="s.png"))
    assert (out.name, sheet.name) == ("k.toml", "s.png")
    with pytest.raises(ConfigError, match=r"k\.txt: expected a name that ends in \.toml"):
        invert_places(config("red.png", out="k.txt"))
    (photos / "k.toml").write_text("")
    with pytest.raises(PathError, match="exists: choose another name, or add --overwrite"):
        invert_places(config("red.png", out="k.toml"))


def test_each_photo_becomes_a_key_that_draws_what_was_found(photos):
    model = fake_model()
    heard, seen = [], []
    made = invert_photos(
        config("red.png", "blue.png"),
        model,
        FITTING,
        tell=lambda path, found: heard.append((path.name, found)),
        told=lambda *count: seen.append(count),
    )
    assert [path.name for path in made.files] == ["red.toml"]
    file = read_keys(photos / "red.toml")
    assert file.origin == model.origin
    assert [key.name for key in file.keys] == ["red", "blue"]
    assert not made.skipped
    for key, (_, found) in zip(file.keys, heard, strict=True):
        code = key.tensor(8, "gaussian")
        assert torch.equal(code, found.code)
        assert torch.equal(next(iter(render(model, codes_of(model, code[None])))), found.image)
    assert {total for _, total in seen} == {40}
    assert seen == sorted(seen)
    assert seen[-1][0] >= 20


def test_nothing_is_written_before_all_are_found(photos):
    def stop(path, found):
        if path.name == "blue.png":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        invert_photos(
            config("red.png", "blue.png", sheet="s.png"),
            fake_model(),
            FITTING,
            tell=stop,
            told=lambda *count: None,
        )
    assert sorted(path.name for path in photos.iterdir()) == ["blue.png", "red.png"]


def test_without_a_photo_there_is_nothing_to_write(photos):
    with pytest.raises(ImageError, match=r"no photo can be looked for: no\.png: "):
        invert_photos(config("no.png"), fake_model(), FITTING, tell=print, told=lambda *count: None)
    assert not (photos / "no.toml").exists()

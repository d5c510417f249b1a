"""`artgan invert`: a file of keys, a sheet, skips, refusals; photos as keys of a walk."""

import pytest
from fakes import fake_model, gif_comment
from PIL import Image
from recipes_kit import trained  # noqa: F401

from artgan.cli.app import run
from artgan.keys import read_keys

QUICK = ("--starts", "16", "--steps", "10")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (30, 20), (200, 40, 40)).save("me.jpg")
    Image.effect_noise((20, 20), 80).convert("RGB").save("you.png")
    return tmp_path


def test_keys_and_a_sheet(photos, trained, capsys):  # noqa: F811
    call = ["invert", "me.jpg", "you.png", "--run", str(trained.path), *QUICK]
    assert run([*call, "--sheet", "seen.png"]) == 0
    said, words = capsys.readouterr()
    assert said == "me.toml\nseen.png\n"
    assert "me.jpg: 0." in words
    keys = read_keys(photos / "me.toml").keys
    assert [key.name for key in keys] == ["me", "you"]
    with Image.open("seen.png") as sheet:
        assert sheet.width > 2 * 128
    before = (photos / "me.toml").read_bytes()
    assert run(call) == 2
    assert capsys.readouterr().err == (
        "artgan: me.toml exists: choose another name, or add --overwrite\n"
    )
    assert run([*call, "--overwrite"]) == 0
    assert (photos / "me.toml").read_bytes() == before
    walk = ["walk", str(trained.path), "--keys", "me.toml,3", "--frames", "4", "-o", "a.gif"]
    assert run(walk) == 0
    kept = gif_comment(photos / "a.gif")["walk"]["keys"]
    assert kept[0]["name"] == "me"
    assert kept[2] == 3


def test_a_photo_is_a_key_of_a_walk(photos, trained, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr("artgan.inversion.STARTS", 8)
    call = ["walk", str(trained.path), "--keys", "me.jpg,1,2", "--frames", "3", "--scale", "1"]
    assert run([*call, "-o", "a.gif"]) == 0
    assert "me.jpg: 0." in capsys.readouterr().err
    assert run(["remake", "a.gif", "--runs", str(trained.path.parent), "-o", "b.gif"]) == 0
    assert (photos / "a.gif").read_bytes() == (photos / "b.gif").read_bytes()


def test_what_cannot_be_read_is_skipped_or_the_end(photos, trained, capsys):  # noqa: F811
    (photos / "no.jpg").write_bytes(b"no")
    call = ["invert", "no.jpg", "--run", str(trained.path), *QUICK]
    assert run(call) == 1
    assert "artgan: no photo can be looked for: no.jpg: not a picture\n" in capsys.readouterr().err
    both = ["invert", "no.jpg", "me.jpg", "--run", str(trained.path), *QUICK, "-o", "k.toml"]
    assert run(both) == 0
    assert "skipped no.jpg: not a picture\n" in capsys.readouterr().err
    assert run([*both, "--strict", "--overwrite"]) == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["-o", "a.txt"], "a.txt: expected a name that ends in .toml"),
        (["--sheet", "a.gif"], "a.gif: expected a name that ends in .png"),
        (["--starts", "0"], "--starts is 0: expected greater than or equal to 1"),
    ],
)
def test_wrong_calls_are_one_sentence(photos, capsys, monkeypatch, more, message):
    monkeypatch.setattr("artgan.models.open_model", lambda *a, **k: fake_model())
    assert run(["invert", "me.jpg", *more]) == 2
    assert capsys.readouterr().err == f"artgan: {message}\n"

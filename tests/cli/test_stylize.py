"""`artgan stylize`, at toy size."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from artgan.cli.app import run
from artgan.picturefiles import read_recipe

QUICK = [
    "--effort", "0.05", "--jobs", "1", "--set", "extractors.patch-kmeans.widths=[4,4]",
    "--set", "extractors.patch-kmeans.patches=64",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in: two photos, one of them below, a style, a broken file."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name, size in (
        ("photos/a.png", (24, 16)),
        ("photos/sub/b.jpg", (20, 20)),
        ("s.png", (32, 32)),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (*size[::-1], 3), np.uint8)).save(path)
    (tmp_path / "photos/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    return tmp_path


def stylize(*args):
    return run(["stylize", *args, *QUICK])


def test_a_folder_keeps_names_and_sub_folders(folder, capsys):
    assert stylize("photos", "--style", "s.png", "-o", "out/") == 0
    out, err = capsys.readouterr()
    assert out == "out\n"
    with Image.open("out/a.png") as image:
        assert image.size == (24, 16)
    with Image.open("out/sub/b.jpg") as image:
        assert image.format == "JPEG"
    assert "skipped photos/broken.png: damaged" in err
    assert "redrawing 2 pictures in the style of s.png" in err
    assert "1 picture skipped" in err


def test_what_is_finished_is_left_and_what_changed_is_not(folder, capsys):
    assert stylize("photos", "--style", "s.png", "-o", "out/") == 0
    before = {name: (folder / name).stat().st_mtime_ns for name in ("out/a.png", "out/sub/b.jpg")}
    capsys.readouterr()
    assert stylize("photos", "--style", "s.png", "-o", "out/") == 0
    assert "2 pictures finished before" in capsys.readouterr().err
    assert {name: (folder / name).stat().st_mtime_ns for name in before} == before
    shutil.copy("s.png", "photos/a.png")
    assert stylize("photos", "--style", "s.png", "-o", "out/") == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "artgan: out/a.png exists and was made otherwise: add --overwrite or choose another -o"
    )
    assert stylize("photos", "--style", "s.png", "-o", "out/", "--overwrite") == 0
    assert (folder / "out/a.png").stat().st_mtime_ns != before["out/a.png"]
    assert (folder / "out/sub/b.jpg").stat().st_mtime_ns == before["out/sub/b.jpg"]


def test_the_same_call_gives_the_same_bytes(folder):
    assert stylize("photos/a.png", "--style", "s.png", "-o", "one.png") == 0
    assert stylize("photos/a.png", "--style", "s.png", "-o", "two.png") == 0
    assert (folder / "one.png").read_bytes() == (folder / "two.png").read_bytes()


def test_a_recipe_says_how_it_was_made(folder):
    assert stylize("photos/a.png", "--style", "s.png", "-o", "x.png", "--strength", "0.7") == 0
    recipe = json.loads(read_recipe(folder / "x.png"))
    assert recipe["command"] == "stylize"
    assert recipe["stylize"]["strength"] == 0.7
    assert [loss["name"] for loss in recipe["stylize"]["losses"]] == [
        "content", "gram", "total-variation",
    ]  # fmt: skip
    assert stylize("photos/a.png", "--style", "s.png", "-o", "y.png", "--no-meta") == 0
    assert read_recipe(folder / "y.png") is None


def test_alpha_in_is_alpha_out(folder):
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (16, 20, 4), np.uint8)
    Image.fromarray(pixels).save("clear.png")
    assert stylize("clear.png", "--style", "s.png", "-o", "x.png") == 0
    with Image.open("x.png") as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image)[..., 3], pixels[..., 3])


def test_what_a_mask_hides_stays(folder):
    mask = np.zeros((16, 24), np.uint8)
    mask[:, :12] = 255
    Image.fromarray(mask).save("mask.png")
    assert stylize("photos/a.png", "--style", "s.png", "-o", "x.png", "--mask", "mask.png") == 0
    with Image.open("x.png") as drawn, Image.open("photos/a.png") as before:
        drawn, before = np.asarray(drawn), np.asarray(before)
    assert np.array_equal(drawn[:, 12:], before[:, 12:])
    assert not np.array_equal(drawn[:, :12], before[:, :12])


def test_no_strength_is_no_change(folder):
    assert stylize("photos/a.png", "--style", "s.png", "-o", "x.png", "--strength", "0") == 0
    with Image.open("x.png") as drawn, Image.open("photos/a.png") as before:
        assert np.array_equal(np.asarray(drawn), np.asarray(before))


def test_a_long_edge_is_brought_to_the_size(folder):
    assert stylize("photos/a.png", "--style", "s.png", "-o", "x.png", "--size", "12") == 0
    with Image.open("x.png") as image:
        assert image.size == (12, 8)


def test_a_sweep_begins_with_one_style_and_ends_with_the_other(folder):
    Image.new("RGB", (32, 32), (250, 20, 20)).save("red.png")
    for name in "abc":
        Image.new("RGB", (16, 16), (128, 128, 128)).save(f"grey-{name}.png")
    Image.new("RGB", (32, 32), (20, 20, 250)).save("blue.png")
    args = ["grey-a.png", "grey-b.png", "grey-c.png", "-s", "red.png", "-s", "blue.png", "--sweep"]
    assert stylize(*args, "-o", "out/") == 0
    reds = []
    for name in "abc":
        with Image.open(f"out/grey-{name}.png") as image:
            reds.append(np.asarray(image)[..., 0].mean())
    assert reds[0] > 200
    assert reds[0] > reds[1] + 30 > reds[2] + 60


def test_several_processes_make_what_one_does(folder):
    args = ["photos", "--style", "s.png"]
    assert run(["stylize", *args, *QUICK, "-o", "one/"]) == 0
    assert run(["stylize", *args, *QUICK, "--jobs", "2", "-o", "two/"]) == 0
    for name in ("a.png", "sub/b.jpg"):
        with Image.open(f"one/{name}") as one, Image.open(f"two/{name}") as two:
            assert np.abs(np.asarray(one).astype(int) - np.asarray(two)).max() <= 24


WRONG = {
    "no such loss": (
        ["--loss", "gramm:1"],
        "no loss 'gramm': did you mean 'gram'? known: content, gram, moments, patch-swd, "
        "total-variation",
    ),
    "a loss twice": (
        ["--loss", "gram:1", "--loss", "gram"],
        "--loss names 'gram' twice: give it once",
    ),
    "no style at all": (
        ["--loss", "content:1"],
        "none of the losses looks at the style: add one that does, such as --loss gram:1",
    ),
    "a negative weight": (
        ["--loss", "gram:-1"],
        "--loss gram:-1: expected a weight from 0 up, such as gram:1",
    ),
    "too few shares": (
        ["--shares", "1,2"],
        "--shares gives 2 numbers for 1 styles: give one for each",
    ),
    "a sweep of one": (
        ["--sweep"],
        "--sweep goes from style to style: give --style two times or more",
    ),
    "weights for nothing": (
        ["--weights", "x"],
        "--weights: extractor 'patch-kmeans' has no weights to load: leave it out",
    ),
    "several for one": (
        ["photos", "-o", "x.png"],
        "x.png holds one picture, 2 were given: give a folder, such as x/",
    ),
}


@pytest.mark.parametrize(("args", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_is_one_line_and_2(folder, capsys, args, message):
    assert stylize("photos/a.png", "--style", "s.png", *args) == 2
    assert capsys.readouterr() == ("", f"artgan: {message}\n")
    assert not (folder / "stylized").exists()


def test_a_style_that_cannot_be_read_is_named(folder, capsys):
    assert stylize("photos/a.png", "--style", "photos/broken.png", "-o", "x.png") == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "artgan: cannot read photos/broken.png: damaged"
    )


def test_vgg19_without_its_weights_says_where_it_looked(folder, capsys, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    args = ["photos/a.png", "--style", "s.png", "-o", "x.png", "--extractor", "vgg19"]
    assert run(["stylize", *args]) in (1, 2)
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


def test_strict_fails_where_something_was_skipped(folder, capsys):
    assert stylize("photos", "--style", "s.png", "-o", "out/", "--strict") == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "artgan: 1 picture could not be redrawn, see above"
    )
    assert (folder / "out/a.png").exists()


def test_a_sheet_to_choose_from(folder, capsys):
    assert stylize("photos/a.png", "--style", "s.png", "--sheet", "sheet.png") == 0
    assert capsys.readouterr().out == "sheet.png\n"
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 4 * 24
        assert sheet.height > 3 * 16
    assert not (folder / "stylized").exists()
    assert stylize("photos/a.png", "--style", "s.png", "--sheet", "sheet.png") == 2
    assert "sheet.png exists: choose another name" in capsys.readouterr().err


def test_what_is_left_of_each_loss_is_told(folder, capsys):
    assert stylize("photos/a.png", "--style", "s.png", "-o", "x.png", "--loss", "gram:2") == 0
    assert "what is left of the losses: gram 100%" in capsys.readouterr().err


def test_a_finished_picture_is_shown_in_a_terminal(folder, capsys, monkeypatch):
    monkeypatch.setattr("artgan.cli.stylize.is_terminal", lambda: True)
    assert stylize("photos/a.png", "--style", "s.png", "-o", "x.png") == 0
    err = capsys.readouterr().err
    assert "▀" in err
    assert "\nx.png\n" in err


def test_a_black_mask_changes_nothing(folder):
    Image.new("L", (24, 16), 0).save("mask.png")
    assert stylize("photos/a.png", "--style", "s.png", "-o", "x.png", "--mask", "mask.png") == 0
    with Image.open("x.png") as drawn, Image.open("photos/a.png") as before:
        assert np.array_equal(np.asarray(drawn), np.asarray(before))

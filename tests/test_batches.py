"""What is to be redrawn: inputs, names, what is finished and what is in the way."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from corpus import encoded, noise, solid
from PIL import Image

from artgan.batches import Batch, Item, digest, gather, is_finished, plan, refuse, single_output
from artgan.errors import ConfigError, ImageError, PathError
from artgan.picturefiles import WRITABLE, write_picture
from artgan.pictures import UnreadablePicture


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return an empty folder that is the working one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def put(*names):
    """Write a picture at each path, each in the format of its suffix."""
    for number, name in enumerate(names):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        format = Image.registered_extensions()[path.suffix.lower()]
        path.write_bytes(encoded(solid((number, 9, 9), (12, 10)), format))


def names(batch):
    """Return source -> output."""
    assert len({item.path for item in batch.items}) == len(batch.items)
    return {item.path.as_posix(): item.name.as_posix() for item in batch.items}


# Inputs --------------------------------------------------------------------------------------


def test_files_keep_their_order_and_folders_are_sorted(here):
    put("z.jpg", "photos/b.png", "photos/a.png", "photos/sub/c.webp", "a.tif")
    batch = gather(["z.jpg", "photos", "a.tif"])
    assert list(names(batch).items()) == [
        ("z.jpg", "z.jpg"),
        ("photos/a.png", "a.png"),
        ("photos/b.png", "b.png"),
        ("photos/sub/c.webp", "sub/c.webp"),
        ("a.tif", "a.tif"),
    ]
    assert (batch.skipped, batch.notes) == ([], [])


def test_patterns_are_expanded_and_sorted(here):
    put("x/b.png", "x/a.png", "x/c.jpg", "x/sub/d.png")
    assert names(gather(["x/*.png"])) == {"x/a.png": "a.png", "x/b.png": "b.png"}
    assert list(names(gather(["x/**/*.png"]))) == ["x/a.png", "x/b.png", "x/sub/d.png"]
    assert names(gather(["x/su?"])) == {"x/sub/d.png": "d.png"}


def test_a_name_that_exists_is_no_pattern(here):
    put("a[1].png", "a1.png", "set [2]/b.png")
    assert names(gather(["a[1].png", "set [2]"])) == {
        "a[1].png": "a[1].png",
        "set [2]/b.png": "b.png",
    }


def test_what_does_not_exist_is_refused(here):
    put("a.png")
    with pytest.raises(PathError, match=r"^nothing matches x/\*\.png: "):
        gather(["a.png", "x/*.png"])
    with pytest.raises(PathError, match=r"^no file or folder b\.png: "):
        gather(["a.png", "b.png"])
    with pytest.raises(PathError, match=r"^no file or folder '': "):
        gather([""])


def test_a_file_counts_once(here):
    put("photos/a.png", "b.png")
    Path("link.png").symlink_to("b.png")
    batch = gather(["photos/a.png", "photos", "./photos/../photos/a.png", "b.png", "link.png"])
    assert names(batch) == {"photos/a.png": "a.png", "b.png": "b.png"}


def test_unusable_files_are_skipped_with_their_reason(here):
    put("a.png", "photos/b.png")
    Path("notes.txt").write_text("hello")
    Path("photos/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("photos/notes.txt").write_text("hello")
    Path("gone.png").symlink_to("nowhere")
    batch = gather(["notes.txt", "a.png", "gone.png", "photos", "notes.txt"])
    assert names(batch) == {"a.png": "a.png", "photos/b.png": "b.png"}
    assert batch.skipped == [
        (Path("notes.txt"), "not a picture"),
        (Path("gone.png"), "a link that leads nowhere"),
        (Path("photos/broken.png"), "damaged"),
    ]


def test_with_nothing_usable_it_is_said_how_many_and_why(here):
    Path("a.txt").write_text("hello")
    Path("b.png").touch()
    Path("empty").mkdir()
    with pytest.raises(ImageError, match=r"^a\.txt cannot be used: not a picture$"):
        gather(["a.txt"])
    with pytest.raises(
        ImageError, match=r"^none of 2 inputs can be used, the first is b.png: empty"
    ):
        gather(["b.png", "a.txt"])
    with pytest.raises(ImageError, match=r"^empty cannot be used: no pictures are in it$"):
        gather(["empty"])
    with pytest.raises(ImageError, match=r"^there are no pictures: "):
        gather([])


def test_tiny_pictures_can_be_redrawn(here):
    Path("photos").mkdir()
    solid(size=(3, 2)).save("photos/b.png")
    put("photos/a.png", "photos/c.png")
    batch = gather(["photos"])
    assert list(names(batch)) == ["photos/a.png", "photos/b.png", "photos/c.png"]
    assert batch.skipped == []


def test_what_a_folder_has_to_tell_is_noted_but_nothing_of_classes(here):
    put("one/a.png", "two/sub/b.png")
    frames = [noise(0), noise(1)]
    frames[0].save("one/c.gif", save_all=True, append_images=frames[1:])
    told = "1 file holds several pictures: the first one is used"
    assert gather(["one"]).notes == [told]
    assert gather(["one", "two"]).notes == [f"one: {told}"]


def test_results_inside_an_input_are_left_out(here):
    put("photos/a.png", "photos/out/a.png", "photos/out/deep/b.png", "photos/outer/c.png")
    for inputs in (["photos"], ["photos/**/*.png"]):
        batch = gather(inputs, out="photos/out/")
        assert list(names(batch)) == ["photos/a.png", "photos/outer/c.png"]
        assert batch.notes == ["2 files in photos/out/ left out: results go there"]
    assert len(gather(["photos"], out="elsewhere").items) == 4
    assert len(gather(["photos/out"], out="photos/out").items) == 2  # `plan` refuses these
    assert list(names(gather(["photos/out/a.png"], out="photos/out"))) == ["photos/out/a.png"]
    Path("photos/a.png").unlink()
    Path("photos/outer/c.png").unlink()
    with pytest.raises(ImageError, match=r"no pictures outside of photos/out, where results go"):
        gather(["photos"], out="photos/out")


# Names ---------------------------------------------------------------------------------------


def test_suffixes_stay_where_they_can_be_written(here):
    put("a.PNG", "b.jpeg", "c.gif", "d.bmp", "e.webp")
    outputs = ["a.PNG", "b.jpeg", "c.png", "d.png", "e.webp"]
    assert list(names(gather(["*"])).values()) == outputs
    assert list(names(gather(["*"], suffix=".webp")).values()) == [f"{c}.webp" for c in "abcde"]
    with pytest.raises(ConfigError, match=r"not written as '\.wepb': did you mean '\.webp'"):
        gather(["*"], suffix=".wepb")


def test_a_file_without_a_suffix_gets_one(here):
    put("a.png", "b.png", "c.png")
    for old, new in (("a.png", "a"), ("b.png", ".png"), ("c.png", "c.")):
        Path(old).rename(new)
    assert list(names(gather(["a", ".png", "c."])).values()) == ["a.png", ".png.png", "c.png"]


def test_two_of_one_name_are_told_apart_by_their_folder_then_by_number(here):
    put("x.jpg", "holiday/x.jpg", "a/holiday/X.JPG", "b/holiday/x.jpg")
    batch = gather(["x.jpg", "holiday/x.jpg", "a/holiday/X.JPG", "b/holiday/x.jpg"])
    outputs = ["x.jpg", "holiday-x.jpg", "X-2.JPG", "x-3.jpg"]
    assert list(names(batch).values()) == outputs
    assert batch.notes == [
        "3 outputs renamed, such as holiday/x.jpg as holiday-x.jpg: the name is taken"
    ]


def test_two_of_one_name_within_a_folder(here):
    put("photos/IMG.gif", "photos/IMG.jpg", "photos/IMG.png", "photos/sub/IMG.png")
    batch = gather(["photos"])
    assert list(names(batch).values()) == ["IMG.png", "IMG.jpg", "photos-IMG.png", "sub/IMG.png"]
    batch = gather(["photos"], suffix=".png")
    outputs = ["IMG.png", "photos-IMG.png", "IMG-2.png", "sub/IMG.png"]
    assert list(names(batch).values()) == outputs


def test_a_new_name_takes_none_that_another_wants(here):
    put("x.jpg", "holiday/x.jpg", "holiday-x.jpg", "x-2.jpg", "a/sub/y.png", "b/sub/y.png")
    batch = gather(["x.jpg", "holiday/x.jpg", "holiday-x.jpg", "x-2.jpg", "a", "b"])
    assert list(names(batch).values()) == [
        "x.jpg",
        "x-3.jpg",
        "holiday-x.jpg",
        "x-2.jpg",
        "sub/y.png",
        "sub/sub-y.png",
    ]


def test_a_file_is_not_called_like_a_folder_of_the_outputs(here):
    put("a/x.png", "b/X.png/y.png")
    assert list(names(gather(["a", "b"])).values()) == ["a-x.png", "X.png/y.png"]


def test_accents_written_in_two_ways_are_one_name(here):
    put("a/\u00e9.png", "b/e\u0301.png")
    outputs = list(names(gather(["a", "b"])).values())
    assert outputs == ["\u00e9.png", "b-e\u0301.png"]


# Outputs -------------------------------------------------------------------------------------


def batch_of(*paths):
    return Batch([Item(Path(path), Path(Path(path).name)) for path in paths])


def redraw(path, recipe):
    write_picture(Path(path), torch.full((3, 20, 30), 0.4), recipe=recipe)


def test_one_picture_may_become_one_file(here):
    batch = batch_of("a.png")
    Path("folder.png").mkdir()
    assert single_output("b.jpg", batch) == Path("b.jpg")
    assert single_output("x/B.TIFF", batch) == Path("x/B.TIFF")
    for folder in ("out", "out/", "out.png/", "folder.png", "."):
        assert single_output(folder, batch) is None
    assert single_output("out", batch_of("a.png", "b.png")) is None


def test_several_pictures_do_not_fit_into_one_file():
    with pytest.raises(
        ConfigError, match=r"^b\.jpg holds one picture, 2 were given: .*such as b/$"
    ):
        single_output("b.jpg", batch_of("a.png", "c.png"))


def test_a_file_that_cannot_be_written_is_refused():
    known = ", ".join(sorted(WRITABLE))
    with pytest.raises(ConfigError, match=rf"^b\.gif: .*'\.gif'.*{known}, or a folder, its name"):
        single_output("b.gif", batch_of("a.png"))


def test_a_source_is_never_overwritten(here):
    put("photos/a.png", "photos/b.png")
    Path("link").symlink_to("photos")
    with pytest.raises(PathError, match=r"link/a\.png is one of the pictures.*would overwrite"):
        single_output("link/a.png", batch_of("photos/a.png"))
    batch = gather(["photos"])
    for overwrite in (False, True):
        with pytest.raises(PathError, match="would overwrite"):
            plan(batch, Path("link"), lambda item: "{}", overwrite=overwrite)
    swapped = Batch([Item(Path("photos/a.png"), Path("b.png")), *gather(["photos/b.png"]).items])
    with pytest.raises(PathError, match=r"photos/b\.png is one of the pictures"):
        plan(swapped, Path("photos"), lambda item: "{}")


@pytest.mark.parametrize("suffix", sorted(WRITABLE))
def test_finished_is_whole_and_of_the_same_recipe(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    assert not is_finished(path, "{}")
    image = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0))
    write_picture(path, image, recipe="{}")
    assert is_finished(path, "{}")
    assert not is_finished(path, '{"x":1}')
    path.write_bytes(path.read_bytes()[:-1500])
    assert not is_finished(path, "{}")


def test_the_plan_tells_what_is_left(here):
    batch = batch_of("a.png", "b.jpg", "c.png", "d.webp", "e.png")
    redraw("out/b.jpg", "b")
    redraw("out/c.png", "older")
    redraw("out/d.webp", None)
    redraw("out/e.png", "e")
    Path("out/e.png").write_bytes(Path("out/e.png").read_bytes()[:-30])
    asked, seen = [], []

    def recipes(item):
        asked.append(item.path.name)
        return item.path.stem

    a, b, c, d, e = batch.items
    found = plan(batch, Path("out"), recipes, progress=lambda *counts: seen.append(counts))
    assert found == ([a, e], [b], [Path("out/c.png"), Path("out/d.webp")])
    assert asked == ["b.jpg", "c.png", "d.webp", "e.png"]
    assert seen == [(n, 5) for n in range(1, 6)]
    assert plan(batch, Path("out"), recipes, overwrite=True) == ([a, c, d, e], [b], [])


def test_without_recipes_nothing_is_finished(here):
    redraw("out/a.png", None)
    batch = batch_of("a.png")
    assert plan(batch, Path("out"), lambda item: None).blocked == [Path("out/a.png")]
    found = plan(batch, Path("out"), lambda item: None, overwrite=True)
    assert found == (batch.items, [], [])


def test_what_is_in_the_way_is_refused(here):
    Path("out/a.png").mkdir(parents=True)
    Path("file").touch()
    with pytest.raises(PathError, match="is a folder, expected a file"):
        plan(batch_of("a.png"), Path("out"), lambda item: "{}", overwrite=True)
    with pytest.raises(PathError, match="file is a file, expected a folder"):
        plan(batch_of("a.png"), Path("file"), lambda item: "{}")


def test_what_was_made_otherwise_is_refused_in_one_sentence():
    refuse([])
    with pytest.raises(PathError) as one:
        refuse([Path("out/a.png")])
    hint = "add --overwrite or choose another -o"
    assert str(one.value) == f"out/a.png exists and was made otherwise: {hint}"
    with pytest.raises(PathError) as many:
        refuse([Path("out/a.png")] * 1200)
    assert str(many.value) == f"out/a.png and 1,199 more exist and were made otherwise: {hint}"


def test_digest(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 3_000_000)
    assert digest(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    with pytest.raises(UnreadablePicture, match="is a directory"):
        digest(tmp_path)
    with pytest.raises(UnreadablePicture, match="vanished"):
        digest(tmp_path / "b.png")


def test_names_that_are_no_text_are_taken(here):
    name = os.fsdecode(b"\xff.png")
    put("a.png")
    try:
        Path("a.png").rename(name)
    except OSError:
        pytest.skip("this file system takes text only")
    assert [item.name for item in gather(["."], suffix=".png").items] == [Path(name)]


def test_the_module_is_light():
    code = "import sys, artgan.batches as _; print({'torch','numpy','PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# Animations ----------------------------------------------------------------------------------

MOVING = {".gif", ".mp4", ".webm", ".webp"}


def put_moving(*names):
    """Write an animation of two pictures at each path, each in the format of its suffix."""
    for number, name in enumerate(names):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        format = Image.registered_extensions()[path.suffix.lower()]
        first, second = (solid((number, shade, 9), (12, 10)) for shade in (0, 200))
        path.write_bytes(encoded(first, format, save_all=True, append_images=[second]))


def test_animations_keep_their_suffix_where_that_can_be_written(here):
    put("p/still.gif", "p/still.webp", "p/pages.png")
    put_moving("p/a.gif", "p/b.webp", "p/c.png", "p/d.tif")
    batch = gather(["p"], moving=MOVING)
    assert {i.path.name: (i.name.name, i.moving) for i in batch.items} == {
        "a.gif": ("a.gif", True),
        "b.webp": ("b.webp", True),
        "c.png": ("c.webp", True),
        "d.tif": ("d.tif", False),
        "pages.png": ("pages.png", False),
        "still.gif": ("still.png", False),
        "still.webp": ("still.webp", False),
    }
    assert batch.notes == [
        "1 file holds several pictures: the first one is used",
        "p/c.png becomes .webp: nothing writes animations as '.png'",
    ]


def test_without_writers_of_animations_they_are_pictures(here):
    put_moving("p/a.gif")
    batch = gather(["p"])
    assert names(batch) == {"p/a.gif": "a.png"}
    assert batch.notes == ["1 file holds several pictures: the first one is used"]


def test_videos_are_found_in_folders_and_as_files(here):
    for name in ("v/a.mp4", "v/b.mov", "c.mkv"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 60)
    batch = gather(["v", "c.mkv"], moving=MOVING)
    assert names(batch) == {"v/a.mp4": "a.mp4", "v/b.mov": "b.mp4", "c.mkv": "c.mp4"}
    assert all(item.moving for item in batch.items)


def test_without_pyav_a_video_says_what_to_install(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    put("v/a.png")
    Path("v/a.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 60)
    batch = gather(["v"], moving=MOVING)
    assert batch.skipped == [(Path("v/a.mp4"), "video: to read it, pip install 'artgan[video]'")]


def test_a_suffix_is_of_those_that_it_can_be_of(here):
    put("p/still.jpg")
    put_moving("p/a.gif")

    def suffixed(suffix):
        return [item.name.name for item in gather(["p"], suffix=suffix, moving=MOVING).items]

    assert suffixed(".png") == ["a.gif", "still.png"]
    assert suffixed(".mp4") == ["a.mp4", "still.jpg"]
    assert suffixed(".webp") == ["a.webp", "still.webp"]
    with pytest.raises(ConfigError, match=r"^pictures are not written as '\.gif': "):
        gather(["p/still.jpg"], suffix=".gif", moving=MOVING)
    with pytest.raises(ConfigError, match=r"^animations are not written as '\.jpg': "):
        gather(["p/a.gif"], suffix=".jpg", moving=MOVING)


def test_a_lone_animation_may_be_a_file(here):
    put("b.png")
    put_moving("a.gif")
    batch = gather(["a.gif"], moving=MOVING)
    assert single_output("x/one.mp4", batch, moving=MOVING) == Path("x/one.mp4")
    assert single_output("out/", batch, moving=MOVING) is None
    with pytest.raises(ConfigError, match=r"^x\.jpg: animations are not written as '\.jpg': "):
        single_output("x.jpg", batch, moving=MOVING)
    with pytest.raises(ConfigError, match=r"^x\.gif: pictures are not written as '\.gif': "):
        single_output("x.gif", gather(["b.png"], moving=MOVING), moving=MOVING)
    with pytest.raises(ConfigError, match=r"^x\.gif holds one picture, 2 were given"):
        single_output("x.gif", gather(["a.gif", "b.png"], moving=MOVING), moving=MOVING)

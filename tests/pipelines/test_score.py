"""Score: which pictures belong together, how each is judged, what is left out, refusals."""

import contextlib
import json
import shutil

import pytest
from likeness_kit import picture
from PIL import Image

from artgan.config import validate
from artgan.errors import ArtganError, ConfigError, ImageError, PathError
from artgan.judge import SEED, Judge, Verdict
from artgan.picturefiles import write_picture
from artgan.pipelines import score as module
from artgan.pipelines.score import ScoreConfig, Scored, Scores, check, document, find_pairs, score
from artgan.registry import Registry
from artgan.studio import Studio
from artgan.stylesettings import StylizeConfig

REGISTRY = Registry(entry_points=())


def save(path, seed, recipe=None, **more):
    write_picture(path, picture(seed, **more)[0], recipe=recipe)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in: photos, a style."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "photos/a.png", 0)
    save(tmp_path / "photos/sub/b.png", 2)
    save(tmp_path / "s.png", 1, grain=0.3)
    return tmp_path


@pytest.fixture
def quick(monkeypatch):
    """Every verdict is the same, but for how its picture was redrawn; returns the seeds told."""
    seeds = []

    def verdict(self, drawn, content, *, seed=None):
        seeds.append(seed)
        return Verdict(0.5, 0.5, 0.5, 0.0, 0.0, 0.5)

    monkeypatch.setattr(Judge, "verdict", verdict)
    return seeds


def config(redrawn="out", content="photos", style="s.png", **more):
    return validate(
        ScoreConfig, {"redrawn": redrawn, "content": content, "style": style, **more}, ""
    )


def found(settings):
    """Return what is found, and what is noted on the way."""
    notes = []

    @contextlib.contextmanager
    def announce(what):
        yield lambda done, total: None

    return score(settings, notes.append, announce, REGISTRY), notes


def names(settings):
    pairs, without = find_pairs(settings, lambda _: None)
    return [(p.name.as_posix(), p.content.as_posix()) for p in pairs], list(map(str, without))


# Pairs


def test_pairs_have_the_same_path_but_for_the_suffix(folder):
    save(folder / "out/a.jpg", 0)
    save(folder / "out/sub/b.png", 0)
    expected = [("a.jpg", "photos/a.png"), ("sub/b.png", "photos/sub/b.png")]
    assert names(config()) == (expected, [])


def test_a_suffix_of_its_own_is_preferred(folder):
    save(folder / "photos/a.jpg", 3)
    for name in ("a.png", "a.jpg", "a.webp"):
        save(folder / "out" / name, 0)
    pairs, without = names(config())
    assert pairs == [
        ("a.jpg", "photos/a.jpg"), ("a.png", "photos/a.png"), ("a.webp", "photos/a.jpg"),
    ]  # fmt: skip
    assert without == ["photos/sub/b.png"]


def test_what_could_not_keep_its_suffix_is_found(folder):
    Image.open("photos/a.png").convert("RGB").save("photos/c.bmp")
    save(folder / "out/c.png", 0)
    assert names(config())[0] == [("c.png", "photos/c.bmp")]


def test_two_files_belong_together_whatever_they_are_called(folder):
    save(folder / "red.png", 0)
    assert names(config("red.png", "photos/a.png")) == ([("red.png", "photos/a.png")], [])
    save(folder / "out/a.png", 0)
    assert names(config("out/a.png", "photos"))[0] == [("a.png", "photos/a.png")]
    assert names(config("out", "photos/a.png"))[0] == [("a.png", "photos/a.png")]


def test_results_inside_the_folder_of_contents_are_no_contents(folder):
    save(folder / "photos/out/a.png", 0)
    assert names(config("photos/out"))[0] == [("a.png", "photos/a.png")]
    assert names(config("photos"))[0][-1] == ("sub/b.png", "photos/sub/b.png")


def test_those_without_a_partner_are_named(folder, quick):
    save(folder / "out/a.png", 0)
    for number in range(3):
        save(folder / f"out/x{number}.png", 0)
    scores, notes = found(config())
    assert [str(each.pair.name) for each in scores.pictures] == ["a.png"]
    head = "left out, for want of a partner of the same name: "
    assert notes == [head + "out/x0.png, out/x1.png, out/x2.png and 1 more"]
    shutil.rmtree("photos/sub")
    (folder / "photos/a.png").rename("photos/z.png")
    with pytest.raises(ImageError) as caught:
        found(config())
    assert str(caught.value) == (
        "no picture of out has the name of one of photos: expected such as z.png, found a.png"
    )


# Judging


def test_the_content_scores_one_and_a_redrawn_picture_is_nearer(folder):
    (own,) = found(config("photos/a.png", "photos/a.png"))[0].pictures
    assert own.verdict.style == own.verdict.edges == pytest.approx(1)
    tables = {"extractors": {"patch-kmeans": {"widths": (6, 8, 8), "patches": 200, "rounds": 2}}}
    settings = StylizeConfig(
        images=("photos",), styles=("s.png",), effort=0.1, components=tables, device="cpu"
    )
    source = folder / "photos/a.png"
    drawn, _ = Studio(settings, REGISTRY).redraw(source, [1.0])
    write_picture(folder / "out/a.png", drawn, recipe=None)
    scores, _ = found(config())
    assert scores.pictures[0].verdict.style < 0.8
    assert scores.pictures[0].verdict.edges > 0.4


def test_the_seed_of_a_recipe_is_told_to_the_judge(folder, quick):
    recipes = [
        None,
        json.dumps({"stylize": {"seed": SEED}}),
        "[]",
        "no",
        '{"stylize":{"seed":"x"}}',
    ]
    for number, recipe in enumerate(recipes):
        save(folder / f"photos/{number}.png", 0)
        save(folder / f"out/{number}.png", 0, recipe)
    found(config())
    assert quick == [None, SEED, None, None, None]


def test_alpha_is_seen_on_white(folder, monkeypatch, quick):
    seen = []
    monkeypatch.setattr(Judge, "__init__", lambda self, style, components: seen.append(style))
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save("s.png")
    save(folder / "out/a.png", 0)
    found(config())
    assert float(seen[0].min()) == 1


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(folder, quick):
    save(folder / "out/a.png", 0)
    save(folder / "out/sub/b.png", 0)
    whole = (folder / "out/a.png").read_bytes()
    (folder / "out/a.png").write_bytes(whole[: len(whole) // 2])
    scores, notes = found(config())
    assert [str(each.pair.name) for each in scores.pictures] == ["sub/b.png"]
    assert notes[-1].startswith("skipped out/a.png: truncated")
    (folder / "out/sub/b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match="none of 2 pairs can be read, see above"):
        found(config())


def test_document_holds_every_figure_and_the_medians(folder):
    pair = find_pairs(config("photos"), lambda _: None)[0][0]
    verdicts = [Verdict(*(number + step / 8 for step in range(6))) for number in (5, 1, 2)]
    scores = Scores(folder / "s.png", [Scored(pair, each) for each in verdicts])
    assert scores.median() == verdicts[2]
    written = json.loads(json.dumps(document(scores)))
    assert list(written) == ["version", "style", "edge", "pictures", "median", "without"]
    assert written["median"]["network"] == 2 + 5 / 8
    assert written["pictures"][0] == {
        "picture": "photos/a.png", "content": "photos/a.png", "style": 5.0, "edges": 5.125,
        "fine": 5.25, "copied": 5.375, "copied_content": 5.5, "network": 5.625,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"style": "x.artstyle"}, "--style x.artstyle is a fast style, no picture to compare with"),
        ({"style": "none.png"}, "--style none.png does not exist: give a picture"),
        ({"style": "photos"}, "--style photos is a folder, expected a picture"),
        ({"redrawn": "nowhere"}, "nowhere does not exist: give a picture, or a folder"),
        ({"content": "nowhere"}, "--content nowhere does not exist: give a picture, or a fo"),
        ({"out": "sub/"}, "--out sub/: figures are one file: give a name such as a.json"),
        ({"out": "s.png"}, "s.png exists: choose another name, or add --overwrite"),
    ],
)
def test_wrong_settings_are_refused(folder, settings, message):
    with pytest.raises((ConfigError, PathError)) as caught:
        check(config(**{"redrawn": "photos", **settings}))
    assert str(caught.value).startswith(message)


def test_a_style_that_cannot_be_read(folder):
    (folder / "s.png").write_text("no picture")
    with pytest.raises(ArtganError, match=r"cannot read s.png: "):
        found(config("photos"))


def test_only_a_few_skipped_files_are_named(folder, quick):
    for number in range(5):
        (folder / f"photos/broken{number}.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    _, notes = found(config("photos"))
    assert notes.count("and 2 more skipped") == 2
    assert module.SHOWN == 3

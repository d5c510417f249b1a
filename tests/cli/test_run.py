import json
import shutil
from itertools import count

import pytest
from PIL import Image
from pipeline_kit import TRAIN, facts, looks, pipeline, rows
from training_kit import checkpoint_bytes, squares

from artgan.cli import training
from artgan.cli.app import run

STAGES = f"""{TRAIN}
[walk]
keys = [0, 1]
frames = 3
scale = 1

[sample]
seeds = "0-2"

[stylize.film]
from = "walk"
styles = "squares/square00.png"
out = "film.gif"

[stylize.dots]
styles = "squares/square01.png"
effort = 0.05
jobs = 1
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a folder in which all stages of p.toml were made once."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARTGAN_CACHE", str(folder / "cache"))
        patch.setenv("ARTGAN_NO_PLUGINS", "1")
        patch.chdir(folder)
        pipeline(folder, STAGES)
        assert run(["run", "p.toml"]) == 0
    return folder


@pytest.fixture
def made(finished, tmp_path, monkeypatch):
    """Return a copy of that folder, where the process is."""
    folder = shutil.copytree(finished, tmp_path / "made")
    monkeypatch.chdir(folder)
    return folder


def edit(folder, *pairs):
    """Replace values in p.toml and return its path."""
    path = folder / "p.toml"
    text = path.read_text()
    for old, new in pairs:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text)
    return path


def names(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_all_that_was_made_is_there_and_there_is_nothing_more_to_do(made, capsys):
    results = {name for name in names(made / "p") if not name.startswith("runs/")}
    seeds = [f"seed{seed:06d}.png" for seed in range(3)]
    assert results == {
        "pipeline.json", "lock", "film.gif", *(f"sample/{name}" for name in seeds),
        *(f"stylize-dots/{name}" for name in seeds),
    }  # fmt: skip
    with Image.open("p/film.gif") as film:
        assert (film.n_frames, film.size) == (3, (16, 16))
    before = {name: (made / name).stat().st_mtime_ns for name in names(made)}
    assert run(["run", "p.toml"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "nothing to do: 4 stages finished before\n")
    assert {name: (made / name).stat().st_mtime_ns for name in names(made)} == before


def test_what_is_made_tells_how_and_can_be_made_again(made, capsys):
    for name, command in (
        ("film.gif", "walk"), ("sample/seed000000.png", "sample"),
        ("stylize-dots/seed000000.png", "stylize"),
    ):  # fmt: skip
        assert run(["show", f"p/{name}"]) == 0
        assert f'command = "{command}"' in capsys.readouterr().out
    flags = ["--runs", "p/runs"]
    style = ["--stylize", "squares/square00.png"]
    assert run(["remake", "p/film.gif", *flags, *style, "-o", "again.gif"]) == 0
    assert (made / "again.gif").read_bytes() == (made / "p/film.gif").read_bytes()
    assert run(["remake", "p/sample/seed000001.png", *flags, "-o", "again.png"]) == 0
    assert (made / "again.png").read_bytes() == (made / "p/sample/seed000001.png").read_bytes()


def test_the_same_as_by_the_commands_one_after_the_other(made, capsys):
    tables = "[architectures.dcgan]\nz_dim = 8\nbase_channels = 4\n[extractors.patch-kmeans]\n"
    (made / "artgan.toml").write_text(f"{tables}widths = [4, 4]\npatches = 64\n")
    call = "sample latest --runs p/runs --seeds 0-2 -o s/"
    assert run(call.split()) == 0
    call = "stylize s/ --style squares/square01.png --effort 0.05 -j 1 -o t/"
    assert run(call.split()) == 0
    call = "walk latest --runs p/runs --keys 0,1 --frames 3 --scale 1 -o w.gif --stylize"
    assert run([*call.split(), "squares/square00.png"]) == 0
    assert (made / "w.gif").read_bytes() == (made / "p/film.gif").read_bytes()
    for seed in range(3):
        name = f"seed{seed:06d}.png"
        mine = [made / "p" / folder / name for folder in ("sample", "stylize-dots")]
        theirs = [made / folder / name for folder in ("s", "t")]
        assert [p.read_bytes() for p in mine] == [p.read_bytes() for p in theirs]


def test_the_graph_says_what_takes_what(made, capsys):
    assert rows(made / "p.toml", capsys) == [
        ["train", f"{made}/squares", f"{made}/p/runs", "skip", "nothing changed"],
        ["walk", "train", "frames", "within", "its frames go into stylize.film"],
        ["sample", "train", f"{made}/p/sample/", "skip", "nothing changed"],
        ["stylize.film", "walk", f"{made}/p/film.gif", "skip", "nothing changed"],
        ["stylize.dots", "sample", f"{made}/p/stylize-dots/", "skip", "nothing changed"],
    ]


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("keys = [0, 1]", "keys = [0, 1]\npsi = 0.7", {"stylize.film": "walk.psi changed"}),
        (
            'seeds = "0-2"', 'seeds = "1-2"',
            {"sample": "seeds changed", "stylize.dots": "sample comes first"},
        ),
        ("effort = 0.05", "effort = 0.06", {"stylize.dots": "effort changed"}),
        ("jobs = 1", "jobs = 2", {}),  # where and how fast is no matter
        (
            "patches = 64", "patches = 65",
            {
                "stylize.film": "extractors.patch-kmeans.patches changed",
                "stylize.dots": "extractors.patch-kmeans.patches changed",
            },
        ),
        (
            "z_dim = 8", "z_dim = 9",
            {
                "train": "architectures.dcgan.z_dim changed", "sample": "train comes first",
                "stylize.film": "train comes first", "stylize.dots": "sample comes first",
            },
        ),
    ],
    ids=["psi", "seeds", "effort", "jobs", "extractor", "network"],
)  # fmt: skip
def test_a_change_makes_what_depends_on_it_again(made, capsys, old, new, again):
    told = looks(edit(made, (old, new)), capsys)
    assert {stage: why for stage, (verdict, why) in told.items() if verdict == "run"} == again


def test_so_does_a_change_of_a_picture_or_of_a_result(made, capsys):
    shutil.copy("squares/square05.png", "squares/square01.png")
    told = looks(made / "p.toml", capsys)
    assert told["train"] == ("run", "images changed")
    assert told["stylize.dots"] == ("run", "sample comes first")
    squares(made / "squares")  # as they were
    (made / "p/film.gif").unlink()
    (made / "p/sample/seed000001.png").write_bytes(b"")
    told = looks(made / "p.toml", capsys)
    assert told["train"] == ("skip", "nothing changed")
    assert told["stylize.film"] == ("run", "film.gif is gone")
    assert told["sample"] == ("run", "sample/seed000001.png was changed")

    assert run(["run", "p.toml"]) == 0  # the same pictures come again: what takes them is left
    lines = capsys.readouterr().err.splitlines()
    assert "sample: sample/seed000001.png was changed" in lines
    assert "stylize.dots: finished before" in lines
    assert set(looks(made / "p.toml", capsys).values()) == {
        ("skip", "nothing changed"), ("within", "its frames go into stylize.film"),
    }  # fmt: skip


def test_a_run_without_a_sound_checkpoint_is_trained_again(made, capsys):
    (weights,) = (made / "p/runs").glob("*/checkpoints/*/ema.safetensors")
    weights.write_bytes(b"torn")
    told = looks(made / "p.toml", capsys)
    assert told["train"] == ("run", "runs/00001-dcgan-squares is damaged")
    assert told["sample"] == ("run", "train comes first")
    assert run(["run", "p.toml", "--only", "sample"]) == 0
    assert "sample: finished before" in capsys.readouterr().err  # the same weights come again


def test_a_film_does_not_depend_on_the_file_of_its_walk(made, capsys):
    path = edit(made, ("keys = [0, 1]", 'keys = [0, 1]\nout = "walk.gif"'))
    told = looks(path, capsys)
    assert told["walk"] == ("run", "it is new")
    assert told["stylize.film"] == ("skip", "nothing changed")
    told = looks(edit(made, ("frames = 3", "frames = 2")), capsys)
    assert told["stylize.film"] == ("run", "walk.frames changed")


def test_some_stages_only_and_again_though_finished(made, capsys):
    told = looks(made / "p.toml", capsys, "--only", "stylize.film", "--force", "walk")
    assert list(told) == ["train", "walk", "stylize.film"]
    assert told["stylize.film"] == ("run", "it was asked for")
    assert run(["run", "p.toml", "--only", "smaple"]) == 2
    assert capsys.readouterr().err == (
        "artgan: no stage is called 'smaple': did you mean 'sample'? known: sample, stylize.dots, "
        "stylize.film, train, walk\n"
    )


def test_what_is_asked_for_again_has_to_be_among_what_is_made(made, capsys):
    assert run(["run", "p.toml", "--only", "sample", "--force", "stylize.film"]) == 2
    assert capsys.readouterr().err == (
        "artgan: --force stylize.film: --only leaves it out: name it there too\n"
    )


def test_settings_that_were_changed_and_changed_back(made, capsys):
    changed = (('seeds = "0-2"', 'seeds = "0-1"'), ('out = "film.gif"', 'out = "other.gif"'))
    edit(made, *changed)
    assert run(["run", "p.toml"]) == 0
    edit(made, *((new, old) for old, new in changed))
    assert run(["run", "p.toml"]) == 0  # its own files are not in the way
    capsys.readouterr()
    assert {verdict for verdict, _ in looks(made / "p.toml", capsys).values()} == {"skip", "within"}
    assert (made / "p" / "other.gif").is_file()

    edit(made, *changed)
    (made / "p" / "other.gif").write_bytes(b"mine")
    assert run(["run", "p.toml"]) == 2
    assert capsys.readouterr().err.startswith("artgan: stylize.film: p/other.gif exists: ")


def test_options_of_what_takes_no_part_change_nothing(made, capsys):
    path = edit(made, ("[train]", '[train]\narch = "dcgan"\npolicies = []'))
    assert run(["run", "p.toml", "--only", "train"]) == 0
    text = path.read_text()
    others = "[architectures.msg-gan]\nz_dim = 32\n[metrics.swd]\ndirections = 64\n"
    path.write_text(text + others + "[policies.doctor]\n")
    capsys.readouterr()
    assert looks(path, capsys, "--only", "train") == {"train": ("skip", "nothing changed")}
    path.write_text(text.replace("z_dim = 8", "z_dim = 9"))
    told = looks(path, capsys, "--only", "train")
    assert told == {"train": ("run", "architectures.dcgan.z_dim changed")}


def test_what_comes_in_the_way_meanwhile_is_not_replaced(made, monkeypatch, capsys):
    from artgan.flows import work

    draw = work.draw

    def meanwhile(*args):
        (made / "p" / "film.gif").unlink()
        (made / "p" / "late.gif").write_bytes(b"mine")
        return draw(*args)

    edit(made, ('seeds = "0-2"', 'seeds = "1-2"'), ("film.gif", "late.gif"))
    monkeypatch.setattr(work, "draw", meanwhile)
    assert run(["run", "p.toml"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("artgan: stylize.film: p/late.gif exists: ")
    assert (made / "p" / "late.gif").read_bytes() == b"mine"


def test_what_another_process_made_meanwhile_is_not_made_again(made, monkeypatch, capsys):
    from artgan.flows.plan import Pipeline

    book = made / "p" / "pipeline.json"
    whole = book.read_text()
    noted = json.loads(whole)
    del noted["stages"]["sample"], noted["stages"]["stylize.dots"]
    parts = [made / "p" / name for name in ("sample", "stylize-dots")]
    for part in parts:
        part.rename(made / part.name)
    book.write_text(json.dumps(noted))

    def meanwhile(self, looks):
        for part in parts:
            (made / part.name).rename(part)
        book.write_text(whole)

    monkeypatch.setattr(Pipeline, "check_styles", meanwhile)
    assert run(["run", "p.toml"]) == 0
    assert "sample: finished before" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_told_before_anything_is_made(made, capsys):
    edit(made, ("frames = 3", 'frames = 2\ndevice = "cuda:99"'))
    shutil.rmtree(made / "p/runs")
    assert run(["run", "p.toml"]) == 2
    assert capsys.readouterr().err.startswith("artgan: walk: device cuda:99: this machine has ")
    assert not (made / "p/runs").exists()


def test_training_goes_on_where_it_was_interrupted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pipeline(tmp_path, f"{TRAIN}\n[walk]\nkeys = 0\nframes = 2\nscale = 1\n")
    asked = count()
    monkeypatch.setattr(training.Stop, "asked", lambda self: next(asked) >= 5)
    assert run(["run", "p.toml"]) == 143
    captured = capsys.readouterr()
    assert captured.out == "p/runs/00001-dcgan-squares\n"
    assert captured.err.endswith("to go on: artgan run p.toml\n")
    noted = facts(tmp_path / "p", "train")
    assert (noted["done"], noted["run"]) == (False, "runs/00001-dcgan-squares")
    assert looks(tmp_path / "p.toml", capsys) == {
        "train": ("resume", "it was interrupted at 0.0 kimg"), "walk": ("run", "train comes first"),
    }  # fmt: skip
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARTGAN_CACHE", str(tmp_path / "cache"))
    assert run(["run", "p.toml"]) == 0
    captured = capsys.readouterr()
    assert "goes on from checkpoint 000000040-0" in captured.err
    assert captured.out == "p/runs/00001-dcgan-squares\np/walk.gif\n"
    assert run(["run", "p.toml", "--force", "train", "--only", "train"]) == 0
    runs = sorted((tmp_path / "p" / "runs").iterdir())
    assert [path.name for path in runs] == ["00001-dcgan-squares", "00002-dcgan-squares"]
    assert (
        checkpoint_bytes(runs[0])["ema.safetensors"] == checkpoint_bytes(runs[1])["ema.safetensors"]
    )
    capsys.readouterr()
    assert looks(tmp_path / "p.toml", capsys)["walk"] == ("skip", "nothing changed")


def test_an_interrupt_while_filming_leaves_the_old_film(made, monkeypatch, capsys):
    from artgan import filming

    path = edit(made, ("frames = 3", "frames = 2"))
    before = (made / "p/film.gif").read_bytes()

    def interrupted(*args, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(filming, "film", interrupted)
        assert run(["run", "p.toml"]) == 130
    assert capsys.readouterr().err.endswith("to go on: artgan run p.toml\n")
    assert (made / "p/film.gif").read_bytes() == before
    assert looks(path, capsys)["stylize.film"] == ("run", "it was interrupted")
    assert run(["run", "p.toml"]) == 0
    assert capsys.readouterr().out == "p/film.gif\n"


def test_an_interrupt_while_redrawing_keeps_what_is_done(made, monkeypatch, capsys):
    from artgan.pipelines import stylize

    edit(made, ("effort = 0.05", "effort = 0.06"))
    write, written = stylize.write_result, []

    def interrupted(folder, redrawn, config):
        if written:
            raise KeyboardInterrupt
        written.append(write(folder, redrawn, config))
        return written[0]

    with monkeypatch.context() as patch:
        patch.setattr(stylize, "write_result", interrupted)
        assert run(["run", "p.toml"]) == 130
    kept = written[0].stat().st_mtime_ns
    assert looks(made / "p.toml", capsys)["stylize.dots"] == ("run", "it was interrupted")
    assert run(["run", "p.toml"]) == 0
    assert written[0].stat().st_mtime_ns == kept
    assert len(facts(made / "p", "stylize.dots")["outputs"]) == 3


def test_what_somebody_else_put_there_is_not_replaced(made, capsys):
    own = "own.png"
    edit(made, ("effort = 0.05", f'images = "{own}"\nout = "mine/"\neffort = 0.05'))
    shutil.copy("squares/square03.png", own)
    (made / "p/mine").mkdir()
    (made / "p/mine" / own).write_bytes(b"mine")
    assert run(["run", "p.toml"]) == 2
    assert capsys.readouterr().err == (
        "artgan: stylize.dots: p/mine/own.png exists and was made otherwise: add overwrite or "
        "choose another out\n"
    )
    (made / "p/mine" / own).unlink()
    assert run(["run", "p.toml"]) == 0
    shutil.copy("squares/square04.png", own)
    assert looks(made / "p.toml", capsys)["stylize.dots"] == ("run", "images changed")
    assert run(["run", "p.toml"]) == 0  # now it is the stage's own


def test_a_film_with_further_settings_of_its_style_is_made_again(made, capsys):
    edit(made, ('out = "film.gif"', 'out = "film.gif"\nkeep_colours = true'))
    assert run(["run", "p.toml"]) == 0
    capsys.readouterr()
    assert run(["show", "p/film.gif"]) == 0
    assert "keep_colours = true" in capsys.readouterr().out
    style = str(made / "squares/square00.png")
    again = ["remake", "p/film.gif", "--runs", "p/runs", "--stylize", style, "-o", "again.gif"]
    assert run(again) == 0
    assert (made / "again.gif").read_bytes() == (made / "p/film.gif").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("squares/square01.png", "no.png", "stylize.dots: there is no style no.png: give a picture "
         "that exists"),
        ("frames = 3", 'frames = 3\nsampler = "slrep"', "walk: no sampler 'slrep': did you mean "
         "'slerp'? known: "),
        ("frames = 3", 'frames = 3\nbeats = 3', "walk: beats says how many, not how fast: add bpm"),
        ("effort = 0.05", "effort = 0", "p.toml: stylize.dots.effort is 0: expected "
         "greater than 0"),
        ("patches = 64", "patchs = 64", "extractors.patch-kmeans.patchs is not a setting: "),
        ("size = 16", "size = 63", "train: size 63 does not suit 'dcgan': "),
        ('"squares"', '"nothing"', "train: images nothing does not exist: give a folder of "
         "pictures"),
        ("film.gif", "film.giff", "stylize.film: p/film.giff: nothing writes '.giff': did you mean "
         "'.gif'? "),
        ("film.gif", "mine.gif", "stylize.film: p/mine.gif exists: choose another name, or add "
         "overwrite"),
    ],
)  # fmt: skip
def test_everything_is_checked_before_anything_is_made(made, capsys, old, new, message):
    (made / "p/mine.gif").write_bytes(b"mine")
    shutil.rmtree(made / "p/runs")
    path = edit(made, (old, new))
    assert run(["run", "p.toml"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"artgan: {message}")
    assert captured.err.count("\n") == 1
    assert not (made / "p/runs").exists()
    assert path.exists()


def test_results_are_not_learned_from(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = pipeline(tmp_path, TRAIN)
    path.write_text('out = "squares/made"\n' + path.read_text())
    assert run(["run", "p.toml"]) == 2
    assert capsys.readouterr().err == (
        "artgan: train: the results in squares/made would be among the pictures in squares: give "
        "another out\n"
    )


def test_the_schema_and_a_call_without_a_file(capsys):
    assert run(["run", "--schema"]) == 0
    assert "WalkStage" in json.loads(capsys.readouterr().out)["$defs"]
    assert run(["run"]) == 2
    assert capsys.readouterr().err == ("artgan: no pipeline file was given: artgan run FILE.toml\n")

"""`artgan walk`: files, messages, exit codes, and an orderly end when interrupted."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch
from fakes import fake_model, fake_weights, gif_comment
from helpers import hear_interrupts
from PIL import Image

from artgan.cli.app import run
from artgan.config import validate
from artgan.keys import Key, write_keys
from artgan.tracing import origin_of
from artgan.walkplan import WalkPlan


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    asked = []

    def open_model(ref, **how):
        asked.append(ref)
        return fake_model()

    monkeypatch.setattr("artgan.models.open_model", open_model)
    return asked


def walk(*more):
    return run(["walk", "7", "--keys", "3,17,42", "--seconds", "0.5", "--fps", "24", *more])


def test_a_gif_with_its_recipe_and_an_end_card(tmp_path, capsys):
    out = tmp_path / "walk.gif"
    assert walk("-o", str(out)) == 0
    said, words = capsys.readouterr()
    assert said == f"{out}\n"
    lines = words.splitlines()
    assert lines[0] == "walking through run 00001-fake at 128 kimg"
    assert lines[1] == "12 frames, 0.50 s at 24 frames a second"
    assert re.fullmatch(r"steps vary by [0-9]%, the seam is 1\.[01]. of a usual step", lines[2])
    assert re.fullmatch(
        r"[0-9.]+ kB; rendering took [0-9.]+ s, encoding [0-9.]+ s, both together [0-9.]+ s",
        lines[3],
    )
    assert len(lines) == 4
    with Image.open(out) as picture:
        assert picture.n_frames == 12
        assert min(picture.size) == 256
    made = gif_comment(out)
    assert made["command"] == "walk"
    assert made["walk"] == {
        "keys": [3, 17, 42], "sampler": "spline", "frames": 12, "fps": 24.0, "pace": 1.0,
        "scale": 32,
    }  # fmt: skip
    assert str(tmp_path) not in str(made)


def test_same_call_same_bytes_and_seeds_is_an_alias(tmp_path):
    a, b = tmp_path / "a.gif", tmp_path / "b.gif"
    assert run(["walk", "7", "--keys", "0,1", "--frames", "5", "-o", str(a), "--scale", "1"]) == 0
    assert run(["walk", "7", "--seeds", "0,1", "--frames", "5", "-o", str(b), "--scale", "1"]) == 0
    assert a.read_bytes() == b.read_bytes()


def test_several_outputs_from_one_render(tmp_path, capsys, opened):
    gif, folder = tmp_path / "a.gif", f"{tmp_path}/frames/"
    assert walk("-o", str(gif), "-o", folder, "--frames", "4", "--no-meta") == 0
    assert len(opened) == 1
    assert len(list(Path(folder).iterdir())) == 4
    assert capsys.readouterr().out == f"{gif}\n{tmp_path}/frames\n"
    with Image.open(gif) as picture:
        assert "comment" not in picture.info


def recipe(tmp_path, *more):
    """Return the recipe of a walk of two small frames; later flags are over earlier ones."""
    out = tmp_path / "recipe.gif"
    call = ["walk", "7", "--frames", "2", "--scale", "1", "--overwrite", "-o", str(out), *more]
    assert run(call) == 0
    return gif_comment(out)


def test_component_options_from_flags_and_the_settings_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artgan.toml").write_text(
        "[samplers.drift]\nwander = 3\n[architectures.dcgan]\nz_dim = 3\n"
    )
    drift = ("--keys", "3", "--sampler", "drift")
    assert recipe(tmp_path, *drift)["walk"]["options"] == {"wander": 3.0, "seed": 0}
    more = ("--set", "samplers.drift.wander=1", "--set", "samplers.drift.seed=5")
    assert recipe(tmp_path, *drift, *more)["walk"]["options"] == {"wander": 1.0, "seed": 5}
    assert recipe(tmp_path, "--keys", "3", "--wander", "4")["walk"]["options"]["wander"] == 4
    assert recipe(tmp_path, "--gif-quality", "draft")["writer"]["options"]["quality"] == "draft"
    capsys.readouterr()
    assert walk("-o", "c.gif", "--set", "samplers.circle.turns=2") == 2
    assert capsys.readouterr().err == (
        "artgan: --set samplers.circle: this walk uses samplers.spline, writers.gif\n"
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--open"], {"shape": "open"}),
        (["--boomerang", "--rounds", "2"], {"shape": "boomerang", "rounds": 2}),
        (["--loop", "--pace", "even"], {"shape": "loop", "pace": 0.0}),
        (["--pace", "0.5", "--psi", "0.7"], {"pace": 0.5, "psi": 0.7}),
        (["--ease", "back", "--hold", "0.01"], {"ease": "back", "hold": 0.01}),
        (["--grid", "3x2", "--wave", "wave"], {"columns": 3, "rows": 2, "wave": "wave"}),
        (["--grid", "2", "--own-keys"], {"keys": [0, 1, 2, 3], "own": True}),
        (["--effect", "tile", "--effect", "mirror"], {"effects": ["tile", "mirror"]}),
        (["--pixels", "--plays", "3"], {"pixels": True, "plays": 3}),
        (["--sampler", "circle"], {"keys": [0, 1], "sampler": "circle"}),
    ],
)
def test_what_is_asked_for_is_in_the_plan(tmp_path, more, expected):
    table = validate(WalkPlan, recipe(tmp_path, *more)["walk"], "").model_dump(mode="json")
    table["effects"] = [each["name"] for each in table["effects"]]
    assert {name: table[name] for name in expected} == expected


def test_beats_make_the_length(tmp_path):
    out = tmp_path / "a.gif"
    call = ["walk", "7", "--bpm", "120", "--beats", "4", "--scale", "1", "-o", str(out)]
    assert run(call) == 0
    made = gif_comment(out)["walk"]
    assert (made["frames"], made["beats"], made["sampler"]) == (50, 4, "spline")


def test_keys_come_from_files_of_them_and_from_what_was_made(tmp_path):
    keys = [Key(seed=5), Key.of_code("me", torch.linspace(-1, 1, 8))]
    write_keys(tmp_path / "k.toml", keys, {})
    made = recipe(tmp_path, "--keys", f"1,{tmp_path / 'k.toml'}")["walk"]["keys"]
    assert made[:2] == [1, 5]
    assert made[2]["name"] == "me"
    (tmp_path / "recipe.gif").rename(tmp_path / "b.gif")
    assert recipe(tmp_path, "--keys", f"{tmp_path / 'b.gif'},2")["walk"]["keys"] == [*made, 2]


def test_a_run_that_keeps_favourites_walks_through_them(tmp_path):
    folder = tmp_path / "runs" / "00007-dcgan-cats"
    folder.mkdir(parents=True)
    (folder / "config.toml").touch()
    runs = ("--runs", str(tmp_path / "runs"), "--keys", "favourites,9")
    assert walk(*runs, "-o", f"{tmp_path}/a.gif") == 2
    write_keys(folder / "favourites.toml", [Key(seed=5), Key(seed=6)], {})
    assert recipe(tmp_path, *runs)["walk"]["keys"] == [5, 6, 9]


def test_a_signature_and_a_look_ahead_where_no_terminal_is(tmp_path, capsys):
    drawing = Image.new("L", (20, 20), 255)
    drawing.paste(0, (4, 4, 16, 16))
    drawing.save(tmp_path / "m.png")
    made = recipe(tmp_path, "--sign", f"{tmp_path}/m.png", "--corner", "top-left", "--preview")
    assert made["walk"]["sign"]["corner"] == "top-left"
    assert "no preview: this is no terminal that shows colours\n" in capsys.readouterr().err


def test_a_growing_and_a_blended_network(tmp_path, monkeypatch, capsys):
    def weights(level):
        generator = fake_model().generator
        torch.nn.init.constant_(generator.linear.bias, level)
        return fake_weights(generator, 1000 * int(2 + level))

    found = {"7": weights(-1.0), "8": weights(1.0)}
    stages = [(origin_of(each), lambda each=each: each) for each in found.values()]
    monkeypatch.setattr("artgan.tracing.growth_of", lambda text, runs: stages)
    monkeypatch.setattr("artgan.tracing.find_weights", lambda text, runs: found[text])
    for more, morph, tiles in (("--growth",), "growth", 6), (("--blend", "8"), "blend", 1):
        made = recipe(tmp_path, "--keys", "0-5", "--frames", "4", *more)["walk"]
        assert made["morph"] == morph
        assert [stage["cur_nimg"] for stage in made["stages"]] == [1000, 3000]
        assert made.get("columns", 1) * made.get("rows", 1) == tiles
    assert "turning into run 00001-fake at 3 kimg\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["-o", "a.mov"], 2, "a.mov: nothing writes '.mov': "),
        (["-o", "a.gif", "--fps", "60"], 2, "a.gif: 'gif' shows at most 50 frames a second"),
        (["-o", "a.gif", "--fps", "inf"], 2, "--fps is inf: expected a finite number"),
        (["-o", "a.gif", "--keys", "1,x"], 2, "key x: there is no file x, and it is no seed and"),
        (["-o", "a.gif", "--keys", "1,,2"], 2, "keys '1,,2': expected seeds, ranges and files"),
        (["-o", "a.gif", "--open", "--loop"], 2, "--loop and --open exclude each other: give one"),
        (["-o", "a.gif", "--hold", "1"], 2, "holds take 300% of the time: give a shorter --hold"),
        (["-o", "a.gif", "--beats", "4"], 2, "--beats says how many, not how fast: add --bpm"),
        (["-o", "a.gif", "--own-keys"], 2, "--own-keys is of tiles: give --grid CxR, or leave it"),
        (["-o", "a.gif", "--grid", "2x2", "--own-keys"], 2, "3 keys cannot be dealt to 4 tiles"),
        (["-o", "a.gif", "--grid", "99x99"], 2, "--grid is 99x99: expected 1 to 400 tiles"),
        (
            ["-o", "a.gif", "--mix-layers", "4-"],
            2,
            "--mix-layers is of a mixed key: give --mix KEY",
        ),
        (["-o", "a.gif", "--mix", "1,2"], 2, "--mix is 1,2: expected one key, 2 were given"),
        (["-o", "a.gif", "--mix", "x"], 2, "key x: there is no file x, and it is no seed and no"),
        (["-o", "a.gif", "--mix", "1", "--mix-layers", "b"], 2, "--mix-layers is 'b': expected la"),
        (["-o", "a.gif", "--corner", "top-left"], 2, "--corner is of a signature: give --sign FI"),
        (["-o", "a.gif", "--wander", "2", "--sampler", "slerp"], 2, "--wander is of sampler drift"),
        (["-o", "a.gif", "--ease", "in"], 2, "--ease is 'in': expected 'linear', 'sine', 'quad',"),
        (["-o", "a.gif", "--pace", "slow"], 2, "--pace is 'slow': expected perceptual, even, or a"),
        (["-o", "a.gif", "--effect", "miror"], 2, "no effect 'miror': did you mean 'mirror'?"),
        (
            ["-o", "a.gif", "--set", "losses.gram.weight=2"],
            2,
            "--set losses.gram: this walk uses s",
        ),
        (["-o", "a.gif", "--growth"], 2, "no run 7: there are no runs in runs yet"),
        (["-o", "a.gif", "--keys", "favourites"], 2, "no run 7: there are no runs in runs yet"),
        (["-o", "a.gif", "--sampler", "slrep"], 2, "no sampler 'slrep': did you mean 'slerp'?"),
        (["-o", "a.png"], 2, "a.png holds one picture, 12 frames were asked for: give a"),
        (["-o", "a.gif", "--sampler", "circle"], 2, "sampler 'circle' goes through 1 to 2 keys"),
        (["-o", "/dev/null/a.gif"], 2, "cannot write /dev/null/a.gif: /dev/null is a file"),
    ],
)
def test_wrong_calls_are_one_sentence_and_leave_nothing(more, code, message, capsys, opened):
    before = sorted(Path.cwd().iterdir())
    assert walk(*more) == code
    said, words = capsys.readouterr()
    assert said == ""
    assert words.startswith(f"artgan: {message}")
    assert words.count("\n") == 1
    assert opened == []
    assert sorted(Path.cwd().iterdir()) == before


def test_what_exists_is_kept(tmp_path, capsys, opened):
    out = tmp_path / "a.gif"
    out.write_bytes(b"mine")
    assert walk("-o", str(out)) == 2
    assert opened == []
    assert out.read_bytes() == b"mine"
    assert walk("-o", str(out), "--overwrite", "--frames", "2") == 0
    assert out.read_bytes()[:3] == b"GIF"


QUICK = [
    "--set", "extractors.patch-kmeans.widths=[4,4]",
    "--set", "extractors.patch-kmeans.patches=64",
]  # fmt: skip


def test_in_the_style_of_a_picture(tmp_path, capsys):
    style = tmp_path / "s.png"
    Image.effect_noise((24, 24), 60).convert("RGB").save(style)
    call = ["--frames", "4", "--scale", "2", "--stylize", str(style), "--strength", "0.7", *QUICK]
    for name in ("a.gif", "b.gif"):
        assert walk("-o", str(tmp_path / name), *call) == 0
    assert f"drawing it in the style of {style}" in capsys.readouterr().err
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    with Image.open(tmp_path / "a.gif") as picture:
        assert (picture.n_frames, picture.size) == (4, (24, 16))
    made = gif_comment(tmp_path / "a.gif")["walk"]["stylize"]
    assert made == {
        "styles": [hashlib.sha256(style.read_bytes()).hexdigest()],
        "strength": 0.7,
        "components": {"extractors": {"patch-kmeans": {"widths": [4, 4], "patches": 64}}},
    }


def test_a_style_that_is_missing_or_useless_is_said_before_anything_is_drawn(capsys, opened):
    assert walk("--stylize", "nowhere.jpg") == 2
    assert walk("--strength", "0.7") == 2
    assert capsys.readouterr().err.splitlines() == [
        "artgan: there is no style nowhere.jpg: give a picture that exists",
        "artgan: --strength is of a style: give --stylize FILE, or leave it out",
    ]
    assert opened == []


def test_overwriting_leaves_no_frames_of_a_longer_walk(tmp_path, capsys):
    folder = tmp_path / "g"
    assert walk("-o", f"{folder}/", "--frames", "5", "--scale", "1") == 0
    (folder / "mine.png").write_bytes(b"mine")
    capsys.readouterr()
    assert walk("-o", f"{folder}/", "--frames", "2", "--scale", "1", "--overwrite") == 0
    assert "removed 3 frames of an older, longer walk\n" in capsys.readouterr().err
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["frame000000.png", "frame000001.png", "mine.png"]


def test_a_folder_called_like_a_picture_is_a_folder(tmp_path):
    assert walk("-o", f"{tmp_path}/frames.png/", "--frames", "2", "--scale", "1") == 0
    assert len(list((tmp_path / "frames.png").iterdir())) == 2


def test_a_single_frame_may_be_a_png(tmp_path):
    assert walk("-o", f"{tmp_path}/a.png", "--frames", "1", "--scale", "1") == 0
    assert (tmp_path / "a.png").is_file()


def test_help_needs_no_torch():
    names = "{'torch', 'numpy', 'PIL'} & set(sys.modules)"
    code = f"import sys, artgan.cli.walk, artgan.cli.sample; print({names})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_ends_in_order_and_leaves_nothing(tmp_path, number, code):
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
        import artgan.models
        from fakes import fake_model
        artgan.models.open_model = lambda ref, **how: fake_model()
        from artgan.cli.app import run
        sys.exit(run(["walk", "7", "--frames", "900000", "-o", "a.gif", "-o", "frames/"]))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("frames/*/*.png")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    words = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert "Traceback" not in words
    assert list(tmp_path.iterdir()) == []

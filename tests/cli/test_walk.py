"""`artgan walk`: files, messages, exit codes, and an orderly end when interrupted."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from fakes import fake_model, gif_comment
from helpers import hear_interrupts
from PIL import Image

from artgan.cli.app import run


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


def test_a_gif_with_its_recipe(tmp_path, capsys):
    out = tmp_path / "walk.gif"
    assert walk("-o", str(out)) == 0
    said, words = capsys.readouterr()
    assert said == f"{out}\n"
    lines = words.splitlines()
    assert lines[0] == "walking through run 00001-fake at 128 kimg"
    assert lines[1].startswith("12 frames, 0.50 s at 24 frames a second, ")
    assert len(lines) == 2
    with Image.open(out) as picture:
        assert picture.n_frames == 12
        assert min(picture.size) == 256
    made = gif_comment(out)
    assert made["command"] == "walk"
    assert made["walk"]["keys"] == [3, 17, 42]
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


def test_component_options_from_flags_and_the_settings_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artgan.toml").write_text(
        '[samplers.slerp]\neasing = "sine"\n[architectures.dcgan]\nz_dim = 3\n'
    )
    assert walk("-o", "a.gif", "--scale", "1") == 0
    assert gif_comment(tmp_path / "a.gif")["walk"]["options"] == {"easing": "sine"}
    assert walk("-o", "b.gif", "--scale", "1", "--set", "samplers.slerp.easing=smooth") == 0
    assert gif_comment(tmp_path / "b.gif")["walk"]["options"] == {"easing": "smooth"}
    capsys.readouterr()
    assert walk("-o", "c.gif", "--set", "samplers.circle.turns=2") == 2
    assert capsys.readouterr().err == (
        "artgan: --set samplers.circle: this walk uses samplers.slerp, writers.gif\n"
    )


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["-o", "a.mov"], 2, "a.mov: nothing writes '.mov': "),
        (["-o", "a.gif", "--fps", "60"], 2, "a.gif: 'gif' shows at most 50 frames a second"),
        (["-o", "a.gif", "--fps", "inf"], 2, "--fps is inf: expected a finite number"),
        (["-o", "a.gif", "--keys", "1,x"], 2, "seeds '1,x': expected numbers and ranges"),
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
    }


def test_a_style_that_is_missing_or_useless_is_said_before_anything_is_drawn(capsys, opened):
    assert walk("--stylize", "nowhere.jpg") == 2
    assert walk("--strength", "0.7") == 2
    assert capsys.readouterr().err.splitlines() == [
        "artgan: there is no style nowhere.jpg: give a picture that exists",
        "artgan: --strength is of a style: give --stylize FILE, or leave it out",
    ]
    assert opened == []


def test_circle_walks_with_its_own_keys(tmp_path):
    out = tmp_path / "a.gif"
    call = ["walk", "7", "--sampler", "circle", "--frames", "2", "--scale", "1", "-o", str(out)]
    assert run(call) == 0
    assert gif_comment(out)["walk"]["keys"] == [0, 1]


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

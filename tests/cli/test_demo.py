import re

import pytest
from PIL import Image

from artgan.cli.app import run


@pytest.mark.slow
def test_demo_makes_what_it_says(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = ["--minutes", "0.05", "--count", "20"]
    assert run(["demo", *flags]) == 0
    captured = capsys.readouterr()
    assert captured.out == ("artgan-demo/grid.png\nartgan-demo/walk.gif\nartgan-demo/painted.png\n")
    assert "20 paintings to learn from are in artgan-demo/pictures\n" in captured.err
    assert re.search(r"after \d+\.\d kimg of training it draws:", captured.err)
    with Image.open("artgan-demo/walk.gif") as walk:
        assert walk.n_frames == 150
    assert len(list((tmp_path / "artgan-demo" / "pictures").iterdir())) == 20

    assert run(["demo", *flags]) == 2
    assert capsys.readouterr().err == (
        "artgan: artgan-demo holds a demo already: give another --out, or --overwrite\n"
    )
    keep = tmp_path / "artgan-demo" / "mine.txt"
    keep.write_text("x")
    assert run(["demo", *flags, "--overwrite"]) == 0
    assert keep.exists()


def test_demo_refuses_a_file_in_its_place(tmp_path, capsys):
    path = tmp_path / "taken"
    path.write_text("")
    assert run(["demo", "--out", str(path)]) == 2
    assert capsys.readouterr().err == f"artgan: {path} is a file: give another --out\n"


@pytest.mark.parametrize("flags", [[], ["--overwrite"]])
def test_demo_never_touches_a_folder_that_is_not_a_demos(tmp_path, capsys, flags):
    mine = tmp_path / "pictures" / "mine.png"
    mine.parent.mkdir()
    mine.write_bytes(b"x")
    assert run(["demo", "--out", str(tmp_path), *flags]) == 2
    assert capsys.readouterr().err == (
        f"artgan: {tmp_path} is not a demo's folder and holds pictures: give another --out\n"
    )
    assert mine.exists()

from pathlib import Path

import pytest

from artgan.api import ConfigError, PathError
from artgan.flows.file import read_pipeline


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def of(text):
        Path("p.toml").write_text(text, encoding="utf-8")
        return read_pipeline(Path("p.toml"))

    return of


def test_stages_come_in_the_order_of_the_file_with_what_they_share(read):
    file = read(
        'out = "made"\n'
        '[walk]\nfps = 12\nkeys = """\n[sample]\n"""\n'  # no table, but a text of three lines
        '[walk.slow]\nkeys = 3\nout = "a.gif"\n'
        "[sample]\nrun = 7\nseeds = [1, 2]\n"
        '[walk.fast]\nfps = 25\neffects = "mirror"\nfrom = "train"\nout = ["b.gif", "b.webp"]\n'
        "[losses.gram]\nweight = 2\n"
    )
    assert [(s.name, s.kind, s.source, s.out, dict(s.given)) for s in file.stages] == [
        ("walk.slow", "walk", None, ("a.gif",), {"fps": 12, "keys": "3"}),
        ("sample", "sample", None, (), {"run": "7", "seeds": "1,2"}),
        (
            "walk.fast",
            "walk",
            "train",
            ("b.gif", "b.webp"),
            {"fps": 25, "keys": "[sample]\n", "effects": ["mirror"]},
        ),
    ]
    assert [s.stem for s in file.stages] == ["walk-slow", "sample", "walk-fast"]
    assert str(file.out) == "made"
    assert dict(file.components) == {"losses": {"gram": {"weight": 2}}}


def test_results_go_to_a_folder_called_like_the_file(read):
    assert str(read("[walk]\nrun = 1\n").out) == "p"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.toml has no stages: add [train], [sample], [walk] or [stylize]"),
        ("version = 2\n[walk]", "p.toml: version is 2, this artgan reads 1: use a newer one"),
        (
            "[wlak]",
            "p.toml: wlak is not a stage or a kind of component: did you mean 'walk'? known: ",
        ),
        ("outt = 'x'", "p.toml: outt is not a setting: did you mean 'out'? known: "),
        ("out = 3\n[walk]", "p.toml: out is 3: expected a folder"),
        ("walk = 3", "p.toml: walk is 3: expected a table, [walk]"),
        ("[walk]\npsii = 1", "p.toml: walk.psii is not a setting: did you mean 'psi'? known: "),
        (
            "[walk.slow]\npsi = 2",
            "p.toml: walk.slow.psi is 2: expected less than or equal to 1",
        ),
        (
            '[train]\nimages = "x"\nfrom = "walk"',
            "p.toml: train.from is not a setting: known: ",
        ),
        ("[train]", "p.toml: train.images is missing"),
        ("[walk]\n[walk.components]", "p.toml: [walk.components] is called like a setting: "
         "give the stage another name"),
        ("[walk.hold]", "p.toml: [walk.hold] is called like a setting: give the stage another "
         "name"),
        ('[walk."a b"]', "p.toml: [walk.a b] is no name of a stage: expected letters, digits, - "
         "and _"),
        ('[stylize]\nimages = "x"', "p.toml: stylize.styles is missing"),
        ("[sample]\nrun = 1\nseeds = 'x'", "p.toml: sample: seeds 'x': expected numbers and "
         "ranges, such as 3,17,40-43"),
        ('[walk]\nrun = 1\nout = ["a.gif", ""]', "p.toml: walk.out is empty: give a place, or "
         "leave it out"),
        ('[walk]\nrun = 1\nout = ["a\\u0000.gif"]', "p.toml holds a text with \\u0000, which no "
         "name has: leave it out"),
        ("[losses]\ngram = 1\n[walk]", "p.toml: losses.gram is 1: expected a table, [losses.gram]"),
    ],
)  # fmt: skip
def test_refusals(read, text, message):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(message)
    assert message.endswith("known: ") or str(caught.value) == message


def test_no_file(tmp_path):
    with pytest.raises(PathError, match="cannot read settings from "):
        read_pipeline(tmp_path / "none.toml")

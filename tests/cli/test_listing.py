"""`artgan plugins`: the tables, the JSON, what is said of a component."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Literal

import pytest
from helpers import plugin_source
from pydantic import Field

from artgan.cli.app import run
from artgan.cli.listing import _plain, _type_text, option_rows
from artgan.options import Options
from artgan.registry import registry


def output(capsys, *args):
    assert run(["plugins", *args]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_list_has_a_row_for_each_component(capsys):
    lines = output(capsys, "list").splitlines()
    assert lines[0].split() == ["kind", "name", "summary", "supplied", "by", "status"]
    rows = {tuple(line.split()[:2]) for line in lines}
    for row in (
        ("architectures", "dcgan"),
        ("objectives", "non-saturating"),
        ("regularizers", "r1"),
        ("samplers", "circle"),
        ("writers", "gif"),
    ):
        assert row in rows
    assert lines[-1].split()[:3] == ["artgan_plugins", "artgan", "0.1.0"]
    assert lines[-1].split()[-1] == "ok"
    assert all(len(line) <= 80 for line in lines)


def test_list_of_a_kind(capsys):
    text = output(capsys, "list", "--kind", "samplers")
    assert "slerp" in text
    assert "dcgan" not in text


def test_list_as_json(capsys):
    listing = json.loads(output(capsys, "list", "--json"))
    assert listing["version"] == 1
    assert listing["artgan"] == "0.1.0"
    (hinge,) = [c for c in listing["components"] if c["name"] == "hinge"]
    assert hinge == {
        "kind": "objectives",
        "name": "hinge",
        "write": "hinge",
        "summary": "D rests on what it has judged right by a margin of 1",
        "distribution": "artgan",
        "version": "0.1.0",
        "plugin": "artgan_plugins",
        "built_in": True,
        "status": "ok",
    }
    (plugin,) = listing["plugins"]
    assert plugin["import_ms"] >= 0
    assert listing["commands"] == []
    assert {**plugin, "import_ms": 0, "components": 0} == {
        "name": "artgan_plugins",
        "distribution": "artgan",
        "version": "0.1.0",
        "built_in": True,
        "status": "ok",
        "components": 0,
        "import_ms": 0,
        "file": None,
        "problems": [],
    }


def test_show(capsys):
    assert output(capsys, "show", "wasserstein") == (
        "objective wasserstein\n"
        "  summary               difference of mean logits; needs a regularizer to stay bounded\n"
        "  supplied by           artgan 0.1.0\n"
        "  source                Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875\n"
        "  relativistic          no\n"
        "  batch coupled         no\n"
        "  default regularizers  gradient-penalty\n"
        "  accuracy target       0.6\n"
        "  parity                none\n"
        "\n"
        "options, set with --set objectives.wasserstein.OPTION=VALUE\n"
        "  drift = 0.001  (float, >= 0, <= 1)\n"
        "      weight of the squared real logits, which else drift away\n"
    )


def test_pairs_are_shown_as_pairs(capsys):
    shown = {
        line[2:].partition("  ")[0]: line for line in output(capsys, "show", "swd").splitlines()
    }
    assert shown["figures"].endswith("  swd (low is better), colour (low is better)")
    assert shown["score"].endswith("  swd, colour")
    assert shown["quick"].endswith("  patches = 16, directions = 128")
    assert "diversity" in (text := output(capsys, "show", "diversity"))
    assert "ms-ssim (low is better), ms-ssim-reals, distance (high is better)" in text


def test_show_of_one_without_options(capsys):
    assert output(capsys, "show", "hinge").splitlines()[-1].split() == ["options", "none"]


def test_show_as_json(capsys):
    shown = json.loads(output(capsys, "show", "artgan:dcgan", "--json"))
    assert shown["version"] == 1
    (dcgan,) = shown["components"]
    assert dcgan["kind"] == "architectures"
    assert dcgan["source"] == "Radford, Metz and Chintala 2016, arXiv:1511.06434"
    assert dcgan["facts"]["latent_prior"] == "gaussian"
    assert dcgan["facts"]["channels"] == [1, 3, 4]
    (width,) = [option for option in dcgan["options"] if option["name"] == "z_dim"]
    assert width == {
        "name": "z_dim",
        "type": "int",
        "default": 64,
        "required": False,
        "range": ">= 1, <= 4096",
        "description": "numbers in a latent",
    }


def test_every_component_can_be_shown(capsys):
    listing = json.loads(output(capsys, "list", "--json"))
    for component in listing["components"]:
        text = output(capsys, "show", component["write"], "--kind", component["kind"])
        assert text.splitlines()[0].endswith(f" {component['name']}")


def test_show_of_an_unknown_name(capsys):
    assert run(["plugins", "show", "slrep"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("artgan: no component 'slrep': did you mean 'slerp'? known: ada, ")


def test_show_of_an_unknown_name_in_a_kind(capsys):
    assert run(["plugins", "show", "dcgan", "--kind", "samplers"]) == 2
    assert capsys.readouterr().err == (
        "artgan: no sampler 'dcgan': known: circle, direction, drift, lerp, slerp, spline, "
        "truncation\n"
    )


def test_show_of_a_name_in_two_kinds_shows_both(strangers, capsys):
    strangers("artgan-wave", {"wave_s": plugin_source("wave")})
    strangers("artgan-more", {"wave_o": plugin_source("wave", kind="objective")})
    lines = output(capsys, "show", "wave").splitlines()
    assert [line for line in lines if line and line[0] != " "] == [
        "objective wave",
        "sampler wave",
    ]
    assert output(capsys, "show", "wave", "--kind", "samplers").startswith("sampler wave\n")


def test_what_a_stranger_says_is_escaped(strangers, capsys):
    source = plugin_source("wave").replace("of a stranger", r"\x1b[31mred\n[bold]second")
    strangers("artgan-wave", {"wave_plugin": source})
    for text in (output(capsys, "list"), output(capsys, "show", "wave")):
        assert "\x1b" not in text
    assert "\\x1b[31mred\\x0a[bold]second" in output(capsys, "show", "wave")


def test_a_plugin_that_failed_is_a_row_marked_broken(strangers, capsys):
    strangers("artgan-bad", {"bad": "raise RuntimeError('boom')"})
    assert run(["plugins", "list"]) == 0
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    (row,) = [line for line in out.splitlines() if line.startswith("bad ")]
    assert row.split()[:5] == ["bad", "artgan-bad", "1.0", "0", "broken"]


# Options, read from their model


class Shade(Enum):
    DARK = "dark"
    LIGHT = "light"


class Everything(Options):
    plain: int = 3
    bounded: float = Field(0.5, gt=0, lt=1, description="a share")
    maybe: int | None = Field(None, ge=1)
    nested: Annotated[int, Field(ge=2)] | None = None
    choice: Literal["a", "b"] = "a"
    shade: Shade = Shade.DARK
    many: tuple[int, ...] = (1, 2)
    made: list[str] = Field(default_factory=list)
    needed: str


def test_types_ranges_and_defaults_are_read_from_the_model():
    rows = {
        option["name"]: (option["type"], option["range"], _plain(option["default"]))
        for option in option_rows(Everything)
    }
    assert rows == {
        "plain": ("int", "", "3"),
        "bounded": ("float", "> 0, < 1", "0.5"),
        "maybe": ("int | none", ">= 1", "none"),
        "nested": ("int | none", ">= 2", "none"),
        "choice": ("a | b", "", "a"),
        "shade": ("dark | light", "", "dark"),
        "many": ("tuple[int, ...]", "", "1, 2"),
        "made": ("list[str]", "", ""),
        "needed": ("str", "", "none"),
    }
    assert [o["name"] for o in option_rows(Everything) if o["required"]] == ["needed"]


@pytest.mark.parametrize(
    ("annotation", "text"), [(None, "none"), (bool, "bool"), (Annotated[int, 1], "int")]
)
def test_type_text(annotation, text):
    assert _type_text(annotation) == text


# What third parties add to the lists


def test_times_are_shown_where_there_are_third_parties(strangers, capsys):
    assert "import ms" not in output(capsys, "list")
    registry.cache_clear()
    strangers("artgan-wave", {"wave_plugin": plugin_source("wave")}, version="2.1")
    lines = output(capsys, "list").splitlines()
    (header,) = [line for line in lines if line.startswith("plug-in ")]
    assert header.split() == "plug-in supplied by components status import ms problems".split()
    row = lines[-1].split()
    assert row[:5] == ["wave_plugin", "artgan-wave", "2.1", "1", "ok"]
    assert row[5].isdigit()
    (shown,) = json.loads(output(capsys, "show", "wave", "--json"))["components"]
    assert shown["import_ms"] > 0


def test_requirements_are_what_pip_takes(plugin_folder, strangers, capsys, monkeypatch):
    mine = plugin_folder("mine", {"a.py": plugin_source("own")})
    monkeypatch.setenv("ARTGAN_PLUGINS_DIR", str(mine))
    strangers("artgan-wave", {"wave_plugin": plugin_source("wave")}, version="2.1")
    strangers("Artgan_Net", {"net_plugin": plugin_source("net")}, version="0.3")
    strangers("artgan-bad", {"bad": "raise RuntimeError"})
    strangers("artgan-off", {"off": plugin_source("off")})
    strangers("artgan-say", {"say_hello": ""}, {}, commands={"hello": "say_hello:app"})
    torn = strangers("artgan-torn", {"torn": plugin_source("torn")})
    (torn / "METADATA").unlink()
    assert run(["--no-plugin", "off", "plugins", "list", "--requirements"]) == 0
    out, err = capsys.readouterr()
    assert out == "Artgan_Net==0.3\nartgan-say==1.0\nartgan-wave==2.1\n"
    assert err.splitlines() == [
        "artgan: plug-in 'bad' (artgan-bad 1.0): it could not be imported: RuntimeError",
        "artgan: torn is left out: it does not say which package it is of",
        f"artgan: a is left out: it is no package but {mine / 'a.py'}, found by --plugins-dir",
    ]


def test_what_was_left_out_is_a_row(strangers, capsys):
    strangers("artgan-wave", {"wave_plugin": plugin_source("wave")})
    strangers("artgan-net", {"net_plugin": plugin_source("net")})
    assert run(["--no-plugin", "wave_plugin", "--no-plugin", "Artgan.Net", "plugins", "list"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = [line.split() for line in out.splitlines()]
    assert [row[:5] for row in rows[-2:]] == [
        ["net_plugin", "artgan-net", "1.0", "0", "off"],
        ["wave_plugin", "artgan-wave", "1.0", "0", "off"],
    ]
    assert run(["plugins", "show", "wave"]) == 0  # for that one command only


def test_former_names_are_shown_and_found(strangers, capsys):
    strangers("artgan-wave", {"w": plugin_source("wave", more=", aliases=('ripple', 'surge')")})
    text = output(capsys, "show", "ripple")
    assert text.startswith("sampler wave\n")
    assert "  former names  ripple, surge\n" in text
    assert "ripple" not in output(capsys, "list")

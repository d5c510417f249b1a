"""Commands of third parties: listed unimported, run like artgan's own, never in their place."""

from __future__ import annotations

import json

import pytest

from artgan.cli.app import COMMANDS, run

HELLO = """
    import typer

    print("imported")
    app = typer.Typer()

    @app.command()
    def hello(name: str = "world", times: int = 1) -> None:
        "Say hello."
        print(f"hello {name}" * times)
        if name == "nobody":
            raise KeyError(name)
        if name == "me":
            raise typer.Exit(3)
"""
EXPLODES = "raise SystemExit('imported')"


@pytest.fixture
def hello(strangers):
    strangers("artgan-hello", {"say_hello": HELLO}, {}, version="1.2",
              commands={"hello": "say_hello:app"})  # fmt: skip


def wrong(capsys, *args):
    """Return the exit code of a call that fails and its one line."""
    code = run(list(args))
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = [line for line in err.splitlines() if line != "imported"]
    return code, line


def test_help_lists_it_without_importing_it(strangers, capsys):
    strangers("artgan-bang", {"bang": EXPLODES}, {}, version="2", commands={"bang": "bang:app"})
    strangers("odd[red]", {"odd": EXPLODES}, {}, commands={"odd": "odd:app"})
    assert run(["--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = [line.strip("│ ") for line in out.splitlines()]
    start = next(i for i, line in enumerate(lines) if "Plug-ins" in line)
    assert [line.split() for line in lines[start + 1 : start + 3]] == [
        ["bang", "from", "artgan-bang", "2"],
        ["odd", "from", "odd(red]", "1.0"],
    ]
    assert run(["--no-plugin", "artgan-bang", "--no-plugin", "odd[red]", "--help"]) == 0
    assert "Plug-ins" not in capsys.readouterr().out
    assert run(["bang", "--help"]) == 1


def test_nothing_is_looked_for_where_artgans_own_command_is_run(hello, monkeypatch):
    def looked():
        raise AssertionError

    monkeypatch.setattr("artgan.cli.strangers.look", looked)
    assert run(["runs"]) == 0


def test_it_is_run_with_its_flags(hello, capsys):
    assert run(["hello", "--name", "you"]) == 0
    assert capsys.readouterr() == ("hello you\n", "imported\n")
    assert run(["hello", "--name", "me"]) == 3
    assert run(["hello", "--help"]) == 0
    out = capsys.readouterr().out
    assert "Usage: artgan hello [OPTIONS]" in out
    assert "--install-completion" not in out


def test_its_settings_are_read_and_checked(hello, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "artgan.toml"
    file.write_text('[hello]\nname = "file"\n')
    assert run(["hello"]) == 0
    assert capsys.readouterr().out == "hello file\n"
    monkeypatch.setenv("ARTGAN_HELLO_NAME", "variable")
    assert run(["hello"]) == 0
    assert capsys.readouterr().out == "hello variable\n"
    assert run(["runs"]) == 0
    assert run(["--no-plugin", "artgan-hello", "runs"]) == 0
    monkeypatch.setenv("ARTGAN_PLUGINS", "")
    capsys.readouterr()
    code, line = wrong(capsys, "runs")
    assert code == 2
    assert line.endswith("; plug-ins are off, ARTGAN_PLUGINS is empty")
    monkeypatch.delenv("ARTGAN_PLUGINS")
    file.write_text('[hello]\nnam = "file"\n')
    capsys.readouterr()
    assert wrong(capsys, "hello") == (
        2,
        "artgan: artgan.toml: [hello] nam is not a setting: did you mean 'name'? known: name, "
        "times",
    )
    file.write_text("[helo]\n")
    code, line = wrong(capsys, "runs")
    assert code == 2
    assert line.startswith(
        "artgan: artgan.toml: [helo] is not a table of settings: did you mean 'h"
    )


def test_a_misspelt_name_is_met_with_it(hello, capsys):
    line = "artgan: No such command 'helo'. Did you mean 'hello'?; see 'artgan --help'"
    assert wrong(capsys, "helo") == (2, line)
    line = "artgan: No such command 'hello'; see 'artgan --help'"
    assert wrong(capsys, "--no-plugin", "artgan-hello", "hello") == (2, line)


def test_a_wrong_call_is_told_as_ever(hello, capsys):
    code, found = wrong(capsys, "hello", "--times", "x")
    assert code == 2
    assert found.startswith("artgan: Invalid value for '--times': ")
    assert found.endswith("; see 'artgan hello --help'")


def test_it_is_blamed_for_what_goes_wrong_in_it(hello, capsys):
    assert run(["hello", "--name", "nobody"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "artgan: command 'hello' of artgan-hello 1.2 failed: KeyError: 'nobody'; ARTGAN_DEBUG=1 "
        "shows where"
    )


BROKEN = {
    "raises": ("raise ValueError('boom')", "cannot be loaded: ValueError: boom: "),
    "exits": (EXPLODES, "cannot be loaded: SystemExit: imported: "),
    "has no app": (
        "x = 1",
        "cannot be loaded: AttributeError: module 'b' has no attribute 'app': ",
    ),
    "is a function": ("def app(): pass", "is a function, expected a typer.Typer: "),
    "is empty": (
        "import typer; app = typer.Typer()",
        "cannot be loaded: RuntimeError: Could not get a command for this Typer instance: ",
    ),
}


@pytest.mark.parametrize(("source", "problem"), BROKEN.values(), ids=BROKEN)
def test_one_that_cannot_be_loaded_is_one_sentence(strangers, capsys, source, problem):
    strangers("artgan-b", {"b": source}, {}, commands={"b": "b:app"})
    remedy = "mend it, or leave it out with --no-plugin artgan-b"
    line = f"artgan: command 'b' of artgan-b 1.0 {problem}{remedy}"
    assert wrong(capsys, "b") == (1, line)
    assert run(["plugins", "list"]) == 0


def listed(capsys):
    assert run(["plugins", "list", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    return [(c["name"], c["distribution"], c["status"], c["problem"]) for c in out["commands"]]


def test_one_that_says_no_module_is_named(strangers, capsys):
    strangers("artgan-bang", {"bang": EXPLODES}, {}, commands={"bang": "./bang app"})
    assert run(["bang"]) == 1
    assert capsys.readouterr().err == (
        "artgan: command 'bang' of artgan-bang 1.0 is './bang app', expected "
        "'module:typer_application': mend it, or leave it out with --no-plugin artgan-bang\n"
    )


def test_a_name_of_artgans_own_is_never_shadowed(strangers, capsys):
    commands = {"train": "bang:app", "Bad name": "bang:app"}
    strangers("artgan-bang", {"bang": EXPLODES}, {}, commands=commands)
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert COMMANDS["train"].summary in out
    assert "artgan-bang" not in out
    assert run(["train", "--help"]) == 0
    capsys.readouterr()
    assert listed(capsys) == [
        (
            "Bad name", "artgan-bang", "broken",
            "command 'Bad name' has a name that is not kebab-case",
        ),
        (
            "train", "artgan-bang", "taken",
            "artgan has a command 'train' itself, which is the one that is run",
        ),
    ]  # fmt: skip


def test_a_name_that_two_claim_is_neithers(strangers, capsys):
    strangers("artgan-east", {"east": HELLO}, {}, commands={"hello": "east:app"})
    strangers("artgan-west", {"west": HELLO}, {}, commands={"hello": "west:app"})
    problem = (
        "command 'hello' is claimed by artgan-east and artgan-west: leave one out with --no-plugin "
        "artgan-east or --no-plugin artgan-west"
    )
    assert wrong(capsys, "hello") == (2, f"artgan: {problem}")
    assert listed(capsys) == [
        ("hello", "artgan-east", "clash", problem),
        ("hello", "artgan-west", "clash", problem),
    ]
    assert run(["--help"]) == 0
    assert "claimed by artgan-east and artgan-west" in capsys.readouterr().out
    assert run(["--no-plugin", "artgan-east", "hello"]) == 0
    assert capsys.readouterr().out == "hello world\n"


def test_commands_are_a_table_of_their_own(hello, capsys):
    assert run(["plugins", "list"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-2].split() == ["command", "supplied", "by", "status", "problems"]
    assert out[-1].split() == ["hello", "artgan-hello", "1.2", "ok"]

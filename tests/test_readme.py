import re
import tomllib

import pytest
from helpers import ROOT
from readme_blocks import README, rewritten

TEXT = README.read_text(encoding="utf-8")


def test_generated_tables_are_fresh():
    assert rewritten(TEXT) == TEXT, "README.md is stale: run `make readme`"


def test_every_dependency_has_its_row_and_every_row_its_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[<>=!~\[ ]", line)[0] for line in project["dependencies"]}
    section = TEXT.partition("## What it needs")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| ([a-z-]+) \|(?! why)", section, re.MULTILINE)
    assert set(listed) - {"package"} == wanted
    pinned = (ROOT / "constraints.txt").read_text().lower().replace("_", "-")
    assert not [name for name in wanted if f"\n{name}==" not in pinned]


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"^    artgan (.+?)(?:  +#.*)?$", TEXT, re.MULTILINE)))
)
def test_every_command_is_one(line, capsys):
    """The words and flags of every command line in the README exist."""
    from artgan.cli.app import run

    words = line.split()
    command = [word for word in words if not word.startswith("-")][0]
    assert run([command, "--help"]) == 0
    text = capsys.readouterr().out
    for word in words:
        if word.startswith("--"):
            assert word in text


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make ([a-z-]+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

import re
import tomllib

import pytest
from helpers import ROOT
from readme_blocks import BLOCKS, DOCUMENTS, README, rewritten

TEXT = README.read_text(encoding="utf-8")
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in DOCUMENTS}


@pytest.mark.parametrize("name", TEXTS)
def test_generated_tables_are_fresh(name):
    assert rewritten(TEXTS[name]) == TEXTS[name], f"{name} is stale: run `make readme`"


def test_every_generated_table_is_in_one_document():
    found = re.findall(r"<!-- begin ([a-z-]+) -->", "".join(TEXTS.values()))
    assert sorted(found) == sorted(BLOCKS)


def test_every_dependency_has_its_row_and_every_row_its_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[<>=!~\[ ]", line)[0] for line in project["dependencies"]}
    section = TEXT.partition("## What it needs")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| ([a-z-]+) \|(?! why)", section, re.MULTILINE)
    assert set(listed) - {"package"} == wanted
    pinned = (ROOT / "constraints.txt").read_text().lower().replace("_", "-")
    assert not [name for name in wanted if f"\n{name}==" not in pinned]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXTS[path.name]):
        assert (path.parent / target).exists(), target


LINES = "".join(TEXTS.values())


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"^    artgan (.+?)(?:  +#.*)?$", LINES, re.MULTILINE)))
)
def test_every_command_is_one(line, capsys):
    """The words and flags of every command line in the README exist."""
    from artgan.cli.app import COMMANDS, run

    words = line.split()
    command = next(word for word in words if word in COMMANDS)
    following = words[words.index(command) + 1 :]
    group = COMMANDS[command].target == "artgan.cli.plugins:app"
    for args in ([], [command], [command, following[0]] if group else []):
        assert run([*args, "--help"]) == 0
    text = capsys.readouterr().out
    for word in words:
        if word.startswith("--"):
            assert word in text


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make ([a-z-]+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

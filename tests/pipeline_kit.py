"""What tests of pipelines share: tiny stages, a file of some, what `artgan run` said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training_kit import squares

from artgan.cli.app import run

__all__ = ["OPTIONS", "TRAIN", "facts", "looks", "pipeline", "rows"]

TRAIN = """
[train]
images = "squares"
size = 16
batch = 8
kimg = 0.1
device = "cpu"
precision = "float32"
metrics = []
doctor = "off"
"""
"""A run of 13 steps."""

OPTIONS = """
[architectures.dcgan]
z_dim = 8
base_channels = 4

[extractors.patch-kmeans]
widths = [4, 4]
patches = 64
"""
"""Of a network and an extractor that are quick."""


def pipeline(folder: Path, stages: str, name: str = "p.toml") -> Path:
    """Write a pipeline file, and pictures to learn from beside it, and return its path."""
    if not (folder / "squares").exists():
        squares(folder / "squares")
    path = folder / name
    path.write_text(f"version = 1\n{stages}\n{OPTIONS}", encoding="utf-8")
    return path


def rows(path: Path, capsys: Any, *flags: str) -> list[list[str]]:
    """Return the table of a dry run: a list of its columns for each stage."""
    assert run(["run", str(path), "--dry-run", *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines[1:]]


def looks(path: Path, capsys: Any, *flags: str) -> dict[str, tuple[str, str]]:
    """Return what a dry run says of each stage: what would happen to it, and why."""
    return {row[0]: (row[-2], row[-1]) for row in rows(path, capsys, *flags)}


def facts(folder: Path, stage: str) -> dict[str, Any]:
    """Return what is noted of a stage in a folder of results."""
    import json

    book = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
    noted: dict[str, Any] = book["stages"][stage]
    return noted

"""What tests of recipes share: a tiny trained run, recipes out of files, forged ones in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from training_kit import train_tiny

from artgan.animations import kept_recipe
from artgan.images import save_png
from artgan.runs import RunFolder

__all__ = ["forged", "recipe_in", "trained"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    """Return a run of 13 steps at 16 px with checkpoints at 96 and 104 pictures, in `runs`."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARTGAN_CACHE", str(folder / "cache"))
        patch.setenv("ARTGAN_PLUGINS", "")
        yield train_tiny(folder, save_minutes=1e-9, keep=2, doctor="off", metrics=()).run


def recipe_in(path: Path) -> dict:
    """Return the recipe that a file keeps, as it is there."""
    text = kept_recipe(path)
    assert text is not None, path
    return json.loads(text)


def forged(path: Path, recipe: dict | str) -> Path:
    """Write a picture that keeps a recipe which artgan did not write, and return its path."""
    text = recipe if isinstance(recipe, str) else json.dumps(recipe)
    save_png(path, torch.zeros(3, 4, 4), text)
    return path

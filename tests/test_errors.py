"""The tree at the head of errors.py is the truth; hints name the nearest."""

from __future__ import annotations

import re

import pytest

from artgan import errors
from artgan.errors import ArtganError, nearest


def drawn():
    """Return name -> (parent's name, exit code) as drawn in the docstring."""
    found = {}
    above = {}
    for line in errors.__doc__.splitlines():
        match = re.match(r"^([ │├└─]{4,})([A-Z]\w+) +(\d) ", line)
        if match:
            depth = len(match[1]) // 4
            above[depth] = match[2]
            found[match[2]] = (above.get(depth - 1), int(match[3]))
    return found


def test_the_drawn_tree_is_the_tree():
    classes = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, ArtganError)
    }
    real = {
        name: (cls.__base__.__name__ if cls is not ArtganError else None, cls.exit_code)
        for name, cls in classes.items()
    }
    assert drawn() == real


def test_every_error_says_when():
    for name in drawn():
        assert getattr(errors, name).__doc__.strip().endswith(".")


@pytest.mark.parametrize(
    ("given", "known", "hint"),
    [
        ("slrep", ["slerp", "circle"], "did you mean 'slerp'? known: circle, slerp"),
        ("zzzz", ["slerp", "circle"], "known: circle, slerp"),
        ("", ["a"], "known: a"),
        ("a", [], "there are none"),
        ("b", ["b", "b", "a"], "did you mean 'b'? known: a, b"),
    ],
)
def test_nearest(given, known, hint):
    assert nearest(given, known) == hint

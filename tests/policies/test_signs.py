import re

import pytest

from artgan.api import Objective
from artgan.cli.app import run
from artgan_plugins.policies import signs
from artgan_plugins.policies.doctor import doctor
from artgan_plugins.policies.options import DoctorOptions

BAD = ["D ahead", "G ahead", "collapsing", "copying", "diverged", "converged"]


def test_every_state_but_learning_has_advice():
    assert sorted(signs.ADVICE) == sorted(BAD)
    named = doctor(DoctorOptions(), objective=Objective("non-saturating", "m:f"))
    assert named.advice() == named.advice("learning") == ""
    named.memory.state = "copying"
    assert named.advice() == signs.ADVICE["copying"]
    assert named.advice("diverged") == signs.ADVICE["diverged"]


def test_advice_is_a_sentence():
    assert all(re.fullmatch(r"[A-Z][^.]*\.", text) for text in signs.ADVICE.values())


@pytest.mark.parametrize("state", BAD)
def test_the_flags_that_are_advised_exist(state, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["train", "--help"]) == 0
    text = capsys.readouterr().out
    for flag in re.findall(r"--[a-z-]+", signs.ADVICE[state]):
        assert re.search(rf"{flag}\b", text), flag

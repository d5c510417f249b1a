import os
import time

import pytest

from artgan.errors import ConfigError, RunError
from artgan.workers import cores, spread


def make():
    import torch

    return torch.get_num_threads()


def work(state, task, tell):
    tell(1, 2)
    if task == "die":
        os._exit(1)
    if task == "fail":
        raise ConfigError("it is wrong")
    return state, task


def test_tasks_are_done_in_processes_of_one_thread():
    told = []
    found = list(spread(make, work, ["a", "b", "c"], processes=2, told=lambda *n: told.append(n)))
    assert sorted(found) == [(1, "a"), (1, "b"), (1, "c")]
    assert set(told) <= {(number, 1, 2) for number in range(3)}
    assert os.environ.get("OMP_NUM_THREADS") is None or os.environ["OMP_NUM_THREADS"] != "0"


def test_a_failure_comes_through():
    with pytest.raises(ConfigError, match="it is wrong"):
        list(spread(make, work, ["fail"], processes=1, told=lambda *_: None))


def test_a_death_is_told_in_a_sentence():
    with pytest.raises(RunError) as caught:
        list(spread(make, work, ["die"], processes=1, told=lambda *_: None))
    assert str(caught.value) == (
        "a process ended unexpectedly, probably because memory ran out: "
        "give fewer --jobs or a smaller --size"
    )


def slow(state, task, tell):
    if task:
        time.sleep(60)
    return task


def test_who_stops_reading_does_not_wait():
    began = time.monotonic()
    results = spread(make, slow, [0, 1], processes=2, told=lambda *_: None)
    assert next(results) == 0
    results.close()
    assert time.monotonic() - began < 40


def test_there_is_a_core():
    assert cores() >= 1

import errno
import json
import os

import pytest
import torch
from torch.testing import assert_close

from artgan import checkpoints, files
from artgan.checkpoints import (
    generations,
    load_tensors,
    newest_sound,
    on_the_way,
    prune,
    read_json,
    read_sound,
    refuse_pickle,
    save_generation,
    tensor_bytes,
)
from artgan.errors import CheckpointError, OutputError

NAMES = ("ema.safetensors", "state.json")


def save(folder, nimg, value=None):
    folder.mkdir(exist_ok=True)
    tensors = {"ema": {"w": torch.full((3,), float(nimg if value is None else value))}}
    return save_generation(folder, nimg, 0, tensors, {"cur_nimg": nimg})


def test_round_trip(tmp_path):
    generation = save(tmp_path, 5)
    assert generation.name == "000000005-0"
    found, data = newest_sound(tmp_path, NAMES, pytest.fail)
    assert found == generation
    assert_close(load_tensors(data["ema.safetensors"], "x")["w"], torch.full((3,), 5.0))
    assert json.loads(data["state.json"]) == {"format": 1, "cur_nimg": 5}


def test_same_tensors_same_bytes_whatever_their_order_and_layout():
    a, b = torch.arange(6.0).view(2, 3), torch.ones(2)
    assert tensor_bytes({"a": a, "b": b}) == tensor_bytes({"b": b, "a": a.t().contiguous().t()})


def test_mode_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        generation = save(tmp_path, 1)
    finally:
        os.umask(before)
    assert (generation.path / "state.json").stat().st_mode & 0o777 == 0o640


def attempt(write):
    try:
        write()
    except OutputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("damage", ["flip", "cut", "zero", "gone", "swap"])
def test_any_damage_is_noticed_and_the_one_before_is_used(tmp_path, damage):
    save(tmp_path, 1)
    newest = save(tmp_path, 2)
    path = newest.path / "ema.safetensors"
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[-5] ^= 1
        path.write_bytes(data)
    elif damage == "cut":
        path.write_bytes(data[:-1])
    elif damage == "zero":
        path.write_bytes(bytes(len(data)))
    elif damage == "swap":
        path.write_bytes((tmp_path / "000000001-0" / "ema.safetensors").read_bytes())
    else:
        path.unlink()
    said = []
    found, _ = newest_sound(tmp_path, NAMES, said.append)
    assert found.cur_nimg == 1
    assert len(said) == 1
    assert said[0].startswith("checkpoint 000000002-0")
    assert said[0].endswith("; trying the one before it")


def test_none_is_sound(tmp_path):
    with pytest.raises(CheckpointError, match="holds no checkpoint yet"):
        newest_sound(tmp_path, NAMES, pytest.fail)
    (save(tmp_path, 1).path / "manifest.json").write_text("{")
    with pytest.raises(CheckpointError, match="no checkpoint in .* is sound"):
        newest_sound(tmp_path, NAMES, lambda line: None)


def test_every_crash_point_leaves_a_sound_generation(tmp_path, monkeypatch):
    """Let the n-th call of the operating system fail, for every n, and look what is there."""
    calls = {"left": -1}

    def failing(real):
        def call(*args, **kwargs):
            calls["left"] -= 1
            if calls["left"] == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **kwargs)

        return call

    for module, name in ((files, "create"), (os, "replace"), (os, "rename"), (os, "fsync")):
        monkeypatch.setattr(module, name, failing(getattr(module, name)))
    points = 0
    for point in range(1, 100):
        folder = tmp_path / str(point)
        calls["left"] = -1
        save(folder, 1)
        calls["left"] = point
        refusal = attempt(lambda folder=folder: save(folder, 2))
        if calls["left"] > 0:
            break  # every call was let fail once
        if refusal:
            points += 1
            assert "no space is left on the disk" in refusal
            assert newest_sound(folder, NAMES, pytest.fail)[0].cur_nimg == 1
            assert [path.name for path in folder.iterdir()] == ["000000001-0"]
    assert points >= 6


def test_saving_the_same_place_again_keeps_it(tmp_path):
    first = save(tmp_path, 1)
    before = (first.path / "manifest.json").stat().st_mtime_ns
    save(tmp_path, 1)
    assert (first.path / "manifest.json").stat().st_mtime_ns == before
    save(tmp_path, 1, value=7)
    data = read_sound(first, "ema.safetensors")
    assert_close(load_tensors(data, "x")["w"], torch.full((3,), 7.0))


def test_prune_keeps_the_newest(tmp_path):
    for nimg in (1, 2, 3, 4):
        save(tmp_path, nimg)
    assert [g.cur_nimg for g in prune(tmp_path, 2)] == [1, 2]
    assert [g.cur_nimg for g in generations(tmp_path)] == [3, 4]
    assert prune(tmp_path, 2) == []


def test_leftovers_and_foreign_folders_are_no_generations(tmp_path):
    (tmp_path / ".artgan-tmp-1-000000009-0").mkdir()
    (tmp_path / "notes").mkdir()
    assert generations(tmp_path) == []
    assert generations(tmp_path / "nowhere") == []


def test_later_format_is_refused(tmp_path):
    path = tmp_path / "state.json"
    path.write_text('{"format": 2}')
    with pytest.raises(CheckpointError) as error:
        read_json(path)
    assert str(error.value) == (
        f"{path} has format 2, this artgan reads 1: use the artgan that wrote it, or a newer one"
    )


@pytest.mark.parametrize("head", [b"PK\x03\x04rest", b"\x80\x04\x95", b"\x80\x02}q"])
def test_pickle_is_refused(head):
    with pytest.raises(CheckpointError, match="which can run code when read"):
        refuse_pickle(head, "model.artgan")


def test_a_real_pickle_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"w": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError):
        refuse_pickle(path.read_bytes()[:16], "model.pt")


def test_garbage_is_no_safetensors():
    with pytest.raises(CheckpointError, match="^thing is damaged: "):
        load_tensors(b"\x10" * 40, "thing")


def test_prune_counts_sound_ones_only(tmp_path):
    for nimg in (100, 200, 300):
        save(tmp_path, nimg)
    (tmp_path / "000000300-0" / "ema.safetensors").write_bytes(b"torn")
    assert [g.cur_nimg for g in prune(tmp_path, 1)] == [100, 300]
    assert [g.cur_nimg for g in generations(tmp_path)] == [200]


def test_prune_reads_no_more_than_it_has_to(tmp_path, monkeypatch):
    for nimg in (1, 2, 3):
        save(tmp_path, nimg)
    seen = []
    real = checkpoints.is_sound
    monkeypatch.setattr(checkpoints, "is_sound", lambda g: seen.append(g.cur_nimg) or real(g))
    prune(tmp_path, 1)
    assert seen == [3]


def test_prune_leaves_damaged_ones_where_nothing_else_is(tmp_path):
    generation = save(tmp_path, 1)
    (generation.path / "ema.safetensors").write_bytes(b"torn")
    prune(tmp_path, 1)
    assert [g.cur_nimg for g in generations(tmp_path)] == [1]


@pytest.mark.parametrize("length", [0x80, 0x4B50, 0x2880])
def test_a_safetensors_header_is_never_taken_for_a_pickle(length):
    refuse_pickle(length.to_bytes(8, "little") + b'{"a": 1', "mine.artgan")


# The way to one


def passed(folder, cur_nimg, attempt=0, returned_to=None):
    """Write a generation of a run that was once taken back, and return it."""
    return save_generation(folder, cur_nimg, attempt, {}, {"returned_to": returned_to})


def test_attempts_that_were_taken_back_are_no_predecessors(tmp_path):
    first = [passed(tmp_path, cur_nimg) for cur_nimg in (1000, 2000, 3000)]
    again = [passed(tmp_path, cur_nimg, 1, 1000) for cur_nimg in (1000, 2000, 4000)]
    last = [passed(tmp_path, cur_nimg, 2, 2000) for cur_nimg in (2000, 5000)]
    known = generations(tmp_path)
    assert on_the_way(known, first[2]) == first[:2]
    assert on_the_way(known, again[2]) == [first[0], *again[:2]]
    assert on_the_way(known, last[1]) == [first[0], again[0], again[1], last[0]]
    assert on_the_way(known, first[0]) == []


def test_where_no_state_says_it_an_attempt_begins_with_its_first_generation(tmp_path):
    for cur_nimg, attempt in ((1000, 0), (3000, 0), (2000, 1), (4000, 1)):
        passed(tmp_path, cur_nimg, attempt)
    known = generations(tmp_path)
    assert [g.name for g in on_the_way(known, known[-1])] == ["000001000-0", "000002000-1"]

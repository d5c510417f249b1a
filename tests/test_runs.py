import json
import subprocess
import sys
import threading

import pytest
from filelock import FileLock

from artgan.errors import CheckpointError, PathError, RunError
from artgan.runs import (
    all_runs,
    create_run,
    find_run,
    is_locked,
    locked,
    parse_reference,
    run_progress,
)


def make(root, label="x"):
    run = create_run(root, label)
    run.write_config({"run": {"id": "1"}, "train": {}})
    return run


def test_numbers_count_up_past_gaps_and_names_are_safe(tmp_path):
    assert make(tmp_path, "dcgan-my images!").name == "00001-dcgan-my-images"
    (tmp_path / "00041-old").mkdir()
    assert make(tmp_path, "../..").name == "00042-run"
    assert [run.number for run in all_runs(tmp_path)] == [1, 41, 42]


def test_a_file_in_the_place_of_the_root(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(PathError, match="cannot make a run folder in"):
        create_run(path, "x")


def test_references(tmp_path):
    first, second = make(tmp_path), make(tmp_path)
    assert find_run("1", tmp_path) == first
    assert find_run("latest", tmp_path) == second
    assert find_run(str(first.path), tmp_path / "elsewhere").path == first.path
    assert find_run(second.name, tmp_path).path == second.path
    reference = parse_reference("latest@12864", tmp_path)
    assert (reference.run, reference.which) == (second, "12864")
    assert parse_reference(f"{first.path}@latest", tmp_path).which == "latest"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7", "no run 7 in {root}: they go from 1 to 1"),
        (
            "nosuch",
            "no run nosuch: give a run folder, its number in {root}, 'latest', or a .artgan file",
        ),
        ("1@soon", "run 1@soon: after @ goes 'best', 'latest' or a number of pictures"),
        ("{root}", "{root} is no run of artgan: it has no config.toml"),
    ],
)
def test_bad_references(tmp_path, text, message):
    make(tmp_path)
    with pytest.raises(PathError) as error:
        parse_reference(text.format(root=tmp_path), tmp_path)
    assert str(error.value) == message.format(root=tmp_path)


def test_no_runs_yet(tmp_path):
    with pytest.raises(PathError, match="there are no runs in"):
        find_run("latest", tmp_path / "runs")


def test_a_pickle_is_no_run(tmp_path):
    path = tmp_path / "model.artgan"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(CheckpointError, match="can run code"):
        parse_reference(str(path), tmp_path)


def test_stats_are_cut_back_and_a_torn_line_is_passed_over(tmp_path):
    run = make(tmp_path)
    for nimg in (10, 20, 30):
        run.add_stats({"cur_nimg": nimg})
    with open(run.stats, "a") as file:
        file.write('{"cur_nimg": 4')
    run.cut_stats(20)
    assert [row["cur_nimg"] for row in run.read_stats()] == [10, 20]


def test_lock_is_exclusive_names_its_owner_and_is_let_go(tmp_path):
    run = make(tmp_path)
    with locked(run, pytest.fail):
        assert is_locked(run)
        with pytest.raises(RunError, match=r"^run 00001-x is in use by process \d+ on .* since "):
            with locked(run, pytest.fail):
                pass
    assert not is_locked(run)
    with locked(run, pytest.fail):
        pass


def test_stale_lock_is_recognised(tmp_path):
    """A process that dies holding the lock leaves its name, and no lock."""
    run = make(tmp_path)
    script = (
        "import os, pathlib, artgan.runs as r\n"
        f"with r.locked(r.RunFolder(pathlib.Path({str(run.path)!r})), print):\n"
        "    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    facts = json.loads((run.path / "owner.json").read_text())
    assert not is_locked(run)
    said = []
    with locked(run, said.append):
        pass
    assert len(said) == 1
    assert said[0].startswith(f"run 00001-x was held by process {facts['pid']} on ")
    assert said[0].endswith(", which is gone: taken over")


def test_leftovers_are_swept_by_the_holder(tmp_path):
    run = make(tmp_path)
    run.checkpoints.mkdir()
    (run.checkpoints / ".artgan-tmp-77-000000009-0").mkdir()
    (run.path / ".artgan-tmp-77-fakes000001.png").write_bytes(b"x")
    with locked(run, pytest.fail):
        pass
    assert list(run.checkpoints.iterdir()) == []
    assert sorted(path.name for path in run.path.iterdir()) == [
        "checkpoints",
        "config.toml",
        "lock",
    ]


def test_a_folder_that_begins_with_a_date_is_no_run(tmp_path):
    (tmp_path / "20240101-holiday").mkdir()
    assert make(tmp_path).name == "00001-x"
    assert [run.number for run in all_runs(tmp_path)] == [1]


def test_a_full_disk_does_not_keep_a_run_from_being_held(tmp_path, monkeypatch):
    from artgan import files

    run = make(tmp_path)

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "create", full)
    with locked(run, pytest.fail):
        assert is_locked(run)


def test_progress_is_that_of_the_newest_readable_checkpoint(tmp_path):
    run = make(tmp_path)
    for nimg, text in ((1, '{"cur_nimg": 1, "total_nimg": 5}'), (2, "{")):
        folder = run.checkpoints / f"{nimg:09d}-0"
        folder.mkdir(parents=True)
        (folder / "state.json").write_text(text)
    assert run_progress(run) == (1, 5)


def test_a_run_whose_checkpoints_are_all_damaged_says_so(tmp_path):
    run = make(tmp_path)
    assert run_progress(run) is None
    (run.checkpoints / "000000001-0").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="no checkpoint in .* can be read"):
        run_progress(run)


@pytest.mark.parametrize("name", ["12345-holiday", "20240101-holiday"])
def test_a_folder_of_other_things_is_no_run(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "beach.png").write_bytes(b"x")
    assert make(tmp_path).name == "00001-x"
    assert [run.number for run in all_runs(tmp_path)] == [1]


def test_numbers_go_on_past_five_digits(tmp_path):
    (tmp_path / "99999-x").mkdir()
    assert [make(tmp_path).name for _ in range(2)] == ["100000-x", "100001-x"]


def test_a_moments_look_at_the_lock_stops_nobody(tmp_path):
    run = make(tmp_path)
    look = FileLock(run.path / "lock", thread_local=False)  # let go by the timer
    look.acquire()
    timer = threading.Timer(0.1, look.release)
    timer.start()
    with locked(run, pytest.fail):
        assert is_locked(run)
    timer.join()


@pytest.mark.parametrize("refusal", [OSError(30, "Read-only file system"), NotImplementedError()])
def test_where_there_are_no_locks(tmp_path, monkeypatch, refusal):
    run = make(tmp_path)
    (run.path / "lock").touch()

    def refuse(*args, **kwargs):
        raise refusal

    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert not is_locked(run)
    with pytest.raises(RunError, match="^cannot lock "), locked(run, pytest.fail):
        pass

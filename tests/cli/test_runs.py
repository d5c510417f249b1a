import json

from artgan.cli.app import run


def folder(root, name, **files):
    path = root / "runs" / name
    path.mkdir(parents=True)
    for stem, text in files.items():
        (path / f"{stem}.toml").write_text(text)
    return path


def states(capsys):
    assert run(["runs", "--json"]) == 0
    return [(row["name"], row["state"]) for row in json.loads(capsys.readouterr().out)["runs"]]


def test_prune_writes_into_runs_only(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    holiday = folder(tmp_path, "12345-holiday", notes="")
    empty = folder(tmp_path, "00041-old")
    begun = folder(tmp_path, "00001-x", config="[train]\n")
    assert run(["runs", "--prune"]) == 0
    capsys.readouterr()
    assert [path.name for path in holiday.iterdir()] == ["notes.toml"]
    assert list(empty.iterdir()) == []
    assert {path.name for path in begun.iterdir()} == {"config.toml", "lock"}
    assert states(capsys) == [("00001-x", "empty"), ("00041-old", "damaged")]


def test_damaged_only_where_no_checkpoint_can_be_read(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = folder(tmp_path, "00001-x", config="[train]\n")
    for nimg in (1, 2):
        (path / "checkpoints" / f"{nimg:09d}-0").mkdir(parents=True)
    assert states(capsys) == [("00001-x", "damaged")]
    state = path / "checkpoints" / "000000001-0" / "state.json"
    state.write_text(json.dumps({"cur_nimg": 1, "total_nimg": 5}))
    assert states(capsys) == [("00001-x", "stopped")]

import json
import re

import pytest
from training_kit import squares

from artgan.cli.app import run

NARROW = ["--set", "architectures.dcgan.z_dim=8", "--set", "architectures.dcgan.base_channels=4"]
TINY = ["--size", "16", "--batch", "8", "--kimg", "0.1", "--device", "cpu", *NARROW]


@pytest.fixture
def images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return squares(tmp_path / "squares")


def refused(args, code, message, capsys):
    assert run([str(arg) for arg in args]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"artgan: {message}\n"


def test_trains_and_prints_the_run_last(images, capsys):
    assert run(["train", str(images), *TINY]) == 0
    captured = capsys.readouterr()
    assert captured.out == "runs/00001-dcgan-squares\n"
    assert "12 pictures to learn from\n" in captured.err
    assert "finished at 0.1 kimg after " in captured.err
    assert "next: artgan walk runs/00001-dcgan-squares --keys 0,1,2,3 -o walk.gif\n" in captured.err


def test_resume_is_refused_with_settings_that_make_another_run(images, capsys):
    run(["train", str(images), *TINY])
    capsys.readouterr()
    refused(
        ["train", "--resume", "1", "--seed", "4", "--g-lr", "0.1"], 2,
        "run 00001-dcgan-squares cannot go on with --seed 4 (it has 0), --g-lr 0.1 (it has "
        "0.001): leave that out, or start a new run from its weights with --init-from 1",
        capsys,
    )  # fmt: skip
    assert run(["train", "--resume", "1", "--kimg", "0.2", "--seed", "0"]) == 0
    assert "finished at 0.2 kimg" in capsys.readouterr().err


def test_an_unfinished_run_is_named_once(images, capsys, monkeypatch):
    from artgan.cli import training

    monkeypatch.setattr(training.Stop, "asked", lambda self: True)
    assert run(["train", str(images), *TINY]) == 143
    captured = capsys.readouterr()
    assert "to go on: artgan train --resume runs/00001-dcgan-squares\n" in captured.err
    monkeypatch.undo()
    monkeypatch.chdir(images.parent)
    monkeypatch.setenv("ARTGAN_CACHE", str(images.parent / "cache"))
    assert run(["train", str(images), *TINY]) == 0
    assert (
        "an unfinished run of these pictures is here; to go on with it instead: "
        "artgan train --resume runs/00001-dcgan-squares\n"
    ) in capsys.readouterr().err


def test_refusals(images, tmp_path, capsys):
    refused(
        ["train", images, "--size", "63"], 2,
        "size 63 does not suit 'dcgan': at this size both sides must be multiples of 8 px: "
        "try 64 or 56", capsys,
    )  # fmt: skip
    refused(
        ["train", images, "--arch", "dcgna"], 2,
        "no architecture 'dcgna': did you mean 'dcgan'? known: dcgan, fast, mlp, msg-gan, "
        "progressive, r3, style, vae", capsys,
    )  # fmt: skip
    refused(
        ["train", images, "--kimg", "nan"], 2,
        "--kimg is nan: expected a finite number", capsys,
    )  # fmt: skip
    refused(
        ["train", images, "--size", "big"], 2,
        "--size is 'big': expected a number of pixels or WIDTHxHEIGHT, such as 64 or 96x64", capsys,
    )  # fmt: skip
    refused(
        ["train"], 2,
        "no folder of pictures was given: artgan train DIR, or --resume RUN", capsys,
    )  # fmt: skip
    refused(
        ["train", images, "--resume", "1"], 2,
        "no run 1: there are no runs in runs yet", capsys,
    )  # fmt: skip
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("place", ["missing", "file", "empty"])
def test_no_folder_of_pictures(images, tmp_path, capsys, place):
    path = tmp_path / place
    if place == "file":
        path.write_text("x")
    elif place == "empty":
        path.mkdir()
    code = run(["train", str(path)])
    captured = capsys.readouterr()
    assert code in {1, 2}
    assert captured.out == ""
    assert re.fullmatch(r"artgan: [^\n]+\n", captured.err)
    assert place in captured.err
    assert not (tmp_path / "runs").exists()


def test_out_is_a_file(images, tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    code = run(["train", str(images), *TINY, "--out", "taken"])
    assert code == 2
    assert "artgan: cannot make a run folder in taken: " in capsys.readouterr().err


def test_dry_run_prints_the_settings_as_toml(images, tmp_path, capsys):
    import tomllib

    assert run(["train", str(images), *TINY, "--dry-run"]) == 0
    captured = capsys.readouterr()
    tables = tomllib.loads(captured.out)
    assert tables["train"]["size"] == "16"
    assert tables["architectures"]["dcgan"]["z_dim"] == 8
    assert re.search(r"generator [\d,]+ parameters, discriminator [\d,]+ parameters", captured.err)
    assert re.search(r"about .* at \d+ pictures a second, measured on a few steps", captured.err)
    assert not (tmp_path / "runs").exists()


def test_precedence_flag_environment_file_default(images, tmp_path, capsys, monkeypatch):
    import tomllib

    def settings(*flags):
        assert run(["train", str(images), *TINY, "--dry-run", *flags]) == 0
        return tomllib.loads(capsys.readouterr().out)["train"]

    assert settings()["seed"] == 0
    (tmp_path / "artgan.toml").write_text('[train]\nseed = 1\nbackground = "red"\n')
    assert (settings()["seed"], settings()["background"]) == (1, "red")
    monkeypatch.setenv("ARTGAN_TRAIN_SEED", "2")
    assert settings()["seed"] == 2
    assert settings("--seed", "3")["seed"] == 3


def test_a_length_as_a_flag_wins_over_the_other_in_a_file(images, tmp_path, capsys):
    import tomllib

    (tmp_path / "artgan.toml").write_text("[train]\nminutes = 7\n")
    assert run(["train", str(images), *TINY, "--dry-run"]) == 0
    table = tomllib.loads(capsys.readouterr().out)["train"]
    assert "minutes" not in table
    assert table["kimg"] == 0.1


def test_config_of_a_run_makes_the_same_run(images, tmp_path, capsys):
    from training_kit import checkpoint_bytes

    assert run(["train", str(images), *TINY, "--seed", "5"]) == 0
    config = tmp_path / "runs" / "00001-dcgan-squares" / "config.toml"
    assert run(["--config", str(config), "train"]) == 0
    first, second = (checkpoint_bytes(tmp_path / "runs" / f"0000{i}-dcgan-squares") for i in (1, 2))
    assert first == second


def test_init_from_takes_over_size_and_architecture(images, tmp_path, capsys):
    run(["train", str(images), *TINY])
    capsys.readouterr()
    assert run(["train", str(images), "--kimg", "0.05", "--batch", "8", "--init-from", "1"]) == 0
    assert "starts from run 00001-dcgan-squares at 0.104 kimg" in capsys.readouterr().err
    refused(
        ["train", images, "--size", "32", "--init-from", "1"], 2,
        "--size 32 does not fit --init-from 1, which has size 16: leave it out", capsys,
    )  # fmt: skip


def test_runs_lists_and_prunes(images, tmp_path, capsys):
    assert run(["runs"]) == 0
    assert capsys.readouterr().err == "no runs in runs yet: artgan train DIR makes one\n"
    run(["train", str(images), *TINY, "--save-minutes", "1e-9"])
    (tmp_path / "runs" / "00007-odd").mkdir()
    capsys.readouterr()
    assert run(["runs", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["runs"]
    assert [(r["number"], r["state"], r["cur_nimg"]) for r in rows] == [
        (1, "finished", 104),
        (7, "damaged", 0),
    ]
    assert run(["runs", "--prune"]) == 0
    captured = capsys.readouterr()
    assert "finished" in captured.out
    assert "freed " in captured.err
    checkpoints = tmp_path / "runs" / "00001-dcgan-squares" / "checkpoints"
    assert [path.name for path in checkpoints.iterdir()] == ["000000000-0", "000000104-0"]


def test_pack(images, tmp_path, capsys):
    run(["train", str(images), *TINY])
    capsys.readouterr()
    assert run(["pack", "latest", "-o", "mine.artgan"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "mine.artgan\n"
    refused(
        ["pack", "1", "-o", "mine.artgan"], 2,
        "mine.artgan exists: choose another name, or give --overwrite", capsys,
    )  # fmt: skip
    refused(["pack", "1", "-o", "mine.pt"], 2, "mine.pt should end in .artgan", capsys)
    assert run(["sample", "mine.artgan", "--seeds", "0-1", "-o", "out/"]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_no_regularizer_in_a_settings_file_means_none(images, tmp_path, capsys):
    import tomllib

    (tmp_path / "artgan.toml").write_text("[train]\nregularizers = []\n")
    assert run(["train", str(images), *TINY, "--dry-run"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["train"]["regularizers"] == []
    assert run(["train", str(images), *TINY, "--dry-run", "--regularizer", "r1"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["train"]["regularizers"] == ["r1"]


def test_resume_takes_its_length_from_the_run_not_from_a_file(images, tmp_path, capsys):
    assert run(["train", str(images), *TINY]) == 0
    (tmp_path / "artgan.toml").write_text("[train]\nminutes = 1\nbatch = 4\n")
    assert run(["train", "--resume", "1"]) == 0
    assert "finished at 0.1 kimg" in capsys.readouterr().err


def test_same_size_spelt_otherwise_fits_init_from(images, capsys):
    run(["train", str(images), *TINY])
    flags = ["--size", "16x16", "--kimg", "0.02", "--batch", "8", "--init-from", "1"]
    assert run(["train", str(images), *flags]) == 0


def test_a_signal_that_is_ignored_stays_ignored():
    import signal

    from artgan.cli.training import watched

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with watched():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_before_training_a_signal_acts_at_once_then_it_is_noted():
    import signal

    from artgan.cli.training import Stop

    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        stop(signal.SIGINT, None)
    stop = Stop()
    assert not stop.asked()
    stop(signal.SIGTERM, None)
    assert stop.asked()
    assert stop.exit_code == 143
    with pytest.raises(KeyboardInterrupt):
        stop(signal.SIGTERM, None)
    stop = Stop()
    stop.asked()
    stop.rest()
    with pytest.raises(KeyboardInterrupt):
        stop(signal.SIGINT, None)


def test_a_run_that_has_reached_its_length_says_how_to_go_on(images, capsys):
    run(["train", str(images), *TINY])
    capsys.readouterr()
    assert run(["train", "--resume", "1"]) == 0
    assert capsys.readouterr().err.startswith(
        "run 00001-dcgan-squares has reached its length, 0.1 kimg: give --kimg or --minutes to "
        "train it longer\n"
    )


def test_starting_from_a_run_whose_plugin_is_gone_names_it(images, capsys, monkeypatch):
    from artgan.runs import find_run

    run(["train", str(images), *TINY])
    path = find_run("1", images.parent / "runs").path / "config.toml"
    path.write_text(path.read_text().replace('arch = "dcgan"', 'arch = "spark"'))
    capsys.readouterr()
    assert run(["train", str(images), "--init-from", "1"]) == 1
    assert "needs what is not here: no architecture 'spark'" in capsys.readouterr().err

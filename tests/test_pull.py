"""Losses of pictures in a generator's objective: what they see, what they weigh, what is kept."""

import json
import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.testing import assert_close
from training_kit import Notes, after, checkpoint_bytes, squares, tiny, train_tiny

from artgan.api import Batch, ConfigError, PathError
from artgan.cli.app import run
from artgan.config import TrainConfig, validate
from artgan.images import to_signed
from artgan.models import run_config
from artgan.picturefiles import read_picture
from artgan.pictures import UnreadablePicture, read_header
from artgan.pipelines.train import forecast, resume, settled
from artgan.pull import Pull, as_seen
from artgan.registry import registry
from artgan.training import Trainer

SMALL = {"patch-kmeans": {"widths": [6, 8], "patches": 100, "rounds": 2}}
NETS = {
    "dcgan": {"z_dim": 8, "base_channels": 4},
    "msg-gan": {"z_dim": 8},
    "vae": {"z_dim": 8, "base_channels": 4},
    "progressive": {"z_dim": 8},
}
TABLES = {"architectures": {"dcgan": NETS["dcgan"]}, "extractors": SMALL}


def painting(path, seed=0, size=(24, 18), mode="RGB"):
    """Write a picture of random blots, and return its path."""
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (5, 6, len(mode)), generator=random, dtype=torch.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.numpy()).resize(size, Image.Resampling.BICUBIC).save(path)
    return str(path)


def settings(losses, styles=(), **more):
    return tiny("x", components=TABLES, losses=losses, styles=tuple(styles), **more)


def values_of(config, *fakes):
    """Return what the term says of a pyramid of signed fakes."""
    term = Pull(config, registry()).term()
    assert term.phase == "G"
    assert term.needs == frozenset()
    nothing = torch.zeros(len(fakes[0]), 8)
    return term.compute(Batch("G", 0, nothing, fakes, (), lambda _: (), lambda _: ()))


def go_on(run, steps=10**5):
    config = run_config(run.config(), run.name)
    return resume(run, validate(TrainConfig, config.model_dump(), ""), Notes(), after(steps))


# What they see


def test_pictures_as_they_are_seen():
    ground = torch.tensor([1.0, 0.0, 0.5]).view(3, 1, 1)
    grey = as_seen(torch.tensor([0.0, 3.0]).view(2, 1, 1, 1), ground)
    assert_close(grey[:, :, 0, 0], torch.tensor([[0.5] * 3, [2.0] * 3]))  # beyond stays beyond
    colour = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1)
    assert_close(as_seen(colour, ground)[0, :, 0, 0], torch.tensor([0.0, 0.5, 1.0]))
    half = torch.tensor([-1.0, 1.0, 0.0, 0.0]).view(1, 4, 1, 1)  # alpha .5
    assert_close(as_seen(half, ground)[0, :, 0, 0], torch.tensor([0.5, 0.5, 0.5]))


def test_the_first_pictures_of_the_finest_scale_count_for_all_times_the_weight():
    board = to_signed(torch.tensor([0.0, 1.0]).repeat(16, 8).roll(0).view(1, 1, 16, 16))
    board = board.expand(48, 3, -1, -1).clone()  # stripes: neighbours differ by 1, across alone
    board[6:] = 9.0
    coarse = torch.zeros(48, 3, 8, 8)
    found = values_of(settings(["total-variation:0.5"]), coarse, board)["pull/total-variation"]
    assert_close(found, torch.cat([torch.full((6,), 0.5 * 8), torch.zeros(42)]))
    assert found.mean() == pytest.approx(0.5)
    few = values_of(settings(["total-variation:0.5"]), board[:3])["pull/total-variation"]
    assert_close(few, torch.full((3,), 0.5))


@pytest.mark.parametrize("loss", ["gram", "moments", "patch-swd"])
def test_a_style_is_at_0_and_others_are_not(tmp_path, loss):
    style, other = painting(tmp_path / "a.png", 0, (16, 16)), painting(tmp_path / "b.png", 1)
    pictures = torch.stack([_signed(style), torch.full((3, 16, 16), -1.0)]).requires_grad_()
    for styles, least in (((style,), 0.0), ((style, style), 0.0), ((style, other), 1e-4)):
        config = settings([loss], styles, style_scale=1)
        found = values_of(config, pictures)[f"pull/{loss}"]
        assert found[0].item() == pytest.approx(0, abs=2e-3) if least == 0 else found[0] > least
        assert found[1] > 0.1
    (slope,) = torch.autograd.grad(found.sum(), pictures)
    assert slope.isfinite().all()
    assert slope[0].any()
    one, two = (
        values_of(settings([loss], pair, style_scale=1, extractor="random"), pictures.detach())
        for pair in ((style, other), (other, style))
    )
    assert_close(one, two)  # shares are even


def _signed(path):
    return to_signed(read_picture(Path(path))[0][0])


def test_colours_that_are_not_there_do_not_pull(tmp_path):
    """What is transparent in a style does not count."""
    flat = Image.new("RGBA", (32, 32), (200, 40, 90, 255))
    flat.save(tmp_path / "flat.png")
    flat.paste((0, 255, 0, 0), (0, 0, 32, 16))
    flat.save(tmp_path / "half.png")
    fakes = to_signed(torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    whole, half = (
        values_of(settings(["patch-swd"], [str(tmp_path / name)]), fakes)["pull/patch-swd"]
        for name in ("flat.png", "half.png")
    )
    assert_close(whole, half, rtol=1e-3, atol=0)


# What is refused, and leaves nothing behind


@pytest.mark.parametrize(
    ("losses", "styles", "message"),
    [
        (["content"], ["a.png"],
         "--loss content compares with the picture that is redrawn, and training has none: leave "
         "it out, or use gram or moments or patch-swd or total-variation"),
        (["gram:0.3"], [],
         "--loss gram compares with a style: give a picture of one with --style, or leave it out"),
        (["total-variation", "gram:0"], ["a.png"],
         "--style a.png: no loss looks at it; add one that does, such as --loss moments:0.3, or "
         "leave it out"),
        ([], ["a.png"],
         "--style a.png: no loss looks at it; add one that does, such as --loss moments:0.3, or "
         "leave it out"),
        (["gram:-1"], ["a.png"], "--loss gram:-1: expected a weight from 0 up, such as gram:1"),
        (["gram", "gram:1"], ["a.png"], "--loss names 'gram' twice: give it once"),
        (["gram", "artgan:gram:1"], ["a.png"], "--loss names 'gram' twice: give it once"),
        (["gram"], ["clear.png"],
         "style clear.png is transparent everywhere: give another picture"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(tmp_path, monkeypatch, losses, styles, message):
    monkeypatch.chdir(tmp_path)
    painting(tmp_path / "a.png")
    Image.new("RGBA", (16, 16)).save("clear.png")
    with pytest.raises(ConfigError) as error:
        train_tiny(tmp_path, losses=losses, styles=styles)
    assert str(error.value) == message
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("extractors", "options", "message"),
    [
        ({"widths": [2, 2, 2, 2, 2]}, {},
         "--extractor patch-kmeans looks at pictures of 32 px a side or more, and these are 16: "
         "give a larger --size, or another --extractor"),
        ({}, {"layers": ["stage9"]},
         "losses.gram.layers names 'stage9', which 'artgan:patch-kmeans' does not have: did you "
         "mean 'stage4'? known: stage1, stage2, stage3, stage4"),
    ],
)  # fmt: skip
def test_what_the_extractor_cannot_do(tmp_path, extractors, options, message):
    style = painting(tmp_path / "a.png")
    tables = {**TABLES, "extractors": {"patch-kmeans": extractors}, "losses": {"gram": options}}
    with pytest.raises(ConfigError) as error:
        train_tiny(tmp_path, losses=["gram"], styles=[style], components=tables)
    assert str(error.value) == message
    assert not (tmp_path / "runs").exists()


def test_styles_that_cannot_be_read(tmp_path):
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UnreadablePicture):
        train_tiny(tmp_path, losses=["gram"], styles=[str(tmp_path / "torn.png")])
    with pytest.raises(PathError, match=r"^there is no style .*no\.png: give a picture that"):
        train_tiny(tmp_path, losses=["gram"], styles=[str(tmp_path / "no.png")])
    with pytest.raises(PathError, match=r"^style .* is a folder: give a picture in it$"):
        train_tiny(tmp_path, losses=["gram"], styles=[str(tmp_path)])
    assert not (tmp_path / "runs").exists()


# Runs


@pytest.mark.parametrize(
    ("arch", "more"),
    [
        ("dcgan", {"channels": 4, "precision": "bfloat16"}),
        ("vae", {"channels": 1}),
    ],
)
def test_stopped_and_resumed_is_uninterrupted_though_the_style_is_gone(tmp_path, arch, more):
    def trained(out, steps=10**5):
        return train_tiny(
            tmp_path, out, steps, arch=arch, losses=["gram:0.3", "total-variation:0.1"],
            styles=styles, components={"architectures": {arch: NETS[arch]}, "extractors": SMALL},
            metrics=(), doctor="watch", kimg=0.05, **more,
        )  # fmt: skip

    styles = [painting(tmp_path / "a.png", size=(96, 80)), painting(tmp_path / "b.webp", 1)]
    whole = trained("whole")
    part = trained("part", 3)
    for style in ("a.png", "b.webp"):
        (tmp_path / style).unlink()
    rest = go_on(go_on(part.run, 2).run)
    assert rest.finished
    assert checkpoint_bytes(rest.run.path) == checkpoint_bytes(whole.run.path)
    config = run_config(rest.run.config(), "x")
    assert config.styles == tuple(styles)
    assert config.losses == ("gram:0.3", "total-variation:0.1")
    assert config.components["losses"]["gram"] == {"layers": []}
    state = json.loads(checkpoint_bytes(rest.run.path)["state.json"])
    assert {"losses.gram", "losses.total-variation", "extractors.patch-kmeans"} <= set(
        state["plugins"]
    )
    copies = [read_header(rest.run.path / f"style{number}.png") for number in (0, 1)]
    assert [(copy.width, copy.height) for copy in copies] == [(38, 32), (24, 18)]  # never enlarged


def test_a_copy_that_is_gone_is_asked_for(tmp_path):
    part = train_tiny(
        tmp_path, steps=1, losses=["gram"], styles=[painting(tmp_path / "a.png")], components=TABLES
    )
    copy = part.run.path / "style0.png"
    copy.unlink()
    with pytest.raises(PathError) as error:
        go_on(part.run)
    assert str(error.value) == (
        f"{copy} is not there, which the run keeps of its style {tmp_path / 'a.png'}: put it back, "
        "or start a new run from its weights with --init-from"
    )


def test_pictures_come_nearer_to_the_style(tmp_path):
    style = painting(tmp_path / "a.png", size=(32, 32))
    reals = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8).fill_(255)

    def last(weight):
        config = settings([f"gram:{weight}"], [style], doctor="off", decay=0.0, kimg=1)
        choice, device = settled(config, registry(), [(16, 16)] * 8, 0.3)
        trainer = Trainer(choice.config, registry(), device)
        values = [trainer.step(reals)["G/pull/gram"] for _ in range(24)]
        return sum(values[-4:]) / (4 * weight)

    assert last(3.0) < 0.6 * last(1e-3)


@pytest.mark.parametrize("arch", ["msg-gan", "progressive"])
def test_networks_of_many_scales_and_such_as_grow(tmp_path, arch):
    tables = {**TABLES, "architectures": {arch: NETS[arch]}}
    config = tiny(
        "x", arch=arch, losses=["gram"], styles=[painting(tmp_path / "a.png")], components=tables
    )
    choice, device = settled(config, registry(), [(16, 16)] * 8, 0.3)
    trainer = Trainer(choice.config, registry(), device)
    trainer.ends_at(1000)  # at its beginning: what grows draws but its coarsest scale
    values = trainer.step(torch.zeros(4, 3, 16, 16, dtype=torch.uint8))
    assert (values["bad"], values["G/pull/gram"] > 0) == (0, True)


def test_a_forecast_counts_networks_that_learn_and_leaves_nothing(tmp_path):
    images = squares(tmp_path / "squares")
    style = painting(tmp_path / "a.png")
    config = tiny(images, losses=["gram"], styles=[style], components=TABLES)
    plan = forecast(config, Notes(), steps=1)
    assert set(plan.parameters) == {"generator", "discriminator"}
    assert not (tmp_path / "runs").exists()


def test_another_run_from_its_weights_has_no_pull(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    images = squares(tmp_path / "squares")
    style = painting(tmp_path / "a.png")
    flags = ["--size", "16", "--batch", "8", "--kimg", "0.05", "--device", "cpu"]
    narrow = ["--set", "architectures.dcgan.base_channels=4"]
    filters = ["--set", "extractors.patch-kmeans.widths=[6, 8]"]
    pull = ["--loss", "gram:0.3", "--loss", "total-variation:0.1", "--style", style]
    assert run(["train", str(images), *flags, *narrow, *pull, *filters]) == 0
    assert run(["train", str(images), *flags, "--init-from", "1"]) == 0
    first, second = sorted((tmp_path / "runs").iterdir())
    assert (first / "style0.png").is_file()
    assert not list(second.glob("style*"))
    text = (second / "config.toml").read_text()
    assert re.search(r"^losses = \[\]$", text, re.MULTILINE)
    capsys.readouterr()
    assert run(["train", "--resume", "1", "--loss", "gram:1"]) == 2
    assert "cannot go on with --losses" in capsys.readouterr().err


def test_settings_and_options_come_from_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = squares(tmp_path / "squares")
    painting(tmp_path / "a.png")
    (tmp_path / "artgan.toml").write_text(
        '[train]\nlosses = ["gram:0.5"]\nstyles = ["a.png"]\nsize = "16"\nkimg = 0.02\n'
        'batch = 8\nmetrics = []\n\n[losses.gram]\nlayers = ["stage2"]\n\n'
        "[extractors.patch-kmeans]\nwidths = [6, 8]\n"
    )
    assert run(["train", str(images), "--set", "architectures.dcgan.base_channels=4"]) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    config = run_config(start_tables(folder), "x")
    assert config.losses == ("gram:0.5",)
    assert config.components["losses"]["gram"] == {"layers": ["stage2"]}
    assert config.components["extractors"]["patch-kmeans"]["widths"] == [6, 8]


def start_tables(folder):
    from artgan.runs import RunFolder

    return RunFolder(folder).config()

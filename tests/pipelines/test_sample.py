"""Sample: files and names, the same bytes in any company, grids, recipes, refusals."""

import errno
import json

import numpy as np
import pytest
import torch
from fakes import fake_model
from PIL import Image

from artgan import files
from artgan.choices import LABEL
from artgan.config import validate
from artgan.errors import ConfigError, OutputError, PathError
from artgan.images import RECIPE_KEY, to_bytes
from artgan.latents import draw
from artgan.pipelines.sample import SampleConfig, sample


def config(**settings):
    return validate(SampleConfig, {"run": "1", **settings}, "")


def take(folder, model=None, **settings):
    return sample(config(out=f"{folder}/", **settings), model or fake_model())


def names(folder):
    return sorted(p.name for p in folder.rglob("*"))


def test_a_file_a_seed_with_its_picture(tmp_path):
    model = fake_model()
    paths = take(tmp_path / "out", model, seeds="0,17,17")
    assert paths == [tmp_path / "out" / "seed000000.png", tmp_path / "out" / "seed000017.png"]
    assert names(tmp_path / "out") == ["seed000000.png", "seed000017.png"]
    expected = (model.generator.render(draw([17], 8, "gaussian"))[-1][0] + 1) / 2
    with Image.open(paths[1]) as picture:
        difference = np.asarray(picture).astype(int) - to_bytes(expected).permute(1, 2, 0).numpy()
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("seed", [0, 5])
def test_a_seed_has_the_same_bytes_in_any_company(tmp_path, seed):
    name = f"seed{seed:06d}.png"
    take(tmp_path / "alone", seeds=str(seed))
    take(tmp_path / "many", seeds="39,0-38")
    assert (tmp_path / "alone" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()


def test_grid_keeps_the_order_and_every_seed(tmp_path):
    model = fake_model(size=(4, 4))
    (path,) = take(tmp_path, model, seeds="2,1,2", grid=True, columns=3)
    assert path == tmp_path / "grid.png"
    with Image.open(path) as picture:
        assert picture.size == (3 * 6 + 2, 4 + 4)
        sheet = np.asarray(picture)
    tiles = [sheet[2:6, 2 + 6 * i : 6 + 6 * i] for i in range(3)]
    assert np.array_equal(tiles[0], tiles[2])
    assert not np.array_equal(tiles[0], tiles[1])
    assert (sheet[:2] == 255).all()


def test_one_file_for_one_picture(tmp_path):
    settings = config(out=str(tmp_path / "a.png"), seeds="3")
    assert sample(settings, fake_model()) == [tmp_path / "a.png"]
    grid = config(out=str(tmp_path / "g.PNG"), seeds="0-3", grid=True)
    assert sample(grid, fake_model()) == [tmp_path / "g.PNG"]


def test_recipes_name_their_own_seed_only(tmp_path):
    paths = take(tmp_path, seeds="1,2", psi=0.5)
    with Image.open(paths[1]) as picture:
        made = json.loads(picture.text[RECIPE_KEY])
    assert made["sample"] == {"seeds": [2], "psi": 0.5, "scale": 1, "pixels": False}
    assert made["model"]["cur_nimg"] == 128000
    assert str(tmp_path) not in json.dumps(made)
    (path,) = take(tmp_path / "plain", seeds="1", meta=False)
    with Image.open(path) as picture:
        assert picture.text == {}


def test_scale_and_alpha(tmp_path):
    (path,) = take(tmp_path, fake_model(channels=4), seeds="1", scale=2)
    with Image.open(path) as picture:
        assert (picture.mode, picture.size) == ("RGBA", (24, 16))


def test_progress_counts_every_picture(tmp_path):
    seen = []
    sample(config(out=f"{tmp_path}/", seeds="0-19"), fake_model(), lambda *n: seen.append(n))
    assert seen == [(i, 20) for i in range(1, 21)]


def test_what_exists_is_kept_unless_told_otherwise(tmp_path):
    take(tmp_path, seeds="4")
    before = (tmp_path / "seed000004.png").read_bytes()
    with pytest.raises(PathError) as caught:
        take(tmp_path, seeds="3-5", psi=0.1)
    path = tmp_path / "seed000004.png"
    assert str(caught.value) == f"{path} exists: choose another name, or add --overwrite"
    assert names(tmp_path) == ["seed000004.png"]
    take(tmp_path, seeds="3-5", psi=0.1, overwrite=True)
    assert path.read_bytes() != before


def test_outputs_that_do_not_fit(tmp_path):
    with pytest.raises(ConfigError, match=r"holds one picture, 3 seeds were given: add --grid"):
        sample(config(out=str(tmp_path / "a.png"), seeds="1-3"), fake_model())
    with pytest.raises(ConfigError, match=r"samples are \.png, not '\.jpg'"):
        sample(config(out=str(tmp_path / "a.jpg"), seeds="1"), fake_model())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PathError, match="is a file, expected a folder"):
        sample(config(out=str(tmp_path / "file"), seeds="1"), fake_model())
    with pytest.raises(ConfigError, match="40 at most"):
        sample(
            config(out=f"{tmp_path}/", seeds="0-99", grid=True, scale=64),
            fake_model(4, size=(64, 64)),
        )
    assert names(tmp_path) == ["file"]


def test_a_full_disk_leaves_no_half_pictures(tmp_path, monkeypatch):
    create, count = files.create, iter(range(100))

    def full(path):
        if next(count) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return create(path)

    monkeypatch.setattr(files, "create", full)
    with pytest.raises(OutputError, match="no space is left on the disk"):
        take(tmp_path, seeds="0-5")
    assert names(tmp_path) == ["seed000000.png", "seed000001.png"]


def test_seed_lists_are_checked_with_the_settings():
    with pytest.raises(ConfigError, match="seeds '1,,2'"):
        config(seeds="1,,2")


def test_models_on_a_sphere_draw_from_it(tmp_path):
    model = fake_model(prior="sphere")
    seen = []
    original = model.generator.codes
    model.generator.codes = lambda z, psi: (seen.append(z), original(z, psi))[1]
    take(tmp_path, model, seeds="0-2")
    torch.testing.assert_close(seen[0].norm(dim=1), torch.full((16,), 8**0.5))


# Labels -----------------------------------------------------------------------------------------


def test_each_picture_of_a_grid_has_its_seed_below_it(tmp_path):
    model = fake_model(size=(8, 32))
    (plain,) = take(tmp_path / "plain", model, seeds="3,17", grid=True)
    (path,) = take(tmp_path / "named", model, seeds="3,17", grid=True, label=True)
    with Image.open(plain) as picture, Image.open(path) as named:
        assert picture.size == (2 * 34 + 2, 10 + 2)
        assert named.size == (2 * 34 + 2, 10 + LABEL + 2)
        bare, sheet = np.asarray(picture), np.asarray(named)
        made = json.loads(named.text[RECIPE_KEY])["sample"]
    assert np.array_equal(sheet[:10], bare[:10])
    words = sheet[10 : 10 + LABEL]
    assert (words[:, 2:34] < 128).any()
    assert not np.array_equal(words[:, 2:34], words[:, 36:68])
    assert made["label"] is True
    assert made["seeds"] == [3, 17]


@pytest.mark.parametrize("channels", [1, 4])
def test_labels_on_grey_and_on_nothing(tmp_path, channels):
    model = fake_model(channels=channels, size=(8, 32))
    (path,) = take(tmp_path, model, seeds="3", grid=True, label=True)
    with Image.open(path) as picture:
        assert picture.mode == {1: "L", 4: "RGBA"}[channels]
        below = np.asarray(picture.convert("RGBA"))[10:]
    assert (below[..., 3] == 255).all()
    assert (below[..., :3] < 128).any()


def test_labels_are_of_grids_and_count_in_their_size(tmp_path):
    with pytest.raises(ConfigError, match=r"^--label is of a grid: add --grid, or leave it out$"):
        take(tmp_path, seeds="3", label=True)
    model = fake_model(4, size=(4, 4))
    with pytest.raises(ConfigError, match=r"^a grid of 600 pictures has 42 million pixels, 40 at"):
        take(tmp_path, model, seeds="0-599", scale=64, grid=True, label=True)  # 39 without
    assert names(tmp_path) == []

"""Fitting fast styles, at toy size."""

import numpy as np
import pytest
import torch
from PIL import Image

from artgan.artstyle import FastStylist
from artgan.errors import ConfigError, ImageError
from artgan.fastnet import Shape
from artgan.picturefiles import read_picture
from artgan.pipelines import fit as module
from artgan.pipelines.fit import fit, specimens
from artgan.registry import registry
from artgan.studio import Studio
from artgan.stylesettings import StylizeConfig

TABLES = {"extractors": {"patch-kmeans": {"widths": [6, 8], "patches": 200, "rounds": 2}}}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("artgan.fastnet.Shape", lambda: Shape(width=12, detail=6, blocks=1))


@pytest.fixture
def paths(tmp_path):
    """Smooth photos, and a style that is rough."""
    random = np.random.default_rng(0)
    found = []
    for number, size in enumerate([(48, 40), (40, 64), (90, 30)]):
        small = Image.fromarray(random.integers(60, 200, (4, 4, 3), np.uint8))
        path = tmp_path / f"{number}.png"
        small.resize(size, Image.Resampling.BICUBIC).save(path)
        found.append(path)
    rough = Image.fromarray(random.integers(0, 256, (12, 12, 3), np.uint8))
    rough.resize((64, 64), Image.Resampling.BICUBIC).save(tmp_path / "style.png")
    return found


def studio(paths, **settings):
    style = str(paths[0].parent / "style.png")
    return Studio(
        StylizeConfig.model_validate(
            {
                "images": ["x"],
                "styles": [style],
                "size": "64",
                "effort": 0.02,
                "components": TABLES,
                **settings,
            }
        ),
        registry(),
    )


def test_losses_fall_and_pictures_become_like_the_style(paths):
    told = []
    work = studio(paths, effort=0.4)
    fitted = fit(work, paths, lambda *heard: told.append(heard))
    assert fitted.count == 3
    assert [heard[:2] for heard in told[-1:]] == [(120, 120)]
    assert told[-1][2]["gram"] < 0.6 * told[4][2]["gram"]
    content = read_picture(paths[1])[0]
    drawn = FastStylist(fitted.style, strength=0.9).redraw(content)

    def roughness(image):
        return float((image[..., 1:, :] - image[..., :-1, :]).abs().mean())

    assert roughness(drawn) > 1.5 * roughness(content)


def test_the_same_seed_fits_the_same_network(paths):
    one, two, other = (fit(studio(paths, seed=seed), paths).style.net for seed in (0, 0, 1))
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(one.stages[0].end.weight, other.stages[0].end.weight)


def test_every_size_has_a_network(paths):
    work = studio(paths, size="140", effort=0.001)
    assert len(fit(work, paths[:2]).style.net.stages) == 2


def test_broken_pictures_are_named_and_the_rest_is_used(paths, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nno")
    fitted = fit(studio(paths), [broken, *paths])
    assert fitted.count == 3
    assert [path for path, _ in fitted.skipped] == [broken]
    with pytest.raises(ImageError, match="none of 1 picture can be read, the first is"):
        fit(studio(paths), [broken])


def test_no_more_pictures_than_needed_are_read(paths, monkeypatch):
    monkeypatch.setattr(module, "MOST_PICTURES", 2)
    assert fit(studio(paths), paths).count == 2


def test_a_size_is_needed(paths):
    with pytest.raises(ConfigError, match="made for one size"):
        fit(studio(paths, size="full"), paths)


def test_specimens_are_a_table(paths):
    work = studio(paths)
    table = specimens(work, fit(work, paths), paths)
    assert table.width > 3 * 64
    assert table.height > 3 * 64


def test_guides_can_be_left_out(paths):
    assert fit(studio(paths, guide=False), paths).count == 3

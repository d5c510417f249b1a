"""The AVIF writer, read back by Pillow: frames, times, the recipe, and no leftovers."""

import numpy as np
import pytest
import torch
from PIL import Image, features
from writers_kit import FullDisk, read

from artgan import files
from artgan.api import ConfigError, OutputError
from artgan.images import to_bytes
from artgan.picturefiles import read_recipe
from artgan_plugins.writers import avif
from artgan_plugins.writers.avif import open_avif
from artgan_plugins.writers.options import AvifOptions

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow knows no AVIF")


def write(path, images, *, fps=25.0, recipe=None, seconds=None, **options):
    size = tuple(images[0].shape[1:])
    writer = open_avif(AvifOptions(**options), path, size=size, fps=fps, loop=0, recipe=recipe)
    for number, image in enumerate(images):
        own = seconds[number] if seconds else None
        writer.write(image, name=f"frame{number:06d}", seconds=own)
    return writer.close()


def ramps(count, channels=3, size=(24, 32)):
    """Return smooth frames that become brighter."""
    ramp = torch.linspace(0, 0.6, size[1]).expand(channels, *size)
    frames = [ramp + 0.4 * number / count for number in range(count)]
    if channels == 4:
        for frame in frames:
            frame[3] = torch.linspace(0, 1, size[0])[:, None]
    return frames


@needs_avif
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_frames_come_back_nearly(tmp_path, channels):
    images = ramps(5, channels)
    assert write(tmp_path / "a.avif", images, quality=90) == [tmp_path / "a.avif"]
    frames, delays, _ = read(tmp_path / "a.avif")
    assert (len(frames), delays) == (5, [40] * 5)
    for frame, image in zip(frames, images, strict=True):
        expected = to_bytes(image).permute(1, 2, 0).numpy().astype(int)
        shown = frame if channels == 4 else frame[..., :3]
        assert np.abs(shown - expected).max() <= 8
    assert [path.name for path in tmp_path.iterdir()] == ["a.avif"]


@needs_avif
def test_equal_frames_and_own_times_are_kept(tmp_path):
    image = ramps(1)[0]
    write(tmp_path / "a.avif", [image, image, 1 - image], seconds=[0.04, 0.25, 0.001])
    assert read(tmp_path / "a.avif")[1] == [40, 250, 11]


@needs_avif
def test_times_average_to_the_rate(tmp_path):
    write(tmp_path / "a.avif", ramps(30, 1, (8, 8)), fps=30)
    delays = read(tmp_path / "a.avif")[1]
    assert set(delays) == {33, 34}
    assert sum(delays) == 1000


@needs_avif
def test_the_same_frames_make_the_same_bytes_with_the_recipe_in_them(tmp_path, monkeypatch):
    recipe = '{"schema":1,"style":"été 漢字"}'
    monkeypatch.setattr(avif, "_times", spied := Spy(avif._times))
    for name in "ab":
        write(tmp_path / f"{name}.avif", ramps(4), recipe=recipe)
    assert (tmp_path / "a.avif").read_bytes() == (tmp_path / "b.avif").read_bytes()
    assert spied.found  # the encoder writes the clock into it, which two quick calls do not show
    for at, length in spied.found:
        assert not any((tmp_path / "b.avif").read_bytes()[at : at + length])
    assert read_recipe(tmp_path / "a.avif") == recipe
    write(tmp_path / "c.avif", ramps(1))
    assert read_recipe(tmp_path / "c.avif") is None


class Spy:
    """A function that remembers what it returned."""

    def __init__(self, function):
        self._function, self.found = function, []

    def __call__(self, *args):
        self.found = list(self._function(*args))
        return self.found


@needs_avif
def test_less_quality_makes_smaller_files(tmp_path):
    images = [torch.rand(3, 48, 48, generator=torch.Generator().manual_seed(i)) for i in range(3)]
    sizes = []
    for quality in (75, 60, 45):
        write(tmp_path / "a.avif", images, quality=quality)
        sizes.append((tmp_path / "a.avif").stat().st_size)
    assert sizes[0] > sizes[1] > sizes[2]


@needs_avif
@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError, None])
def test_when_encoding_stops_nothing_is_left(tmp_path, monkeypatch, stop):
    (tmp_path / "a.avif").write_bytes(b"before")
    writer = open_avif(
        AvifOptions(), tmp_path / "a.avif", size=(24, 32), fps=25.0, loop=0, recipe=None
    )
    writer.write(ramps(1)[0], name="0", seconds=None)
    if stop is None:
        writer.abort()
    else:

        def save(*args, **kwargs):
            raise stop("no")

        monkeypatch.setattr(Image.Image, "save", save)
        expected = KeyboardInterrupt if stop is KeyboardInterrupt else OutputError
        with pytest.raises(expected) as caught:
            writer.close()
        if expected is OutputError:
            assert str(caught.value) == f"cannot write {tmp_path / 'a.avif'}: Pillow says no"
        writer.abort()
    assert [path.name for path in tmp_path.iterdir()] == ["a.avif"]
    assert (tmp_path / "a.avif").read_bytes() == b"before"


@needs_avif
@pytest.mark.parametrize("room", [[0], [10**6, 0]], ids=["frames", "result"])
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, room):
    create = files.create
    monkeypatch.setattr(files, "create", lambda path: FullDisk(create(path), room.pop(0)))
    with pytest.raises(OutputError, match=r"cannot write .*[/\\]a\.avif: no space is left"):
        write(tmp_path / "a.avif", ramps(2))
    assert not list(tmp_path.iterdir())


@needs_avif
def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match="an AVIF has at most 32768 px a side"):
        open_avif(
            AvifOptions(), tmp_path / "a.avif", size=(2, 40_000), fps=25.0, loop=0, recipe=None
        )
    with pytest.raises(OutputError, match="has 3 channels, expected 4"):
        write(tmp_path / "a.avif", [*ramps(1, 4), *ramps(1)])
    with pytest.raises(OutputError, match="there were no frames to write"):
        open_avif(
            AvifOptions(), tmp_path / "a.avif", size=(2, 2), fps=25.0, loop=0, recipe=None
        ).close()
    assert not list(tmp_path.iterdir())


def test_without_avif_in_pillow_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(avif.features, "check", lambda name: False)
    with pytest.raises(ConfigError) as caught:
        write(tmp_path / "a.avif", ramps(1))
    assert str(caught.value) == (
        f"{tmp_path / 'a.avif'}: the installed Pillow knows no AVIF: choose another format, "
        "or install a Pillow that does"
    )
    assert not list(tmp_path.iterdir())

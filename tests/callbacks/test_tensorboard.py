import sys
import types

import pytest
from training_kit import Notes, after, squares, tiny

from artgan.api import ConfigError
from artgan.pipelines.train import start
from artgan.registry import Registry

REGISTRY = Registry(entry_points=[])


class Writer:
    """What TensorBoard's writer is told."""

    made: list = []

    def __init__(self, folder, purge_step):
        self.folder, self.purge_step, self.closed = folder, purge_step, False
        self.scalars, self.images, self.texts = [], [], []
        Writer.made.append(self)

    def add_scalar(self, name, value, step):
        self.scalars.append((name, float(value), step))

    def add_image(self, name, pixels, step, dataformats):
        assert dataformats == "HWC"
        self.images.append((name, pixels.shape, step))

    def add_text(self, name, text, step):
        self.texts.append((name, text, step))

    def close(self):
        self.closed = True


@pytest.fixture
def writers(monkeypatch):
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(Writer, "made", [])
    return Writer.made


def test_it_logs_numbers_grids_and_the_end(writers, tmp_path):
    images = squares(tmp_path / "squares")
    config = tiny(images, callbacks=("tensorboard",), kimg=1.5)
    run = start(config, Notes(), after(10**5), out=tmp_path / "runs").run
    (writer,) = writers
    assert writer.folder == str(run.path / "tensorboard")
    assert writer.purge_step == 0
    assert ("D/adversarial", 1000) in {(name, step) for name, _, step in writer.scalars}
    assert [(name, step) for name, _, step in writer.images][:2] == [("fakes", 0), ("fakes", 1000)]
    height, width, channels = writer.images[0][1]
    assert (height, channels) == (width, 3)
    assert writer.texts[-1] == ("end", "finished", 1504)
    assert writer.closed


def test_without_its_package_it_is_refused_before_any_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    entry = REGISTRY.find("callbacks", "tensorboard")
    with pytest.raises(ConfigError) as caught:
        REGISTRY.build(entry, REGISTRY.options(entry, {}))
    assert str(caught.value) == (
        "callback 'tensorboard' needs a package that is not installed: pip install 'artgan[track]'"
    )

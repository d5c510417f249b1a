"""Inception: what torch-fidelity is given, and what is said where it is not there."""

import sys

import pytest
import torch
from metric_kit import noise, paintings

from artgan.api import ConfigError, View
from artgan.registry import Registry
from artgan_plugins.metrics import inception
from artgan_plugins.metrics.options import InceptionOptions

SOURCE = """
calls = []
error = None

def calculate_metrics(**settings):
    calls.append(settings)
    if error is not None:
        raise error
    return {
        "frechet_inception_distance": 12.5,
        "kernel_inception_distance_mean": 0.004,
        "kernel_inception_distance_std": 0.001,
        "precision": 0.75,
        "recall": 0.5,
        "f_score": 0.6,
    }
"""


@pytest.fixture
def fidelity(tmp_path, monkeypatch):
    """Return a stand-in for torch-fidelity, installed for a test."""
    (tmp_path / "torch_fidelity.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "torch_fidelity", raising=False)
    import torch_fidelity

    yield torch_fidelity
    sys.modules.pop("torch_fidelity", None)


def test_figures_and_the_number_of_pictures(fidelity):
    metric = inception.build(InceptionOptions())
    figures = metric(View(paintings(6), noise(5)))
    assert figures == {"fid": 12.5, "kid": 4.0, "precision": 0.75, "recall": 0.5, "pictures": 5.0}
    assert metric.enough == 2000
    promised = {
        name for name, _ in Registry(entry_points=()).find("metrics", "inception").record.figures
    }
    assert promised <= set(figures)


def test_what_it_is_given(fidelity):
    inception.build(InceptionOptions(batch=8, weights="w.pth"))(View(paintings(6), noise(3)))
    (call,) = fidelity.calls
    fakes, reals = call.pop("input1"), call.pop("input2")  # the generated pictures come first
    assert (len(fakes), len(reals)) == (3, 6)
    assert (fakes[0].dtype, fakes[0].shape) == (torch.uint8, (3, 32, 32))
    assert torch.equal(fakes[1], (noise(3)[1] * 255).round().to(torch.uint8))
    assert call == {
        "fid": True,
        "kid": True,
        "prc": True,
        "feature_extractor": "inception-v3-compat",
        "feature_extractor_weights_path": "w.pth",
        "kid_subset_size": 3,
        "prc_neighborhood": 2,
        "batch_size": 8,
        "cuda": torch.cuda.is_available(),
        "rng_seed": 0,
        "cache": False,
        "save_cpu_ram": True,
        "verbose": False,
    }


def test_grey_pictures_are_given_three_channels(fidelity):
    inception.build(InceptionOptions())(View(noise(4, channels=1), noise(4, channels=1)))
    assert fidelity.calls[0]["input1"][0].shape == (3, 32, 32)


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(inception.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        inception.build(InceptionOptions())
    assert str(caught.value) == (
        "metric 'inception' needs torch-fidelity, which is not installed: "
        "pip install 'artgan[inception]' (it downloads a network of 100 MB on first use)"
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("<urlopen error no route>"), "has no weights: <urlopen error no route>; let it "),
        (
            RuntimeError("operator torchvision::nms\ndoes not exist"),
            "cannot use torch-fidelity: operator torchvision::nms; try pip ",
        ),
        (ImportError("no torchvision"), "cannot use torch-fidelity: no torchvision; try pip "),
    ],
)
def test_what_keeps_it_from_working_is_one_sentence(fidelity, error, message):
    fidelity.error = error
    with pytest.raises(ConfigError, match="^metric 'inception' ") as caught:
        inception.build(InceptionOptions())(View(paintings(4), paintings(4)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_no_installation_mends_is_no_hint_to_install(fidelity):
    fidelity.error = RuntimeError("CUDA out of memory: tried to allocate")
    with pytest.raises(RuntimeError, match="^CUDA out of memory"):
        inception.build(InceptionOptions())(View(paintings(4), paintings(4)))


def test_one_picture_is_too_few(fidelity):
    with pytest.raises(ConfigError, match="was given 1 picture: it needs 2 at least"):
        inception.build(InceptionOptions())(View(paintings(1), paintings(4)))

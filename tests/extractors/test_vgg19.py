"""VGG19 as an extractor: its layers, what they depend on, and what it refuses. No real weights.

Most of it runs on a network of the same structure with few channels; torchvision's own, at its full
width, is built once, where it is installed.
"""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from artgan.api import ComponentError, ConfigError, FeatureExtractor, ShapeError
from artgan.latents import generator
from artgan_plugins.extractors import vgg19
from artgan_plugins.extractors.options import Vgg19Options
from artgan_plugins.extractors.vgg19_weights import FILE, SHA256

LAYERS = (
    "relu1_1 relu1_2 relu2_1 relu2_2 relu3_1 relu3_2 relu3_3 relu3_4 "
    "relu4_1 relu4_2 relu4_3 relu4_4 relu5_1"
).split()
MARGINS = dict(zip(LAYERS, (1, 2, 4, 6, 10, 14, 18, 22, 30, 38, 46, 54, 70), strict=True))
WIDTH = 4
BLOCKS = (2, 2, 4, 4, 4)


def narrow_vgg19(weights=None, init_weights=True):
    """Return what torchvision's vgg19 does, with 4 channels everywhere."""
    assert weights is None
    assert not init_weights
    modules, before = [], 3
    for count in BLOCKS:
        for _ in range(count):
            modules += [nn.Conv2d(before, WIDTH, 3, padding=1), nn.ReLU(inplace=True)]
            before = WIDTH
        modules.append(nn.MaxPool2d(2, 2))
    return SimpleNamespace(features=nn.Sequential(*modules))


NARROW = SimpleNamespace(vgg19=narrow_vgg19)


def network(*, pooling="max", positive=False):
    features = vgg19.structure(NARROW, pooling=pooling)
    random = generator(0)
    weights = {}
    for name, tensor in features.state_dict().items():
        drawn = torch.randn(tensor.shape, generator=random) / tensor[0].numel() ** 0.5
        weights[f"features.{name}"] = drawn.abs() + 0.01 if positive else drawn
    return vgg19.Vgg19(features, weights)


@pytest.fixture(scope="module")
def extractor():
    return network()


def picture(height, width, count=1):
    return torch.rand(count, 3, height, width, generator=generator(5))


def test_what_it_says_of_itself(extractor):
    assert isinstance(extractor, nn.Module)
    proposed: FeatureExtractor = extractor
    assert proposed.layers == tuple(LAYERS)
    assert proposed.style_layers == ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    assert proposed.content_layers == ("relu4_2",)
    assert proposed.min_side == 16
    strides = {"relu1_2": 1, "relu2_1": 2, "relu3_4": 4, "relu4_2": 8, "relu5_1": 16}
    assert {layer: extractor.stride(layer) for layer in strides} == strides
    assert {layer: extractor.margin(layer) for layer in LAYERS} == MARGINS


def test_names_of_modules():
    names = vgg19.layer_names(vgg19.structure(NARROW, pooling="max"))
    assert names[:6] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1"]
    assert names[-3:] == ["pool4", "conv5_1", "relu5_1"]


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("size", [(16, 16), (64, 48), (50, 37)])
def test_shapes(pooling, size):
    built = network(pooling=pooling)
    features = built(picture(*size, count=2), LAYERS)
    assert set(features) == set(LAYERS)
    for layer, found in features.items():
        stride = built.stride(layer)
        assert found.shape == (2, WIDTH, size[0] // stride, size[1] // stride)
        assert found.min() >= 0


def test_nothing_deeper_than_what_is_asked_for_is_computed(extractor):
    ran = []
    names = vgg19.layer_names(extractor.features)
    hooks = [
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, module in zip(names, extractor.features, strict=True)
    ]
    try:
        found = extractor(picture(16, 16), ["relu2_1", "relu1_1"])
        assert ran == names[: names.index("relu2_1") + 1]
        assert set(found) == {"relu1_1", "relu2_1"}
        ran.clear()
        assert extractor(picture(16, 16), []) == {}
        assert ran == []
    finally:
        for hook in hooks:
            hook.remove()


def test_values(extractor):
    """The first layers worked out by hand: normalised, the border repeated once, then zeros."""
    image = picture(20, 24)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    spread = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    padded = functional.pad((image - mean) / spread, (1, 1, 1, 1), "replicate")
    first, _, second, _, _, third = extractor.features[:6]
    one = functional.conv2d(padded, first.weight, first.bias).relu()
    two = functional.conv2d(one, second.weight, second.bias, padding=1).relu()
    three = functional.conv2d(functional.max_pool2d(two, 2), third.weight, third.bias, padding=1)
    found = extractor(image, ["relu1_1", "relu1_2", "relu2_1"])
    torch.testing.assert_close(found["relu1_1"], one)
    torch.testing.assert_close(found["relu1_2"], two)
    torch.testing.assert_close(found["relu2_1"], three.relu())


def test_average_pooling(extractor):
    found = network(pooling="average")(picture(16, 16), ["relu1_2", "relu2_1"])
    third = extractor.features[5]
    pooled = functional.avg_pool2d(found["relu1_2"], 2)
    wanted = functional.conv2d(pooled, third.weight, third.bias, padding=1).relu()
    torch.testing.assert_close(found["relu2_1"], wanted)


def test_a_flat_picture_has_no_frame_in_the_first_layer(extractor):
    first = extractor(torch.full((1, 3, 16, 16), 0.3), ["relu1_1"])["relu1_1"]
    torch.testing.assert_close(first, first[..., :1, :1].expand_as(first))


@pytest.mark.parametrize("layer", ["relu1_2", "relu2_2", "relu3_1", "relu4_1"])
def test_a_position_depends_on_its_margin_and_all_of_it(layer):
    """With weights above 0 and average pooling each pixel that is seen counts."""
    built = network(pooling="average", positive=True).double()
    stride, margin = built.stride(layer), built.margin(layer)
    image = picture(112, 112).double().requires_grad_()
    place = 48 // stride
    built(image, [layer])[layer][0, :, place, place].sum().backward()
    seen = image.grad.abs().sum((0, 1)) > 0
    wanted = torch.zeros(112, 112, dtype=torch.bool)
    inside = slice(48 - margin, 48 + stride + margin)
    wanted[inside, inside] = True
    assert torch.equal(seen, wanted)


@pytest.mark.parametrize("layer", ["relu2_1", "relu3_4"])
def test_pixels_beyond_the_margin_change_nothing(extractor, layer):
    stride, margin = extractor.stride(layer), extractor.margin(layer)
    image = picture(64, 64)
    other = 1 - image
    inside = slice(32 - margin, 32 + stride + margin)
    other[..., inside, inside] = image[..., inside, inside]
    place = 32 // stride
    before, after = (extractor(each, [layer])[layer] for each in (image, other))
    torch.testing.assert_close(before[..., place, place], after[..., place, place])
    assert not torch.allclose(before, after)
    image[..., 32 + stride + margin - 1, 32] += 1  # the last row inside
    assert not torch.equal(extractor(image, [layer])[layer][..., place, place], before)


def test_it_is_frozen_and_lets_gradients_through(extractor):
    assert not extractor.training
    assert [p for p in extractor.parameters() if p.requires_grad] == []
    image = picture(16, 16).requires_grad_()
    sum(features.sum() for features in extractor(image, LAYERS).values()).backward()
    assert image.grad.abs().sum() > 0
    assert [p for p in extractor.parameters() if p.grad is not None] == []


def test_gradients():
    built = network().double()
    image = picture(16, 16).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda each: built(each, ["relu2_1"])["relu2_1"], (image,), fast_mode=True
    )


def test_pictures_of_a_batch_do_not_mix_and_are_not_changed(extractor):
    images = picture(24, 16, count=3)
    kept = images.clone()
    together = extractor(images, ["relu1_1", "relu4_2"])
    assert torch.equal(images, kept)
    for number in range(3):
        alone = extractor(images[number : number + 1], ["relu1_1", "relu4_2"])
        for layer, features in alone.items():
            torch.testing.assert_close(features[0], together[layer][number])


def test_what_was_found_stays(extractor):
    """A ReLU that works in place must not reach back into a layer that was handed out."""
    image = picture(32, 32)
    whole = extractor(image, LAYERS)
    for layer in LAYERS:
        assert torch.equal(whole[layer], extractor(image, [layer])[layer])


def test_it_does_not_learn(extractor):
    before = {name: tensor.clone() for name, tensor in extractor.state_dict().items()}
    extractor.fit([picture(16, 16)], [picture(20, 20)], random=generator(0))
    assert all(torch.equal(t, before[name]) for name, t in extractor.state_dict().items())


@pytest.mark.parametrize("shape", [(1, 3, 15, 40), (1, 3, 40, 15), (1, 1, 32, 32), (3, 32, 32)])
def test_refuses_pictures_it_cannot_look_at(extractor, shape):
    with pytest.raises(ShapeError) as caught:
        extractor(torch.zeros(shape), ["relu1_1"])
    assert str(caught.value) == (
        f"extractor 'vgg19' was given {shape}: expected (N, 3, H, W), H and W at least 16"
    )


def test_refuses_layers_it_does_not_have(extractor):
    with pytest.raises(ComponentError) as caught:
        extractor(picture(16, 16), ["relu4-2"])
    assert str(caught.value) == (
        "extractor 'vgg19' has no layer 'relu4-2': did you mean 'relu4_2'? "
        f"known: {', '.join(LAYERS)}"
    )


def test_build_without_torchvision(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ConfigError, match="pip install torchvision"):
        vgg19.build(Vgg19Options())


# torchvision's own, at full width ---------------------------------------------------------------

needs_torchvision = pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed"
)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Return an extractor built of a file of random weights in half precision, and the weights."""
    from artgan.vision import torchvision

    features = vgg19.structure(torchvision().models, pooling="max")
    random = generator(1)
    weights = {
        f"features.{name}": torch.randn(tensor.shape, generator=random)
        .div(tensor[0].numel() ** 0.5)
        .half()
        for name, tensor in features.state_dict().items()
    }
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    save_file(weights, path)
    return vgg19.build(Vgg19Options(file=str(path))), weights


@needs_torchvision
def test_end_to_end(full):
    built, weights = full
    assert sum(p.numel() for p in built.parameters()) == 12_944_960
    for name, tensor in built.state_dict().items():
        assert torch.equal(tensor, weights[name].float())
    assert built.layers == tuple(LAYERS)
    features = built(picture(32, 32), built.style_layers)
    widths = [found.shape[1] for found in features.values()]
    assert widths == [64, 128, 256, 512, 512]
    assert all(found.isfinite().all() and found.any() for found in features.values())


@needs_torchvision
def test_the_file_is_the_one_that_torchvision_names():
    from artgan.vision import torchvision

    url = torchvision().models.VGG19_Weights.IMAGENET1K_V1.url
    assert url.rpartition("/")[2] == FILE
    assert SHA256[:8] in FILE


@needs_torchvision
def test_build_without_weights():
    with pytest.raises(ConfigError, match=f"vgg19 needs {FILE}, which is not at .*checkpoints"):
        vgg19.build(Vgg19Options())

"""vgg19: the network of the first style transfers, trained on ImageNet. It needs its weights."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from artgan.api import ComponentError, ShapeError
from artgan.errors import nearest
from artgan.screen import safe
from artgan.vision import torchvision
from artgan_plugins.extractors.vgg19_weights import find_weights, read_weights

if TYPE_CHECKING:
    from artgan_plugins.extractors.options import Vgg19Options

__all__ = ["Vgg19", "build", "layer_names", "structure"]

DEEPEST = "relu5_1"

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, unit range, RGB: what the network was trained with."""


def layer_names(features: nn.Sequential) -> list[str]:
    """Return what each module of a VGG is called: `conv1_1`, `relu1_1` ... `pool1`, `conv2_1`."""
    names, block, number = [], 1, 0
    for module in features:
        if isinstance(module, nn.Conv2d):
            number += 1
            names.append(f"conv{block}_{number}")
        elif isinstance(module, nn.ReLU):
            names.append(f"relu{block}_{number}")
        else:
            names.append(f"pool{block}")
            block, number = block + 1, 0
    return names


def structure(models: Any, *, pooling: Literal["max", "average"]) -> nn.Sequential:
    """Return the modules up to relu5_1, without weights (on the device "meta").

    Args:
        models: `torchvision.models`.
        pooling: what halves: the largest of 2x2, or their mean.
    """
    with torch.device("meta"):
        whole = models.vgg19(weights=None, init_weights=False).features
        features: nn.Sequential = whole[: layer_names(whole).index(DEEPEST) + 1]
        first: Any = features[0]
        features[0] = nn.Conv2d(
            first.in_channels,
            first.out_channels,
            first.kernel_size,
            padding=first.padding,
            padding_mode="replicate",
        )
    if pooling == "average":
        for index, module in enumerate(features):
            if isinstance(module, nn.MaxPool2d):
                features[index] = nn.AvgPool2d(2)
    return features


class Vgg19(nn.Module):
    """VGG19 up to relu5_1, frozen; its layers are what comes out of each ReLU.

    Args:
        features: see `structure`.
        weights: torchvision's name -> tensor, `features.0.weight` and so on, float32.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, features: nn.Sequential, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self._places = {
            name: index
            for index, name in enumerate(layer_names(features))
            if name.startswith("relu")
        }
        self.layers = tuple(self._places)
        self.style_layers = tuple(name for name in self.layers if name.endswith("_1"))
        self.content_layers = ("relu4_2",)
        self.min_side = self.stride(self.layers[-1])
        self.features = features
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD).view(1, 3, 1, 1), persistent=False)
        self.load_state_dict(weights, assign=True)
        self.requires_grad_(False).eval()

    def stride(self, layer: str) -> int:
        """Return how many pixels a position of a layer is wide.

        `relu3_2` comes after two halvings: 4.
        """
        return 1 << (int(layer[4]) - 1)

    def margin(self, layer: str) -> int:
        """Return how many pixels beyond itself a position of a layer depends on.

        A 3x3 convolution reaches one position further; 2x2 pooling no further than its own.
        """
        reached = self.layers[: self.layers.index(layer) + 1]
        return sum(self.stride(each) for each in reached)

    def fit(
        self, contents: Sequence[Tensor], styles: Sequence[Tensor], *, random: torch.Generator
    ) -> None:
        """Do nothing: it has been trained."""

    def forward(self, images: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return features by layer, (N, C, h, w), of unit pictures (N, 3, H, W).

        Args:
            images: pictures; both sides at least 16 px.
            layers: those that are wanted; nothing beyond the deepest is computed.

        Raises:
            ComponentError: there is no such layer.
            ShapeError: the pictures are too small, or not in color.
        """
        for name in layers:
            if name not in self._places:
                raise ComponentError(
                    f"extractor 'vgg19' has no layer '{safe(name)}': {nearest(name, self.layers)}"
                )
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < self.min_side:
            raise ShapeError(
                f"extractor 'vgg19' was given {tuple(images.shape)}: expected (N, 3, H, W), "
                f"H and W at least {self.min_side}"
            )
        wanted = {self._places[name]: name for name in layers}
        current = (images - self.mean) / self.spread
        found: dict[str, Tensor] = {}
        for index, module in enumerate(self.features):
            if len(found) == len(wanted):
                break
            current = module(current)
            if index in wanted:
                found[wanted[index]] = current
        return found


def build(options: Vgg19Options) -> Vgg19:
    """Return the extractor, with its weights.

    Raises:
        ConfigError: torchvision is not installed, or the weights are not there.
        PathError, CheckpointError: the weights cannot be read, or are others.

    Source: Simonyan and Zisserman 2015, arXiv:1409.1556, as in torchvision; its use for style:
        Gatys, Ecker and Bethge 2015, arXiv:1508.06576.
    Differs: torchvision's weights and not those of Caffe, rescaled by Gatys et al.; the border of
        the picture is repeated for the first convolution (`replicate`), where zeros draw a frame;
        average pooling is the plain mean, without a factor that makes up for its smaller values.
    """
    models = torchvision().models
    features = structure(models, pooling=options.pooling)
    shapes = {f"features.{name}": tuple(t.shape) for name, t in features.state_dict().items()}
    if options.file is not None:
        return Vgg19(features, read_weights(Path(options.file).expanduser(), shapes))
    url = models.VGG19_Weights.IMAGENET1K_V1.url
    return Vgg19(features, find_weights(shapes, url=url, download=options.download))

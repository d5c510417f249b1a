"""Optimising a picture against pystiche's way, with the same network, layers, losses and size.

Both minimise pystiche's own criterion through one VGG19 of random weights: squared differences of
relu4_2 to the picture, and of Gram matrices of relu1_1 to relu5_1 to the style, weight 1,000.
pystiche takes 100 evaluations of its default (L-BFGS, one step each) from the picture. Ours goes
from coarse to fine on logits in octaves, and stops as soon as the criterion at the whole size is as
low as pystiche ended. Told are the CPU seconds of both and their ratio.

Needs pystiche and torchvision: pip install pystiche 'artgan[vgg19]'.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from artgan.picturefiles import read_picture
from artgan.redraw import level_sizes, optimise
from artgan.registry import registry
from artgan.toning import resize, size_within
from artgan.vision import torchvision

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"
STYLE_WEIGHT = 1e3
EVALUATIONS = 100
VGGS = (11, 13, 16, 19)

COARSE = 30
"""Evaluations at each size but the last."""


class _Reached(Exception):
    """The criterion is as low as it has to be."""


def theirs(content: Tensor, style: Tensor, network: Any) -> tuple[float, float]:
    """Return pystiche's CPU seconds and the criterion it ends with."""
    from pystiche import loss, optim

    began = time.process_time()
    criterion = loss.PerceptualLoss(
        loss.FeatureReconstructionLoss(network.extract_encoder(CONTENT_LAYER)),
        loss.MultiLayerEncodingLoss(
            network,
            STYLE_LAYERS,
            lambda encoder, weight: loss.GramLoss(encoder, score_weight=weight),
            score_weight=STYLE_WEIGHT,
        ),
    )
    criterion.set_content_image(content)
    criterion.set_style_image(style)
    drawn = optim.image_optimization(content.clone(), criterion, num_steps=EVALUATIONS, quiet=True)
    seconds = time.process_time() - began
    with torch.no_grad():
        return seconds, float(criterion(drawn))


def ours(content: Tensor, style: Tensor, weights: Path, goal: float) -> tuple[float, float]:
    """Return artgan's CPU seconds until the criterion is as low as a goal, and where it is then."""
    import pystiche

    components = registry()
    table = {"extractors": {"vgg19": {"file": str(weights)}}}
    extractor: Any = components.build(*components.configure("extractors", "vgg19", table))
    lowest = float("inf")

    def grams(image: Tensor) -> dict[str, Tensor]:
        found = extractor(image, set(STYLE_LAYERS))
        return {name: pystiche.gram_matrix(found[name], normalize=True) for name in STYLE_LAYERS}

    began = time.process_time()
    current = content
    sizes = level_sizes((content.shape[-2], content.shape[-1]), shortest=extractor.min_side)
    for size in sizes:
        last = size == sizes[-1]
        small = resize(content, size)
        with torch.no_grad():
            edge = max(size)
            goals = grams(resize(style, size_within((style.shape[-2], style.shape[-1]), edge)))
            kept = extractor(small, {CONTENT_LAYER})[CONTENT_LAYER]

        evaluate = partial(_criterion, extractor, kept, goals)

        def told(done: int, losses: dict[str, float], last: bool = last) -> None:
            nonlocal lowest
            if last:
                lowest = min(lowest, losses["criterion"])
                if lowest <= goal:
                    raise _Reached

        try:
            current = optimise(
                resize(current, size) if size != sizes[0] else small,
                evaluate,
                evaluations=4 * EVALUATIONS if last else COARSE,
                told=told,
            )
        except _Reached:
            break
    return time.process_time() - began, lowest


def _criterion(
    extractor: Any, kept: Tensor, goals: dict[str, Tensor], image: Tensor
) -> tuple[dict[str, float], Tensor]:
    import pystiche

    leaf = image.detach().requires_grad_()
    found = extractor(leaf, {*STYLE_LAYERS, CONTENT_LAYER})
    parts = [
        (pystiche.gram_matrix(found[name], normalize=True) - goals[name]).square().mean()
        for name in STYLE_LAYERS
    ]
    content = (found[CONTENT_LAYER] - kept).square().mean()
    total = content + STYLE_WEIGHT * torch.stack(parts).mean()
    (slope,) = torch.autograd.grad(total, leaf)
    return {"criterion": float(total.detach())}, slope


def main() -> None:
    """Measure and print."""
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("content", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("--size", type=int, default=256, help="long edge in pixels (default: 256)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs (default: 3)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    _make_room()
    from pystiche.enc import vgg19_multi_layer_encoder
    from safetensors.torch import save_file

    content, style = (read_picture(path)[0] for path in (options.content, options.style))
    content, style = (
        resize(image, size_within((image.shape[-2], image.shape[-1]), options.size))
        for image in (content, style)
    )
    ratios = []
    for round_ in range(options.rounds):
        with tempfile.TemporaryDirectory() as temporary:
            torch.manual_seed(round_)
            network = vgg19_multi_layer_encoder(pretrained=False, framework="torch").eval()
            for parameter in network.parameters():
                parameter.requires_grad_(False)
            weights = Path(temporary) / "random.safetensors"
            save_file(_by_torchvision_names(network), weights)
            seconds, goal = theirs(content, style, network)
            own, reached = ours(content, style, weights, goal)
        ratios.append(own / seconds)
        print(
            f"pystiche {seconds:.1f} CPU s to {goal:.4g}; artgan {own:.1f} CPU s to {reached:.4g}: "
            f"{ratios[-1]:.2f}",
            flush=True,
        )
    print(f"artgan takes {statistics.median(ratios):.2f} of pystiche's CPU seconds (median)")


def _make_room() -> None:
    """Give torchvision the tables back that pystiche 1.0.1 imports, and nothing uses here."""
    models = torchvision().models
    names = [f"vgg{depth}{kind}" for depth in VGGS for kind in ("", "_bn")]
    for part, own in (("alexnet", ["alexnet"]), ("vgg", names)):
        module: Any = sys.modules[f"{models.__name__}.{part}"]
        module.model_urls = dict.fromkeys(own, "")


def _by_torchvision_names(network: Any) -> dict[str, Tensor]:
    """Return the weights of the convolutions under the names that torchvision gives them."""
    blank = torchvision().models.vgg19(weights=None).features
    places = [i for i, module in enumerate(blank) if isinstance(module, torch.nn.Conv2d)]
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    found: dict[str, Tensor] = {}
    for place, layer in zip(places, layers, strict=True):
        found[f"features.{place}.weight"] = layer.weight.detach().clone()
        found[f"features.{place}.bias"] = layer.bias.detach().clone()
    return found


if __name__ == "__main__":
    main()

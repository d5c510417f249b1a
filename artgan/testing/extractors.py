"""What is checked of an extractor: its word on layers, strides and margins, chance, gradients."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from artgan.api import ArtganError, Extractor, FeatureExtractor, Size
from artgan.latents import generator
from artgan.testing.chance import untouched
from artgan.testing.expect import (
    ContractError,
    expect,
    expect_close,
    expect_finite,
    expect_movable,
    expect_shape,
)

__all__ = ["check"]

BEYOND = 5
"""Pixels that pictures are larger than they have to be: no side is a multiple of a stride."""


def check(record: Extractor, build: Callable[..., Any], where: str) -> None:
    """Check an extractor, fitted to small pictures.

    One that has `weights` may refuse with an `ArtganError`, as where their file is not there; then
    nothing can be checked. Give its option `file` to have it checked.
    """
    try:
        build()
    except ArtganError as error:
        if not record.weights:
            raise ContractError(f"{where}: refused ({error}), but it has no weights") from error
        return
    _check_layers(_built(build, where), where)
    extractor, twin = (_fitted(build, where) for _ in range(2))
    _check_frozen(extractor, where)
    _check_chance(extractor, twin, where)
    _check_learning(record, twin, where)
    _check_shapes(extractor, where)
    _check_batch(extractor, where)
    _check_gradients(extractor, where)
    for layer in extractor.layers:
        _check_margin(extractor, layer, where)
        _check_cut(extractor, layer, where)
    _check_tiny(build, where)
    moved: Any = extractor
    images = _pictures(4, _size(extractor)).to("meta")
    expect_movable(moved, lambda: extractor(images, extractor.layers), where)


# What is built and shown --------------------------------------------------------------------


def _built(build: Callable[..., Any], where: str) -> FeatureExtractor:
    """Return a new one, once it is a module with all that is asked of it."""
    extractor = build()
    if not isinstance(extractor, nn.Module):
        raise ContractError(
            f"{where}: its target returned a {type(extractor).__name__}, expected a torch.nn.Module"
            " (artgan.api.FeatureExtractor)"
        )
    for name in ("layers", "style_layers", "content_layers", "min_side"):
        expect(hasattr(extractor, name), f"{where}: it has no '{name}'")
    for name in ("stride", "margin", "fit"):
        expect(callable(getattr(extractor, name, None)), f"{where}: it has no method '{name}'")
    module: Any = extractor.eval()
    found: FeatureExtractor = module
    return found


def _pictures(seed: int, size: Size, count: int = 1) -> Tensor:
    """Return unit pictures of coarse and fine noise, (count, 3, H, W)."""
    random = generator(seed)
    height, width = size
    coarse = torch.rand(count, 3, -(-height // 4), -(-width // 4), generator=random)
    large = coarse.repeat_interleave(4, 2).repeat_interleave(4, 3)[..., :height, :width]
    return 0.6 * large + 0.4 * torch.rand(count, 3, height, width, generator=random)


def _size(extractor: FeatureExtractor) -> Size:
    """Return an odd size, (height, width), that it can look at."""
    side = max(extractor.min_side, 16)
    return side + BEYOND, 2 * side + BEYOND


def _fitted(build: Callable[..., Any], where: str) -> FeatureExtractor:
    """Return one that is fitted to pictures of several sizes, once that left them as they were."""
    extractor = _built(build, where)
    height, width = _size(extractor)
    contents = [_pictures(1, (height, width)), _pictures(2, (width, height))]
    styles = [_pictures(3, (height + 3, width))]
    kept = [image.clone() for image in (*contents, *styles)]
    _fit(extractor, [], styles, f"{where}, without contents")
    _fit(extractor, contents, styles, where)
    expect(
        all(torch.equal(*pair) for pair in zip((*contents, *styles), kept, strict=True)),
        f"{where}: fit changed the pictures it was given",
    )
    return extractor


def _fit(
    extractor: FeatureExtractor, contents: Sequence[Tensor], styles: Sequence[Tensor], where: str
) -> None:
    with untouched(f"{where}: fit", "the one it is given only"):
        extractor.fit(contents, styles, random=generator(0))


def _features(
    extractor: FeatureExtractor, images: Tensor, where: str, layers: Collection[str] | None = None
) -> dict[str, Tensor]:
    """Return features of the layers asked for, once they are those and of their shapes."""
    asked = extractor.layers if layers is None else layers
    found = extractor(images, asked)
    if not isinstance(found, dict):
        raise ContractError(
            f"{where}: it returned a {type(found).__name__}, expected features by layer"
        )
    expect(
        set(found) == set(asked),
        f"{where}: asked for {sorted(asked)} it returned {sorted(found)}, expected these only",
    )
    count, _, height, width = images.shape
    for layer, values in found.items():
        at = f"{where}: layer '{layer}' of {height}x{width} px (height, width)"
        stride = extractor.stride(layer)
        channels = values.shape[1] if isinstance(values, Tensor) and values.ndim == 4 else -1
        expect_shape(values, (count, channels, height // stride, width // stride), at)
        expect_finite(values.detach(), at)
    return found


# What it says of itself ---------------------------------------------------------------------


def _check_layers(extractor: FeatureExtractor, where: str) -> None:
    layers = extractor.layers
    expect(bool(layers), f"{where}: it has no layers")
    expect(len(set(layers)) == len(layers), f"{where}: its layers {layers} are not all different")
    for name in ("style_layers", "content_layers"):
        proposed = getattr(extractor, name)
        expect(bool(proposed), f"{where}: its {name} are empty, expected some of its layers")
        strange = sorted(set(proposed) - set(layers))
        expect(not strange, f"{where}: its {name} have {strange}, expected some of {list(layers)}")
    for layer in layers:
        stride, margin = extractor.stride(layer), extractor.margin(layer)
        expect(
            isinstance(stride, int) and stride > 0 and stride & (stride - 1) == 0,
            f"{where}: the stride of layer '{layer}' is {stride!r}, expected a power of two",
        )
        expect(
            isinstance(margin, int) and margin >= 0,
            f"{where}: the margin of layer '{layer}' is {margin!r}, expected pixels, 0 or more",
        )
    deepest = max(extractor.stride(layer) for layer in layers)
    expect(
        extractor.min_side >= deepest,
        f"{where}: its min_side is {extractor.min_side}, expected at least its largest stride, "
        f"{deepest}",
    )


# What it learns -----------------------------------------------------------------------------


def _check_chance(one: FeatureExtractor, other: FeatureExtractor, where: str) -> None:
    """Check that two that were fitted alike are alike."""
    images = _pictures(4, _size(one))
    found, again = (_features(each, images, where) for each in (one, other))
    for layer, values in found.items():
        expect_close(
            again[layer],
            values,
            f"{where}: layer '{layer}' of two that were built and fitted with one seed",
            atol=0,
        )


def _check_learning(record: Extractor, extractor: FeatureExtractor, where: str) -> None:
    """Check that one learns from other pictures if its record says so, and only then."""
    images = _pictures(4, _size(extractor))
    before = _features(extractor, images, where)
    other = 1 - _pictures(5, _size(extractor)).square()
    _fit(extractor, [other], [other.flip(3)], where)
    after = _features(extractor, images, where)
    same = all(torch.equal(after[layer], values) for layer, values in before.items())
    expect(
        same != record.learns,
        f"{where}: its record says learns={record.learns}, but fitted to other pictures its "
        f"features are {'the same' if same else 'not the same'}",
    )


def _check_frozen(extractor: FeatureExtractor, where: str) -> None:
    """Check that nothing in it wants a gradient, and that it looks without learning."""
    module: Any = extractor
    eager = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    expect(
        not eager,
        f"{where}: parameters {eager} require a gradient, expected it frozen: requires_grad_(False)"
        " or buffers",
    )
    images = _pictures(4, _size(extractor))
    kept = images.clone()
    with untouched(f"{where}: for its features it", "no chance there"):
        first, second = (_features(extractor, images, where) for _ in range(2))
    expect(torch.equal(images, kept), f"{where}: it changed the pictures it was given")
    for layer, values in first.items():
        expect_close(second[layer], values, f"{where}: layer '{layer}' looked at twice", atol=0)


# What it finds ------------------------------------------------------------------------------


def _check_shapes(extractor: FeatureExtractor, where: str) -> None:
    """Check shapes at even and odd sizes, and each layer asked for alone."""
    side = max(extractor.min_side, 16)
    for size in ((side, side), (side + 1, side + 3), _size(extractor)):
        images = _pictures(4, size, 2)
        together = _features(extractor, images, where)
        for layer in extractor.layers:
            alone = _features(extractor, images, where, [layer])
            expect_close(
                alone[layer], together[layer], f"{where}: layer '{layer}' alone and among others"
            )


def _check_batch(extractor: FeatureExtractor, where: str) -> None:
    """Check that a picture's features are its own, whatever the layout in memory."""
    images = _pictures(4, _size(extractor), 3)
    together = _features(extractor, images, where)
    for number in range(len(images)):
        alone = _features(extractor, images[number : number + 1], where)
        for layer, values in alone.items():
            what = f"{where}: layer '{layer}' of a picture alone and among {len(images)}"
            expect_close(values[0], together[layer][number], what)
    last = _features(extractor, images.contiguous(memory_format=torch.channels_last), where)
    for layer, values in last.items():
        what = f"{where}: layer '{layer}' of pictures with channels last and first"
        expect_close(values, together[layer], what)


def _check_gradients(extractor: FeatureExtractor, where: str) -> None:
    """Check that every layer has a gradient at pictures, a finite one of flat pictures too."""
    size = _size(extractor)
    flat = torch.full((1, 3, *size), 0.5)
    for what, images in (("", _pictures(4, size)), (" of one colour", flat)):
        for layer in extractor.layers:
            leaf = images.clone().requires_grad_()
            values = _features(extractor, leaf, where, [layer])[layer]
            at = f"{where}: layer '{layer}' of pictures{what}"
            expect(values.requires_grad, f"{at}: no gradient flows to the pictures")
            (slope,) = torch.autograd.grad(values.square().sum(), leaf)
            expect_finite(slope, f"{at}: its gradient")
            expect(bool(what) or bool(slope.any()), f"{at}: its gradient is 0 everywhere")


def _check_margin(extractor: FeatureExtractor, layer: str, where: str) -> None:
    """Check that pixels beyond the margin of a position have no say in it."""
    stride, margin = extractor.stride(layer), extractor.margin(layer)
    ahead = -(-(margin + stride) // stride)  # positions before the one that is looked at
    side = max(extractor.min_side, (2 * ahead + 1) * stride)
    first, last = ahead * stride - margin, (ahead + 1) * stride + margin
    images = _pictures(6, (side, side))
    other = 1 - images
    other[..., first:last, first:last] = images[..., first:last, first:last]
    one, two = (_features(extractor, each, where, [layer])[layer] for each in (images, other))
    expect_close(
        two[..., ahead, ahead],
        one[..., ahead, ahead],
        f"{where}: layer '{layer}' at a position, before and after a change more than its margin of"
        f" {margin} px away",
    )


def _check_cut(extractor: FeatureExtractor, layer: str, where: str) -> None:
    """Check that a tile, without the first position of the whole, sees the same as the whole."""
    stride, margin = extractor.stride(layer), extractor.margin(layer)
    reach = -(-margin // stride)  # positions of the tile that see its rim
    side = max(extractor.min_side, (reach + 2) * stride)
    images = _pictures(7, (side + stride, side + stride))
    whole = _features(extractor, images, where, [layer])[layer]
    tile = _features(extractor, images[..., stride:, stride:], where, [layer])[layer]
    expect_close(
        tile[..., reach:, reach:],
        whole[..., reach + 1 :, reach + 1 :],
        f"{where}: layer '{layer}' of a picture and of a tile of it, beyond the margin of {margin} "
        "px",
    )


def _check_tiny(build: Callable[..., Any], where: str) -> None:
    """Check that it can be fitted to the smallest pictures and look at them, flat ones too."""
    for what in ("the smallest pictures", "the smallest pictures, of one colour"):
        extractor = _built(build, where)
        size = (extractor.min_side, extractor.min_side)
        images = _pictures(8, size)
        if "colour" in what:
            images = torch.full_like(images, 0.5)
        _fit(extractor, [images], [images.flip(3)], where)
        _features(extractor, images, f"{where}, fitted to {what}")
        _features(extractor, _pictures(9, size), f"{where}, fitted to {what}")

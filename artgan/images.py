"""Pictures as tensors: the two ranges, bytes, grids, frames, PNG files. Decodes nothing foreign."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from artgan.api import ShapeError, Size

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

__all__ = [
    "EXIF_DESCRIPTION",
    "RECIPE_KEY",
    "Frame",
    "Frames",
    "Sheet",
    "check_images",
    "enlarge",
    "from_bytes",
    "grid",
    "laid_on",
    "pyramid_like",
    "recipe_exif",
    "save_png",
    "to_bytes",
    "to_linear",
    "to_pil",
    "to_signed",
    "to_unit",
]

EXIF_DESCRIPTION = 270
"""The tag of ImageDescription in EXIF and TIFF."""

RECIPE_KEY = "artgan"
"""The keyword under which a PNG keeps its recipe."""

_BOUNDS = {"unit": (0.0, 1.0), "signed": (-1.0, 1.0)}


def to_signed(image: Tensor) -> Tensor:
    """Return unit range [0, 1] as signed range [-1, 1]; nothing is clamped."""
    return image * 2 - 1


def to_unit(image: Tensor) -> Tensor:
    """Return signed range [-1, 1] as unit range [0, 1]; nothing is clamped."""
    return (image + 1) / 2


def to_bytes(image: Tensor) -> Tensor:
    """Return unit range as uint8 of the same shape: clamped, then rounded."""
    import torch

    return (image.clamp(0, 1) * 255).round().to(torch.uint8)


def from_bytes(image: Tensor) -> Tensor:
    """Return uint8 as unit range, float32, of the same shape."""
    import torch

    return image.to(torch.float32) / 255


def laid_on(images: Tensor, level: float = 1.0) -> Tensor:
    """Return pictures without alpha: what is transparent shows a grey ground, white by default.

    Args:
        images: unit range, (..., C, H, W); those of C other than 4 are returned as they are.
        level: of the ground.
    """
    if images.shape[-3] != 4:
        return images
    colour, alpha = images[..., :3, :, :], images[..., 3:, :, :]
    return colour * alpha + level * (1 - alpha)


def to_linear(images: Tensor) -> Tensor:
    """Return sRGB-encoded unit values as linear light, of the same shape.

    Source: IEC 61966-2-1:1999.
    """
    import torch

    high = ((images + 0.055) / 1.055) ** 2.4
    return torch.where(images <= 0.04045, images / 12.92, high)


def recipe_exif(recipe: str) -> Image.Exif:
    """Return EXIF that holds a recipe in its ImageDescription, behind the keyword and a colon."""
    from PIL import Image

    exif = Image.Exif()
    exif[EXIF_DESCRIPTION] = f"{RECIPE_KEY}:{recipe}".encode()  # of a str Pillow keeps ASCII only
    return exif


def check_images(image: Tensor, bounds: Literal["unit", "signed"], what: str) -> Tensor:
    """Return pictures that crossed a contract, once they are (N, 1|3|4, H, W), floating and finite.

    Args:
        image: the pictures.
        bounds: the range they should be in; overshoot by up to 1 is let through, since a
            generator may have no squashing at its end.
        what: who made them, for the message.

    Raises:
        ShapeError: they are not.
    """
    if image.ndim != 4 or image.shape[1] not in (1, 3, 4) or not image.is_floating_point():
        raise ShapeError(
            f"{what} gave a {image.dtype} tensor of shape {tuple(image.shape)}: "
            "expected floating (N, 1, 3 or 4, H, W)"
        )
    low, high = _BOUNDS[bounds]
    span = high - low
    smallest, largest = float(image.min()), float(image.max())
    if not (low - span <= smallest and largest <= high + span):  # not-a-number fails too
        raise ShapeError(
            f"{what} gave values from {smallest:.3g} to {largest:.3g}: "
            f"expected {bounds} range [{low:g}, {high:g}]"
        )
    return image


def enlarge(images: Tensor, factor: int, *, smooth: bool = True) -> Tensor:
    """Return pictures a whole number of times as large.

    Args:
        images: unit range, (N, C, H, W), C of 1, 3 or 4 (straight alpha).
        factor: 1 returns them as they are.
        smooth: bicubic, which may overshoot the range a little; else each pixel becomes a square.

    Returns:
        (N, C, factor * H, factor * W).
    """
    import torch
    from torch.nn.functional import interpolate

    if factor == 1:
        return images
    if not smooth:
        return images.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
    if images.shape[1] != 4:
        return interpolate(images, scale_factor=factor, mode="bicubic")
    color, alpha = images[:, :3], images[:, 3:]
    large = interpolate(torch.cat([color * alpha, alpha], 1), scale_factor=factor, mode="bicubic")
    alpha = large[:, 3:]  # colours are weighted by alpha, so that none bleeds in
    return torch.cat([large[:, :3] / alpha.clamp_min(1 / 255), alpha.clamp(0, 1)], 1)


def pyramid_like(pictures: Tensor, like: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return pictures (N, C, H, W) at the sizes of a pyramid, by repeated 2x average pooling.

    Raises:
        ShapeError: a size is not reached by halving.
    """
    from torch.nn import functional

    scales = {tuple(pictures.shape[-2:]): pictures}
    current = pictures
    while min(current.shape[-2:]) > 1 and len(like) > 1:
        current = functional.avg_pool2d(current, 2)
        scales[tuple(current.shape[-2:])] = current
    wanted = [tuple(scale.shape[-2:]) for scale in like]
    missing = [size for size in wanted if size not in scales]
    if missing:
        raise ShapeError(
            f"the generator draws {missing[0]} px pictures, which {tuple(pictures.shape[-2:])} px "
            "reals do not become by halving"
        )
    return tuple(scales[size] for size in wanted)


def to_pil(image: Tensor) -> Image.Image:
    """Return one picture (C, H, W), C of 1, 3 or 4, as a Pillow picture (L, RGB or RGBA).

    Args:
        image: unit range, or bytes (uint8).
    """
    import torch
    from PIL import Image

    pixels = image if image.dtype == torch.uint8 else to_bytes(image.detach())
    data = pixels.permute(1, 2, 0).contiguous().cpu().numpy()
    return Image.fromarray(data[..., 0] if data.shape[2] == 1 else data)


def grid(images: Tensor, *, columns: int | None = None, gap: int = 2, level: float = 1.0) -> Tensor:
    """Return pictures side by side as one.

    Args:
        images: unit range, (N, C, H, W), N at least 1.
        columns: pictures in a row; None makes the grid about square, wider than high.
        gap: pixels between and around them.
        level: value of the gap, unit range; alpha of the gap is 1.

    Returns:
        Unit range, (C, rows * (H + gap) + gap, columns * (W + gap) + gap).
    """
    count, channels, height, width = images.shape
    (rows, across), corners = _layout(count, (height, width), columns, gap)
    sheet = images.new_full((channels, rows, across), level)
    if channels == 4:
        sheet[3] = 1.0
    for image, (y, x) in zip(images, corners, strict=True):
        sheet[:, y : y + height, x : x + width] = image
    return sheet


class Sheet:
    """A white `grid` of bytes that pictures are put on one by one, none of them kept.

    Args:
        count: how many pictures there will be, at least 1.
        channels: 1, 3 or 4.
        size: (height, width) of each.
        columns, gap: see `grid`.

    Attributes:
        image: bytes (uint8), (C, rows * (H + gap) + gap, columns * (W + gap) + gap).
    """

    def __init__(
        self, count: int, channels: int, size: Size, *, columns: int | None = None, gap: int = 2
    ) -> None:
        import torch

        whole, self._corners = _layout(count, size, columns, gap)
        pixels = torch.full((*whole, channels), 255, dtype=torch.uint8)  # as Pillow wants them
        self.image = pixels.permute(2, 0, 1)
        self._size = size
        self._next = 0

    def add(self, image: Tensor) -> None:
        """Put the next picture, unit range (C, H, W), in its place."""
        (y, x), (height, width) = self._corners[self._next], self._size
        self.image[:, y : y + height, x : x + width] = to_bytes(image)
        self._next += 1


def _layout(
    count: int, size: Size, columns: int | None, gap: int
) -> tuple[Size, list[tuple[int, int]]]:
    """Return the size of a grid and the upper left corner of each picture in it, (y, x)."""
    height, width = size[0] + gap, size[1] + gap
    columns = min(columns if columns is not None else math.ceil(math.sqrt(count)), count)
    corners = [(gap + (i // columns) * height, gap + (i % columns) * width) for i in range(count)]
    return (math.ceil(count / columns) * height + gap, columns * width + gap), corners


def save_png(path: Path, image: Tensor | Image.Image, recipe: str | None = None) -> None:
    """Write a picture as PNG, whole or not at all.

    Args:
        path: where; its folder is made.
        image: unit range or bytes (C, H, W), or a Pillow picture.
        recipe: JSON text kept in an iTXt chunk under `RECIPE_KEY`.

    Raises:
        OutputError: it cannot be written.
    """
    from PIL import Image, PngImagePlugin

    from artgan.files import atomic_write

    picture = image if isinstance(image, Image.Image) else to_pil(image)
    info = PngImagePlugin.PngInfo()
    if recipe is not None:
        info.add_itxt(RECIPE_KEY, recipe)
    with atomic_write(path) as file:
        picture.save(file, "PNG", pnginfo=info)


@dataclass(frozen=True)
class Frame:
    """One picture of a sequence.

    Attributes:
        image: unit range, (C, H, W), on the CPU.
        name: what to call it, without a suffix.
        seconds: how long it is shown; None is as long as any other.
    """

    image: Tensor
    name: str
    seconds: float | None = None


@dataclass(frozen=True)
class Frames:
    """A sequence of frames that is made while it is read; it can be read once.

    Attributes:
        frames: the frames, in order.
        size: (height, width) where it is constant, else None.
        fps: frames a second where constant, else None.
        length: how many there are where known, else None.
        probe: returns some pictures from all along the sequence, as many as asked for or fewer,
            before it is read; None where that cannot be done.
    """

    frames: Iterable[Frame]
    size: Size | None = None
    fps: float | None = None
    length: int | None = None
    probe: Callable[[int], Iterable[Tensor]] | None = None

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.frames)

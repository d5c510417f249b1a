"""How `artgan stylize`'s defaults do on every pair of a folder of pictures and one of styles.

Each pair is redrawn at a long edge of 512 px on one thread and judged at 384 px:

    style    sliced Wasserstein distance of 7x7 patches to the style, in parts of the picture's own:
             256 fixed unit filters, 4 octaves, 512 quantiles, mean absolute difference
    edges    correlation of the gradient magnitude of luminance averaged over 4x4 px
    fine     mean square of a picture minus its 3x3 mean, in parts of the style's

Good is a style of at most .35, edges of at least .5, fine of at most 1.3, all three together.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from artgan.batches import gather
from artgan.images import save_png
from artgan.picturefiles import read_picture
from artgan.registry import registry
from artgan.studio import Studio, StylizeConfig
from artgan.toning import resize, size_within

JUDGED = 384
FILTERS, OCTAVES, QUANTILES, SIDE = 256, 4, 512, 7
BARS = {"style": 0.35, "edges": 0.5, "fine": 1.3}


def _at(image: Tensor, edge: int) -> Tensor:
    return resize(image, size_within((image.shape[-2], image.shape[-1]), edge, enlarge=True))


def _quantiles(image: Tensor) -> Tensor:
    random = torch.Generator().manual_seed(7)
    filters = torch.randn(FILTERS, 3 * SIDE * SIDE, generator=random)
    filters = functional.normalize(filters, dim=1).view(FILTERS, 3, SIDE, SIDE)
    found = []
    for octave in range(OCTAVES):
        image = functional.avg_pool2d(image, 2) if octave else image
        values = functional.conv2d(image - 0.5, filters)[0].flatten(1).sort(1).values
        places = torch.linspace(0, values.shape[1] - 1, QUANTILES).round().long()
        found.append(values[:, places])
    return torch.stack(found)


def patch_swd(one: Tensor, other: Tensor) -> float:
    """Return how different the patches of two pictures are, unit range, (1, 3, H, W)."""
    return float((_quantiles(one) - _quantiles(other)).abs().mean())


def _slopes(image: Tensor) -> Tensor:
    luma = (image * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    small = functional.avg_pool2d(luma, 4)
    right = small[..., :-1, 1:] - small[..., :-1, :-1]
    down = small[..., 1:, :-1] - small[..., :-1, :-1]
    return (right.square() + down.square()).sqrt().flatten()


def fine_energy(image: Tensor) -> float:
    """Return the mean square of a picture minus its 3x3 mean."""
    around = functional.avg_pool2d(functional.pad(image, (1, 1, 1, 1), "replicate"), 3, 1)
    return float((image - around).square().mean())


def scores(drawn: Tensor, content: Tensor, style: Tensor) -> dict[str, float]:
    """Return style, edges and fine, see the head of this file."""
    drawn, content, style = (_at(image, JUDGED) for image in (drawn, content, style))
    both = torch.stack([_slopes(drawn), _slopes(content)])
    return {
        "style": patch_swd(drawn, style) / patch_swd(content, style),
        "edges": float(torch.corrcoef(both)[0, 1]),
        "fine": fine_energy(drawn) / fine_energy(style),
    }


def is_good(found: dict[str, float]) -> bool:
    """Return whether all three are within the bars."""
    return (
        found["style"] <= BARS["style"]
        and found["edges"] >= BARS["edges"]
        and found["fine"] <= BARS["fine"]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="a folder of pictures")
    parser.add_argument("styles", type=Path, help="a folder of styles")
    parser.add_argument("--out", type=Path, help="a folder for the pictures and a sheet of them")
    parser.add_argument("--set", action="append", default=[], help="a setting, NAME=VALUE")
    parser.add_argument("--size", default="512", help="long edge in pixels (default: 512)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    extra = dict(each.split("=", 1) for each in options.set)
    styles = [item.path for item in gather([str(options.styles)]).items]
    rows: list[tuple[str, float, dict[str, float]]] = []
    tiles = []
    print(f"{'':<28} {'cpu s':>6} {'style':>6} {'edges':>6} {'fine':>6}")
    for item in gather([str(options.photos)]).items:
        for style in styles:
            settings = {"images": [str(item.path)], "styles": [str(style)], "size": options.size}
            studio = Studio(StylizeConfig.model_validate({**settings, **extra}), registry())
            began = time.process_time()
            drawn = studio.redraw(item.path, [1.0])[0][None, :3]
            seconds = time.process_time() - began
            found = scores(drawn, read_picture(item.path)[0], read_picture(style)[0])
            name = f"{item.path.stem} x {style.stem}"
            rows.append((name, seconds, found))
            cells = " ".join(f"{found[key]:6.2f}" for key in BARS)
            print(f"{name:<28} {seconds:6.1f} {cells} {'' if is_good(found) else '*'}", flush=True)
            if options.out is not None:
                save_png(options.out / f"{item.path.stem}-{style.stem}.png", drawn[0])
                tiles.append(_at(drawn, 256))
    middle = {key: statistics.median(found[key] for _, _, found in rows) for key in BARS}
    cells = " ".join(f"{middle[key]:6.2f}" for key in BARS)
    print(f"{'median':<28} {statistics.median(s for _, s, _ in rows):6.1f} {cells}")
    print(f"good: {sum(is_good(found) for _, _, found in rows)} of {len(rows)}")
    if options.out is not None:
        height = max(tile.shape[-2] for tile in tiles)
        padded = [functional.pad(t, (0, 0, 0, height - t.shape[-2]), value=1.0) for t in tiles]
        from artgan.images import grid

        save_png(options.out / "sheet.png", grid(torch.cat(padded), columns=len(styles)))


if __name__ == "__main__":
    main()

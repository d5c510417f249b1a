"""How `artgan stylize`'s defaults do on every pair of a folder of pictures and one of styles.

Each pair is redrawn at a long edge of 512 px on one thread and judged as `artgan evaluate` does, by
style, edges and fine of `artgan.likeness`.

Good is a style of at most .35, edges of at least .5, fine of at most 1.3, all three together.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch
from torch.nn import functional

from artgan.batches import gather
from artgan.images import save_png
from artgan.likeness import Target, at_edge, scores
from artgan.picturefiles import read_picture
from artgan.registry import registry
from artgan.studio import Studio
from artgan.stylesettings import StylizeConfig

BARS = {"style": 0.35, "edges": 0.5, "fine": 1.3}


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
    targets = {style: Target(read_picture(style)[0]) for style in styles}
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
            found = scores(drawn, read_picture(item.path)[0], targets[style])
            name = f"{item.path.stem} x {style.stem}"
            rows.append((name, seconds, found))
            cells = " ".join(f"{found[key]:6.2f}" for key in BARS)
            print(f"{name:<28} {seconds:6.1f} {cells} {'' if is_good(found) else '*'}", flush=True)
            if options.out is not None:
                save_png(options.out / f"{item.path.stem}-{style.stem}.png", drawn[0])
                tiles.append(at_edge(drawn, 256))
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

"""How fast styles do: fitted to a folder of pictures for each style, then drawing those pictures.

Judged as `style_quality.py` judges, by `artgan.likeness`. Good is a style of at most .45, edges
of at least .45, fine of at most 1.5, all three together. Told are also how long fitting takes, and
a picture, by the clock.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch
from torch.nn import functional

from artgan.artstyle import FastStylist, write_artstyle
from artgan.batches import gather
from artgan.images import grid, save_png
from artgan.likeness import Target, at_edge, scores
from artgan.picturefiles import read_picture
from artgan.pipelines.fit import fit
from artgan.registry import registry
from artgan.studio import Studio
from artgan.stylesettings import StylizeConfig
from artgan.toning import resize, size_within

STYLE, EDGES, FINE = 0.45, 0.45, 1.5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="a folder of pictures")
    parser.add_argument("styles", type=Path, help="a folder of styles")
    parser.add_argument("--unseen", type=Path, help="other pictures to draw, a folder")
    parser.add_argument("--out", type=Path, help="a folder for the styles and a sheet")
    parser.add_argument("--set", action="append", default=[], help="a setting, NAME=VALUE")
    parser.add_argument("--strength", type=float, action="append", help="(default: 0.5)")
    options = parser.parse_args()
    extra = dict(each.split("=", 1) for each in options.set)
    photos = [item.path for item in gather([str(options.photos)]).items]
    drawn_ones = photos
    if options.unseen is not None:
        drawn_ones = [item.path for item in gather([str(options.unseen)]).items]
    rows = []
    tiles = []
    for item in gather([str(options.styles)]).items:
        settings = {"images": [str(options.photos)], "styles": [str(item.path)], **extra}
        studio = Studio(StylizeConfig.model_validate(settings), registry())
        edge = studio.config.edge or 512
        began, cpu = time.monotonic(), time.process_time()
        fitted = fit(studio, photos)
        took, used = time.monotonic() - began, time.process_time() - cpu
        losses = ", ".join(f"{name} {value:.3f}" for name, value in fitted.losses.items())
        print(f"{item.path.stem}: fitted in {took:.0f} s, {used:.0f} cpu s; {losses}")
        target = Target(read_picture(item.path)[0])
        if options.out is not None:
            write_artstyle(options.out / f"{item.path.stem}.artstyle", fitted.style)
        for strength in options.strength or [0.5]:
            stylist = FastStylist(fitted.style, strength=strength)
            for path in drawn_ones:
                content = read_picture(path)[0]
                size = size_within((content.shape[-2], content.shape[-1]), edge)
                began = time.monotonic()
                drawn = stylist.redraw(resize(content, size))
                took = time.monotonic() - began
                found = scores(drawn, content, target)
                good = found["style"] <= STYLE and found["edges"] >= EDGES and found["fine"] <= FINE
                rows.append((strength, took, found, good))
                cells = " ".join(f"{key} {value:5.2f}" for key, value in found.items())
                name = f"{path.stem} x {item.path.stem} at {strength:g}"
                print(f"{name:<32} {took:5.2f} s {cells} {'' if good else '*'}", flush=True)
                tiles.append(at_edge(drawn, 320))
    for strength in sorted({row[0] for row in rows}):
        some = [row for row in rows if row[0] == strength]
        cells = " ".join(
            f"{key} {statistics.median(found[key] for _, _, found, _ in some):.2f}"
            for key in ("style", "edges", "fine")
        )
        seconds = statistics.median(row[1] for row in some)
        good = sum(row[3] for row in some)
        print(f"strength {strength:g}: median {seconds:.2f} s, {cells}; good {good} of {len(some)}")
    if options.out is not None:
        height = max(tile.shape[-2] for tile in tiles)
        width = max(tile.shape[-1] for tile in tiles)
        padded = [
            functional.pad(t, (0, width - t.shape[-1], 0, height - t.shape[-2]), value=1.0)
            for t in tiles
        ]
        save_png(options.out / "sheet.png", grid(torch.cat(padded), columns=len(drawn_ones)))


if __name__ == "__main__":
    main()

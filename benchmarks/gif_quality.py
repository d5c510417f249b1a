"""How good GIFs are, how large and how long they take, against Pillow's `save(save_all=True)`.

Two clips, see `clips.py`: photographs of a folder, and plasma. Every format is made in each round
and takes its turn, so that whatever else the machine does hits all; times are CPU seconds, and the
times of Pillow's are of the same round. Figures are of the files as Pillow reads them:

- PSNR, of the mean squared error of all frames, in dB;
- blurred: the same after a blur of sigma 1.5 px, which is about what the eye makes of dithering, so
  that it shows bands;
- flicker: by how much the error changes from frame to frame, the mean of absolute levels.

Bars: `best` is 5 dB better than Pillow's, blurred, at no more time; `small` takes at most .6 of its
bytes on the photographs and .8 on plasma. The exit status is 1 where one is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import clips
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from artgan_plugins.writers.gif import open_gif
from artgan_plugins.writers.options import GifOptions, WebpOptions
from artgan_plugins.writers.webp import open_webp

PILLOW = "Pillow"
BETTER_DB = 5.0
SMALLER = {"photos": 0.6, "plasma": 0.8}
BLUR = 1.5
PRESETS = ("best", "smooth", "small", "draft")

Make = Callable[[Path], None]


@dataclass
class Row:
    """What was measured of a format.

    Attributes:
        kb: size of the file in KB of 1024 bytes.
        psnr, blurred, flicker: see the module.
        seconds: CPU seconds of each round.
    """

    kb: float = 0.0
    psnr: float = 0.0
    blurred: float = 0.0
    flicker: float = 0.0
    seconds: list[float] = field(default_factory=list)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="a folder of six pictures")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument("--frames", type=int, default=clips.FRAMES, help="(default: 120)")
    parser.add_argument("--set", action="append", default=[], help="presets of your own, A=B,C=D")
    parser.add_argument("--out", type=Path, help="a folder to keep the files in")
    parser.add_argument("--json", action="store_true", help="print every measurement")
    options = parser.parse_args()
    made = {
        "photos": clips.photos(options.photos, frames=options.frames),
        "plasma": clips.plasma(frames=options.frames),
    }
    found: dict[str, dict[str, Row]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name, clip in made.items():
            folder = (options.out or Path(temporary)) / name
            folder.mkdir(parents=True, exist_ok=True)
            found[name] = measure(clip, folder, formats(clip, options.set), options.rounds)
            print(f"{name}: measured", file=sys.stderr, flush=True)
    if options.json:
        rows = {n: {k: asdict(r) for k, r in table.items()} for n, table in found.items()}
        print(json.dumps(rows, indent=2))
    else:
        print_table(found)
    sys.exit(not bars(found))


def formats(clip: clips.Clip, extra: list[str]) -> dict[str, tuple[str, Make]]:
    """Return how each is made, with the suffix of its file; the frames are at hand in memory."""
    pictures = [Image.fromarray(frame) for frame in clip]
    images = [torch.from_numpy(frame).permute(2, 0, 1).float() / 255 for frame in clip]

    def pillow(path: Path) -> None:
        delay = round(1000 / clips.FPS)
        first, *others = pictures
        first.save(path, save_all=True, append_images=others, duration=delay, loop=0)

    def gif(**settings: Any) -> tuple[str, Make]:
        return ".gif", lambda path: _write(open_gif, GifOptions(**settings), images, path)

    own = [dict(pair.split("=", 1) for pair in text.split(",")) for text in extra]
    return {
        PILLOW: (".gif", pillow),
        **{name: gif(quality=name) for name in PRESETS},
        **{text: gif(**settings) for text, settings in zip(extra, own, strict=True)},
        "WebP q90": (".webp", lambda path: _write(open_webp, WebpOptions(), images, path)),
    }


def _write(start: Callable[..., Any], options: Any, images: list[Tensor], path: Path) -> None:
    size = (images[0].shape[1], images[0].shape[2])
    writer = start(options, path, size=size, fps=clips.FPS, loop=0, recipe=None)
    probes = getattr(writer, "probes", 0)
    if probes:
        writer.prepare([images[i * len(images) // probes] for i in range(probes)])
    for index, image in enumerate(images):
        writer.write(image, name=f"frame{index:06d}", seconds=None)
    writer.close()


def measure(
    clip: clips.Clip, folder: Path, ways: dict[str, tuple[str, Make]], rounds: int
) -> dict[str, Row]:
    """Return what each format does with a clip."""
    rows = {name: Row() for name in ways}
    for number in range(rounds):
        for name, (suffix, make) in ways.items():
            path = folder / f"{name.replace(' ', '-')}{suffix}"
            began = time.process_time()
            make(path)
            rows[name].seconds.append(time.process_time() - began)
            if number == 0:
                rows[name].kb = path.stat().st_size / 1024
                judge(clip, path, rows[name])
    return rows


def judge(clip: clips.Clip, path: Path, row: Row) -> None:
    """Compare a file with the clip and note the figures.

    Raises:
        SystemExit: it has another number of frames.
    """
    square, soft, moving, before = 0.0, 0.0, 0.0, None
    with Image.open(path) as picture:
        if getattr(picture, "n_frames", 1) != len(clip):
            raise SystemExit(f"{path.name}: not {len(clip)} frames")
        for index, frame in enumerate(clip):
            picture.seek(index)
            error = np.asarray(picture.convert("RGB"), dtype=np.float32) - frame
            square += float((error**2).mean())
            soft += float((blur(error) ** 2).mean())
            if before is not None:
                moving += float(np.abs(error - before).mean())
            before = error
    row.psnr, row.blurred = (_decibels(each / len(clip)) for each in (square, soft))
    row.flicker = moving / max(len(clip) - 1, 1)


def blur(picture: NDArray[np.float32], sigma: float = BLUR) -> NDArray[np.float32]:
    """Return a picture (H, W, C) with a Gaussian blur; it is mirrored at its edges."""
    reach = math.ceil(4 * sigma)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    for axis in (0, 1):
        length = picture.shape[axis]
        pad = [(reach, reach) if each == axis else (0, 0) for each in range(3)]
        wide = np.pad(picture, pad, mode="reflect")
        parts = [wide.take(range(i, i + length), axis) * w for i, w in enumerate(weights)]
        picture = np.sum(parts, axis=0, dtype=np.float32)
    return picture


def _decibels(square: float) -> float:
    return 10 * math.log10(255**2 / max(square, 1e-12))


def _of_pillow(rows: dict[str, Row], name: str) -> list[float]:
    pairs = zip(rows[name].seconds, rows[PILLOW].seconds, strict=True)
    return [ours / theirs for ours, theirs in pairs]


def print_table(found: dict[str, dict[str, Row]]) -> None:
    """Print a line for each clip and format."""
    print("| clip | format | KB | of Pillow's | PSNR | blurred | flicker | CPU s | of Pillow's |")
    print("|---|---|---|---|---|---|---|---|---|")
    for clip, rows in found.items():
        for name, row in rows.items():
            ratios = _of_pillow(rows, name)
            print(
                f"| {clip} | {name} | {row.kb:.0f} | {row.kb / rows[PILLOW].kb:.2f} "
                f"| {row.psnr:.1f} | {row.blurred:.1f} | {row.flicker:.1f} "
                f"| {statistics.median(row.seconds):.2f} | {statistics.median(ratios):.2f} "
                f"({min(ratios):.2f} to {max(ratios):.2f}) |"
            )


def bars(found: dict[str, dict[str, Row]]) -> bool:
    """Print whether each bar is reached, and return whether all are."""
    reached = []
    for clip, rows in found.items():
        gain = rows["best"].blurred - rows[PILLOW].blurred
        took = statistics.median(_of_pillow(rows, "best"))
        share = rows["small"].kb / rows[PILLOW].kb
        for text, good in (
            (f"best {gain:+.1f} dB blurred, at least +{BETTER_DB:g}", gain >= BETTER_DB),
            (f"best in {took:.2f} of the time, at most 1", took <= 1),
            (f"small {share:.2f} of the bytes, at most {SMALLER[clip]:g}", share <= SMALLER[clip]),
        ):
            print(f"{clip}: {text}: {'reached' if good else 'MISSED'}", file=sys.stderr)
            reached.append(good)
    return all(reached)


if __name__ == "__main__":
    main()

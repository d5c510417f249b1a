"""How evenly walks of a run move, how they close, and whether drawing and encoding overlap.

    python benchmarks/walk_quality.py RUN [--frames 150] [--out DIR]

For every sampler: the variation of steps between frames (deviation over mean, the seam counted), as
the pace sees pictures and in plain pixels, at an even pace of the latents and at a perceptual one;
and the seam in median steps. Then, on one thread, how long the whole of a walk into a GIF takes in
parts of the slower of drawing and encoding.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import torch

from artgan.api import Sampler
from artgan.filming import Film, film
from artgan.meter import Meter
from artgan.models import open_model
from artgan.outputs import find_outputs
from artgan.pipelines.walk import plan_walk
from artgan.registry import registry
from artgan.screen import say
from artgan.walksettings import WalkConfig, usual_keys


def config_of(args: argparse.Namespace, **more: object) -> WalkConfig:
    """Return the settings of a walk."""
    return WalkConfig.model_validate(
        {"run": args.run, "runs": args.runs, "frames": args.frames, **more}
    )


def measured(args: argparse.Namespace, name: str, pace: float) -> tuple[float, float, float]:
    """Return the variation of steps as the pace sees them and in pixels, and the seam."""
    components = registry()
    config = config_of(args, sampler=name, pace=pace, scale=1)
    model = open_model(args.run, runs=Path(args.runs), device="cpu")
    keys = usual_keys(config, components)
    scene = Film(plan_walk(config, model, components, keys), model, components).scene()
    scene.keep_pace()
    meter = Meter()
    images = [frame.image.clamp(0, 1) for frame in meter.watch(scene.frames())]
    closed = scene.plan.closed
    pairs = zip(images, images[1:] + images[:1] * closed, strict=False)
    pixels = [float((a - b).square().mean().sqrt()) for a, b in pairs]
    variation = meter.pace_variation(closed=closed) or 0.0
    plain = statistics.pstdev(pixels) / statistics.fmean(pixels)
    return variation, plain, meter.seam_ratio or 0.0


def overlap(args: argparse.Namespace, quality: str) -> tuple[float, float, float]:
    """Return the seconds of drawing, of encoding and of the whole."""
    components = registry()
    config = config_of(args)
    model = open_model(args.run, runs=Path(args.runs), device="cpu")
    plan = plan_walk(config, model, components, usual_keys(config, components))
    with tempfile.TemporaryDirectory() as folder:
        outputs = find_outputs(
            [f"{folder}/walk.gif"],
            fps=plan.fps,
            overwrite=True,
            components=components,
            tables={"writers": {"gif": {"quality": quality}}},
        )
        spent = film(Film(plan, model, components), outputs).spent
    return spent.rendering, spent.encoding, spent.whole


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--runs", default="runs")
    parser.add_argument("--frames", type=int, default=150)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| sampler | pace | variation | in pixels | seam, median steps |")
    print("|---|---|---|---|---|")
    components = registry()
    for name in components.names("samplers"):
        record = components.find("samplers", name).record
        assert isinstance(record, Sampler)
        if "z" not in record.spaces:
            say(f"{name} walks in {', '.join(record.spaces)} only: left out")
            continue
        for pace in (0.0, 1.0):
            variation, plain, seam = measured(args, name, pace)
            word = "perceptual" if pace else "even"
            print(f"| {name} | {word} | {variation:.3f} | {plain:.3f} | {seam:.2f} |")
    print()
    print("| GIF quality | drawing, s | encoding, s | whole, s | of the slower |")
    print("|---|---|---|---|---|")
    for quality in ("best", "draft"):
        rounds = [overlap(args, quality) for _ in range(3)]
        draw, code, whole = sorted(rounds, key=lambda r: r[2] / max(r[:2]))[1]
        ratio = whole / max(draw, code)
        print(f"| {quality} | {draw:.2f} | {code:.2f} | {whole:.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()

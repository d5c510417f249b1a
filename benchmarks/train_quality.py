"""How good the pictures of `artgan train`'s defaults are, against the textbook DCGAN's.

Both sides get the same time, first step to last, on pictures that are already prepared (alpha on
white, bicubic, centre crop). Ours is the whole of `artgan train FOLDER --size S --minutes M`,
ticks, grids, metrics and checkpoints included; then 1,024 pictures are drawn from the checkpoint
that `artgan sample` would use, seeds 0 up. The textbook: Adam 2e-4 (0.5, 0.999), batch 64, binary
cross entropy, N(0, 0.02) weights, no averaging; at 32 px z 100 -> 256 x 4 x 4 -> 128 -> 64 -> 3 by
transposed convolutions, and the mirror image as D; at 64 px one stage of 512 more. It is drawn
twice, with the running averages of its batch norms (`eval()`) and with the statistics of batches of
64 as in training; the better of both by SWD is what is reported.

Figures are those of `artgan evaluate`: SWD over levels with its real-against-real floor, coverage
on pixels and on a fixed random network, diversity in parts of the reals' own.

With --textbook-kimg the time is what the textbook takes for so many pictures here: machines
differ, and a budget in minutes says little without that.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from artgan.api import Metric, View
from artgan.config import TrainConfig
from artgan.data.intake import survey
from artgan.data.prepared import prepare
from artgan.images import grid, save_png, to_bytes
from artgan.latents import generator
from artgan.pictures import PictureSpec
from artgan.registry import registry

COUNT = 1024
METRICS = ("swd", "coverage", "diversity")
BATCH = 64
Z_DIM = 100


# The textbook -----------------------------------------------------------------------------------


def _drawn(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Textbook:
    """The tutorial's networks, optimizers and step."""

    def __init__(self, size: int) -> None:
        widths = [64 * 2**i for i in reversed(range((size // 4).bit_length() - 1))]
        up: list[nn.Module] = [nn.Unflatten(1, (Z_DIM, 1, 1))]
        for number, (before, after) in enumerate(zip([Z_DIM, *widths], widths, strict=False)):
            shape = (4, 1, 0) if number == 0 else (4, 2, 1)
            up += [nn.ConvTranspose2d(before, after, *shape, bias=False)]
            up += [nn.BatchNorm2d(after), nn.ReLU(True)]
        up += [nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1, bias=False), nn.Tanh()]
        down: list[nn.Module] = []
        for before, after in zip([3, *reversed(widths)], reversed(widths), strict=False):
            down += [nn.Conv2d(before, after, 4, 2, 1, bias=False)]
            down += [nn.BatchNorm2d(after)] if before != 3 else []
            down += [nn.LeakyReLU(0.2, True)]
        down += [nn.Conv2d(widths[0], 1, 4, 1, 0, bias=False), nn.Flatten(0)]
        self.generator = nn.Sequential(*up).apply(_drawn)
        self.discriminator = nn.Sequential(*down).apply(_drawn)
        self.d_step = torch.optim.Adam(self.discriminator.parameters(), 2e-4, (0.5, 0.999))
        self.g_step = torch.optim.Adam(self.generator.parameters(), 2e-4, (0.5, 0.999))

    def step(self, reals: Tensor) -> None:
        """Train D on reals and fakes, then G."""
        ones, zeros = torch.ones(len(reals)), torch.zeros(len(reals))
        self.d_step.zero_grad()
        binary_cross_entropy_with_logits(self.discriminator(reals), ones).backward()
        fakes = self.generator(torch.randn(len(reals), Z_DIM))
        binary_cross_entropy_with_logits(self.discriminator(fakes.detach()), zeros).backward()
        self.d_step.step()
        self.g_step.zero_grad()
        binary_cross_entropy_with_logits(self.discriminator(fakes), ones).backward()
        self.g_step.step()

    @torch.inference_mode()
    def draw(self, count: int) -> list[Tensor]:
        """Return unit pictures (count, 3, H, W) of seeds 0 up: by running averages, by batches."""
        z = torch.stack([torch.randn(Z_DIM, generator=generator(s)) for s in range(count)])
        drawn = []
        for training in (False, True):  # the second one moves the averages
            self.generator.train(training)
            drawn.append(torch.cat([(self.generator(part) + 1) / 2 for part in z.split(BATCH)]))
        return drawn


def train_textbook(
    reals: Tensor, size: int, seed: int, *, seconds: float = 0.0, kimg: float = 0.0
) -> tuple[list[Tensor], float, int]:
    """Return what the textbook draws after some seconds or pictures, and how much of both.

    It is drawn twice, see `Textbook.draw`.

    Args:
        reals: uint8, (N, 3, H, W).
        size: side in pixels.
        seed: of weights, latents and order.
        seconds, kimg: its budget; the other one is 0.
    """
    torch.manual_seed(seed)
    textbook, shown, order = Textbook(size), 0, torch.randperm(len(reals))
    began = time.monotonic()
    while time.monotonic() - began < seconds if seconds else shown < kimg * 1000:
        if len(order) < BATCH:
            order = torch.randperm(len(reals))
        picked, order = order[:BATCH], order[BATCH:]
        textbook.step(reals[picked].float() / 127.5 - 1)
        shown += BATCH
    passed = time.monotonic() - began
    return textbook.draw(COUNT), passed, shown


# Ours -------------------------------------------------------------------------------------------


class _Silent:
    """A watcher that says what matters on stderr."""

    preview_count = 0

    def note(self, line: str) -> None:
        import sys

        print("   ", line, file=sys.stderr)

    warn = note

    def working(self, what: str, done: int, total: int) -> None: ...

    def step(self, status: object) -> None: ...

    def preview(self, pictures: object) -> None: ...


def train_artgan(
    folder: Path, size: int, seed: int, minutes: float, extra: dict[str, Any]
) -> tuple[list[Tensor], float, int]:
    """Return what artgan's defaults draw after some minutes, as a list of one, and how much."""
    from artgan.latents import draw
    from artgan.models import open_model
    from artgan.pipelines.train import start

    settings = {"images": str(folder), "size": str(size), "minutes": minutes, "seed": seed}
    with tempfile.TemporaryDirectory() as temporary:
        config = TrainConfig.model_validate({**settings, **extra})
        result = start(config, _Silent(), lambda: False, out=Path(temporary))
        model = open_model(str(result.run.path), runs=Path(temporary))
        network: Any = model.generator
        z = draw(range(COUNT), network.z_dim, model.prior)
        with torch.inference_mode():
            parts = [network.render(network.codes(part))[-1] for part in z.split(64)]
    return [(torch.cat(parts) + 1) / 2], result.seconds, result.cur_nimg


# Both -------------------------------------------------------------------------------------------


@dataclass
class Row:
    """One run's figures."""

    who: str
    seed: int
    seconds: float
    kimg: float
    figures: dict[str, float]


def figures_of(reals: Tensor, fakes: Tensor) -> dict[str, float]:
    """Return the figures of fakes against reals, unit range, both 8-bit."""
    view = View(reals=reals, fakes=to_bytes(fakes).float() / 255)
    found: dict[str, float] = {}
    for name in METRICS:
        entry, options = registry().configure(Metric.kind, name, {})
        found.update(registry().build(entry, options)(view))
    return found


_COLUMNS = ("swd", "pixel-coverage", "network-coverage", "distance")


def _line(who: str, seconds: float, kimg: float, figures: dict[str, float]) -> str:
    cells = " ".join(f"{figures[name]:17.3f}" for name in _COLUMNS)
    return f"{who:<16} {seconds:7.1f} {kimg:7.1f} {cells}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of pictures, at least 2,048")
    parser.add_argument("--size", type=int, default=32, help="side in pixels (default: 32)")
    parser.add_argument("--minutes", type=float, default=4.0, help="time a run (default: 4)")
    parser.add_argument("--textbook-kimg", type=float, default=0.0, help="see above")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument("--set", action="append", default=[], help="a setting of train, NAME=VALUE")
    parser.add_argument("--out", type=Path, help="a folder for grids of the pictures")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    for each in options.set:
        if "=" not in each:
            parser.error(f"--set {each}: expected NAME=VALUE")
    size = options.size
    spec = PictureSpec(size=(size, size), channels=3)
    pictures = prepare(survey(options.folder), spec)
    if len(pictures) < 2 * COUNT:
        parser.error(f"{len(pictures)} pictures are fewer than {2 * COUNT}")
    order = torch.randperm(len(pictures), generator=generator(0)).tolist()
    everything = pictures.batch(list(range(len(pictures)))).clone()
    halves = [everything[order[i * COUNT : (i + 1) * COUNT]].float() / 255 for i in range(2)]
    floor = figures_of(*halves)
    print(f"{'':<16} {'seconds':>7} {'kimg':>7} " + " ".join(f"{c:>17}" for c in _COLUMNS))
    print(_line("real and real", 0, 0, floor), flush=True)

    rows: list[Row] = []
    extra = dict(each.split("=", 1) for each in options.set)
    seconds = options.minutes * 60
    for seed in range(options.seeds):
        if options.textbook_kimg:
            theirs = train_textbook(everything, size, seed, kimg=options.textbook_kimg)
            seconds = theirs[1]
            ours = train_artgan(options.folder, size, seed, seconds / 60, extra)
        else:
            ours = train_artgan(options.folder, size, seed, seconds / 60, extra)
            theirs = train_textbook(everything, size, seed, seconds=ours[1])
        for who, (drawn, passed, shown) in (("textbook", theirs), ("artgan", ours)):
            measured = [(figures_of(halves[0], fakes), fakes) for fakes in drawn]
            figures, fakes = min(measured, key=lambda pair: pair[0]["swd"])
            row = Row(who, seed, passed, shown / 1000, figures)
            rows.append(row)
            print(_line(f"{who}, seed {seed}", passed, row.kimg, row.figures), flush=True)
            if options.out is not None:
                save_png(options.out / f"{who}-{size}-{seed}.png", grid(fakes[:96], columns=12))
    summary: dict[str, Any] = {}
    for who in ("textbook", "artgan"):
        own = [row for row in rows if row.who == who]
        means = {c: statistics.fmean(r.figures[c] for r in own) for c in _COLUMNS}
        summary[who] = means
        kimg, spent = (statistics.fmean(getattr(r, k) for r in own) for k in ("kimg", "seconds"))
        print(_line(f"{who}, mean", spent, kimg, means))
    ratio = summary["artgan"]["swd"] / summary["textbook"]["swd"]
    above = [summary[who]["swd"] - floor["swd"] for who in ("artgan", "textbook")]
    print(
        f"SWD: {ratio:.2f} of the textbook's ({summary['artgan']['swd'] / floor['swd']:.2f} times "
        f"the floor); above the floor: {above[0] / above[1]:.2f} of the textbook's"
    )
    if options.json:
        print(json.dumps({"floor": floor, "rows": [asdict(row) for row in rows]}, indent=1))


if __name__ == "__main__":
    main()

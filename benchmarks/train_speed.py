"""Pictures a second of artgan's training, against the textbook loop with the same networks.

The textbook: PyTorch's DCGAN tutorial. `ImageFolder` decodes and resizes every picture every time
in `DataLoader` workers; D is trained on reals and fakes in two backward passes with binary cross
entropy, G through D with D's weight gradients computed and thrown away; plain Adam.

Ours: the prepared set and the step of `artgan train` with its default objective, R1 regularizer
and averaged generator, which the textbook lacks.

Preparing and starting workers come before the clock; both sides are warmed up. Segments of a few
seconds alternate. The aim is at least 1.15 times as many pictures a second on the CPU.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from _pairs import Comparison, measure, report
from torch import Tensor, nn

from artgan.api import Architecture, Networks
from artgan.config import TrainConfig
from artgan.registry import registry

WORKERS = 2
WARM_UP = 5
"""Steps before the clock starts, on both sides."""

Segment = Callable[[], float]
"""Trains for some seconds and returns pictures a second."""


def timed(step: Callable[[], object], batch: int, seconds: float) -> float:
    """Return pictures a second of steps that are repeated for some seconds."""
    began = time.perf_counter()
    shown = 0
    while (passed := time.perf_counter() - began) < seconds:
        step()
        shown += batch
    return shown / passed


def networks(size: int) -> Networks:
    """Return the DCGAN of a size, with its default options."""
    torch.manual_seed(0)
    entry, options = registry().configure(Architecture.kind, "dcgan", {})
    built: Networks = registry().build(entry, options, size=(size, size), channels=3)
    return built


# The textbook ---------------------------------------------------------------------------------


def textbook_batches(folder: Path, size: int, batch: int) -> Iterator[Tensor]:
    """Yield signed batches (N, 3, H, W) for ever, epoch after epoch.

    Args:
        folder: holds one folder for each class.
        size: side in pixels.
        batch: pictures in a batch.
    """
    from _torchvision import datasets, transforms

    steps = [
        transforms.Resize(size),
        transforms.CenterCrop(size),
        transforms.ToTensor(),
        transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ]
    pictures = datasets.ImageFolder(str(folder), transform=transforms.Compose(steps))
    loader = torch.utils.data.DataLoader(
        pictures, batch_size=batch, shuffle=True, num_workers=WORKERS, drop_last=True
    )
    if len(loader) == 0:
        raise SystemExit(f"{len(pictures)} pictures are fewer than one batch of {batch}")
    while True:
        for reals, _ in loader:
            yield reals


class Textbook:
    """The textbook's networks, optimizers and step."""

    def __init__(self, size: int) -> None:
        built = networks(size)
        self.generator, self.discriminator = built.generator, built.discriminator
        self.z_dim: int = built.generator.z_dim  # type: ignore[assignment]
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer_d = torch.optim.Adam(
            self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999)
        )
        self.optimizer_g = torch.optim.Adam(
            self.generator.parameters(), lr=2e-4, betas=(0.5, 0.999)
        )

    def step(self, reals: Tensor) -> tuple[float, float]:
        """Train D on reals and fakes, then G, and return both losses."""
        count = reals.shape[0]
        ones, zeros = torch.ones(count), torch.zeros(count)

        # D: reals and fakes, a backward pass each
        self.discriminator.zero_grad()
        loss_real = self.criterion(self.discriminator((reals,)), ones)
        loss_real.backward()
        fakes = self.generator(torch.randn(count, self.z_dim))
        loss_fake = self.criterion(self.discriminator((fakes[-1].detach(),)), zeros)
        loss_fake.backward()
        self.optimizer_d.step()

        # G: through D, whose weight gradients are computed too
        self.generator.zero_grad()
        loss_g = self.criterion(self.discriminator(fakes), ones)
        loss_g.backward()
        self.optimizer_g.step()
        return loss_real.item() + loss_fake.item(), loss_g.item()


def textbook_segment(folder: Path, size: int, batch: int, seconds: float) -> Segment:
    """Return the textbook's segment; its loader's workers live on between segments."""
    reals = textbook_batches(folder, size, batch)
    textbook = Textbook(size)

    def step() -> None:
        textbook.step(next(reals))

    for _ in range(WARM_UP):
        step()
    return lambda: timed(step, batch, seconds)


# Ours -----------------------------------------------------------------------------------------


def artgan_segment(
    folder: Path, size: int, batch: int, seconds: float, *, cache: Path, plain: bool = False
) -> Segment:
    """Return artgan's segment: the prepared set and the trainer that `artgan train` uses.

    Args:
        folder: of pictures.
        size: side in pixels.
        batch: pictures in a step.
        seconds: length of a segment.
        cache: where the prepared set is kept.
        plain: whether to leave out what the textbook has not (R1).
    """
    from artgan.data.intake import survey
    from artgan.data.prepared import prepare
    from artgan.data.sampling import indices
    from artgan.pictures import PictureSpec
    from artgan.pipelines.train import settled
    from artgan.training import Trainer

    config = TrainConfig(images=str(folder), size=(size, size), batch=batch, kimg=1e6, device="cpu")
    if plain:
        config = config.model_copy(update={"regularizers": ()})
    known = registry()
    intake = survey(folder)
    sides = [(found.width, found.height) for found in intake.pictures]
    resolved = settled(config, known, sides)[0].config
    pictures = prepare(intake, PictureSpec(size=(size, size), channels=3), cache=cache)
    trainer = Trainer(resolved, known, torch.device("cpu"))

    def step() -> None:
        shown = indices(resolved.seed, trainer.cur_nimg, batch, len(pictures))
        trainer.step(pictures.batch(shown))

    for _ in range(WARM_UP):
        step()
    return lambda: timed(step, batch, seconds)


# Both -----------------------------------------------------------------------------------------


def compare(
    folder: Path, size: int, *, batch: int, pairs: int, seconds: float, plain: bool
) -> Comparison:
    """Return the comparison at one size."""
    with tempfile.TemporaryDirectory() as temporary:
        classes = Path(temporary) / "classes"
        classes.mkdir()
        (classes / "pictures").symlink_to(folder.resolve(), target_is_directory=True)
        cache = Path(temporary) / "cache"
        ours = artgan_segment(folder, size, batch, seconds, cache=cache, plain=plain)
        theirs = textbook_segment(classes, size, batch, seconds)
        return measure(f"train at {size} px", "pictures/s", ours, theirs, pairs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of pictures")
    parser.add_argument("--sizes", default="32,64", help="sides in pixels (default: 32,64)")
    parser.add_argument("--batch", type=int, default=32, help="pictures in a step (default: 32)")
    parser.add_argument("--pairs", type=int, default=7, help="pairs of segments (default: 7)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a segment (default: 10)")
    parser.add_argument("--threads", type=int, default=0, help="of torch (default: its own choice)")
    parser.add_argument("--plain", action="store_true", help="ours without R1")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")  # of the textbook's
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    if options.threads:
        torch.set_num_threads(options.threads)
    sizes = [int(size) for size in options.sizes.split(",")]
    comparisons = [
        compare(
            options.folder,
            size,
            batch=options.batch,
            pairs=options.pairs,
            seconds=options.seconds,
            plain=options.plain,
        )
        for size in sizes
    ]
    report(comparisons, as_json=options.json)


if __name__ == "__main__":
    main()

"""What the run doctor says and does in four runs that go wrong, or only look as if they did.

    collapse   30 pictures, D far too fast, no augmentation, no regularizer
    rate       learning rates three hundred times too high
    nan        batches that are not numbers, planted: one, and later three in a row
    healthy    a relativistic hinge whose D loss is next to nothing, which is as it should be

Each prints its states, what was done, and how it ended.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from artgan.api import RunError
from artgan.config import TrainConfig
from artgan.pipelines.train import start
from artgan.runs import find_run
from artgan.training import Trainer

CASES: dict[str, dict[str, Any]] = {
    "collapse": {
        "objective": "non-saturating",
        "regularizers": (),
        "augmentations": (),
        "d_lr": 2e-2,
        "g_lr": 2e-3,
        "kimg": 60,
        "components": {"architectures": {"dcgan": {"minibatch_deviation": False}}},
    },
    "rate": {"d_lr": 0.3, "g_lr": 0.3, "kimg": 15},
    "nan": {"kimg": 12},
    "healthy": {
        "objective": "relativistic-hinge",
        "d_lr": 2e-3,
        "kimg": 40,
        "components": {"regularizers": {"r1": {"gamma": 0.02}}},
    },
}
PLANTED = {3200, 8000, 8032, 8064}
FEW = 30


class _Printer:
    """A watcher that prints what the doctor says."""

    preview_count = 0

    def note(self, line: str) -> None:
        if line.startswith(("doctor", "went back")):
            print(f"  {line}", flush=True)

    def warn(self, line: str) -> None:
        print(f"  warning: {line}", flush=True)

    def working(self, what: str, done: int, total: int) -> None: ...

    def step(self, status: object) -> None: ...

    def preview(self, pictures: object) -> None: ...


@contextlib.contextmanager
def planted_batches() -> Iterator[None]:
    """Make the batches at a few moments of the first attempt not-a-number, while the block runs."""
    real = Trainer._pictures

    def planted(self: Trainer, reals: Any) -> Any:
        pictures = real(self, reals)
        bad = self.cur_nimg in PLANTED and self.attempt == 0
        return pictures * float("nan") if bad else pictures

    Trainer._pictures = planted  # type: ignore[method-assign]
    try:
        yield
    finally:
        Trainer._pictures = real  # type: ignore[method-assign]


def few(folder: Path, into: Path) -> Path:
    """Copy some pictures into a folder and return it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    into.mkdir()
    for path in random.Random(0).sample(files, FEW):
        shutil.copy(path, into)
    return into


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of pictures")
    parser.add_argument(
        "--case", choices=[*CASES, "all"], default="all", help="which (default: all)"
    )
    parser.add_argument("--size", default="32", help="pixels (default: 32)")
    options = parser.parse_args()
    for name in CASES if options.case == "all" else [options.case]:
        print(name)
        with tempfile.TemporaryDirectory() as temporary:
            out = Path(temporary)
            images = few(options.folder, out / "few") if name == "collapse" else options.folder
            table = {"images": str(images), "size": options.size, "tick_kimg": 1, **CASES[name]}
            config = TrainConfig.model_validate(table)
            try:
                with planted_batches() if name == "nan" else contextlib.nullcontext():
                    result = start(config, _Printer(), lambda: False, out=out / "runs")
                print(
                    f"  ended at {result.cur_nimg / 1000:.1f} kimg", result.reason or "as planned"
                )
                print(f"  best checkpoint: {result.best}")
            except RunError as error:
                print(f"  failed: {error}")
            rows = find_run("1", out / "runs").read_stats()
            losses = [row["D/adversarial"] for row in rows if "D/adversarial" in row]
            if losses:
                print(f"  D's loss in the last tick: {losses[-1]:.3f}; acts of the doctor: "
                      f"{sum('doctor' in row for row in rows)}")  # fmt: skip


if __name__ == "__main__":
    main()

"""What the training tests share: a folder of tiny pictures, tiny settings, a watcher that notes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from artgan.config import TrainConfig
from artgan.pipelines.train import start
from artgan.watching import Status, TrainResult

__all__ = ["TINY", "Notes", "after", "checkpoint_bytes", "squares", "tiny", "train_tiny"]

TINY = {"architectures": {"dcgan": {"z_dim": 8, "base_channels": 4}}}


def squares(folder: Path, count: int = 12, side: int = 16) -> Path:
    """Write pictures of one coloured square each on white, all different."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        image = Image.new("RGB", (side, side), "white")
        colour = (200 - 11 * i, 20 + 13 * i, 90)
        image.paste(colour, (i % 5, i % 3, i % 5 + side // 2, i % 3 + side // 2))
        image.save(folder / f"square{i:02d}.png")
    return folder


class Notes:
    """A watcher that keeps what it is told."""

    preview_count = 0

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.steps: list[Status] = []

    def note(self, line: str) -> None:
        self.notes.append(line)

    def warn(self, line: str) -> None:
        self.warnings.append(line)

    def working(self, what: str, done: int, total: int) -> None:
        pass

    def step(self, status: Status) -> None:
        self.steps.append(status)

    def preview(self, pictures: object) -> None:
        raise AssertionError("no preview was asked for")


def tiny(images: Path, **settings: object) -> TrainConfig:
    """Return settings of a run of 13 steps of 8 pictures at 16 px, on the CPU in float32."""
    table = {
        "images": str(images), "size": "16", "batch": 8, "kimg": 0.1, "components": TINY,
        "device": "cpu", "precision": "float32",
    }  # fmt: skip
    return TrainConfig.model_validate({**table, **settings})


def after(steps: int) -> Callable[[], bool]:
    """Return a stop that says yes once it was asked after so many steps."""
    asked = iter(range(10**6))
    return lambda: next(asked) >= steps


def train_tiny(
    tmp_path: Path, out: str = "runs", steps: int = 10**5, **settings: object
) -> TrainResult:
    """Train on squares and return how it ended."""
    images = tmp_path / "squares"
    if not images.exists():
        squares(images)
    return start(tiny(images, **settings), Notes(), after(steps), out=tmp_path / out)


def checkpoint_bytes(folder: Path) -> dict[str, bytes]:
    """Return the newest checkpoint of a run: file -> bytes."""
    newest = sorted((folder / "checkpoints").iterdir())[-1]
    return {path.name: path.read_bytes() for path in sorted(newest.iterdir())}

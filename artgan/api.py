"""All that a plug-in imports: the hook marker, records, contracts and errors. No torch at import.

A plug-in returns *records* from its hooks: small frozen dataclasses that say what a component is
called, where it lives and what it can do. The host imports the component itself on first use.

Words: pictures are float32 (N, C, H, W); **signed** [-1, 1] inside a GAN, **unit** [0, 1]
elsewhere. A *pyramid* is a tuple of picture batches, coarse to fine. Logits: higher is more real.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

from artgan.control import Action, Controller, Rollback, Statistics, is_better
from artgan.errors import (
    ArtganError,
    CheckpointError,
    ComponentError,
    ConfigError,
    ImageError,
    OutputError,
    PathError,
    PluginError,
    RunError,
    ShapeError,
)
from artgan.learning import (
    Adversarial,
    Batch,
    Discriminator,
    Generator,
    Networks,
    Stage,
    Term,
    mean_over_heads,
)
from artgan.looks import FeatureExtractor, PictureLoss
from artgan.records import (
    KINDS,
    PLUGIN_API,
    Architecture,
    Augmentation,
    Better,
    Callback,
    Component,
    Effect,
    Extractor,
    Loss,
    Metric,
    Objective,
    Phase,
    Policy,
    Prior,
    Regularizer,
    Role,
    Sampler,
    Size,
    Target,
    Writer,
)

if TYPE_CHECKING:
    from torch import Generator as Random
    from torch import Tensor

    Pyramid = tuple[Tensor, ...]
    Logits = tuple[Tensor, ...]

__all__ = [
    "KINDS",
    "PLUGIN_API",
    "Action",
    "Adversarial",
    "Alter",
    "Architecture",
    "ArtganError",
    "Augment",
    "Augmentation",
    "Batch",
    "Better",
    "Callback",
    "CheckpointError",
    "Component",
    "ComponentError",
    "ConfigError",
    "Controller",
    "Discriminator",
    "Effect",
    "Extractor",
    "FeatureExtractor",
    "FrameWriter",
    "Generator",
    "ImageError",
    "Listener",
    "Loss",
    "Measure",
    "Metric",
    "Networks",
    "Objective",
    "OutputError",
    "Path2Codes",
    "PathError",
    "Phase",
    "PictureLoss",
    "PluginError",
    "Policy",
    "Prior",
    "Regularizer",
    "Role",
    "Rollback",
    "RunError",
    "RunFacts",
    "Sampler",
    "ShapeError",
    "Size",
    "Stage",
    "Statistics",
    "Target",
    "Term",
    "View",
    "Writer",
    "hookimpl",
    "is_better",
    "mean_over_heads",
]

hookimpl = pluggy.HookimplMarker("artgan")


# Contracts ----------------------------------------------------------------------------------


class Augment(Protocol):
    """A built augmentation: a differentiable change to what D is shown."""

    def __call__(
        self, pictures: Pyramid, *, strength: float, cur_nimg: int, random: Random
    ) -> Pyramid:
        """Return pictures changed at random, in the same shapes.

        Args:
            pictures: signed range, each (N, C, h, w), coarse to fine. What happens to one picture
                happens to it at every scale.
            strength: in [0, 1]; at 0 an adaptive augmentation returns the pictures as they are.
            cur_nimg: reals shown to D before this step, for what fades with time.
            random: a generator on the CPU, the only source of chance.
        """
        ...


@dataclass(frozen=True)
class View:
    """What a metric looks at: unit range, float32, 1 or 3 channels, 8-bit values.

    Attributes:
        reals: (n, C, H, W).
        fakes: (m, C, H, W); for a floor these are other reals.
        training: all the reals there are to copy, or a fixed share of many, (N, C, h, w); it may be
            smaller than `reals`: averaged over whole squares of pixels to no less than 32 px.
        midpoints: pictures half-way between latents, (k, C, H, W).
        earlier: what an earlier checkpoint drew from the latents of the first fakes, (e, C, H, W).
        seed: of all that is random.
    """

    reals: Tensor
    fakes: Tensor
    training: Tensor | None = None
    midpoints: Tensor | None = None
    earlier: Tensor | None = None
    seed: int = 0


class Measure(Protocol):
    """A built metric: a pure function of a view."""

    def __call__(self, view: View) -> Mapping[str, float]:
        """Return figures by name, all finite; those of its record are always among them."""
        ...


class Path2Codes(Protocol):
    """A built sampler: a pure function of the keys and the position on the path."""

    def __call__(self, keys: Tensor, u: Tensor) -> Tensor:
        """Return codes (T, ...) at positions u (T,) in [0, 1] of a path through keys (K, ...).

        All of them are float32 and on the CPU; neither argument is changed. Codes are finite.

        The path is what counts, not how fast it goes along with u: a walk spreads its frames so
        that each differs as much from the last as any other. Where rests and swings in u are meant
        to be seen, `--pace even` keeps to them.

        A path begins at the first key; a closed one gives the same code at u = 0 and u = 1. Keys
        are met in order, evenly at k / K on a closed path and k / (K - 1) on an open one, unless
        the sampler's record says that it is not `keyed`.
        """
        ...


class Alter(Protocol):
    """A built effect: a pure function of pictures, each on its own."""

    def __call__(self, images: Tensor) -> Tensor:
        """Return pictures of the same shape: unit range, (N, C, H, W), C of 1, 3 or 4."""
        ...


class FrameWriter(Protocol):
    """An open file that frames are written to, one after the other.

    A writer's target is called as ``open(options, path, *, size, fps, loop, recipe)``: size is
    (height, width), fps frames a second, loop how many times it plays (0 for ever), recipe a JSON
    text, to be kept as it is (UTF-8) in the format's own metadata, or None. Nothing is at `path`
    before `close`. A frame of another size, and `close` without any frame, are refused with an
    `ArtganError`.

    One that chooses something for all frames at once may have an attribute `probes`, how many
    frames it wants to see for that, and `prepare(images)`: before the first `write` it is called
    once with so many unit pictures (C, h, w) from along the animation, or fewer, of large frames
    only some rows and columns; where frames cannot be made ahead of their time it is not called.
    """

    def write(self, image: Tensor, *, name: str, seconds: float | None) -> None:
        """Add a unit picture (C, H, W); seconds overrides 1 / fps."""
        ...

    def close(self) -> list[Path]:
        """Finish, move everything to its final name and return what was written."""
        ...

    def abort(self) -> None:
        """Give up and remove what was written so far."""
        ...


@dataclass(frozen=True)
class RunFacts:
    """What a callback is told of a run when it begins, or goes on.

    Attributes:
        folder: the run's; a callback may write files of its own there.
        settings: its config.toml as tables.
        cur_nimg: pictures shown so far; 0 for a new run.
        total_nimg: where it ends; None while that is not known.
    """

    folder: Path
    settings: Mapping[str, Any]
    cur_nimg: int
    total_nimg: int | None


class Listener(Protocol):
    """A built callback: an object with one or more of these methods, and no others called on_*.

    Whatever they return is ignored. One that raises is told of and left out from then on: training
    goes on. They are called by the process that trains, which waits for them.
    """

    def on_start(self, run: RunFacts) -> None:
        """Hear that steps are about to be taken."""

    def on_tick(self, cur_nimg: int, values: Mapping[str, float]) -> None:
        """Hear means since the last tick, and at some ticks metrics; see `Statistics.values`."""

    def on_state(self, cur_nimg: int, state: str) -> None:
        """Hear what the doctor says of the run, whenever that changes."""

    def on_grid(self, cur_nimg: int, path: Path) -> None:
        """Hear of a new grid of pictures, a PNG file."""

    def on_checkpoint(self, cur_nimg: int, path: Path) -> None:
        """Hear of a new checkpoint, a folder; older ones may be gone.

        Its `ema.safetensors` holds the averaged generator by the names of its state_dict,
        `networks.safetensors` all networks, `state.json` the counters.
        """

    def on_end(self, cur_nimg: int, how: str) -> None:
        """Hear that training ended: "finished", "stopped", "ended: why" or "failed: why"."""

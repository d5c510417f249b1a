"""The records that hooks return: what a component is called, where it lives, what it can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = [
    "KINDS",
    "PLUGIN_API",
    "Architecture",
    "Component",
    "Objective",
    "Phase",
    "Prior",
    "Regularizer",
    "Sampler",
    "Size",
    "Writer",
]

PLUGIN_API = 1
"""The version of the contracts below; a record carries the one it was written for."""

Size = tuple[int, int]
"""Height and width in pixels (on the command line: WIDTHxHEIGHT)."""

Phase = Literal["D", "G"]
"""The two phases of a training step: D learns, or G learns."""

Prior = Literal["gaussian", "sphere"]
"""How latents are distributed: N(0, I), or uniform on the sphere of radius sqrt(z_dim)."""


@dataclass(frozen=True)
class Component:
    """What every component says of itself.

    Attributes:
        name: kebab-case; unique within its kind.
        target: "package.module:Attribute", imported on first use and called with the options.
        summary: one line for lists.
        options: "package.module:Options", a frozen pydantic model in a torch-free module; None if
            there is nothing to set.
        source: the paper it follows.
        api: the `PLUGIN_API` it was written for.
    """

    kind: ClassVar[str] = ""
    hook: ClassVar[str] = ""

    name: str
    target: str
    summary: str = ""
    options: str | None = None
    source: str = ""
    api: int = PLUGIN_API


@dataclass(frozen=True)
class Architecture(Component):
    """A pair of networks. Target: ``build(options, *, size, channels) -> Networks``.

    Attributes:
        latent_prior: the distribution it is trained on; sampling and walks use the same.
        spaces: latent spaces it offers, lowest first: "z", or "z" and "w".
        min_side, max_side: legal sides in pixels, both included.
        channels: legal channel counts (4 is straight alpha).
        default_lr: learning rate that suits it, for both networks, with Adam (0, 0.99).
        batch_coupled: whether a picture's result depends on its neighbours in a training batch.
        multi_scale: whether it renders a pyramid and not one picture.
    """

    kind: ClassVar[str] = "architectures"
    hook: ClassVar[str] = "artgan_architectures"

    latent_prior: Prior = "gaussian"
    spaces: tuple[str, ...] = ("z",)
    min_side: int = 16
    max_side: int = 512
    channels: tuple[int, ...] = (1, 3, 4)
    default_lr: float = 1e-3
    batch_coupled: bool = False
    multi_scale: bool = False


@dataclass(frozen=True)
class Objective(Component):
    """An adversarial loss. Target: ``build(options) -> Adversarial``.

    Attributes:
        relativistic: whether reals are judged against fakes, so that G needs reals too.
        default_regularizers: what it is trained with unless the user says otherwise.
        accuracy_target: the sign accuracy above which D is too far ahead (ADA's r_t).
    """

    kind: ClassVar[str] = "objectives"
    hook: ClassVar[str] = "artgan_objectives"

    relativistic: bool = False
    default_regularizers: tuple[str, ...] = ("r1",)
    accuracy_target: float = 0.6


@dataclass(frozen=True)
class Regularizer(Component):
    """A further term of one phase. Target: ``build(options) -> Term``."""

    kind: ClassVar[str] = "regularizers"
    hook: ClassVar[str] = "artgan_regularizers"

    phase: Phase = "D"


@dataclass(frozen=True)
class Sampler(Component):
    """A path through latents. Target: ``build(options) -> Path2Codes``.

    Attributes:
        spaces: latent spaces it can walk in.
        closed: whether the path ends where it began.
        min_keys, max_keys: the fewest and the most keys it can make a path of; a max_keys of None
            is no limit. It is never called with other numbers of them.
    """

    kind: ClassVar[str] = "samplers"
    hook: ClassVar[str] = "artgan_samplers"

    spaces: tuple[str, ...] = ("z",)
    closed: bool = True
    min_keys: int = 1
    max_keys: int | None = None


@dataclass(frozen=True)
class Writer(Component):
    """A file format. Target: a callable that opens a `FrameWriter` (see there).

    Attributes:
        suffixes: lower-case, with the dot; the first is the usual one. "/" stands for a folder.
        animation: whether it holds more than one frame; else it is given exactly one.
        max_fps: the highest rate it can show, None for no limit.
    """

    kind: ClassVar[str] = "writers"
    hook: ClassVar[str] = "artgan_writers"

    suffixes: tuple[str, ...] = ()
    animation: bool = True
    max_fps: float | None = None


KINDS: dict[str, type[Component]] = {
    record.kind: record for record in (Architecture, Objective, Regularizer, Sampler, Writer)
}
"""Kind -> its record, in the order they are listed."""

"""All that a plug-in imports: the hook marker, records, contracts and errors. No torch at import.

A plug-in returns *records* from its hooks: small frozen dataclasses that say what a component is
called, where it lives and what it can do. The host imports the component itself on first use.

Words: pictures are float32 (N, C, H, W); **signed** [-1, 1] inside a GAN, **unit** [0, 1]
elsewhere. A *pyramid* is a tuple of picture batches, coarse to fine. Logits: higher is more real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

import pluggy

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

if TYPE_CHECKING:
    from torch import Tensor, nn

    Pyramid = tuple[Tensor, ...]
    Logits = tuple[Tensor, ...]

__all__ = [
    "KINDS",
    "PLUGIN_API",
    "Adversarial",
    "Architecture",
    "ArtganError",
    "Batch",
    "CheckpointError",
    "Component",
    "ComponentError",
    "ConfigError",
    "Discriminator",
    "FrameWriter",
    "Generator",
    "ImageError",
    "Networks",
    "Objective",
    "OutputError",
    "Path2Codes",
    "PathError",
    "Phase",
    "PluginError",
    "Prior",
    "Regularizer",
    "RunError",
    "Sampler",
    "ShapeError",
    "Size",
    "Term",
    "Writer",
    "hookimpl",
    "mean_over_heads",
]

PLUGIN_API = 1
"""The version of the contracts below; a record carries the one it was written for."""

hookimpl = pluggy.HookimplMarker("artgan")

Size = tuple[int, int]
"""Height and width in pixels (on the command line: WIDTHxHEIGHT)."""

Phase = Literal["D", "G"]
"""The two phases of a training step: D learns, or G learns."""

Prior = Literal["gaussian", "sphere"]
"""How latents are distributed: N(0, I), or uniform on the sphere of radius sqrt(z_dim)."""


# Records ------------------------------------------------------------------------------------


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


# Contracts ----------------------------------------------------------------------------------


@runtime_checkable
class Generator(Protocol):
    """The network that draws. In evaluation mode a picture depends on its own code alone."""

    z_dim: int

    def codes(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Return the codes (N, ...) of latents z (N, z_dim), pulled to their mean by psi in [0, 1].

        A network without a mapping returns psi * z: the mean of z is 0.
        """
        ...

    def render(self, codes: Tensor) -> Pyramid:
        """Return pictures of codes: signed range, each (N, C, h, w), coarse to fine."""
        ...

    def forward(self, z: Tensor) -> Pyramid:
        """Return `render(codes(z))`."""
        ...


@runtime_checkable
class Discriminator(Protocol):
    """The network that judges."""

    def forward(self, pictures: Pyramid) -> Tensor | Logits:
        """Return logits (N,), or a tuple of them (heads), of a pyramid in signed range."""
        ...


@dataclass
class Batch:
    """What a term may look at; what no term of the phase `needs` is absent (None).

    Attributes:
        phase: whose turn it is.
        cur_nimg: reals shown to D before this step.
        z: latents, (N, z_dim).
        fakes: signed pyramid of z; with gradient in phase G only.
        reals: signed pyramid. In phase G only where a term needs "reals". Requires gradient where
            a term needs "gradients".
        fake_logits, real_logits: D's heads, each (N,); reals as above.
        codes: the generator's codes of z, where a term needs "codes".
        discriminate: pyramid -> heads, through D's `forward`.
        generate: latents -> pyramid, through G's `forward`.
    """

    phase: Phase
    cur_nimg: int
    z: Tensor
    fakes: Pyramid
    fake_logits: Logits
    discriminate: Callable[[Pyramid], Logits]
    generate: Callable[[Tensor], Pyramid]
    reals: Pyramid | None = None
    real_logits: Logits | None = None
    codes: Tensor | None = None


@dataclass(frozen=True)
class Term:
    """One part of a phase's loss: a pure function of the batch.

    Attributes:
        phase: the phase it is part of.
        compute: batch -> name -> value per picture, (N,). Never calls backward.
        needs: of "reals", "gradients", "codes".
        interval: pictures between two uses; 0 is every step. When used, a term that rests
            between is weighted up by interval / batch, so that its strength does not depend on it.
    """

    phase: Phase
    compute: Callable[[Batch], Mapping[str, Tensor]]
    needs: frozenset[str] = frozenset()
    interval: int = 0

    NEEDS: ClassVar[frozenset[str]] = frozenset({"reals", "gradients", "codes"})


@dataclass(frozen=True)
class Adversarial:
    """A built objective: one term a phase, and the margin that its sign accuracy is read from.

    Attributes:
        discriminator: the D phase's term.
        generator: the G phase's term.
        margin: (real_logits, fake_logits), each (N,) -> (N,); above 0 where D is right. The real
            logit, or real minus paired fake where the offset of the logits is free.
    """

    discriminator: Term
    generator: Term
    margin: Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Networks:
    """A built architecture.

    Attributes:
        generator, discriminator: the pair; both are modules.
        terms: the architecture's own further terms.
        others: further networks: name -> (the phase that trains it, the module).
        stage: for networks that grow: cur_nimg -> (number of scales, fade in [0, 1], batch).
    """

    generator: nn.Module
    discriminator: nn.Module
    terms: tuple[Term, ...] = ()
    others: Mapping[str, tuple[Phase, nn.Module]] = field(default_factory=dict)
    stage: Callable[[int], tuple[int, float, int]] | None = None

    def named(self) -> dict[str, nn.Module]:
        """Return every network by name, in a fixed order."""
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            **{name: module for name, (_, module) in sorted(self.others.items())},
        }

    def of_phase(self, phase: Phase) -> dict[str, nn.Module]:
        """Return the networks that a phase trains, by name."""
        own = "discriminator" if phase == "D" else "generator"
        return {
            name: module
            for name, module in self.named().items()
            if name == own or (name in self.others and self.others[name][0] == phase)
        }


class Path2Codes(Protocol):
    """A built sampler: a pure function of the keys and the position on the path."""

    def __call__(self, keys: Tensor, u: Tensor) -> Tensor:
        """Return codes (T, ...) at positions u (T,) in [0, 1] of a path through keys (K, ...).

        All of them are float32 and on the CPU; neither argument is changed. Codes are finite.

        A path begins at the first key; a closed one gives the same code at u = 0 and u = 1. Keys
        are met in order, evenly at k / K on a closed path and k / (K - 1) on an open one, unless
        the sampler's own documentation says where.
        """
        ...


class FrameWriter(Protocol):
    """An open file that frames are written to, one after the other.

    A writer's target is called as ``open(options, path, *, size, fps, loop, recipe)``: size is
    (height, width), fps frames a second, loop how many times it plays (0 for ever), recipe a JSON
    text, to be kept as it is (UTF-8) in the format's own metadata, or None. Nothing is at `path`
    before `close`. A frame of another size, and `close` without any frame, are refused with an
    `ArtganError`.
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


def mean_over_heads(compute: Callable[..., Tensor], *logits: Sequence[Tensor] | None) -> Tensor:
    """Return compute's value per picture, (N,), averaged over the heads of a discriminator.

    Args:
        compute: (head logits, ...) -> (N,).
        logits: one tuple of heads for each argument of compute, all of one length.
    """
    heads: Iterator[Any] = zip(*(each for each in logits if each is not None), strict=True)
    values = [compute(*head) for head in heads]
    total: Any = sum(values[1:], start=values[0])
    return total if len(values) == 1 else total / len(values)  # type: ignore[no-any-return]

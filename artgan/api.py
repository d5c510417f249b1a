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
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

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
from artgan.looks import FeatureExtractor, PictureLoss
from artgan.records import (
    KINDS,
    PLUGIN_API,
    Architecture,
    Augmentation,
    Better,
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
    from torch import Tensor, nn

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
    "Sampler",
    "ShapeError",
    "Size",
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


@runtime_checkable
class Generator(Protocol):
    """The network that draws. In evaluation mode a picture depends on its own code alone.

    It may also have `latent_weight() -> (z_dim, features)`, the weight that a latent meets first:
    directions that change pictures the most are found in it.
    """

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
        fakes: signed pyramid of z, not augmented. In phase G it has a graph to G's parameters;
            in phase D it has none, and requires gradient where a term needs "fake-gradients".
        reals: signed pyramid, not augmented. In phase G only where a term needs "reals". Requires
            gradient where a term needs "gradients".
        fake_logits, real_logits: D's heads, each (N,), of fakes and reals as D is shown them:
            augmented. Gradients at the plain pictures flow through the augmentation.
        codes: the generator's codes of z, where a term needs "codes".
        discriminate: pyramid -> heads, through the augmentation and D's `forward`.
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
        needs: of "reals", "gradients" (at the reals), "fake-gradients", "codes".
        interval: pictures between two uses; 0 is every step. When used, a term that rests
            between is weighted up by interval / batch, so that its strength does not depend on it.
        second_order: whether it differentiates a gradient; then its phase is computed in float32
            whatever precision the run has.
    """

    phase: Phase
    compute: Callable[[Batch], Mapping[str, Tensor]]
    needs: frozenset[str] = frozenset()
    interval: int = 0
    second_order: bool = False

    NEEDS: ClassVar[frozenset[str]] = frozenset({"reals", "gradients", "fake-gradients", "codes"})


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

    @classmethod
    def of(
        cls,
        d_loss: Callable[[Tensor, Tensor], Tensor],
        g_loss: Callable[[Tensor], Tensor],
        margin: Callable[[Tensor, Tensor], Tensor],
    ) -> Adversarial:
        """Return an objective made of losses of logits; they are averaged over D's heads.

        Args:
            d_loss: (real_logits, fake_logits) -> D's loss per pair, all (N,).
            g_loss: fake_logits -> G's loss per fake, both (N,).
            margin: as above.
        """

        def discriminator(batch: Batch) -> dict[str, Tensor]:
            return {"adversarial": mean_over_heads(d_loss, batch.real_logits, batch.fake_logits)}

        def generator(batch: Batch) -> dict[str, Tensor]:
            return {"adversarial": mean_over_heads(g_loss, batch.fake_logits)}

        needs = frozenset({"reals"})
        return cls(Term("D", discriminator, needs), Term("G", generator), margin)

    @classmethod
    def of_pairs(
        cls,
        d_loss: Callable[[Tensor, Tensor], Tensor],
        g_loss: Callable[[Tensor, Tensor], Tensor],
    ) -> Adversarial:
        """Return a relativistic objective: G's loss looks at reals too, and the offset is free.

        Args:
            d_loss, g_loss: (real_logits, fake_logits), each (N,) -> loss per pair, (N,).

        Its margin is real minus paired fake.
        """

        def discriminator(batch: Batch) -> dict[str, Tensor]:
            return {"adversarial": mean_over_heads(d_loss, batch.real_logits, batch.fake_logits)}

        def generator(batch: Batch) -> dict[str, Tensor]:
            return {"adversarial": mean_over_heads(g_loss, batch.real_logits, batch.fake_logits)}

        needs = frozenset({"reals"})
        return cls(
            Term("D", discriminator, needs),
            Term("G", generator, needs),
            margin=lambda real, fake: real - fake,
        )


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

"""The contracts of training: networks, terms, the batch that terms look at. No torch at import."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from artgan.records import Phase

if TYPE_CHECKING:
    from torch import Tensor, nn

    Pyramid = tuple[Tensor, ...]
    Logits = tuple[Tensor, ...]

__all__ = [
    "Adversarial",
    "Batch",
    "Discriminator",
    "Generator",
    "Networks",
    "Stage",
    "Term",
    "mean_over_heads",
]


@runtime_checkable
class Generator(Protocol):
    """The network that draws. In evaluation mode a picture depends on its own code alone.

    It may also have `latent_weight() -> (z_dim, features)`, the weight that a latent meets first,
    and where there is a w `style_weight() -> (w_dim, features)`, those that a style code meets:
    directions that change pictures the most are found in them.
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
    """The network that judges.

    Where a term of its architecture needs "features" it takes a further keyword, `features=True`,
    and then returns logits and features, whatever the term makes of these.
    """

    def forward(self, pictures: Pyramid) -> Tensor | Logits:
        """Return logits (N,), or a tuple of them (heads), of a pyramid in signed range."""
        ...


class Stage(NamedTuple):
    """Where a network that grows is.

    Attributes:
        scales: how many sizes it draws so far, from the coarsest up, 1 or more.
        fade: how far the finest of them is blended in, in [0, 1].
        batch: what the run's batch is multiplied by, 1 or more.
    """

    scales: int
    fade: float
    batch: int


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
        shown_reals, real_features: reals as D was shown them, augmented, and the features it had
            of them, where a term needs "features"; in phase D only.
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
    shown_reals: Pyramid | None = None
    real_features: Any = None


@dataclass(frozen=True)
class Term:
    """One part of a phase's loss: a pure function of the batch.

    Attributes:
        phase: the phase it is part of.
        compute: batch -> name -> value per picture, (N,). Never calls backward.
        needs: of "reals", "gradients" (at the reals), "fake-gradients", "codes", and in phase D
            "features" (of the reals, see `Discriminator`).
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

    NEEDS: ClassVar[frozenset[str]] = frozenset(
        {"reals", "gradients", "fake-gradients", "codes", "features"}
    )


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

    Networks that grow have all their layers from the start and pictures of full size on the
    outside: the generator enlarges what it draws, the discriminator averages down what it is shown.
    Both have `grow(scales, fade)`, called before every step, and keep where they are in a buffer of
    their state, so that loaded weights draw as they were trained. Layers that are not used yet are
    touched by 0 * sum, so that every parameter has a gradient.

    Attributes:
        generator: a module.
        discriminator: a module; None where the architecture's record says that it is not
            `adversarial`. Then there is phase G alone, and `terms` are all that it learns by.
        terms: the architecture's own further terms.
        others: further networks: name -> (the phase that trains it, the module).
        stage: for networks that grow: (cur_nimg, total_nimg) -> where they are; a pure function.
        show_reals: what is done to reals of full size (N, C, H, W), signed, before anything else
            looks at them, such as fading in their detail; None for nothing.
    """

    generator: nn.Module
    discriminator: nn.Module | None
    terms: tuple[Term, ...] = ()
    others: Mapping[str, tuple[Phase, nn.Module]] = field(default_factory=dict)
    stage: Callable[[int, int], Stage] | None = None
    show_reals: Callable[[Tensor], Tensor] | None = None

    def named(self) -> dict[str, nn.Module]:
        """Return every network by name, in a fixed order."""
        judge = {} if self.discriminator is None else {"discriminator": self.discriminator}
        others = {name: module for name, (_, module) in sorted(self.others.items())}
        return {"generator": self.generator, **judge, **others}

    def of_phase(self, phase: Phase) -> dict[str, nn.Module]:
        """Return the networks that a phase trains, by name."""
        own = "discriminator" if phase == "D" else "generator"
        return {
            name: module
            for name, module in self.named().items()
            if name == own or (name in self.others and self.others[name][0] == phase)
        }


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

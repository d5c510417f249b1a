"""The records that hooks return: what a component is called, where it lives, what it can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = [
    "KINDS",
    "PLUGIN_API",
    "Architecture",
    "Augmentation",
    "Better",
    "Callback",
    "Component",
    "Effect",
    "Extractor",
    "Loss",
    "Metric",
    "Objective",
    "Phase",
    "Policy",
    "Prior",
    "Regularizer",
    "Role",
    "Sampler",
    "Size",
    "Target",
    "Writer",
    "noun",
]

PLUGIN_API = 1
"""The version of the contracts below; a record carries the one it was written for."""

Size = tuple[int, int]
"""Height and width in pixels (on the command line: WIDTHxHEIGHT)."""

Phase = Literal["D", "G"]
"""The two phases of a training step: D learns, or G learns."""

Prior = Literal["gaussian", "sphere"]
"""How latents are distributed: N(0, I), or uniform on the sphere of radius sqrt(z_dim)."""

Role = Literal["balance", "strength", "doctor"]
"""What a policy looks after; a run has at most one policy of each role, asked in this order."""

Better = Literal["low", "high", ""]
"""Which way a figure is better; "" where neither is."""


Target = Literal["content", "style", "none"]
"""What a loss of pictures compares with: the picture as it was, the style, or nothing."""


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
        aliases: names it had before, by which runs and settings still find it.
    """

    kind: ClassVar[str] = ""
    hook: ClassVar[str] = ""

    name: str
    target: str
    summary: str = ""
    options: str | None = None
    source: str = ""
    api: int = PLUGIN_API
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Architecture(Component):
    """A generator and what it learns by. Target: ``build(options, *, size, channels) -> Networks``.

    Attributes:
        latent_prior: the distribution it is trained on; sampling and walks use the same.
        spaces: latent spaces it offers, lowest first: "z", or "z" and "w".
        min_side, max_side: legal sides in pixels, both included.
        channels: legal channel counts (4 is straight alpha).
        default_lr: learning rate that suits it, for both networks, with Adam (0, 0.99).
        gpu_lr: the one that suits it on a GPU, as wide as `on_gpu` makes it; None for the same.
        batch_coupled: whether a logit depends on the other pictures of a training batch, as it does
            with BatchNorm or a minibatch deviation in the discriminator. (In training mode the
            generator's pictures may depend on each other; in evaluation mode never.)
        multi_scale: whether it renders a pyramid and not one picture.
        adversarial: whether it has a discriminator. One without learns by terms of its own alone:
            there are no objective, regularizers, augmentations and policies of balance.
        on_cpu, on_gpu: options that suit such a machine, where none of them is set: (name, value).
        before: what options were before they existed, for runs that do not name them.
    """

    kind: ClassVar[str] = "architectures"
    hook: ClassVar[str] = "artgan_architectures"

    latent_prior: Prior = "gaussian"
    spaces: tuple[str, ...] = ("z",)
    min_side: int = 16
    max_side: int = 512
    channels: tuple[int, ...] = (1, 3, 4)
    default_lr: float = 1e-3
    gpu_lr: float | None = None
    batch_coupled: bool = False
    multi_scale: bool = False
    adversarial: bool = True
    on_cpu: tuple[tuple[str, object], ...] = ()
    on_gpu: tuple[tuple[str, object], ...] = ()
    before: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class Objective(Component):
    """An adversarial loss. Target: ``build(options) -> Adversarial``.

    Attributes:
        relativistic: whether reals are judged against fakes, so that G needs reals too.
        batch_coupled: whether a pair's loss depends on the other pairs of the batch.
        default_regularizers: what it is trained with unless the user says otherwise.
        accuracy_target: the sign accuracy above which D is too far ahead (ADA's r_t).
        parity: D's loss while it cannot tell reals from fakes, where a lower one means that it is
            ahead; None where its loss does not say so.
    """

    kind: ClassVar[str] = "objectives"
    hook: ClassVar[str] = "artgan_objectives"

    relativistic: bool = False
    batch_coupled: bool = False
    default_regularizers: tuple[str, ...] = ("r1", "r2")
    accuracy_target: float = 0.6
    parity: float | None = None


@dataclass(frozen=True)
class Regularizer(Component):
    """A further term of one phase. Target: ``build(options) -> Term``.

    Attributes:
        phase: the phase it is part of.
        strength: the option, if there is one, that weighs a squared gradient at pictures. Where it
            is not set it is chosen in proportion to the pixels and to how varied pictures are.
    """

    kind: ClassVar[str] = "regularizers"
    hook: ClassVar[str] = "artgan_regularizers"

    phase: Phase = "D"
    strength: str = ""


@dataclass(frozen=True)
class Augmentation(Component):
    """A change to all that D is shown, in both phases. Target: ``build(options) -> Augment``.

    Attributes:
        adaptive: whether its strength matters, so that a policy may turn it up and down.
    """

    kind: ClassVar[str] = "augmentations"
    hook: ClassVar[str] = "artgan_augmentations"

    adaptive: bool = True


@dataclass(frozen=True)
class Policy(Component):
    """Watches training and acts on it. Target: ``build(options, *, objective) -> Controller``.

    `objective` is the record of the run's objective.

    Attributes:
        role: what it looks after.
        reads_loss: whether it judges by D's loss; then it is refused with objectives whose loss
            does not say who is ahead (`Objective.parity` of None).
    """

    kind: ClassVar[str] = "policies"
    hook: ClassVar[str] = "artgan_policies"

    role: Role = "balance"
    reads_loss: bool = False


@dataclass(frozen=True)
class Metric(Component):
    """A measure of pictures. Target: ``build(options) -> Measure``.

    Attributes:
        figures: (name, which way is better) of each number it returns whatever the size. Further
            ones may come with them, and go the way of the one that they are called after: `swd-32`
            that of `swd`, `midpoint-ratio` that of `ratio`.
        needs: of "training" (all the reals), "midpoints" and "earlier": without these parts of
            the `View` it cannot be computed, and is left out.
        score: those of its figures that choose the best checkpoint while training.
        veto: figures and the share of their floor below which a checkpoint is no candidate.
        quick: options while training, where they are not set: (name, value).
        floor: whether it means something between two sets of reals. Fakes that are as near to that
            as possible are good: some figures can be beyond it, and are none the better for it.
        extra: optional packages that it imports, by the name of artgan's extra; "" for none.
    """

    kind: ClassVar[str] = "metrics"
    hook: ClassVar[str] = "artgan_metrics"

    figures: tuple[tuple[str, Better], ...] = ()
    needs: tuple[str, ...] = ()
    score: tuple[str, ...] = ()
    veto: tuple[tuple[str, float], ...] = ()
    quick: tuple[tuple[str, object], ...] = ()
    floor: bool = True
    extra: str = ""


@dataclass(frozen=True)
class Loss(Component):
    """A loss of pictures. Target: ``build(options) -> PictureLoss``.

    Attributes:
        target_from: what it compares with.
        looks_at: which of the extractor's layers it is given, unless its option `layers` says
            otherwise: "style" or "content", those that the extractor proposes for that; "pixels",
            the picture itself, as the only layer, of that name.
        weight: what it counts where no losses are named, and where it is named without a weight. 0
            leaves it out of those that are not named; named, it counts 1.
        local: whether places are compared with the same places, so that its value is a mean over
            parts of the picture. Otherwise its statistics are means over places, and what is
            compared is their mean over all parts.
    """

    kind: ClassVar[str] = "losses"
    hook: ClassVar[str] = "artgan_losses"

    target_from: Target = "style"
    looks_at: Literal["style", "content", "pixels"] = "style"
    weight: float = 0.0
    local: bool = False


@dataclass(frozen=True)
class Extractor(Component):
    """A feature network. Target: ``build(options) -> FeatureExtractor``.

    Attributes:
        learns: whether it is fitted to the pictures at hand.
        weights: the published file its weights come from; "" where there is none. Then its options
            have `file` (str, None for the usual place) and `download` (bool).
    """

    kind: ClassVar[str] = "extractors"
    hook: ClassVar[str] = "artgan_extractors"

    learns: bool = False
    weights: str = ""


@dataclass(frozen=True)
class Sampler(Component):
    """A path through latents. Target: ``build(options, **needed) -> Path2Codes``.

    Attributes:
        spaces: latent spaces it can walk in; of those that a network has it walks in the highest.
        closed: whether the path ends where it began.
        min_keys, max_keys: the fewest and the most keys it can make a path of; a max_keys of None
            is no limit. It is never called with other numbers of them.
        keyed: whether it meets its keys evenly, so that easings, holds and beats have something to
            go by.
        needs: what its target is called with besides the options, by these names, of `NEEDS`.
    """

    NEEDS: ClassVar[dict[str, str]] = {
        "closed": "whether the path has to end where it began: one that needs it makes both kinds",
        "space": 'the latent space that the keys are in, "z" or "w"',
        "prior": "how the latents of z are distributed, see `Prior`",
        "mean": "the code that truncation pulls to, shaped like one key",
        "directions": "unit vectors that change pictures the most, (M, *key), strongest first",
    }

    kind: ClassVar[str] = "samplers"
    hook: ClassVar[str] = "artgan_samplers"

    spaces: tuple[str, ...] = ("z",)
    closed: bool = True
    min_keys: int = 1
    max_keys: int | None = None
    keyed: bool = True
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Effect(Component):
    """A change to finished pictures, such as a symmetry. Target: ``build(options) -> Alter``."""

    kind: ClassVar[str] = "effects"
    hook: ClassVar[str] = "artgan_effects"


@dataclass(frozen=True)
class Writer(Component):
    """A file format. Target: a callable that opens a `FrameWriter` (see there).

    Attributes:
        suffixes: lower-case, with the dot; the first is the usual one. "/" stands for a folder.
        animation: whether it takes more than one frame; else it is given exactly one.
        still: whether what it makes of all frames is one picture of any size, as a contact sheet.
        max_fps: the highest rate it can show, None for no limit.
        smaller: options that make its files smaller, step by step, each step a tuple of
            (name, value): what is tried where a file must not be larger than so much.
    """

    kind: ClassVar[str] = "writers"
    hook: ClassVar[str] = "artgan_writers"

    suffixes: tuple[str, ...] = ()
    animation: bool = True
    still: bool = False
    max_fps: float | None = None
    smaller: tuple[tuple[tuple[str, object], ...], ...] = ()


@dataclass(frozen=True)
class Callback(Component):
    """Is told while a run trains, and changes nothing. Target: ``build(options) -> Listener``.

    Attributes:
        extra: optional packages that it imports, by the name of artgan's extra; "" for none.
    """

    kind: ClassVar[str] = "callbacks"
    hook: ClassVar[str] = "artgan_callbacks"

    extra: str = ""


KINDS: dict[str, type[Component]] = {
    record.kind: record
    for record in (
        Architecture,
        Objective,
        Regularizer,
        Augmentation,
        Policy,
        Metric,
        Loss,
        Extractor,
        Sampler,
        Effect,
        Writer,
        Callback,
    )
}
"""Kind -> its record, in the order they are listed."""


def noun(kind: str) -> str:
    """Return what one member of a kind is called.

    >>> noun("policies")
    'policy'
    """
    return KINDS[kind].__name__.lower()

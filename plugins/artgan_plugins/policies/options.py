"""Options of the policies. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["AdaOptions", "AdaptiveOptions", "DoctorOptions", "SkipDOptions", "TturOptions"]


class TturOptions(Options):
    """How far apart the rates are."""

    d_factor: float = Field(
        2.0, gt=0, le=100, description="factor of the discriminator's learning rate"
    )
    g_factor: float = Field(0.5, gt=0, le=100, description="factor of the generator's")


class SkipDOptions(Options):
    """When the discriminator rests, in parts of the loss it has while it can tell nothing."""

    below: float = Field(0.3, gt=0, lt=1, description="it rests from this share of that loss down")
    until: float = Field(0.4, gt=0, le=1, description="and learns again from this share up")
    steps: int = Field(8, ge=1, le=10000, description="steps that the loss is averaged over, about")
    most: int = Field(50, ge=1, le=10000, description="the most steps it rests in a row")


class AdaptiveOptions(Options):
    """What is too far ahead, and how quickly rates follow."""

    ahead: float = Field(
        0.9, gt=0, le=1, description="sign accuracy above which the discriminator slows down"
    )
    behind: float = Field(
        0.05, ge=-1, lt=1, description="sign accuracy below which the generator slows down"
    )
    kimg: float = Field(
        4.0, gt=0, le=1e5, description="thousands of pictures in which a rate halves or doubles"
    )
    lowest: float = Field(0.125, gt=0, le=1, description="the lowest factor of a rate")
    gradient: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="the discriminator rests every other step while the generator's gradient is "
        "below this share of its usual norm; 0 never",
    )


class AdaOptions(Options):
    """What strength aims at, and how quickly it moves."""

    target: float | None = Field(
        None, ge=-1, le=1, description="sign accuracy aimed at; none given: the objective's, 0.6"
    )
    kimg: float = Field(
        100.0,
        gt=0,
        le=1e6,
        description="thousands of pictures from strength 0 to 1; the paper: 500",
    )
    steps: int = Field(4, ge=1, le=10000, description="steps between two changes")
    most: float = Field(0.8, gt=0, le=1, description="the highest strength")


class DoctorOptions(Options):
    """What the doctor calls by which name, and how often it acts."""

    wait_kimg: float = Field(
        4.0, ge=0, le=1e6, description="thousands of pictures before it judges anything but numbers"
    )
    ticks: int = Field(3, ge=1, le=1000, description="ticks that a sign has to last")
    varied: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="diversity, in parts of the reals' own, below which is collapse",
    )
    copies: float = Field(
        0.5,
        gt=0,
        le=1,
        description="share of pictures closer to a real than its neighbours are, beyond what is "
        "usual among reals, that is copying",
    )
    explode: float = Field(
        100.0, gt=1, description="loss or gradient, in parts of its median, that is divergence"
    )
    rollbacks: int = Field(3, ge=0, le=100, description="the most times a run is taken back")
    remedies: int = Field(6, ge=0, le=1000, description="the most milder remedies in a run")
    patience: int = Field(
        6, ge=1, le=10000, description="measurements without improvement after which a run ends"
    )

"""What a walk's frames depend on, besides its networks: the part of a recipe that says "walk".

A recipe comes from a file, so nothing here is believed that was not checked. A name that is missing
has its default, which is what walks were like before there was such a setting: never change one.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from artgan.keys import MAX_KEYS, Key
from artgan.options import Options
from artgan.stylesettings import OF_FRAMES

__all__ = [
    "MAX_FRAMES",
    "MAX_TILES",
    "Corner",
    "Ease",
    "Mix",
    "Origin",
    "Shape",
    "Sign",
    "Styled",
    "Used",
    "WalkPlan",
    "Wave",
    "passings_of",
]

MAX_FRAMES = 1_000_000
MAX_TILES = 400
_SHA256 = r"^[0-9a-f]{64}$"

Shape = Literal["loop", "open", "boomerang"]
"""A loop closes by going on, an open walk ends at its last key, a boomerang goes back again."""

Wave = Literal["rows", "wave", "spiral"]
"""In which order the tiles of a grid are ahead of each other."""

Ease = Literal["linear", "sine", "quad", "cubic", "smooth", "smoother", "expo", "back", "bounce"]
"""How fast it goes from key to key, see `artgan.timing.EASINGS`."""

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]


def passings_of(shape: Shape | None, rounds: int) -> int:
    """Return how often a path is gone along in a walk; there and back is twice."""
    return 1 if shape == "open" else rounds * (2 if shape == "boomerang" else 1)


class Used(Options):
    """A component that takes part, and its options."""

    name: str = Field(min_length=1, max_length=200, description="its name, or distribution:name")
    options: dict[str, Any] = Field(default_factory=dict, description="name -> value")


class Sign(Options):
    """A signature on every frame."""

    digest: str = Field(pattern=_SHA256, description="SHA-256 of the mark's file")
    corner: Corner = Field("bottom-right", description="where it stands")


class Styled(Options):
    """A style that every frame is drawn in."""

    styles: tuple[str, ...] = Field(min_length=1, description="SHA-256 of each style's file")
    strength: float = Field(0.5, ge=0, le=1, description="of the style")
    components: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="options of losses and extractors: kind -> name -> option"
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, description="further settings of the redrawing: name -> value"
    )
    masks: tuple[str, ...] = Field((), description="SHA-256 of each mask's file")

    @field_validator("settings")
    @classmethod
    def _settings(cls, value: dict[str, Any]) -> dict[str, Any]:
        unknown = [name for name in value if name not in OF_FRAMES]
        if unknown:
            raise ValueError(f"expected settings of redrawn frames: {', '.join(OF_FRAMES)}")
        return value


class Mix(Options):
    """A code that some layers of the network always get, whatever the walk is at."""

    key: Key = Field(description="whose code")
    first: int = Field(ge=0, le=1000, description="the first layer that gets it")
    last: int = Field(ge=0, le=1000, description="the last one")


class Origin(Options):
    """A checkpoint, as a recipe names it."""

    run_id: str = Field("", max_length=200, description="identity of the run")
    arch: str | None = Field(None, max_length=200, description="architecture")
    cur_nimg: int = Field(0, ge=0, description="pictures it had seen")
    digest: str = Field(pattern=_SHA256, description="SHA-256 of its weights")


class WalkPlan(Options):
    """A walk, resolved: with the same networks it makes the same frames anywhere."""

    keys: tuple[Key, ...] = Field(min_length=1, max_length=MAX_KEYS, description="in their order")
    space: Literal["z", "w"] = Field("z", description="latent space that is walked in")
    psi: float = Field(1.0, ge=0, le=1, description="truncation")
    sampler: str = Field(min_length=1, max_length=200, description="path through the keys")
    options: dict[str, Any] = Field(default_factory=dict, description="of the sampler")
    shape: Shape = Field("loop", description="how the walk ends")
    rounds: int = Field(1, ge=1, le=1000, description="times the path is gone along")
    frames: int = Field(ge=1, le=MAX_FRAMES, description="number of frames")
    fps: float = Field(ge=0.1, le=1000, description="frames a second")
    pace: float = Field(0.0, ge=0, le=1, description="0 even in the latents, 1 to the eye")
    ease: Ease = Field("linear", description="speed between two keys")
    hold: float = Field(0.0, ge=0, le=86400, description="seconds at rest on each key")
    beats: int | None = Field(None, ge=1, le=MAX_FRAMES, description="beats, which keys land on")
    columns: int = Field(1, ge=1, le=MAX_TILES, description="tiles side by side")
    rows: int = Field(1, ge=1, le=MAX_TILES, description="tiles below each other")
    wave: Wave = Field("rows", description="order in which tiles are ahead")
    own: bool = Field(False, description="whether each tile has keys of its own")
    morph: Literal["growth", "blend"] | None = Field(None, description="networks that change")
    stages: tuple[Origin, ...] = Field((), max_length=10_000, description="what they change to")
    mix: Mix | None = Field(None, description="code that some layers always get")
    effects: tuple[Used, ...] = Field((), max_length=100, description="changes to each tile")
    scale: int = Field(1, ge=1, le=64, description="times as large as the network draws")
    pixels: bool = Field(False, description="enlarged with square pixels")
    sign: Sign | None = Field(None, description="signature")
    plays: int = Field(0, ge=0, le=65535, description="times it plays, 0 for ever")
    stylize: Styled | None = Field(None, description="style it is drawn in")

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, value: Any) -> Any:
        """Take `loop` of older recipes for what is called `plays` now."""
        if isinstance(value, dict) and "loop" in value and "plays" not in value:
            value = {**value, "plays": value["loop"]}
            del value["loop"]
        return value

    @property
    def passings(self) -> int:
        """Return how often the path is gone along; there and back is twice."""
        return passings_of(self.shape, self.rounds)

    @property
    def tiles(self) -> int:
        """Return the number of tiles."""
        return self.columns * self.rows

    @property
    def seconds(self) -> float:
        """Return how long it is."""
        return self.frames / self.fps

    @property
    def closed(self) -> bool:
        """Return whether the last frame leads to the first."""
        return self.shape != "open"

    def table(self) -> dict[str, Any]:
        """Return it as a recipe keeps it: what is not at its default, JSON-able."""
        return self.model_dump(mode="json", exclude_defaults=True)

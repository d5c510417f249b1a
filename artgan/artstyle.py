"""Fast styles: a network that knows one style, its file, and how it redraws pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from artgan.api import CheckpointError, ShapeError, Size
from artgan.checkpoints import load_tensors, read_packed, tensor_bytes
from artgan.engine import autocast, has_quick_bfloat16, place
from artgan.fastnet import LEAST, FastNet, Shape, bytes_a_pixel
from artgan.files import write_bytes
from artgan.screen import safe
from artgan.toning import Colours, keep_colours, match_colours, resize
from artgan.weights import load_state

__all__ = [
    "FORMAT",
    "WEAKEST",
    "ArtStyle",
    "FastStylist",
    "read_artstyle",
    "tone_share",
    "write_artstyle",
]

FORMAT = 1

WEAKEST = 0.1
"""The strength below which a picture is blended with what that strength makes of it."""

_KEY = "artgan.artstyle"
_MOST = {"stages": 12, "width": 256, "detail": 128, "blocks": 16}
_FIXED = 60_000_000  # bytes beside all that grows with pictures
_PICTURES = 8  # float pictures of the whole size that exist at once, beside the network's


@dataclass(frozen=True)
class ArtStyle:
    """A fast style.

    Attributes:
        net: draws pictures that have the style's colours.
        colours: those.
        facts: how it was made, JSON-able.
    """

    net: FastNet
    colours: Colours
    facts: Mapping[str, Any] = field(default_factory=dict)


def tone_share(strength: float) -> float:
    """Return how much of the style's colours a picture is given first."""
    return min(1.0, 2 * strength)


# Files --------------------------------------------------------------------------------------


def write_artstyle(path: Path, style: ArtStyle) -> int:
    """Write a fast style as one file, safetensors with JSON in its header, and return its size.

    Raises:
        OutputError: the system refused.
    """
    mean, covariance = style.colours
    facts = {
        "format": FORMAT,
        "net": style.net.facts(),
        "mean": mean.tolist(),
        "covariance": covariance.tolist(),
        "made": dict(style.facts),
    }
    tensors = {name: t.detach().cpu().contiguous() for name, t in style.net.state_dict().items()}
    data = tensor_bytes(tensors, {_KEY: json.dumps(facts, sort_keys=True)})
    write_bytes(path, data)
    return len(data)


def read_artstyle(path: Path) -> ArtStyle:
    """Return the fast style of a file.

    Raises:
        CheckpointError: it cannot be read, or is none.
    """
    where = safe(path)
    what = "no fast style: expected a file made by 'artgan fit-style'"
    data, facts = read_packed(path, _KEY, FORMAT, what)
    try:
        net = _built(facts["net"])
        mean = torch.tensor(facts["mean"], dtype=torch.float64)
        covariance = torch.tensor(facts["covariance"], dtype=torch.float64)
        made = dict(facts["made"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{where} is damaged: {safe(error)}") from None
    if mean.shape != (3,) or covariance.shape != (3, 3):
        raise CheckpointError(f"{where} is damaged: its colours are not those of a picture")
    load_state(net, load_tensors(data, where), where)
    numbers = [mean, covariance, *net.state_dict().values()]
    if not all(bool(torch.isfinite(tensor).all()) for tensor in numbers):
        raise CheckpointError(f"{where} is damaged: some of its numbers are not finite")
    return ArtStyle(net.eval().requires_grad_(False), (mean, covariance), made)


def _built(facts: Mapping[str, Any]) -> FastNet:
    if set(facts) != set(_MOST):
        raise ValueError("its network is not described")
    for name, most in _MOST.items():
        if type(facts[name]) is not int or not 1 <= facts[name] <= most:
            raise ValueError(f"net.{name} is {facts[name]!r}, expected 1 to {most}")
    sizes = {name: facts[name] for name in _MOST if name != "stages"}
    return FastNet(facts["stages"], Shape(**sizes))


# Pictures -----------------------------------------------------------------------------------


@dataclass
class FastStylist:
    """Redraws pictures by a fast style; the same picture always in the same way on a machine.

    Args:
        style: what it draws like.
        strength: of the style, in [0, 1]; 0 changes nothing.
        match: whether a picture gets the style's colours first, as those did it learned from.
        keep: whether it keeps its own colours in the end.
        seed: of the noise.
        device: where it is computed.
    """

    style: ArtStyle
    strength: float = 0.5
    match: bool = True
    keep: bool = False
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        place(self.style.net, self.device)
        self._precision = "bfloat16" if has_quick_bfloat16(self.device) else "float32"

    def redraw(
        self,
        image: Tensor,
        styles: Sequence[object] = (),
        *,
        alpha: Tensor | None = None,
        told: Callable[[int, int, dict[str, float]], None] = lambda *_: None,
    ) -> Tensor:
        """Return a picture redrawn, unit range, of the same size.

        Args:
            image: unit range, (1, 3, H, W).
            styles: there are none beside its own.
            alpha: how much each pixel counts for the colours, (1, 1, H, W); None counts all.
            told: hears when it is done.

        Raises:
            ShapeError: other styles were given.
        """
        if styles:
            raise ShapeError("a fast style knows itself only, expected no others")
        if self.strength == 0:
            return image
        height, width = given = (image.shape[-2], image.shape[-1])
        size = (max(LEAST, height), max(LEAST, width))
        work = resize(image, size)
        seen = None if alpha is None else resize(alpha, size)
        strength = max(WEAKEST, self.strength)
        toned = work
        if self.match:
            share = tone_share(strength)
            toned = match_colours(work, self.style.colours, share=share, mask=seen)
        with torch.inference_mode(), autocast(self.device, self._precision):
            drawn = self.style.net.redraw(
                toned.to(self.device),
                torch.tensor([strength], device=self.device),
                seed=self.seed,
            )
        drawn = drawn.float().cpu().clone()
        if self.keep:
            drawn = keep_colours(drawn, work)
        if self.strength < WEAKEST:
            drawn = torch.lerp(work, drawn, self.strength / WEAKEST)
        told(1, 1, {})
        return resize(drawn, given)

    def check(self) -> None:
        """Look whether it can be used: a file that was read can."""

    def forecast(self, size: Size) -> int:
        """Return how many bytes a picture (height, width) takes at most, about."""
        each = bytes_a_pixel(self.style.net.shape) + 12 * _PICTURES
        return _FIXED + each * size[0] * size[1]

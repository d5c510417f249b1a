"""From latents to pictures, the same bytes every time; and the recipe that says how they came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from artgan import __version__
from artgan.api import ShapeError
from artgan.images import check_images, enlarge, to_unit

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.models import Model

__all__ = [
    "RECIPE_SCHEMA",
    "RENDER_BATCH",
    "codes_of",
    "describe_truncation",
    "mean_code",
    "recipe",
    "render",
]

RENDER_BATCH = 16
"""Pictures rendered at once, always: the rounding of a picture depends on the batch's size."""

RECIPE_SCHEMA = 1


def _batches(rows: Tensor) -> Iterator[tuple[Tensor, int]]:
    """Yield `RENDER_BATCH` rows at a time and how many count; the last row fills the last batch."""
    import torch

    for start in range(0, len(rows), RENDER_BATCH):
        part = rows[start : start + RENDER_BATCH]
        count = len(part)
        if count < RENDER_BATCH:
            part = torch.cat([part, part[-1:].expand(RENDER_BATCH - count, *part.shape[1:])])
        yield part, count


def codes_of(model: Model, z: Tensor, *, psi: float = 1.0) -> Tensor:
    """Return the codes of latents, on the CPU; each depends on its own latent alone.

    Args:
        model: what to ask.
        z: (N, z_dim).
        psi: truncation in [0, 1]; 1 is none, 0 the mean for all.

    Returns:
        (N, ...), as the generator's `codes` gives them.
    """
    import torch

    parts = []
    with torch.inference_mode():
        for part, count in _batches(z):
            codes = model.generator.codes(part.to(model.device), psi)  # type: ignore[operator]
            parts.append(codes[:count].float().cpu())
    return torch.cat(parts) if parts else z


def mean_code(model: Model) -> Tensor:
    """Return the code that truncation pulls to, (...), on the CPU; without a space w it is 0."""
    import torch

    return codes_of(model, torch.zeros(1, model.z_dim), psi=0.0)[0]


def render(model: Model, codes: Tensor, *, scale: int = 1, smooth: bool = True) -> Iterator[Tensor]:
    """Yield the picture of each code, the finest there is; it depends on its own code alone.

    Args:
        model: what to draw with.
        codes: (N, ...), see `codes_of`.
        scale, smooth: how often as large and how, see `artgan.images.enlarge`.

    Yields:
        Unit range, not clamped, (C, H, W), on the CPU.

    Raises:
        ShapeError: the generator drew something else than it should.
    """
    import torch

    expected = (RENDER_BATCH, model.channels, *model.size)
    for part, count in _batches(codes):
        with torch.inference_mode():  # not around the yield: it would hold for the caller, too
            pictures = model.generator.render(part.to(model.device))[-1]  # type: ignore[operator]
            check_images(pictures, "signed", "the generator")
            if tuple(pictures.shape) != expected:
                raise ShapeError(
                    f"the generator drew pictures {tuple(pictures.shape)}, expected {expected}"
                )
            unit = enlarge(to_unit(pictures[:count].float()), scale, smooth=smooth).cpu()
        yield from unit


def describe_truncation(model: Model, psi: float) -> str | None:
    """Return what a truncation does to this model, in words; None where it does nothing."""
    if psi >= 1:
        return None
    if "w" in model.spaces:
        return f"truncation {psi:g} pulls w towards its mean"
    note = f"truncation {psi:g} scales z, since '{model.origin.get('arch')}' has no w"
    return f"{note}; it was trained at full length" if model.prior == "sphere" else note


def recipe(command: str, model: Model, settings: dict[str, Any], **more: Any) -> str:
    """Return what made a picture, as JSON: schema, version, checkpoint and settings.

    It holds neither the time nor a path, so that the same call makes the same bytes anywhere.

    Args:
        command: "sample" or "walk"; the settings stand under this name.
        model: what drew it.
        settings: JSON-able.
        more: what else it keeps, JSON-able, beside them.
    """
    return json.dumps(
        {
            "schema": RECIPE_SCHEMA,
            "artgan": __version__,
            "command": command,
            "model": model.origin,
            command: settings,
            **more,
        },
        separators=(",", ":"),
    )

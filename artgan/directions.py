"""Directions: in which ways a code changes a network's pictures the most. Moves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from artgan.api import ConfigError, ShapeError
from artgan.rendering import mean_code
from artgan.screen import safe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.models import Model

__all__ = ["directions"]

_WEIGHTS = {"z": "latent_weight", "w": "style_weight"}


def directions(model: Model, count: int | None = None, *, space: Literal["z", "w"] = "z") -> Tensor:
    """Return the directions of a space that the layers it meets answer to the most, (M, *code).

    They are x -> A x + b. The directions are the unit vectors v at right angles to each other with
    the largest |A v|: eigenvectors of AᵀA, which are the left singular vectors of Aᵀ. In w, A is
    all layers that a style code meets, one below the other; where there is a code for each layer
    of the network, a direction moves all of them alike.

    Args:
        model: whose generator has `latent_weight()`, the weight Aᵀ, (z_dim, features); for w
            `style_weight()`, (w_dim, features).
        count: the most to return; None is all there are.
        space: of the directions.

    Returns:
        Strongest first, shaped like codes of the space, float32, on the CPU. Each has its largest
        component positive.

    Raises:
        ConfigError: the architecture has no such weight.
        ShapeError: its weight does not fit its latents, or its codes.

    Source: Shen and Zhou 2021, arXiv:2007.06600.
    """
    import torch

    name = _WEIGHTS[space]
    weight_of = getattr(model.generator, name, None)
    arch = safe(str(model.origin.get("arch")))
    if not callable(weight_of):
        raise ConfigError(
            f"architecture '{arch}' has no {name}(), which directions are found in: "
            "choose another --sampler"
        )
    weight: Tensor = weight_of().detach().to("cpu", torch.float64)
    shape = (model.z_dim,) if space == "z" else tuple(mean_code(model).shape)
    if weight.ndim != 2 or len(weight) != shape[-1]:
        raise ShapeError(
            f"architecture '{arch}': {name}() has shape {tuple(weight.shape)}, "
            f"expected ({shape[-1]}, features)"
        )
    left, _, _ = torch.linalg.svd(weight, full_matrices=False)
    found = left.T[:count]  # (M, d)
    largest = found.gather(1, found.abs().argmax(1, keepdim=True))
    signed: Tensor = found * largest.sign()
    if len(shape) == 2:  # the same in every layer, and a unit vector all together
        signed = signed[:, None].expand(-1, *shape) / shape[0] ** 0.5
    return signed.to(torch.float32).contiguous()

"""Directions: in which ways a latent changes a network's pictures the most. Moves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from artgan.api import ConfigError, ShapeError
from artgan.screen import safe

if TYPE_CHECKING:
    from torch import Tensor

    from artgan.models import Model

__all__ = ["directions"]


def directions(model: Model, count: int | None = None) -> Tensor:
    """Return the directions of z that the network's first layer answers to the most, (M, z_dim).

    That layer is z -> A z + b. The directions are the unit vectors v at right angles to each other
    with the largest |A v|: eigenvectors of AᵀA, which are the left singular vectors of Aᵀ.

    Args:
        model: whose generator has `latent_weight()`, the weight Aᵀ, (z_dim, features).
        count: the most to return; None is all there are.

    Returns:
        Strongest first, float32, on the CPU. Each has its largest component positive.

    Raises:
        ConfigError: the architecture has no such weight.
        ShapeError: its weight does not fit its latents.

    Source: Shen and Zhou 2021, arXiv:2007.06600.
    """
    import torch

    weight_of = getattr(model.generator, "latent_weight", None)
    arch = safe(str(model.origin.get("arch")))
    if not callable(weight_of):
        raise ConfigError(
            f"architecture '{arch}' has no latent_weight(), which directions are found in: "
            "choose another --sampler"
        )
    weight: Tensor = weight_of().detach().to("cpu", torch.float64)
    z_dim = model.z_dim
    if weight.ndim != 2 or len(weight) != z_dim:
        raise ShapeError(
            f"architecture '{arch}': latent_weight() has shape {tuple(weight.shape)}, "
            f"expected ({z_dim}, features)"
        )
    left, _, _ = torch.linalg.svd(weight, full_matrices=False)
    found = left.T[:count]  # (M, z_dim)
    largest = found.gather(1, found.abs().argmax(1, keepdim=True))
    signed: Tensor = found * largest.sign()
    return signed.to(torch.float32).contiguous()

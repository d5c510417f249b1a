"""What is checked of a generator's codes: what there is in a space, and the mean psi pulls to."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from artgan.api import Architecture, Networks
from artgan.testing.chance import reseeded
from artgan.testing.expect import ContractError, expect, expect_close
from artgan.testing.phases import latents

__all__ = ["check_codes", "check_mean"]

MANY = 256
STEPS = 8
STUCK = 0.1
"""How far the mean of w may be from where psi pulls to, in parts of the spread of w, unmoved."""


def check_codes(record: Architecture, networks: Networks, where: str) -> None:
    """Check shapes of codes and of the weights that meet them, and what psi makes of a code."""
    generator: Any = networks.generator.eval()
    z = latents(record, networks)
    with torch.no_grad():
        full, half, mean = (generator.codes(z, psi) for psi in (1.0, 0.5, 0.0))
    if "w" in record.spaces:
        expect(
            full.ndim in {2, 3},
            f"{where}: codes have shape {tuple(full.shape)}, expected (N, w_dim), or (N, layers, "
            "w_dim) where layers have codes of their own",
        )
    else:
        expect_close(
            full, z, f"{where}: codes(z) against z (its record names no space w: return psi * z)"
        )
    expect_close(
        mean,
        mean[:1].expand_as(mean),
        f"{where}: codes(z, 0), expected one mean for every z: return mean + psi * (w - mean), the "
        "mean kept in a buffer",
    )
    expect_close(
        half,
        (full + mean) / 2,
        f"{where}: codes(z, 0.5) against half of the way from codes(z, 0) to codes(z, 1)",
    )
    for name, width in (("latent_weight", z.shape[1]), ("style_weight", full.shape[-1])):
        if callable(weight_of := getattr(generator, name, None)):
            weight = weight_of()
            shape = tuple(weight.shape) if isinstance(weight, Tensor) else type(weight).__name__
            expect(
                len(shape) == 2 and shape[0] == width,
                f"{where}: {name}() has shape {shape}, expected ({width}, features)",
            )


def check_mean(record: Architecture, networks: Networks, where: str) -> None:
    """Check that the mean that psi pulls to follows the codes in training; changes networks."""
    if "w" not in record.spaces:
        return
    generator: Any = networks.generator

    def off() -> float:
        """Return how far the mean is from where it should be, in parts of the spread of w."""
        z = latents(record, networks, MANY)
        with torch.no_grad():
            w, mean = generator.eval().codes(z), generator.codes(z[:1], 0.0)
        return float((w.mean(0) - mean[0]).norm() / w.std(0).norm().clamp_min(1e-6))

    before = off()
    generator.train()
    with reseeded(0):
        for step in range(STEPS):
            generator(latents(record, networks, MANY).roll(step, 0))
    after = off()
    if not (before <= STUCK or after < before):
        raise ContractError(
            f"{where}: codes(z, 0) is {after:.2f} of the spread of w away from the mean of w, and "
            "was no nearer before training: keep that mean in a buffer and move it in training mode"
        )

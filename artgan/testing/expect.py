"""How a contract test says what is wrong: what was given, what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "ContractError",
    "expect",
    "expect_close",
    "expect_finite",
    "expect_kept",
    "expect_movable",
    "expect_near",
    "expect_shape",
]


class ContractError(AssertionError):
    """A component breaks the contract of its kind."""


def expect(holds: bool, message: str) -> None:
    """Raise a ContractError with a message unless something holds."""
    if not holds:
        raise ContractError(message)


def expect_shape(tensor: object, shape: tuple[int, ...], what: str) -> Tensor:
    """Return a tensor, once it is a float32 one of a shape."""
    import torch

    if not isinstance(tensor, torch.Tensor):
        raise ContractError(f"{what}: got a {type(tensor).__name__}, expected a tensor {shape}")
    expect(
        tuple(tensor.shape) == shape, f"{what}: got shape {tuple(tensor.shape)}, expected {shape}"
    )
    expect(tensor.dtype == torch.float32, f"{what}: got {tensor.dtype}, expected torch.float32")
    return tensor


def expect_finite(tensor: Tensor, what: str) -> None:
    """Check that a tensor holds numbers only."""
    bad = int((~tensor.isfinite()).sum())
    expect(not bad, f"{what}: {bad} of {tensor.numel()} values are not finite")


def expect_close(given: Tensor, expected: Tensor, what: str, *, atol: float = 1e-4) -> None:
    """Check that two tensors agree up to a small share of the larger's size."""
    expect(
        given.shape == expected.shape,
        f"{what}: got shape {tuple(given.shape)}, expected {tuple(expected.shape)}",
    )
    off = float((given - expected).detach().abs().max()) if given.numel() else 0.0
    scale = max(1.0, float(expected.detach().abs().max()) if expected.numel() else 0.0)
    expect(off <= atol * scale, f"{what}: they differ by up to {off:.3g}")


def expect_kept(given: Sequence[Tensor], kept: Sequence[Tensor], what: str) -> None:
    """Check that tensors are as they were; what says whose doing it is and what they are."""
    import torch

    expect(
        all(torch.equal(*pair) for pair in zip(given, kept, strict=True)),
        f"{what} in place, expected it to leave its arguments as they are",
    )


def expect_movable(module: nn.Module, call: Callable[[], object], where: str) -> None:
    """Check that a module takes its constants along to another device; moves it to "meta".

    That device computes nothing, so that it is on every machine; only tensors that stayed behind
    are looked for, whatever else fails there.
    """
    import torch

    module.to("meta")
    try:
        with torch.no_grad():
            call()
    except Exception as error:
        if re.search(r"(expected|same) device", str(error)):
            raise ContractError(
                f"{where}: {type(module).__name__} keeps a tensor that does not move to another "
                f"device with it ({error}): register_buffer"
            ) from error


def expect_near(given: Tensor, expected: Tensor, what: str, *, share: float = 0.1) -> None:
    """Check that two tensors agree but for rounding, as a share of what the expected one is."""
    off = (given.detach().float() - expected.detach()).square().mean().sqrt()
    size = expected.detach().square().mean().sqrt()
    expect(
        float(off) <= share * float(size) + 1e-3,
        f"{what}: they differ by {float(off):.3g} where values are {float(size):.3g}",
    )

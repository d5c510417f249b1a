"""Machines: which device there is, and the optimizer and precision that suit it. No networks."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from artgan.api import ConfigError
from artgan.screen import safe

if TYPE_CHECKING:
    import torch

__all__ = ["adam", "describe_device", "peak_bytes", "pick_device", "threads"]


def pick_device(name: str = "auto") -> torch.device:
    """Return the device to work on.

    Args:
        name: "cpu", "cuda", "cuda:N", "mps", or "auto": CUDA where there is a device, else the
            CPU. (MPS is offered but has not been run by us, so auto does not take it.)

    Raises:
        ConfigError: there is no such device here.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in {"cpu", "cuda", "mps"} or (index and not index.isascii()):
        raise ConfigError(f"--device {safe(name)}: expected auto, cpu, cuda, cuda:N or mps")
    if kind == "cuda":
        count = torch.cuda.device_count()
        if not index.isdigit() and index or int(index or 0) >= count:
            raise ConfigError(
                f"--device {safe(name)}: this machine has {count} CUDA devices for this PyTorch; "
                "use --device cpu, or install PyTorch for your GPU"
            )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ConfigError(f"--device {safe(name)}: this machine has no MPS; use --device cpu")
    return torch.device(kind if kind != "cuda" else f"cuda:{index or 0}")


def describe_device(device: torch.device) -> str:
    """Return a device in words."""
    import torch

    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    if device.type == "cpu":
        return f"CPU, {torch.get_num_threads()} threads"
    return str(device)


def adam(
    parameters: Iterable[torch.nn.Parameter], *, lr: float, betas: tuple[float, float]
) -> torch.optim.Adam:
    """Return Adam, fused, over parameters.

    Source: Kingma and Ba 2015, arXiv:1412.6980.
    """
    import torch

    return torch.optim.Adam(parameters, lr=lr, betas=betas, eps=1e-8, fused=True)


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use a number of CPU threads in the block; 0 leaves it as it is."""
    import torch

    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def peak_bytes(device: torch.device) -> int | None:
    """Return the most memory that was in use so far, in bytes; None where it cannot be known."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device)
    if os.name != "posix":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) * (1 if sys.platform == "darwin" else 1024)

"""Machines: which device there is, and the optimizer and precision that suit it. No networks."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from artgan.api import ConfigError
from artgan.screen import plural, safe

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = [
    "adam",
    "autocast",
    "describe_device",
    "free_bytes",
    "has_quick_bfloat16",
    "peak_bytes",
    "pick_device",
    "place",
    "release_memory",
]


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
        return f"CPU, {plural(torch.get_num_threads(), 'thread')}"
    return str(device)


def place(module: nn.Module, device: torch.device) -> None:
    """Move a network to a device, its kernels laid out with channels last.

    That layout is what convolutions are quickest with: measured on two CPU cores, 1.05 to 1.2
    times as many pictures a second.
    """
    import torch

    module.to(device)
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)


def has_quick_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 matrices quicker than float32 ones.

    CUDA devices do from compute capability 8.0 on; CPUs with AMX tiles do (measured on two cores
    with the default networks: 1.5 times as many pictures a second), and CPUs without lose by it.
    """
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type != "cpu":
        return False
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") and capabilities.get("avx512_bf16"))


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return a context in which networks compute in a precision; their weights stay float32.

    Args:
        device: where they are.
        precision: "float32" or "bfloat16".
    """
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def adam(
    parameters: Iterable[torch.nn.Parameter], *, lr: float, betas: tuple[float, float]
) -> torch.optim.Adam:
    """Return Adam, fused, over parameters.

    Source: Kingma and Ba 2015, arXiv:1412.6980.
    """
    import torch

    return torch.optim.Adam(parameters, lr=lr, betas=betas, eps=1e-8, fused=True)


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


def free_bytes() -> int | None:
    """Return how much memory this process may still take, in bytes; None where that is not known.

    It is what the machine has left, or what the process's control group does, if that is less.
    """
    found = []
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        found.append(int(line.split()[1]) * 1024)
    with contextlib.suppress(OSError, ValueError):
        most = int(Path("/sys/fs/cgroup/memory.max").read_text())
        found.append(most - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    return max(0, min(found)) if found else None


def release_memory() -> None:
    """Give memory that is not in use back to the system, where the C library can.

    Otherwise it keeps what large pictures have left behind, in pieces too small for the next ones.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)

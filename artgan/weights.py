"""Weights in and out of modules and optimizers, compared before they are taken over."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn, optim

from artgan.api import CheckpointError
from artgan.screen import safe

__all__ = ["load_state", "optimizer_tensors", "restore_optimizer", "under"]


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def load_state(module: nn.Module, tensors: Mapping[str, Tensor], what: str) -> None:
    """Load tensors into a module after comparing names, shapes and types.

    Raises:
        CheckpointError: they differ; names the first tensor that does.
    """
    own = module.state_dict()
    for name in sorted({*own, *tensors}):
        if name not in tensors:
            raise CheckpointError(f"{what}: tensor {safe(name)} is missing")
        if name not in own:
            raise CheckpointError(f"{what}: tensor {safe(name)} is none of this architecture's")
        wanted, found = own[name], tensors[name]
        if wanted.shape != found.shape or wanted.dtype != found.dtype:
            raise CheckpointError(
                f"{what}: tensor {safe(name)} is {found.dtype} {tuple(found.shape)}, "
                f"expected {wanted.dtype} {tuple(wanted.shape)}"
            )
    module.load_state_dict(dict(tensors))


def optimizer_tensors(optimizer: optim.Optimizer) -> dict[str, Tensor]:
    """Return what an optimizer remembers, "parameter.key" -> tensor."""
    return {
        f"{index}.{key}": value
        for index, entry in optimizer.state_dict()["state"].items()
        for key, value in entry.items()
    }


def restore_optimizer(optimizer: optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimizer back what `optimizer_tensors` returned.

    Raises:
        CheckpointError: it is for other parameters.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, key = name.partition(".")
        if not (number.isdecimal() and key) or int(number) >= len(parameters):
            raise CheckpointError(
                f"optimizers.safetensors: {safe(name)} is of none of {len(parameters)} parameters"
            )
        own = parameters[int(number)]
        wanted = torch.Size() if key == "step" else own.shape
        if tensor.shape != wanted:
            raise CheckpointError(
                f"optimizers.safetensors: {safe(name)} is {tuple(tensor.shape)}, "
                f"expected {tuple(wanted)}"
            )
        if key != "step":
            # fused steps walk through memory: it has to be laid out as the parameter is
            tensor = torch.empty_like(own, requires_grad=False).copy_(tensor)
        state.setdefault(int(number), {})[key] = tensor  # no entry: it never had a gradient
    saved = optimizer.state_dict()
    optimizer.load_state_dict({"state": state, "param_groups": saved["param_groups"]})

"""Imports torchvision beside a PyTorch whose build lacks torchvision's compiled operators."""

from __future__ import annotations

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

# torchvision registers shape rules for these at import, which fails where they are undeclared;
# nothing here detects boxes, so a declaration without a kernel is enough.
_library = torch.library.Library("torchvision", "FRAGMENT")


def _declare() -> None:
    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            _library.define(schema)


try:
    import torchvision  # noqa: F401  a complete build needs no help
except RuntimeError:
    import sys

    for module in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[module]
    _declare()

from torchvision import datasets, transforms  # noqa: E402  after the declarations

__all__ = ["datasets", "transforms"]
